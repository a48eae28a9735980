/*  One disk is left of a cluster: what is appended to its log, and that it leads with that. */
#include "nodes/services/hf_survivor.h"
#include "base/hf_mutant.h"
#include "msgs/hf_limits.h"
#include "nodes/consensus/hf_core.h"
#include "tests/kit/hf_test.h"

int hf_mutant = HF_MUTANT_none;

#define VOTER (HF_SEAT_VOTES | HF_SEAT_VOTED)
#define OLD   0x77
#define NEW   9999 //  an incarnation

static hf_seat_t
s_seat (uint32_t node, uint32_t flags)
{
    return (hf_seat_t){.node = node,
                       .incarnation = 100 * node,
                       .slot = node - 1,
                       .flags = flags,
                       .host = hf_span_text ("host"),
                       .client_port = 10 * node,
                       .node_port = 10 * node + 1};
}

typedef struct stage {
    hf_survivor_t survivor;
    hf_pack_t payload;
    hf_roster_t old; //  as it was judged
} stage_t;

/*  Node 2, whose log of ten entries ends with this roster. */
static void
s_open (stage_t *self, const hf_roster_t *roster)
{
    hf_pack_init (&self->payload);
    if (roster)
        hf_roster_put (&self->payload, roster);
    self->survivor = (hf_survivor_t){.self = 2,
                                     .incarnation = 200,
                                     .log = {.term = 6, .last_index = 10},
                                     .last_term = 5,
                                     .roster = hf_span (hf_pack_bytes (&self->payload),
                                                        (uint32_t)hf_pack_size (&self->payload))};
}

static hf_roster_t
s_three (void)
{
    return (hf_roster_t){.count = 3,
                         .level = 1,
                         .cluster = OLD,
                         .done = {5, 6},
                         .done_count = 2,
                         .members = {s_seat (1, VOTER), s_seat (2, VOTER), s_seat (3, VOTER)}};
}

static hf_survival_t
s_judge (const hf_roster_t *roster)
{
    stage_t stage;
    s_open (&stage, roster);
    hf_survival_t survival = hf_survivor_judge (&stage.survivor, &stage.old);
    hf_pack_done (&stage.payload);
    return survival;
}

//  ---- the roster ------------------------------------------------------------------------

HF_TEST (the_new_cluster_has_this_node_alone)
{
    stage_t stage;
    hf_roster_t roster = s_three ();
    s_open (&stage, &roster);
    assert_int_equal (hf_survivor_judge (&stage.survivor, &stage.old), HF_SURVIVAL_CAN);
    hf_roster_t now = hf_survivor_roster (&stage.survivor, NEW);
    assert_int_equal (now.count, 1);
    assert_int_equal (now.level, 1);
    assert_int_equal (now.done_count, 0);
    assert_int_equal (now.members[0].node, 2);
    assert_int_equal (now.members[0].incarnation, NEW);
    assert_int_equal (now.members[0].flags, VOTER);
    assert_true (hf_span_equal (now.members[0].host, hf_span_text ("host")));
    assert_int_equal (now.members[0].client_port, 20);
    assert_true (now.cluster != 0 && now.cluster != OLD);
    //  Each time another one.
    assert_true (now.cluster != hf_survivor_roster (&stage.survivor, NEW + 1).cluster);
    stage.survivor.host = hf_span_text ("elsewhere");
    stage.survivor.client_port = 7;
    stage.survivor.node_port = 8;
    now = hf_survivor_roster (&stage.survivor, NEW);
    assert_true (hf_span_equal (now.members[0].host, hf_span_text ("elsewhere")));
    assert_int_equal (now.members[0].client_port, 7);
    assert_int_equal (now.members[0].node_port, 8);
    hf_pack_done (&stage.payload);
}

/*  Before the feature level is raised, rosters name no places. */
HF_TEST (of_level_zero_the_place_must_be_said)
{
    stage_t stage;
    hf_roster_t roster = s_three ();
    roster.level = 0;
    roster.cluster = 0;
    s_open (&stage, &roster);
    assert_int_equal (hf_survivor_judge (&stage.survivor, &stage.old), HF_SURVIVAL_NO_PLACE);
    stage.survivor.host = hf_span_text ("here");
    stage.survivor.client_port = 7;
    stage.survivor.node_port = 8;
    assert_int_equal (hf_survivor_judge (&stage.survivor, &stage.old), HF_SURVIVAL_CAN);
    hf_roster_t now = hf_survivor_roster (&stage.survivor, NEW);
    assert_int_equal (now.level, 1);
    assert_true (now.cluster != 0);
    hf_pack_done (&stage.payload);
}

HF_TEST (who_learns_and_who_changes_can)
{
    hf_roster_t roster = s_three ();
    roster.members[1].flags = 0; //  it learns
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
    roster.members[1].incarnation = 0; //  it was added, and not heard yet
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
    roster = s_three ();
    roster.members[1].flags |= HF_SEAT_CHANGED;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
    roster.members[1].flags = HF_SEAT_VOTED | HF_SEAT_LEAVES;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
    roster = s_three ();
    roster.members[1].incarnation = 201; //  another disk of it has voted
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
}

HF_TEST (who_cannot_or_need_not)
{
    hf_roster_t roster = s_three ();
    assert_int_equal (s_judge (NULL), HF_SURVIVAL_UNFORMED);
    roster.level = HF_LEVEL_NEWEST + 1;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_NEWER);
    roster = s_three ();
    roster.members[1].node = 4;
    roster.members[2].node = 5;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_STRANGER);
    roster = s_three ();
    roster.members[0].flags = 0;
    roster.members[2].flags = HF_SEAT_JOINS;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_ALONE);
    roster.members[2].flags = HF_SEAT_VOTED | HF_SEAT_LEAVES; //  joint: it is needed
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
    roster = s_three ();
    roster.count = 1;
    roster.members[0] = s_seat (2, VOTER);
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_ALONE);
    roster.members[0].incarnation = 201;
    assert_int_equal (s_judge (&roster), HF_SURVIVAL_CAN);
}

//  ---- it leads ----------------------------------------------------------------------------

/*  The log as it is after the recovery: ten entries of terms up to 5, the roster, the skip. */
static void
s_restore (const stage_t *stage, const hf_entry_t *roster, hf_roster_at_t at[2],
           hf_term_span_t spans[2], hf_restored_t *restored)
{
    at[0] = (hf_roster_at_t){.index = 4, .size = stage->survivor.roster.size};
    memcpy (at[0].payload, stage->survivor.roster.at, at[0].size);
    at[1] = (hf_roster_at_t){.index = 11, .size = roster->payload.size};
    memcpy (at[1].payload, roster->payload.at, at[1].size);
    spans[0] = (hf_term_span_t){.first_index = 1, .term = 5};
    spans[1] = (hf_term_span_t){.first_index = 11, .term = roster->term};
    *restored = (hf_restored_t){.term = hf_survivor_term (&stage->survivor),
                                .voted_for = {.node = 2, .incarnation = NEW},
                                .last_index = 12,
                                .spans = spans,
                                .spans_count = 2,
                                .rosters = at,
                                .rosters_count = 2};
}

/*  Let it do what it wants, its disk being fast, until it has committed everything or does nothing.
 */
static void
s_run (hf_core_t *core, hf_effects_t *effects)
{
    for (int turn = 0; turn < 50 && hf_core_view (core).commit_index < 13; turn++) {
        hf_event_t event = {.type = HF_EV_TICK, .now_us = effects->wake_at_us};
        if (effects->persists.count > 0) {
            hf_core_view_t view = hf_core_view (core);
            event.type = HF_EV_DURABLE;
            event.durable.index = view.last_index;
            event.durable.term = view.last_term;
            hf_effects_reset (effects);
            hf_effects_persisted (effects);
        }
        hf_core_step (core, &event, effects);
        hf_core_check (core);
    }
}

HF_TEST (it_elects_itself_and_commits_all_it_has)
{
    stage_t stage;
    hf_roster_t roster = s_three ();
    hf_entry_t first, second;
    hf_pack_t entries;
    hf_list_t commands;
    hf_roster_at_t at[2];
    hf_term_span_t spans[2];
    hf_restored_t restored;
    hf_cmd_skip_t skip;
    s_open (&stage, &roster);
    hf_pack_init (&entries);
    hf_survivor_entries (&stage.survivor, NEW, &entries);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&entries));
    assert_true (hf_entry_get (&scan, &first) && hf_entry_get (&scan, &second) &&
                 hf_scan_at_end (&scan));
    assert_int_equal (first.type, HF_ENTRY_ROSTER);
    assert_int_equal (first.term, 7);
    assert_int_equal (second.type, HF_ENTRY_COMMANDS);
    assert_int_equal (second.term, 7);
    assert_int_equal (hf_payload_get (second.payload, &commands), HF_OK);
    assert_int_equal (commands.count, 1);
    scan = hf_scan_list (commands);
    assert_true (hf_cmd_skip_get (&scan, &skip));
    assert_int_equal (skip.by, HF_SKIP_MAX);

    hf_core_config_t config;
    hf_effects_t effects;
    hf_core_config_defaults (&config);
    config.self = 2;
    config.incarnation = NEW;
    s_restore (&stage, &first, at, spans, &restored);
    hf_core_t *core = hf_core_new (&config, &restored, 0, NULL, NULL);
    assert_non_null (core);
    hf_effects_init (&effects);
    effects.wake_at_us = 1;
    s_run (core, &effects);
    hf_core_view_t view = hf_core_view (core);
    assert_int_equal (view.role, HF_LEADER);
    assert_int_equal (view.term, 8);
    assert_int_equal (view.commit_index, 13); //  with the entry that opens its term
    hf_effects_done (&effects);
    hf_core_destroy (&core);
    hf_pack_done (&entries);
    hf_pack_done (&stage.payload);
}

//  ---- mutants -----------------------------------------------------------------------------

HF_TEST (p1_neither_its_id_nor_its_term_is_the_old_one)
{
    stage_t stage;
    hf_roster_t roster = s_three ();
    s_open (&stage, &roster);
    assert_int_equal (hf_survivor_term (&stage.survivor), 7);
    stage.survivor.log.term = 4; //  lower than that of the last entry
    assert_int_equal (hf_survivor_term (&stage.survivor), 6);
    hf_mutant = HF_MUTANT_survivor_keeps_term;
    assert_int_equal (hf_survivor_term (&stage.survivor), 5);
    hf_mutant = HF_MUTANT_survivor_keeps_cluster;
    assert_int_equal (hf_survivor_roster (&stage.survivor, NEW).cluster, OLD);
    hf_mutant = HF_MUTANT_none;
    hf_pack_done (&stage.payload);
}

HF_TEST_MAIN (NULL, NULL)
