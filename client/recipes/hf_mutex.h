/*  hf_mutex.h - a lock that its holder may take again: it is free after as many unlocks as locks.
 *
 *  The owner is the session, and each session has one handle for one name. A handle is used by one
 *  thread at a time; threads of one session do not exclude each other: give each a session. All
 *  calls block, so none may come from a callback. Statuses are those of hf_acquire and hf_release.
 */
#ifndef HF_MUTEX_H_INCLUDED
#define HF_MUTEX_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_mutex hf_mutex_t;

/*  NAME is copied and checked when it is used. SESSION must live longer. NULL: an argument is. */
hf_mutex_t *hf_mutex_new (hf_session_t *session, const char *name);
/*  Frees the handle. What is locked stays locked until its session ends. */
void hf_mutex_destroy (hf_mutex_t **self_p);

/*  Waits up to LIMIT_MS; 0: does not wait, HF_NOT_GRANTED. GRANT (may be NULL): its token is the
 *  same until the last unlock. HF_LOST: it was locked already and the session's lease has run out;
 *  unlock as often as it was locked, then it can be locked again. */
hf_status_t hf_mutex_lock (hf_mutex_t *self, uint32_t limit_ms, hf_grant_t *grant);

/*  HF_NOT_HOLDER: it is not locked. HF_LOST: it is unlocked, but others may have had it meanwhile;
 *  what was appended is void. HF_TIMEOUT: unlocking goes on in the background. HF_INVALID,
 *  HF_LIMIT: it is locked as before. */
hf_status_t hf_mutex_unlock (hf_mutex_t *self, uint32_t limit_ms);

/*  How many unlocks are missing; 0: it is not locked. */
uint32_t hf_mutex_depth (const hf_mutex_t *self);

#ifdef __cplusplus
}
#endif

#endif
