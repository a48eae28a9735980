//  The lock service: who is heard when, who expires when, and what waits for a barrier.

#include "tests/unit/services/lock_bench.h"

/*  The one silent session ends at this time, and not before. */
static void
s_expires_at (bench_t *self, uint64_t now_us)
{
    for (unsigned ended = 0; ended < 2; ended++) {
        self->now_us = now_us - 1 + ended;
        bench_settle (self);
        assert_int_equal (self->expiries, ended);
    }
}

/*  P9. The turn that takes a keepalive may have begun long before. */
BENCH_TEST_WITH (p9_the_ttl_runs_from_the_taking_of_the_message, bench, true,
                 .flush_us = 3600 * SECOND)
{
    uint64_t session = bench_open (bench, 1, 1, 1000);
    bench_keepalive (bench, 1, session, 1);
    uint64_t begin_us = bench->now_us; //  the turn has begun
    bench->now_us += 900 * MS;
    bench_keepalive (bench, 1, session, 2);
    bench_settle (bench);
    //  Half of the TTL is to be logged.
    assert_int_equal (hf_lock_service_wake_us (bench->service), begin_us + 1400 * MS);
    s_expires_at (bench, begin_us + 1900 * MS);
}

/*  P9, P11. What has run of a TTL is logged: the next leader goes on from there; and a session that
 * is heard after that is not acknowledged before the log says that it was heard. */
BENCH_TEST (p9_p11_what_has_run_of_a_ttl_survives_the_leader, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 8000);
    bench_settle (bench);
    bench->now_us += 4 * SECOND;
    bench_settle (bench);
    bench->now_us += SECOND;
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    assert_int_equal (bench->expiries, 0);
    uint64_t lead_us = bench->now_us;
    bench->now_us = lead_us + 2900 * MS;
    bench_settle (bench);
    assert_int_equal (bench->expiries, 0);
    bench_drop_frames (bench);
    bench->no_commits = true;
    bench_keepalive (bench, 1, session, 5);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0); //  its barrier has passed
    bench->no_commits = false;
}

/*  P9. A session is judged by a time before the last message was taken. */
BENCH_TEST (p9_nobody_is_judged_by_a_time_after_the_begin_of_the_turn, bench)
{
    uint64_t one = bench_open (bench, 1, 1, 1000);
    bench_open (bench, 2, 2, 1000);
    bench->now_us += SECOND - 1;
    bench_keepalive (bench, 1, one, 1);
    bench->now_us += SECOND;
    bench_keepalive (bench, 1, one, 2); //  the other's may still be in the socket
    bench_turn (bench, true);
    assert_int_equal (bench->expiries, 0);
    bench_settle (bench);
    assert_int_equal (bench->expiries, 1);
}

/*  P9, P11. Messages that wait put expiry off, and for a second at most. */
BENCH_TEST (p9_p11_a_flood_puts_expiry_off_for_a_second, bench)
{
    bench_open (bench, 1, 1, 1000);
    bench->now_us += 5 * SECOND;
    bench_turn (bench, false);
    bench->now_us += SECOND - 1;
    bench_turn (bench, false);
    assert_int_equal (bench->expiries, 0);
    bench->now_us += 1;
    bench_turn (bench, false);
    assert_int_equal (bench->expiries, 1);
    bench_settle (bench);
    bench_open (bench, 1, 2, 1000);
    bench->now_us += 5 * SECOND;
    bench_turn (bench, false);
    assert_int_equal (bench->expiries, 1); //  the patience begins anew
    bench_settle (bench);
    assert_int_equal (bench->expiries, 2);
}

/*  P5b, design 4.7. Once its end is proposed a session is acknowledged no more. */
BENCH_TEST (p5b_an_ending_session_is_not_acknowledged, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 1000);
    bench->no_barriers = bench->no_commits = true;
    bench_keepalive (bench, 1, session, 1);
    bench_settle (bench);
    bench->now_us += SECOND;
    bench_settle (bench);
    assert_int_equal (bench->expiries, 1);
    bench->no_barriers = false;
    bench_pass (bench, bench->index);
    bench_settle (bench);
    bench_keepalive (bench, 1, session, 2);
    bench_settle (bench);
    assert_int_equal (bench->barriers, 2);
    assert_int_equal (bench_kind (bench, 1), 0);
}

/*  P9. A new leader gives everybody the full time, from when it learnt of it. */
BENCH_TEST (p9_a_new_leader_restarts_every_ttl, bench)
{
    bench_open (bench, 1, 1, 1000);
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    assert_int_equal (hf_lock_service_wake_us (bench->service), bench->now_us + SECOND); //  a step
    bench->now_us += 10 * SECOND;
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 3); //  the turn has begun
    bench->now_us += 900 * MS;
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    s_expires_at (bench, bench->now_us + SECOND);
}

/*  P10. It serves once what its predecessors committed is applied. */
BENCH_TEST_WITH (p10_a_leader_serves_once_its_term_is_open, bench, false, .self = 1)
{
    bench_lead (bench, TERM, 1);
    bench_query (bench, 1, 7, HF_WHAT_LEADER, "");
    assert_int_equal (bench_refused (bench, 1).leader, 0); //  not yet
    assert_int_equal (bench->barriers, 0);
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_entry_put (&entries, &(hf_entry_t){.term = TERM, .type = HF_ENTRY_OPEN_TERM});
    hf_a_committed_frame (&bench->pack,
                          &(hf_a_committed_t){.first = 1, .entries = hf_pack_list (&entries)});
    hf_pack_done (&entries);
    bench->index = 1;
    bench_say (bench);
    assert_int_equal (bench_refused (bench, 1).leader, 1); //  the client watched
    bench_query (bench, 1, 8, HF_WHAT_LEADER, "");
    bench_take (bench, 1, HF_KIND_RESULT);
}

/*  An APPEND on behalf counts as a keepalive of the session that holds the lock. */
BENCH_TEST (p9_an_append_on_behalf_keeps_the_holder_alive, bench)
{
    uint64_t holder = bench_open (bench, 1, 1, 1000);
    uint64_t other = bench_open (bench, 2, 2, 600000);
    bench_acquire (bench, 1, holder, 1, "L");
    uint64_t token = bench_answer (bench, 1).token;
    bench->now_us += 900 * MS;
    bench_append (bench, 2, other, 1, token, holder, 10);
    assert_int_equal (bench_answer (bench, 2).status, HF_OK);
    s_expires_at (bench, bench->now_us + SECOND);
}

//  ---- barriers ---------------------------------------------------------------------------

/*  P9, P10. Nothing is answered before a barrier that began after it came has passed and its index
 *  is applied; what comes during one gets the next, at once. */
BENCH_TEST (p10_each_read_waits_for_a_barrier_of_its_own, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench->no_barriers = true;
    bench_keepalive (bench, 1, session, 1);
    bench_query (bench, 2, 5, HF_WHAT_LOCKS, "");
    bench_settle (bench);
    bench_keepalive (bench, 1, session, 2);
    bench_settle (bench);
    assert_int_equal (bench->barriers, 1);
    assert_int_equal (bench->frames.count, 0);
    bench_pass (bench, bench->index + 1);
    bench_settle (bench);
    assert_int_equal (bench->frames.count, 0);
    bench_acquire (bench, 1, session, 1, "L"); //  entry index + 1
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    bench_take (bench, 2, HF_KIND_RESULT);
    assert_int_equal (bench_answer (bench, 1).status, HF_OK);
    assert_int_equal (bench_kind (bench, 1), 0);
    assert_int_equal (bench->barriers, 2);
    bench_pass (bench, bench->index);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
}

/*  A barrier of an earlier leadership answers nothing of this one. */
BENCH_TEST (p10_a_barrier_ends_with_its_leadership, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench->no_barriers = true;
    bench_keepalive (bench, 1, session, 1);
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 0);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench_drop_frames (bench);
    bench_keepalive (bench, 1, session, 2);
    uint64_t old = bench->barrier;
    bench_settle (bench);
    assert_true (bench->barrier > old);
    hf_a_passed_frame (&bench->pack, &(hf_a_passed_t){.id = old, .index = bench->index});
    bench_say (bench);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0);
}

BENCH_TEST_WITH (test_queries_do_not_shut_keepalives_out, bench, true, .readings_max = 20)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    bench->no_barriers = true;
    bench_keepalive (bench, 1, session, 1);
    bench_settle (bench); //  under its barrier
    for (uint32_t i = 0; i < 15; i++)
        bench_query (bench, 2 + i % 8, i, HF_WHAT_LEADER, "");
    for (uint32_t i = 0; i < 10; i++)
        bench_keepalive (bench, 20 + i, session, 2 + i);
    bench_settle (bench);
    for (uint32_t i = 10; i < 15; i++)
        assert_int_equal (bench_refused (bench, 2 + i % 8).status, HF_BUSY);
    assert_int_equal (bench_refused (bench, 29).status, HF_BUSY);
    bench->no_barriers = false;
    bench_pass (bench, bench->index);
    bench_settle (bench);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    for (uint32_t i = 0; i < 9; i++)
        assert_int_equal (bench_alive (bench, 20 + i).status, HF_OK);
    for (uint32_t i = 0; i < 10; i++)
        bench_take (bench, 2 + i % 8, HF_KIND_RESULT);
    assert_int_equal (bench->frames.count, 0);
}

/*  A turn answers keepalives first, and queries as long as the shell has time. */
BENCH_TEST (test_keepalives_do_not_wait_for_queries, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    for (uint32_t i = 0; i < 3; i++)
        bench_query (bench, 2, i, HF_WHAT_LEADER, "");
    bench_keepalive (bench, 1, session, 1);
    bench_turn (bench, true);
    hf_outbox_t *out = hf_lock_service_outbox (bench->service);
    bench_begin (bench); //  the barrier has passed
    hf_lock_service_end (bench->service, true);
    assert_int_equal (out->frames.count, 1); //  ALIVE
    assert_int_equal (hf_lock_service_wake_us (bench->service), 0);
    assert_true (hf_lock_service_more (bench->service));
    assert_int_equal (out->frames.count, 2);
    assert_true (hf_lock_service_more (bench->service));
    assert_false (hf_lock_service_more (bench->service));
    assert_int_equal (out->frames.count, 4);
    assert_true (hf_lock_service_wake_us (bench->service) > bench->now_us);
}

/*  A disk that is slow to give files holds up other questions of files, and nothing else. */
BENCH_TEST (test_reads_of_files_wait_for_each_other_and_keepalives_for_none, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 10000);
    for (uint32_t i = 0; i < 200; i++)
        bench_query (bench, 2, 1000 + i, HF_WHAT_READ, "file");
    bench_settle (bench);
    bench_keepalive (bench, 1, session, 1);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    assert_int_equal (bench->queries, 64);
    assert_true (hf_lock_service_wake_us (bench->service) > 0);
    hf_a_file_result_frame (&bench->pack, &(hf_a_file_result_t){.id = bench->query, .total = 5});
    bench_say (bench);
    hf_query_result_t result = bench_result (bench, 2);
    assert_int_equal (result.id, 1063);
    assert_int_equal (result.total, 5);
    assert_int_equal (bench->queries, 65);
}

HF_TEST_MAIN (NULL, NULL)
