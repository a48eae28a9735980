/*  hf_snapshot_send.h - a snapshot as its sender has it, cut into parts.
 *
 *  The head and the rows are held in memory; the bytes of the files are read when they are asked
 *  for. Files only grow, so the snapshot stays the same while the node goes on.
 */
#ifndef HF_SNAPSHOT_SEND_H_INCLUDED
#define HF_SNAPSHOT_SEND_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_snapshot_send hf_snapshot_send_t;

/*  The state as of (HEAD.index, HEAD.term), with the files as of HEAD.section; HEAD's rows_size and
 *  rows_sum are worked out here. HEAD and ROWS, STATE_ROW records, are copied. */
hf_snapshot_send_t *hf_snapshot_send_new (const hf_state_head_t *head, hf_span_t rows);
void hf_snapshot_send_destroy (hf_snapshot_send_t **self_p);

//  Bytes of the whole snapshot; as of which entry it is.
uint64_t hf_snapshot_send_total (const hf_snapshot_send_t *self);
uint64_t hf_snapshot_send_index (const hf_snapshot_send_t *self);
uint64_t hf_snapshot_send_term (const hf_snapshot_send_t *self);

/*  At most LIMIT bytes of file NAME from OFFSET on, into a buffer that is freed with free (). */
typedef int (hf_snapshot_file_fn) (void *arg, hf_span_t name, uint64_t offset, uint32_t limit,
                                   uint8_t **bytes, size_t *size, uint64_t *total);

/*  Bytes of the snapshot from OFFSET on, at most LIMIT (not 0) and at most HF_DATA_MAX, into a
 *  buffer that the caller frees. They end at the border of a piece (head, rows, a file), so there
 *  may be fewer, but at least one; none, NULL, at the end and beyond it: an OFFSET from another
 *  node needs no check. */
uint8_t *hf_snapshot_send_read (const hf_snapshot_send_t *self, uint64_t offset, uint32_t limit,
                                hf_snapshot_file_fn *file, void *arg, size_t *size);

#endif
