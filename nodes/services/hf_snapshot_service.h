/*  hf_snapshot_service.h - both ends of a state transfer, as a part of the file service.
 *
 *  A node too far behind pulls its leader's whole state, as of one (index, term), as a snapshot:
 *  it asks for a window, gets it in parts, and asks for the next. Neither end keeps anything that
 *  a lost message could break: the receiver asks again, the sender reads any part again. What the
 *  receiver's own files have is not sent: it copies that, and the checksums tell whether it fits.
 * The sender makes one snapshot for all who ask while it is fresh.
 */
#ifndef HF_SNAPSHOT_SERVICE_H_INCLUDED
#define HF_SNAPSHOT_SERVICE_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/services/hf_making.h"
#include "nodes/snapshot/hf_snapshot_format.h"

/*  A part of the snapshot that this node has: the first SIZE bytes of its file NAME, as long as
 * files only grow. */
typedef struct hf_own {
    uint64_t at; //  in the snapshot
    uint64_t size;
    hf_span_t name;
} hf_own_t;

typedef struct hf_snapshot_service {
    const hf_file_config_t *config;
    const hf_file_disk_t *disk;
    hf_outbox_t *out;

    //  Receiving.
    uint32_t leader; //  whose state is received; 0: nobody's
    uint64_t term;   //  of that leader
    hf_snapshot_receive_t receive;
    uint64_t window_end; //  of what was asked for
    uint64_t ask_us;     //  when to ask again
    uint64_t index;      //  of the snapshot
    bool opened;         //  its head is here, in COMING
    hf_snapshot_t coming;
    HF_ARRAY (hf_own_t) own; //  what need not be sent
    size_t copied;           //  of these
    uint64_t copied_bytes;
    bool all;   //  everything must be sent: what this node had did not fit once
    bool whole; //  it is checked, and waits to be made durable
    bool ready; //  it is durable: the process ends soon

    //  Sending.
    hf_snapshot_send_t *send;
    uint64_t send_id;
    uint64_t made_us, asked_us;
    uint64_t whole_us;  //  when all of it was read
    hf_making_t making; //  the next one
    uint64_t begun_us;  //  when its rows were as they are in it
    uint32_t node;      //  that it is made for, and perhaps others
    hf_pack_t files;    //  its FILE_ROWs
    uint64_t section;
    hf_state_ask_t waiting[HF_MEMBERS_MAX]; //  for it, or for A_SNAPSHOT, with which it begins
    uint32_t waiting_count;
} hf_snapshot_service_t;

/*  CONFIG, DISK and OUT must outlive it; it must stay where it is. */
void hf_snapshot_service_init (hf_snapshot_service_t *self, const hf_file_config_t *config,
                               const hf_file_disk_t *disk, hf_outbox_t *out);
void hf_snapshot_service_done (hf_snapshot_service_t *self);

/*  A_NEEDS_STATE, STATE_PART, STATE_ASK, A_SNAPSHOT. WRITTEN: the last section that was appended.
 */
void hf_snapshot_service_needs (hf_snapshot_service_t *self, const hf_a_needs_state_t *needs,
                                uint64_t now_us);
void hf_snapshot_service_part (hf_snapshot_service_t *self, const hf_state_part_t *part,
                               uint64_t now_us);
void hf_snapshot_service_asked (hf_snapshot_service_t *self, const hf_state_ask_t *ask,
                                uint64_t written, uint64_t now_us);
void hf_snapshot_service_begin (hf_snapshot_service_t *self, const hf_a_snapshot_t *snapshot,
                                uint64_t written, uint64_t now_us);

/*  self->making has become WHOLE, which is the service's from here on. */
void hf_snapshot_service_made (hf_snapshot_service_t *self, hf_snapshot_send_t *whole,
                               uint64_t now_us);

/*  The received snapshot, whole, is durable. */
void hf_snapshot_service_durable (hf_snapshot_service_t *self);

/*  Timers, and when they are due next. */
void hf_snapshot_service_tick (hf_snapshot_service_t *self, uint64_t now_us);
uint64_t hf_snapshot_service_wake_us (const hf_snapshot_service_t *self);

#endif
