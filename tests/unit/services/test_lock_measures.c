/*  How long requests, barriers, waits and holds take, as the lock service counts them. */
#include "tests/unit/services/lock_bench.h"
#include "base/hf_mutant.h"
#include "msgs/hf_facts.h"

int hf_mutant = HF_MUTANT_none;

/*  The histogram in the status. */
static hf_times_t
s_times (bench_t *bench, hf_fact_t fact)
{
    hf_times_t times = {.sum_us = 0};
    hf_fact_row_t row;
    bench_query (bench, 9, 1, HF_WHAT_STATUS, "");
    hf_scan_t scan = hf_scan_list (bench_result (bench, 9).rows);
    while (hf_fact_row_get (&scan, &row))
        if (hf_span_equal (row.key, hf_span_text (hf_facts[fact].key))) {
            assert_true (hf_times_get (&times, row.text, row.number));
            return times;
        }
    fail_msg ("no fact %s", hf_facts[fact].key);
    return times;
}

static void
s_is (bench_t *bench, hf_fact_t fact, uint64_t count, uint64_t sum_us)
{
    hf_times_t times = s_times (bench, fact);
    assert_int_equal (hf_times_count (&times), count);
    assert_int_equal (times.sum_us, sum_us);
}

/*  Two sessions take turns at a lock: the first holds for 3 s, for 2 of which the second waits,
 *  which then holds for 5 s. */
static void
s_turns (bench_t *bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000), two = bench_open (bench, 2, 2, 60000);
    bench_acquire (bench, 1, one, 1, "L");
    uint64_t token = bench_answer (bench, 1).token;
    bench->now_us += SECOND;
    bench_acquire (bench, 2, two, 1, "L");
    assert_int_equal (bench_answer (bench, 2).position, 1);
    bench->now_us += 2 * SECOND;
    bench_release (bench, 1, one, 2, "L", token);
    token = bench_granted (bench, 2).token;
    bench->now_us += 5 * SECOND;
    bench_release (bench, 2, two, 2, "L", token);
    bench_settle (bench);
    bench_drop_frames (bench);
}

BENCH_TEST (test_waits_and_holds, bench)
{
    s_turns (bench);
    s_is (bench, HF_FACT_wait_time, 1, 2 * SECOND);
    s_is (bench, HF_FACT_hold_time, 2, 8 * SECOND);
}

HF_TEST (test_what_was_waited_is_not_held)
{
    bench_t bench;
    hf_mutant = HF_MUTANT_held_since_asked;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_turns (&bench);
    s_is (&bench, HF_FACT_hold_time, 2, 10 * SECOND);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
}

/*  The busiest are told by name. */
BENCH_TEST (test_busy_locks, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000);
    for (uint64_t i = 0; i < 10; i++) {
        bench_acquire (bench, 1, one, 2 * i + 1, "L");
        uint64_t token = bench_answer (bench, 1).token;
        bench->now_us += SECOND;
        bench_release (bench, 1, one, 2 * i + 2, "L", token);
        bench_settle (bench);
        bench_drop_frames (bench);
    }
    hf_query_frame (&bench->pack, &(hf_query_t){.id = 3, .what = HF_WHAT_BUSY, .stale = true});
    bench_send (bench, 2);
    hf_query_result_t result = bench_result (bench, 2);
    hf_scan_t scan = hf_scan_list (result.rows);
    hf_busy_row_t row;
    assert_int_equal (result.rows.count, 1);
    assert_true (hf_busy_row_get (&scan, &row));
    assert_true (hf_span_equal (row.lock, hf_span_text ("L")));
    assert_int_equal (row.holds, 10);
    assert_int_equal (row.hold_us, 10 * SECOND);
    assert_int_equal (row.wait_us, 0);
}

/*  A hold ends also with its session. Who gave up waiting is not counted: he was not granted. */
BENCH_TEST (test_ends_of_sessions, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000), two = bench_open (bench, 2, 2, 60000);
    bench_acquire (bench, 1, one, 1, "L");
    bench_acquire (bench, 2, two, 1, "L");
    bench_settle (bench);
    bench->now_us += SECOND;
    bench_close (bench, 2, two, 1);
    bench_close (bench, 1, one, 2);
    bench_settle (bench);
    bench_drop_frames (bench);
    s_is (bench, HF_FACT_wait_time, 0, 0);
    hf_times_t held = s_times (bench, HF_FACT_hold_time);
    assert_int_equal (hf_times_count (&held), 1);
    assert_in_range (held.sum_us, SECOND, SECOND + 10 * MS);
}

/*  Each node applies the same, so only the leader counts; what began before it led it knows. */
static uint64_t
s_follower_counts (int mutant)
{
    bench_t bench;
    hf_mutant = mutant;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t one = bench_open (&bench, 1, 1, 60000);
    bench_acquire (&bench, 1, one, 1, "L");
    uint64_t token = bench_answer (&bench, 1).token;
    bench.late_commits = true;
    bench_release (&bench, 1, one, 2, "L", token);
    bench_settle (&bench);
    bench_follow (&bench, TERM + 1, 2);
    bench_settle (&bench);
    bench_commit_late (&bench);
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_times_t times = s_times (&bench, HF_FACT_hold_time);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return hf_times_count (&times);
}

HF_TEST (test_only_the_leader_counts)
{
    assert_int_equal (s_follower_counts (HF_MUTANT_none), 0);
    assert_int_equal (s_follower_counts (HF_MUTANT_measured_everywhere), 1);
}

/*  Two requests, 30 ms apart, in one turn; their entry is applied 100 ms later. */
static uint64_t
s_request_us (int mutant, uint64_t *count)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t one = bench_open (&bench, 1, 1, 60000);
    hf_times_t before = s_times (&bench, HF_FACT_request_time);
    hf_mutant = mutant;
    bench.late_commits = true;
    bench_acquire (&bench, 1, one, 1, "K");
    bench.now_us += 30 * MS;
    bench_acquire (&bench, 1, one, 2, "L");
    bench_turn (&bench, true);
    bench.now_us += 100 * MS;
    bench_commit_late (&bench);
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_times_t after = s_times (&bench, HF_FACT_request_time);
    *count = hf_times_count (&after) - hf_times_count (&before);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return after.sum_us - before.sum_us;
}

HF_TEST (test_a_request_runs_from_the_first_of_its_entry)
{
    uint64_t count, sum_us = s_request_us (HF_MUTANT_none, &count);
    assert_int_equal (count, 2);
    assert_in_range (sum_us, 2 * 130 * MS, 2 * 132 * MS);
    assert_in_range (s_request_us (HF_MUTANT_asked_last, &count), 2 * 100 * MS, 2 * 102 * MS);
}

/*  What was proposed in a term that is over is not counted, nor is what comes after it counted
 *  wrongly. */
BENCH_TEST (test_a_lost_lead_is_not_measured, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000);
    hf_times_t before = s_times (bench, HF_FACT_request_time);
    bench->no_commits = true;
    bench_acquire (bench, 1, one, 1, "L");
    bench_settle (bench);
    bench->now_us += 10 * SECOND;
    bench_lead (bench, TERM + 2, bench->index);
    bench->no_commits = false;
    bench_acquire (bench, 1, one, 1, "L");
    bench_settle (bench);
    bench_drop_frames (bench);
    hf_times_t after = s_times (bench, HF_FACT_request_time);
    assert_int_equal (hf_times_count (&after), hf_times_count (&before) + 1);
    assert_true (after.sum_us < before.sum_us + SECOND);
}

BENCH_TEST (test_barriers, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000);
    bench->no_barriers = true;
    bench_keepalive (bench, 1, one, 1);
    bench_turn (bench, true);
    bench->now_us += 40 * MS;
    bench_pass (bench, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    hf_times_t times = s_times (bench, HF_FACT_barrier_time);
    assert_int_equal (hf_times_count (&times), 1);
    assert_in_range (times.sum_us, 40 * MS, 42 * MS);
}

/*  How long the holder of L has held and its waiter has waited, in ms, as a list of places says. */
static void
s_ages (bench_t *bench, uint64_t held, uint64_t waited)
{
    hf_lock_row_t lock;
    hf_holder_row_t hold;
    hf_waiter_row_t wait;
    bench_query (bench, 9, 1, HF_WHAT_LOCK, "L");
    hf_scan_t scan = hf_scan_list (bench_result (bench, 9).rows);
    assert_true (hf_lock_row_get (&scan, &lock) && hf_holder_row_get (&scan, &hold) &&
                 hf_waiter_row_get (&scan, &wait));
    assert_int_equal (hold.age_ms, held);
    assert_int_equal (wait.age_ms, waited);
}

BENCH_TEST (test_ages, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000), two = bench_open (bench, 2, 2, 60000);
    bench_acquire (bench, 1, one, 1, "L");
    bench_settle (bench);
    bench->now_us += 3 * SECOND;
    bench_acquire (bench, 2, two, 1, "L");
    bench_settle (bench);
    bench_drop_frames (bench);
    bench->now_us += 2 * SECOND; //  no command comes meanwhile
    hf_mutant = HF_MUTANT_age_stands_still;
    s_ages (bench, 3000, 0);
    hf_mutant = HF_MUTANT_none;
    s_ages (bench, 5000, 2000);
}

HF_TEST_MAIN (NULL, NULL)
