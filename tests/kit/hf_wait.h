/*  hf_wait.h - the only place in the tests that lets time pass.
 *
 *  No test sleeps for a guessed time: it waits until a condition holds, with a limit. Limits are
 *  generous, since a wait ends as soon as the condition holds.
 */
#ifndef HF_KIT_WAIT_H_INCLUDED
#define HF_KIT_WAIT_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  Milliseconds of a monotonic clock. */
uint64_t hf_wait_now_ms (void);

/*  A few milliseconds pass; false, at once, when it is END_MS or later. */
bool hf_wait_pause (uint64_t end_ms);

/*  Evaluate CONDITION until it is true or LIMIT_MS have passed, once at least. Its last value. */
#define HF_WAIT(condition, limit_ms)                                                               \
    __extension__({                                                                                \
        uint64_t hf_wait_end_ms = hf_wait_now_ms () + (limit_ms);                                  \
        bool hf_wait_met;                                                                          \
        do                                                                                         \
            hf_wait_met = (condition);                                                             \
        while (!hf_wait_met && hf_wait_pause (hf_wait_end_ms));                                    \
        hf_wait_met;                                                                               \
    })

/*  Whether CONDITION stays false for all of DURATION_MS: for what must NOT happen. */
#define HF_WAIT_NEVER(condition, duration_ms) (!HF_WAIT (condition, duration_ms))

#endif
