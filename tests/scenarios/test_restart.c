//  Scenarios 3a and 3b: the only node is killed and started again.

#include "tests/scenarios/stage.h"

static void
s_restart (stage_t *stage)
{
    hf_cluster_kill (stage->cluster, 1);
    assert_false (hf_cluster_running (stage->cluster, 1));
    assert_true (hf_cluster_start (stage->cluster, 1));
}

//  3a: the lock is free.
SCENE (test_3a_lock_free)
{
    stage_t *stage = *state;
    stage_cluster (stage, 1);
    hf_script_t *one = stage_client (stage, 1, LONG_MS);
    uint64_t before = must_acquire (one);
    must_write (one, "F", "AA");
    s_restart (stage);
    uint64_t after = must_acquire (one);
    assert_true (after > before);
    must_write (one, "F", "1");
    assert_int_equal (hf_script_ends (one), 0);
    stage_end (stage, "F", "AA1");
}

//  3b: client 2 holds it with an edit staged, and client 1 waits.
SCENE (test_3b_lock_held)
{
    stage_t *stage = *state;
    stage_cluster (stage, 1);
    hf_script_t *one = stage_client (stage, 1, LONG_MS);
    hf_script_t *two = stage_client (stage, 2, LONG_MS);
    must_acquire (one);
    must_write (one, "F", "A");
    uint64_t token = must_acquire (two);
    must_append (two, "F", "B");
    must_queue (stage, one);
    hf_lock_view_t before = stage_lock (stage);

    s_restart (stage);
    assert_int_equal (hf_cluster_wait_leader (stage->cluster, HF_CLUSTER_LIMIT_MS), 1);
    hf_lock_view_t after = stage_lock (stage);
    assert_int_equal (after.holder, before.holder);
    assert_int_equal (after.token, token);
    assert_int_equal (after.waiters, 1);
    assert_int_equal (after.staged, before.staged);

    must_append (two, "F", "B");
    assert_false (hf_script_has_result (one));
    must_release (two);
    assert_int_equal (hf_script_losses (two, "L"), 0);
    assert_int_equal (hf_script_ends (two), 0);
    assert_true (must_hear (one).token > token);
    must_write (one, "F", "A");
    stage_end (stage, "F", "ABBA");
}

HF_TEST_MAIN (NULL, NULL)
