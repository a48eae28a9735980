//  The lock service and keepalives: many sessions in a frame, and the floor that they carry.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

static void
s_send_keeps (bench_t *bench, uint32_t route, uint64_t first, uint32_t count)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint32_t i = 0; i < count; i++)
        hf_keep_put (&list, &(hf_keep_t){first + i, 1});
    hf_keepalive_frame (&bench->pack, &(hf_keepalive_t){7, hf_pack_list (&list)});
    hf_pack_done (&list);
    bench_send (bench, route);
}

/*  Sessions in the ALIVEs that wait for route 1, by status. */
static uint32_t
s_kept (bench_t *bench, hf_status_t status, uint32_t *frames)
{
    uint32_t count = 0;
    bench_settle (bench);
    for (*frames = 0; bench_kind (bench, 1) == HF_KIND_ALIVE; ++*frames) {
        hf_alive_t alive;
        hf_kept_t kept;
        hf_scan_t scan = bench_take (bench, 1, HF_KIND_ALIVE);
        assert_true (hf_alive_get (&scan, &alive));
        assert_int_equal (alive.echo, 7);
        hf_scan_t list = hf_scan_list (alive.sessions);
        while (hf_kept_get (&list, &kept))
            count += kept.status == (uint32_t)status;
        assert_false (list.at != list.end);
    }
    return count;
}

BENCH_TEST (test_a_keepalive_of_many_sessions_is_answered_in_few_frames, bench)
{
    uint32_t frames;
    uint64_t first = bench_open (bench, 1, 1, 10000), second = bench_open (bench, 1, 2, 10000);
    assert_int_equal (second, first + 1);
    s_send_keeps (bench, 1, first, 2);
    assert_int_equal (s_kept (bench, HF_OK, &frames), 2);
    assert_int_equal (frames, 1);
    s_send_keeps (bench, 1, first + 100, HF_KEEPS_MAX); //  none of which there is
    assert_int_equal (s_kept (bench, HF_SESSION_EXPIRED, &frames), HF_KEEPS_MAX);
    assert_int_equal (frames, 1);
}

/*  A session may hold so much that its KEPT fills a frame. */
BENCH_TEST (test_answers_to_a_keepalive_are_cut_into_frames, bench)
{
    uint32_t frames;
    uint64_t session = bench_open_fat (bench);
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint32_t i = 0; i < 20; i++)
        hf_keep_put (&list, &(hf_keep_t){session, 1});
    hf_keepalive_frame (&bench->pack, &(hf_keepalive_t){7, hf_pack_list (&list)});
    hf_pack_done (&list);
    bench_send (bench, 1);
    assert_int_equal (s_kept (bench, HF_OK, &frames), 20);
    assert_int_equal (frames, 20);
}

BENCH_TEST (test_a_keepalive_that_is_refused, bench)
{
    uint32_t frames;
    s_send_keeps (bench, 1, 1, 0);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0);
    s_send_keeps (bench, 1, 1, HF_KEEPS_MAX + 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_MALFORMED);
    //  Bytes that wait are bounded: 16 MiB are 512 frames of 4,096 sessions, and half of it is one
    //  client's.
    for (uint32_t i = 0; i < 256; i++)
        s_send_keeps (bench, 1, 1, HF_KEEPS_MAX);
    s_send_keeps (bench, 1, 1, 1);
    for (uint32_t i = 0; i < 256; i++)
        s_send_keeps (bench, 2 + i, 1, HF_KEEPS_MAX);
    s_send_keeps (bench, 300, 1, 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_BUSY);
    assert_int_equal (bench_refused (bench, 300).status, HF_BUSY);
    assert_int_equal (s_kept (bench, HF_SESSION_EXPIRED, &frames), 256 * HF_KEEPS_MAX);
    bench_drop_frames (bench);
    s_send_keeps (bench, 1, 1, 1);
    assert_int_equal (s_kept (bench, HF_SESSION_EXPIRED, &frames), 1);
}

/*  P9. Whether a keepalive is answered that comes when the session's end is proposed and not yet
 *  decided. */
static bool
s_alive_at_the_end (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t session = bench_open (&bench, 1, 1, 1000);
    hf_mutant = mutant;
    bench.no_commits = true;
    bench.now_us += 1000000;
    bench_settle (&bench);
    assert_int_equal (bench.expiries, 1);
    hf_keepalive_one (&bench.pack, 1, session, 1);
    bench_send (&bench, 1);
    bench_settle (&bench);
    bool alive = bench_kind (&bench, 1) == HF_KIND_ALIVE;
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return alive;
}

HF_TEST (p9_a_session_that_ends_is_acknowledged_no_more)
{
    assert_false (s_alive_at_the_end (HF_MUTANT_none));
    assert_true (s_alive_at_the_end (HF_MUTANT_alive_while_ending));
    assert_true (s_alive_at_the_end (HF_MUTANT_ending_heard));
}

/*  P10. How many of two keepalives are answered by the barrier that began between them. */
static unsigned
s_answered (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    hf_mutant = mutant;
    bench.no_barriers = true;
    for (uint64_t echo = 1; echo <= 2; echo++) {
        hf_keepalive_one (&bench.pack, echo, session, 1);
        bench_send (&bench, 1);
        bench_settle (&bench);
    }
    bench_pass (&bench, bench.index);
    bench_settle (&bench);
    unsigned count = (unsigned)bench.frames.count;
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return count;
}

HF_TEST (p10_a_keepalive_does_not_join_a_barrier)
{
    assert_int_equal (s_answered (HF_MUTANT_none), 1);
    assert_int_equal (s_answered (HF_MUTANT_barrier_joined), 2);
}

/*  P12. 100 answers, then the session is idle but for keepalives. Gives how many are kept. */
static uint32_t
s_idle (bench_t *bench, uint8_t mark)
{
    uint64_t session = bench_open (bench, 1, mark, 10000);
    for (uint64_t seq = 1; seq <= 100; seq++)
        bench_acquire (bench, 1, session, seq, "L");
    bench_settle (bench);
    bench_drop_frames (bench);
    const hf_state_t *state = hf_lock_service_state (bench->service);
    assert_int_equal (hf_state_answers_below (state, session, UINT64_MAX), 128); //  room for them
    unsigned commands = bench->commands;
    hf_keepalive_one (&bench->pack, 1, session, 50); //  as long as something is out
    bench_send (bench, 1);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    hf_keepalive_one (&bench->pack, 2, session, 101);
    bench_send (bench, 1);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    //  There is nothing more to free, so nothing more goes into the log.
    for (uint32_t i = 0; i < 5; i++) {
        hf_keepalive_one (&bench->pack, 3 + i, session, 101);
        bench_send (bench, 1);
        assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    }
    assert_true (bench->commands <= commands + 2);
    return hf_state_answers_below (state, session, UINT64_MAX);
}

BENCH_TEST (p12_a_session_that_is_idle_keeps_no_answers, bench)
{
    assert_int_equal (s_idle (bench, 1), 0);
    hf_mutant = HF_MUTANT_floor_not_kept;
    assert_int_equal (s_idle (bench, 2), 128);
    hf_mutant = HF_MUTANT_none;
}

/*  P12. A client may have so many queries waiting, and others have theirs. */
static uint32_t
s_flood (bench_t *bench)
{
    uint32_t refused = 0;
    bench->no_barriers = true;
    bench_query (bench, 3, 1, HF_WHAT_LEADER, "");
    bench_settle (bench); //  under its barrier
    for (uint32_t i = 0; i < 60; i++)
        bench_query (bench, 1, i, HF_WHAT_LEADER, "");
    bench_query (bench, 2, 1, HF_WHAT_LEADER, "");
    bench_settle (bench);
    while (bench_kind (bench, 2) == HF_KIND_REFUSED)
        refused += bench_refused (bench, 2).status == HF_BUSY;
    bench->no_barriers = false;
    bench_pass (bench, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    return refused;
}

BENCH_TEST_WITH (p12_one_client_does_not_take_the_room_for_queries, bench, true,
                 .readings_max = 100)
{
    assert_int_equal (s_flood (bench), 0);
    hf_mutant = HF_MUTANT_reader_takes_all;
    assert_int_equal (s_flood (bench), 1);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
