/*  hf_timers.h - a heap of times: what is due first, and when.
 *
 *  A timer is embedded in what it wakes; the heap holds pointers. Pure: time is a
 *  number that the caller gives. Not thread-safe.
 */
#ifndef HF_TIMERS_H_INCLUDED
#define HF_TIMERS_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_NEVER UINT64_MAX

typedef struct hf_timer {
    uint64_t at_us;
    size_t slot; //  place in the heap, from 1; 0: not set
    int kind;    //  of the caller: what the timer is embedded in
} hf_timer_t;

typedef struct hf_timers {
    hf_timer_t **heap;
    size_t count;
    size_t room;
} hf_timers_t;

void hf_timers_init (hf_timers_t *self);
void hf_timers_done (hf_timers_t *self);

/*  Set or move a timer; HF_NEVER clears it. */
void hf_timers_set (hf_timers_t *self, hf_timer_t *timer, uint64_t at_us);
void hf_timers_clear (hf_timers_t *self, hf_timer_t *timer);

/*  HF_NEVER when none is set. */
uint64_t hf_timers_due_us (const hf_timers_t *self);

/*  The earliest timer that is due, cleared; NULL when none is. */
hf_timer_t *hf_timers_take (hf_timers_t *self, uint64_t now_us);

#endif
