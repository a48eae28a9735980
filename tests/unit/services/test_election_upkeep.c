/*  What the election service does besides consensus: pruning and its holds, state transfer, facts,
 *  log lines, hostile frames. */
#include "tests/unit/services/election_stage.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "msgs/hf_facts.h"
#include "msgs/hf_limits.h"

//  ---- pruning and state transfer --------------------------------------------------------

static void
s_fill (stage_t *stage, int count)
{
    for (int i = 0; i < count; i++)
        stage_propose (stage, "x");
    stage_end (stage);
}

STAGE_TEST (test_prunes_to_what_is_flushed_and_keeps_some, stage, 1)
{
    stage->config.log_keep = 10;
    stage->config.prune_step = 8;
    stage_start (stage, 0);
    s_fill (stage, 50);
    assert_int_equal (stage->base, 0);
    stage_flushed (stage, 20);
    stage_end (stage);
    for (uint64_t base = 8; base <= 16; base += 8) {
        assert_true (hf_election_service_wake_us (stage->service) <= stage->now_us + 1000);
        stage_turn (stage, 1000);
        assert_int_equal (stage->base, base);
        assert_int_equal (hf_election_service_view (stage->service).first_index, base + 1);
    }
    for (int i = 0; i < 5; i++)
        stage_turn (stage, 1000);
    assert_int_equal (stage->base, 20);
    stage_flushed (stage, 51);
    stage_end (stage);
    for (int i = 0; i < 9; i++)
        stage_turn (stage, 1000);
    assert_int_equal (stage->base, stage->last - 10);
}

/*  The last life ended between flush and pruning. The new one prunes without another flush, but
 * only once the leader has said that those entries are committed. */
STAGE_TEST (test_prunes_after_a_start_what_is_committed, stage, 3)
{
    stage->config.log_keep = 10;
    for (stage->last = 1; stage->last < 30; stage->last++)
        stage->entries[stage->last].term = 1;
    stage->entries[30].term = stage->term = 1;
    stage_start (stage, 20);
    stage_turn (stage, 1000);
    assert_int_equal (stage->base, 0);
    assert_true (hf_election_service_wake_us (stage->service) > stage->now_us);
    hf_heartbeat_t beat = {
        .from = 1, .term = 1, .round = 1, .commit = 30, .last_index = 30, .last_term = 1};
    hf_heartbeat_frame (&stage->frame, &beat);
    stage_peer (stage);
    stage_end (stage);
    stage_turn (stage, 1000);
    assert_int_equal (stage->base, 20);
}

static void
s_beat (stage_t *stage, uint64_t commit, uint64_t keep)
{
    hf_heartbeat_frame (&stage->frame, &(hf_heartbeat_t){.from = 1,
                                                         .term = 1,
                                                         .round = 1,
                                                         .commit = commit,
                                                         .last_index = commit,
                                                         .last_term = 1,
                                                         .keep = keep});
    stage_peer (stage);
    stage_end (stage);
    stage_turn (stage, 1000);
}

/*  A follower may be the next leader: it keeps what its leader keeps for a member that is away,
 * also for a while after it lost its leader. */
STAGE_TEST (test_a_follower_keeps_the_log_for_a_member_that_is_away, stage, 3)
{
    stage->config.log_keep = 1;
    for (stage->last = 1; stage->last < 30; stage->last++)
        stage->entries[stage->last].term = 1;
    stage->entries[30].term = stage->term = 1;
    stage_start (stage, 20);
    s_beat (stage, 30, 6);
    assert_int_equal (stage->base, 5);
    s_beat (stage, 30, 9);
    stage_turn (stage, 100000);
    assert_int_equal (stage->base, 8);
    for (int i = 0; i < 10; i++)
        stage_turn (stage, 200000);
    assert_int_equal (stage->base, 8);
    for (int i = 0; i < 10; i++)
        stage_turn (stage, 200000);
    assert_int_equal (stage->base, 20);
}

static void
s_ask (stage_t *stage, uint64_t term)
{
    hf_state_ask_frame (&stage->frame, &(hf_state_ask_t){.from = 3, .to = 2, .term = term});
    stage_peer (stage);
}

/*  Once asked for, what is flushed then holds; the first part shows how far the snapshot goes; and
 *  it holds for half a second. */
STAGE_TEST (test_pruning_waits_for_a_node_that_takes_the_state_over, stage, 3)
{
    static const struct {
        uint64_t after_us;
        bool asks;
        uint64_t part, flushed, base;
    } steps[] = {
        {1000, .flushed = 5, .base = 5},
        {1000, .asks = true, .flushed = 25, .base = 5},
        {1000, .part = 12, .flushed = 26, .base = 12},
        {494000, .flushed = 27, .base = 12},
        {5000, .flushed = 28, .base = 28},
    };
    stage->config.hold_us = 500000;
    stage->config.core.election_us = 100000000;
    stage_lead (stage);
    uint64_t term = hf_election_service_view (stage->service).term;
    s_fill (stage, 30);
    stage_ack (stage, 3, stage->last);
    s_ask (stage, term + 7); //  nobody's: not of this leadership
    stage_end (stage);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        stage_begin (stage, steps[i].after_us);
        if (steps[i].asks)
            s_ask (stage, term);
        if (steps[i].part > 0) {
            hf_state_part_t part = {.from = 2, .to = 3, .id = 7, .index = steps[i].part};
            hf_state_part_frame (&stage->frame, &part);
            stage_actor (stage);
        }
        stage_flushed (stage, steps[i].flushed);
        stage_end (stage);
        stage_turn (stage, 1000);
        assert_int_equal (stage->base, steps[i].base);
        assert_int_equal (stage_count (stage, HF_KIND_STATE_ASK), i > 0);
    }
}

static void
s_offer (stage_t *stage, uint32_t from, uint64_t term)
{
    hf_heartbeat_frame (
        &stage->frame,
        &(hf_heartbeat_t){
            .from = from, .term = term, .round = 2, .last_index = 60, .last_term = term});
    stage_peer (stage);
    hf_state_offer_frame (
        &stage->frame, &(hf_state_offer_t){.from = from, .to = 2, .term = term, .first_index = 50});
    stage_peer (stage);
    stage_end (stage);
}

static bool
s_part (stage_t *stage, uint32_t from, uint64_t term, uint64_t offset)
{
    size_t before = stage_count (stage, HF_KIND_STATE_PART);
    hf_state_part_frame (&stage->frame, &(hf_state_part_t){.from = from,
                                                           .to = 2,
                                                           .term = term,
                                                           .id = 1,
                                                           .index = 60,
                                                           .index_term = 1,
                                                           .total = 100,
                                                           .offset = offset,
                                                           .data = hf_span_text ("0123456789")});
    stage_peer (stage);
    stage_end (stage);
    return stage_count (stage, HF_KIND_STATE_PART) > before;
}

static hf_a_needs_state_t
s_needs (const stage_t *stage)
{
    hf_scan_t scan;
    hf_a_needs_state_t needs;
    assert_int_equal (stage_last (stage, HF_KIND_A_NEEDS_STATE, &scan)->actor, HF_TO_FILE);
    assert_true (hf_a_needs_state_get (&scan, &needs));
    return needs;
}

STAGE_TEST (test_needs_the_state_of_its_leader_and_of_the_next, stage, 3)
{
    stage_follow (stage, 1, 3);
    assert_false (s_part (stage, 1, 3, 0));
    s_offer (stage, 1, 3);
    assert_int_equal (s_needs (stage).leader, 1);
    assert_true (s_part (stage, 1, 3, 0));
    assert_true (s_part (stage, 1, 3, 90));
    assert_false (s_part (stage, 3, 3, 0));
    assert_false (s_part (stage, 1, 2, 0));
    assert_false (s_part (stage, 1, 3, 91)); //  longer than it says
    assert_false (s_part (stage, 1, 3, UINT64_MAX - 3));
    stage_follow (stage, 3, 4);
    assert_int_equal (s_needs (stage).leader, 0);
    assert_false (s_part (stage, 3, 4, 0));
    s_offer (stage, 3, 4);
    assert_int_equal (s_needs (stage).leader, 3);
    assert_int_equal (s_needs (stage).term, 4);
    assert_int_equal (stage_count (stage, HF_KIND_A_NEEDS_STATE), 3);
}

//  ---- facts and log lines ----------------------------------------------------------------

STAGE_TEST (test_tells_exactly_its_facts, stage, 3)
{
    stage_follow (stage, 1, 3);
    stage_begin (stage, 1000);
    hf_election_service_link (stage->service, 1, true, stage->now_us);
    hf_election_service_dropped (stage->service, 4);
    hf_election_service_names (stage->service, hf_span_text ("cannot resolve beta"));
    hf_election_service_from_peer (stage->service, hf_span_text ("garbage"), stage->now_us);
    hf_a_facts_frame (&stage->frame, &(hf_a_facts_t){.id = 77});
    stage_actor (stage);
    stage_end (stage);
    hf_scan_t scan;
    hf_a_told_t told;
    assert_int_equal (stage_last (stage, HF_KIND_A_TOLD, &scan)->actor, HF_TO_LOCK);
    assert_true (hf_a_told_get (&scan, &told));
    assert_int_equal (told.id, 77);
    scan = hf_scan_list (told.rows);
    uint32_t count = 0;
    for (size_t i = 0; i < HF_FACT_COUNT; i++) {
        hf_fact_row_t row;
        if (hf_facts[i].owner != HF_OWNER_ELECTION)
            continue;
        assert_true (hf_fact_row_get (&scan, &row));
        assert_ptr_equal (hf_fact_find (row.key), &hf_facts[i]);
        count++;
        if (i == HF_FACT_role)
            assert_true (hf_span_equal (row.text, hf_span_text ("follower")));
        if (i == HF_FACT_leader || i == HF_FACT_links_up)
            assert_int_equal (row.number, 1);
        if (i == HF_FACT_term)
            assert_int_equal (row.number, 3);
        if (i == HF_FACT_led_ms)
            assert_int_equal (row.number, 1);
        if (i == HF_FACT_reached)
            assert_true (hf_span_equal (row.text, hf_span_text ("1:0 2:0 3:0!")));
        if (i == HF_FACT_speaks)
            assert_int_equal (row.number, HF_LEVEL_NEWEST);
        if (i == HF_FACT_dropped_peer_frames)
            assert_int_equal (row.number, 5);
    }
    assert_int_equal (count, told.rows.count);
}

/*  LEADER tells, in term 3, a roster of LEVEL at INDEX with node 1 alone. */
static void
s_members (stage_t *stage, uint32_t leader, uint64_t index, uint32_t level)
{
    hf_pack_t roster;
    hf_pack_init (&roster);
    hf_roster_put (&roster, &(hf_roster_t){.count = 1,
                                           .level = level,
                                           .cluster = 5,
                                           .members = {{.node = 1,
                                                        .incarnation = 77,
                                                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                                        .host = hf_span_text ("alpha"),
                                                        .client_port = 1,
                                                        .node_port = 2}}});
    hf_members_frame (&stage->frame, &(hf_members_t){.from = leader,
                                                     .term = 3,
                                                     .index = index,
                                                     .roster = hf_span (hf_pack_bytes (&roster),
                                                                        hf_pack_size (&roster))});
    stage_peer (stage);
    stage_end (stage);
    hf_pack_done (&roster);
}

/*  Its disk was wiped, and it came back with an old release; or nobody should have raised the
 *  level. */
STAGE_TEST (test_says_that_the_cluster_is_of_a_level_it_does_not_speak, stage, 3)
{
    stage_follow (stage, 1, 3);
    for (uint32_t level = HF_LEVEL_NEWEST; level <= HF_LEVEL_NEWEST + 1; level++) {
        s_members (stage, 1, 9, level);
        bool said = strstr (stage->lines, "the cluster is at feature level 2 and this holdfastd "
                                          "speaks level 1: it cannot take part") != NULL;
        assert_int_equal (said, level > HF_LEVEL_NEWEST);
    }
}

STAGE_TEST (test_reports_a_stall_and_who_is_missing, stage, 3)
{
    stage->config.core.incarnation = 22;
    stage_start (stage, 0);
    stage_turn (stage, 1000);
    assert_null (strstr (stage->lines, "stood still"));
    uint64_t wake_us = hf_election_service_wake_us (stage->service);
    stage_turn (stage, wake_us - stage->now_us + 25000);
    assert_non_null (strstr (stage->lines, "stood still for 25 ms"));
    for (int i = 0; i < 100; i++)
        stage_turn (stage, 50000);
    assert_non_null (strstr (stage->lines, "missing: 1,3"));
}

//  ---- the members ---------------------------------------------------------------------------

/*  The roster that the lock actor was told last, and before what else. */
static hf_roster_t
s_roster (const stage_t *stage, uint64_t *index)
{
    hf_scan_t scan;
    hf_a_roster_t told;
    hf_roster_t roster;
    stage_last (stage, HF_KIND_A_ROSTER, &scan);
    assert_true (hf_a_roster_get (&scan, &told));
    assert_true (hf_roster_get (told.roster, &roster));
    *index = told.index;
    return roster;
}

static void
s_move (stage_t *stage, uint64_t id)
{
    hf_a_change_frame (&stage->frame, &(hf_a_change_t){.id = id,
                                                       .op = HF_CHANGE_MOVE,
                                                       .node = 1,
                                                       .host = hf_span_text ("there"),
                                                       .client_port = 1,
                                                       .node_port = 2});
    stage_actor (stage);
    stage_end (stage);
}

STAGE_TEST (test_the_lock_actor_is_told_the_roster_before_the_verdict, stage, 1)
{
    uint64_t index;
    hf_core_config_t *core = &stage->config.core;
    core->incarnation = 5;
    core->places[0] = (hf_core_place_t){.host = "here", .client_port = 1, .node_port = 2};
    stage_start (stage, 0);
    assert_int_equal (stage_count (stage, HF_KIND_A_ROSTER), 2); //  at once, and when committed
    hf_roster_t roster = s_roster (stage, &index);
    assert_true (index == 1 && roster.level == 1 && roster.count == 1);
    stage_forget (stage);
    s_move (stage, 77);
    assert_int_equal (stage_count (stage, HF_KIND_A_ROSTER), 1);
    roster = s_roster (stage, &index);
    assert_true (index == 2 && roster.level == 1 && roster.count == 1);
    assert_true (hf_span_equal (roster.members[0].host, hf_span_text ("there")));
    hf_scan_t scan;
    hf_a_verdict_t verdict;
    const left_t *last = stage_last (stage, HF_KIND_A_VERDICT, &scan);
    assert_true (last > stage_last (stage, HF_KIND_A_ROSTER, &(hf_scan_t){.bad = false}));
    assert_true (hf_a_verdict_get (&scan, &verdict));
    assert_true (verdict.id == 77 && verdict.verdict == HF_VERDICT_DONE);
    stage_forget (stage);
    s_move (stage, 77);
    assert_int_equal (stage_count (stage, HF_KIND_A_ROSTER), 0);
    assert_int_equal (stage_count (stage, HF_KIND_A_VERDICT), 1);
}

/*  It was removed while its disk was lost, or was never added: clients must hear of it. */
STAGE_TEST (test_a_node_with_an_empty_log_learns_that_it_is_no_member, stage, 3)
{
    uint64_t index;
    stage->config.core.incarnation = 22;
    stage_follow (stage, 1, 3);
    s_members (stage, 3, 9, 1); //  who does not lead
    assert_int_equal (stage_count (stage, HF_KIND_A_ROSTER), 0);
    s_members (stage, 1, 9, 1);
    hf_roster_t roster = s_roster (stage, &index);
    assert_true (index == 9 && roster.count == 1 && roster.members[0].node == 1);
    assert_non_null (strstr (stage->lines, "is no member of the cluster that node 1 leads"));
    s_members (stage, 1, 9, 1);
    assert_int_equal (stage_count (stage, HF_KIND_A_ROSTER), 1);
    assert_int_equal (hf_election_service_removed (stage->service), 0);
    s_members (stage, 1, 12, 1);
    s_roster (stage, &index);
    assert_int_equal (index, 12);
    hf_mutant = HF_MUTANT_stranger_unaware;
    s_members (stage, 1, 15, 1);
    s_roster (stage, &index);
    assert_int_equal (index, 12);
    hf_mutant = HF_MUTANT_none;
}

STAGE_TEST (test_says_that_nobody_leads_and_when_it_is_over, stage, 3)
{
    stage_lead (stage);
    stage->lines[0] = 0;
    uint64_t start_us = stage->now_us;
    while (stage->now_us < start_us + 3000000)
        stage_turn (stage, 50000);
    assert_int_equal (hf_election_service_view (stage->service).leader, 0);
    assert_null (strstr (stage->lines, "nobody"));
    while (stage->now_us < start_us + 4500000)
        stage_turn (stage, 50000);
    const char *said = strstr (stage->lines, "nobody has led for 3 s: no link to node 1,3");
    assert_non_null (said);
    assert_null (strstr (said + 1, "nobody"));
    stage_follow (stage, 1, hf_election_service_view (stage->service).term + 1);
    assert_non_null (strstr (stage->lines, "node 1 leads, after 4 s without a leader"));
}

/*  Whatever a peer sends: nothing but a count, and no assertion. */
STAGE_TEST (test_survives_hostile_frames, stage, 3)
{
    stage_lead (stage);
    hf_vote_request_frame (&stage->frame,
                           &(hf_vote_request_t){.from = 3, .to = 2, .term = 1, .pre = true});
    uint8_t good[100];
    size_t size = hf_pack_size (&stage->frame);
    assert_true (size < sizeof good);
    memcpy (good, hf_pack_bytes (&stage->frame), size);
    hf_pack_reset (&stage->frame);
    hf_random_t seed = {5};
    for (int i = 0; i < 3000; i++) {
        uint8_t bad[sizeof good];
        memcpy (bad, good, size);
        for (int j = (int)hf_random_below (&seed, 3); j >= 0; j--)
            bad[hf_random_below (&seed, size)] = (uint8_t)hf_random_next (&seed);
        hf_pack_raw (&stage->frame, bad, hf_random_below (&seed, size + 1));
        stage_peer (stage);
        stage_end (stage);
        stage_forget (stage);
    }
    //  Kinds that no peer sends.
    for (uint32_t kind = 1; kind < 256; kind++) {
        hf_put_array (&stage->frame, 2);
        hf_put_u32 (&stage->frame, HF_VERSION_WIRE);
        hf_put_array (&stage->frame, 2);
        hf_put_u32 (&stage->frame, kind);
        hf_put_u64 (&stage->frame, 1);
        stage_peer (stage);
        stage_end (stage);
        stage_forget (stage);
    }
}

HF_TEST_MAIN (NULL, NULL)
