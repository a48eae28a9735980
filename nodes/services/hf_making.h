/*  hf_making.h - a snapshot of this node's whole state, made in steps while the node goes on.
 *
 *  The lock actor writes what changed and says as of which entry the rows on disk are then. Files
 *  are listed at once: they only grow. The rows are read from the disk, a page in each turn, and
 *  hf_file_service.c writes no newer ones until the last page is read: so all pages are as of that
 *  entry. Nobody waits for rows to be written, but that the log in memory and the changed rows are
 *  bounded (P12): see hf_lock_credit.
 */
#ifndef HF_MAKING_H_INCLUDED
#define HF_MAKING_H_INCLUDED

#include "nodes/services/hf_file_service.h"
#include "nodes/snapshot/hf_snapshot_send.h"

/*  All zero: none is made. */
typedef struct hf_making {
    hf_snapshot_send_t *send; //  as far as it is; NULL: none is made
    uint64_t index;           //  as of which entry the rows must be
    bool begun;               //  the first page is read
    bool read;                //  and the last one
} hf_making_t;

/*  Begin one, with the files of HEAD, and the rows as of its index. None is made yet. */
void hf_making_begin (hf_making_t *self, const hf_state_head_t *head);
void hf_making_done (hf_making_t *self);

/*  Whether rows as of INDEX must wait until this one's are read. */
bool hf_making_holds (const hf_making_t *self, uint64_t index);

/*  The rows on disk are as of self->index: read a page of some BYTES, or work out some of their
 *  sum. The snapshot, which is the caller's then, when it is whole; else NULL. */
hf_snapshot_send_t *hf_making_step (hf_making_t *self, const hf_file_disk_t *disk, size_t bytes);

#endif
