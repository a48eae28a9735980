/*  holdfast watch, wait, observe and locks --watch against three real nodes, one of which dies. $T
 *  is `holdfast`, $NODE the process of node 1, which leads. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

HF_TEST_ON (test_watchers_and_the_death_of_the_leader, 3)
{
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    char pid[16];
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (cluster, 1));
    setenv ("NODE", pid, 1);
    //  What runs in the background ends with it.
    trial_must (
        0,
        "mkfifo up go; $T watch --after 0 > watched & p=$!; $T watch --files --after 0 > files & "
        "p=\"$p "
        "$!\"; "
        "$T observe a > observed & p=\"$p $!\"; $T locks --watch > shown & p=\"$p $!\"; "
        "trap 'kill $p' EXIT; "
        "until grep -q nobody observed && grep -q TOKEN shown; do :; done; "
        "$T run a -- sh -c '$T append f text; echo > up; read x < go' & run=$!; read x < up; "
        "$T wait -n a; [ $? = 1 ] || exit 9; "
        "$T wait a & wait=$!; until $T locks a | grep -q 'holders  1'; do :; done; "
        "kill -KILL $NODE; until $T leader --timeout 1 | grep -E 'node [23]'; do :; done; "
        "kill -0 $wait || exit 8; echo > go; wait $run && wait $wait || exit 7; "
        "$T run a -- true; "
        "until grep -q ' 4  released  a ' watched && grep -q '  1  appended  f .* 4 bytes' files "
        "&& [ $(grep -c nobody observed) -ge 2 ] && [ $(grep -c TOKEN shown) -ge 2 ]; do :; done; "
        "cat watched; grep -c 'token' observed; rm up go");
    trial_output_has ("  1  granted  a  session ");
    trial_output_has ("  2  released  a  session ");
    trial_output_has ("  3  granted  a  session ");
    trial_output_has ("\n2\n");
    assert_true (hf_cluster_start (cluster, 1));
}

HF_TEST_MAIN (trial_setup, trial_teardown)
