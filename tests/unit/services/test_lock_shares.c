//  The lock service and greedy clients: what has a limit for all is never used up by one.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

/*  Frames of STATUS REFUSED that wait for ROUTE, each with a text that says whose limit it is. */
static uint32_t
s_refused (bench_t *bench, uint32_t route)
{
    uint32_t count = 0;
    while (bench_kind (bench, route) == HF_KIND_REFUSED) {
        hf_refused_t refused = bench_refused (bench, route);
        assert_int_equal (refused.status, HF_BUSY);
        count += hf_span_equal (refused.text, hf_span_text ("too much of this client waits"));
    }
    return count;
}

//  ---- sessions -----------------------------------------------------------------------

static uint32_t
s_open (bench_t *bench, uint32_t route, uint8_t mark)
{
    bench_send_open (bench, route, mark, 10000);
    return bench_opened (bench, route).status;
}

static uint64_t
s_open_ten (bench_t *bench)
{
    uint64_t first = bench_open (bench, 1, 1, 10000);
    for (uint8_t mark = 2; mark <= 10; mark++)
        assert_int_equal (bench_open (bench, 1, mark, 10000), first + mark - 1);
    return first;
}

BENCH_TEST_WITH (p12_sessions_of_one_client, bench, true, .client_sessions_max = 10)
{
    uint64_t first = s_open_ten (bench);
    unsigned commands = bench->commands;
    assert_int_equal (s_open (bench, 1, 11), HF_LIMIT);
    assert_int_equal (bench->commands, commands);
    assert_int_equal (s_open (bench, 1, 3), HF_OK); //  its answer was lost, perhaps
    assert_int_equal (s_open (bench, 2, 12), HF_OK);
    //  A session that ends, or is another client's from now on, gives its room back.
    bench_close (bench, 1, first, 7);
    assert_int_equal (bench_closed (bench, 1).status, HF_OK);
    assert_int_equal (s_open (bench, 1, 13), HF_OK);
    assert_int_equal (s_open (bench, 1, 14), HF_LIMIT);
    bench_keepalive (bench, 2, first + 1, 1);
    assert_int_equal (bench_alive (bench, 2).status, HF_OK);
    assert_int_equal (s_open (bench, 1, 15), HF_OK);
    assert_int_equal (s_open (bench, 1, 16), HF_LIMIT);
    //  Silent sessions expire, though they never spoke.
    bench->now_us += 11 * SECOND;
    bench_settle (bench);
    bench_drop_frames (bench);
    assert_int_equal (s_open (bench, 1, 17), HF_OK);
}

BENCH_TEST_WITH (p12_openings_under_way_count, bench, true, .client_sessions_max = 10)
{
    bench->no_commits = true;
    for (uint8_t mark = 1; mark <= 10; mark++)
        bench_send_open (bench, 1, mark, 10000);
    bench_send_open (bench, 1, 10, 10000); //  the same
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0);
    bench_send_open (bench, 1, 11, 10000);
    assert_int_equal (bench_opened (bench, 1).status, HF_LIMIT);
}

BENCH_TEST_WITH (p12_mutant_client_takes_all_sessions, bench, true, .client_sessions_max = 10)
{
    s_open_ten (bench);
    hf_mutant = HF_MUTANT_client_takes_all;
    uint32_t status = s_open (bench, 1, 11);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (status, HF_OK);
}

//  ---- requests on their way through the log --------------------------------------------

/*  One client has more than half undecided; gives whether another one's request is proposed, and
 *  what the first one is told. */
static bool
s_undecided (int mutant, uint32_t *refused)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1, .undecided_max = 100000}, true);
    uint64_t greedy = bench_open (&bench, 1, 1, 10000), other = bench_open (&bench, 2, 2, 10000);
    hf_mutant = mutant;
    bench.no_commits = true;
    for (uint64_t seq = 1; seq <= 10; seq++) {
        bench_append (&bench, 1, greedy, seq, 1, 0, 20000);
        bench_settle (&bench);
    }
    unsigned commands = bench.commands;
    bench_acquire (&bench, 2, other, 1, "L");
    bench_settle (&bench);
    bool served = bench.commands == commands + 1 && bench_kind (&bench, 2) == 0;
    hf_mutant = HF_MUTANT_none;
    *refused = s_refused (&bench, 1);
    bench_done (&bench);
    return served;
}

HF_TEST (p12_undecided_bytes_of_one_client)
{
    uint32_t refused;
    assert_true (s_undecided (HF_MUTANT_none, &refused));
    assert_int_equal (refused, 7); //  the third makes it 60,000
    assert_false (s_undecided (HF_MUTANT_client_takes_all, &refused));
}

BENCH_TEST_WITH (p12_what_is_decided_is_free_again, bench, true, .undecided_max = 100000)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        bench_append (bench, 1, session, seq, 1, 0, 60000);
        assert_int_equal (bench_answer (bench, 1).status, HF_NOT_HOLDER);
    }
    //  So it is when the leadership ends.
    bench->no_commits = true;
    bench_append (bench, 1, session, 21, 1, 0, 60000);
    bench_settle (bench);
    bench_acquire (bench, 1, session, 22, "L");
    bench_settle (bench);
    assert_int_equal (s_refused (bench, 1), 1);
    bench->no_commits = false;
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    bench_append (bench, 1, session, 21, 1, 0, 60000);
    assert_int_equal (bench_answer (bench, 1).status, HF_NOT_HOLDER);
}

//  ---- reads --------------------------------------------------------------------------

/*  60 keepalives of one client wait, with room for 100; two others of 25 come after it. Gives how
 *  many of the last one's are refused. */
static uint32_t
s_keepalives (int mutant, uint32_t *refused)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1, .readings_max = 100}, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench.no_barriers = true;
    bench_keepalive (&bench, 4, session, 1);
    bench_settle (&bench); //  under its barrier
    hf_mutant = mutant;
    for (uint32_t i = 0; i < 110; i++)
        bench_keepalive (&bench, 1, session, i);
    for (uint32_t i = 0; i < 40; i++)
        bench_keepalive (&bench, 2, session, i);
    bench_keepalive (&bench, 3, session, 1);
    bench_settle (&bench);
    *refused = s_refused (&bench, 1);
    uint32_t others = 0;
    while (bench_kind (&bench, 3) == HF_KIND_REFUSED)
        others += bench_refused (&bench, 3).status == HF_BUSY;
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return others;
}

HF_TEST (p12_keepalives_of_one_client)
{
    uint32_t refused;
    assert_int_equal (s_keepalives (HF_MUTANT_none, &refused), 0);
    assert_int_equal (refused, 60); //  of 110, half of 100 waits
    assert_int_equal (s_keepalives (HF_MUTANT_client_takes_all, &refused), 1);
}

/*  STATUS goes to the election actor. */
static uint32_t
s_status (bench_t *bench)
{
    for (uint32_t i = 0; i < 10001; i++)
        bench_query (bench, 1, i, HF_WHAT_STATUS, "");
    bench_query (bench, 2, 1, HF_WHAT_STATUS, "");
    bench_settle (bench);
    uint32_t refused = bench_kind (bench, 2) == HF_KIND_REFUSED;
    bench_drop_frames (bench);
    return refused;
}

BENCH_TEST (p12_queries_of_one_client_with_other_actors, bench)
{
    assert_int_equal (s_status (bench), 0);
    hf_mutant = HF_MUTANT_client_takes_all;
    assert_int_equal (s_status (bench), 1);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_status (bench), 0);
}

//  ---- who is told who leads ------------------------------------------------------------

enum { TOLD = 10000, LATE = TOLD + 1 };

static void
s_ask (bench_t *bench, uint32_t route)
{
    bench_send_open (bench, route, 1, 10000);
    bench_settle (bench);
    assert_int_equal (bench->frames.count, 1);
    assert_int_equal (bench_refused (bench, route).status, HF_NOT_LEADER);
}

/*  As many clients as a node that follows remembers have asked it, and most have left, which it
 *  is not told. Another one asks, and so do some that asked first: whether each of these hears
 *  of the next leader. */
static bool
s_late_is_told (int mutant)
{
    bench_t bench;
    bool told = true;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, false);
    bench_follow (&bench, 7, 2);
    bench_settle (&bench);
    hf_mutant = mutant;
    for (uint32_t route = 1; route <= TOLD; route++)
        s_ask (&bench, route);
    for (uint32_t route = 1; route <= 9; route++)
        s_ask (&bench, route);
    s_ask (&bench, LATE);
    bench_follow (&bench, 8, 3);
    bench_settle (&bench);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (bench.frames.count, TOLD);
    for (uint32_t route = 1; route <= 9; route++)
        told = told && bench_kind (&bench, route) == HF_KIND_REFUSED;
    told = told && bench_kind (&bench, LATE) == HF_KIND_REFUSED;
    assert_int_equal (bench_kind (&bench, 10) == 0, told); //  the one that asked longest ago
    bench_drop_frames (&bench);
    bench_follow (&bench, 9, 2); //  once
    bench_settle (&bench);
    assert_int_equal (bench.frames.count, 0);
    s_ask (&bench, LATE);
    bench_done (&bench);
    return told;
}

HF_TEST (p11_clients_that_left_keep_nobody_from_hearing_who_leads)
{
    assert_true (s_late_is_told (HF_MUTANT_none));
    assert_false (s_late_is_told (HF_MUTANT_who_left_is_told));
    assert_false (s_late_is_told (HF_MUTANT_asked_again_goes));
}

HF_TEST_MAIN (NULL, NULL)
