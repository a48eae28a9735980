//  A new cluster of the one disk that is left.

#include "nodes/services/hf_survivor.h"
#include "base/hf_mutant.h"
#include "msgs/hf_limits.h"
#include "nodes/consensus/hf_core.h"
#include <assert.h>

/*  Whether the node with this disk is a majority by itself. Who learns does not matter. */
static bool
s_alone (const hf_survivor_t *self, const hf_roster_t *roster)
{
    const uint32_t counts = HF_SEAT_VOTES | HF_SEAT_VOTED;
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        if (seat->node != self->self && (seat->flags & counts) != 0)
            return false;
        if (seat->node == self->self &&
            (seat->flags != counts || seat->incarnation != self->incarnation))
            return false;
    }
    return true;
}

hf_survival_t
hf_survivor_judge (const hf_survivor_t *self, hf_roster_t *roster)
{
    assert (self->self != 0);
    if (self->roster.size == 0 || !hf_roster_get (self->roster, roster))
        return HF_SURVIVAL_UNFORMED;
    const hf_seat_t *seat = hf_roster_seat (roster, self->self);
    if (roster->level > HF_LEVEL_NEWEST)
        return HF_SURVIVAL_NEWER;
    if (!seat)
        return HF_SURVIVAL_STRANGER;
    if (s_alone (self, roster))
        return HF_SURVIVAL_ALONE;
    if (seat->host.size == 0 && self->host.size == 0)
        return HF_SURVIVAL_NO_PLACE;
    return HF_SURVIVAL_CAN;
}

uint64_t
hf_survivor_term (const hf_survivor_t *self)
{
    uint64_t term = self->log.term > self->last_term ? self->log.term : self->last_term;
    return HF_MUTANT (survivor_keeps_term) ? term : term + 1;
}

/*  What operators asked the old cluster for is not done in the new one: it has no requests. */
hf_roster_t
hf_survivor_roster (const hf_survivor_t *self, uint64_t incarnation)
{
    hf_roster_t old;
    hf_survival_t survival = hf_survivor_judge (self, &old);
    assert (survival == HF_SURVIVAL_CAN);
    assert (incarnation != 0 && incarnation != self->incarnation);
    hf_seat_t seat = *hf_roster_seat (&old, self->self);
    seat.incarnation = incarnation;
    seat.flags = HF_SEAT_VOTES | HF_SEAT_VOTED;
    if (self->host.size > 0) {
        seat.host = self->host;
        seat.client_port = self->client_port;
        seat.node_port = self->node_port;
    }
    hf_roster_t roster = {.count = 1, .level = old.level > 0 ? old.level : 1, .members = {seat}};
    bool same = HF_MUTANT (survivor_keeps_cluster) && old.cluster != 0;
    roster.cluster = same ? old.cluster : hf_core_cluster_id (&roster);
    return roster;
}

static void
s_put (hf_pack_t *entries, uint64_t term, hf_entry_type_t type, const hf_pack_t *payload)
{
    hf_entry_t entry = {.term = term,
                        .type = type,
                        .payload = hf_span (hf_pack_bytes (payload), hf_pack_size (payload))};
    hf_entry_put (entries, &entry);
}

void
hf_survivor_entries (const hf_survivor_t *self, uint64_t incarnation, hf_pack_t *entries)
{
    hf_roster_t roster = hf_survivor_roster (self, incarnation);
    hf_pack_t payload, commands;
    hf_pack_init (&payload);
    hf_pack_init (&commands);
    hf_roster_put (&payload, &roster);
    s_put (entries, hf_survivor_term (self), HF_ENTRY_ROSTER, &payload);
    hf_cmd_skip_put (&commands, &(hf_cmd_skip_t){.by = HF_SKIP_MAX});
    hf_pack_reset (&payload);
    hf_payload_put (&payload, hf_pack_list (&commands));
    s_put (entries, hf_survivor_term (self), HF_ENTRY_COMMANDS, &payload);
    hf_pack_done (&commands);
    hf_pack_done (&payload);
}
