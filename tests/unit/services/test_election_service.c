/*  The election service, in virtual time: what may leave before the commit, delivery and credit,
 *  proposals, barriers, handover. */
#include "tests/unit/services/election_stage.h"
#include "base/hf_mutant.h"

//  ---- durable before visible --------------------------------------------------------

STAGE_TEST (test_a_leader_sends_entries_early_and_nothing_else, stage, 3)
{
    stage_lead (stage);
    stage_forget (stage);
    uint64_t before = stage->last;
    stage_propose (stage, "one");
    stage_ack (stage, 3, before);
    stage_end (stage);
    assert_string_equal (stage->entries[before + 1].text, "one");
    hf_scan_t scan;
    assert_true (stage_last (stage, HF_KIND_ENTRIES, &scan)->early);
    for (size_t i = 0; i < stage->left_count; i++)
        assert_true (!stage->left[i].early || stage->left[i].kind == HF_KIND_ENTRIES ||
                     stage->left[i].kind == HF_KIND_HEARTBEAT);
    //  One ack makes a majority with the leader, whose own disk has it now.
    stage_ack (stage, 3, before + 1);
    stage_end (stage);
    assert_int_equal (stage_delivered (stage, before + 1), before + 1);
}

STAGE_TEST (test_a_leader_does_not_count_itself_before_its_disk, stage, 3)
{
    stage_lead (stage);
    stage_forget (stage);
    uint64_t before = stage->last;
    stage_propose (stage, "one");
    hf_election_service_end (stage->service, stage->now_us);
    assert_true (hf_election_service_dirty (stage->service));
    assert_int_equal (hf_election_service_view (stage->service).durable_index, before);
    hf_election_service_committed (stage->service, stage->now_us);
    assert_int_equal (hf_election_service_view (stage->service).durable_index, before + 1);
    stage->writes = 0;
}

static void
s_watch (stage_t *stage, bool watched)
{
    hf_a_watched_frame (&stage->frame, &(hf_a_watched_t){.watched = watched});
    stage_actor (stage);
}

STAGE_TEST (test_a_follower_acknowledges_after_the_commit, stage, 3)
{
    stage_follow (stage, 1, 4);
    stage_forget (stage);
    stage_entries (stage, 1, 4, 0, 0, 0, "one");
    stage_end (stage);
    hf_scan_t scan;
    hf_ack_t ack;
    assert_false (stage_last (stage, HF_KIND_ACK, &scan)->early);
    assert_true (hf_ack_get (&scan, &ack));
    assert_int_equal (ack.index, 1);
    for (size_t i = 0; i < stage->left_count; i++)
        assert_false (stage->left[i].early);
    assert_int_equal (stage_count (stage, HF_KIND_A_COMMITTED), 0);
    s_watch (stage, true);
    stage_entries (stage, 1, 4, 1, 1, 4, "two");
    stage_end (stage);
    assert_int_equal (stage_delivered (stage, 1), 1);
    assert_false (stage_last (stage, HF_KIND_A_COMMITTED, &scan)->early);
}

//  ---- what is committed waits for more, on a follower -----------------------------------------

/*  Entry INDEX from node 1; the one before is committed. A turn begins 1 ms after the one before.
 */
static void
s_get_entry (stage_t *stage, uint64_t index)
{
    stage_entries (stage, 1, 4, index - 1, index - 1, index > 1 ? 4 : 0, "one");
    stage_end (stage);
}

STAGE_TEST (test_a_follower_delivers_what_comes_in_5_ms_together, stage, 3)
{
    stage_follow (stage, 1, 4);
    stage_forget (stage);
    for (uint64_t index = 1; index <= 6; index++)
        s_get_entry (stage, index);
    assert_int_equal (stage_delivered (stage, 1), 0); //  the first has waited for 4 ms
    s_get_entry (stage, 7);
    assert_int_equal (stage_count (stage, HF_KIND_A_COMMITTED), 1);
    assert_int_equal (stage_delivered (stage, 1), 6);
    s_get_entry (stage, 8);
    assert_int_equal (stage_count (stage, HF_KIND_A_COMMITTED), 1);
    s_watch (stage, true); //  now somebody waits for it
    stage_end (stage);
    assert_int_equal (stage_delivered (stage, 1), 7);
    s_get_entry (stage, 9);
    assert_int_equal (stage_delivered (stage, 1), 8);
    s_watch (stage, false);
    s_get_entry (stage, 10);
    assert_int_equal (stage_delivered (stage, 1), 8);
}

STAGE_TEST (test_a_follower_delivers_when_no_more_comes, stage, 3)
{
    stage_follow (stage, 1, 4);
    stage_forget (stage);
    s_get_entry (stage, 1);
    s_get_entry (stage, 2);
    assert_int_equal (stage_delivered (stage, 1), 0);
    uint64_t wake_us = hf_election_service_wake_us (stage->service);
    assert_true (wake_us > stage->now_us && wake_us <= stage->now_us + 5000);
    stage_turn (stage, wake_us - stage->now_us);
    assert_int_equal (stage_delivered (stage, 1), 1);
    //  The leader says alone that the last is committed.
    hf_entries_frame (
        &stage->frame,
        &(hf_entries_t){.from = 1, .term = 4, .commit = 2, .prev_index = 2, .prev_term = 4});
    stage_peer (stage);
    stage_end (stage);
    assert_int_equal (stage_delivered (stage, 1), 2);
}

/*  Entries come all the time. How many are delivered then? */
static uint64_t
s_deliver_in_flow (int mutant)
{
    stage_t stage;
    stage_init (&stage, 3);
    stage_follow (&stage, 1, 4);
    stage_forget (&stage);
    hf_mutant = mutant;
    for (uint64_t index = 1; index <= 20; index++)
        s_get_entry (&stage, index);
    hf_mutant = HF_MUTANT_none;
    uint64_t delivered = stage_delivered (&stage, 1);
    stage_done (&stage);
    return delivered;
}

HF_TEST (p11_a_follower_delivers_while_more_comes)
{
    assert_true (s_deliver_in_flow (HF_MUTANT_none) >= 14);
    assert_int_equal (s_deliver_in_flow (HF_MUTANT_lags_for_ever), 0);
}

STAGE_TEST (test_a_vote_leaves_after_the_commit, stage, 3)
{
    stage_start (stage, 0);
    stage_forget (stage);
    hf_vote_request_frame (&stage->frame, &(hf_vote_request_t){.from = 3, .to = 2, .term = 9});
    stage_peer (stage);
    stage_end (stage);
    hf_scan_t scan;
    hf_vote_t vote;
    assert_false (stage_last (stage, HF_KIND_VOTE, &scan)->early);
    assert_true (hf_vote_get (&scan, &vote) && vote.granted);
    assert_int_equal (stage->term, 9);
    assert_int_equal (stage->voted_for.node, 3);
}

/*  Entries that answer a NEED are those of the log when it was answered, even if the same turn cuts
 *  them from the log. */
STAGE_TEST (test_a_repair_is_not_changed_by_a_later_cut, stage, 3)
{
    stage_lead (stage);
    uint64_t term = hf_election_service_view (stage->service).term;
    uint64_t before = stage->last;
    stage_propose (stage, "mine");
    stage_end (stage);
    stage_forget (stage);
    hf_need_frame (
        &stage->frame,
        &(hf_need_t){.from = 3, .to = 2, .term = term, .probe_index = before, .probe_term = term});
    stage_peer (stage);
    stage_entries (stage, 1, term + 1, 0, before, term, "theirs");
    stage_end (stage);
    assert_string_equal (stage->entries[before + 1].text, "theirs");
    hf_scan_t scan;
    hf_entries_t entries;
    hf_entry_t entry;
    stage_last (stage, HF_KIND_ENTRIES, &scan);
    assert_true (hf_entries_get (&scan, &entries));
    assert_int_equal (entries.entries.count, 1);
    scan = hf_scan_list (entries.entries);
    assert_true (hf_entry_get (&scan, &entry));
    assert_true (hf_span_equal (entry.payload, hf_span_text ("mine")));
}

//  ---- proposals and delivery ----------------------------------------------------------

STAGE_TEST (test_delivery_is_bounded_by_credit, stage, 1)
{
    stage->config.deliver_bytes = 20;
    stage->config.deliver_ahead = 60;
    stage->config.tail_bytes = 100; //  most entries are read from the store
    stage_start (stage, 0);
    for (int i = 0; i < 40; i++)
        stage_propose (stage, "payload");
    stage_end (stage);
    uint64_t last = stage->last;
    uint64_t reached = stage_delivered (stage, 1);
    assert_true (last > 40 && reached > 1 && reached < last);
    stage_turn (stage, 1000);
    assert_int_equal (stage_delivered (stage, 1), reached);
    for (int i = 0; i < 100 && reached < last; i++) {
        hf_a_applied_frame (&stage->frame,
                            &(hf_a_applied_t){.index = reached, .bytes = stage->delivered_bytes});
        stage_actor (stage);
        stage_end (stage);
        uint64_t more = stage_delivered (stage, 1);
        assert_true (more > reached);
        reached = more;
    }
    assert_int_equal (reached, last);
}

STAGE_TEST (test_delivery_begins_after_what_is_applied, stage, 1)
{
    for (stage->last = 1; stage->last < 9; stage->last++)
        stage->entries[stage->last].term = 1;
    stage->last = 8;
    stage->term = 1;
    stage_start (stage, 5);
    stage_turn (stage, 1000);
    assert_int_equal (stage_delivered (stage, 6), stage->last);
}

STAGE_TEST (test_delivers_what_replaced_entries_that_were_cut, stage, 3)
{
    stage_follow (stage, 1, 4);
    s_watch (stage, true);
    stage_entries (stage, 1, 4, 0, 0, 0, "one");
    stage_entries (stage, 1, 4, 0, 1, 4, "cut");
    stage_end (stage);
    stage_entries (stage, 3, 5, 2, 1, 4, "two");
    stage_end (stage);
    assert_string_equal (stage->entries[2].text, "two");
    assert_int_equal (stage_delivered (stage, 1), 2);
}

STAGE_TEST (test_a_barrier_passes_with_a_majority_only, stage, 3)
{
    stage_lead (stage);
    for (uint64_t id = 8; id < 10; id++) {
        stage_ack (stage, 3, stage->last); //  of a round that began before
        hf_a_barrier_frame (&stage->frame, &(hf_a_barrier_t){.id = id});
        stage_actor (stage);
        stage_end (stage);
        assert_int_equal (stage_count (stage, HF_KIND_A_PASSED), id - 8);
        stage_ack (stage, 3, stage->last);
        stage_end (stage);
        hf_scan_t scan;
        hf_a_passed_t passed;
        stage_last (stage, HF_KIND_A_PASSED, &scan);
        assert_true (hf_a_passed_get (&scan, &passed));
        assert_int_equal (passed.id, id);
        assert_int_equal (passed.index, stage->last);
    }
}

STAGE_TEST (test_a_follower_drops_proposals, stage, 3)
{
    stage_follow (stage, 1, 1);
    stage_propose (stage, "lost");
    stage_end (stage);
    assert_int_equal (stage->last, 0);
    stage_lead (stage);
    stage_turn (stage, 1000);
    for (uint64_t i = 1; i <= stage->last; i++)
        assert_string_not_equal (stage->entries[i].text, "lost");
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

STAGE_TEST (test_a_transfer_holds_proposals_back_until_it_is_over, stage, 3)
{
    stage->config.core.election_us = 1000000;
    stage->config.propose_bytes = 20; //  two entries
    stage_start (stage, 0);
    stage_begin (stage, 1000);
    hf_election_service_link (stage->service, 3, true, stage->now_us);
    stage_end (stage);
    stage_lead (stage);
    uint64_t before = stage->last;
    stage_propose (stage, "in time");
    hf_election_service_handover (stage->service, stage->now_us);
    for (int i = 0; i < 6; i++)
        stage_propose (stage, "held back");
    stage_end (stage);
    assert_true (hf_election_service_view (stage->service).transfer_to != 0);
    assert_int_equal (stage->last, before + 1);
    assert_string_equal (stage->entries[before + 1].text, "in time");
    stage_ack (stage, 3, stage->last);
    stage_end (stage);
    assert_true (stage_count (stage, HF_KIND_TRANSFER) > 0);
    assert_false (s_said_done (stage));
    //  No node takes the lead: the handover ends, and what was held back is appended.
    for (int i = 0; i < 40 && stage->last == before + 1; i++) {
        stage_begin (stage, 50000);
        stage_ack (stage, 3, stage->last);
        stage_end (stage);
    }
    assert_true (s_said_done (stage));
    assert_int_equal (stage->last, before + 7);
    for (uint64_t i = before + 2; i <= stage->last; i++)
        assert_string_equal (stage->entries[i].text, "held back");
    //  What was held back leaves in messages of two, so that none is larger than a frame.
    hf_scan_t scan;
    hf_entries_t entries;
    stage_last (stage, HF_KIND_ENTRIES, &scan);
    assert_true (hf_entries_get (&scan, &entries));
    assert_int_equal (entries.entries.count, 2);
}

static void
s_hand_over (stage_t *stage)
{
    stage_begin (stage, 1000);
    hf_election_service_handover (stage->service, stage->now_us);
    stage_end (stage);
}

STAGE_TEST (test_a_handover_is_over_at_once_for_a_follower, stage, 3)
{
    stage_follow (stage, 1, 1);
    s_hand_over (stage);
    assert_true (s_said_done (stage));
}

/*  A node whose folder is an old copy says so, and is silent from then on; it need not be led by
 *  anybody to end. */
STAGE_TEST (test_an_old_copy_is_silent, stage, 3)
{
    hf_core_config_t *core = &stage->config.core;
    core->incarnation = 200;
    core->start = 6;
    core->life = 66;
    stage_follow (stage, 1, 5);
    hf_old_copy_t told = {
        .from = 1, .to = 2, .term = 5, .incarnation = 200, .start = 5, .life = 66};
    hf_old_copy_frame (&stage->frame, &told);
    stage_peer (stage);
    stage_end (stage);
    assert_false (hf_election_service_old (stage->service));
    told.start = 6;
    hf_old_copy_frame (&stage->frame, &told);
    stage_peer (stage);
    stage_end (stage);
    assert_true (hf_election_service_old (stage->service));
    assert_non_null (strstr (stage->lines, "old copy of its own: node 1 has seen"));
    assert_int_equal (hf_election_service_view (stage->service).leader, 0);
    stage_forget (stage);
    hf_heartbeat_frame (&stage->frame, &(hf_heartbeat_t){.from = 1, .term = 6, .round = 2});
    stage_peer (stage);
    stage_end (stage);
    stage_turn (stage, 5000000);
    assert_int_equal (stage->left_count, 0);
    s_hand_over (stage);
    assert_true (s_said_done (stage));
    assert_int_equal (stage->left_count, 1);
}

STAGE_TEST (test_a_handover_without_a_leader_ends_in_time, stage, 3)
{
    stage_start (stage, 0);
    s_hand_over (stage);
    uint64_t until_us = stage->now_us + 1000000;
    while (stage->now_us < until_us) {
        assert_false (s_said_done (stage));
        uint64_t wake_us = hf_election_service_wake_us (stage->service);
        assert_true (wake_us <= until_us);
        stage_turn (stage, wake_us > stage->now_us ? wake_us - stage->now_us : 0);
    }
    assert_true (s_said_done (stage));
}

HF_TEST_MAIN (NULL, NULL)
