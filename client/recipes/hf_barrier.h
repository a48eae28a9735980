/*  hf_barrier.h - N parties go on when all of them have arrived; and, if they like, leave
 *  together, too (a double barrier).
 *
 *  A party arrives with its session: one that dies before the barrier opens is not counted. An
 *  opening is decided once: all N pass, however late they hear of it. Then the next N may arrive: a
 *  name serves for any number of rounds, and never needs anything done between them. Each session
 *  has one handle for one name, used by one thread at a time. All calls block, so none may come
 *  from a callback; with the client's option `dispatch` they give HF_INVALID. Statuses are those of
 *  hf_acquire_as, hf_append, hf_release and hf_read.
 *
 *  It uses the lock NAME (arrivals), the lock NAME.open and the file NAME.open (openings, 21 bytes
 *  each).
 */
#ifndef HF_BARRIER_H_INCLUDED
#define HF_BARRIER_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_BARRIER_PARTIES_MAX 100

typedef struct hf_barrier hf_barrier_t;

/*  For PARTIES, 1 to 100, the same for everybody who uses NAME, which is at most 250 bytes; it is
 *  copied and checked when it is used. CLIENT, of the SESSION, and SESSION must live longer. NULL:
 *  an argument is, or PARTIES is out of range. */
hf_barrier_t *hf_barrier_new (hf_client_t *client, hf_session_t *session, const char *name,
                              uint32_t parties);
/*  Frees the handle. Who is inside stays there until its session ends. */
void hf_barrier_destroy (hf_barrier_t **self_p);

/*  Arrive, wait until all have, and go. HF_TIMEOUT and others: it has not passed and is counted no
 *  more, unless the barrier opened in this very moment. HF_LOST: its session ended. */
hf_status_t hf_barrier_wait (hf_barrier_t *self, uint32_t limit_ms);

/*  The double barrier. Enter: the same, and stay inside. HF_OVERLAP: it is inside. */
hf_status_t hf_barrier_enter (hf_barrier_t *self, uint32_t limit_ms);
/*  Leave, and wait until all that entered together have left, or died. HF_NOT_HOLDER: it is not
 *  inside. HF_TIMEOUT and others: it has left; call it again to go on waiting. HF_LOST: its session
 *  ended while it was inside; for the others it has left. */
hf_status_t hf_barrier_leave (hf_barrier_t *self, uint32_t limit_ms);

#ifdef __cplusplus
}
#endif

#endif
