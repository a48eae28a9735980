/*  hf_rwlock.h - many readers, or one writer.
 *
 *  First come, first served: a reader that comes after a waiting writer waits behind it, so neither
 *  starves. The owner is the session, and each session has one handle for one name, used by one
 *  thread at a time. It is not reentrant. All calls block, so none may come from a callback.
 *  Statuses are those of hf_acquire_as and hf_release.
 */
#ifndef HF_RWLOCK_H_INCLUDED
#define HF_RWLOCK_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_rwlock hf_rwlock_t;

/*  NAME is copied and checked when it is used. SESSION must live longer. NULL: an argument is. */
hf_rwlock_t *hf_rwlock_new (hf_session_t *session, const char *name);
/*  Frees the handle. What is held stays held until its session ends. */
void hf_rwlock_destroy (hf_rwlock_t **self_p);

/*  Read beside others. Whoever writes goes over to reading at once, with nobody in between.
 *  HF_OVERLAP: it reads already. LIMIT_MS 0: does not wait. GRANT may be NULL. */
hf_status_t hf_rwlock_read (hf_rwlock_t *self, uint32_t limit_ms, hf_grant_t *grant);

/*  Write alone. Whoever reads goes on reading until the others have left, then writes, with no
 *  other writer in between; when this fails it reads as before. HF_DEADLOCK: another reader wants
 *  to write, too, and both would wait for each other: unlock, then ask again. HF_OVERLAP: it writes
 *  already. */
hf_status_t hf_rwlock_write (hf_rwlock_t *self, uint32_t limit_ms, hf_grant_t *grant);

/*  HF_NOT_HOLDER: it neither reads nor writes. HF_LOST: it is unlocked, but others may have written
 *  meanwhile. HF_TIMEOUT: unlocking goes on in the background. HF_INVALID, HF_LIMIT: it is held as
 *  before. */
hf_status_t hf_rwlock_unlock (hf_rwlock_t *self, uint32_t limit_ms);

#ifdef __cplusplus
}
#endif

#endif
