//  SIGTERM ends a node cleanly, and a leader hands over before it goes.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <signal.h>

#define LIMIT_MS 10000

HF_TEST_ON_ONE (test_one_node_ends)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_begin (cluster));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_begin (cluster));
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_ON_THREE (test_node_alone_of_three_ends)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_start (cluster, 2));
    assert_int_equal (hf_cluster_terminate (cluster, 2, LIMIT_MS), 0);
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_ON_THREE (test_follower_ends)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_begin (cluster));
    hf_node_status_t before, after;
    assert_true (hf_cluster_status (cluster, 1, &before));
    assert_int_equal (hf_cluster_terminate (cluster, 3, LIMIT_MS), 0);
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_status (cluster, 1, &after));
    assert_string_equal (after.role, "leader");
    assert_int_equal (after.term, before.term);
    assert_true (hf_cluster_passed (cluster));
}

//  The new leader leads before the old one has ended: no election timeout passes.
HF_TEST_ON_THREE (test_leader_hands_over)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_begin (cluster));
    hf_node_status_t before, after = {.node = 0};
    assert_true (hf_cluster_status (cluster, 1, &before));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    uint32_t leader = hf_cluster_leader (cluster);
    assert_in_range (leader, 2, 3);
    assert_true (hf_cluster_status (cluster, leader, &after));
    assert_int_equal (after.term, before.term + 1);
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_passed (cluster));
}

//  SIGINT is what a terminal sends.
HF_TEST_ON_ONE (test_interrupt_ends)
{
    hf_cluster_t *cluster = *state;
    assert_true (hf_cluster_start_all (cluster));
    kill (hf_cluster_pid (cluster, 1), SIGINT);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_MAIN (NULL, NULL)
