//  The small systems that are explored, and how they begin.

#include "scenarios.h"
#include "papers.h"
#include <assert.h>

//  ---- what operators ask for ------------------------------------------------------------------

#define PLACE(id)                                                                                  \
    {                                                                                              \
        .node = (id), .host = {.at = (const uint8_t *)"h", .size = 1}, .client_port = 10 * (id),   \
        .node_port = 10 * (id) + 1                                                                 \
    }

static const hf_change_t s_add_4[] = {{.id = 1, .op = HF_CHANGE_ADD, .place = PLACE (4)}};

static const hf_change_t s_add_2_and_3[] = {{.id = 1, .op = HF_CHANGE_ADD, .place = PLACE (2)},
                                            {.id = 2, .op = HF_CHANGE_ADD, .place = PLACE (3)}};

//  FORCE: whether enough others are up is about progress alone.
static const hf_change_t s_remove_3[] = {
    {.id = 1, .op = HF_CHANGE_REMOVE, .place = {.node = 3}, .force = true}};

static const hf_change_t s_remove_3_and_2[] = {
    {.id = 1, .op = HF_CHANGE_REMOVE, .place = {.node = 3}, .force = true},
    {.id = 2, .op = HF_CHANGE_REMOVE, .place = {.node = 2}, .force = true}};

static const hf_change_t s_add_4_remove_1[] = {
    {.id = 1, .op = HF_CHANGE_ADD, .place = PLACE (4)},
    {.id = 2, .op = HF_CHANGE_REMOVE, .place = {.node = 1}, .force = true}};

#define CHANGES(list) .changes = (list), .changes_count = sizeof (list) / sizeof *(list)

//  ---- the list
//  -----------------------------------------------------------------------------------

//  Places in nodes[] as bits.
enum { ONE = 1, TWO = 2, THREE = 4, FOUR = 8 };

const scenario_t scenarios[] = {
    {.name = "add",
     .what = "3 voters, 4 is added and promoted",
     .formed = true,
     .fourth = 4,
     .rosters = 3,
     .bounds = {.terms = 3,
                .in_order = true,
                .whole_repair = true,
                .admissions = 1,
                .joiners = FOUR,
                .same = ONE | TWO | THREE,
                CHANGES (s_add_4)}},
    {.name = "remove",
     .what = "3 voters, 3 is removed, one crash",
     .formed = true,
     .rosters = 2,
     .bounds = {.terms = 3, .crashes = 1, .same = ONE | TWO, CHANGES (s_remove_3)}},
    {.name = "wipe",
     .what = "3 voters, 2 loses its disk and is admitted again",
     .formed = true,
     .rosters = 2,
     .bounds = {.terms = 3,
                .wipes = 1,
                .wipes_of = TWO,
                .keeps_all = true,
                .admissions = 2,
                .same = ONE | THREE}},
    {.name = "twin",
     .what = "3 voters, the lost disk of 2 goes on beside the new one",
     .formed = true,
     .fourth = 2 + NODES,
     .rosters = 2,
     .bounds = {.terms = 3,
                .in_order = true,
                .whole_repair = true,
                .admissions = 1,
                .same = ONE | THREE}},
    {.name = "two",
     .what = "3 voters, 3 and 2 are removed",
     .formed = true,
     .rosters = 3,
     .bounds = {.terms = 3, .in_order = true, CHANGES (s_remove_3_and_2)}},
    {.name = "form",
     .what = "3 nodes form a cluster, 2 loses its disk, 4 is to join",
     .fourth = 4,
     .rosters = 2,
     .bounds = {.terms = 2,
                .wipes = 1,
                .wipes_of = TWO,
                .keeps_all = true,
                .admissions = 1,
                .joiners = FOUR,
                .same = ONE | THREE}},
    {.name = "alone",
     .what = "1 forms a cluster by itself, 2 and 3 join",
     .rosters = 5,
     .bounds = {.terms = 2,
                .in_order = true,
                .whole_repair = true,
                .admissions = 2,
                .joiners = TWO | THREE,
                CHANGES (s_add_2_and_3)}},
    {.name = "add-long",
     .what = "as add, repaired entry by entry, one crash",
     .longer = true,
     .formed = true,
     .fourth = 4,
     .rosters = 3,
     .bounds = {.terms = 3,
                .in_order = true,
                .crashes = 1,
                .admissions = 1,
                .joiners = FOUR,
                .same = ONE | TWO | THREE,
                CHANGES (s_add_4)}},
    {.name = "remove-long",
     .what = "as remove, one more term, terms in order",
     .longer = true,
     .formed = true,
     .rosters = 2,
     .bounds =
         {.terms = 4, .in_order = true, .crashes = 1, .same = ONE | TWO, CHANGES (s_remove_3)}},
    {.name = "twin-long",
     .what = "as twin, one more term",
     .longer = true,
     .formed = true,
     .fourth = 2 + NODES,
     .rosters = 2,
     .bounds = {.terms = 4,
                .in_order = true,
                .whole_repair = true,
                .admissions = 1,
                .same = ONE | THREE}},
    {.name = "two-long",
     .what = "as two, one more term",
     .longer = true,
     .formed = true,
     .rosters = 3,
     .bounds = {.terms = 4, .in_order = true, CHANGES (s_remove_3_and_2)}},
    {.name = "alone-long",
     .what = "as alone, one more term",
     .longer = true,
     .rosters = 5,
     .bounds = {.terms = 3,
                .in_order = true,
                .whole_repair = true,
                .admissions = 2,
                .joiners = TWO | THREE,
                CHANGES (s_add_2_and_3)}},
    {.name = "form-long",
     .what = "as form, one more term",
     .longer = true,
     .fourth = 4,
     .rosters = 1,
     .bounds = {.terms = 3,
                .wipes = 1,
                .wipes_of = TWO,
                .keeps_all = true,
                .joiners = FOUR,
                .same = ONE | THREE}},
    {.name = "replace-long",
     .what = "3 voters, 4 is added and 1 removed",
     .longer = true,
     .formed = true,
     .fourth = 4,
     .rosters = 4,
     .bounds = {.terms = 3,
                .in_order = true,
                .whole_repair = true,
                .admissions = 1,
                .joiners = FOUR,
                .same = TWO | THREE,
                CHANGES (s_add_4_remove_1)}},
};
const size_t scenarios_count = sizeof scenarios / sizeof *scenarios;

const scenario_t *
scenario_named (const char *name)
{
    for (size_t i = 0; i < scenarios_count; i++) {
        if (strcmp (scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}

//  ---- the first state
//  ------------------------------------------------------------------------------

/*  The roster that the first leader of three nodes makes. */
static uint8_t
s_first_roster (void)
{
    hf_roster_t roster = {.count = 3, .level = 1, .cluster = 7};
    for (uint8_t i = 0; i < 3; i++)
        roster.members[i] = (hf_seat_t){.node = i + 1U,
                                        .incarnation = world_incarnation (i + 1),
                                        .slot = i,
                                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                        .host = hf_span_text ("h"),
                                        .client_port = 10U * i + 10,
                                        .node_port = 10U * i + 11};
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_roster_put (&pack, &roster);
    uint8_t number = papers_number (hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack)));
    hf_pack_done (&pack);
    return number;
}

world_t
scenario_first (const scenario_t *scenario)
{
    world_t world = {.crashes = scenario->bounds.crashes,
                     .wipes = scenario->bounds.wipes,
                     .admissions = scenario->bounds.admissions};
    for (uint8_t i = 0; i < 3; i++) {
        node_t *node = &world.nodes[i];
        node->disk = i + 1;
        if (!scenario->formed)
            continue;
        node->term = node->saved_term = 1;
        node->length = node->durable = node->commit = node->verified = 1;
        node->rosters = 1;
        node->log[0] = (entry_t){1, s_first_roster ()};
        node->roster[0] = (roster_at_t){1, node->log[0].what};
    }
    world.nodes[3].disk = scenario->fourth;
    if (scenario->formed) {
        world.sure_count = 1;
        world.sure[0] = world.nodes[0].log[0];
        world.sure_term[0] = 1;
        world.highest = 1;
    }
    if (!scenario->bounds.in_order)
        world.highest = 0;
    world_canonical (&world, &scenario->bounds);
    return world;
}
