/*  The tool against three real nodes: it goes on while a majority does. $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"
#include <signal.h>

static void
s_output_has (const char *text)
{
    if (!strstr (trial_output (), text))
        fail_msg ("'%s' is not in: %s", text, trial_output ());
}

static void
s_must (int code, const char *script)
{
    int got = trial_run (script);
    if (got != code)
        fail_msg ("exit code %d, not %d, of: %s\n%s", got, code, script, trial_output ());
}

static int
s_setup (void **state)
{
    hf_cluster_t *cluster = *state = hf_cluster_new (3);
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    if (!hf_cluster_start_all (cluster))
        return -1;
    return hf_cluster_wait_leader_is (cluster, 1, HF_CLUSTER_LIMIT_MS) ? 0 : -1;
}

static int
s_teardown (void **state)
{
    hf_cluster_t *cluster = *state;
    hf_cluster_destroy (&cluster);
    return 0;
}

static void
test_status_of_three (void **state)
{
    hf_cluster_t *cluster = *state;
    s_must (0, "$T status");
    s_output_has ("   1  leader    127.0.0.1:");
    s_output_has ("   3  follower  127.0.0.1:");
    hf_cluster_kill (cluster, 3);
    s_must (0, "$T status");
    s_output_has ("   3  unreachable  127.0.0.1:");
    hf_cluster_kill (cluster, 2);
    s_must (0, "until $T status > status 2>&1; [ $? = 69 ]; do :; done; cat status");
    s_output_has ("holdfast: no leader that a majority of the 3 nodes knows: 1 answered");
    s_must (69, "$T run --connect-timeout 2 lock -- touch ran");
    s_must (69, "$T leader --timeout 1");
    assert_true (hf_cluster_start_all (cluster));
    s_must (0, "$T run --connect-timeout 30 lock -- true");
    assert_true (hf_cluster_passed (cluster));
}

/*  The section of a running command outlives the leader that took it: P6, P7. */
static void
test_a_section_outlives_the_leader (void **state)
{
    hf_cluster_t *cluster = *state;
    char script[512];
    snprintf (script, sizeof script,
              "mkfifo up go; $T run -v books -- sh -c "
              "'$T append ledger one; echo > up; read x < go; $T append ledger two' & "
              "read x < up; kill -KILL %d; "
              "until $T leader --timeout 1 | grep -E 'node [23]'; do :; done; "
              "echo > go; wait $! && rm up go && $T cat ledger",
              (int)hf_cluster_pid (cluster, 1));
    s_must (0, script);
    s_output_has ("onetwo");
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_file (cluster, "ledger", "onetwo", HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_passed (cluster));
}

static void
test_waiters_outlive_the_leader (void **state)
{
    hf_cluster_t *cluster = *state;
    char script[768];
    snprintf (script, sizeof script,
              "a=$($T acquire q); for i in 1 2 3; do $T run q -- $T append -l turns $i & "
              "until $T locks q | grep -q \"waiters  $i\"; do :; done; done; "
              "kill -KILL %d; eval \"$a\"; $T append --connect-timeout 20 turns 'x\n' && "
              "$T release --timeout 20; c=$?; wait; $T cat turns; exit $c",
              (int)hf_cluster_pid (cluster, 1));
    s_must (0, script);
    s_output_has ("x\n1\n2\n3\n"); //  P8
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_file (cluster, "turns", "x\n1\n2\n3\n", HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_passed (cluster));
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_status_of_three, s_setup, s_teardown),
        cmocka_unit_test_setup_teardown (test_a_section_outlives_the_leader, s_setup, s_teardown),
        cmocka_unit_test_setup_teardown (test_waiters_outlive_the_leader, s_setup, s_teardown),
    };
    return cmocka_run_group_tests (tests, trial_setup, trial_teardown);
}
