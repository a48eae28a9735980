/*  What the election service does besides consensus: pruning and its holds, state transfer, facts,
 *  log lines, hostile frames. */
#include "tests/unit/services/election_stage.h"
#include "base/hf_random.h"
#include "msgs/hf_facts.h"

static void
s_flushed (stage_t *self, uint64_t index)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_a_flushed_frame (&frame, &(hf_a_flushed_t){.index = index});
    stage_actor (self, &frame);
    hf_pack_done (&frame);
}

//  ---- pruning and state transfer --------------------------------------------------------

static void
s_fill (stage_t *stage, int count)
{
    stage_begin (stage, 1000);
    for (int i = 0; i < count; i++)
        stage_propose (stage, "x");
    stage_end (stage);
}

static void
test_prunes_to_what_is_flushed_and_keeps_some (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 1, 1);
    stage.config.log_keep = 10;
    stage.config.prune_step = 8;
    stage_start (&stage, 0);
    s_fill (&stage, 50);
    assert_int_equal (stage.base, 0);
    stage_begin (&stage, 1000);
    s_flushed (&stage, 20);
    stage_end (&stage);
    for (uint64_t base = 8; base <= 16; base += 8) {
        assert_true (hf_election_service_wake_us (stage.service) <= stage.now_us + 1000);
        stage_turn (&stage, 1000);
        assert_int_equal (stage.base, base);
        assert_int_equal (hf_election_service_view (stage.service).first_index, base + 1);
    }
    for (int i = 0; i < 5; i++)
        stage_turn (&stage, 1000);
    assert_int_equal (stage.base, 20);
    stage_begin (&stage, 1000);
    s_flushed (&stage, 51);
    stage_end (&stage);
    for (int i = 0; i < 9; i++)
        stage_turn (&stage, 1000);
    assert_int_equal (stage.base, stage.last - 10);
    stage_done (&stage);
}

static void
s_ask (stage_t *stage, uint32_t from, uint64_t term)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_state_ask_frame (&frame, &(hf_state_ask_t){.from = from, .to = 2, .term = term});
    stage_peer (stage, &frame);
    hf_pack_done (&frame);
}

static void
s_part_sent (stage_t *stage, uint64_t index)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_state_part_frame (&frame, &(hf_state_part_t){.from = 2, .to = 3, .id = 7, .index = index});
    stage_actor (stage, &frame);
    hf_pack_done (&frame);
}

static void
test_pruning_waits_for_a_node_that_takes_the_state_over (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage.config.hold_us = 500000;
    stage.config.core.election_us = 100000000;
    stage_start (&stage, 0);
    stage_lead (&stage);
    uint64_t term = hf_election_service_view (stage.service).term;
    s_fill (&stage, 30);
    stage_begin (&stage, 1000);
    stage_ack (&stage, 3, stage.last);
    s_flushed (&stage, 5);
    stage_end (&stage);
    stage_turn (&stage, 1000);
    assert_int_equal (stage.base, 5);
    //  Asked for: what is flushed now holds. Nobody else may ask, and not a follower.
    stage_begin (&stage, 1000);
    s_ask (&stage, 3, term + 7);
    assert_int_equal (stage_count (&stage, HF_KIND_STATE_ASK), 0);
    s_ask (&stage, 3, term);
    s_flushed (&stage, 25);
    stage_end (&stage);
    assert_int_equal (stage_count (&stage, HF_KIND_STATE_ASK), 1);
    stage_turn (&stage, 1000);
    assert_int_equal (stage.base, 5);
    //  Its first part shows how far the snapshot goes.
    stage_begin (&stage, 1000);
    s_part_sent (&stage, 12);
    s_flushed (&stage, 26);
    stage_end (&stage);
    stage_turn (&stage, 1000);
    assert_int_equal (stage.base, 12);
    stage_begin (&stage, 490000);
    s_flushed (&stage, 27);
    stage_end (&stage);
    stage_turn (&stage, 5000);
    assert_int_equal (stage.base, 12);
    stage_begin (&stage, 6000);
    s_flushed (&stage, 28);
    stage_end (&stage);
    stage_turn (&stage, 1000);
    assert_int_equal (stage.base, 28);
    stage_done (&stage);
}

static void
s_offer (stage_t *stage, uint32_t from, uint64_t term)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_state_offer_frame (
        &frame, &(hf_state_offer_t){.from = from, .to = 2, .term = term, .first_index = 50});
    stage_begin (stage, 1000);
    stage_peer (stage, &frame);
    stage_end (stage);
    hf_pack_done (&frame);
}

static bool
s_part (stage_t *stage, uint32_t from, uint64_t term, uint64_t offset)
{
    size_t before = stage_count (stage, HF_KIND_STATE_PART);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_state_part_frame (&frame, &(hf_state_part_t){.from = from,
                                                    .to = 2,
                                                    .term = term,
                                                    .id = 1,
                                                    .index = 60,
                                                    .index_term = 1,
                                                    .total = 100,
                                                    .offset = offset,
                                                    .data = hf_span_text ("0123456789")});
    stage_begin (stage, 1000);
    stage_peer (stage, &frame);
    stage_end (stage);
    hf_pack_done (&frame);
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

static void
test_needs_the_state_of_its_leader_and_of_the_next (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 3);
    assert_false (s_part (&stage, 1, 3, 0));
    s_offer (&stage, 1, 3);
    assert_int_equal (s_needs (&stage).leader, 1);
    assert_true (s_part (&stage, 1, 3, 0));
    assert_true (s_part (&stage, 1, 3, 90));
    assert_false (s_part (&stage, 3, 3, 0));
    assert_false (s_part (&stage, 1, 2, 0));
    assert_false (s_part (&stage, 1, 3, 91)); //  longer than it says
    assert_false (s_part (&stage, 1, 3, UINT64_MAX - 3));
    stage_follow (&stage, 3, 4);
    assert_int_equal (s_needs (&stage).leader, 0);
    assert_false (s_part (&stage, 3, 4, 0));
    s_offer (&stage, 3, 4);
    assert_int_equal (s_needs (&stage).leader, 3);
    assert_int_equal (s_needs (&stage).term, 4);
    assert_int_equal (stage_count (&stage, HF_KIND_A_NEEDS_STATE), 3);
    stage_done (&stage);
}

//  ---- what people are told ----------------------------------------------------------------

static void
test_tells_exactly_its_facts (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 3);
    hf_pack_t frame;
    hf_pack_init (&frame);
    stage_begin (&stage, 1000);
    hf_election_service_link (stage.service, 1, true, stage.now_us);
    hf_election_service_dropped (stage.service, 4);
    hf_election_service_from_peer (stage.service, hf_span_text ("garbage"), stage.now_us);
    hf_a_facts_frame (&frame, &(hf_a_facts_t){.id = 77});
    stage_actor (&stage, &frame);
    stage_end (&stage);
    hf_pack_done (&frame);
    hf_scan_t scan;
    hf_a_told_t told;
    assert_int_equal (stage_last (&stage, HF_KIND_A_TOLD, &scan)->actor, HF_TO_LOCK);
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
        if (i == HF_FACT_dropped_peer_frames)
            assert_int_equal (row.number, 5);
    }
    assert_int_equal (count, told.rows.count);
    stage_done (&stage);
}

static void
test_reports_a_stall_and_who_is_missing (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage.config.core.incarnation = 22;
    stage_start (&stage, 0);
    stage_turn (&stage, 1000);
    assert_null (strstr (stage.lines, "stood still"));
    uint64_t wake_us = hf_election_service_wake_us (stage.service);
    stage_turn (&stage, wake_us - stage.now_us + 25000);
    assert_non_null (strstr (stage.lines, "stood still for 25 ms"));
    for (int i = 0; i < 100; i++)
        stage_turn (&stage, 50000);
    assert_non_null (strstr (stage.lines, "missing: 1,3"));
    stage_done (&stage);
}

/*  Whatever a peer sends: nothing but a count, and no assertion. */
static void
test_survives_hostile_frames (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_lead (&stage);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_vote_request_frame (&frame,
                           &(hf_vote_request_t){.from = 3, .to = 2, .term = 1, .pre = true});
    uint8_t good[100];
    size_t size = hf_pack_size (&frame);
    assert_true (size < sizeof good);
    memcpy (good, hf_pack_bytes (&frame), size);
    hf_random_t seed = {5};
    for (int i = 0; i < 3000; i++) {
        uint8_t bad[sizeof good];
        memcpy (bad, good, size);
        for (int j = (int)hf_random_below (&seed, 3); j >= 0; j--)
            bad[hf_random_below (&seed, size)] = (uint8_t)hf_random_next (&seed);
        stage_begin (&stage, 10);
        hf_election_service_from_peer (
            stage.service, hf_span (bad, hf_random_below (&seed, size + 1)), stage.now_us);
        stage_end (&stage);
        stage_forget (&stage);
    }
    //  Kinds that no peer sends.
    for (uint32_t kind = 1; kind < 256; kind++) {
        hf_pack_reset (&frame);
        hf_put_array (&frame, 2);
        hf_put_u32 (&frame, HF_VERSION_WIRE);
        hf_put_array (&frame, 2);
        hf_put_u32 (&frame, kind);
        hf_put_u64 (&frame, 1);
        stage_begin (&stage, 10);
        stage_peer (&stage, &frame);
        stage_end (&stage);
        stage_forget (&stage);
    }
    hf_pack_done (&frame);
    stage_done (&stage);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_prunes_to_what_is_flushed_and_keeps_some),
        cmocka_unit_test (test_pruning_waits_for_a_node_that_takes_the_state_over),
        cmocka_unit_test (test_needs_the_state_of_its_leader_and_of_the_next),
        cmocka_unit_test (test_tells_exactly_its_facts),
        cmocka_unit_test (test_reports_a_stall_and_who_is_missing),
        cmocka_unit_test (test_survives_hostile_frames),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
