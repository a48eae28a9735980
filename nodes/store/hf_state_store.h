/*  hf_state_store.h - the lock state on disk: rows of (key, value) in DIR/state.db.
 *
 *  What the rows mean is hf_state.h's business. One connection, WAL mode, synchronous=FULL; every
 *  row carries a checksum of its key and value, and the table's row count and a sum over all
 *  row checksums are kept beside it in the same transaction, so that a missing row is found.
 *  The file actor owns it. Errors as in hf_log_store.h.
 */
#ifndef HF_STATE_STORE_H_INCLUDED
#define HF_STATE_STORE_H_INCLUDED

#include "nodes/store/hf_log_store.h"

typedef struct hf_state_store hf_state_store_t;

hf_state_store_t *hf_state_store_open (const char *dir, char *error);
void hf_state_store_close (hf_state_store_t **self_p);
const char *hf_state_store_error (const hf_state_store_t *self);

/*  Every row, once, in the order of keys; the spans are valid during the call. FN gives false to
 *  refuse a row: the store is damaged, and reading ends. 0 or -1 (also: a checksum does not match).
 */
typedef bool (hf_state_row_fn) (void *arg, hf_span_t key, hf_span_t value);
int hf_state_store_read (hf_state_store_t *self, hf_state_row_fn *fn, void *arg);

/*  The same in pages: the first one (BEGIN), or what comes behind the last page. STATE_ROWs go into
 *  ROWS, some BYTES of them, at least one if there is one. *more: there may be more. No write comes
 *  between the pages of one reading. 0 or -1. */
int hf_state_store_page (hf_state_store_t *self, bool begin, size_t bytes, hf_pack_t *rows,
                         bool *more);

/*  One transaction: apply STATE_CHANGE records in order and commit. INDEX: the applied index that
 *  they lead to; kept beside the rows. 0 or -1. */
int hf_state_store_write (hf_state_store_t *self, uint64_t index, hf_list_t changes);

/*  The INDEX of the last write that is on disk; 0 before the first. */
uint64_t hf_state_store_index (const hf_state_store_t *self);

#endif
