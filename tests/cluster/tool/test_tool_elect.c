/*  Elections on three real nodes: the elected process is stopped or killed, and the leading node
 * with it. Another is elected when the TTL of 2 s has passed, and the first one's command has ended
 * by then. $T is `holdfast`, $NODE the process of the leading node.
 */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

//  The command of the first writes down that it is alive; the second, when it was elected.
#define STAND                                                                                      \
    "rm -f up alive elected; mkfifo up; "                                                          \
    "$T elect --ttl 2 --note a:1 svc -- "                                                          \
    "sh -c 'echo > up; while :; do date +%s%3N > next; mv next alive; sleep 0.05; done' & a=$!; "  \
    "read x < up; $T elect --ttl 2 --note b:2 svc -- sh -c 'date +%s%3N; $T locks svc >&2' "       \
    "> elected 2> seen & b=$!; "                                                                   \
    "until $T locks svc | grep -q 'waiters  1'; do :; done; "                                      \
    "$T locks svc | grep -q a:1 || exit 8; at=$(date +%s%3N); "

//  Of the lease of 2 s some may be over; a new leading node lets it begin anew.
#define TELL(least, most)                                                                          \
    "wait $b || exit 7; grep -q b:2 seen || exit 6; last=$(cat alive); new=$(cat elected); "       \
    "echo \"elected $((new - at)) ms after, $((new - last)) ms after the first one's command\"; "  \
    "[ $last -lt $new ] && [ $((new - at)) -ge " least " ] && [ $((new - at)) -le " most " ]"

static void
s_trial (hf_cluster_t *cluster, const char *script)
{
    char pid[16];
    assert_true (hf_cluster_begin (cluster));
    uint32_t leader = hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS);
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (cluster, leader));
    setenv ("NODE", pid, 1);
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    trial_must (0, script);
    printf ("%s", trial_output ());
    hf_cluster_kill (cluster, leader); //  a script may have done it
    assert_true (hf_cluster_start (cluster, leader));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
}

HF_TEST_ON (test_the_elected_is_killed, 3)
{
    s_trial (cluster, STAND "kill -KILL $a; wait $a; " TELL ("1000", "6000"));
}

HF_TEST_ON (test_the_elected_is_stopped, 3)
{
    s_trial (cluster, STAND "kill -STOP $a; " TELL (
                          "1000", "6000") " && kill -CONT $a && { wait $a; [ $? = 75 ]; }");
}

HF_TEST_ON (test_the_elected_and_the_leading_node_are_killed, 3)
{
    s_trial (cluster, STAND "kill -KILL $NODE $a; wait $a; " TELL ("1000", "12000"));
}

//  What is elected stays so while the leading node dies.
HF_TEST_ON (test_the_leading_node_is_killed, 3)
{
    s_trial (cluster, STAND "kill -KILL $NODE; "
                            "until $T leader --timeout 1 > /dev/null 2>&1; do :; done; "
                            "$T locks svc | grep -q a:1 || exit 5; was=$(cat alive); "
                            "until [ $(cat alive) -gt $was ]; do :; done; "
                            "[ ! -s elected ] || exit 4; kill $a; wait $a; " TELL ("0", "12000"));
}

HF_TEST_MAIN (trial_setup, trial_teardown)
