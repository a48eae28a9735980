//  What must hold in every state, over all of its history.

#include "judge.h"
#include "nodes/consensus/hf_core_internal.h"

static bool
s_same (entry_t a, entry_t b)
{
    return a.term == b.term && a.what == b.what;
}

/*  Leader completeness (P3): a new leader has all that was committed in earlier terms. */
static bool
s_complete (const world_t *world, const node_t *leader)
{
    for (size_t i = 0; i < world->sure_count; i++) {
        bool there = i < leader->length && s_same (leader->log[i], world->sure[i]);
        if (world->sure_term[i] < leader->term && !there)
            return false;
    }
    return true;
}

/*  An entry that two nodes have committed at one index is the same (P4, P7). */
static const char *
s_committed (world_t *world, const node_t *node)
{
    for (size_t i = 0; i < node->commit; i++) {
        if (i < world->sure_count && s_same (world->sure[i], node->log[i]))
            continue;
        if (i < world->sure_count)
            return i == 0 ? "two clusters: another first roster was committed"
                          : "another entry was committed at this index";
        world->sure[i] = node->log[i];
        world->sure_term[i] = node->term;
        world->sure_count++;
    }
    return NULL;
}

/*  Log matching (P2): with one entry in common, everything before it is common too. */
static bool
s_match (const node_t *a, const node_t *b)
{
    size_t common = a->length < b->length ? a->length : b->length;
    while (common > 0 && a->log[common - 1].term != b->log[common - 1].term)
        common--;
    for (size_t i = 0; i < common; i++) {
        if (!s_same (a->log[i], b->log[i]))
            return false;
    }
    return true;
}

const char *
judge (world_t *world, const node_t *before, size_t who)
{
    const node_t *node = &world->nodes[who];
    bool won = node->role == HF_LEADER && (before->role != HF_LEADER || before->term != node->term);
    if (won && world->led[node->term] != 0)
        return "P1: two leaders in one term";
    if (won)
        world->led[node->term] = node->disk;
    if (won && !s_complete (world, node))
        return "P3: the new leader lacks what was committed";
    if (node->commit > before->commit) {
        const char *wrong = s_committed (world, node);
        if (wrong != NULL)
            return wrong;
    }
    for (size_t i = 0; i < NODES; i++) {
        const node_t *other = &world->nodes[i];
        if (other->disk == 0 || i == who)
            continue;
        if (!s_match (node, other))
            return "P2: two logs differ before an entry that they share";
        if (other->role == HF_LEADER && !s_complete (world, other))
            return "P3: committed, and a leader of a later term lacks it";
    }
    return NULL;
}
