//  The ring of answers (hf_replies.h).
#include "nodes/locks/hf_replies.h"
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdlib.h>

#define ROOM_MIN 2 //  most sessions ask for one thing after the other
//  An empty ring larger than this is freed, so that a burst does not keep its memory.
#define ROOM_KEPT 64

void
hf_replies_init (hf_replies_t *self)
{
    *self = (hf_replies_t){.floor = 1};
}

void
hf_replies_done (hf_replies_t *self)
{
    free (self->ring);
    hf_replies_init (self);
}

static hf_answer_t *
s_slot (const hf_replies_t *self, uint64_t seq)
{
    return &self->ring[seq & (self->room - 1)];
}

static void
s_forget (hf_replies_t *self, hf_answer_t *slot)
{
    if (slot->seq != 0) {
        slot->seq = 0;
        self->count--;
    }
}

void
hf_replies_raise (hf_replies_t *self, uint64_t floor)
{
    if (floor <= self->floor)
        return;
    uint64_t passed = floor - self->floor + (HF_MUTANT (replies_forgotten) ? 2 : 0);
    //  All answers lie within one turn of the ring, so the loop ends however far the floor jumps.
    for (uint64_t i = 0; i < passed && self->count > 0; i++)
        s_forget (self, s_slot (self, self->floor + i));
    self->floor = floor;
    if (self->count == 0 && self->room > ROOM_KEPT) {
        free (self->ring);
        self->ring = NULL;
        self->room = 0;
    }
}

uint32_t
hf_replies_weight (const hf_replies_t *self)
{
    return self->room > ROOM_KEPT ? self->room : self->count;
}

static hf_seq_state_t
s_state (const hf_replies_t *self, uint64_t seq)
{
    if (seq < self->floor)
        return HF_SEQ_STALE;
    uint64_t ahead = seq - self->floor;
    if (ahead >= HF_WINDOW_MAX)
        return HF_SEQ_BEYOND;
    return ahead < self->room && s_slot (self, seq)->seq == seq ? HF_SEQ_KNOWN : HF_SEQ_NEW;
}

hf_seq_state_t
hf_replies_state (const hf_replies_t *self, uint64_t seq)
{
    return s_state (self, seq);
}

const hf_answer_t *
hf_replies_find (const hf_replies_t *self, uint64_t seq)
{
    assert (s_state (self, seq) == HF_SEQ_KNOWN);
    return s_slot (self, seq);
}

static void
s_grow (hf_replies_t *self, uint64_t ahead)
{
    hf_replies_t before = *self;
    uint32_t room = before.room > 0 ? before.room : ROOM_MIN;
    while (room <= ahead)
        room *= 2;
    self->ring = hf_alloc (room * sizeof (*self->ring));
    self->room = room;
    for (uint32_t i = 0; i < before.room; i++)
        if (before.ring[i].seq != 0)
            *s_slot (self, before.ring[i].seq) = before.ring[i];
    free (before.ring);
}

void
hf_replies_keep (hf_replies_t *self, const hf_answer_t *answer)
{
    assert (s_state (self, answer->seq) == HF_SEQ_NEW);
    uint64_t ahead = answer->seq - self->floor;
    if (ahead >= self->room)
        s_grow (self, ahead);
    hf_answer_t *slot = s_slot (self, answer->seq);
    assert (slot->seq == 0);
    *slot = *answer;
    self->count++;
}

void
hf_replies_check (const hf_replies_t *self)
{
    assert (self->floor >= 1);
    assert (self->room <= HF_WINDOW_MAX && (self->room & (self->room - 1)) == 0);
    assert ((self->room == 0) == (self->ring == NULL));
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->room; i++) {
        uint64_t seq = self->ring[i].seq;
        if (seq == 0)
            continue;
        assert (seq >= self->floor && seq - self->floor < self->room);
        assert ((seq & (self->room - 1)) == i);
        count++;
    }
    assert (count == self->count);
}
