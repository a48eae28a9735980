/*  hf_snapshot_format.h - the whole state of a node as a stream of bytes, built and taken apart.
 *
 *  A snapshot (docs/protocol.md) is: 8 bytes, big-endian, the size of the head; the head, a
 *  STATE_HEAD record; rows_size bytes of STATE_ROW records; then the bytes of the files, in the
 *  order of head.files. It comes from another node: nothing in it is trusted before it is checked.
 */
#ifndef HF_SNAPSHOT_FORMAT_H_INCLUDED
#define HF_SNAPSHOT_FORMAT_H_INCLUDED

#include "base/hf_error.h"
#include "msgs/hf_msg.h"

#define HF_SNAPSHOT_PREFIX   8            //  bytes: the size of the head
#define HF_SNAPSHOT_HEAD_MAX (256U << 20) //  bytes of a head: about a million files
#define HF_SNAPSHOT_ROWS_MAX (2U << 30)   //  bytes of rows

/*  Prefix and head. ROWS: the STATE_ROW records, for HEAD's rows_size and rows_sum. */
void hf_snapshot_pack_head (hf_pack_t *pack, const hf_state_head_t *head, hf_span_t rows);

/*  The same, where HEAD has them already; rows_sum is hf_hash of the rows, from 0. */
void hf_snapshot_pack_whole_head (hf_pack_t *pack, const hf_state_head_t *head);

/*  Where the bytes of a snapshot lie. */
typedef struct hf_snapshot_source {
    void *arg;
    const char *name; //  for messages
    uint64_t total;   //  bytes
    /*  Exactly SIZE bytes from OFFSET on. 0, or -1 with ERROR. */
    int (*read) (void *arg, uint64_t offset, uint8_t *bytes, size_t size,
                 char error[HF_ERROR_SIZE]);
} hf_snapshot_source_t;

typedef struct hf_snapshot {
    hf_snapshot_source_t source;
    hf_state_head_t head; //  points into head_bytes
    uint8_t *head_bytes;
    uint64_t rows_at; //  offsets
    uint64_t files_at;
    char error[HF_ERROR_SIZE];
} hf_snapshot_t;

/*  Read and check the head: sizes that add up, valid names in ascending order. SOURCE is copied.
 *  0, or -1 with self->error. End it with hf_snapshot_close in any case. */
int hf_snapshot_open (hf_snapshot_t *self, const hf_snapshot_source_t *source);
void hf_snapshot_close (hf_snapshot_t *self);

/*  Check the rest: every row, the rows' sum, every file's checksum. */
int hf_snapshot_check (hf_snapshot_t *self);

/*  The STATE_ROW records, checked; the caller frees *bytes. */
int hf_snapshot_rows (hf_snapshot_t *self, uint8_t **bytes);

int hf_snapshot_read (hf_snapshot_t *self, uint64_t offset, uint8_t *bytes, size_t size);

/*  What becomes of LOG when the state of HEAD is swapped in beside it: *after. THERE: the term of
 *  the log's own entry, or base, at head->index; 0 when it has none.
 *  False: the log goes on from that state already, so the state is thrown away. */
bool hf_snapshot_swap (const hf_log_state_t *log, const hf_state_head_t *head, uint64_t there,
                       hf_log_state_t *after);

//  ---- parts, as they come in ------------------------------------------------------------
//
//  Parts are taken in order, of one snapshot of one sender. A part that came twice, or after a lost
//  one, is dropped: the receiver asks again. A sender that forgot the snapshot, or has a newer one,
//  begins another one from its start.

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
