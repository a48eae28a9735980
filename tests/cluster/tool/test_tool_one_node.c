/*  The tool against a real node: what a script sees. In the scripts $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

static hf_cluster_t *s_cluster;

//  ---- run -------------------------------------------------------------------------

/*  P5: each of the ten reads the number, and writes the next. */
HF_TEST (test_run_excludes)
{
    trial_must (0, "echo 0 > n; for i in 1 2 3 4 5 6 7 8 9 10; do "
                   "$T run count -- sh -c 'read n < n; sleep 0.01; echo $((n + 1)) > n' & done; "
                   "wait; cat n");
    assert_string_equal (trial_output (), "10\n");
}

HF_TEST (test_run_gives_up)
{
    trial_must (0, "mkfifo up go; $T run busy -- sh -c 'echo > up; read x < go' & read x < up; "
                   "$T run -n busy -- touch ran; [ $? = 1 ] || exit 9; "
                   "$T run -n -E 7 busy -- touch ran; [ $? = 7 ] || exit 8; "
                   "$T run -w 0.3 busy -- touch ran; [ $? = 1 ] || exit 7; "
                   "$T acquire -n busy; [ $? = 1 ] || exit 6; "
                   "echo > go; wait $!; $T run -n busy -- true && [ ! -e ran ]; c=$?; "
                   "rm up go; exit $c");
}

HF_TEST (test_run_gives_the_command_its_section)
{
    trial_must (5, "$T run books -- sh -c '$T append ledger one && $T append -l audit line && "
                   "$T cat ledger; [ $? = 2 ] || exit 9; $T append ledger two; exit 5'");
    trial_must (0, "$T cat ledger; $T cat audit; $T ls --json > ls; $T ls");
    trial_output_has ("onetwoline\n");
    trial_output_has ("     6  ");
    trial_must (1, "$T run --cancel-on-failure books -- sh -c '$T append ledger no; exit 1'");
    trial_must (0, "$T cat ledger");
    assert_string_equal (trial_output (), "onetwo");
}

HF_TEST (test_run_that_is_killed_loses_its_section)
{
    trial_must (
        0, "mkfifo up; $T run --ttl 1 dies -- sh -c '$T append lost x; echo > up; exec sleep 60' & "
           "read x < up; rm up; kill -KILL $!; wait $!; "
           "$T run -w 20 dies -- true && ! $T cat lost 2>/dev/null");
}

//  ---- append ----------------------------------------------------------------------

HF_TEST (test_append_alone)
{
    trial_must (0, "for i in 1 2 3 4 5 6; do $T append -l lines \"line $i\" & done; wait; "
                   "$T cat lines | sort");
    assert_string_equal (trial_output (), "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n");
}

HF_TEST (test_append_of_long_input)
{
    trial_must (
        0, "head -c 3000000 /dev/urandom > in; $T append long < in && $T cat long | cmp - in && "
           "$T cat --offset 1048570 --length 100 long > part && "
           "tail -c +1048571 in | head -c 100 | cmp - part");
}

/*  What is too large changes nothing: the section goes on as it was. */
HF_TEST (test_append_past_the_cap)
{
    trial_must (0, "$T run cap -- sh -c 'head -c 16000000 /dev/zero | $T append cap && "
                   "head -c 1000000 /dev/zero | $T append cap; [ $? = 2 ]' && "
                   "$T cat cap | wc -c");
    trial_output_has ("16000000\n");
    trial_output_has ("larger than the limit");
}

//  ---- acquire and release -----------------------------------------------------------

HF_TEST (test_acquire_append_release)
{
    trial_must (0, "eval \"$($T acquire 'it is')\" && $T append kept a && $T append kept b && "
                   "$T release && $T cat kept");
    assert_string_equal (trial_output (), "ab");
    trial_must (0, "eval \"$($T acquire again)\" && $T append kept x && $T release --cancel && "
                   "$T cat kept");
    assert_string_equal (trial_output (), "ab");
}

HF_TEST (test_release_once)
{
    trial_must (2, "eval \"$($T acquire once)\" && $T release && $T release");
    trial_output_has ("you do not hold lock once");
    trial_must (2, "eval \"$($T acquire once)\"; $T release --token 1");
    trial_output_has ("you do not hold lock once");
    trial_must (2, "$T append --lock once --token 1 --session 1 file x");
}

HF_TEST (test_tokens_rise)
{
    trial_must (0, "last=0; for i in 1 2 3 4 5; do eval \"$($T acquire rising)\"; $T release; "
                   "[ $HOLDFAST_TOKEN -gt $last ] || exit 1; last=$HOLDFAST_TOKEN; done");
}

/*  P8, and the place in the queue that people see. */
HF_TEST (test_queue_is_shown)
{
    trial_must (0, "a=$($T acquire q); "
                   "(eval \"$($T acquire q 2>err1)\"; echo first >> order; $T release) & one=$!; "
                   "until grep -q 'place 1 in the queue' err1 2>/dev/null; do sleep 0.02; done; "
                   "(eval \"$($T acquire q 2>err2)\"; echo second >> order; $T release) & two=$!; "
                   "until grep -q 'place 2 in the queue' err2 2>/dev/null; do sleep 0.02; done; "
                   "$T locks q > shown; $T locks --json q | grep -c position > positions; "
                   "eval \"$a\"; $T release; wait $one $two; cat order shown positions; "
                   "$T locks q; [ $? = 2 ]");
    trial_output_has ("first\nsecond\n");
    trial_output_has ("waiters  2\n");
    trial_output_has ("\n2\n");
}

HF_TEST (test_a_signal_leaves_the_queue)
{
    trial_must (0, "a=$($T acquire left); $T run left -- touch never & pid=$!; "
                   "until $T locks left | grep -q 'waiters  1'; do :; done; "
                   "kill -INT $pid; kill -TERM $pid; wait $pid; "
                   "until $T locks left | grep -q 'waiters  0'; do :; done; [ ! -e never ]");
}

//  ---- queries -----------------------------------------------------------------------

HF_TEST (test_queries)
{
    trial_must (0, "$T leader");
    trial_output_has ("node 1 leads in term ");
    trial_must (0, "$T status");
    trial_output_has ("1  leader  127.0.0.1:");
    trial_must (0, "$T leader --json; $T status --json; $T ls --json; $T locks --json");
    trial_output_has ("\"majority\": true");
    trial_must (2, "$T cat 'no such file'");
    trial_must (2, "$T append \"$(printf 'a\\001b')\" x");
    trial_must (2, "$T run \"$(printf %0300d 0)\" -- true");
}

HF_TEST (test_follow)
{
    trial_must (0, "$T append tailed one; $T cat -f tailed > seen & pid=$!; "
                   "until grep -q one seen; do sleep 0.02; done; $T append tailed two; "
                   "until grep -q onetwo seen; do sleep 0.02; done; kill -INT $pid; kill $pid; "
                   "wait $pid; true");
}

//  ---- a node that goes: last, since the cluster is one ------------------------------------

HF_TEST (test_a_lost_lock_ends_the_command)
{
    trial_must (75, "mkfifo up; $T run --ttl 1 gone -- sh -c '$T append gone x; echo > up; "
                    "exec sleep 60' & read x < up; rm up; kill -STOP $NODE; wait $!; c=$?; "
                    "kill -CONT $NODE; exit $c");
    trial_output_has ("lock gone is lost: ending the command\n");
    trial_must (0, "$T run -w 20 gone -- true; ! $T cat gone 2>/dev/null");
}

HF_TEST (test_no_node)
{
    hf_cluster_kill (s_cluster, 1);
    trial_must (69, "$T run --connect-timeout 1 lock -- touch ran");
    trial_output_has ("no node of the cluster can be reached");
    trial_must (69, "$T leader --timeout 500ms");
    trial_must (69, "$T status --timeout 500ms");
    trial_output_has ("1  unreachable  127.0.0.1:");
    assert_true (hf_cluster_start (s_cluster, 1));
    trial_must (0, "$T cat ledger && $T run lock -- true"); //  P7
    trial_output_has ("onetwo");
    assert_true (hf_cluster_passed (s_cluster));
}

static int
s_setup (void **state)
{
    s_cluster = hf_cluster_new (1);
    if (trial_setup (state) != 0 || !hf_cluster_start_all (s_cluster))
        return -1;
    char pid[16]; //  in scripts, $NODE
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (s_cluster, 1));
    setenv ("NODE", pid, 1);
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_cluster), 1);
    return hf_cluster_wait_leader (s_cluster, HF_CLUSTER_LIMIT_MS) == 1 ? 0 : -1;
}

static int
s_teardown (void **state)
{
    hf_cluster_destroy (&s_cluster);
    return trial_teardown (state);
}

HF_TEST_MAIN (s_setup, s_teardown)
