//  Draws faults, and begins them.

#include "tests/cluster/torture/world.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <sys/stat.h>

#define S_LINKS_AT_ONCE 4 //  more, and no majority finds itself

#define S_CALM_MS 2000

#define S_BIT(end) ((uint64_t)1 << (end))

//  ---- the next fault --------------------------------------------------------------

static const struct {
    const char *text;
    uint32_t weight, from_ms, to_ms;
} s_kind[HF_FAULT_KINDS] = {
#define S_ROW(name, text, weight, from_ms, to_ms) {text, weight, from_ms, to_ms},
    HF_FAULTS (S_ROW)};

const char *
hf_fault_text (hf_fault_kind_t kind)
{
    assert (kind < HF_FAULT_KINDS);
    return s_kind[kind].text;
}

hf_fault_t
hf_plan_next (hf_plan_t *self)
{
    assert (self->pause_ms >= 10);
    uint32_t weights = 0;
    unsigned kinds = self->members ? HF_FAULT_KINDS : HF_FAULT_ADD;
    for (unsigned i = 0; i < kinds; i++)
        weights += s_kind[i].weight;
    uint32_t draw = hf_random_u32 (&self->seed, weights);
    hf_fault_t fault = {0};
    while (draw >= s_kind[fault.kind].weight)
        draw -= s_kind[fault.kind++].weight;
    assert (fault.kind < HF_FAULT_KINDS);
    fault.after_ms = self->pause_ms / 5 + hf_random_u32 (&self->seed, self->pause_ms * 8 / 5);
    fault.leader = hf_random_u32 (&self->seed, 2) == 0;
    fault.node = hf_random_u32 (&self->seed, 1 << 20);
    fault.other = hf_random_u32 (&self->seed, 1 << 20);
    fault.client = hf_random_u32 (&self->seed, 1 << 20);
    fault.share = hf_random_u32 (&self->seed, 1000);
    fault.way = hf_random_u32 (&self->seed, 3);
    fault.loss_percent = 1 + hf_random_u32 (&self->seed, 30);
    fault.delay_ms = 1 + hf_random_u32 (&self->seed, 200);
    return fault;
}

uint64_t
hf_fault_until (const hf_world_t *self, const hf_fault_t *fault)
{
    //  Short ones more often than long ones.
    uint64_t share = (uint64_t)fault->share * fault->share;
    uint32_t from_ms = s_kind[fault->kind].from_ms, to_ms = s_kind[fault->kind].to_ms;
    return hf_wait_now_ms () + (from_ms + (to_ms - from_ms) * share / 1000000) / self->hurry;
}

//  ---- the victim --------------------------------------------------------------

static bool
s_weak (const hf_world_t *self, uint32_t id)
{
    bool weak = self->node[id].state != HF_NODE_UP || self->node[id].returning;
    for (unsigned i = 0; i < self->link_count; i++)
        weak = weak || self->link[i].victim == id;
    return weak;
}

unsigned
hf_world_weak (const hf_world_t *self)
{
    unsigned weak = 0;
    for (uint32_t id = 1; id <= self->nodes; id++)
        weak += self->node[id].member && !self->node[id].removed && s_weak (self, id);
    return weak;
}

uint32_t
hf_world_victim (const hf_world_t *self, const hf_fault_t *fault)
{
    uint32_t leader = fault->leader ? hf_watch_leader (self->watch) : 0;
    return leader && self->node[leader].member ? leader : hf_world_member (self, fault->node);
}

/*  A single node, and one that is to go, are always free to. */
bool
hf_world_may_fail (const hf_world_t *self, uint32_t id)
{
    bool going = self->node[id].removed;
    unsigned stay = hf_world_members (self);
    for (uint32_t at = 1; at <= self->nodes; at++)
        stay -= self->node[at].member && self->node[at].removed;
    return !s_weak (self, id) && !self->node[id].ended &&
           (going || stay == 1 || hf_world_weak (self) + 1 <= (stay - 1) / 2);
}

/*  While a change of the members is under way two majorities are needed, and a disk of the old one
 *  that is lost cannot come back: so it must be committed on all disks. A while without trouble is
 *  taken for that. */
bool
hf_world_may_lose (const hf_world_t *self)
{
    return hf_world_members (self) >= 3 && hf_world_weak (self) == 0 && self->link_count == 0 &&
           self->change.step == HF_CHANGE_NONE &&
           (!self->members || hf_wait_now_ms () >= self->trouble_ms + S_CALM_MS);
}

//  ---- nodes ------------------------------------------------------------------------

void
hf_world_kill (hf_world_t *self, uint32_t id, uint64_t until_ms)
{
    hf_node_now_t *node = &self->node[id];
    if (node->state == HF_NODE_DOWN || !hf_cluster_running (self->cluster, id))
        return; //  if it ended by itself, that is looked at first
    if (node->state == HF_NODE_FULL)
        hf_disk_free (self->cluster, id);
    hf_cluster_kill (self->cluster, id);
    node->state = HF_NODE_DOWN;
    node->until_ms = until_ms;
}

static bool
s_fail_node (hf_world_t *self, const hf_fault_t *fault)
{
    uint32_t id = hf_world_victim (self, fault);
    hf_node_now_t *node = &self->node[id];
    if (!hf_world_may_fail (self, id) || !hf_cluster_running (self->cluster, id))
        return false;
    if (fault->kind == HF_FAULT_KILL) {
        hf_world_kill (self, id, hf_fault_until (self, fault));
    } else {
        hf_cluster_stop (self->cluster, id);
        node->state = HF_NODE_STOPPED;
        node->until_ms = hf_fault_until (self, fault);
    }
    hf_world_note (self, "node %u: %s", id, hf_fault_text (fault->kind));
    return true;
}

static bool
s_fill_disk (hf_world_t *self, const hf_fault_t *fault)
{
    uint32_t id = hf_world_victim (self, fault);
    for (unsigned i = 0; i < self->nodes && !self->node[id].small_disk; i++)
        id = hf_world_next (self, id);
    hf_node_now_t *node = &self->node[id];
    if (!node->small_disk || !hf_world_may_fail (self, id))
        return false;
    struct stat log;
    node->log_size =
        stat (hf_cluster_log_path (self->cluster, id), &log) == 0 ? (size_t)log.st_size : 0;
    if (!hf_disk_fill (self->cluster, id)) {
        hf_disk_free (self->cluster, id);
        return false;
    }
    node->state = HF_NODE_FULL;
    node->filled = true;
    node->until_ms = hf_fault_until (self, fault);
    hf_world_note (self, "node %u: disk full", id);
    return true;
}

/*  COUNT nodes at once, the victim first. */
static bool
s_kill_many (hf_world_t *self, const hf_fault_t *fault, unsigned count)
{
    for (uint32_t id = 1; id <= self->nodes; id++) {
        if (self->node[id].returning)
            return false;
    }
    uint32_t id = hf_world_victim (self, fault);
    uint64_t until_ms = hf_fault_until (self, fault);
    for (unsigned i = 0; i < count; i++, id = hf_world_next (self, id))
        hf_world_kill (self, id, until_ms + 200 * i);
    hf_world_note (self, "%s", hf_fault_text (fault->kind));
    return true;
}

/*  One at a time, and when all others are well: until then it is owed, and nodes and links are
 *  let be. */
static bool
s_wipe (hf_world_t *self, const hf_fault_t *fault)
{
    uint32_t id = hf_world_victim (self, fault);
    if (!self->wipe || hf_world_members (self) < 3)
        return self->wipe_owed = false;
    self->wipe_owed = !hf_world_may_lose (self);
    self->wipe_fault = *fault;
    if (self->wipe_owed)
        return false;
    if (fault->kind == HF_FAULT_REPLACE)
        return hf_members_fault (self, fault);
    hf_world_kill (self, id, hf_fault_until (self, fault));
    hf_folder_remove (hf_cluster_node_dir (self->cluster, id)); //  all but the mount point
    self->node[id].returning = true;
    self->node[id].joins = self->members;
    hf_world_note (self, "node %u: wiped", id);
    return true;
}

//  ---- links ------------------------------------------------------------------------

static bool
s_link (hf_world_t *self, const hf_fault_t *fault, hf_link_now_t link)
{
    if (self->link_count >= S_LINKS_AT_ONCE)
        return false;
    static const char *const ways[] = {"towards it", "from it", "both ways"};
    uint64_t from = link.from, to = link.to;
    link.until_ms = hf_fault_until (self, fault);
    if (fault->way == 1) {
        link.from = to;
        link.to = from;
    }
    self->link[self->link_count++] = link;
    if (fault->way == 2) {
        link.from = to;
        link.to = from;
        self->link[self->link_count++] = link;
    }
    assert (self->link_count <= HF_LINK_FAULTS_MAX);
    hf_world_relink (self);
    hf_world_note (self, "ends %llx and %llx: %s, %s (%u %%, %u ms)", (unsigned long long)from,
                   (unsigned long long)to, hf_fault_text (fault->kind), ways[fault->way],
                   link.trouble.loss_percent, link.trouble.delay_ms);
    return true;
}

static uint64_t
s_all_ends (const hf_world_t *self)
{
    return (S_BIT (self->nodes + self->clients + 1) - 1) & ~(uint64_t)1;
}

static bool
s_link_fault (hf_world_t *self, hf_fault_t fault)
{
    uint32_t id = hf_world_victim (self, &fault);
    unsigned members = hf_world_members (self);
    uint32_t other = id;
    for (uint32_t i = fault.other % (members > 1 ? members - 1 : 1) + 1; i > 0; i--)
        other = hf_world_next (self, other);
    uint64_t nodes = S_BIT (self->nodes + 1) - 2;
    hf_link_now_t link = {.from = S_BIT (other), .to = S_BIT (id), .trouble = {.cut = true}};
    if (fault.kind == HF_FAULT_CUT_WAY)
        fault.way %= 2;
    if (fault.kind == HF_FAULT_CUT_PAIR)
        fault.way = 2;
    if ((fault.kind == HF_FAULT_CUT_WAY || fault.kind == HF_FAULT_CUT_PAIR) && members == 1)
        return false;
    if (fault.kind == HF_FAULT_ISOLATE) {
        if (!hf_world_may_fail (self, id))
            return false;
        //  Sometimes from the other nodes only: clients still reach it.
        link.from = (fault.other % 3 ? s_all_ends (self) : nodes) & ~S_BIT (id);
        link.victim = id;
    } else if (fault.kind == HF_FAULT_LOSS || fault.kind == HF_FAULT_DELAY) {
        link.from = s_all_ends (self) & ~S_BIT (id);
        link.trouble =
            fault.kind == HF_FAULT_LOSS
                ? (hf_trouble_t){.loss_percent = (uint8_t)fault.loss_percent}
                : (hf_trouble_t){.delay_ms = fault.delay_ms,
                                 .jitter_ms = (uint16_t)(fault.other % (fault.delay_ms + 1))};
    }
    return s_link (self, &fault, link);
}

//  ---- clients ----------------------------------------------------------------------

static bool
s_client_fault (hf_world_t *self, const hf_fault_t *fault)
{
    unsigned i = 1 + fault->client % self->clients;
    hf_client_now_t *client = &self->client[i];
    if (client->state != HF_CLIENT_UP)
        return false;
    hf_world_note (self, "client %u: %s", i, hf_fault_text (fault->kind));
    if (fault->kind == HF_FAULT_CLIENT_CUT) {
        hf_link_now_t link = {.from = S_BIT (self->nodes + 1) - 2,
                              .to = S_BIT (self->nodes + i),
                              .trouble = {.cut = true}};
        return s_link (self, fault, link);
    }
    client->until_ms = hf_fault_until (self, fault);
    if (fault->kind == HF_FAULT_CLIENT_KILL) {
        hf_crew_kill (self->crew, i);
        client->state = HF_CLIENT_DEAD;
    } else {
        hf_crew_freeze (self->crew, i, true);
        client->state = HF_CLIENT_STOPPED;
    }
    return true;
}

static bool
s_begin (hf_world_t *self, const hf_fault_t *fault)
{
    switch (fault->kind) {
    case HF_FAULT_KILL:
    case HF_FAULT_STOP:
        return s_fail_node (self, fault);
    case HF_FAULT_FULL:
        return s_fill_disk (self, fault);
    case HF_FAULT_MAJORITY:
        return s_kill_many (self, fault, hf_world_members (self) / 2 + 1);
    case HF_FAULT_ALL:
        return s_kill_many (self, fault, hf_world_members (self));
    case HF_FAULT_WIPE:
    case HF_FAULT_REPLACE:
        return s_wipe (self, fault);
    case HF_FAULT_ADD:
    case HF_FAULT_REMOVE:
    case HF_FAULT_MOVE:
        return hf_members_fault (self, fault);
    case HF_FAULT_CLIENT_KILL:
    case HF_FAULT_CLIENT_STOP:
    case HF_FAULT_CLIENT_CUT:
        return s_client_fault (self, fault);
    default:
        return s_link_fault (self, *fault);
    }
}

static bool
s_is_of_clients (const hf_fault_t *fault)
{
    return fault->kind == HF_FAULT_CLIENT_KILL || fault->kind == HF_FAULT_CLIENT_STOP;
}

bool
hf_world_fault (hf_world_t *self, const hf_fault_t *fault)
{
    if (self->wipe_owed && !s_is_of_clients (fault))
        fault = &self->wipe_fault;
    bool done = s_begin (self, fault);
    self->done[fault->kind] += done;
    return done;
}
