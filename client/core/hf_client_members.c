//  Who the nodes are. The list that the program gave may be old: nodes say which roster is in
//  force, and are asked for its members when that is another. Nodes are counted by slots; the slot
//  of one that is gone is free for another.
//
//  A program may have its own addresses for the nodes (a tunnel, a port that is mapped), so that it
//  cannot reach those in the roster. When no node has been connected for a while, the addresses
//  that were given and those that were learned take turns.

#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <string.h>

#define ASK_US   1000000  //  between two questions
#define LOOK_US  20000000 //  between two for no particular reason
#define ALONE_US 2000000  //  without a connection: the other list is tried

void
hf_client_members_init (hf_client_core_t *core, const hf_client_config_t *config)
{
    hf_client_members_t *members = &core->members;
    members->given.count = config->count;
    members->fixed = config->fixed;
    members->asked = -1;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        bool used = i < config->count;
        atomic_init (&core->ids[i], used ? config->ids[i] : 0);
        if (!used)
            continue;
        members->given.ids[i] = config->ids[i];
        members->given.addresses[i] = members->addresses[i] = config->addresses[i];
    }
}

int
hf_client_members_slot (const hf_client_core_t *core, uint32_t id)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX && id != 0; i++) {
        if (core->choice.id[i] == id)
            return (int)i;
    }
    return -1;
}

uint32_t
hf_client_core_nodes (hf_client_core_t *self, uint32_t ids[HF_MEMBERS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        uint32_t id = atomic_load (&self->ids[i]), at = count;
        if (id == 0)
            continue;
        for (; at > 0 && ids[at - 1] > id; at--)
            ids[at] = ids[at - 1];
        ids[at] = id;
        count++;
    }
    return count;
}

//  ---- another list ---------------------------------------------------------------------

static bool
s_listed (const hf_client_list_t *list, uint32_t id)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->ids[i] == id)
            return true;
    }
    return false;
}

static bool
s_alone (const hf_client_core_t *core)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (core->choice.connected[i])
            return false;
    }
    return true;
}

/*  Its link is to be made anew, or is not to be. */
static void
s_break (hf_client_core_t *core, uint32_t slot)
{
    core->members.relink |= 1U << slot;
    if (core->members.asked == (int)slot)
        core->members.asked = -1;
    if (core->choice.connected[slot])
        atomic_store (&core->reached_us[slot], core->now_us);
    hf_choice_broken (&core->choice, slot, core->now_us);
    hf_client_watch_broken (core, slot);
}

static void
s_drop (hf_client_core_t *core, uint32_t slot)
{
    s_break (core, slot);
    hf_choice_remove (&core->choice, slot, core->now_us);
    hf_client_watch_forget (core, slot);
    atomic_store (&core->ids[slot], 0);
    atomic_store (&core->reached_us[slot], 0);
    atomic_store (&core->refused_us[slot], 0);
}

static void
s_add (hf_client_core_t *core, uint32_t id, const hf_client_address_t *address)
{
    int slot = 0;
    while (slot < HF_MEMBERS_MAX && core->choice.id[slot] != 0)
        slot++;
    if (slot == HF_MEMBERS_MAX)
        return; //  only with the mutant: the others are at most as many as the slots
    hf_choice_add (&core->choice, (uint32_t)slot, id);
    atomic_store (&core->ids[slot], id);
    core->members.addresses[slot] = *address;
    core->members.relink |= 1U << slot;
}

/*  The node in SLOT is at ADDRESS. As long as only the shell knew where it is, it stays there. */
static void
s_move (hf_client_core_t *core, uint32_t slot, const hf_client_address_t *address)
{
    hf_client_address_t *now = &core->members.addresses[slot];
    bool same = now->port == address->port && strcmp (now->host, address->host) == 0;
    if (same || address->host[0] == 0)
        return;
    bool known = now->host[0] != 0;
    *now = *address;
    if (known)
        s_break (core, slot);
}

static void
s_follow (hf_client_core_t *core, const hf_client_list_t *list)
{
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        uint32_t id = core->choice.id[i];
        if (id != 0 && !s_listed (list, id) && !HF_MUTANT (gone_node_kept))
            s_drop (core, i);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        int slot = hf_client_members_slot (core, list->ids[i]);
        if (slot < 0)
            s_add (core, list->ids[i], &list->addresses[i]);
        else
            s_move (core, (uint32_t)slot, &list->addresses[i]);
    }
    core->members.alone_us = core->now_us;
}

bool
hf_client_core_link (hf_client_core_t *self, hf_client_link_t *link)
{
    uint32_t slot = 0;
    if (self->members.relink == 0)
        return false;
    while ((self->members.relink >> slot & 1) == 0)
        slot++;
    self->members.relink &= ~(1U << slot);
    *link = (hf_client_link_t){
        .slot = slot, .node = self->choice.id[slot], .address = self->members.addresses[slot]};
    return true;
}

//  ---- the question ----------------------------------------------------------------------

static void
s_ask (hf_client_core_t *core, uint32_t node, uint64_t told, bool strange)
{
    hf_client_members_t *members = &core->members;
    bool soon = members->asked_us > 0 && core->now_us < members->asked_us + ASK_US;
    if (!core->choice.connected[node] || (soon && told == members->told) ||
        HF_MUTANT (roster_unasked))
        return;
    members->asked = (int)node;
    members->asked_us = core->now_us;
    members->told = told;
    members->strange = strange;
    hf_query_frame (
        &core->outbox.frame,
        &(hf_query_t){.id = HF_MEMBERS_ID, .what = HF_WHAT_MEMBERS, .name = hf_span_text ("")});
    hf_outbox_to_peer (&core->outbox, core->ids[node]);
}

void
hf_client_members_told (hf_client_core_t *core, uint32_t node, uint64_t roster)
{
    if (roster != 0 && roster != core->members.index)
        s_ask (core, node, roster, false);
}

void
hf_client_members_strange (hf_client_core_t *core, uint32_t node)
{
    s_ask (core, node, 0, true);
}

void
hf_client_members_look (hf_client_core_t *core, uint32_t node)
{
    const hf_client_members_t *members = &core->members;
    if (members->asked_us == 0 || core->now_us >= members->asked_us + LOOK_US)
        s_ask (core, node, 0, false);
}

/*  The address that the program gave for node ID, and wants used; NULL: none. */
static const hf_client_address_t *
s_fixed (const hf_client_members_t *members, uint32_t id)
{
    for (uint32_t i = 0; i < members->given.count && members->fixed; i++) {
        if (members->given.ids[i] == id)
            return &members->given.addresses[i];
    }
    return NULL;
}

/*  One row of the list; false: it is none of this protocol. */
static bool
s_read (hf_scan_t *scan, hf_client_list_t *list)
{
    hf_member_row_t row;
    uint32_t last = list->count > 0 ? list->ids[list->count - 1] : 0;
    if (!hf_member_row_get (scan, &row) || row.node <= last || row.node > UINT16_MAX ||
        row.host.size == 0 || row.host.size > HF_HOST_MAX || !hf_text_valid (row.host) ||
        row.client_port == 0 || row.client_port > UINT16_MAX)
        return false;
    hf_client_address_t *address = &list->addresses[list->count];
    memcpy (address->host, row.host.at, row.host.size);
    address->host[row.host.size] = 0;
    address->port = (uint16_t)row.client_port;
    list->ids[list->count++] = row.node;
    return true;
}

/*  Whether the roster at INDEX is to be followed. One that is older than the one known is that of a
 *  node that is behind, unless the leader itself has told it. */
static bool
s_news (const hf_client_members_t *members, uint64_t index)
{
    if (index == members->index) //  the addresses that were given do not lead to the leader
        return members->on_given && members->strange;
    return index > members->index || index == members->told;
}

/*  Follow the list in RESULT, if it is one. */
static void
s_take (hf_client_core_t *core, const hf_query_result_t *result)
{
    hf_client_members_t *members = &core->members;
    hf_client_list_t list = {.count = 0};
    hf_scan_t scan = hf_scan_list (result->rows);
    if (result->rows.count == 0 || result->rows.count > HF_MEMBERS_MAX)
        return;
    while (list.count < result->rows.count) {
        if (!s_read (&scan, &list))
            return;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        const hf_client_address_t *fixed = s_fixed (members, list.ids[i]);
        if (fixed)
            list.addresses[i] = *fixed;
    }
    members->index = result->index;
    members->learned = list;
    members->on_given = false;
    s_follow (core, &list);
}

void
hf_client_members_take (hf_client_core_t *core, uint32_t node, const hf_query_result_t *result)
{
    hf_client_members_t *members = &core->members;
    if (members->asked != (int)node)
        return;
    members->asked = -1;
    if (result->status == HF_OK && result->index != 0 && s_news (members, result->index))
        s_take (core, result);
}

void
hf_client_members_heard (hf_client_core_t *core, const hf_query_result_t *result)
{
    if (result->status == HF_OK && result->index > core->members.index)
        s_take (core, result);
}

//  ---- nobody can be reached ----------------------------------------------------------------

void
hf_client_members_broken (hf_client_core_t *core)
{
    if (s_alone (core))
        core->members.alone_us = core->now_us;
}

uint64_t
hf_client_members_due_us (const hf_client_core_t *core)
{
    const hf_client_members_t *members = &core->members;
    bool tries = members->learned.count > 0 && s_alone (core);
    return tries ? members->alone_us + ALONE_US : HF_NEVER;
}

void
hf_client_members_turn (hf_client_core_t *core)
{
    hf_client_members_t *members = &core->members;
    if (core->now_us < hf_client_members_due_us (core))
        return;
    members->on_given = !members->on_given;
    s_follow (core, members->on_given ? &members->given : &members->learned);
}
