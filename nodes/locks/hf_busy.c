//  The busiest locks (hf_busy.h).
#include "nodes/locks/hf_busy.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <string.h>

#define HALVE_US 60000000

static void
s_halve (hf_busy_t *self, uint64_t now_us)
{
    if (now_us < self->halved_us + HALVE_US || HF_MUTANT (busy_for_life))
        return;
    self->halved_us = now_us;
    for (size_t i = 0; i < HF_BUSY_LOCKS; i++)
        self->locks[i].score /= 2;
}

/*  Of equal names the hashes are equal; two names with one hash share a place. */
static hf_busy_lock_t *
s_find (hf_busy_t *self, uint64_t hash)
{
    for (size_t i = 0; i < HF_BUSY_LOCKS; i++)
        if (self->locks[i].hash == hash && self->locks[i].size > 0)
            return &self->locks[i];
    return NULL;
}

static hf_busy_lock_t *
s_replace (hf_busy_t *self, hf_span_t name, uint64_t hash)
{
    hf_busy_lock_t *least = &self->locks[0];
    for (size_t i = 1; i < HF_BUSY_LOCKS; i++)
        if (self->locks[i].score < least->score)
            least = &self->locks[i];
    assert (name.size > 0 && name.size <= sizeof least->name);
    *least = (hf_busy_lock_t){.hash = hash, .score = least->score, .size = (uint8_t)name.size};
    memcpy (least->name, name.at, name.size);
    return least;
}

void
hf_busy_held (hf_busy_t *self, hf_span_t name, uint64_t hash, uint64_t hold_us, uint64_t now_us)
{
    s_halve (self, now_us);
    hf_busy_lock_t *lock = s_find (self, hash);
    if (!lock && HF_MUTANT (newcomers_lose) && self->locks[HF_BUSY_LOCKS - 1].size > 0)
        return;
    if (!lock)
        lock = s_replace (self, name, hash);
    lock->score++;
    lock->holds++;
    lock->hold_us += hold_us;
}

void
hf_busy_waited (hf_busy_t *self, uint64_t hash, uint64_t wait_us)
{
    hf_busy_lock_t *lock = s_find (self, hash);
    if (lock)
        lock->wait_us += wait_us;
}

void
hf_busy_rows (const hf_busy_t *self, hf_pack_t *rows)
{
    for (size_t i = 0; i < HF_BUSY_LOCKS; i++) {
        const hf_busy_lock_t *lock = &self->locks[i];
        if (lock->holds >= HF_BUSY_LEAST)
            hf_busy_row_put (rows, &(hf_busy_row_t){.lock = hf_span (lock->name, lock->size),
                                                    .holds = lock->holds,
                                                    .wait_us = lock->wait_us,
                                                    .hold_us = lock->hold_us});
    }
}
