//  Several REQUESTS in one frame, and ANSWERS so to who sends them.

#include "base/hf_mutant.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

/*  SESSION asks for LOCK, in a frame of several that is packed. */
static void
s_put (bench_t *bench, uint64_t session, uint64_t seq, const char *lock)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_acquire_put (&list, &(hf_acquire_t){seq, hf_span_text (lock), HF_MODE_EXCLUSIVE, true});
    hf_requests_put (&bench->pack, &(hf_requests_t){session, seq, hf_pack_list (&list)});
    hf_pack_done (&list);
}

/*  The next frame of ANSWERS to ROUTE: the answers in it, each of another session. */
static uint32_t
s_answered (bench_t *bench, uint32_t route)
{
    hf_scan_t scan = bench_take (bench, route, HF_KIND_ANSWERS);
    hf_answers_t answers;
    uint64_t last = 0;
    uint32_t count = 0;
    for (; !hf_scan_at_end (&scan); count++) {
        hf_answer_t answer;
        assert_true (hf_answers_get (&scan, &answers));
        assert_true (answers.session != last);
        last = answers.session;
        hf_scan_t items = hf_scan_list (answers.items);
        assert_true (hf_answer_get (&items, &answer));
        assert_int_equal (answer.status, HF_OK);
    }
    return count;
}

BENCH_TEST (test_a_node_says_that_it_takes_packed_frames, bench)
{
    bench_send_open (bench, 1, 1, 10000);
    hf_opened_t opened = bench_opened (bench, 1);
    assert_true (opened.packs);
    bench_keepalive (bench, 1, opened.session, 1);
    hf_alive_t alive;
    hf_scan_t scan = bench_take (bench, 1, HF_KIND_ALIVE);
    assert_true (hf_alive_get (&scan, &alive));
    assert_true (alive.packs);
}

/*  Each is taken as if it came alone, and they are answered in one frame. */
BENCH_TEST (test_packed_requests_have_packed_answers, bench)
{
    uint64_t a = bench_open (bench, 1, 1, 10000), b = bench_open (bench, 1, 2, 10000);
    hf_frame_begin (&bench->pack, 2);
    s_put (bench, a, 1, "A");
    s_put (bench, b, 1, "B");
    bench_send (bench, 1);
    assert_int_equal (s_answered (bench, 1), 2);
    assert_int_equal (bench_kind (bench, 1), 0);
    //  So are requests that come alone then.
    bench_acquire (bench, 1, a, 2, "C");
    bench_acquire (bench, 1, b, 2, "D");
    assert_int_equal (s_answered (bench, 1), 2);
    //  But not over another connection.
    bench_acquire (bench, 2, a, 3, "E");
    bench_acquire (bench, 2, b, 3, "F");
    assert_int_equal (s_answered (bench, 2), 1);
    assert_int_equal (s_answered (bench, 2), 1);
}

/*  Two sessions that pack nothing; gives how many answers are in the first frame. */
static uint32_t
s_unpacked (bench_t *bench)
{
    uint64_t a = bench_open (bench, 1, 1, 10000), b = bench_open (bench, 1, 2, 10000);
    bench_acquire (bench, 1, a, 1, "A");
    bench_acquire (bench, 1, b, 1, "B");
    return s_answered (bench, 1);
}

BENCH_TEST (test_who_packs_nothing_gets_nothing_packed, bench)
{
    assert_int_equal (s_unpacked (bench), 1);
    assert_int_equal (s_answered (bench, 1), 1);
}

BENCH_TEST (p11_mutant_packed_for_all, bench)
{
    hf_mutant = HF_MUTANT_packed_for_all;
    assert_int_equal (s_unpacked (bench), 2);
    hf_mutant = HF_MUTANT_none;
}

/*  Clients do not get each other's. */
BENCH_TEST (test_answers_of_two_clients_are_not_packed, bench)
{
    uint64_t a = bench_open (bench, 1, 1, 10000), b = bench_open (bench, 1, 2, 10000);
    uint64_t c = bench_open (bench, 2, 3, 10000), d = bench_open (bench, 2, 4, 10000);
    hf_frame_begin (&bench->pack, 2);
    s_put (bench, a, 1, "A");
    s_put (bench, b, 1, "B");
    bench_send (bench, 1);
    hf_frame_begin (&bench->pack, 2);
    s_put (bench, c, 1, "C");
    s_put (bench, d, 1, "D");
    bench_send (bench, 2);
    assert_int_equal (s_answered (bench, 1), 2);
    assert_int_equal (s_answered (bench, 2), 2);
}

//  ---- refused ------------------------------------------------------------------------

/*  Four of them, which nobody has room for; gives how many refusals there are. */
static uint32_t
s_refusals (bench_t *bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench->no_commits = true;
    bench_append (bench, 1, session, 1, 1, 0, 4000);
    bench_settle (bench);
    hf_frame_begin (&bench->pack, 4);
    for (uint64_t seq = 2; seq < 6; seq++)
        s_put (bench, session, seq, "A");
    bench_send (bench, 1);
    bench_settle (bench);
    uint32_t count = 0;
    for (; bench_kind (bench, 1) != 0; count++)
        assert_int_equal (bench_refused (bench, 1).status, HF_BUSY);
    return count;
}

BENCH_TEST_WITH (p12_a_packed_frame_has_one_refusal, bench, true, .undecided_max = 1000)
{
    assert_int_equal (s_refusals (bench), 1);
}

BENCH_TEST_WITH (p12_mutant_refused_goes_on, bench, true, .undecided_max = 1000)
{
    hf_mutant = HF_MUTANT_refused_goes_on;
    assert_int_equal (s_refusals (bench), 4);
    hf_mutant = HF_MUTANT_none;
}

/*  What is before the one that cannot be read is taken; what is behind it is not. */
BENCH_TEST (test_a_packed_frame_ends_where_it_cannot_be_read, bench)
{
    uint64_t a = bench_open (bench, 1, 1, 10000), b = bench_open (bench, 1, 2, 10000);
    hf_frame_begin (&bench->pack, 3);
    s_put (bench, a, 1, "A");
    hf_keep_put (&bench->pack, &(hf_keep_t){.session = b});
    s_put (bench, b, 1, "B");
    bench_send (bench, 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_MALFORMED);
    assert_int_equal (s_answered (bench, 1), 1);
    assert_int_equal (bench_kind (bench, 1), 0);
}

/*  It is short: all of it is refused, once. */
BENCH_TEST (test_a_packed_frame_of_too_many, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    hf_frame_begin (&bench->pack, HF_PACKED_MAX + 1);
    for (uint32_t i = 0; i <= HF_PACKED_MAX; i++)
        hf_requests_put (&bench->pack, &(hf_requests_t){.session = session, .floor = 1});
    bench_send (bench, 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_MALFORMED);
    assert_int_equal (bench_kind (bench, 1), 0);
    //  And one that says more than it has.
    hf_frame_begin (&bench->pack, 3);
    s_put (bench, session, 1, "A");
    bench_send (bench, 1);
    assert_int_equal (bench_refused (bench, 1).status, HF_MALFORMED);
    assert_int_equal (s_answered (bench, 1), 1);
}

HF_TEST_MAIN (NULL, NULL)
