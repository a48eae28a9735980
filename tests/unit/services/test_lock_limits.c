//  The lock service and what one user may ask for: sessions, and requests in a second.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/rights_bench.h"

int hf_mutant = HF_MUTANT_none;

#define EVERYBODY 4 //  a client without a key

/*  Clients 1 to 3 are kim's, lee's and ops', client 5 is another of kim's. Nobody's rights are
 *  looked at. */
static void
s_meet (bench_t *bench)
{
    s_users (bench);
    bench_user (bench, 5, KIM);
    bench_roster (bench, &s_roster, 40);
}

static void
s_must_say (hf_span_t text, const char *expected)
{
    if (!hf_span_equal (text, hf_span_text (expected)))
        fail_msg ("said: %.*s", (int)text.size, (const char *)text.at);
}

//  ---- sessions -----------------------------------------------------------------------

static hf_opened_t
s_open (bench_t *bench, uint32_t route, uint8_t mark)
{
    bench_send_open (bench, route, mark, 10000);
    return bench_opened (bench, route);
}

static void
s_open_three (bench_t *bench)
{
    s_meet (bench);
    for (uint8_t mark = 1; mark <= 3; mark++)
        assert_int_equal (s_open (bench, mark == 3 ? 5 : KIM, mark).status, HF_OK);
}

BENCH_TEST_WITH (p12_sessions_of_one_user, bench, true, .user_sessions_max = 3)
{
    s_open_three (bench);
    unsigned commands = bench->commands;
    hf_opened_t refused = s_open (bench, 5, 4);
    assert_int_equal (refused.status, HF_LIMIT);
    s_must_say (refused.text, "kim has 3 sessions, and a user may have 3 (--user-sessions): close "
                              "some, see holdfast sessions");
    assert_int_equal (bench->commands, commands);
    assert_int_equal (s_open (bench, KIM, 3).status, HF_OK); //  its answer was lost, perhaps
    assert_int_equal (s_open (bench, LEE, 5).status, HF_OK);
    for (uint8_t mark = 10; mark < 20; mark++)
        assert_int_equal (s_open (bench, EVERYBODY, mark).status, HF_OK);
    //  One that ends gives its room back.
    bench_close (bench, KIM, 1, 7);
    assert_int_equal (bench_closed (bench, KIM).status, HF_OK);
    assert_int_equal (s_open (bench, 5, 6).status, HF_OK);
    assert_int_equal (s_open (bench, KIM, 7).status, HF_LIMIT);
    //  So do those that fall silent; and a new leader counts those that the log has.
    bench->now_us += 11 * SECOND;
    bench_settle (bench);
    bench_drop_frames (bench);
    assert_int_equal (s_open (bench, KIM, 8).status, HF_OK);
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    assert_int_equal (s_open (bench, KIM, 21).status, HF_OK);
    assert_int_equal (s_open (bench, KIM, 22).status, HF_OK);
    assert_int_equal (s_open (bench, KIM, 23).status, HF_LIMIT);
}

BENCH_TEST_WITH (p12_what_a_user_opens_counts, bench, true, .user_sessions_max = 3)
{
    s_meet (bench);
    bench->no_commits = true;
    bench_send_open (bench, KIM, 1, 10000);
    bench_send_open (bench, KIM, 2, 10000);
    bench_send_open (bench, 5, 2, 10000); //  the same, from elsewhere
    bench_send_open (bench, 5, 3, 10000);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, KIM) + bench_kind (bench, 5), 0);
    assert_int_equal (s_open (bench, KIM, 4).status, HF_LIMIT);
    //  Openings of a leader that is none any more are over.
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    for (uint8_t mark = 4; mark <= 6; mark++)
        bench_send_open (bench, KIM, mark, 10000);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, KIM), 0);
}

BENCH_TEST_WITH (p12_mutants_of_sessions, bench, true, .user_sessions_max = 3)
{
    s_open_three (bench);
    hf_mutant = HF_MUTANT_user_opens_all;
    uint32_t status = s_open (bench, KIM, 4).status;
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (status, HF_OK);
    bench_close (bench, KIM, 1, 7);
    bench_close (bench, KIM, 2, 8);
    bench_settle (bench);
    bench_drop_frames (bench);
    bench->no_commits = true;
    hf_mutant = HF_MUTANT_openings_uncounted;
    for (uint8_t mark = 11; mark <= 19; mark++)
        bench_send_open (bench, KIM, mark, 10000);
    bench_settle (bench);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (bench_kind (bench, KIM), 0);
}

//  ---- requests -----------------------------------------------------------------------

/*  Whether the acquire of that SEQ is taken; if not, kim is told so. */
static bool
s_acquires (bench_t *bench, uint32_t route, uint64_t session, uint64_t seq)
{
    bench_acquire (bench, route, session, seq, "L");
    bench_settle (bench);
    if (bench_kind (bench, route) != HF_KIND_REFUSED) {
        bench_answer (bench, route);
        return true;
    }
    hf_refused_t refused = bench_refused (bench, route);
    assert_int_equal (refused.status, HF_BUSY);
    s_must_say (refused.text, "kim asks for more than 5 requests in a second, and a user may not "
                              "(--user-rate): ask less often");
    return false;
}

/*  Two of kim's clients use his five requests up: he opens a session, and acquires. */
static uint64_t
s_use_up (bench_t *bench)
{
    s_meet (bench);
    uint64_t session = bench_open (bench, KIM, 1, 60000);
    for (uint64_t seq = 1; seq <= 4; seq++)
        assert_true (s_acquires (bench, seq % 2 ? KIM : 5, session, seq));
    assert_false (s_acquires (bench, KIM, session, 5));
    return session;
}

BENCH_TEST_WITH (p12_requests_of_one_user, bench, true, .user_rate = 5)
{
    uint64_t session = s_use_up (bench);
    unsigned commands = bench->commands;
    assert_false (s_acquires (bench, 5, session, 5));
    bench_send_open (bench, KIM, 2, 10000);
    assert_int_equal (bench_refused (bench, KIM).status, HF_BUSY);
    bench_query (bench, KIM, 1, HF_WHAT_LOCKS, "");
    assert_int_equal (bench_refused (bench, KIM).status, HF_BUSY);
    assert_int_equal (bench->commands, commands);
    //  Nobody else is kept waiting.
    assert_int_not_equal (bench_open (bench, LEE, 3, 10000), 0);
    uint64_t other = bench_open (bench, EVERYBODY, 4, 10000);
    for (uint64_t seq = 1; seq <= 20; seq++)
        assert_true (s_acquires (bench, EVERYBODY, other, seq));
    bench->now_us += 200 * MS;
    assert_true (s_acquires (bench, KIM, session, 5));
    assert_false (s_acquires (bench, KIM, session, 6));
}

/*  What somebody would want who is woken at night: locks move on, sessions live, and it can be
 *  seen what goes on and be ended. */
BENCH_TEST_WITH (p11_what_gives_back_is_free, bench, true, .user_rate = 5)
{
    uint64_t session = s_use_up (bench);
    for (uint64_t echo = 1; echo <= 20; echo++) {
        bench_keepalive (bench, KIM, session, echo);
        assert_int_equal (bench_alive (bench, KIM).status, HF_OK);
    }
    for (uint64_t seq = 5; seq <= 24; seq++) {
        bench_release (bench, KIM, session, seq, "L", seq == 5 ? 1 : 99);
        assert_int_equal (bench_answer (bench, KIM).status, seq == 5 ? HF_OK : HF_NOT_HOLDER);
    }
    bench_query (bench, KIM, 1, HF_WHAT_LEADER, "");
    assert_int_equal (bench_result (bench, KIM).status, HF_OK);
    bench_query (bench, KIM, 2, HF_WHAT_STATUS, "");
    assert_int_equal (bench_result (bench, KIM).status, HF_OK);
    bench_query (bench, KIM, 3, HF_WHAT_MEMBERS, "");
    assert_int_equal (bench_result (bench, KIM).status, HF_OK);
    bench_close (bench, KIM, session, 9);
    assert_int_equal (bench_closed (bench, KIM).status, HF_OK);
}

/*  Whether the requests of LIST, in one frame, are taken. */
static bool
s_takes (bench_t *bench, uint32_t route, uint64_t session, hf_pack_t *list)
{
    hf_requests_frame (
        &bench->pack,
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (list)});
    hf_pack_done (list);
    bench_send (bench, route);
    bench_settle (bench);
    bool taken = bench_kind (bench, route) == HF_KIND_ANSWERS;
    bench_drop_frames (bench);
    return taken;
}

/*  COUNT appends in one frame, perhaps a release behind them. */
static bool
s_appends (bench_t *bench, uint32_t route, uint64_t session, uint64_t seq, unsigned count,
           bool releases)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint64_t end = seq + count; seq < end; seq++)
        hf_append_put (&list, &(hf_append_t){.seq = seq,
                                             .lock = TEXT ("L"),
                                             .token = 1,
                                             .file = TEXT ("f"),
                                             .data = TEXT ("x")});
    if (releases)
        hf_release_put (&list, &(hf_release_t){.seq = seq, .lock = TEXT ("L"), .token = 1});
    return s_takes (bench, route, session, &list);
}

/*  A release and something else in one frame. Whether it is taken. */
static bool
s_takes_both (bench_t *bench, uint64_t session, uint64_t seq)
{
    return s_appends (bench, KIM, session, seq, 1, true);
}

/*  They are not taken apart: a section whose append was left out would be released. */
BENCH_TEST_WITH (p11_a_release_with_others_is_lent_them, bench, true, .user_rate = 5)
{
    uint64_t session = s_use_up (bench);
    for (uint64_t seq = 10; seq < 20; seq += 2)
        assert_true (s_takes_both (bench, session, seq));
    assert_false (s_takes_both (bench, session, 20)); //  but not without an end
    bench->now_us += 200 * MS;
    assert_false (s_acquires (bench, KIM, session, 30));
    assert_true (s_takes_both (bench, session, 20));
    bench->now_us += 1200 * MS;
    assert_true (s_acquires (bench, KIM, session, 30));
}

/*  One frame of another process, taken whole, asks for what comes in minutes. */
BENCH_TEST_WITH (p11_a_debt_does_not_keep_a_lock, bench, true, .user_rate = 5)
{
    s_meet (bench);
    uint64_t session = bench_open (bench, KIM, 1, 60000);
    uint64_t other = bench_open (bench, 5, 2, 60000);
    assert_true (s_acquires (bench, KIM, session, 1));
    assert_true (s_appends (bench, 5, other, 1, 1000, false));
    assert_false (s_acquires (bench, KIM, session, 2));
    assert_true (s_takes_both (bench, session, 2));
    //  What is lent for a large one keeps the next waiting for two seconds at most.
    assert_true (s_appends (bench, KIM, session, 10, 1000, true));
    assert_false (s_takes_both (bench, session, 2000));
    bench->now_us += 2 * SECOND;
    assert_true (s_takes_both (bench, session, 2000));
    assert_false (s_acquires (bench, KIM, session, 3000));
}

BENCH_TEST_WITH (p11_mutant_releases_limited, bench, true, .user_rate = 5)
{
    uint64_t session = s_use_up (bench);
    hf_mutant = HF_MUTANT_nothing_lent;
    bool both = s_takes_both (bench, session, 10);
    hf_mutant = HF_MUTANT_releases_limited;
    for (uint64_t seq = 10; s_takes_both (bench, session, seq); seq += 2)
        continue; //  until all is lent
    bench_release (bench, KIM, session, ++s_seq, "L", 99);
    bench_settle (bench);
    hf_mutant = HF_MUTANT_none;
    assert_false (both);
    assert_int_equal (bench_kind (bench, KIM), HF_KIND_REFUSED);
}

/*  A client whose answers are lost asks again, and is answered; how many of TIMES. */
static unsigned
s_repeats (bench_t *bench, unsigned times)
{
    uint64_t session = s_use_up (bench);
    unsigned answered = 0;
    for (unsigned i = 0; i < times; i++) {
        bench_acquire (bench, 5, session, 4, "L");
        bench_settle (bench);
        answered += bench_kind (bench, 5) == HF_KIND_ANSWERS;
        bench_drop_frames (bench);
    }
    return answered;
}

BENCH_TEST_WITH (p12_repeats_are_free, bench, true, .user_rate = 5)
{
    unsigned commands = 0;
    assert_int_equal (s_repeats (bench, 20), 20);
    commands = bench->commands;
    bench_acquire (bench, 5, 1, 4, "L");
    assert_int_equal (bench_answer (bench, 5).status, HF_OK);
    assert_int_equal (bench->commands, commands);
    //  Who was refused meanwhile is no less so.
    assert_false (s_acquires (bench, KIM, 1, 5));
    //  Of a session that there is not, refusals keep nothing.
    for (uint64_t session = 1000; session < 1100; session++)
        assert_false (s_acquires (bench, KIM, session, 1));
    bench->now_us += 200 * MS;
    assert_true (s_acquires (bench, KIM, 1, 5));
}

BENCH_TEST_WITH (p12_mutant_answered_charged, bench, true, .user_rate = 5)
{
    hf_mutant = HF_MUTANT_answered_charged;
    unsigned answered = s_repeats (bench, 20);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (answered, 0);
}

//  ---- what is said ---------------------------------------------------------------------

static unsigned
s_lines (const bench_t *bench, const char *what)
{
    unsigned count = 0;
    for (const char *at = bench->log; (at = strstr (at, what)); at += strlen (what))
        count++;
    return count;
}

static uint64_t
s_fact (bench_t *bench, const char *key)
{
    bench_query (bench, LEE, 77, HF_WHAT_STATUS, "");
    hf_query_result_t result = bench_result (bench, LEE);
    hf_scan_t scan = hf_scan_list (result.rows);
    hf_fact_row_t row;
    for (uint32_t i = 0; i < result.rows.count && hf_fact_row_get (&scan, &row); i++)
        if (hf_span_equal (row.key, hf_span_text (key)))
            return row.number;
    fail_msg ("no fact %s", key);
    return 0;
}

BENCH_TEST_WITH (test_said_at_most_once_a_minute, bench, true, .user_rate = 5,
                 .user_sessions_max = 1)
{
    uint64_t session = s_use_up (bench);
    for (unsigned i = 0; i < 9; i++)
        assert_false (s_acquires (bench, KIM, session, 5));
    for (uint8_t mark = 2; mark <= 4; mark++)
        assert_int_equal (s_open (bench, KIM, mark).status, HF_LIMIT);
    assert_int_equal (s_lines (bench, "--user-rate"), 1);
    assert_int_equal (s_lines (bench, "--user-sessions"), 1);
    assert_int_equal (s_fact (bench, "limited_requests"), 10);
    assert_int_equal (s_fact (bench, "limited_sessions"), 3);
    bench->now_us += 61 * SECOND;
    bench_settle (bench);
    bench_drop_frames (bench);
    session = bench_open (bench, KIM, 5, 10000);
    for (uint64_t seq = 1; seq <= 4; seq++)
        assert_true (s_acquires (bench, KIM, session, seq));
    assert_false (s_acquires (bench, KIM, session, 5));
    assert_int_equal (s_lines (bench, "refused since that was last said: 10\n"), 1);
}

/*  Without the options nothing is counted. */
BENCH_TEST (test_no_limits_by_default, bench)
{
    s_meet (bench);
    uint64_t session = 0;
    for (uint8_t mark = 1; mark <= 100; mark++)
        session = bench_open (bench, KIM, mark, 60000);
    for (uint64_t seq = 1; seq <= 500; seq++)
        assert_true (s_acquires (bench, KIM, session, seq));
}

//  ---- packed frames ----------------------------------------------------------------------

/*  COUNT REQUESTS, packed, by Kim, of session FIRST and those STEP apart from it: how often she is
 *  refused. *others: how many frames more come to her. */
static uint32_t
s_refused_of (bench_t *bench, uint64_t first, uint64_t step, uint32_t count, uint32_t *others)
{
    hf_frame_begin (&bench->pack, count);
    for (uint64_t i = 0; i < count; i++) {
        hf_pack_t list;
        hf_pack_init (&list);
        hf_abandon_put (&list, &(hf_abandon_t){.seq = 1, .lock = hf_span_text ("L")});
        hf_requests_put (&bench->pack, &(hf_requests_t){first + i * step, 1, hf_pack_list (&list)});
        hf_pack_done (&list);
    }
    bench_send (bench, KIM);
    bench_settle (bench);
    uint32_t refused = 0, kind;
    for (*others = 0; (kind = bench_kind (bench, KIM)) != 0; bench_take (bench, KIM, kind)) {
        refused += kind == HF_KIND_REFUSED;
        *others += kind != HF_KIND_REFUSED;
    }
    return refused;
}

/*  Of sessions that nobody has, she is told behind a barrier; of so many as wait for one. */
BENCH_TEST_WITH (p12_sessions_of_nobody_in_a_packed_frame, bench, true, .readings_max = 10)
{
    uint32_t others;
    s_begin (bench);
    assert_int_equal (s_refused_of (bench, 1000, 1, 1000, &others), 1);
    assert_in_range (others, 1, 10);
}

/*  Each denial counts as asking does. */
BENCH_TEST_WITH (p12_sessions_of_others_in_a_packed_frame, bench, true, .user_rate = 20)
{
    uint32_t others;
    s_begin (bench);
    assert_int_equal (s_refused_of (bench, LEE, 0, 100, &others), 1);
    assert_in_range (others, 1, 40);
}

HF_TEST_MAIN (NULL, NULL)
