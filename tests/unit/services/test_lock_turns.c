//  The lock service answers clients in turns: one for which much is to be packed holds nobody up.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

#define FAT_NAMED 100 //  times in one KEEPALIVE, a session whose KEPT fills a frame

static void
s_name_often (bench_t *bench, uint32_t route, uint64_t session)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint32_t i = 0; i < FAT_NAMED; i++)
        hf_keep_put (&list, &(hf_keep_t){session, 1});
    hf_keepalive_frame (&bench->pack, &(hf_keepalive_t){7, hf_pack_list (&list)});
    hf_pack_done (&list);
    bench_send (bench, route);
}

/*  A turn in which the barrier begins, and one in which it has passed; then as many as it takes, if
 * there is TIME. */
static void
s_turns (bench_t *bench, bool time)
{
    bench->no_time = true;
    bench_turn (bench, true);
    bench_turn (bench, true);
    bench->no_time = !time;
    if (time)
        bench_settle (bench);
}

/*  How many frames come before the first to ROUTE. */
static size_t
s_before (const bench_t *bench, uint32_t route)
{
    size_t i = 0;
    while (i < bench->frames.count && bench->frames.list[i].route != route)
        i++;
    return i;
}

//  ---- keepalives ---------------------------------------------------------------------

static size_t
s_healthy_waits (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t fat = bench_open_fat (&bench), healthy = bench_open (&bench, 2, 2, 10000);
    hf_mutant = mutant;
    s_name_often (&bench, 1, fat);
    bench_keepalive (&bench, 2, healthy, 1);
    s_turns (&bench, true);
    hf_mutant = HF_MUTANT_none;
    size_t before = s_before (&bench, 2);
    assert_int_equal (bench.frames.count, FAT_NAMED + 1);
    bench_done (&bench);
    return before;
}

HF_TEST (p11_a_keepalive_waits_for_one_step_of_another_client)
{
    assert_int_equal (s_healthy_waits (HF_MUTANT_none), 1);
    assert_int_equal (s_healthy_waits (HF_MUTANT_no_turns), FAT_NAMED);
}

/*  Nor for what is due since the last barrier. */
BENCH_TEST (p11_a_keepalive_does_not_wait_for_the_last_barriers_answers, bench)
{
    uint64_t fat = bench_open_fat (bench), healthy = bench_open (bench, 2, 2, 10000);
    s_name_often (bench, 1, fat);
    s_turns (bench, false);
    bench_keepalive (bench, 2, healthy, 1);
    s_turns (bench, false);
    assert_true (bench->frames.count < FAT_NAMED);
    assert_int_equal (bench_alive (bench, 2).status, HF_OK);
}

/*  How many keepalives with large answers a turn answers before anything else. */
static size_t
s_first (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t fat = bench_open_fat (&bench);
    hf_mutant = mutant;
    s_name_often (&bench, 1, fat);
    s_turns (&bench, false);
    hf_mutant = HF_MUTANT_none;
    size_t first = bench.frames.count, bytes = 0;
    for (size_t i = 0; i + 1 < first; i++)
        bytes += bench.frames.list[i].size;
    assert_true (bytes < (256U << 10) || mutant != HF_MUTANT_none);
    bench_done (&bench);
    return first;
}

HF_TEST (p11_large_answers_to_keepalives_do_not_make_a_turn_long)
{
    assert_in_range (s_first (HF_MUTANT_none), 1, 4);
    assert_true (s_first (HF_MUTANT_alives_unbounded) > 4);
}

//  ---- queries ------------------------------------------------------------------------

/*  Gives how many frames are sent before a query is answered, while keepalives are due. */
static size_t
s_query_waits (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t fat = bench_open_fat (&bench);
    hf_mutant = mutant;
    s_name_often (&bench, 1, fat);
    for (uint32_t i = 0; i < FAT_NAMED; i++)
        bench_query (&bench, 3, i, HF_WHAT_LOCKS, "");
    bench_query (&bench, 2, 1, HF_WHAT_LEADER, "");
    s_turns (&bench, true);
    hf_mutant = HF_MUTANT_none;
    size_t before = s_before (&bench, 2);
    assert_int_equal (bench.frames.count, 2 * FAT_NAMED + 1);
    bench_done (&bench);
    return before;
}

HF_TEST (p11_queries_take_turns_with_keepalives_and_each_other)
{
    assert_true (s_query_waits (HF_MUTANT_none) < FAT_NAMED / 2);
    assert_true (s_query_waits (HF_MUTANT_queries_starve) > FAT_NAMED);
    assert_int_equal (s_query_waits (HF_MUTANT_no_turns), 2 * FAT_NAMED);
}

/*  A list of locks that takes several steps, of a client that leaves in between; then the list of
 * another client behind the name "n". Whether that has what it asked for. */
static bool
s_own_list (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    enum { SESSIONS = 12, EACH = 1000 };
    uint64_t sessions[SESSIONS];
    for (uint32_t i = 0; i < SESSIONS; i++)
        sessions[i] = bench_open (&bench, 3, (uint8_t)(10 + i), 10000);
    for (uint32_t i = 0; i < SESSIONS * EACH; i++) {
        char name[16];
        snprintf (name, sizeof name, "%c%05u", i % 2 == 0 ? 'm' : 'n', i);
        bench_acquire (&bench, 3, sessions[i / EACH], i % EACH + 1, name);
        if (i % 1000 == 999)
            bench_settle (&bench);
    }
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_mutant = mutant;
    bench_query (&bench, 1, 1, HF_WHAT_LOCKS, "");
    s_turns (&bench, false);
    assert_true (hf_lock_service_more (bench.service)); //  a step, and more to do
    bench_turn (&bench, true);
    assert_int_equal (bench.frames.count, 0);
    hf_route_t route = bench_route (1);
    hf_lock_service_unsent (bench.service, 0, &route);
    bench_query (&bench, 2, 1, HF_WHAT_LOCKS, "n");
    s_turns (&bench, true);
    hf_mutant = HF_MUTANT_none;
    hf_query_result_t result = bench_result (&bench, 2);
    hf_scan_t scan = hf_scan_list (result.rows);
    hf_lock_row_t lock;
    assert_true (hf_lock_row_get (&scan, &lock));
    bool own = lock.lock.at[0] == 'n';
    bench_done (&bench);
    return own;
}

HF_TEST (p11_a_list_is_made_in_steps_and_for_its_client)
{
    assert_true (s_own_list (HF_MUTANT_none));
    assert_false (s_own_list (HF_MUTANT_page_of_another));
}

//  ---- clients that have left -----------------------------------------------------------

/*  Gives how many frames are packed for a client that cannot be reached. */
static size_t
s_packed (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t fat = bench_open_fat (&bench);
    hf_mutant = mutant;
    s_name_often (&bench, 1, fat);
    for (uint32_t i = 0; i < 10; i++)
        bench_query (&bench, 1, i, HF_WHAT_LEADER, "");
    s_turns (&bench, false);
    hf_route_t route = bench_route (1);
    hf_lock_service_unsent (bench.service, 0, &route);
    s_turns (&bench, true);
    hf_mutant = HF_MUTANT_none;
    size_t packed = bench.frames.count;
    bench_done (&bench);
    return packed;
}

HF_TEST (p12_nothing_is_packed_for_a_client_that_has_left)
{
    assert_true (s_packed (HF_MUTANT_none) <= 16);
    assert_int_equal (s_packed (HF_MUTANT_packed_for_nobody), FAT_NAMED + 10);
}

/*  What it had is given back: others, and itself when it comes again, are served. */
BENCH_TEST_WITH (p12_who_left_leaves_its_room, bench, true, .readings_max = 20)
{
    uint64_t fat = bench_open_fat (bench);
    for (int i = 0; i < 10; i++)
        s_name_often (bench, 1, fat);
    s_turns (bench, false);
    hf_route_t route = bench_route (1);
    hf_lock_service_unsent (bench->service, 0, &route);
    s_turns (bench, true);
    bench_drop_frames (bench);
    for (uint32_t i = 0; i < 10; i++)
        bench_keepalive (bench, 1, fat, i);
    bench_settle (bench);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal (bench_alive (bench, 1).status, HF_OK);
}

//  ---- positions, and who is wanted --------------------------------------------------------

/*  Of a queue of five the first gets the lock: how many of the others are told their positions. */
static unsigned
s_pushed (bench_t *bench, int mutant)
{
    uint64_t session[7];
    hf_mutant = mutant;
    for (uint32_t i = 1; i <= 6; i++) {
        session[i] = bench_open (bench, i, (uint8_t)i, 600000);
        bench_acquire (bench, i, session[i], 1, "L");
    }
    bench_settle (bench);
    bench->now_us += SECOND;
    bench_settle (bench);
    bench_drop_frames (bench);
    bench_close (bench, 1, session[1], 0);
    bench->now_us += SECOND;
    bench_settle (bench);
    unsigned told = 0;
    for (uint32_t i = 3; i <= 6; i++)
        told += bench_kind (bench, i) == HF_KIND_ANSWERS;
    hf_mutant = HF_MUTANT_none;
    return told;
}

BENCH_TEST_WITH (p12_a_part_of_a_long_queue_is_told_its_positions, bench, true, .pushes_max = 2)
{
    assert_int_equal (s_pushed (bench, HF_MUTANT_none), 2);
    assert_int_equal (bench_moved (bench, 4).position, 2);
}

BENCH_TEST_WITH (the_mutant_that_tells_all_is_seen, bench, true, .pushes_max = 2)
{
    assert_int_equal (s_pushed (bench, HF_MUTANT_pushed_to_all), 4);
}

/*  Of a queue of five the first one leaves after half a second, twice, and the second one is told
 *  of at once: how often the last but one is told, as its turn is far. */
static unsigned
s_far (bench_t *bench, int mutant)
{
    uint64_t session[7];
    unsigned near = 0, far = 0;
    hf_mutant = mutant;
    for (uint32_t i = 1; i <= 6; i++) {
        session[i] = bench_open (bench, i, (uint8_t)i, 600000);
        bench_acquire (bench, i, session[i], 1, "L");
    }
    bench_settle (bench);
    bench->now_us += 2 * SECOND;
    bench_settle (bench);
    bench_drop_frames (bench);
    for (uint32_t i = 1; i <= 2; i++) {
        bench_close (bench, i, session[i], 0);
        bench->now_us += SECOND / 2 - 1;
        bench_settle (bench);
        near += bench_kind (bench, i + 2) == HF_KIND_ANSWERS;
        far += bench_kind (bench, 5) == HF_KIND_ANSWERS;
        bench_drop_frames (bench);
    }
    assert_int_equal (near, 2);
    hf_mutant = HF_MUTANT_none;
    return far;
}

BENCH_TEST_WITH (p12_positions_that_are_far_are_told_once_a_second, bench, true, .pushes_max = 3,
                 .pushes_near = 1)
{
    assert_int_equal (s_far (bench, HF_MUTANT_none), 1);
    //  Its last position is told all the same, though nothing moves any more.
    uint64_t due_us = hf_lock_service_wake_us (bench->service);
    assert_true (due_us <= bench->now_us + SECOND);
    bench->now_us = due_us;
    bench_settle (bench);
    assert_int_equal (bench_moved (bench, 5).position, 2);
    assert_int_equal (bench_kind (bench, 4), 0);
}

BENCH_TEST_WITH (the_mutant_that_tells_far_ones_as_often_is_seen, bench, true, .pushes_max = 3,
                 .pushes_near = 1)
{
    assert_int_equal (s_far (bench, HF_MUTANT_far_as_often), 2);
}

HF_TEST_MAIN (NULL, NULL)
