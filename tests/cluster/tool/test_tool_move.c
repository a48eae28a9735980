/*  `holdfast members move` and `replace` of real nodes, which start at their new place although
 *  their log, or the state that they get, has the old one. $T is `holdfast`. */
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"
#include <stdio.h>
#include <stdlib.h>

/*  Node ID, which does not run, gets other ports; the tool tells the members so, and it starts by
 *  node 1. It must be there at once, and count, or have caught up. */
static void
s_elsewhere (hf_cluster_t *cluster, uint32_t id, const char *verb)
{
    char script[256];
    hf_cluster_move (cluster, id);
    for (unsigned round = 0; round < 2; round++) {
        snprintf (script, sizeof script, "$T members %s %u %s --timeout 20s %s", verb, id,
                  hf_cluster_place (cluster, id), round == 0 ? "--no-wait" : "--wait");
        trial_must (0, script);
        hf_cluster_set_join (cluster, id, 1);
        if (round == 0)
            assert_true (hf_cluster_start (cluster, id));
    }
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
}

static bool
s_prunes (hf_cluster_t *cluster)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, 1, &status) && status.first_index > 1;
}

HF_TEST_ON (test_a_node_goes_elsewhere, 3)
{
    hf_cluster_add_argument (cluster, "--log-keep");
    hf_cluster_add_argument (cluster, "64k"); //  it is sent the state
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    trial_must (0, "head -c 3000000 /dev/zero | $T append kept");
    assert_true (HF_WAIT (s_prunes (cluster), HF_CLUSTER_LIMIT_MS));
    hf_cluster_kill (cluster, 3);
    s_elsewhere (cluster, 3, "move");
    //  The second time the leader may still have the state of the first, which is older.
    for (unsigned round = 0; round < 2; round++) {
        hf_cluster_kill (cluster, 3);
        assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, 3)), 0);
        s_elsewhere (cluster, 3, "replace");
    }
}

/*  No roster names the disk of a learner. */
HF_TEST_ON (test_a_learner_goes_elsewhere, 3)
{
    char script[256];
    hf_cluster_add_spares (cluster, 1);
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    hf_cluster_set_join (cluster, 4, 1);
    hf_cluster_launch (cluster, 4);
    snprintf (script, sizeof script, "$T members add 4@%s --learner --timeout 20s",
              hf_cluster_place (cluster, 4));
    trial_must (0, script);
    hf_cluster_set_apart (cluster, 4, false);
    hf_cluster_kill (cluster, 4);
    s_elsewhere (cluster, 4, "move");
    hf_cluster_kill (cluster, 4);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, 4)), 0);
    s_elsewhere (cluster, 4, "replace");
}

static void
s_must_end (hf_cluster_t *cluster)
{
    assert_true (HF_WAIT (!hf_cluster_running (cluster, 3), HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_cluster_take_end (cluster, 3), 0);
    assert_true (hf_cluster_log_has (cluster, 3, "node 3 was removed from the cluster"));
}

/*  Its log may say that it is no member: it waits for nobody to add it again. With an empty folder
 *  it does. */
static bool
s_is_linked (hf_cluster_t *cluster, uint32_t id)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, id, &status) && status.links_up == 2;
}

HF_TEST_ON (test_a_removed_node_ends_each_time, 3)
{
    assert_true (hf_cluster_begin (cluster));
    for (uint32_t id = 1; id <= 3; id++) {
        assert_true (HF_WAIT (s_is_linked (cluster, id), HF_CLUSTER_LIMIT_MS));
        assert_false (hf_cluster_log_has (cluster, id, "cut off clients")); //  nor nodes
    }
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    trial_must (0, "$T members remove 3 --timeout 20s");
    s_must_end (cluster);
    hf_cluster_set_join (cluster, 3, 1);
    hf_cluster_launch (cluster, 3);
    s_must_end (cluster);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, 3)), 0);
    hf_cluster_launch (cluster, 3);
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 3, "waits to be added"), HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_running (cluster, 3));
}

HF_TEST_MAIN (trial_setup, trial_teardown)
