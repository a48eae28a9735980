/*  hf_outgoing.h - a state stream as its sender has it (the format: hf_install.h).
 *
 *  The head and the rows are held in memory; the bytes of the files are read from the file store
 *  as they are asked for. Files only grow, so the stream stays the same while the node goes on.
 *  Any number may be open at a time; the file store must outlive them. The file actor owns them.
 */
#ifndef HF_OUTGOING_H_INCLUDED
#define HF_OUTGOING_H_INCLUDED

#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"

typedef struct hf_outgoing hf_outgoing_t;

/*  The state as of (HEAD.index, HEAD.term), with HEAD.roster and HEAD.section as the lock actor
 *  gave them. HEAD.files: what hf_file_store_all_rows gives while hf_file_store_written is
 *  HEAD.section. HEAD is copied; its rows_size and rows_sum are worked out here.
 *  ROWS: STATE_ROW records, owned from here on and freed with free (); may be NULL when
 *  ROWS_SIZE is 0. */
hf_outgoing_t *hf_outgoing_new (const hf_state_head_t *head, uint8_t *rows, size_t rows_size,
                                hf_file_store_t *store);
void hf_outgoing_destroy (hf_outgoing_t **self_p);

/*  The bytes of the whole stream. */
uint64_t hf_outgoing_total (const hf_outgoing_t *self);
//  As of which entry it is.
uint64_t hf_outgoing_index (const hf_outgoing_t *self);
uint64_t hf_outgoing_term (const hf_outgoing_t *self);

/*  Bytes of the stream from OFFSET on, at most LIMIT (not 0) and at most HF_DATA_MAX, into a buffer
 *  that the caller frees. It ends at the border of a piece (head, rows, a file), so that there may
 *  be fewer, but at least one; none, *bytes NULL, at the end of the stream and beyond it (an OFFSET
 *  from another node needs no check). 0; -1: a disk error, see hf_file_store_error. */
int hf_outgoing_read (hf_outgoing_t *self, uint64_t offset, uint32_t limit, uint8_t **bytes,
                      size_t *size);

#endif
