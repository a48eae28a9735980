/*  hf_pulse.h - whether an actor still turns.
 *
 *  It counts its turns, of which it makes at least one a second (hf_pipe_wait_ms); whoever watches
 *  over it looks whether the count moves. A message that it answers would do as well, and cost a
 *  system call. Lives in the actor's args, which are main's.
 */
#ifndef HF_PULSE_H_INCLUDED
#define HF_PULSE_H_INCLUDED

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_pulse {
    _Atomic uint32_t turns; //  the actor's
    uint32_t seen;          //  the watcher's
} hf_pulse_t;

/*  In the actor's thread: top -H and debuggers show NAME, of at most 15 letters. */
static inline void
hf_pulse_name (const char *name)
{
    pthread_setname_np (pthread_self (), name);
}

static inline void
hf_pulse_beat (hf_pulse_t *self)
{
    atomic_fetch_add_explicit (&self->turns, 1, memory_order_relaxed);
}

static inline bool
hf_pulse_moved (const hf_pulse_t *self)
{
    return atomic_load_explicit (&self->turns, memory_order_relaxed) != self->seen;
}

static inline void
hf_pulse_see (hf_pulse_t *self)
{
    self->seen = atomic_load_explicit (&self->turns, memory_order_relaxed);
}

#endif
