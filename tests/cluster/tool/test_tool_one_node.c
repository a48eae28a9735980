/*  The tool against a real node: what a script sees. In the scripts $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

static hf_cluster_t *s_cluster;

static void
s_output_has (const char *text)
{
    if (!strstr (trial_output (), text))
        fail_msg ("'%s' is not in: %s", text, trial_output ());
}

/*  Run SCRIPT, which must end with CODE. */
static void
s_must (int code, const char *script)
{
    int got = trial_run (script);
    if (got != code)
        fail_msg ("exit code %d, not %d, of: %s\n%s", got, code, script, trial_output ());
}

//  ---- run -------------------------------------------------------------------------

/*  P5: each of the ten reads, then writes what the one before wrote. */
static void
test_run_excludes (void **state)
{
    (void)state;
    s_must (0, "echo 0 > n; for i in 1 2 3 4 5 6 7 8 9 10; do "
               "$T run count -- sh -c 'read n < n; sleep 0.01; echo $((n + 1)) > n' & done; "
               "wait; cat n");
    assert_string_equal (trial_output (), "10\n");
}

static void
test_run_gives_up (void **state)
{
    (void)state;
    s_must (0, "mkfifo up go; $T run busy -- sh -c 'echo > up; read x < go' & read x < up; "
               "$T run -n busy -- touch ran; [ $? = 1 ] || exit 9; "
               "$T run -n -E 7 busy -- touch ran; [ $? = 7 ] || exit 8; "
               "$T run -w 0.3 busy -- touch ran; [ $? = 1 ] || exit 7; "
               "$T acquire -n busy; [ $? = 1 ] || exit 6; "
               "echo > go; wait $!; $T run -n busy -- true && [ ! -e ran ]; c=$?; "
               "rm up go; exit $c");
}

static void
test_run_gives_the_command_its_section (void **state)
{
    (void)state;
    s_must (5, "$T run books -- sh -c '$T append ledger one && $T append -l audit line && "
               "$T cat ledger; [ $? = 2 ] || exit 9; $T append ledger two; exit 5'");
    s_must (0, "$T cat ledger; $T cat audit; $T ls --json > ls; $T ls");
    s_output_has ("onetwoline\n");
    s_output_has ("     6  ");
    s_must (1, "$T run --cancel-on-failure books -- sh -c '$T append ledger no; exit 1'");
    s_must (0, "$T cat ledger");
    assert_string_equal (trial_output (), "onetwo");
}

static void
test_run_that_is_killed_loses_its_section (void **state)
{
    (void)state;
    s_must (
        0, "mkfifo up; $T run --ttl 1 dies -- sh -c '$T append lost x; echo > up; exec sleep 60' & "
           "read x < up; rm up; kill -KILL $!; wait $!; "
           "$T run -w 20 dies -- true && ! $T cat lost 2>/dev/null");
}

//  ---- append ----------------------------------------------------------------------

static void
test_append_alone (void **state)
{
    (void)state;
    s_must (0, "for i in 1 2 3 4 5 6; do $T append -l lines \"line $i\" & done; wait; "
               "$T cat lines | sort");
    assert_string_equal (trial_output (), "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n");
}

static void
test_append_of_long_input (void **state)
{
    (void)state;
    s_must (0,
            "head -c 3000000 /dev/urandom > in; $T append long < in && $T cat long | cmp - in && "
            "$T cat --offset 1048570 --length 100 long > part && "
            "tail -c +1048571 in | head -c 100 | cmp - part");
}

/*  What is too large changes nothing: the section goes on as it was. */
static void
test_append_past_the_cap (void **state)
{
    (void)state;
    s_must (0, "$T run cap -- sh -c 'head -c 16000000 /dev/zero | $T append cap && "
               "head -c 1000000 /dev/zero | $T append cap; [ $? = 2 ]' && "
               "$T cat cap | wc -c");
    s_output_has ("16000000\n");
    s_output_has ("larger than the limit");
}

//  ---- acquire and release -----------------------------------------------------------

static void
test_acquire_append_release (void **state)
{
    (void)state;
    s_must (0, "eval \"$($T acquire 'it is')\" && $T append kept a && $T append kept b && "
               "$T release && $T cat kept");
    assert_string_equal (trial_output (), "ab");
    s_must (0, "eval \"$($T acquire again)\" && $T append kept x && $T release --cancel && "
               "$T cat kept");
    assert_string_equal (trial_output (), "ab");
}

static void
test_release_once (void **state)
{
    (void)state;
    s_must (2, "eval \"$($T acquire once)\" && $T release && $T release");
    s_output_has ("you do not hold lock once");
    s_must (2, "eval \"$($T acquire once)\"; $T release --token 1");
    s_output_has ("you do not hold lock once");
    s_must (2, "$T append --lock once --token 1 --session 1 file x");
}

static void
test_tokens_rise (void **state)
{
    (void)state;
    s_must (0, "last=0; for i in 1 2 3 4 5; do eval \"$($T acquire rising)\"; $T release; "
               "[ $HOLDFAST_TOKEN -gt $last ] || exit 1; last=$HOLDFAST_TOKEN; done");
}

/*  P8, and what a person sees of it. */
static void
test_queue_is_told (void **state)
{
    (void)state;
    s_must (0, "a=$($T acquire q); "
               "(eval \"$($T acquire q 2>err1)\"; echo first >> order; $T release) & one=$!; "
               "until grep -q 'place 1 in the queue' err1 2>/dev/null; do sleep 0.02; done; "
               "(eval \"$($T acquire q 2>err2)\"; echo second >> order; $T release) & two=$!; "
               "until grep -q 'place 2 in the queue' err2 2>/dev/null; do sleep 0.02; done; "
               "$T locks q > shown; $T locks --json q | grep -c position > positions; "
               "eval \"$a\"; $T release; wait $one $two; cat order shown positions; "
               "$T locks q; [ $? = 2 ]");
    s_output_has ("first\nsecond\n");
    s_output_has ("waiters  2\n");
    s_output_has ("\n2\n");
}

static void
test_a_signal_leaves_the_queue (void **state)
{
    (void)state;
    s_must (0, "a=$($T acquire left); $T run left -- touch never & pid=$!; "
               "until $T locks left | grep -q 'waiters  1'; do :; done; "
               "kill -INT $pid; kill -TERM $pid; wait $pid; "
               "until $T locks left | grep -q 'waiters  0'; do :; done; [ ! -e never ]");
}

//  ---- queries -----------------------------------------------------------------------

static void
test_queries (void **state)
{
    (void)state;
    s_must (0, "$T leader");
    s_output_has ("node 1 leads in term ");
    s_must (0, "$T status");
    s_output_has ("1  leader  127.0.0.1:");
    s_must (0, "$T leader --json; $T status --json; $T ls --json; $T locks --json");
    s_output_has ("\"majority\": true");
    s_must (2, "$T cat 'no such file'");
    s_must (2, "$T append \"$(printf 'a\\001b')\" x");
    s_must (2, "$T run \"$(printf %0300d 0)\" -- true");
}

static void
test_follow (void **state)
{
    (void)state;
    s_must (0, "$T append tailed one; $T cat -f tailed > seen & pid=$!; "
               "until grep -q one seen; do sleep 0.02; done; $T append tailed two; "
               "until grep -q onetwo seen; do sleep 0.02; done; kill -INT $pid; kill $pid; "
               "wait $pid; true");
}

//  ---- a node that goes: last, since the cluster is one ------------------------------------

static void
test_a_lost_lock_ends_the_command (void **state)
{
    (void)state;
    char script[512];
    snprintf (
        script, sizeof script,
        "mkfifo up; $T run --ttl 1 gone -- sh -c '$T append gone x; echo > up; exec sleep 60' & "
        "read x < up; rm up; kill -STOP %d; wait $!; c=$?; kill -CONT %d; exit $c",
        (int)hf_cluster_pid (s_cluster, 1), (int)hf_cluster_pid (s_cluster, 1));
    s_must (75, script);
    s_output_has ("lock gone is lost: ending the command\n");
    s_must (0, "$T run -w 20 gone -- true; ! $T cat gone 2>/dev/null");
}

static void
test_no_node (void **state)
{
    (void)state;
    hf_cluster_kill (s_cluster, 1);
    s_must (69, "$T run --connect-timeout 1 lock -- touch ran");
    s_output_has ("no node of the cluster can be reached");
    s_must (69, "$T leader --timeout 500ms");
    s_must (69, "$T status --timeout 500ms");
    s_output_has ("1  unreachable  127.0.0.1:");
    assert_true (hf_cluster_start (s_cluster, 1));
    s_must (0, "$T cat ledger && $T run lock -- true"); //  P7
    s_output_has ("onetwo");
    assert_true (hf_cluster_passed (s_cluster));
}

static int
s_setup (void **state)
{
    s_cluster = hf_cluster_new (1);
    if (trial_setup (state) != 0 || !hf_cluster_start_all (s_cluster))
        return -1;
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_cluster), 1);
    return hf_cluster_wait_leader (s_cluster, HF_CLUSTER_LIMIT_MS) == 1 ? 0 : -1;
}

static int
s_teardown (void **state)
{
    hf_cluster_destroy (&s_cluster);
    return trial_teardown (state);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_run_excludes),
        cmocka_unit_test (test_run_gives_up),
        cmocka_unit_test (test_run_gives_the_command_its_section),
        cmocka_unit_test (test_run_that_is_killed_loses_its_section),
        cmocka_unit_test (test_append_alone),
        cmocka_unit_test (test_append_of_long_input),
        cmocka_unit_test (test_append_past_the_cap),
        cmocka_unit_test (test_acquire_append_release),
        cmocka_unit_test (test_release_once),
        cmocka_unit_test (test_tokens_rise),
        cmocka_unit_test (test_queue_is_told),
        cmocka_unit_test (test_a_signal_leaves_the_queue),
        cmocka_unit_test (test_queries),
        cmocka_unit_test (test_follow),
        cmocka_unit_test (test_a_lost_lock_ends_the_command),
        cmocka_unit_test (test_no_node),
    };
    return cmocka_run_group_tests (tests, s_setup, s_teardown);
}
