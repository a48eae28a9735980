//  SIGTERM ends a node cleanly, and a leader hands over before it goes.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <signal.h>

#define LIMIT_MS 10000

static int
s_teardown (void **state)
{
    hf_cluster_t *cluster = *state;
    hf_cluster_destroy (&cluster);
    return 0;
}

static void
test_one_node_ends (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (1);
    assert_true (hf_cluster_start_all (cluster));
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 1);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_start (cluster, 1));
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 1);
    assert_true (hf_cluster_passed (cluster));
}

static void
test_node_alone_of_three_ends (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (3);
    assert_true (hf_cluster_start (cluster, 2));
    assert_int_equal (hf_cluster_terminate (cluster, 2, LIMIT_MS), 0);
    assert_true (hf_cluster_passed (cluster));
}

static void
test_follower_ends (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (3);
    assert_true (hf_cluster_start_all (cluster));
    assert_true (hf_cluster_wait_leader_is (cluster, 1, HF_CLUSTER_LIMIT_MS));
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

//  When the old leader is gone the new one leads already: nobody had to wait for a timeout.
static void
test_leader_hands_over (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (3);
    assert_true (hf_cluster_start_all (cluster));
    assert_true (hf_cluster_wait_leader_is (cluster, 1, HF_CLUSTER_LIMIT_MS));
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
static void
test_interrupt_ends (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (1);
    assert_true (hf_cluster_start_all (cluster));
    kill (hf_cluster_pid (cluster, 1), SIGINT);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_passed (cluster));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown (test_one_node_ends, s_teardown),
        cmocka_unit_test_teardown (test_node_alone_of_three_ends, s_teardown),
        cmocka_unit_test_teardown (test_follower_ends, s_teardown),
        cmocka_unit_test_teardown (test_leader_hands_over, s_teardown),
        cmocka_unit_test_teardown (test_interrupt_ends, s_teardown),
    };
    return cmocka_run_group_tests_name ("a node that ends", tests, NULL, NULL);
}
