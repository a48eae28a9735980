/*  hf_wait.h - waiting for a condition of threads, up to a limit on the monotonic clock.
 */
#ifndef HF_WAIT_H_INCLUDED
#define HF_WAIT_H_INCLUDED

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define HF_WAIT_FOREVER UINT32_MAX

/*  A mutex with a condition on the clock that hf_wait uses. */
void hf_wait_init (pthread_mutex_t *mutex, pthread_cond_t *cond);
void hf_wait_done (pthread_mutex_t *mutex, pthread_cond_t *cond);

/*  When a wait of LIMIT_MS that begins now ends. */
struct timespec hf_wait_until (uint64_t limit_ms);

/*  With the mutex held: wait for a signal. False when UNTIL has passed, which LIMIT_MS
 *  HF_WAIT_FOREVER turns off. */
bool hf_wait (pthread_mutex_t *mutex, pthread_cond_t *cond, uint32_t limit_ms,
              const struct timespec *until);

#endif
