//  What can happen next in a state.

#include "moves.h"
#include "papers.h"
#include <stdio.h>

static void
s_add (moves_t *moves, move_kind_t kind, size_t who, size_t by, size_t how)
{
    assert (moves->count < sizeof moves->list / sizeof *moves->list);
    moves->list[moves->count++] = (move_t){(uint8_t)kind, (uint8_t)who, (uint8_t)by, (uint8_t)how};
}

/*  Terms follow each other, and TERM is over. */
static bool
s_over (const world_t *world, const bounds_t *bounds, uint8_t term)
{
    return bounds->in_order && term < world->highest;
}

/*  Whether a node with LOG knows of node ID: it is connected to those that its rosters name. */
static bool
s_knows (const entry_t *log, size_t length, uint32_t id)
{
    bool formed = false;
    for (size_t i = 0; i < length; i++) {
        if (log[i].what == 0)
            continue;
        formed = true;
        if (hf_roster_seat (&papers_roster (log[i].what)->is, id) != NULL)
            return true;
    }
    return !formed && id < NODES; //  by the list
}

/*  Whether a message of TERM, of a node with the id of DISK and this log, can matter to WHO. */
static bool
s_reaches (const world_t *world, uint8_t term, uint8_t disk, const entry_t *log, size_t length,
           size_t who)
{
    const node_t *node = &world->nodes[who];
    return node->disk > 0 && node->term <= term && world_id (node->disk) != world_id (disk) &&
           s_knows (log, length, world_id (node->disk));
}

static void
s_find_asks (const world_t *world, size_t by, moves_t *moves)
{
    const node_t *from = &world->nodes[by];
    for (size_t who = 0; who < NODES; who++) {
        const node_t *node = &world->nodes[who];
        bool voted = node->disk > 0 &&
                     (world->mail[node->disk].votes[from->term] >> (from->disk - 1) & 1) != 0;
        bool fresh = node->term < from->term || (!voted && node->role == HF_FOLLOWER);
        if (s_reaches (world, from->term, from->disk, from->log, from->length, who) && fresh)
            s_add (moves, MOVE_ASK, who, by, 0);
    }
}

/*  Whether the node learns by COMMIT that a roster of LOG is committed. */
static bool
s_tells (const node_t *node, const entry_t *log, size_t commit)
{
    for (size_t i = node->commit; i < commit; i++) {
        if (log[i].what > 0)
            return true;
    }
    return false;
}

/*  How many entries the node has in common with LOG. */
static size_t
s_common (const node_t *node, const entry_t *log, size_t length)
{
    size_t common = 0;
    while (common < length && common < node->length && node->log[common].term == log[common].term)
        common++;
    return common;
}

static void
s_find_entries (const world_t *world, uint8_t term, uint8_t disk, const entry_t *log, size_t length,
                uint8_t commit, uint8_t open, bool whole, moves_t *moves)
{
    for (size_t who = 0; who < NODES; who++) {
        const node_t *node = &world->nodes[who];
        if (!s_reaches (world, term, disk, log, length, who))
            continue;
        size_t had = s_common (node, log, length);
        for (size_t count = 1; count <= length; count++) {
            //  Terms follow each other: fewer entries of it arrived when there were no more.
            if (open > 0 && (count >= open || whole) && count != had && count != length)
                continue;
            bool known = node->term == term && node->role == HF_FOLLOWER && node->verified >= count;
            if (!known)
                s_add (moves, MOVE_ENTRIES, who, term, count << 1);
            if (s_tells (node, log, commit < count ? commit : count))
                s_add (moves, MOVE_ENTRIES, who, term, count << 1 | MOVE_TOLD);
        }
    }
}

/*  Whether two disks of one node sent something in TERM that may still arrive. */
static bool
s_both_sent (const world_t *world, uint8_t term)
{
    for (uint8_t disk = 1; disk + NODES <= DISKS; disk++) {
        const mail_t *first = &world->mail[disk], *second = &world->mail[disk + NODES];
        if ((first->votes[term] != 0 && second->votes[term] != 0) ||
            (first->acks[term] != 0 && second->acks[term] != 0))
            return true;
    }
    return false;
}

/*  Whether the change was made in this log already: who asks again is told so. */
static bool
s_made (const node_t *node, const hf_change_t *change)
{
    for (size_t i = 0; i < node->length; i++) {
        const hf_roster_t *is =
            node->log[i].what > 0 ? &papers_roster (node->log[i].what)->is : NULL;
        for (uint32_t k = 0; is != NULL && k < is->done_count; k++) {
            if (is->done[k] == change->id)
                return true;
        }
    }
    return false;
}

static void
s_find_leader (const world_t *world, const bounds_t *bounds, size_t who, moves_t *moves)
{
    const node_t *node = &world->nodes[who];
    bool more = false, full = node->length + 1 >= LENGTH || node->rosters == ROSTERS;
    s_find_entries (world, node->term, node->disk, node->log, node->length, node->commit,
                    bounds->in_order ? node->open : 0, bounds->whole_repair, moves);
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        uint8_t ack = world->mail[disk].acks[node->term];
        more = more || ack > node->commit;
        if (ack > 0 && world_id (disk) != world_id (node->disk) && world->admissions > 0 && !full)
            s_add (moves, MOVE_TICK, who, disk, 0);
    }
    if (more)
        s_add (moves, MOVE_COMMIT, who, 0, 0);
    if (more && s_both_sent (world, node->term))
        s_add (moves, MOVE_COMMIT, who, 0, MOVE_LOST);
    bool joint = node->rosters > 0 && papers_roster (node->roster[node->rosters - 1].what)->joint;
    if (joint && !full)
        s_add (moves, MOVE_TICK, who, 0, 0);
    for (size_t i = 0; i < bounds->changes_count && !full; i++) {
        if (!s_made (node, &bounds->changes[i]))
            s_add (moves, MOVE_CHANGE, who, i, 0);
    }
    moves->cut += full;
}

static void
s_find_stands (const world_t *world, const bounds_t *bounds, size_t who, moves_t *moves)
{
    const node_t *node = &world->nodes[who];
    //  It may have heard of any term so far.
    uint8_t last = bounds->in_order ? world->highest + 1 : node->term + 1;
    for (uint8_t term = node->term + 1; term <= last && term <= bounds->terms; term++) {
        if (s_over (world, bounds, term) || node->length == LENGTH)
            continue;
        if (!bounds->in_order) {
            s_add (moves, MOVE_STAND, who, term, 0);
            continue;
        }
        size_t may = 0;
        for (size_t i = 0; i < NODES; i++) {
            const node_t *voter = &world->nodes[i];
            bool free = voter->term < term || (voter->role == HF_FOLLOWER && voter->voted == 0);
            if (i != who && free && s_reaches (world, term, node->disk, node->log, node->length, i))
                may |= 1U << i;
        }
        for (size_t voters = 0; voters < 1U << NODES; voters++) {
            if ((voters & ~may) == 0)
                s_add (moves, MOVE_ELECT, who, term, voters);
        }
    }
}

static void
s_find_node (const world_t *world, const bounds_t *bounds, size_t who, moves_t *moves)
{
    const node_t *node = &world->nodes[who];
    bool over = s_over (world, bounds, node->term);
    s_find_stands (world, bounds, who, moves);
    if (node->role == HF_CANDIDATE && !over) {
        s_find_asks (world, who, moves);
        s_add (moves, MOVE_WIN, who, 0, 0);
        if (s_both_sent (world, node->term))
            s_add (moves, MOVE_WIN, who, 0, MOVE_LOST);
    }
    if (node->role == HF_LEADER && !over)
        s_find_leader (world, bounds, who, moves);
    if (node->durable < node->length && !over)
        s_add (moves, MOVE_DURABLE, who, 0, 0);
    if (world->crashes > 0 && !over)
        s_add (moves, MOVE_CRASH, who, 0, 0);
    if (world->wipes > 0 && (bounds->wipes_of >> who & 1) != 0)
        s_add (moves, MOVE_WIPE, who, 0, 0);
}

void
moves_find (const world_t *world, const bounds_t *bounds, moves_t *moves)
{
    moves->count = 0;
    for (size_t who = 0; who < NODES; who++) {
        if (world->nodes[who].disk > 0)
            s_find_node (world, bounds, who, moves);
    }
    for (uint8_t term = 1; term < TERMS; term++) {
        const sent_t *sent = &world->sent[term];
        if (sent->disk > 0)
            s_find_entries (world, term, sent->disk, sent->log, sent->length, sent->commit, 0,
                            false, moves);
    }
}

//  ---- in words ------------------------------------------------------------------------------

static const char *
s_name (uint8_t disk, char *text, size_t size)
{
    snprintf (text, size, "%u%s", disk > 0 ? world_id (disk) : 0, disk > NODES ? "'" : "");
    return text;
}

static const char *
s_change_text (const hf_change_t *change)
{
    return change->op == HF_CHANGE_ADD      ? "add"
           : change->op == HF_CHANGE_REMOVE ? "remove"
                                            : "promote";
}

void
moves_text (const world_t *world, const bounds_t *bounds, move_t move, char *text, size_t size)
{
    char who[8], by[8];
    size_t used;
    s_name (world->nodes[move.who].disk, who, sizeof who);
    bool lost = (move.how & MOVE_LOST) != 0;
    switch ((move_kind_t)move.kind) {
    case MOVE_STAND:
        snprintf (text, size, "%s stands in term %u", who, move.by);
        break;
    case MOVE_ELECT:
        used =
            (size_t)snprintf (text, size, "%s stands in term %u and is elected by", who, move.by);
        for (size_t i = 0; i < NODES && used < size; i++) {
            if ((move.how >> i & 1) != 0)
                used += (size_t)snprintf (text + used, size - used, " %s",
                                          s_name (world->nodes[i].disk, by, sizeof by));
        }
        break;
    case MOVE_ASK:
        snprintf (text, size, "%s is asked for its vote by %s", who,
                  s_name (world->nodes[move.by].disk, by, sizeof by));
        break;
    case MOVE_WIN:
        snprintf (text, size, "%s has the votes%s", who, lost ? ", one of a lost disk" : "");
        break;
    case MOVE_ENTRIES:
        snprintf (text, size, "%s gets entries 1 to %u from the leader of term %u%s", who,
                  move.how >> 1, move.by,
                  (move.how & MOVE_TOLD) != 0 ? ", with its commit index" : "");
        break;
    case MOVE_COMMIT:
        snprintf (text, size, "%s hears the acknowledgements%s", who,
                  lost ? ", one of a lost disk" : "");
        break;
    case MOVE_TICK:
        s_name (move.by, by, sizeof by);
        snprintf (text, size, "%s %s%s", who, move.by > 0 ? "admits " : "closes the joint roster",
                  move.by > 0 ? by : "");
        break;
    case MOVE_CHANGE:
        snprintf (text, size, "%s is told to %s %u", who, s_change_text (&bounds->changes[move.by]),
                  bounds->changes[move.by].place.node);
        break;
    case MOVE_DURABLE:
        snprintf (text, size, "%s has its entries on disk", who);
        break;
    case MOVE_CRASH:
        snprintf (text, size, "%s crashes and starts again", who);
        break;
    case MOVE_WIPE:
        snprintf (text, size, "%s loses its disk and starts with an empty one", who);
        break;
    }
}
