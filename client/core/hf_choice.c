//  Which node the client believes to lead, and when to ask around.

#include "client/core/hf_choice.h"
#include <assert.h>
#include <string.h>

#define QUICK_ROUNDS   20 //  rounds at the pace of an election under way, then back off
#define QUICK_LEAST_US 10000
#define QUICK_SPAN_US  30000
#define BACKOFF_MIN_US 20000
#define BACKOFF_MAX_US 1000000
#define REST_FIRST_US  300000 //  who rests puts the first round off by up to this
#define REST_DOUBLED   2

void
hf_choice_init (hf_choice_t *self, const uint32_t *ids, uint32_t count, uint64_t seed)
{
    assert (count > 0 && count <= HF_MEMBERS_MAX);
    memset (self, 0, sizeof *self);
    memcpy (self->id, ids, count * sizeof *ids);
    self->target = self->suspect = -1;
    self->round_at_us = HF_NEVER;
    self->random.state = seed;
}

static uint32_t
s_all_connected (const hf_choice_t *self)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        bits |= self->connected[i] ? 1U << i : 0;
    return bits;
}

/*  From one round to the next at rest: half of it at least, so that rounds are few. */
static uint64_t
s_rest_us (hf_choice_t *self)
{
    uint32_t doubled = self->rests > 2 ? self->rests - 2 : 0;
    uint64_t most = (uint64_t)REST_FIRST_US << (doubled < REST_DOUBLED ? doubled : REST_DOUBLED);
    most = most < BACKOFF_MAX_US ? most : BACKOFF_MAX_US;
    most = most < self->rest_us ? most : self->rest_us;
    return most / 2 + hf_random_below (&self->random, most / 2);
}

static uint64_t
s_delay_us (hf_choice_t *self)
{
    if (self->rest_us > 0)
        return s_rest_us (self);
    if (self->attempt <= QUICK_ROUNDS)
        return QUICK_LEAST_US + hf_random_below (&self->random, QUICK_SPAN_US);
    uint32_t doubled = self->attempt - QUICK_ROUNDS;
    uint64_t most = doubled < 6 ? (uint64_t)BACKOFF_MIN_US << doubled : BACKOFF_MAX_US;
    return QUICK_LEAST_US + hf_random_below (&self->random, most - QUICK_LEAST_US);
}

/*  Trust no node as leader. The first round of a search goes out at once, unless the next tick
 * finds that it rests; later ones are spread. */
static void
s_search (hf_choice_t *self, uint64_t now_us)
{
    self->target = -1;
    self->doubt = false;
    bool first = self->attempt == 0 && self->rests == 0;
    self->round_at_us = first ? now_us : now_us + s_delay_us (self);
}

static void
s_turn_to (hf_choice_t *self, int node)
{
    self->target = node;
    self->round_at_us = HF_NEVER;
    self->probes = 0;
    self->doubt = false;
    self->epoch++;
}

void
hf_choice_add (hf_choice_t *self, uint32_t node, uint32_t id)
{
    assert (node < HF_MEMBERS_MAX && self->id[node] == 0 && id != 0);
    assert (!self->connected[node] && self->refused_term[node] == 0);
    self->id[node] = id;
}

void
hf_choice_remove (hf_choice_t *self, uint32_t node, uint64_t now_us)
{
    hf_choice_broken (self, node, now_us);
    self->id[node] = 0;
}

void
hf_choice_connected (hf_choice_t *self, uint32_t node)
{
    assert (node < HF_MEMBERS_MAX && self->id[node] != 0);
    self->connected[node] = true;
    if (self->target < 0)
        self->probes |= 1U << node;
}

void
hf_choice_broken (hf_choice_t *self, uint32_t node, uint64_t now_us)
{
    assert (node < HF_MEMBERS_MAX && self->id[node] != 0);
    self->connected[node] = false;
    self->refused_term[node] = 0;
    self->probes &= ~(1U << node);
    if (self->suspect == (int)node)
        self->suspect = -1;
    if (self->target == (int)node)
        s_search (self, now_us);
}

/*  The node that a redirect names, when it is worth turning to; else -1. */
static int
s_redirect (const hf_choice_t *self, uint32_t from, uint32_t leader_id, uint64_t term)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX && leader_id != 0; i++) {
        if (self->id[i] != leader_id)
            continue;
        bool fell_silent = self->suspect == (int)i && term <= self->suspect_term;
        bool refused_too = self->refused_term[i] > term;
        return i != from && self->connected[i] && !fell_silent && !refused_too ? (int)i : -1;
    }
    return -1;
}

void
hf_choice_refused (hf_choice_t *self, uint32_t node, uint32_t leader_id, uint64_t term,
                   uint64_t now_us)
{
    assert (node < HF_MEMBERS_MAX && self->id[node] != 0);
    bool newer = term > self->term;
    if (newer)
        self->term = term;
    bool open = self->target < 0 || (self->doubt && newer && self->target != (int)node);
    if (leader_id == self->id[node]) {
        //  It names itself: a node that refused reports that it leads now.
        if (open && self->connected[node])
            s_turn_to (self, (int)node);
        return;
    }
    if (term < UINT64_MAX && term + 1 > self->refused_term[node])
        self->refused_term[node] = term + 1;
    if (!open && self->target != (int)node)
        return;
    int leader = s_redirect (self, node, leader_id, term);
    if (leader >= 0 && leader != self->target)
        s_turn_to (self, leader);
    else if (self->target == (int)node)
        s_search (self, now_us);
}

void
hf_choice_answered (hf_choice_t *self, uint32_t node)
{
    assert (node < HF_MEMBERS_MAX && self->id[node] != 0);
    if (self->target >= 0 && self->target != (int)node && !self->doubt)
        return;
    self->attempt = self->rests = 0;
    self->suspect = -1;
    self->refused_term[node] = 0;
    self->doubt = false;
    if (self->target != (int)node)
        s_turn_to (self, (int)node);
}

void
hf_choice_doubt (hf_choice_t *self)
{
    if (self->target < 0)
        return;
    self->doubt = true;
    self->probes = s_all_connected (self) & ~(1U << self->target);
}

void
hf_choice_silent (hf_choice_t *self, uint64_t now_us)
{
    if (self->target < 0)
        return;
    self->suspect = self->target;
    self->suspect_term = self->term;
    s_search (self, now_us);
}

void
hf_choice_pace (hf_choice_t *self, uint64_t rest_us, uint64_t now_us)
{
    bool rested = self->rest_us > 0;
    self->rest_us = rest_us > QUICK_LEAST_US + QUICK_SPAN_US ? rest_us : 0;
    if (!rested || self->rest_us > 0 || self->target >= 0)
        return;
    //  There is something to do: a round at once, but only so many quick ones in each search. It
    //  counts now: what there is to do may be over before it goes out.
    uint64_t at_us = self->attempt == 0 ? now_us : now_us + s_delay_us (self);
    if (at_us >= self->round_at_us)
        return;
    self->round_at_us = at_us;
    self->attempt += self->attempt > 0;
}

/*  The first round of a search at rest is due. */
static void
s_put_off (hf_choice_t *self, uint64_t now_us)
{
    uint64_t most = self->rest_us < REST_FIRST_US ? self->rest_us : REST_FIRST_US;
    self->rests = 1;
    self->round_at_us =
        now_us + QUICK_LEAST_US + hf_random_below (&self->random, most - QUICK_LEAST_US);
}

uint32_t
hf_choice_tick (hf_choice_t *self, uint64_t now_us)
{
    uint32_t bits = self->probes;
    self->probes = 0;
    if (self->target >= 0)
        return bits;
    bool due = now_us >= self->round_at_us;
    if (due && self->rest_us > 0 && self->rests == 0) {
        s_put_off (self, now_us);
        return bits;
    }
    if (due)
        bits |= s_all_connected (self);
    if (bits != 0) {
        *(self->rest_us > 0 ? &self->rests : &self->attempt) += 1;
        //  At rest one node that connects again and again keeps nobody from asking the others.
        uint64_t at_us = now_us + s_delay_us (self);
        if (due || self->rest_us == 0 || at_us < self->round_at_us)
            self->round_at_us = at_us;
    } else if (now_us >= self->round_at_us) {
        self->round_at_us = HF_NEVER; //  no node is connected: a connection starts it again
    }
    return bits;
}

uint64_t
hf_choice_due_us (const hf_choice_t *self)
{
    if (self->target >= 0 && self->probes == 0)
        return HF_NEVER;
    return self->probes != 0 ? 0 : self->round_at_us;
}
