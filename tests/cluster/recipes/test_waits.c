//  The recipes that wait for others, on a real node: latch, barrier, double barrier, and who
//  observes an election.

#include "client/recipes/hf_barrier.h"
#include "client/recipes/hf_election.h"
#include "client/recipes/hf_latch.h"
#include "tests/cluster/recipes/stage.h"
#include <stdatomic.h>

/*  Lines of a file of numbers. */
static uint64_t
s_lines (const char *file)
{
    size_t none = 0;
    uint64_t total = 0;
    hf_read (g_stage.client, file, 0, NULL, &none, &total, LIMIT_MS);
    return total / 21;
}

static void
s_end_session (int i)
{
    uint64_t id = hf_session_id (g_stage.session[i]);
    assert_int_equal (hf_close_session_id (g_stage.client, id, LIMIT_MS), HF_OK);
}

//  ---- latch --------------------------------------------------------------------------

static hf_status_t
s_wait_latch (void *latch)
{
    return hf_latch_wait (latch, LIMIT_MS);
}

STAGE_TEST (test_a_latch_opens_at_the_last_count_and_stays_open)
{
    hf_latch_t *counts = hf_latch_new (g_stage.client, g_stage.session[0], "latch", 3);
    hf_latch_t *waits = hf_latch_new (g_stage.client, NULL, "latch", 3);
    uint64_t left = 0;
    assert_null (hf_latch_new (g_stage.client, NULL, "latch", 0));
    assert_int_equal (hf_latch_count_down (waits, LIMIT_MS), HF_INVALID);
    assert_int_equal (hf_latch_left (waits, &left, LIMIT_MS), HF_OK);
    assert_int_equal (left, 3);
    assert_int_equal (hf_latch_count_down (counts, LIMIT_MS), HF_OK);
    assert_int_equal (hf_latch_wait (waits, 50), HF_TIMEOUT);
    call_t call;
    call_begin (&call, s_wait_latch, waits);
    assert_int_equal (hf_latch_count_down (counts, LIMIT_MS), HF_OK);
    assert_int_equal (hf_latch_left (counts, &left, LIMIT_MS), HF_OK);
    assert_int_equal (left, 1);
    assert_int_equal (hf_latch_count_down (counts, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&call), HF_OK);
    //  Counts outlive their parties, and every node.
    s_end_session (0);
    assert_int_equal (hf_cluster_terminate (g_stage.cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_start (g_stage.cluster, 1));
    assert_int_equal (hf_latch_wait (waits, LIMIT_MS), HF_OK);
    hf_latch_destroy (&counts);
    hf_latch_destroy (&waits);
}

//  ---- barrier ------------------------------------------------------------------------

static hf_status_t
s_pass (void *barrier)
{
    return hf_barrier_wait (barrier, LIMIT_MS);
}

static hf_status_t
s_enter (void *barrier)
{
    return hf_barrier_enter (barrier, LIMIT_MS);
}

static hf_status_t
s_leave (void *barrier)
{
    return hf_barrier_leave (barrier, LIMIT_MS);
}

#define ROUNDS 10
static atomic_int s_arrived, s_early;

/*  Who passes for the n-th time has seen everybody arrive for the n-th time. */
static hf_status_t
s_rounds (void *barrier)
{
    hf_status_t status = HF_OK;
    for (int i = 1; status == HF_OK && i <= ROUNDS; i++) {
        atomic_fetch_add (&s_arrived, 1);
        status = hf_barrier_wait (barrier, LIMIT_MS);
        if (atomic_load (&s_arrived) < i * 3)
            atomic_fetch_add (&s_early, 1);
    }
    return status;
}

static void
s_barriers (hf_barrier_t *barriers[PARTIES], const char *name, uint32_t parties)
{
    for (int i = 0; i < PARTIES; i++) {
        barriers[i] = hf_barrier_new (g_stage.client, g_stage.session[i], name, parties);
        assert_non_null (barriers[i]);
    }
}

static void
s_barriers_end (hf_barrier_t *barriers[PARTIES])
{
    for (int i = 0; i < PARTIES; i++)
        hf_barrier_destroy (&barriers[i]);
}

STAGE_TEST (test_nobody_passes_a_barrier_before_all_have_arrived)
{
    hf_barrier_t *barriers[PARTIES];
    call_t calls[3];
    s_barriers (barriers, "rounds", 3);
    s_arrived = s_early = 0;
    for (int i = 0; i < 3; i++)
        call_begin (&calls[i], s_rounds, barriers[i]);
    for (int i = 0; i < 3; i++)
        assert_int_equal (call_end (&calls[i]), HF_OK);
    assert_int_equal (s_early, 0);
    assert_int_equal (s_lines ("rounds.open"), ROUNDS);
    s_barriers_end (barriers);
}

STAGE_TEST (test_a_party_that_dies_before_is_not_counted)
{
    hf_barrier_t *barriers[PARTIES];
    call_t calls[6];
    s_barriers (barriers, "five", 5);
    for (int i = 0; i < 4; i++)
        call_begin (&calls[i], s_pass, barriers[i]);
    stage_wait_holders ("five", 4);
    s_end_session (1);
    stage_wait_holders ("five", 3);
    call_begin (&calls[4], s_pass, barriers[4]);
    stage_wait_holders ("five", 4);
    assert_int_equal (s_lines ("five.open"), 0);
    call_begin (&calls[5], s_pass, barriers[5]);
    for (int i = 0; i < 6; i++)
        if (i != 1)
            assert_int_equal (call_end (&calls[i]), HF_OK);
    assert_int_equal (s_lines ("five.open"), 1);
    assert_int_equal (call_end (&calls[1]), HF_LOST);
    s_barriers_end (barriers);
}

STAGE_TEST (test_more_than_n_pass_n_at_a_time)
{
    hf_barrier_t *barriers[PARTIES];
    call_t calls[6];
    s_barriers (barriers, "pairs", 2);
    for (int i = 0; i < 6; i++)
        call_begin (&calls[i], s_pass, barriers[i]);
    for (int i = 0; i < 6; i++)
        assert_int_equal (call_end (&calls[i]), HF_OK);
    assert_int_equal (s_lines ("pairs.open"), 3);
    s_barriers_end (barriers);
}

STAGE_TEST (test_who_gives_up_is_not_counted)
{
    hf_barrier_t *barriers[PARTIES];
    call_t call;
    s_barriers (barriers, "gives up", 2);
    assert_int_equal (hf_barrier_wait (barriers[0], 100), HF_TIMEOUT);
    call_begin (&call, s_pass, barriers[1]);
    stage_wait_holders ("gives up", 1);
    assert_int_equal (s_lines ("gives up.open"), 0);
    assert_int_equal (hf_barrier_wait (barriers[0], LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&call), HF_OK);
    hf_barrier_t *bad = hf_barrier_new (g_stage.client, g_stage.session[0], "bad\n", 2);
    assert_int_equal (hf_barrier_wait (bad, LIMIT_MS), HF_BAD_NAME);
    assert_null (hf_barrier_new (g_stage.client, g_stage.session[0], "x", 0));
    assert_null (hf_barrier_new (g_stage.client, g_stage.session[0], "x", 101));
    hf_barrier_destroy (&bad);
    s_barriers_end (barriers);
}

STAGE_TEST (test_those_who_entered_together_leave_together)
{
    hf_barrier_t *barriers[PARTIES];
    call_t enter[3], leave, next;
    s_barriers (barriers, "double", 3);
    assert_int_equal (hf_barrier_leave (barriers[0], LIMIT_MS), HF_NOT_HOLDER);
    for (int i = 0; i < 3; i++)
        call_begin (&enter[i], s_enter, barriers[i]);
    for (int i = 0; i < 3; i++)
        assert_int_equal (call_end (&enter[i]), HF_OK);
    assert_int_equal (hf_barrier_enter (barriers[0], LIMIT_MS), HF_OVERLAP);
    assert_int_equal (hf_barrier_leave (barriers[0], 100), HF_TIMEOUT); //  two are inside
    stage_wait_holders ("double", 2);
    call_begin (&leave, s_leave, barriers[0]); //  waits on
    call_begin (&next, s_enter, barriers[3]);  //  of the next round: nobody waits for it
    stage_wait_holders ("double", 3);
    s_end_session (1); //  dies inside
    assert_int_equal (hf_barrier_leave (barriers[2], LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&leave), HF_OK);
    assert_int_equal (hf_barrier_leave (barriers[0], LIMIT_MS), HF_NOT_HOLDER);
    call_begin (&enter[0], s_enter, barriers[0]);
    call_begin (&enter[2], s_enter, barriers[2]);
    assert_int_equal (call_end (&enter[0]), HF_OK);
    assert_int_equal (call_end (&enter[2]), HF_OK);
    assert_int_equal (call_end (&next), HF_OK);
    s_barriers_end (barriers);
}

STAGE_TEST (test_the_next_round_does_not_wait_for_who_is_still_inside)
{
    hf_barrier_t *barriers[PARTIES];
    call_t a, b, c;
    s_barriers (barriers, "next", 2);
    call_begin (&a, s_enter, barriers[0]);
    call_begin (&b, s_enter, barriers[1]);
    assert_int_equal (call_end (&a), HF_OK);
    assert_int_equal (call_end (&b), HF_OK);
    call_begin (&c, s_enter, barriers[2]);
    stage_wait_holders ("next", 3);
    assert_int_equal (hf_barrier_enter (barriers[3], LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&c), HF_OK);
    //  A machine that dies inside: its session expires.
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (g_stage.cluster);
    life.ttl_ms = 1000;
    hf_client_t *client = hf_client_new (&options, NULL);
    hf_session_t *session;
    assert_int_equal (hf_session_open (client, &life, LIMIT_MS, &session), HF_OK);
    hf_barrier_t *dies = hf_barrier_new (client, session, "next", 2);
    call_begin (&a, s_enter, barriers[4]);
    assert_int_equal (hf_barrier_enter (dies, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&a), HF_OK);
    hf_barrier_destroy (&dies);
    hf_session_leave (&session);
    hf_client_destroy (&client);
    assert_int_equal (hf_barrier_leave (barriers[4], LIMIT_MS), HF_OK);
    s_barriers_end (barriers);
}

/*  The highest token of those who hold LOCK. */
static void
s_highest (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    uint64_t *token = arg;
    (void)lock;
    *token = place->token > *token ? place->token : *token;
}

STAGE_TEST (test_who_opens_looks_again_when_it_is_its_turn)
{
    hf_barrier_t *barriers[PARTIES];
    hf_grant_t open;
    call_t calls[4];
    s_barriers (barriers, "again", 2);
    //  The second is about to open; the first dies before it can.
    assert_int_equal (hf_acquire (g_stage.session[7], "again.open", LIMIT_MS, &open), HF_OK);
    call_begin (&calls[0], s_pass, barriers[0]);
    stage_wait_holders ("again", 1);
    call_begin (&calls[1], s_pass, barriers[1]);
    stage_wait_waiters ("again.open", 1);
    s_end_session (0);
    assert_int_equal (call_end (&calls[0]), HF_LOST);
    assert_int_equal (hf_release (g_stage.session[7], "again.open", open.token, LIMIT_MS), HF_OK);
    stage_wait_holders ("again.open", 0);
    assert_int_equal (s_lines ("again.open"), 0);
    //  The next is about to open; another one has just done it.
    assert_int_equal (hf_acquire (g_stage.session[7], "again.open", LIMIT_MS, &open), HF_OK);
    call_begin (&calls[2], s_pass, barriers[2]);
    stage_wait_waiters ("again.open", 1);
    uint64_t token = 0;
    char line[22];
    hf_query_lock (g_stage.client, "again", s_highest, &token, LIMIT_MS);
    snprintf (line, sizeof line, "%020llu\n", (unsigned long long)token);
    assert_int_equal (
        hf_append (g_stage.session[7], "again.open", open.token, "again.open", line, 21, LIMIT_MS),
        HF_OK);
    call_begin (&calls[3], s_pass, barriers[3]); //  of the next round
    stage_wait_holders ("again", 3);
    assert_int_equal (hf_release (g_stage.session[7], "again.open", open.token, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&calls[1]), HF_OK);
    assert_int_equal (call_end (&calls[2]), HF_OK);
    stage_wait_holders ("again", 1);
    assert_int_equal (s_lines ("again.open"), 1);
    assert_int_equal (hf_barrier_wait (barriers[4], LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&calls[3]), HF_OK);
    assert_int_equal (s_lines ("again.open"), 2);
    s_barriers_end (barriers);
}

//  ---- who observes an election -------------------------------------------------------

STAGE_TEST (test_an_observer_hears_who_leads)
{
    hf_election_t *a = hf_election_new (g_stage.session[0], "seen");
    hf_election_t *b = hf_election_new (g_stage.session[1], "seen");
    hf_observer_t *observer;
    hf_elected_t leader;
    hf_grant_t grant;
    assert_int_equal (hf_election_leader (g_stage.client, "seen", &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, 0);
    assert_int_equal (hf_observer_open (g_stage.client, "seen", LIMIT_MS, &observer), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, 0);
    assert_int_equal (hf_observer_next (observer, &leader, 50), HF_TIMEOUT);
    assert_int_equal (hf_election_campaign (a, "a:1", LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, grant.token);
    assert_int_equal (leader.session, hf_session_id (g_stage.session[0]));
    assert_string_equal (leader.note, "a:1");
    assert_string_equal (leader.label, "party");
    assert_int_equal (hf_election_proclaim (a, "a:2", LIMIT_MS), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, grant.token);
    assert_string_equal (leader.note, "a:2");
    s_end_session (0);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, 0);
    assert_string_equal (leader.note, "");
    assert_int_equal (hf_election_campaign (b, "b:1", LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.session, hf_session_id (g_stage.session[1]));
    hf_observer_close (&observer);
    hf_election_destroy (&a);
    hf_election_destroy (&b);
}

HF_TEST_MAIN (stage_begin, stage_end)
