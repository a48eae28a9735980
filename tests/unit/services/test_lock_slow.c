/*  Slow turns of the lock service, and queues that do not move, in the log. */
#include "tests/unit/services/lock_bench.h"
#include "base/hf_mutant.h"

int hf_mutant = HF_MUTANT_none;

#define STILL "the queue of lock L has not moved for "

static unsigned
s_count (const bench_t *bench, const char *text)
{
    unsigned count = 0;
    for (const char *at = bench->log; (at = strstr (at, text)) != NULL; at++)
        count++;
    return count;
}

/*  COUNT sessions are heard each second. */
static void
s_pass (bench_t *bench, unsigned seconds, const uint64_t *sessions, uint32_t count)
{
    for (unsigned i = 0; i < seconds; i++) {
        bench->now_us += SECOND;
        for (uint32_t k = 0; k < count; k++)
            bench_keepalive (bench, k + 1, sessions[k], i);
        bench_settle (bench);
        bench_drop_frames (bench);
    }
}

/*  They ask for L one after the other: gives the token of the first. */
static uint64_t
s_ask (bench_t *bench, uint64_t *sessions, uint32_t count)
{
    uint64_t token = 0;
    for (uint32_t k = 0; k < count; k++) {
        sessions[k] = bench_open (bench, k + 1, (uint8_t)(k + 1), 10000);
        bench_acquire (bench, k + 1, sessions[k], 1, "L");
        token = k == 0 ? bench_answer (bench, 1).token : token;
    }
    bench_settle (bench);
    bench_drop_frames (bench);
    return token;
}

/*  Lines about a queue that stands still for 200 s. */
static unsigned
s_still (int mutant)
{
    bench_t bench;
    uint64_t sessions[3];
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_ask (&bench, sessions, 3);
    hf_mutant = mutant;
    s_pass (&bench, 59, sessions, 3);
    assert_int_equal (s_count (&bench, STILL), 0);
    s_pass (&bench, 141, sessions, 3);
    hf_mutant = HF_MUTANT_none;
    unsigned count = s_count (&bench, STILL);
    assert_non_null (strstr (bench.log, ": 2 wait; first holder: session "));
    bench_done (&bench);
    return count;
}

HF_TEST (test_a_queue_that_stands_still_is_told_less_and_less)
{
    assert_int_equal (s_still (HF_MUTANT_none), 2); //  after a minute, and after two
    assert_int_equal (s_still (HF_MUTANT_stuck_said_each_time), 3);
}

/*  The third waits for 100 s, but each of the others holds for 50 s only. */
static unsigned
s_moves (int mutant)
{
    bench_t bench;
    uint64_t sessions[3];
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t token = s_ask (&bench, sessions, 3);
    hf_mutant = mutant;
    s_pass (&bench, 50, sessions, 3);
    bench_release (&bench, 1, sessions[0], 2, "L", token);
    bench_settle (&bench);
    s_pass (&bench, 50, sessions, 3);
    hf_mutant = HF_MUTANT_none;
    unsigned count = s_count (&bench, STILL);
    bench_done (&bench);
    return count;
}

HF_TEST (test_a_queue_that_moves_is_none)
{
    assert_int_equal (s_moves (HF_MUTANT_none), 0);
    assert_int_equal (s_moves (HF_MUTANT_moved_is_stuck), 1);
}

/*  Nor does who waits at a lock hide who waits at another. */
BENCH_TEST (test_each_queue_is_told, bench)
{
    uint64_t sessions[3];
    s_ask (bench, sessions, 3);
    bench_acquire (bench, 1, sessions[0], 2, "K");
    bench_acquire (bench, 2, sessions[1], 2, "K");
    bench_settle (bench);
    bench_drop_frames (bench);
    s_pass (bench, 100, sessions, 3);
    assert_int_equal (s_count (bench, " has not moved for "), 1); //  one line a minute
    s_pass (bench, 100, sessions, 3);
    assert_int_equal (s_count (bench, STILL), 2);
    assert_int_equal (s_count (bench, "the queue of lock K has not moved for "), 1);
}

BENCH_TEST (test_a_long_turn, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 60000);
    for (int i = 0; i < 5; i++) {
        bench_keepalive (bench, 1, one, 1);
        bench->now_us += i > 0 ? 2 * SECOND : 0;
        bench_keepalive (bench, 1, one, 2);
        bench_settle (bench);
        bench_drop_frames (bench);
    }
    assert_int_equal (s_count (bench, "a turn of the lock actor took 2.0 s"), 1);
}

HF_TEST_MAIN (NULL, NULL)
