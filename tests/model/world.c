//  States: their canonical form, their hash, and in words.

#include "world.h"
#include "papers.h"
#include "base/hf_hash.h"
#include <stdio.h>

uint32_t
world_id (uint8_t disk)
{
    assert (disk > 0 && disk <= DISKS);
    return (uint32_t)(disk - 1) % NODES + 1;
}

uint64_t
world_incarnation (uint8_t disk)
{
    return disk > 0 ? 100U + disk : 0;
}

uint8_t
world_disk (uint64_t incarnation)
{
    assert (incarnation == 0 || (incarnation > 100 && incarnation <= 100 + DISKS));
    return incarnation > 0 ? (uint8_t)(incarnation - 100) : 0;
}

size_t
world_place (const world_t *world, uint8_t disk)
{
    size_t place = 0;
    while (place < NODES && world->nodes[place].disk != disk)
        place++;
    return place;
}

size_t
world_leader (const world_t *world, uint8_t term)
{
    for (size_t i = 0; i < NODES; i++) {
        if (world->nodes[i].role == HF_LEADER && world->nodes[i].term == term)
            return i;
    }
    return NODES;
}

//  ---- the canonical form ------------------------------------------------------------------

/*  What of a term can still happen. */
typedef struct outlook {
    bool entered; //  a node may yet come into it from a lower one
    bool asked;   //  somebody stands in it, or may yet
    bool led;     //  its leader is alive and leads it
} outlook_t;

static outlook_t
s_outlook (const world_t *world, const bounds_t *bounds, uint8_t term)
{
    outlook_t outlook = {.entered = world->wipes > 0};
    for (size_t i = 0; i < NODES; i++) {
        const node_t *node = &world->nodes[i];
        if (node->disk == 0)
            continue;
        outlook.entered = outlook.entered || node->term < term;
        outlook.asked = outlook.asked || (node->term == term && node->role == HF_CANDIDATE);
        outlook.led = outlook.led || (node->term == term && node->role == HF_LEADER);
    }
    bool passed = bounds->in_order && term < world->highest;
    if (passed)
        outlook = (outlook_t){.led = false};
    outlook.asked = outlook.asked || outlook.entered;
    return outlook;
}

/*  Whether what DISK sent in TERM is still on its way. A node that is in a later term has nothing
 *  in flight: see test_joint_model.c. */
static bool
s_in_flight (const world_t *world, const bounds_t *bounds, uint8_t disk, uint8_t term)
{
    size_t place = world_place (world, disk);
    if (place == NODES || bounds->keeps_all)
        return true;
    bool lost_soon = world->wipes > 0 && (bounds->wipes_of >> place & 1) != 0;
    return lost_soon || world->nodes[place].term == term;
}

static void
s_forget_term (world_t *world, const bounds_t *bounds, uint8_t term)
{
    outlook_t outlook = s_outlook (world, bounds, term);
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        mail_t *mail = &world->mail[disk];
        bool in_flight = s_in_flight (world, bounds, disk, term);
        if (!outlook.asked || !in_flight)
            mail->votes[term] = 0;
        if ((!outlook.led && !outlook.asked) || !in_flight)
            mail->acks[term] = 0;
    }
    for (size_t i = 0; i < NODES; i++) {
        node_t *node = &world->nodes[i];
        if (node->disk == 0 || node->term != term || node->role != HF_FOLLOWER)
            continue;
        //  Nobody can ask for its vote in this term any more, and nobody sends entries of it.
        bool present = bounds->in_order && term == world->highest;
        if (!outlook.asked && !present && node->voted == node->saved_voted &&
            node->saved_term == node->term)
            node->voted = node->saved_voted = 0;
        if (!outlook.asked && !outlook.led && world->sent[term].disk == 0)
            node->verified = node->commit;
    }
    if (!outlook.asked)
        world->led[term] = 0;
    bool received = outlook.entered;
    for (size_t i = 0; i < NODES; i++)
        received = received || (world->nodes[i].disk > 0 && world->nodes[i].term == term);
    if (!received || (bounds->in_order && term < world->highest))
        world->sent[term] = (sent_t){.disk = 0};
}

/*  The first term that may still get a leader. */
static uint8_t
s_next_term (const world_t *world, const bounds_t *bounds)
{
    uint8_t term = 0;
    while (term < TERMS) {
        outlook_t outlook = s_outlook (world, bounds, term);
        if (outlook.asked)
            return term;
        term++;
    }
    return term;
}

/*  A follower's commit index is there for the rosters: whether it knows that they are committed. */
static void
s_settle_commit (node_t *node)
{
    uint8_t commit = 0;
    for (uint8_t i = 0; i < node->commit; i++) {
        if (node->log[i].what > 0)
            commit = i + 1;
    }
    if (node->verified == node->commit)
        node->verified = commit;
    node->commit = commit;
}

/*  Terms follow each other, and the node has done nothing in the present one: it may as well not
 *  have heard of it, which leaves it more to do. */
static void
s_wait (world_t *world, node_t *node)
{
    bool idle = node->voted == 0 && node->saved_voted == 0 && node->verified == node->commit &&
                world->mail[node->disk].acks[node->term] == 0 &&
                (node->length == 0 || node->log[node->length - 1].term < world->highest);
    if (node->term < world->highest || idle)
        node->term = node->saved_term = (uint8_t)(world->highest - 1);
}

void
world_canonical (world_t *world, const bounds_t *bounds)
{
    for (uint8_t term = 0; term < TERMS; term++)
        s_forget_term (world, bounds, term);
    for (size_t i = 0; i < NODES; i++) {
        node_t *node = &world->nodes[i];
        if (node->disk == 0 || node->role == HF_LEADER)
            continue;
        s_settle_commit (node);
        if (bounds->in_order && node->role == HF_FOLLOWER && world->highest > 0)
            s_wait (world, node);
    }
    //  An entry committed in a term must be in the logs of all later leaders.
    uint8_t next = s_next_term (world, bounds);
    for (size_t i = 0; i < world->sure_count; i++) {
        if (world->sure_term[i] < next)
            world->sure_term[i] = 0;
    }
}

uint64_t
world_hash (const world_t *world)
{
    return hf_hash (0x6a6f696e74ULL, world, sizeof *world);
}

//  ---- in words ------------------------------------------------------------------------------

static const char *s_roles[] = {"follows", "asks", "stands", "leads"};

void
world_text (const world_t *world, size_t place, char *text, size_t size)
{
    const node_t *node = &world->nodes[place];
    size_t used = (size_t)snprintf (text, size, "%u%s %s in term %u, log [", world_id (node->disk),
                                    node->disk > NODES ? "'" : "", s_roles[node->role], node->term);
    for (size_t i = 0; i < node->length && used < size; i++) {
        char members[64] = "";
        if (node->log[i].what > 0)
            papers_text (node->log[i].what, members, sizeof members);
        used += (size_t)snprintf (text + used, size - used, "%s%u%s%s%s", i > 0 ? ", " : "",
                                  node->log[i].term, node->log[i].what > 0 ? ": {" : "", members,
                                  node->log[i].what > 0 ? "}" : "");
    }
    if (used < size)
        snprintf (text + used, size - used, "], committed %u", node->commit);
}
