/*  hf_wait.h - the one place in the tests where time is let pass.
 *
 *  Nothing sleeps for a guess: a test waits until a condition holds, and says how long
 *  that may take at most. Limits are generous, since a wait ends when the condition holds.
 */
#ifndef HF_WAIT_H_INCLUDED
#define HF_WAIT_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  Milliseconds of a monotonic clock. */
uint64_t hf_wait_now_ms (void);

typedef bool (hf_condition_fn) (void *arg);

/*  Ask CONDITION again and again until it is true or LIMIT_MS have passed; it is asked once at
 *  least. Gives its last answer. */
bool hf_wait_for (hf_condition_fn *condition, void *arg, uint32_t limit_ms);

/*  Whether CONDITION stays false for all of DURATION_MS: for what must NOT happen. */
bool hf_wait_never (hf_condition_fn *condition, void *arg, uint32_t duration_ms);

#endif
