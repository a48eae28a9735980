//  The lock service: who is heard when, who expires when, and what waits for a barrier.

#include "tests/unit/services/lock_bench.h"

static void
s_until (bench_t *self, uint64_t now_us)
{
    self->now_us = now_us;
    bench_settle (self);
}

/*  P9. The turn that takes a keepalive may have begun long before. */
static void
p9_the_ttl_runs_from_the_taking_of_the_message (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.flush_us = 3600 * SECOND}, true);
    uint64_t session = bench_open (&bench, 1, 1, 1000);
    bench_keepalive (&bench, 1, session, 1);
    uint64_t begin_us = bench.now_us; //  the turn has begun
    bench.now_us += 900 * MS;
    bench_keepalive (&bench, 1, session, 2);
    bench_settle (&bench);
    assert_int_equal (hf_lock_service_wake_us (bench.service), begin_us + 1900 * MS);
    s_until (&bench, begin_us + 1900 * MS - 1);
    assert_int_equal (bench.expiries, 0);
    s_until (&bench, begin_us + 1900 * MS);
    assert_int_equal (bench.expiries, 1);
    bench_done (&bench);
}

/*  P9. A session is judged by a time before the last message was taken. */
static void
p9_nobody_is_judged_by_a_time_after_the_begin_of_the_turn (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t one = bench_open (&bench, 1, 1, 1000);
    bench_open (&bench, 2, 2, 1000);
    bench.now_us += SECOND - 1;
    bench_keepalive (&bench, 1, one, 1);
    bench.now_us += SECOND;
    bench_keepalive (&bench, 1, one, 2); //  the other's may still be in the socket
    bench_turn (&bench, true);
    assert_int_equal (bench.expiries, 0);
    bench_settle (&bench);
    assert_int_equal (bench.expiries, 1);
    bench_done (&bench);
}

/*  P9, P11. Messages that wait put expiry off, and for a second at most. */
static void
p9_p11_a_flood_puts_expiry_off_for_a_second (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    bench_open (&bench, 1, 1, 1000);
    bench.now_us += 5 * SECOND;
    bench_turn (&bench, false);
    bench.now_us += SECOND - 1;
    bench_turn (&bench, false);
    assert_int_equal (bench.expiries, 0);
    bench.now_us += 1;
    bench_turn (&bench, false);
    assert_int_equal (bench.expiries, 1);
    bench_settle (&bench);
    bench_open (&bench, 1, 2, 1000);
    bench.now_us += 5 * SECOND;
    bench_turn (&bench, false);
    assert_int_equal (bench.expiries, 1); //  the patience begins anew
    bench_settle (&bench);
    assert_int_equal (bench.expiries, 2);
    bench_done (&bench);
}

/*  P5b, design 4.7. Once its end is proposed a session is acknowledged no more. */
static void
p5b_an_ending_session_is_not_acknowledged (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 1000);
    bench.no_barriers = bench.no_commits = true;
    bench_keepalive (&bench, 1, session, 1);
    bench_settle (&bench);
    bench.now_us += SECOND;
    bench_settle (&bench);
    assert_int_equal (bench.expiries, 1);
    bench.no_barriers = false;
    bench_pass (&bench, bench.index);
    bench_settle (&bench);
    bench_keepalive (&bench, 1, session, 2);
    bench_settle (&bench);
    assert_int_equal (bench.barriers, 2);
    assert_int_equal (bench_kind (&bench, 1), 0);
    bench_done (&bench);
}

/*  P9. A new leader gives everybody the full time, from when it learnt of it. */
static void
p9_a_new_leader_restarts_every_ttl (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    bench_open (&bench, 1, 1, 1000);
    bench_follow (&bench, TERM + 1, 2);
    bench_settle (&bench);
    assert_int_equal (hf_lock_service_wake_us (bench.service), bench.now_us + SECOND); //  a step
    bench.now_us += 10 * SECOND;
    bench_settle (&bench);
    bench_follow (&bench, TERM + 1, 3); //  the turn has begun
    bench.now_us += 900 * MS;
    bench_lead (&bench, TERM + 2, bench.index);
    bench_settle (&bench);
    s_until (&bench, bench.now_us + SECOND - 1);
    assert_int_equal (bench.expiries, 0);
    s_until (&bench, bench.now_us + 1);
    assert_int_equal (bench.expiries, 1);
    bench_done (&bench);
}

/*  P10. It serves once what its predecessors committed is applied. */
static void
p10_a_leader_serves_once_its_term_is_open (void **state)
{
    (void)state;
    bench_t bench;
    hf_refused_t refused;
    bench_init (&bench, NULL, false);
    bench_lead (&bench, TERM, 1);
    bench_query (&bench, 1, 7, HF_WHAT_LEADER, "");
    bench_settle (&bench);
    assert_int_equal (bench_refused (&bench, 1, &refused), HF_NOT_LEADER);
    assert_int_equal (refused.leader, 0); //  not yet
    assert_int_equal (bench.barriers, 0);
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_entry_put (&entries, &(hf_entry_t){.term = TERM, .type = HF_ENTRY_OPEN_TERM});
    hf_a_committed_frame (&bench.pack,
                          &(hf_a_committed_t){.first = 1, .entries = hf_pack_list (&entries)});
    hf_pack_done (&entries);
    bench.index = 1;
    bench_say (&bench);
    bench_settle (&bench);
    assert_int_equal (bench_refused (&bench, 1, &refused), HF_NOT_LEADER);
    assert_int_equal (refused.leader, 1); //  the client watched
    bench_query (&bench, 1, 8, HF_WHAT_LEADER, "");
    bench_settle (&bench);
    bench_take (&bench, 1, HF_KIND_RESULT);
    bench_done (&bench);
}

/*  An APPEND on behalf counts as a keepalive of the session that holds the lock. */
static void
p9_an_append_on_behalf_keeps_the_holder_alive (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t holder = bench_open (&bench, 1, 1, 1000);
    uint64_t other = bench_open (&bench, 2, 2, 600000);
    bench_acquire (&bench, 1, holder, 1, "L");
    bench_settle (&bench);
    uint64_t token = bench_answer (&bench, 1).token;
    bench.now_us += 900 * MS;
    bench_append (&bench, 2, other, 1, token, holder, 10);
    bench_settle (&bench);
    assert_int_equal (bench_answer (&bench, 2).status, HF_OK);
    s_until (&bench, bench.now_us + 900 * MS);
    assert_int_equal (bench.expiries, 0);
    s_until (&bench, bench.now_us + 100 * MS);
    assert_int_equal (bench.expiries, 1);
    bench_done (&bench);
}

//  ---- barriers ---------------------------------------------------------------------------

/*  P9, P10. Nothing is answered before a barrier that began after it came has passed and its index
 *  is applied; what comes during one gets the next, at once. */
static void
p10_each_read_waits_for_a_barrier_of_its_own (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench.no_barriers = true;
    bench_keepalive (&bench, 1, session, 1);
    bench_query (&bench, 2, 5, HF_WHAT_LOCKS, "");
    bench_settle (&bench);
    bench_keepalive (&bench, 1, session, 2);
    bench_settle (&bench);
    assert_int_equal (bench.barriers, 1);
    assert_int_equal (bench.frames.count, 0);
    bench_pass (&bench, bench.index + 1);
    bench_settle (&bench);
    assert_int_equal (bench.frames.count, 0);
    bench_acquire (&bench, 1, session, 1, "L"); //  entry index + 1
    bench_settle (&bench);
    assert_int_equal (bench_alive (&bench, 1), HF_OK);
    bench_take (&bench, 2, HF_KIND_RESULT);
    assert_int_equal (bench_answer (&bench, 1).status, HF_OK);
    assert_int_equal (bench_kind (&bench, 1), 0);
    assert_int_equal (bench.barriers, 2);
    bench_pass (&bench, bench.index);
    bench_settle (&bench);
    assert_int_equal (bench_alive (&bench, 1), HF_OK);
    bench_done (&bench);
}

/*  A barrier of an earlier leadership answers nothing of this one. */
static void
p10_a_barrier_ends_with_its_leadership (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench.no_barriers = true;
    bench_keepalive (&bench, 1, session, 1);
    bench_settle (&bench);
    bench_follow (&bench, TERM + 1, 0);
    bench_lead (&bench, TERM + 2, bench.index);
    bench_settle (&bench);
    bench_drop_frames (&bench);
    bench_keepalive (&bench, 1, session, 2);
    uint64_t old = bench.barrier;
    bench_settle (&bench);
    assert_true (bench.barrier > old);
    hf_a_passed_frame (&bench.pack, &(hf_a_passed_t){.id = old, .index = bench.index});
    bench_say (&bench);
    bench_settle (&bench);
    assert_int_equal (bench_kind (&bench, 1), 0);
    bench_done (&bench);
}

static void
test_queries_do_not_shut_keepalives_out (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.readings_max = 20}, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    bench.no_barriers = true;
    bench_keepalive (&bench, 1, session, 1);
    bench_settle (&bench); //  under its barrier
    for (uint32_t i = 0; i < 15; i++)
        bench_query (&bench, 2, i, HF_WHAT_LEADER, "");
    for (uint32_t i = 0; i < 11; i++)
        bench_keepalive (&bench, 1, session, 2 + i);
    bench_settle (&bench);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal (bench_refused (&bench, 2, NULL), HF_BUSY);
    assert_int_equal (bench_refused (&bench, 1, NULL), HF_BUSY);
    bench.no_barriers = false;
    bench_pass (&bench, bench.index);
    bench_settle (&bench);
    for (uint32_t i = 0; i < 11; i++)
        assert_int_equal (bench_alive (&bench, 1), HF_OK);
    for (uint32_t i = 0; i < 10; i++)
        bench_take (&bench, 2, HF_KIND_RESULT);
    assert_int_equal (bench.frames.count, 0);
    bench_done (&bench);
}

/*  A turn answers keepalives first, and queries as long as the shell has time. */
static void
test_keepalives_do_not_wait_for_queries (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    for (uint32_t i = 0; i < 3; i++)
        bench_query (&bench, 2, i, HF_WHAT_LEADER, "");
    bench_keepalive (&bench, 1, session, 1);
    bench_turn (&bench, true);
    hf_outbox_t *out = hf_lock_service_outbox (bench.service);
    bench.no_barriers = true;
    hf_lock_service_begin (bench.service, bench.now_us);
    hf_a_passed_frame (&bench.pack, &(hf_a_passed_t){.id = bench.barrier, .index = bench.index});
    bench.in_turn = true;
    bench_say (&bench);
    hf_lock_service_end (bench.service, true);
    assert_int_equal (out->frames.count, 1); //  ALIVE
    assert_int_equal (hf_lock_service_wake_us (bench.service), 0);
    assert_true (hf_lock_service_more (bench.service));
    assert_int_equal (out->frames.count, 2);
    assert_true (hf_lock_service_more (bench.service));
    assert_false (hf_lock_service_more (bench.service));
    assert_int_equal (out->frames.count, 4);
    assert_true (hf_lock_service_wake_us (bench.service) > bench.now_us);
    bench_done (&bench);
}

/*  A disk that is slow to give files holds up other questions of files, and nothing else. */
static void
test_reads_of_files_wait_for_each_other_and_keepalives_for_none (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 10000);
    for (uint32_t i = 0; i < 200; i++)
        bench_query (&bench, 2, 1000 + i, HF_WHAT_READ, "file");
    bench_settle (&bench);
    bench_keepalive (&bench, 1, session, 1);
    bench_settle (&bench);
    assert_int_equal (bench_alive (&bench, 1), HF_OK);
    assert_int_equal (bench.queries, 64);
    assert_true (hf_lock_service_wake_us (bench.service) > 0);
    hf_a_file_result_frame (&bench.pack, &(hf_a_file_result_t){.id = bench.query, .total = 5});
    bench_say (&bench);
    bench_settle (&bench);
    hf_query_result_t result;
    hf_scan_t scan = bench_take (&bench, 2, HF_KIND_RESULT);
    assert_true (hf_query_result_get (&scan, &result));
    assert_int_equal (result.id, 1063);
    assert_int_equal (result.total, 5);
    assert_int_equal (bench.queries, 65);
    bench_done (&bench);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (p9_the_ttl_runs_from_the_taking_of_the_message),
        cmocka_unit_test (p9_nobody_is_judged_by_a_time_after_the_begin_of_the_turn),
        cmocka_unit_test (p9_p11_a_flood_puts_expiry_off_for_a_second),
        cmocka_unit_test (p5b_an_ending_session_is_not_acknowledged),
        cmocka_unit_test (p9_a_new_leader_restarts_every_ttl),
        cmocka_unit_test (p10_a_leader_serves_once_its_term_is_open),
        cmocka_unit_test (p9_an_append_on_behalf_keeps_the_holder_alive),
        cmocka_unit_test (p10_each_read_waits_for_a_barrier_of_its_own),
        cmocka_unit_test (p10_a_barrier_ends_with_its_leadership),
        cmocka_unit_test (test_queries_do_not_shut_keepalives_out),
        cmocka_unit_test (test_keepalives_do_not_wait_for_queries),
        cmocka_unit_test (test_reads_of_files_wait_for_each_other_and_keepalives_for_none),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
