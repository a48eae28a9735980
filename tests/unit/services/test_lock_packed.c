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

/*  How many of the 200 requests in a packed frame are taken, when a client may have so little
 *  undecided. */
static uint64_t
s_taken (bench_t *bench, int mutant)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    const hf_state_t *state = hf_lock_service_state (bench->service);
    uint64_t before = hf_state_command_index (state);
    hf_mutant = mutant;
    hf_frame_begin (&bench->pack, 200);
    for (uint64_t seq = 1; seq <= 200; seq++)
        s_put (bench, session, seq, "A");
    bench_send (bench, 1);
    bench_settle (bench);
    hf_mutant = HF_MUTANT_none;
    bench_drop_frames (bench);
    return hf_state_command_index (state) - before;
}

BENCH_TEST_WITH (p12_a_packed_frame_is_a_share, bench, true, .undecided_max = 1000)
{
    assert_in_range (s_taken (bench, HF_MUTANT_none), 1, 100);
}

BENCH_TEST_WITH (p12_mutant_packed_uncounted, bench, true, .undecided_max = 1000)
{
    assert_int_equal (s_taken (bench, HF_MUTANT_packed_uncounted), 200);
}

/*  A request of a client of another release: its session and its floor in more bytes than they
 * need, and FOREIGN: a field that this one does not know. Whether the entry has nothing but a
 * command. */
static bool
s_logged_well (bench_t *bench, uint64_t session, bool foreign)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_acquire_put (&list, &(hf_acquire_t){1, hf_span_text ("A"), HF_MODE_EXCLUSIVE, true});
    uint8_t wide[] = {0xcf, 0, 0, 0, 0, 0, 0, 0, (uint8_t)session, 0xcd, 0, 1};
    hf_frame_begin (&bench->pack, 1);
    hf_put_array (&bench->pack, foreign ? 5 : 4);
    hf_put_u32 (&bench->pack, HF_KIND_REQUESTS);
    hf_pack_raw (&bench->pack, wide, sizeof wide);
    hf_put_list (&bench->pack, hf_pack_list (&list));
    if (foreign)
        hf_put_u32 (&bench->pack, 12345);
    hf_pack_done (&list);
    bench->late_commits = true;
    bench_send (bench, 1);
    bench_settle (bench);
    assert_int_equal (bench->late.count, 1);
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (bench->late.list[0].bytes, bench->late.list[0].size, &kind);
    hf_a_committed_t committed;
    hf_entry_t entry;
    hf_list_t commands;
    hf_cmd_requests_t command;
    assert_true (hf_a_committed_get (&scan, &committed));
    scan = hf_scan_list (committed.entries);
    assert_true (hf_entry_get (&scan, &entry));
    assert_int_equal (hf_payload_get (entry.payload, &commands), HF_OK);
    scan = hf_scan_list (commands);
    assert_true (hf_cmd_requests_get (&scan, &command) && command.session == session);
    bool only = commands.at + commands.size == entry.payload.at + entry.payload.size;
    bench_commit_late (bench);
    assert_int_equal (bench_answer (bench, 1).status, HF_OK);
    return only;
}

BENCH_TEST (test_what_is_not_known_is_not_logged, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    assert_true (s_logged_well (bench, session, true));
}

BENCH_TEST (test_long_numbers_are_logged_as_they_came, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    assert_true (s_logged_well (bench, session, false));
}

BENCH_TEST (test_mutant_foreign_fields_logged, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    hf_mutant = HF_MUTANT_foreign_fields_logged;
    assert_false (s_logged_well (bench, session, true));
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
