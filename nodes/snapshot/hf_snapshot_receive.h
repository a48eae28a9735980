/*  hf_snapshot_receive.h - which parts of a snapshot its receiver takes.
 *
 *  Parts are taken in order, of one snapshot of one sender. A part that came twice, or after one
 *  that was lost, is dropped: the receiver asks again. A sender that forgot the snapshot, or has a
 *  newer one, begins another one from its start.
 */
#ifndef HF_SNAPSHOT_RECEIVE_H_INCLUDED
#define HF_SNAPSHOT_RECEIVE_H_INCLUDED

#include "msgs/hf_msg.h"

/*  All zero: nothing has come yet. */
typedef struct hf_snapshot_receive {
    uint64_t id; //  of the snapshot; 0: not begun
    uint64_t total;
    uint64_t have; //  bytes, from the start
} hf_snapshot_receive_t;

typedef enum hf_received {
    HF_RECEIVED_NOTHING, //  the part is dropped
    HF_RECEIVED_FIRST,   //  another snapshot begins with it: what is there of an earlier one goes
    HF_RECEIVED_MORE,    //  its bytes go behind what is there
} hf_received_t;

/*  Take a PART of the sender that is asked: any fields. With FIRST and MORE, have and total are
 *  those after it; the snapshot is whole when they are equal. */
hf_received_t hf_snapshot_receive_part (hf_snapshot_receive_t *self, const hf_state_part_t *part);

#endif
