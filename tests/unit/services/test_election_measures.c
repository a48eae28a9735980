/*  How long syncs and commits take, as the election service counts them. */
#include "tests/unit/services/election_stage.h"
#include "base/hf_mutant.h"
#include "msgs/hf_facts.h"

#define MS 1000ULL

static hf_times_t
s_times (stage_t *stage, hf_fact_t fact)
{
    hf_times_t times = {.sum_us = 0};
    hf_scan_t scan;
    hf_a_told_t told;
    hf_fact_row_t row;
    hf_a_facts_frame (&stage->frame, &(hf_a_facts_t){.id = 1});
    stage_actor (stage);
    stage_end (stage);
    stage_last (stage, HF_KIND_A_TOLD, &scan);
    assert_true (hf_a_told_get (&scan, &told));
    scan = hf_scan_list (told.rows);
    while (hf_fact_row_get (&scan, &row))
        if (hf_span_equal (row.key, hf_span_text (hf_facts[fact].key))) {
            assert_true (hf_times_get (&times, row.text, row.number));
            return times;
        }
    fail_msg ("no fact %s", hf_facts[fact].key);
    return times;
}

STAGE_TEST (test_syncs, stage, 3)
{
    stage_lead (stage);
    hf_times_t before = s_times (stage, HF_FACT_sync_time);
    stage->sync_us = 7 * MS;
    stage_propose (stage, "x");
    stage_end (stage);
    hf_times_t after = s_times (stage, HF_FACT_sync_time);
    assert_int_equal (hf_times_count (&after), hf_times_count (&before) + 1);
    assert_int_equal (after.sum_us, before.sum_us + 7 * MS);
}

/*  Two entries, appended in one turn: both are committed when a majority has them. */
STAGE_TEST (test_commits, stage, 3)
{
    stage_lead (stage);
    stage_ack (stage, 1, stage->last);
    stage_end (stage);
    hf_times_t before = s_times (stage, HF_FACT_commit_time);
    stage_propose (stage, "x");
    stage_propose (stage, "y");
    stage_end (stage);
    hf_times_t between = s_times (stage, HF_FACT_commit_time);
    assert_int_equal (hf_times_count (&between), hf_times_count (&before));
    stage_begin (stage, 20 * MS);
    stage_ack (stage, 1, stage->last);
    stage_end (stage);
    hf_times_t after = s_times (stage, HF_FACT_commit_time);
    assert_int_equal (hf_times_count (&after), hf_times_count (&before) + 2);
    assert_in_range (after.sum_us - before.sum_us, 2 * 20 * MS, 2 * 25 * MS);
}

/*  Its last entry was appended under a leader that is over, and cut from the log by the next one,
 *  whose own takes its place. Gives how many are measured as committed. */
static uint64_t
s_cut (int mutant)
{
    stage_t stage;
    stage_init (&stage, 3);
    stage_lead (&stage);
    stage_ack (&stage, 1, stage.last);
    stage_end (&stage);
    hf_times_t before = s_times (&stage, HF_FACT_commit_time);
    uint64_t last = stage.last, last_term = stage.entries[last].term;
    stage_propose (&stage, "x");
    stage_end (&stage);
    hf_mutant = mutant;
    uint64_t term = stage.term + 1;
    stage_entries (&stage, 1, term, last, last, last_term, "y");
    stage_end (&stage);
    hf_heartbeat_frame (&stage.frame, &(hf_heartbeat_t){.from = 1,
                                                        .term = term,
                                                        .round = 1,
                                                        .commit = last + 1,
                                                        .last_index = last + 1,
                                                        .last_term = term});
    stage_peer (&stage);
    stage_end (&stage);
    assert_int_equal (hf_election_service_view (stage.service).commit_index, last + 1);
    hf_times_t after = s_times (&stage, HF_FACT_commit_time);
    hf_mutant = HF_MUTANT_none;
    stage_done (&stage);
    return hf_times_count (&after) - hf_times_count (&before);
}

HF_TEST (test_what_is_cut_is_not_committed)
{
    assert_int_equal (s_cut (HF_MUTANT_none), 0);
    assert_int_equal (s_cut (HF_MUTANT_cut_is_committed), 1);
}

//  ---- slow things in the log --------------------------------------------------------------

static unsigned
s_count (const stage_t *stage, const char *text)
{
    unsigned count = 0;
    for (const char *at = stage->lines; (at = strstr (at, text)) != NULL; at++)
        count++;
    return count;
}

STAGE_TEST (test_a_slow_sync_is_said, stage, 3)
{
    stage_follow (stage, 1, 3);
    stage->sync_us = 900 * MS;
    for (uint64_t i = 0; i < 3; i++) {
        stage_entries (stage, 1, 3, 0, stage->last, stage->entries[stage->last].term, "x");
        stage_end (stage);
    }
    assert_int_equal (s_count (stage, "a sync of the log took 0.9 s: is the disk slow"), 1);
}

STAGE_TEST (test_links_that_flap_are_said, stage, 3)
{
    stage_follow (stage, 1, 3);
    for (int i = 0; i < 20; i++) {
        stage_begin (stage, 1000 * MS);
        hf_election_service_link (stage->service, 1, i % 2 == 0, stage->now_us);
        hf_election_service_link (stage->service, 9, false, stage->now_us); //  no member
        stage_end (stage);
    }
    assert_int_equal (s_count (stage, "the link to node 1 went down 4 times within a minute"), 1);
    assert_int_equal (s_count (stage, "went down"), 1);
}

STAGE_TEST (test_a_long_turn_and_a_late_one_are_said, stage, 3)
{
    stage_follow (stage, 1, 3);
    stage_begin (stage, 5000 * MS); //  it wanted to be woken within an election timeout
    stage->now_us += 600 * MS;
    stage_end (stage);
    assert_int_equal (s_count (stage, "was woken 4."), 1);
    assert_int_equal (s_count (stage, "a turn of the election actor took 0.6 s"), 1);
}

STAGE_TEST (test_a_clock_that_was_set_is_said, stage, 3)
{
    stage_follow (stage, 1, 3);
    uint64_t wall_us = 1796000000000000;
    hf_election_service_wall (stage->service, wall_us, stage->now_us, stage->now_us);
    hf_election_service_wall (stage->service, wall_us - 90000 * MS, stage->now_us, stage->now_us);
    stage_turn (stage, 1 * MS);
    assert_int_equal (s_count (stage, "was set back by 90.0 s"), 1);
}

HF_TEST_MAIN (NULL, NULL)
