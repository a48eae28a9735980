/*  hf_latch.h - who waits goes on when so many have counted down, once and for all.
 *
 *  Each count is a line of the replicated file NAME, so it stays when its party, or every node, is
 *  started again; a name serves for one countdown. A handle is used by one thread at a time. All
 *  calls block, so none may come from a callback. Statuses are those of hf_acquire, hf_append,
 *  hf_release and hf_read.
 */
#ifndef HF_LATCH_H_INCLUDED
#define HF_LATCH_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_latch hf_latch_t;

/*  Opens after COUNT counts, 1 and up. NAME, of a lock and a file, is copied and checked when it is
 *  used. CLIENT and SESSION must live longer; SESSION may be NULL for who only waits. NULL: another
 *  argument is, or COUNT is 0. */
hf_latch_t *hf_latch_new (hf_client_t *client, hf_session_t *session, const char *name,
                          uint64_t count);
void hf_latch_destroy (hf_latch_t **self_p);

/*  Count once. HF_OK: it is counted, and durable. HF_TIMEOUT, HF_UNDECIDED: it may be counted, or
 *  not. Others: it is not. HF_INVALID: without a session. Counts beyond the last do no harm. */
hf_status_t hf_latch_count_down (hf_latch_t *self, uint32_t limit_ms);

/*  How many counts are missing. */
hf_status_t hf_latch_left (hf_latch_t *self, uint64_t *left, uint32_t limit_ms);

/*  HF_OK: none is missing. HF_TIMEOUT. HF_INVALID: of a client with the option `dispatch`. */
hf_status_t hf_latch_wait (hf_latch_t *self, uint32_t limit_ms);

#ifdef __cplusplus
}
#endif

#endif
