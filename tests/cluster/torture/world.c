//  How faults end.

#include "tests/cluster/torture/world.h"
#include "tests/cluster/harness/hf_cluster_internal.h"
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
hf_world_note (hf_world_t *self, const char *format, ...)
{
    uint64_t now_ms = hf_wait_now_ms () - self->start_ms;
    fprintf (self->journal, "%4llu.%03llu ", (unsigned long long)now_ms / 1000,
             (unsigned long long)now_ms % 1000);
    va_list args;
    va_start (args, format);
    vfprintf (self->journal, format, args);
    va_end (args);
    fputc ('\n', self->journal);
    fflush (self->journal);
}

//  ---- who is there ---------------------------------------------------------------

unsigned
hf_world_members (const hf_world_t *self)
{
    unsigned count = 0;
    for (uint32_t id = 1; id <= self->nodes; id++)
        count += self->node[id].member;
    return count;
}

uint32_t
hf_world_next (const hf_world_t *self, uint32_t id)
{
    do
        id = id % self->nodes + 1;
    while (!self->node[id].member);
    return id;
}

uint32_t
hf_world_member (const hf_world_t *self, uint32_t n)
{
    uint32_t id = hf_world_next (self, self->nodes);
    for (n %= hf_world_members (self); n > 0; n--)
        id = hf_world_next (self, id);
    return id;
}

//  ---- links ----------------------------------------------------------------------

#define S_RAISE(a, b, field) ((a).field = (a).field > (b).field ? (a).field : (b).field)

void
hf_world_relink (hf_world_t *self)
{
    unsigned ends = self->nodes + self->clients;
    for (unsigned from = 1; from <= ends; from++) {
        for (unsigned to = 1; to <= ends; to++) {
            hf_trouble_t trouble = {0};
            for (unsigned i = 0; i < self->link_count; i++) {
                const hf_link_now_t *link = &self->link[i];
                if (!(link->from >> from & 1 && link->to >> to & 1))
                    continue;
                trouble.cut |= link->trouble.cut;
                S_RAISE (trouble, link->trouble, loss_percent);
                S_RAISE (trouble, link->trouble, delay_ms);
                S_RAISE (trouble, link->trouble, jitter_ms);
            }
            if (from != to)
                hf_links_trouble (self->links, from, to, trouble);
        }
    }
}

static void
s_tick_links (hf_world_t *self, uint64_t now_ms)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < self->link_count; i++) {
        if (self->link[i].until_ms > now_ms)
            self->link[kept++] = self->link[i];
    }
    if (kept != self->link_count) {
        hf_world_note (self, "%u link troubles end", self->link_count - kept);
        self->link_count = kept;
        hf_world_relink (self);
    }
}

//  ---- nodes ----------------------------------------------------------------------

/*  Whether the node's log says, since its disk was filled, that this was why it ended. */
static bool
s_said_full (hf_world_t *self, uint32_t id)
{
    size_t size = 0;
    char *log = hf_cluster_slurp (hf_cluster_log_path (self->cluster, id), &size);
    bool said = log && size > self->node[id].log_size &&
                strstr (log + self->node[id].log_size, "disk is full");
    free (log);
    return said;
}

/*  Whether it is one that was removed, ends as it should, and says so. */
static bool
s_left (hf_world_t *self, uint32_t id, int code)
{
    hf_node_now_t *node = &self->node[id];
    if (!node->removed || code != 0 ||
        !hf_cluster_log_has (self->cluster, id, "was removed from the cluster"))
        return false;
    node->state = HF_NODE_DOWN;
    node->ended = true;
    hf_world_note (self, "node %u has ended, as it was removed", id);
    return true;
}

/*  A node has ended by itself. */
static bool
s_ended (hf_world_t *self, uint32_t id, int code)
{
    hf_node_now_t *node = &self->node[id];
    bool full = node->filled;
    if (s_left (self, id, code))
        return true;
    hf_world_note (self, "node %u ended with code %d%s", id, code, full ? ": disk full" : "");
    if (node->state == HF_NODE_UP)
        node->state = HF_NODE_DOWN; //  and starts again at once
    if (full && code == 1 && s_said_full (self, id))
        return true;
    fprintf (stderr, "violation: node %u ended by itself with code %d%s\n", id, code,
             !full       ? ""
             : code == 1 ? ", its disk was full and it did not say so"
                         : ", its disk was full");
    return false;
}

static void
s_wake (hf_world_t *self, uint32_t id)
{
    hf_node_now_t *node = &self->node[id];
    if (node->state == HF_NODE_STOPPED) {
        hf_cluster_go_on (self->cluster, id);
        hf_world_note (self, "node %u goes on", id);
    }
    if (node->state == HF_NODE_FULL)
        hf_disk_free (self->cluster, id);
    if (!hf_cluster_running (self->cluster, id)) {
        hf_members_prepare (self, id);
        hf_cluster_launch (self->cluster, id);
        node->filled = false;
        hf_world_note (self, "node %u starts", id);
    }
    node->state = HF_NODE_UP;
}

/*  A node that lost its disk is one of them again when it counts and has all that
 *  the leader had. */
static void
s_look_at_returning (hf_world_t *self, uint32_t id)
{
    hf_node_status_t mine, other;
    uint32_t leader = hf_watch_leader (self->watch);
    if (leader == 0 || leader == id || self->change.step != HF_CHANGE_NONE ||
        !hf_cluster_running (self->cluster, leader) || hf_cluster_stopped (self->cluster, leader))
        return;
    //  The leader may not have heard yet that the disk is another one; the node itself knows.
    if (hf_cluster_status (self->cluster, leader, &other) && other.not_counted == 0 &&
        hf_cluster_status (self->cluster, id, &mine) && mine.not_counted == 0 &&
        other.applied_index > 0 && mine.applied_index >= other.commit_index) {
        self->node[id].returning = false;
        hf_world_note (self, "node %u is back", id);
    }
}

static bool
s_tick_nodes (hf_world_t *self, uint64_t now_ms)
{
    bool well = true;
    for (uint32_t id = 1; id <= self->nodes; id++) {
        hf_node_now_t *node = &self->node[id];
        if (!node->member || node->ended)
            continue;
        int code = node->state != HF_NODE_DOWN ? hf_cluster_take_end (self->cluster, id) : -1;
        if (code >= 0 && !s_ended (self, id, code))
            well = false;
        if (node->state != HF_NODE_UP && node->until_ms <= now_ms && !node->held && !node->ended)
            s_wake (self, id);
        if (node->returning && node->state == HF_NODE_UP)
            s_look_at_returning (self, id);
    }
    return well;
}

//  ---- clients ----------------------------------------------------------------------

static void
s_tick_clients (hf_world_t *self, uint64_t now_ms)
{
    for (unsigned i = 1; i <= self->clients; i++) {
        hf_client_now_t *client = &self->client[i];
        if (client->state == HF_CLIENT_UP || client->until_ms > now_ms)
            continue;
        if (client->state == HF_CLIENT_DEAD)
            hf_crew_start (self->crew, i);
        else
            hf_crew_freeze (self->crew, i, false);
        client->state = HF_CLIENT_UP;
        hf_world_note (self, "client %u goes on", i);
    }
}

static bool
s_tick (hf_world_t *self, uint64_t now_ms)
{
    s_tick_links (self, now_ms);
    s_tick_clients (self, now_ms);
    bool well = s_tick_nodes (self, now_ms);
    well = (!self->members || hf_members_tick (self, hf_wait_now_ms ())) && well;
    if (hf_world_weak (self) > 0 || self->link_count > 0 || self->change.step != HF_CHANGE_NONE)
        self->trouble_ms = hf_wait_now_ms ();
    return well;
}

bool
hf_world_tick (hf_world_t *self)
{
    return s_tick (self, hf_wait_now_ms ());
}

bool
hf_world_heal (hf_world_t *self)
{
    hf_world_note (self, "all heals");
    return s_tick (self, UINT64_MAX);
}
