/*  hf_snapshot_send.h - a snapshot as its sender has it: made in steps, then cut into parts.
 *
 *  The head and the rows are held in memory; the bytes of the files are read when they are asked
 *  for. Files only grow, so the snapshot stays the same while the node goes on.
 */
#ifndef HF_SNAPSHOT_SEND_H_INCLUDED
#define HF_SNAPSHOT_SEND_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_snapshot_send hf_snapshot_send_t;

/*  The state as of (HEAD.index, HEAD.term), with the files as of HEAD.section, and no row yet;
 * HEAD's rows_size and rows_sum are worked out here. HEAD is copied. */
hf_snapshot_send_t *hf_snapshot_send_new (const hf_state_head_t *head);
void hf_snapshot_send_destroy (hf_snapshot_send_t **self_p);

/*  Add STATE_ROW records, which are copied. Not after the first hf_snapshot_send_seal. */
void hf_snapshot_send_rows (hf_snapshot_send_t *self, hf_span_t rows);

/*  All rows were added: work out their sum, some megabytes of it in each call. True when that is
 *  done; only then may it be read. */
bool hf_snapshot_send_seal (hf_snapshot_send_t *self);

//  Bytes of the whole snapshot; as of which entry it is.
uint64_t hf_snapshot_send_total (const hf_snapshot_send_t *self);
uint64_t hf_snapshot_send_index (const hf_snapshot_send_t *self);
uint64_t hf_snapshot_send_term (const hf_snapshot_send_t *self);

/*  At most LIMIT bytes of file NAME from OFFSET on, into a buffer that is freed with free (). */
typedef int (hf_snapshot_file_fn) (void *arg, hf_span_t name, uint64_t offset, uint32_t limit,
                                   uint8_t **bytes, size_t *size, uint64_t *total);

/*  Bytes of the snapshot from OFFSET on, at most LIMIT (not 0) and at most HF_DATA_MAX, into a
 *  buffer that the caller frees. They end at the border of a piece (head, a block of rows, a file),
 * so there may be fewer, but at least one; none, NULL, at the end and beyond it: an OFFSET from
 * another node needs no check. */
uint8_t *hf_snapshot_send_read (const hf_snapshot_send_t *self, uint64_t offset, uint32_t limit,
                                hf_snapshot_file_fn *file, void *arg, size_t *size);

#endif
