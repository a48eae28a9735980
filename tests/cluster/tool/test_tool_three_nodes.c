/*  The tool against three real nodes: it goes on while a majority does. $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

/*  In scripts $NODE is the process of node 1. */
static void
s_begin (hf_cluster_t *cluster)
{
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    char pid[16];
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (cluster, 1));
    setenv ("NODE", pid, 1);
}

HF_TEST_ON (test_status_of_three, 3)
{
    s_begin (cluster);
    trial_must (0, "$T status");
    trial_output_has ("   1  leader    127.0.0.1:");
    trial_output_has ("   3  follower  127.0.0.1:");
    trial_must (0, "$T append kept all; eval \"$($T acquire held)\"");
    hf_cluster_kill (cluster, 3);
    trial_must (0, "$T status");
    trial_output_has ("   3  unreachable  127.0.0.1:");
    hf_cluster_kill (cluster, 2);
    trial_must (0, "until $T status > status 2>&1; [ $? = 69 ]; do :; done; cat status");
    trial_output_has ("holdfast: no leader that a majority of the 3 nodes knows: 1 answered");
    trial_must (69, "$T run --connect-timeout 2 lock -- touch ran");
    trial_must (69, "$T leader --timeout 1");
    //  One that is left still says what it knows.
    trial_must (69, "$T locks --timeout 1");
    trial_must (0, "$T locks --stale && $T cat --stale kept && $T ls --stale");
    trial_output_has ("  held  ");
    trial_output_has (" holdfast acquire\n");
    trial_output_has ("all");
    trial_output_has ("  kept\n");
    trial_must (0, "$T locks --stale held; $T sessions --stale");
    trial_output_has ("  live   ");
    assert_true (hf_cluster_start_all (cluster));
    trial_must (0, "$T run --connect-timeout 30 lock -- true");
}

/*  The section of a running command outlives the leader that took it: P6, P7. */
HF_TEST_ON (test_a_section_outlives_the_leader, 3)
{
    s_begin (cluster);
    trial_must (0, "mkfifo up go; $T run -v books -- sh -c "
                   "'$T append ledger one; echo > up; read x < go; $T append ledger two' & "
                   "read x < up; kill -KILL $NODE; "
                   "until $T leader --timeout 1 | grep -E 'node [23]'; do :; done; "
                   "echo > go; wait $! && rm up go && $T cat ledger");
    trial_output_has ("onetwo");
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_file (cluster, "ledger", "onetwo", HF_CLUSTER_LIMIT_MS));
}

HF_TEST_ON (test_waiters_outlive_the_leader, 3)
{
    s_begin (cluster);
    trial_must (0, "a=$($T acquire q); for i in 1 2 3; do $T run q -- $T append -l turns $i & "
                   "until $T locks q | grep -q \"waiters  $i\"; do :; done; done; "
                   "kill -KILL $NODE; eval \"$a\"; $T append --connect-timeout 20 turns 'x\n' && "
                   "$T release --timeout 20; c=$?; wait; $T cat turns; exit $c");
    trial_output_has ("x\n1\n2\n3\n"); //  P8
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_file (cluster, "turns", "x\n1\n2\n3\n", HF_CLUSTER_LIMIT_MS));
}

/*  Its command has ended, and there is no cluster any more: it says what it waits for. */
HF_TEST_ON (test_a_release_that_nobody_acknowledges, 3)
{
    s_begin (cluster);
    trial_must (0, "mkfifo up go; { $T run --ttl 3 late -- sh -c 'echo > up; read x < go'; "
                   "echo $? > code; } > said 2>&1 & read x < up");
    hf_cluster_kill (cluster, 2);
    hf_cluster_kill (cluster, 3);
    trial_must (0, "echo > go; until [ -s code ]; do :; done; cat said code; rm up go said code");
    trial_output_has ("waiting for the cluster to acknowledge the release of lock late, for at");
    trial_output_has ("75\n");
    assert_true (hf_cluster_start_all (cluster));
}

HF_TEST_MAIN (trial_setup, trial_teardown)
