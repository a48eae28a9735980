/*  The lock service and the rights of users: what each kind of request needs, whose a session is,
 * and what the log says of it. Each mutant spoils one test. */
#include "base/hf_mutant.h"
#include "nodes/consensus/hf_core.h"
#include "tests/unit/services/rights_bench.h"
#include <inttypes.h>

int hf_mutant = HF_MUTANT_none;

static hf_status_t
s_acquire (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, acquire, .lock = TEXT ("x"));
}

static hf_status_t
s_shared (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, acquire, .lock = TEXT ("x"), .mode = HF_MODE_SHARED);
}

static hf_status_t
s_set (bench_t *bench, uint32_t user, uint32_t mode)
{
    hf_pack_t places;
    hf_pack_init (&places);
    uint32_t units = mode == HF_MODE_SHARED;
    hf_place_put (&places, &(hf_place_t){.lock = TEXT ("mine/s"), .mode = mode, .units = units});
    hf_place_put (&places, &(hf_place_t){.lock = TEXT ("s"), .mode = mode, .units = units});
    hf_status_t status = ASK (bench, user, user, NULL, claim, .places = hf_pack_list (&places));
    hf_pack_done (&places);
    return status;
}

static hf_status_t
s_place (bench_t *bench, uint32_t user)
{
    return s_set (bench, user, HF_MODE_EXCLUSIVE);
}

static hf_status_t
s_shared_place (bench_t *bench, uint32_t user)
{
    return s_set (bench, user, HF_MODE_SHARED);
}

static hf_status_t
s_append (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, append, .lock = TEXT ("x"), .token = 1,
                .file = TEXT ("F"));
}

static hf_status_t
s_append_for (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, append, .lock = TEXT ("L"), .token = 2, .owner = LEE,
                .file = TEXT ("mine/f"));
}

static hf_status_t
s_note_for (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, note, .lock = TEXT ("L"), .token = 2, .owner = LEE,
                .note = TEXT ("hers"));
}

static hf_status_t
s_release (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, release, .lock = TEXT ("L"), .token = 2, .owner = LEE);
}

static hf_status_t
s_cancel (bench_t *bench, uint32_t user)
{
    return ASK (bench, user, user, NULL, cancel, .lock = TEXT ("L"), .token = 2, .owner = LEE);
}

static hf_status_t
s_speak (bench_t *bench, uint32_t user)
{
    hf_status_t status = ASK (bench, user, LEE, NULL, abandon, .lock = TEXT ("none"));
    bench_keepalive (bench, LEE, LEE, 1); //  her client is where it was
    bench_settle (bench);
    bench_drop_frames (bench);
    return status;
}

static hf_status_t
s_keep (bench_t *bench, uint32_t user)
{
    bench_keepalive (bench, user, LEE, 77);
    hf_kept_t kept = bench_alive (bench, user);
    return kept.status == HF_SESSION_EXPIRED ? HF_DENIED : (hf_status_t)kept.status;
}

static hf_status_t
s_close (bench_t *bench, uint32_t user)
{
    bench_close (bench, user, LEE, 5);
    hf_status_t status = (hf_status_t)bench_closed (bench, user).status;
    bench_drop_frames (bench);
    return status;
}

static hf_status_t
s_look (bench_t *bench, uint32_t user)
{
    return s_query (bench, user, HF_WHAT_LOCK, "L");
}

static hf_status_t
s_read (bench_t *bench, uint32_t user)
{
    return s_query (bench, user, HF_WHAT_READ, "F");
}

static hf_status_t
s_busy (bench_t *bench, uint32_t user)
{
    return s_query (bench, user, HF_WHAT_BUSY, "");
}

static hf_status_t
s_backup (bench_t *bench, uint32_t user)
{
    return s_query (bench, user, HF_WHAT_BACKUP, "");
}

static hf_status_t
s_watch (bench_t *bench, uint32_t user)
{
    s_send_watch (bench, user, "L");
    return (hf_status_t)s_events (bench, user).status;
}

static hf_status_t
s_change (bench_t *bench, uint32_t user)
{
    unsigned before = bench->changes;
    hf_change_request_frame (
        &bench->pack, &(hf_change_request_t){.id = ++s_seq, .op = HF_CHANGE_REMOVE, .node = 4});
    bench_send (bench, user);
    bench_settle (bench);
    return bench->changes > before ? HF_OK : (hf_status_t)bench_result (bench, user).status;
}

//  ---- every kind -----------------------------------------------------------------------------

static const struct {
    int mutant;
    uint32_t may; //  who has the right
    hf_status_t (*ask) (bench_t *bench, uint32_t user);
} s_kinds[] = {
    {HF_MUTANT_unasked_acquire, LEE, s_acquire},
    {HF_MUTANT_unasked_shared, LEE, s_shared},
    {HF_MUTANT_unasked_place, LEE, s_place},
    {HF_MUTANT_unasked_shared_place, LEE, s_shared_place},
    {HF_MUTANT_unasked_append, LEE, s_append},
    {HF_MUTANT_unasked_append_for, OPS, s_append_for},
    {HF_MUTANT_unasked_note_for, OPS, s_note_for},
    {HF_MUTANT_unasked_release, OPS, s_release},
    {HF_MUTANT_unasked_cancel, OPS, s_cancel},
    {HF_MUTANT_unasked_speak, OPS, s_speak},
    {HF_MUTANT_unasked_keep, OPS, s_keep},
    {HF_MUTANT_unasked_look, LEE, s_look},
    {HF_MUTANT_unasked_read, LEE, s_read},
    {HF_MUTANT_unasked_busy, LEE, s_busy},
    {HF_MUTANT_unasked_backup, OPS, s_backup},
    {HF_MUTANT_unasked_watch, LEE, s_watch},
    {HF_MUTANT_unasked_change, OPS, s_change},
    {HF_MUTANT_unasked_close, OPS, s_close},
};

static hf_status_t
s_fresh (size_t kind, uint32_t user, int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_begin (&bench);
    hf_mutant = mutant;
    hf_status_t status = s_kinds[kind].ask (&bench, user);
    hf_mutant = HF_MUTANT_none;
    bench_done (&bench);
    return status;
}

HF_TEST (each_kind_of_request_needs_its_right)
{
    for (size_t i = 0; i < sizeof s_kinds / sizeof *s_kinds; i++) {
        assert_int_equal (s_fresh (i, KIM, HF_MUTANT_none), HF_DENIED);
        assert_int_not_equal (s_fresh (i, s_kinds[i].may, HF_MUTANT_none), HF_DENIED);
        assert_int_not_equal (s_fresh (i, KIM, s_kinds[i].mutant), HF_DENIED);
    }
}

static hf_status_t
s_unguarded (size_t kind, bool keys)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_begin (&bench);
    hf_status_t status;
    if (keys) {
        bench_done (&bench);
        bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
        s_users (&bench);
        bench_roster (&bench, &s_roster, 40);
        for (uint32_t i = 1; i <= 3; i++)
            bench_open (&bench, i, (uint8_t)i, 60000);
    } else
        bench_user (&bench, KIM, 0); //  the node's own HTTP
    status = s_kinds[kind].ask (&bench, KIM);
    bench_done (&bench);
    return status;
}

HF_TEST (nothing_is_checked_without_rights_and_for_the_nodes_own_port)
{
    for (size_t i = 0; i < sizeof s_kinds / sizeof *s_kinds; i++) {
        if (s_unguarded (i, true) == HF_DENIED)
            fail_msg ("keys kind %zu", i);
        if (s_unguarded (i, false) == HF_DENIED)
            fail_msg ("kind %zu", i);
    }
}

BENCH_TEST (what_is_for_all_users, bench)
{
    s_begin (bench);
    hf_lock_service_user (bench->service, 4, "nobody");
    bench_user (bench, 4, 4);
    uint64_t session = bench_open (bench, 4, 9, 10000);
    assert_int_equal (s_query (bench, 4, HF_WHAT_MEMBERS, ""), HF_OK);
    assert_int_equal (s_query (bench, 4, HF_WHAT_LEADER, ""), HF_OK);
    assert_int_equal (s_query (bench, 4, HF_WHAT_STATUS, ""), HF_OK);
    assert_int_equal (ASK (bench, 4, session, NULL, abandon, .lock = TEXT ("L")), HF_OK);
    assert_int_equal (ASK (bench, 4, session, NULL, release, .lock = TEXT ("L"), .token = 1),
                      HF_NOT_HOLDER);
    bench_keepalive (bench, 4, session, 3);
    assert_int_equal (bench_alive (bench, 4).status, HF_OK);
    bench_close (bench, 4, session, 4);
    assert_int_equal (bench_closed (bench, 4).status, HF_OK);
}

//  ---- nothing is forgotten -------------------------------------------------------------------

enum { ALL = 4 };

static void
s_begin_all (bench_t *bench)
{
    s_begin (bench);
    hf_lock_service_user (bench->service, ALL, "all");
    bench_user (bench, ALL, ALL);
    s_rights (bench, "all * acquire,shared,append,read,watch,release,close,members,backup\n");
    assert_int_equal (bench_open (bench, ALL, ALL, 60000), ALL);
}

BENCH_TEST (who_has_all_rights_is_denied_no_kind, bench)
{
    s_begin_all (bench);
#define ASK_ALL(KIND, name) assert_int_not_equal (ASK (bench, ALL, ALL, NULL, name, ), HF_DENIED);
    HF_REQUEST_TABLE (ASK_ALL)
#undef ASK_ALL
    for (uint32_t what = 1; what < HF_WHAT_END; what++)
        assert_int_not_equal (s_query (bench, ALL, what, "L"), HF_DENIED);
    bench_drop_frames (bench);
    //  Frames with no fields: each kind that is a client's is looked at.
    unsigned kinds = 0;
    for (uint32_t kind = 1; kind < 100; kind++) {
        hf_put_array (&bench->pack, 2);
        hf_put_u32 (&bench->pack, 1);
        hf_put_array (&bench->pack, 1);
        hf_put_u32 (&bench->pack, kind);
        bench_send (bench, ALL);
        hf_refused_t refused = bench_refused (bench, ALL);
        assert_int_not_equal (refused.status, HF_DENIED);
        kinds += refused.status == HF_MALFORMED;
    }
    assert_int_equal (kinds, 7);
}

BENCH_TEST (what_is_in_no_row_is_denied, bench)
{
    char text[300];
    s_begin_all (bench);
    assert_int_equal (s_query (bench, ALL, HF_WHAT_END, ""), HF_DENIED);
    hf_status_t status = ASK (bench, ALL, ALL, text, acquire, .lock = TEXT ("x"), .mode = 9);
    assert_int_equal (status, HF_DENIED);
    assert_string_equal (text, "all may not do this: no right is known for it");
    hf_mutant = HF_MUTANT_uncovered_allowed;
    assert_int_not_equal (s_query (bench, ALL, HF_WHAT_END, ""), HF_DENIED);
    hf_mutant = HF_MUTANT_none;
}

//  ---- what is said ---------------------------------------------------------------------------

BENCH_TEST (a_refusal_says_which_right_is_missing_for_what, bench)
{
    char text[300];
    s_begin (bench);
    ASK (bench, KIM, KIM, text, acquire, .lock = TEXT ("db/x"));
    assert_string_equal (text, "kim may not acquire db/x: the right \"acquire\" is missing");
    ASK (bench, KIM, KIM, text, release, .lock = TEXT ("L"), .token = 2, .owner = LEE);
    assert_string_equal (
        text, "kim may not release L of session 2, which is another user's: the right \"release\" "
              "is missing");
    ASK (bench, KIM, KIM, text, append, .lock = TEXT ("mine/a"), .token = 1, .file = TEXT ("F"));
    assert_string_equal (text, "kim may not append to F: the right \"append\" is missing");
    ASK (bench, KIM, LEE, text, abandon, .lock = TEXT ("L"));
    assert_string_equal (text, "kim may not speak for session 2, which is another user's: the "
                               "right \"close\" is missing");
    //  Whose it is, is in the log.
    assert_non_null (strstr (bench->log, "audit: kim may not speak for session 2, which is lee's: "
                                         "the right \"close\" is missing\n"));
    hf_mutant = HF_MUTANT_owner_told;
    ASK (bench, KIM, LEE, text, abandon, .lock = TEXT ("L"));
    hf_mutant = HF_MUTANT_none;
    assert_non_null (strstr (text, "lee"));
    bench_query (bench, KIM, 9, HF_WHAT_READ, "F");
    hf_query_result_t result = bench_result (bench, KIM);
    assert_true (
        hf_span_equal (result.data, TEXT ("kim may not read F: the right \"read\" is missing")));
    assert_non_null (strstr (bench->log,
                             "audit: kim may not acquire db/x: the right \"acquire\" is "
                             "missing\n"));
}

//  What nothing can be called is refused for that, and never written down.
BENCH_TEST (a_name_that_is_none_is_not_repeated, bench)
{
    char text[300];
    s_begin (bench);
    hf_status_t status = ASK (bench, KIM, KIM, NULL, acquire, .lock = TEXT ("a\nb"));
    assert_int_equal (status, HF_BAD_NAME);
    assert_int_equal (s_query (bench, KIM, HF_WHAT_READ, "a\nb"), HF_BAD_NAME);
    //  A backup and a change need no name, whatever the frame says.
    assert_int_equal (s_query (bench, KIM, HF_WHAT_BACKUP, "a\nb"), HF_DENIED);
    ASK (bench, KIM, KIM, text, release, .lock = TEXT ("a\nb"), .owner = LEE);
    assert_string_equal (text, "kim may not release a hold of session 2, which is another user's: "
                               "the right \"release\" is missing");
    assert_null (strstr (bench->log, "a\nb"));
}

static unsigned
s_lines (const bench_t *bench, const char *part)
{
    unsigned count = 0;
    for (const char *at = bench->log; (at = strstr (at, part)); at++)
        count++;
    return count;
}

BENCH_TEST (many_refusals_of_a_user_are_one_line, bench)
{
    s_begin (bench);
    for (int i = 0; i < 30; i++)
        s_look (bench, KIM);
    s_backup (bench, LEE);
    assert_int_equal (s_lines (bench, "audit: kim may not"), 10);
    assert_int_equal (s_lines (bench, "audit: lee may not"), 1);
    assert_int_equal (s_lines (bench, "times more"), 0);
    bench->now_us += 10 * SECOND;
    bench_settle (bench);
    assert_int_equal (s_lines (bench, "audit: kim was refused 20 times more\n"), 1);
    hf_mutant = HF_MUTANT_refusals_flood;
    for (int i = 0; i < 30; i++)
        s_look (bench, KIM);
    assert_int_equal (s_lines (bench, "audit: kim may not"), 40);
    hf_mutant = HF_MUTANT_none;
}

BENCH_TEST (what_operators_do_is_written_down, bench)
{
    s_begin (bench);
    assert_int_equal (s_release (bench, OPS), HF_OK);
    assert_non_null (
        strstr (bench->log, "audit: ops: release L of session 2, which is lee's: done, index 6\n"));
    assert_int_equal (s_release (bench, OPS), HF_NOT_HOLDER);
    assert_non_null (strstr (bench->log,
                             "audit: ops: release L of session 2, which is lee's: you do not hold "
                             "this lock, index 7\n"));
    s_close (bench, OPS);
    assert_non_null (strstr (bench->log, "audit: ops: close session 2, which is lee's: done, index "
                                         "8\n"));
    s_backup (bench, OPS);
    assert_non_null (strstr (bench->log, "audit: ops: takes a backup\n"));
    s_change (bench, OPS);
    hf_a_verdict_frame (&bench->pack,
                        &(hf_a_verdict_t){.id = s_seq, .verdict = HF_VERDICT_NO_MEMBER});
    bench_say (bench);
    bench_settle (bench);
    assert_non_null (strstr (bench->log,
                             "audit: ops: remove node 4: the cluster has no member with "
                             "this id, index 40\n"));
}

BENCH_TEST (what_becomes_of_it_the_next_leader_knows, bench)
{
    s_begin (bench);
    bench->no_commits = true;
    bench_close (bench, OPS, LEE, 5);
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    assert_non_null (strstr (bench->log, "audit: ops: close session 2, which is lee's: this node "
                                         "leads no more, see the next leader's log\n"));
}

BENCH_TEST (a_change_that_loses_its_leader_is_written_down, bench)
{
    char line[200];
    s_begin (bench);
    assert_int_equal (s_change (bench, OPS), HF_OK);
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    snprintf (line, sizeof line,
              "audit: ops: change of the members, request %016" PRIx64
              ": this node leads no more, see the next leader's log\n",
              s_seq);
    assert_non_null (strstr (bench->log, line));
}

//  A CLOSE that is refused leaves nothing that waits.
HF_TEST (what_was_not_done_is_not_written_down)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1, .undecided_max = 100000}, true);
    s_begin (&bench);
    bench.no_commits = true;
    bench_append (&bench, LEE, LEE, 1000, 2, 0, 150000);
    bench_settle (&bench);
    bench_close (&bench, OPS, LEE, 5);
    assert_int_equal (bench_refused (&bench, OPS).status, HF_BUSY);
    bench_follow (&bench, TERM + 1, 2);
    bench_settle (&bench);
    assert_null (strstr (bench.log, "audit: ops: close"));
    bench_done (&bench);
}

//  ---- a frame of several ---------------------------------------------------------------------

BENCH_TEST (what_is_allowed_in_a_frame_is_done, bench)
{
    static const char *const locks[] = {"mine/1", "other", "mine/2"};
    s_begin (bench);
    hf_pack_t request;
    hf_pack_init (&request);
    for (uint64_t i = 0; i < 3; i++)
        hf_acquire_put (&request, &(hf_acquire_t){.seq = 10 + i, .lock = TEXT (locks[i])});
    hf_requests_frame (
        &bench->pack,
        &(hf_requests_t){.session = KIM, .floor = 1, .requests = hf_pack_list (&request)});
    bench_send (bench, KIM);
    hf_pack_done (&request);
    hf_answer_t answer;
    hf_status_t statuses[13] = {HF_OK};
    unsigned answers = 0;
    bench_settle (bench);
    while (bench_kind (bench, KIM) == HF_KIND_ANSWERS) {
        hf_scan_t scan = hf_scan_list (bench_answers (bench, KIM).items);
        for (; !hf_scan_at_end (&scan);
             hf_scan_skip (&scan, hf_scan_kind (&scan) != HF_KIND_ANSWER))
            while (hf_scan_kind (&scan) == HF_KIND_ANSWER && hf_answer_get (&scan, &answer)) {
                assert_in_range (answer.seq, 10, 12);
                statuses[answer.seq] = (hf_status_t)answer.status;
                answers++;
            }
    }
    assert_int_equal (answers, 3);
    assert_int_equal (statuses[10], HF_OK);
    assert_int_equal (statuses[11], HF_DENIED);
    assert_int_equal (statuses[12], HF_OK);
    assert_int_equal (hf_state_locks_count (hf_lock_service_state (bench->service)), 4);
}

//  Exactly once: what was done stays done, and its answer the same.
BENCH_TEST (an_answer_outlives_its_right, bench)
{
    s_begin (bench);
    bench_acquire (bench, KIM, KIM, 50, "mine/b");
    hf_answer_t first = bench_answer (bench, KIM);
    assert_int_equal (first.status, HF_OK);
    s_rights (bench, "lee * acquire");
    bench_acquire (bench, KIM, KIM, 50, "mine/b");
    hf_answer_t again = bench_answer (bench, KIM);
    assert_memory_equal (&again, &first, sizeof first);
    assert_int_equal (ASK (bench, KIM, KIM, NULL, acquire, .lock = TEXT ("mine/c")), HF_DENIED);
    s_rights (bench, "kim mine/c acquire");
    assert_int_equal (ASK (bench, KIM, KIM, NULL, acquire, .lock = TEXT ("mine/c")), HF_OK);
}

BENCH_TEST (who_speaks_in_anothers_session_is_asked_again, bench)
{
    static const char without[] = "ops * release\n";
    s_begin (bench);
    assert_int_equal (ASK (bench, OPS, LEE, NULL, abandon, .lock = TEXT ("none")), HF_OK);
    assert_int_equal (ASK (bench, OPS, LEE, NULL, abandon, .lock = TEXT ("none")), HF_OK);
    hf_mutant = HF_MUTANT_spoken_for_ever;
    s_rights (bench, without);
    assert_int_equal (ASK (bench, OPS, LEE, NULL, abandon, .lock = TEXT ("none")), HF_OK);
    hf_mutant = HF_MUTANT_none;
    s_rights (bench, without);
    assert_int_equal (ASK (bench, OPS, LEE, NULL, abandon, .lock = TEXT ("none")), HF_DENIED);
    //  It is hers all the time; and his again with the right.
    assert_int_equal (ASK (bench, LEE, LEE, NULL, abandon, .lock = TEXT ("none")), HF_OK);
    s_rights (bench, s_text);
    assert_int_equal (ASK (bench, OPS, LEE, NULL, abandon, .lock = TEXT ("none")), HF_OK);
}

//  ---- whose a session is ---------------------------------------------------------------------

static size_t
s_awaited (int mutant)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    s_begin (&bench);
    bench.late_commits = true;
    bench_send_open (&bench, LEE, 9, 10000);
    bench_settle (&bench);
    hf_mutant = mutant;
    bench_acquire (&bench, KIM, 4, 1, "mine/trap");
    bench_settle (&bench);
    bench_commit_late (&bench);
    bench_settle (&bench);
    hf_mutant = HF_MUTANT_none;
    size_t count = hf_state_locks_count (hf_lock_service_state (bench.service));
    if (mutant == HF_MUTANT_none) {
        //  Who asked is told that there is no such session, even though there is one by now.
        assert_int_equal (bench_alive (&bench, KIM).status, HF_SESSION_EXPIRED);
        assert_int_equal (bench_opened (&bench, LEE).session, 4);
        assert_int_equal (ASK (&bench, KIM, 4, NULL, abandon, .lock = TEXT ("L")), HF_DENIED);
        assert_int_equal (ASK (&bench, LEE, 4, NULL, abandon, .lock = TEXT ("L")), HF_OK);
    }
    bench_done (&bench);
    return count;
}

HF_TEST (the_next_session_cannot_be_waited_for)
{
    assert_int_equal (s_awaited (HF_MUTANT_none), 2);
    assert_int_equal (s_awaited (HF_MUTANT_session_awaited), 3);
}

BENCH_TEST (an_opening_is_no_other_users, bench)
{
    s_begin (bench);
    bench_send_open (bench, KIM, LEE, 60000);
    assert_int_equal (bench_opened (bench, KIM).status, HF_DENIED);
}

BENCH_TEST (sessions_of_feature_level_0_are_everybodys, bench)
{
    s_users (bench);
    s_rights (bench, s_text);
    uint64_t session = bench_open (bench, LEE, 1, 60000);
    assert_int_equal (hf_state_session_user (hf_lock_service_state (bench->service), session).size,
                      0);
    assert_int_equal (ASK (bench, KIM, session, NULL, abandon, .lock = TEXT ("L")), HF_OK);
}

HF_TEST_MAIN (NULL, NULL)
