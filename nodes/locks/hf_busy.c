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
    self->least /= 2;
    for (size_t i = 0; i < HF_BUSY_LOCKS; i++)
        self->scores[i] /= 2;
}

/*  Of equal names the hashes are equal; two names with one hash share a place. HF_BUSY_LOCKS: none.
 */
static size_t
s_find (const hf_busy_t *self, uint64_t hash)
{
    size_t at = 0;
    while (at < HF_BUSY_LOCKS && !(self->hashes[at] == hash && self->locks[at].size > 0))
        at++;
    return at;
}

/*  A place with the lowest score. Scores only rise until they are halved, so it is looked for from
 *  where the last one was. */
static size_t
s_lowest (hf_busy_t *self)
{
    for (;;) {
        uint64_t least = UINT64_MAX;
        for (size_t i = 0; i < HF_BUSY_LOCKS; i++) {
            size_t at = self->next;
            self->next = at + 1 < HF_BUSY_LOCKS ? at + 1 : 0;
            assert (self->scores[at] >= self->least);
            if (self->scores[at] == self->least)
                return at;
            least = self->scores[at] < least ? self->scores[at] : least;
        }
        self->least = least;
    }
}

static size_t
s_replace (hf_busy_t *self, hf_span_t name, uint64_t hash)
{
    size_t at = s_lowest (self);
    hf_busy_lock_t *lock = &self->locks[at];
    assert (name.size > 0 && name.size <= sizeof lock->name);
    self->hashes[at] = hash;
    lock->holds = lock->wait_us = lock->hold_us = 0;
    lock->size = (uint8_t)name.size;
    memcpy (lock->name, name.at, name.size);
    return at;
}

void
hf_busy_held (hf_busy_t *self, hf_span_t name, uint64_t hash, uint64_t hold_us, uint64_t now_us)
{
    s_halve (self, now_us);
    size_t at = s_find (self, hash);
    if (at == HF_BUSY_LOCKS && HF_MUTANT (newcomers_lose) &&
        self->locks[HF_BUSY_LOCKS - 1].size > 0)
        return;
    if (at == HF_BUSY_LOCKS)
        at = s_replace (self, name, hash);
    self->scores[at]++;
    self->locks[at].holds++;
    self->locks[at].hold_us += hold_us;
}

void
hf_busy_waited (hf_busy_t *self, uint64_t hash, uint64_t wait_us)
{
    size_t at = s_find (self, hash);
    if (at < HF_BUSY_LOCKS)
        self->locks[at].wait_us += wait_us;
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
