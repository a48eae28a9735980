//  States under other names of the nodes 1 to 3.

#include "symmetry.h"
#include "papers.h"

enum { LISTED = 3, NAMINGS = 6 };

//  By place: the place whose name it gets.
static const uint8_t s_namings[NAMINGS][NODES] = {{0, 1, 2, 3}, {1, 0, 2, 3}, {0, 2, 1, 3},
                                                  {2, 1, 0, 3}, {1, 2, 0, 3}, {2, 0, 1, 3}};

static uint8_t s_papers[NAMINGS][UINT8_MAX + 1]; //  0: not asked for yet

void
symmetry_reset (void)
{
    memset (s_papers, 0, sizeof s_papers);
}

static uint8_t
s_disk (const uint8_t *naming, uint8_t disk)
{
    if (disk == 0)
        return 0;
    uint32_t generation = (uint32_t)(disk - 1) / NODES;
    return (uint8_t)(naming[(disk - 1) % NODES] + 1 + generation * NODES);
}

static uint8_t
s_bits (const uint8_t *naming, uint8_t bits)
{
    uint8_t named = 0;
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        if ((bits >> (disk - 1) & 1) != 0)
            named |= (uint8_t)(1U << (s_disk (naming, disk) - 1));
    }
    return named;
}

static uint8_t
s_slots (const uint8_t *naming, uint8_t slots)
{
    return (uint8_t)((slots & ~0xfU) | (s_bits (naming, slots & 0xfU)));
}

static uint8_t
s_new_paper (const uint8_t *naming, uint8_t what)
{
    hf_roster_t roster = papers_roster (what)->is;
    hf_roster_t named = roster;
    named.cluster = papers_cluster (s_bits (naming, papers_formers (roster.cluster)));
    if (named.cluster == 0)
        named.cluster = roster.cluster;
    for (uint32_t i = 0; i < roster.count; i++) {
        hf_seat_t seat = roster.members[i];
        uint32_t place = naming[seat.node - 1];
        //  Where it is to be reached goes with the name.
        seat.client_port += 10 * place - 10 * (seat.node - 1);
        seat.node_port += 10 * place - 10 * (seat.node - 1);
        seat.node = place + 1;
        seat.slot = seat.slot < NODES ? naming[seat.slot] : seat.slot;
        seat.incarnation = world_incarnation (s_disk (naming, world_disk (seat.incarnation)));
        uint32_t at = i;
        for (; at > 0 && named.members[at - 1].node > seat.node; at--)
            named.members[at] = named.members[at - 1];
        named.members[at] = seat;
    }
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_roster_put (&pack, &named);
    uint8_t number = papers_number (hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack)));
    hf_pack_done (&pack);
    return number;
}

static uint8_t
s_paper (size_t naming, uint8_t what)
{
    if (what > 0 && s_papers[naming][what] == 0)
        s_papers[naming][what] = s_new_paper (s_namings[naming], what);
    return s_papers[naming][what];
}

static void
s_log (size_t naming, entry_t *log, size_t length)
{
    for (size_t i = 0; i < length; i++)
        log[i].what = s_paper (naming, log[i].what);
}

static void
s_node (size_t naming, node_t *node)
{
    const uint8_t *names = s_namings[naming];
    node->disk = s_disk (names, node->disk);
    node->voted = s_disk (names, node->voted);
    node->saved_voted = s_disk (names, node->saved_voted);
    node->granted = s_slots (names, node->granted);
    node->promised = s_slots (names, node->promised);
    s_log (naming, node->log, node->length);
    for (size_t i = 0; i < node->rosters; i++)
        node->roster[i].what = s_paper (naming, node->roster[i].what);
}

static world_t
s_named (const world_t *world, size_t naming)
{
    const uint8_t *names = s_namings[naming];
    world_t named = *world;
    for (size_t i = 0; i < NODES; i++) {
        named.nodes[names[i]] = world->nodes[i];
        s_node (naming, &named.nodes[names[i]]);
    }
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        mail_t *mail = &named.mail[s_disk (names, disk)];
        *mail = world->mail[disk];
        for (size_t term = 0; term < TERMS; term++)
            mail->votes[term] = s_bits (names, mail->votes[term]);
    }
    for (size_t term = 0; term < TERMS; term++) {
        named.led[term] = s_disk (names, world->led[term]);
        named.sent[term].disk = s_disk (names, world->sent[term].disk);
        s_log (naming, named.sent[term].log, named.sent[term].length);
    }
    s_log (naming, named.sure, named.sure_count);
    return named;
}

uint64_t
symmetry_hash (const world_t *world, uint8_t same)
{
    uint64_t least = world_hash (world);
    for (size_t naming = 1; naming < NAMINGS; naming++) {
        bool may = true;
        for (size_t i = 0; i < LISTED; i++)
            may = may && (s_namings[naming][i] == i || (same >> i & 1) != 0);
        if (!may)
            continue;
        world_t named = s_named (world, naming);
        uint64_t hash = world_hash (&named);
        least = hash < least ? hash : least;
    }
    return least;
}
