/*  hf_semaphore.h - so many units of something, taken and given back.
 *
 *  First come, first served, whatever the number of units. The owner is the session, and each
 *  session has one handle for one name, used by one thread at a time. All calls block, so none may
 *  come from a callback. Statuses are those of hf_acquire_as and hf_release.
 */
#ifndef HF_SEMAPHORE_H_INCLUDED
#define HF_SEMAPHORE_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_semaphore hf_semaphore_t;

/*  LIMIT: how many units there are, 1 and up; the same for everybody who uses NAME at one time.
 *  NAME is copied and checked when it is used. SESSION must live longer. NULL: an argument is, or
 *  LIMIT is 0. */
hf_semaphore_t *hf_semaphore_new (hf_session_t *session, const char *name, uint32_t limit);
/*  Frees the handle. What was taken stays taken until its session ends. */
void hf_semaphore_destroy (hf_semaphore_t **self_p);

/*  Take UNITS, 1 to the limit, at once. HF_OVERLAP: some were taken and not given back.
 *  HF_CONFLICT: others use another limit. LIMIT_MS 0: does not wait. GRANT may be NULL. */
hf_status_t hf_semaphore_take (hf_semaphore_t *self, uint32_t units, uint32_t limit_ms,
                               hf_grant_t *grant);

/*  Give back what was taken. HF_NOT_HOLDER: nothing was. HF_LOST: it had been given to others
 *  already. HF_TIMEOUT: giving back goes on in the background. HF_INVALID, HF_LIMIT: nothing
 *  changed. */
hf_status_t hf_semaphore_give (hf_semaphore_t *self, uint32_t limit_ms);

#ifdef __cplusplus
}
#endif

#endif
