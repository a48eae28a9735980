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
    stage_t *stage = stage_begin (*state, 1, 0, TTLS (LONG_MS));
    hf_script_t *one = stage->client[1];
    uint64_t before = MUST (one, "acquire L").token;
    must_write (one, "F", "AA");
    s_restart (stage);
    uint64_t after = MUST (one, "acquire L").token;
    assert_true (after > before);
    must_write (one, "F", "1");
    assert_int_equal (hf_script_ends (one), 0);
    stage_end (stage, "F", "AA1");
}

//  3b: client 2 holds it with an edit staged, and client 1 waits.
SCENE (test_3b_lock_held)
{
    stage_t *stage = stage_begin (*state, 1, 0, TTLS (LONG_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    MUST (one, "acquire L");
    must_write (one, "F", "A");
    uint64_t token = MUST (two, "acquire L").token;
    MUST (two, "append L F B");
    must_queue (stage, one);
    hf_lock_view_t before = stage_lock (stage);

    s_restart (stage);
    assert_int_equal (hf_cluster_wait_leader (stage->cluster, HF_CLUSTER_LIMIT_MS), 1);
    hf_lock_view_t after = stage_lock (stage);
    assert_int_equal (after.holder, before.holder);
    assert_int_equal (after.token, token);
    assert_int_equal (after.waiters, 1);
    assert_int_equal (after.staged, before.staged);

    MUST (two, "append L F B");
    assert_false (hf_script_has_result (one));
    MUST (two, "release L");
    assert_int_equal (hf_script_losses (two), 0);
    assert_int_equal (hf_script_ends (two), 0);
    assert_true (must_hear (one).token > token);
    must_write (one, "F", "A");
    stage_end (stage, "F", "ABBA");
}

HF_TEST_MAIN (NULL, NULL)
