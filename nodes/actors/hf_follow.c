//  Whom the mesh connects to, by the roster in the log.

#include "nodes/actors/hf_follow.h"
#include <assert.h>
#include <string.h>

void
hf_follow_id_take (hf_follow_id_t *self, const hf_roster_t *roster, bool applied)
{
    bool sure = applied || !self->listed;
    self->listed = roster->level == 0;
    self->cluster = sure ? roster->cluster : 0;
}

void
hf_follow_init (hf_follow_t *self, const hf_endpoint_t *own, const hf_endpoints_t *hints,
                uint64_t cluster)
{
    *self = (hf_follow_t){.own = *own, .hints = *hints, .members = *hints, .cluster = cluster};
}

void
hf_follow_told (hf_follow_t *self, const hf_endpoints_t *members, uint64_t index)
{
    assert (index >= self->told_index);
    self->told = *members;
    self->told_index = index;
    self->news = index > self->index;
}

static void
s_add_all (hf_endpoints_t *to, const hf_endpoints_t *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        hf_endpoints_add (to, &from->node[i]);
}

/*  Whether this node, by the committed ROSTER, is called where it is not. */
static bool
s_elsewhere (const hf_follow_t *self)
{
    const hf_endpoint_t *now = hf_endpoints_find (&self->members, self->own.id);
    return self->own.host[0] != 0 && now &&
           (strcmp (now->host, self->own.host) != 0 || now->client_port != self->own.client_port ||
            now->node_port != self->own.node_port);
}

/*  The members of ROSTER, and those of BEFORE and of the hints that are still needed. */
static void
s_find_members (hf_follow_t *self, const hf_roster_t *roster, const hf_endpoints_t *before)
{
    self->unreadable = hf_endpoints_of_roster (&self->members, roster);
    if (self->index < self->told_index) {
        hf_endpoints_t old = self->members;
        self->members = self->told;
        s_add_all (&self->members, &old);
    }
    if (self->index < self->told_index || self->committed)
        self->moved = s_elsewhere (self);
    for (uint32_t i = 0; i < before->count; i++) {
        if (!self->committed || before->node[i].id == self->leader)
            hf_endpoints_add (&self->members, &before->node[i]);
    }
    if (!self->settled)
        s_add_all (&self->members, &self->hints);
}

/*  No roster in the log names places, or not this node's. */
static void
s_find_first (hf_follow_t *self)
{
    self->members = self->told;
    s_add_all (&self->members, &self->hints);
    self->moved = s_elsewhere (self);
}

bool
hf_follow_roster (hf_follow_t *self, const hf_roster_t *roster, uint64_t index, uint64_t commit,
                  uint32_t leader)
{
    bool start = !self->started;
    bool committed = index <= commit;
    bool news = self->news;
    self->started = true;
    self->news = false;
    if (roster == NULL || roster->level == 0) {
        if (news)
            s_find_first (self);
        return news || (start && self->cluster != 0);
    }
    if (!news && index == self->index && committed == self->committed && leader == self->leader)
        return false;
    self->index = index;
    self->committed = committed;
    self->leader = leader;
    if (committed)
        self->cluster = roster->cluster;
    if (hf_roster_seat (roster, self->own.id) == NULL) {
        if (news)
            s_find_first (self);
        return true;
    }
    self->settled = self->settled || (committed && hf_roster_seat (roster, leader) != NULL);
    hf_endpoints_t before = self->members;
    s_find_members (self, roster, &before);
    assert (self->members.count > 0 || self->unreadable > 0);
    return true;
}
