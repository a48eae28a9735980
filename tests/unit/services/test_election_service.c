/*  The election service, in virtual time: what may leave before the commit, delivery and credit,
 *  proposals, barriers, handover. */
#include "tests/unit/services/election_stage.h"

static void
s_applied (stage_t *self, uint64_t index, uint64_t bytes)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_a_applied_frame (&frame, &(hf_a_applied_t){.index = index, .bytes = bytes});
    stage_actor (self, &frame);
    hf_pack_done (&frame);
}

//  ---- durable before visible --------------------------------------------------------

static void
test_a_leader_sends_entries_early_and_nothing_else (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_lead (&stage);
    stage_forget (&stage);
    uint64_t before = stage.last;
    stage_begin (&stage, 1000);
    stage_propose (&stage, "one");
    stage_ack (&stage, 3, before);
    stage_end (&stage);
    assert_string_equal (stage.entries[before + 1].text, "one");
    hf_scan_t scan;
    assert_true (stage_last (&stage, HF_KIND_ENTRIES, &scan)->early);
    for (size_t i = 0; i < stage.left_count; i++)
        assert_true (!stage.left[i].early || stage.left[i].kind == HF_KIND_ENTRIES ||
                     stage.left[i].kind == HF_KIND_HEARTBEAT);
    //  One ack makes a majority with the leader, whose own disk has it now.
    stage_begin (&stage, 1000);
    stage_ack (&stage, 3, before + 1);
    stage_end (&stage);
    assert_int_equal (stage_delivered (&stage, before + 1), before + 1);
    stage_done (&stage);
}

static void
test_a_leader_does_not_count_itself_before_its_disk (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_lead (&stage);
    stage_forget (&stage);
    uint64_t before = stage.last;
    stage_begin (&stage, 1000);
    stage_propose (&stage, "one");
    hf_election_service_end (stage.service, stage.now_us);
    assert_true (hf_election_service_dirty (stage.service));
    assert_int_equal (hf_election_service_view (stage.service).durable_index, before);
    hf_election_service_committed (stage.service, stage.now_us);
    assert_int_equal (hf_election_service_view (stage.service).durable_index, before + 1);
    stage.writes = 0;
    stage_done (&stage);
}

static void
test_a_follower_acknowledges_after_the_commit (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 4);
    stage_forget (&stage);
    stage_begin (&stage, 1000);
    stage_entries (&stage, 1, 4, 0, 0, 0, 4, "one");
    stage_end (&stage);
    hf_scan_t scan;
    hf_ack_t ack;
    assert_false (stage_last (&stage, HF_KIND_ACK, &scan)->early);
    assert_true (hf_ack_get (&scan, &ack));
    assert_int_equal (ack.index, 1);
    for (size_t i = 0; i < stage.left_count; i++)
        assert_false (stage.left[i].early);
    assert_int_equal (stage_count (&stage, HF_KIND_A_COMMITTED), 0);
    stage_begin (&stage, 1000);
    stage_entries (&stage, 1, 4, 1, 1, 4, 4, "two");
    stage_end (&stage);
    assert_int_equal (stage_delivered (&stage, 1), 1);
    assert_false (stage_last (&stage, HF_KIND_A_COMMITTED, &scan)->early);
    stage_done (&stage);
}

static void
test_a_vote_leaves_after_the_commit (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_forget (&stage);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_vote_request_frame (&frame, &(hf_vote_request_t){.from = 3, .to = 2, .term = 9});
    stage_begin (&stage, 1000);
    stage_peer (&stage, &frame);
    stage_end (&stage);
    hf_scan_t scan;
    hf_vote_t vote;
    assert_false (stage_last (&stage, HF_KIND_VOTE, &scan)->early);
    assert_true (hf_vote_get (&scan, &vote) && vote.granted);
    assert_int_equal (stage.term, 9);
    assert_int_equal (stage.voted_for.node, 3);
    hf_pack_done (&frame);
    stage_done (&stage);
}

/*  Entries that answer a NEED are those of the log when it was answered, even if the same turn cuts
 *  them from the log. */
static void
test_a_repair_is_not_changed_by_a_later_cut (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_lead (&stage);
    uint64_t term = hf_election_service_view (stage.service).term;
    uint64_t before = stage.last;
    stage_begin (&stage, 1000);
    stage_propose (&stage, "mine");
    stage_end (&stage);
    stage_forget (&stage);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_need_frame (
        &frame,
        &(hf_need_t){.from = 3, .to = 2, .term = term, .probe_index = before, .probe_term = term});
    stage_begin (&stage, 1000);
    stage_peer (&stage, &frame);
    stage_entries (&stage, 1, term + 1, 0, before, term, term + 1, "theirs");
    stage_end (&stage);
    assert_string_equal (stage.entries[before + 1].text, "theirs");
    hf_scan_t scan;
    hf_entries_t entries;
    hf_entry_t entry;
    stage_last (&stage, HF_KIND_ENTRIES, &scan);
    assert_true (hf_entries_get (&scan, &entries));
    assert_int_equal (entries.entries.count, 1);
    scan = hf_scan_list (entries.entries);
    assert_true (hf_entry_get (&scan, &entry));
    assert_true (hf_span_equal (entry.payload, hf_span_text ("mine")));
    hf_pack_done (&frame);
    stage_done (&stage);
}

//  ---- proposals and delivery ----------------------------------------------------------

static void
test_delivery_is_bounded_by_credit (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 1, 1);
    stage.config.deliver_bytes = 20;
    stage.config.deliver_ahead = 60;
    stage.config.tail_bytes = 100; //  most entries are read from the store
    stage_start (&stage, 0);
    stage_begin (&stage, 1000);
    for (int i = 0; i < 40; i++)
        stage_propose (&stage, "payload");
    stage_end (&stage);
    uint64_t last = stage.last;
    uint64_t reached = stage_delivered (&stage, 1);
    assert_true (last > 40 && reached > 1 && reached < last);
    stage_turn (&stage, 1000);
    assert_int_equal (stage_delivered (&stage, 1), reached);
    for (int i = 0; i < 100 && reached < last; i++) {
        uint64_t bytes = 0;
        for (size_t j = 0; j < stage.left_count; j++) {
            hf_scan_t scan;
            uint32_t kind;
            hf_a_committed_t committed;
            hf_frame_open (stage.left[j].bytes, stage.left[j].size, &scan, &kind);
            if (stage.left[j].kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed))
                bytes += committed.entries.size;
        }
        stage_begin (&stage, 1000);
        s_applied (&stage, reached, bytes);
        stage_end (&stage);
        assert_true (stage_delivered (&stage, 1) > reached);
        reached = stage_delivered (&stage, 1);
    }
    assert_int_equal (reached, last);
    stage_done (&stage);
}

static void
test_delivery_begins_after_what_is_applied (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 1, 1);
    for (stage.last = 1; stage.last < 9; stage.last++)
        stage.entries[stage.last].term = 1;
    stage.last = 8;
    stage.term = 1;
    stage_start (&stage, 5);
    stage_turn (&stage, 1000);
    assert_int_equal (stage_delivered (&stage, 6), stage.last);
    stage_done (&stage);
}

static void
test_delivers_what_replaced_entries_that_were_cut (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 4);
    stage_begin (&stage, 1000);
    stage_entries (&stage, 1, 4, 0, 0, 0, 4, "one");
    stage_entries (&stage, 1, 4, 0, 1, 4, 4, "cut");
    stage_end (&stage);
    stage_begin (&stage, 1000);
    stage_entries (&stage, 3, 5, 2, 1, 4, 5, "two");
    stage_end (&stage);
    assert_string_equal (stage.entries[2].text, "two");
    assert_int_equal (stage_delivered (&stage, 1), 2);
    stage_done (&stage);
}

static void
test_a_barrier_passes_with_a_majority_only (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_lead (&stage);
    hf_pack_t frame;
    hf_pack_init (&frame);
    for (uint64_t id = 8; id < 10; id++) {
        stage_begin (&stage, 1000);
        stage_ack (&stage, 3, stage.last); //  of a round that began before
        hf_a_barrier_frame (&frame, &(hf_a_barrier_t){.id = id});
        stage_actor (&stage, &frame);
        stage_end (&stage);
        assert_int_equal (stage_count (&stage, HF_KIND_A_PASSED), id - 8);
        stage_begin (&stage, 1000);
        stage_ack (&stage, 3, stage.last);
        stage_end (&stage);
        hf_scan_t scan;
        hf_a_passed_t passed;
        stage_last (&stage, HF_KIND_A_PASSED, &scan);
        assert_true (hf_a_passed_get (&scan, &passed));
        assert_int_equal (passed.id, id);
        assert_int_equal (passed.index, stage.last);
    }
    hf_pack_done (&frame);
    stage_done (&stage);
}

static void
test_a_follower_drops_proposals (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 1);
    stage_begin (&stage, 1000);
    stage_propose (&stage, "lost");
    stage_end (&stage);
    assert_int_equal (stage.last, 0);
    stage_lead (&stage);
    stage_turn (&stage, 1000);
    for (uint64_t i = 1; i <= stage.last; i++)
        assert_string_not_equal (stage.entries[i].text, "lost");
    stage_done (&stage);
}

static bool
s_said_done (const stage_t *stage)
{
    for (size_t i = 0; i < stage->left_count; i++)
        if (stage->left[i].actor == HF_TO_MAIN) {
            assert_string_equal ((const char *)stage->left[i].bytes, "DONE");
            return true;
        }
    return false;
}

static void
test_a_transfer_holds_proposals_back_until_it_is_over (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage.config.core.election_us = 1000000;
    stage.config.propose_bytes = 20; //  two entries
    stage_start (&stage, 0);
    stage_begin (&stage, 1000);
    hf_election_service_link (stage.service, 3, true, stage.now_us);
    stage_end (&stage);
    stage_lead (&stage);
    uint64_t before = stage.last;
    stage_begin (&stage, 1000);
    stage_propose (&stage, "in time");
    hf_election_service_handover (stage.service, stage.now_us);
    for (int i = 0; i < 6; i++)
        stage_propose (&stage, "held back");
    stage_end (&stage);
    assert_true (hf_election_service_view (stage.service).transferring);
    assert_int_equal (stage.last, before + 1);
    assert_string_equal (stage.entries[before + 1].text, "in time");
    stage_begin (&stage, 1000);
    stage_ack (&stage, 3, stage.last);
    stage_end (&stage);
    assert_true (stage_count (&stage, HF_KIND_TRANSFER) > 0);
    assert_false (s_said_done (&stage));
    //  Nobody takes the lead: the transfer is given up, the handover is over, and they are
    //  appended.
    for (int i = 0; i < 40 && stage.last == before + 1; i++) {
        stage_begin (&stage, 50000);
        stage_ack (&stage, 3, stage.last);
        stage_end (&stage);
    }
    assert_true (s_said_done (&stage));
    assert_int_equal (stage.last, before + 7);
    for (uint64_t i = before + 2; i <= stage.last; i++)
        assert_string_equal (stage.entries[i].text, "held back");
    //  What was held back leaves in messages of two, so that none is larger than a frame.
    hf_scan_t scan;
    hf_entries_t entries;
    stage_last (&stage, HF_KIND_ENTRIES, &scan);
    assert_true (hf_entries_get (&scan, &entries));
    assert_int_equal (entries.entries.count, 2);
    stage_done (&stage);
}

static void
test_a_handover_is_over_at_once_for_a_follower (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_follow (&stage, 1, 1);
    stage_begin (&stage, 1000);
    hf_election_service_handover (stage.service, stage.now_us);
    stage_end (&stage);
    assert_true (s_said_done (&stage));
    stage_done (&stage);
}

static void
test_a_handover_without_a_leader_ends_in_time (void **state)
{
    (void)state;
    stage_t stage;
    stage_init (&stage, 2, 3);
    stage_start (&stage, 0);
    stage_begin (&stage, 1000);
    hf_election_service_handover (stage.service, stage.now_us);
    stage_end (&stage);
    uint64_t until_us = stage.now_us + 1000000;
    while (stage.now_us < until_us) {
        assert_false (s_said_done (&stage));
        uint64_t wake_us = hf_election_service_wake_us (stage.service);
        assert_true (wake_us <= until_us);
        stage_turn (&stage, wake_us > stage.now_us ? wake_us - stage.now_us : 0);
    }
    assert_true (s_said_done (&stage));
    stage_done (&stage);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_a_leader_sends_entries_early_and_nothing_else),
        cmocka_unit_test (test_a_leader_does_not_count_itself_before_its_disk),
        cmocka_unit_test (test_a_follower_acknowledges_after_the_commit),
        cmocka_unit_test (test_a_vote_leaves_after_the_commit),
        cmocka_unit_test (test_a_repair_is_not_changed_by_a_later_cut),
        cmocka_unit_test (test_delivery_is_bounded_by_credit),
        cmocka_unit_test (test_delivery_begins_after_what_is_applied),
        cmocka_unit_test (test_delivers_what_replaced_entries_that_were_cut),
        cmocka_unit_test (test_a_barrier_passes_with_a_majority_only),
        cmocka_unit_test (test_a_follower_drops_proposals),
        cmocka_unit_test (test_a_transfer_holds_proposals_back_until_it_is_over),
        cmocka_unit_test (test_a_handover_is_over_at_once_for_a_follower),
        cmocka_unit_test (test_a_handover_without_a_leader_ends_in_time),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
