//  Recipes that are in use while the leading node is killed: three real nodes.

#include "client/recipes/hf_barrier.h"
#include "client/recipes/hf_election.h"
#include "client/recipes/hf_latch.h"
#include "client/recipes/hf_mutex.h"
#include "tests/cluster/recipes/stage.h"

static hf_status_t
s_pass (void *barrier)
{
    return hf_barrier_wait (barrier, LIMIT_MS);
}

static hf_status_t
s_wait_latch (void *latch)
{
    return hf_latch_wait (latch, LIMIT_MS);
}

static void
s_kill_leader (void)
{
    uint32_t leader = hf_cluster_wait_leader (g_stage.cluster, LIMIT_MS);
    assert_true (leader != 0);
    hf_cluster_kill (g_stage.cluster, leader);
}

static void
s_end_session (int i)
{
    uint64_t id = hf_session_id (g_stage.session[i]);
    assert_int_equal (hf_close_session_id (g_stage.client, id, LIMIT_MS), HF_OK);
}

STAGE_TEST (test_a_barrier_of_five_with_a_party_that_dies)
{
    hf_barrier_t *barriers[6];
    call_t calls[6];
    for (int i = 0; i < 6; i++)
        barriers[i] = hf_barrier_new (g_stage.client, g_stage.session[i], "five", 5);
    for (int i = 0; i < 4; i++)
        call_begin (&calls[i], s_pass, barriers[i]);
    stage_wait_holders ("five", 4);
    s_kill_leader ();
    s_end_session (1);
    assert_int_equal (call_end (&calls[1]), HF_LOST);
    stage_wait_holders ("five", 3);
    call_begin (&calls[4], s_pass, barriers[4]);
    stage_wait_holders ("five", 4);
    call_begin (&calls[5], s_pass, barriers[5]);
    for (int i = 0; i < 6; i++)
        if (i != 1)
            assert_int_equal (call_end (&calls[i]), HF_OK);
    for (int i = 0; i < 6; i++)
        hf_barrier_destroy (&barriers[i]);
    assert_true (hf_cluster_start_all (g_stage.cluster));
}

STAGE_TEST (test_what_was_told_and_counted_outlives_the_leader)
{
    hf_election_t *election = hf_election_new (g_stage.session[0], "service");
    hf_latch_t *latch = hf_latch_new (g_stage.client, g_stage.session[1], "steps", 2);
    hf_mutex_t *mutex = hf_mutex_new (g_stage.session[2], "mutex");
    hf_observer_t *observer;
    hf_elected_t leader;
    hf_grant_t reign;
    call_t call;
    assert_int_equal (hf_election_campaign (election, "a:1", LIMIT_MS, &reign), HF_OK);
    assert_int_equal (hf_observer_open (g_stage.client, "service", LIMIT_MS, &observer), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, reign.token);
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_OK);
    assert_int_equal (hf_latch_count_down (latch, LIMIT_MS), HF_OK);
    call_begin (&call, s_wait_latch, latch);
    s_kill_leader ();
    assert_int_equal (hf_mutex_lock (mutex, LIMIT_MS, NULL), HF_OK);
    hf_latch_t *other = hf_latch_new (g_stage.client, g_stage.session[3], "steps", 2);
    assert_int_equal (hf_latch_count_down (other, LIMIT_MS), HF_OK);
    assert_int_equal (call_end (&call), HF_OK);
    assert_int_equal (hf_election_proclaim (election, "a:2", LIMIT_MS), HF_OK);
    assert_int_equal (hf_observer_next (observer, &leader, LIMIT_MS), HF_OK);
    assert_int_equal (leader.token, reign.token);
    assert_string_equal (leader.note, "a:2");
    assert_int_equal (hf_mutex_unlock (mutex, LIMIT_MS), HF_OK);
    assert_int_equal (hf_mutex_unlock (mutex, LIMIT_MS), HF_OK);
    hf_observer_close (&observer);
    hf_election_destroy (&election);
    hf_latch_destroy (&latch);
    hf_latch_destroy (&other);
    hf_mutex_destroy (&mutex);
    assert_true (hf_cluster_start_all (g_stage.cluster));
}

HF_TEST_MAIN (stage_begin_three, stage_end)
