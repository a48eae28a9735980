//  Whom the mesh connects to, by the roster in the log.

#include "nodes/actors/hf_follow.h"
#include <assert.h>

void
hf_follow_init (hf_follow_t *self, uint32_t node, const hf_endpoints_t *hints)
{
    *self = (hf_follow_t){.self = node, .hints = *hints, .members = *hints};
}

/*  The members of ROSTER, and those of BEFORE and of the hints that are still needed. */
static void
s_find_members (hf_follow_t *self, const hf_roster_t *roster, const hf_endpoints_t *before)
{
    self->unreadable = hf_endpoints_of_roster (&self->members, roster);
    for (uint32_t i = 0; i < before->count; i++) {
        if (!self->committed || before->node[i].id == self->leader)
            hf_endpoints_add (&self->members, &before->node[i]);
    }
    for (uint32_t i = 0; i < self->hints.count && !self->settled; i++)
        hf_endpoints_add (&self->members, &self->hints.node[i]);
}

bool
hf_follow_roster (hf_follow_t *self, const hf_roster_t *roster, uint64_t index, uint64_t commit,
                  uint32_t leader)
{
    bool start = !self->started;
    bool committed = index <= commit;
    self->started = true;
    if (roster == NULL || roster->level == 0 ||
        (index == self->index && committed == self->committed && leader == self->leader))
        return false;
    self->index = index;
    self->committed = committed;
    self->leader = leader;
    if (committed || start)
        self->cluster = roster->cluster;
    if (hf_roster_seat (roster, self->self) == NULL)
        return true;
    self->settled = self->settled || (committed && hf_roster_seat (roster, leader) != NULL);
    hf_endpoints_t before = self->members;
    s_find_members (self, roster, &before);
    assert (self->members.count > 0 || self->unreadable > 0);
    return true;
}
