/*  hf_waiter.h - one blocking call, shared by its caller and the client's thread. */
#ifndef HF_WAITER_H_INCLUDED
#define HF_WAITER_H_INCLUDED

#include "client/core/hf_client_core.h"
#include <pthread.h>
#include <time.h>

typedef struct hf_waiter hf_waiter_t;

/*  A mutex with a condition on the clock that hf_wait uses. */
void hf_wait_init (pthread_mutex_t *mutex, pthread_cond_t *cond);
/*  When a wait of LIMIT_MS that begins now ends. */
struct timespec hf_wait_until (uint64_t limit_ms);
/*  Wait for a signal: false when UNTIL has passed, which LIMIT_MS HF_FOREVER turns off. */
bool hf_wait (pthread_mutex_t *mutex, pthread_cond_t *cond, uint32_t limit_ms,
              const struct timespec *until);

/*  With two references: each of hf_waiter_give and hf_waiter_take drops one. */
hf_waiter_t *hf_waiter_new (void);
void hf_waiter_drop (hf_waiter_t *self);

/*  The client's thread: the call is done. False: the caller has gone, and OP is still the giver's.
 */
bool hf_waiter_give (hf_waiter_t *self, hf_op_t *op);

/*  The caller: the op that is done, its own from now on; NULL when LIMIT_MS passed. */
hf_op_t *hf_waiter_take (hf_waiter_t *self, uint32_t limit_ms);

#endif
