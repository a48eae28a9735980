//  Changes of the members: one at a time, made with the tool, which is asked again until it is
//  done.

#include "tests/cluster/torture/world.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define S_AGAIN_MS  300
#define S_ALONE_MS  30000 //  a removed node that can hear the others ends within that time
#define S_LONG_MS   20000 //  somebody starts a node again that still does not count
#define S_STABLE_MS 20000 //  longer than a client is stopped, or cut off, at a stretch
#define S_PLACE     64
#define S_WORDS     12

static const char *const s_verb[HF_FAULT_KINDS] = {[HF_FAULT_ADD] = "add",
                                                   [HF_FAULT_REMOVE] = "remove",
                                                   [HF_FAULT_REPLACE] = "replace",
                                                   [HF_FAULT_MOVE] = "move"};

static const char *
s_verb_now (const hf_change_now_t *change)
{
    return change->promoted ? "promote" : s_verb[change->kind];
}

//  ---- places -----------------------------------------------------------------------

static void
s_place (const hf_world_t *self, uint32_t id, char text[S_PLACE])
{
    snprintf (text, S_PLACE, "%s:%u:%u", hf_cluster_address (self->cluster, id),
              hf_cluster_client_port (self->cluster, id), hf_cluster_node_port (self->cluster, id));
}

/*  Who is there now, for clients and tools that start. */
static void
s_list (hf_world_t *self)
{
    size_t length = 0;
    for (uint32_t id = 1; id <= self->nodes; id++) {
        char place[S_PLACE];
        if (!self->node[id].member)
            continue;
        s_place (self, id, place);
        length += (size_t)snprintf (self->list + length, sizeof self->list - length, "%s%u@%s",
                                    length > 0 ? "," : "", id, place);
    }
    unsigned members = hf_world_members (self);
    if (self->fewest == 0 || members < self->fewest)
        self->fewest = members;
    if (members > self->largest)
        self->largest = members;
}

void
hf_members_init (hf_world_t *self)
{
    for (uint32_t id = 1; id <= self->nodes; id++) {
        self->node[id].member = id <= self->founders;
        hf_cluster_set_apart (self->cluster, id, !self->node[id].member);
    }
    if (!self->members)
        return;
    s_list (self);
    memcpy (self->founding, self->list, sizeof self->founding);
    for (uint32_t id = 1; id <= self->founders; id++)
        hf_cluster_set_list (self->cluster, id, self->founding);
    hf_links_set_list (self->links, self->list);
}

static bool
s_can_join_by (hf_world_t *self, uint32_t id, uint32_t other)
{
    return self->node[other].state == HF_NODE_UP && hf_cluster_running (self->cluster, other) &&
           !hf_links_trouble_of (self->links, id, other).cut &&
           !hf_links_trouble_of (self->links, other, id).cut;
}

void
hf_members_prepare (hf_world_t *self, uint32_t id)
{
    if (!self->node[id].joins)
        return;
    //  One that is up and answers, as who starts it would see to.
    uint32_t other = hf_world_next (self, id);
    while (other != id && !s_can_join_by (self, id, other))
        other = hf_world_next (self, other);
    if (other == id) //  none is: it waits
        other = hf_world_next (self, id);
    hf_cluster_set_join (self->cluster, id, other);
}

//  ---- the begin of a change ----------------------------------------------------------

/*  A client that was stopped or cut off for a while, and starts from its list or what it heard of
 *  the members last, still finds one of them. */
static bool
s_stays_known (const hf_world_t *self, uint32_t but)
{
    for (uint32_t id = 1; id <= self->nodes; id++) {
        const hf_node_now_t *node = &self->node[id];
        if (node->member && id != but &&
            (node->since_ms == 0 || hf_wait_now_ms () >= node->since_ms + S_STABLE_MS))
            return true;
    }
    return false;
}

static void
s_new_place (hf_world_t *self, uint32_t id)
{
    hf_cluster_move (self->cluster, id);
    self->node[id].since_ms = hf_wait_now_ms ();
    self->node[id].joins = true;
    hf_watch_look (self->watch, id);
}

static bool
s_add (hf_world_t *self, const hf_fault_t *fault)
{
    unsigned members = hf_world_members (self);
    if (members == self->nodes)
        return false;
    uint32_t id = self->nodes;
    for (uint32_t left = fault->node % (self->nodes - members) + 1; left > 0;) {
        id = id % self->nodes + 1;
        left -= !self->node[id].member;
    }
    bool small_disk = self->node[id].small_disk;
    self->node[id] = (hf_node_now_t){.member = true, .small_disk = small_disk};
    hf_cluster_set_apart (self->cluster, id, false);
    s_new_place (self, id);
    self->change.id = id;
    self->change.learns = fault->other % 2 == 0;
    //  It starts before it is added, or a moment later.
    self->node[id].state = HF_NODE_DOWN;
    self->node[id].until_ms = fault->way == 0 ? 0 : hf_fault_until (self, fault);
    return true;
}

static bool
s_remove (hf_world_t *self, uint32_t id)
{
    if (hf_world_members (self) == 1 || !s_stays_known (self, id))
        return false;
    self->node[id].removed = true;
    self->node[id].since_ms = hf_wait_now_ms ();
    return true;
}

/*  Its machine is gone; or it ends, to start at another place, when the members have been told. */
static bool
s_replace_or_move (hf_world_t *self, const hf_fault_t *fault, uint32_t id)
{
    hf_node_now_t *node = &self->node[id];
    bool lost = fault->kind == HF_FAULT_REPLACE;
    bool may = lost ? hf_world_may_lose (self)
                    : hf_world_members (self) >= 3 && hf_world_may_fail (self, id);
    if (!may || !s_stays_known (self, id) || !hf_cluster_running (self->cluster, id))
        return false;
    hf_world_kill (self, id, hf_fault_until (self, fault));
    node->held = true;
    node->returning = true;
    s_new_place (self, id);
    if (lost)
        hf_folder_remove (hf_cluster_node_dir (self->cluster, id)); //  all but the mount point
    return true;
}

bool
hf_members_fault (hf_world_t *self, const hf_fault_t *fault)
{
    hf_change_now_t *change = &self->change;
    uint32_t id = hf_world_victim (self, fault);
    if (change->step != HF_CHANGE_NONE)
        return false;
    for (uint32_t at = 1; at <= self->nodes; at++) {
        if (self->node[at].member && self->node[at].returning)
            return false; //  a disk was lost: first it must count again
    }
    *change = (hf_change_now_t){.kind = fault->kind, .id = id, .start_ms = hf_wait_now_ms ()};
    bool begun = fault->kind == HF_FAULT_ADD      ? s_add (self, fault)
                 : fault->kind == HF_FAULT_REMOVE ? s_remove (self, id)
                                                  : s_replace_or_move (self, fault, id);
    if (!begun)
        return false;
    change->step = HF_CHANGE_ASKED;
    s_list (self);
    hf_world_note (self, "node %u: members %s; %u members", change->id, s_verb[change->kind],
                   hf_world_members (self));
    return true;
}

//  ---- the tool ----------------------------------------------------------------------

static void
s_ask (hf_world_t *self)
{
    hf_change_now_t *change = &self->change;
    char place[S_PLACE], id[16], node[S_PLACE + 16], log[700];
    s_place (self, change->id, place);
    snprintf (id, sizeof id, "%u", change->id);
    snprintf (node, sizeof node, "%u@%s", change->id, place);
    snprintf (log, sizeof log, "%s/members.log", hf_cluster_dir (self->cluster));
    bool add = change->kind == HF_FAULT_ADD && !change->promoted;
    bool placed = change->kind == HF_FAULT_REPLACE || change->kind == HF_FAULT_MOVE;
    const char *argv[S_WORDS + 1] = {HF_TEST_TOOL,  "members",  s_verb_now (change),
                                     "--endpoints", self->list, "--timeout",
                                     "5s",          "--wait",   add ? node : id};
    if (change->step == HF_CHANGE_ASKED)
        argv[7] = "--no-wait";
    if (placed)
        argv[9] = place;
    else if (add && change->learns)
        argv[9] = "--learner";
    change->tries++;
    change->tool = hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = log});
}

/*  It is done: the node counts, or its process has ended. */
static void
s_done (hf_world_t *self)
{
    hf_change_now_t *change = &self->change;
    hf_node_now_t *node = &self->node[change->id];
    if (node->removed) {
        hf_folder_remove (hf_cluster_node_dir (self->cluster, change->id));
        hf_cluster_set_apart (self->cluster, change->id, true);
        node->member = false;
    }
    node->returning = false;
    self->promotions += change->promoted;
    hf_watch_look (self->watch, change->id);
    s_list (self);
    hf_world_note (self, "node %u: members %s is done after %" PRIu64 " ms and %u tries",
                   change->id, s_verb_now (change), hf_wait_now_ms () - change->start_ms,
                   change->tries);
    change->step = HF_CHANGE_NONE;
}

static void
s_next (hf_world_t *self)
{
    hf_change_now_t *change = &self->change;
    if (change->step == HF_CHANGE_ASKED) {
        self->node[change->id].held = false;
        change->step = HF_CHANGE_MADE;
        hf_world_note (self, "node %u: members %s is committed", change->id, s_verb_now (change));
    } else if (change->kind == HF_FAULT_REMOVE)
        change->step = HF_CHANGE_ENDS;
    else if (change->learns && !change->promoted) {
        change->promoted = true;
        change->step = HF_CHANGE_ASKED;
    } else
        s_done (self);
}

/*  What the tool said. */
static bool
s_look_at_tool (hf_world_t *self, uint64_t now_ms)
{
    hf_change_now_t *change = &self->change;
    if (!change->tool) {
        if (now_ms >= change->next_ms)
            s_ask (self);
        return true;
    }
    if (hf_process_running (change->tool))
        return true;
    int code = hf_process_wait (change->tool, 0);
    hf_process_destroy (&change->tool);
    change->next_ms = now_ms + S_AGAIN_MS;
    if (code == 0)
        s_next (self);
    //  Refused, or not answered: the others may be away.
    if (code == 0 || code == 2 || code == 69)
        return true;
    fprintf (stderr, "violation: holdfast members %s of node %u ended with code %d\n",
             s_verb_now (change), change->id, code);
    return false;
}

/*  Whether a removed node can hear a majority of the others now. */
static bool
s_can_hear (hf_world_t *self, uint32_t id)
{
    const hf_node_now_t *node = &self->node[id];
    return node->state == HF_NODE_UP && hf_world_weak (self) == 0 && self->link_count == 0;
}

static bool
s_look_at_end (hf_world_t *self, uint64_t now_ms)
{
    hf_change_now_t *change = &self->change;
    if (self->node[change->id].ended)
        s_done (self);
    else if (!s_can_hear (self, change->id))
        change->alone_ms = 0;
    else if (change->alone_ms == 0)
        change->alone_ms = now_ms;
    else if (now_ms - change->alone_ms > S_ALONE_MS) {
        fprintf (stderr, "violation: node %u was removed, and still runs after %u ms\n", change->id,
                 S_ALONE_MS);
        return false;
    }
    return true;
}

/*  A node that started when nobody told it its new place, and whose log has the old one, stays
 *  there, heard by nobody. Who waits for it starts it again. */
static void
s_look_at_moved (hf_world_t *self, uint64_t now_ms)
{
    hf_change_now_t *change = &self->change;
    if (change->step != HF_CHANGE_MADE || !self->node[change->id].returning ||
        self->node[change->id].state != HF_NODE_UP)
        change->alone_ms = 0;
    else if (change->alone_ms == 0)
        change->alone_ms = now_ms;
    else if (now_ms - change->alone_ms > S_LONG_MS) {
        hf_world_kill (self, change->id, now_ms);
        hf_world_note (self, "node %u does not count yet: it is started again", change->id);
        change->alone_ms = 0;
        self->started_again++;
    }
}

bool
hf_members_tick (hf_world_t *self, uint64_t now_ms)
{
    if (self->change.step == HF_CHANGE_NONE)
        return true;
    if (self->change.step == HF_CHANGE_ENDS)
        return s_look_at_end (self, now_ms);
    s_look_at_moved (self, now_ms);
    return s_look_at_tool (self, now_ms);
}

//  ---- the end ------------------------------------------------------------------------

bool
hf_members_settle (hf_world_t *self, uint32_t limit_ms)
{
    uint64_t end_ms = hf_wait_now_ms () + limit_ms;
    bool well = true;
    while (well && self->change.step != HF_CHANGE_NONE && hf_wait_now_ms () < end_ms)
        well = hf_crew_listen (self->crew, 20) && hf_world_tick (self);
    if (well && self->change.step != HF_CHANGE_NONE)
        fprintf (stderr, "violation: members %s of node %u is not done %u ms after all healed\n",
                 s_verb_now (&self->change), self->change.id, limit_ms);
    return well && self->change.step == HF_CHANGE_NONE;
}

bool
hf_members_check (hf_world_t *self)
{
    char text[4096], *line = text;
    const char *argv[] = {HF_TEST_TOOL, "members", "--endpoints", self->list, NULL};
    int code = hf_process_run (argv, 30000, text, sizeof text);
    unsigned found = 0;
    bool well = code == 0;
    while ((line = strchr (line, '\n')) && *++line) {
        unsigned id = 0;
        char place[128] = "", state[32] = "", wanted[S_PLACE] = "";
        sscanf (line, "%u %127s %31s", &id, place, state);
        bool member = id >= 1 && id <= self->nodes && self->node[id].member;
        if (member)
            s_place (self, id, wanted);
        found += member;
        well = well && member && strcmp (place, wanted) == 0 && strcmp (state, "votes") == 0;
    }
    well = well && found == hf_world_members (self);
    if (!well)
        fprintf (stderr, "violation: the members should be %s, and are (code %d):\n%s", self->list,
                 code, text);
    return well;
}
