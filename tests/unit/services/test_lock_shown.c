/*  The lock service and the rights of users: what is shown to them, in lists, rings and watches.
 * Each mutant spoils one test. */
#include "base/hf_mutant.h"
#include "tests/unit/services/rights_bench.h"

int hf_mutant = HF_MUTANT_none;

static uint32_t
s_rows (bench_t *bench, uint32_t user, uint32_t what)
{
    bench_query (bench, user, 9, what, "");
    hf_query_result_t result = bench_result (bench, user);
    assert_int_equal (result.status, HF_OK);
    assert_false (result.more);
    uint32_t count = 0;
    hf_scan_t scan = hf_scan_list (result.rows);
    for (; !hf_scan_at_end (&scan); hf_scan_skip (&scan, 1))
        count += hf_scan_kind (&scan) != HF_KIND_HOLDER_ROW;
    return count;
}

BENCH_TEST (lists_show_what_the_user_may_see, bench)
{
    s_begin (bench);
    assert_int_equal (s_rows (bench, KIM, HF_WHAT_LOCKS), 1);
    assert_int_equal (s_rows (bench, LEE, HF_WHAT_LOCKS), 2);
    assert_int_equal (s_rows (bench, OPS, HF_WHAT_LOCKS), 0);
    assert_int_equal (s_rows (bench, KIM, HF_WHAT_SESSIONS), 1);
    assert_int_equal (s_rows (bench, OPS, HF_WHAT_SESSIONS), 3);
    hf_mutant = HF_MUTANT_listed_locks;
    assert_int_equal (s_rows (bench, KIM, HF_WHAT_LOCKS), 2);
    hf_mutant = HF_MUTANT_listed_sessions;
    assert_int_equal (s_rows (bench, KIM, HF_WHAT_SESSIONS), 3);
    hf_mutant = HF_MUTANT_none;
}

/*  A list that takes two steps, between which all rights go: how many of its locks kim is told. */
static uint32_t
s_told_between (int mutant)
{
    enum { SESSIONS = 12, EACH = 1000 };
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_users (&bench);
    s_rights (&bench, "kim * acquire,read\n");
    bench_roster (&bench, &s_roster, 40);
    uint64_t sessions[SESSIONS];
    for (uint32_t i = 0; i < SESSIONS; i++)
        sessions[i] = bench_open (&bench, KIM, (uint8_t)(10 + i), 60000);
    for (uint32_t i = 0; i < SESSIONS * EACH; i++) {
        char name[16];
        snprintf (name, sizeof name, "n%05u", i);
        bench_acquire (&bench, KIM, sessions[i / EACH], i % EACH + 1, name);
        if (i % 1000 == 999)
            bench_settle (&bench);
    }
    bench_settle (&bench);
    bench_drop_frames (&bench);
    hf_mutant = mutant;
    bench.no_time = true;
    bench_query (&bench, KIM, 1, HF_WHAT_LOCKS, "");
    bench_turn (&bench, true);
    bench_turn (&bench, true);
    assert_true (hf_lock_service_more (bench.service)); //  a step, and more to do
    s_rights (&bench, "kim * acquire\n");
    bench.no_time = false;
    bench_settle (&bench);
    hf_mutant = HF_MUTANT_none;
    uint32_t count = bench_result (&bench, KIM).rows.count;
    bench_done (&bench);
    return count;
}

BENCH_TEST (a_list_goes_by_the_rights_in_force, bench)
{
    (void)bench;
    assert_int_equal (s_told_between (HF_MUTANT_none), 0);
    assert_true (s_told_between (HF_MUTANT_page_of_old_rights) > 0);
}

static uint64_t
s_open_detecting (bench_t *bench, uint32_t user)
{
    uint8_t nonce[HF_NONCE_SIZE] = {99, (uint8_t)user};
    hf_open_frame (
        &bench->pack,
        &(hf_open_t){.nonce = hf_span (nonce, sizeof nonce), .ttl_ms = 60000, .detect = true});
    bench_send (bench, user);
    hf_opened_t opened = bench_opened (bench, user);
    assert_int_equal (opened.status, HF_OK);
    return opened.session;
}

static void
s_take (bench_t *bench, uint32_t user, uint64_t session, const char *lock)
{
    bench_acquire (bench, user, session, ++s_seq, lock);
    bench_settle (bench);
    bench_drop_frames (bench);
}

/*  The rows of the ring that kim closes: mine/1 (kim), mine/2 (lee), secret (ops), and round. */
static uint32_t
s_ring_rows (int mutant, const char *rights)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_users (&bench);
    s_rights (&bench, rights);
    bench_roster (&bench, &s_roster, 40);
    uint64_t kim = s_open_detecting (&bench, KIM), lee = s_open_detecting (&bench, LEE);
    uint64_t ops = s_open_detecting (&bench, OPS);
    s_take (&bench, KIM, kim, "mine/1");
    s_take (&bench, LEE, lee, "mine/2");
    s_take (&bench, OPS, ops, "secret");
    s_take (&bench, LEE, lee, "secret");
    s_take (&bench, OPS, ops, "mine/1");
    hf_mutant = mutant;
    bench_acquire (&bench, KIM, kim, ++s_seq, "mine/2");
    hf_answers_t answers = bench_answers (&bench, KIM);
    hf_mutant = HF_MUTANT_none;
    hf_answer_t answer;
    hf_ring_t ring = {.seq = s_seq};
    hf_scan_t scan = hf_scan_list (answers.items);
    assert_true (hf_answer_get (&scan, &answer));
    assert_int_equal (answer.status, HF_DEADLOCK);
    assert_true (answers.items.count == 1 || hf_ring_get (&scan, &ring));
    assert_int_equal (ring.seq, s_seq);
    assert_int_equal (answers.items.count, ring.rows.count > 0 ? 2 : 1);
    bench_done (&bench);
    return ring.rows.count;
}

HF_TEST (a_ring_shows_what_the_user_may_see)
{
    static const char some[] = "* * acquire\nkim mine/* read\n", none[] = "* * acquire\n";
    assert_int_equal (s_ring_rows (HF_MUTANT_none, some), 1);
    assert_int_equal (s_ring_rows (HF_MUTANT_ring_told_unseen, some), 3);
    assert_int_equal (s_ring_rows (HF_MUTANT_none, none), 0);
    assert_int_equal (s_ring_rows (HF_MUTANT_none, "* * acquire,read\n"), 3);
}

static void
s_files (bench_t *bench, bool more, const char *first, const char *second)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_file_row_put (&rows, &(hf_file_row_t){.file = TEXT (first)});
    hf_file_row_put (&rows, &(hf_file_row_t){.file = TEXT (second)});
    hf_a_file_result_frame (
        &bench->pack,
        &(hf_a_file_result_t){.id = bench->query, .more = more, .rows = hf_pack_list (&rows)});
    bench_say (bench);
    bench_settle (bench);
    hf_pack_done (&rows);
}

BENCH_TEST (files_that_may_not_be_read_are_skipped, bench)
{
    s_begin (bench);
    bench_query (bench, KIM, 9, HF_WHAT_FILES, "");
    bench_settle (bench);
    s_files (bench, true, "a", "b"); //  it goes on behind them
    assert_int_equal (bench_kind (bench, KIM), 0);
    assert_int_equal (bench->queries, 2);
    s_files (bench, true, "c", "mine/f");
    assert_int_equal (bench_result (bench, KIM).rows.count, 1);
    bench_query (bench, KIM, 9, HF_WHAT_FILES, "");
    bench_settle (bench);
    hf_mutant = HF_MUTANT_listed_files;
    s_files (bench, false, "c", "mine/f");
    assert_int_equal (bench_result (bench, KIM).rows.count, 2);
    hf_mutant = HF_MUTANT_none;
}

static uint32_t
s_told (bench_t *bench)
{
    bench_acquire (bench, LEE, LEE, ++s_seq, "other");
    bench_settle (bench);
    bench_drop_frames (bench);
    bench_acquire (bench, LEE, LEE, ++s_seq, "mine/z");
    bench_settle (bench);
    return s_events (bench, KIM).events.count;
}

BENCH_TEST (a_watch_tells_what_the_user_may_watch, bench)
{
    s_begin (bench);
    s_send_watch (bench, KIM, "");
    assert_int_equal (s_events (bench, KIM).status, HF_OK);
    assert_int_equal (s_told (bench), 1);
    bench_drop_frames (bench);
    hf_mutant = HF_MUTANT_told_unseen;
    bench_release (bench, LEE, LEE, ++s_seq, "other", 3);
    bench_settle (bench);
    assert_int_equal (s_events (bench, KIM).events.count, 1);
    hf_mutant = HF_MUTANT_none;
}

BENCH_TEST (a_watch_ends_with_its_right, bench)
{
    s_begin (bench);
    s_send_watch (bench, KIM, "mine/");
    assert_int_equal (s_events (bench, KIM).status, HF_OK);
    hf_mutant = HF_MUTANT_watched_for_ever;
    s_rights (bench, "kim mine/* read");
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, KIM), 0);
    hf_mutant = HF_MUTANT_none;
    s_rights (bench, "kim mine/* read");
    assert_int_equal (s_events (bench, KIM).status, HF_DENIED);
    s_rights (bench, s_text);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, KIM), 0); //  it was ended
}

HF_TEST_MAIN (NULL, NULL)
