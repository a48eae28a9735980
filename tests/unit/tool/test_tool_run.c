/*  `holdfast run`, without a cluster: exit codes, environment, signals, loss of the lock. */
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/tool/trial.h"

static void
s_output_has (const char *text)
{
    if (!strstr (trial_output (), text))
        fail_msg ("'%s' is not in: %s", text, trial_output ());
}

//  ---- exit codes and options ------------------------------------------------------

HF_TEST (test_gives_the_exit_code_of_the_command)
{
    assert_int_equal (trial_run ("$T run lock -- true"), 0);
    assert_string_equal (trial_output (), "");
    assert_string_equal (trial_log (), "open 0\nacquire lock wait 4294967295\n"
                                       "release lock 42\nclose\n");
    assert_int_equal (trial_run ("$T run lock -- sh -c 'exit 3'"), 3);
    assert_int_equal (trial_run ("$T run lock sh -c 'exit 200'"), 200);
    assert_int_equal (trial_run ("$T run lock -c 'exit 4'"), 4);
    assert_int_equal (trial_run ("SHELL=/bin/echo $T run lock --command 'a b'"), 0);
    assert_string_equal (trial_output (), "-c a b\n");
    assert_int_equal (trial_run ("$T run lock -- sh -c 'kill -9 $$'"), 137);
    assert_int_equal (trial_run ("$T run lock -- sh -c 'kill -15 $$'"), 143);
}

HF_TEST (test_command_that_cannot_run)
{
    assert_int_equal (trial_run ("$T run lock -- no-such-command"), 127);
    s_output_has ("holdfast: cannot run no-such-command: No such file");
    assert_non_null (strstr (trial_log (), "cancel lock 42\nclose\n"));
    assert_int_equal (trial_run ("$T run lock -- /etc/passwd"), 126);
    assert_int_equal (trial_run ("$T run lock -- /"), 126);
}

HF_TEST (test_not_granted)
{
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T run -n lock -- touch ran"), 1);
    assert_string_equal (trial_output (), "");
    assert_non_null (strstr (trial_log (), "acquire lock at-once"));
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T run --nb -E 9 lock -- touch ran"), 9);
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=64 $T run -w 1.5 -E 0 lock -- touch ran"), 0);
    assert_non_null (strstr (trial_log (), "acquire lock wait 1500\nclose\n"));
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=64 $T run --timeout .1 lock -- touch ran"), 1);
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T run --wait 0 lock -- touch ran"), 1);
    assert_non_null (strstr (trial_log (), "acquire lock at-once"));
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=2 $T run -v -n lock -- touch ran"), 1);
    s_output_has ("holdfast: lock lock is held by another session\n");
    assert_int_equal (trial_run ("test -e ran"), 1);
}

HF_TEST (test_no_cluster)
{
    assert_int_equal (trial_run ("HF_FAKE_OPEN=66 $T run lock -- touch ran"), 69);
    s_output_has ("no node of the cluster can be reached");
    assert_int_equal (trial_run ("HF_FAKE_OPEN=64 $T run -n lock -- touch ran"), 69);
    //  With -n no answer at all is no refusal.
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=64 $T run -n lock -- touch ran"), 69);
    assert_int_equal (trial_run ("HF_FAKE_ACQUIRE=19 $T run '' -- touch ran"), 2);
    assert_int_equal (trial_run ("test -e ran"), 1);
}

HF_TEST (test_wrong_usage)
{
    static const char *const wrong[] = {
        "run",
        "run lock",
        "run lock --",
        "run --bogus lock true",
        "run -q lock",
        "run -w",
        "run -w x lock true",
        "run -w -1 lock true",
        "run -E 256 lock true",
        "run -E -1 lock true",
        "run --ttl 5ms lock true",
        "run --ttl 11m lock true",
        "run lock -n true",
        "run lock -c",
        "run lock -c a b",
        "run -s lock true",
        "run -F lock true",
        "run --nonblock=1 lock true",
        "--endpoints nonsense run lock true",
        "rnu lock true",
        "--bogus",
        "",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char script[128] = "$T ";
        strcat (script, wrong[i]);
        int code = trial_run (script);
        if (code != 64)
            fail_msg ("%s: exit code %d", wrong[i], code);
        assert_true (strlen (trial_output ()) > 0);
    }
    assert_int_equal (trial_run ("$T rnu"), 64);
    s_output_has ("did you mean 'run'?");
}

HF_TEST (test_flock_options_without_effect)
{
    assert_int_equal (trial_run ("$T run -x -e -o --exclusive --close lock -- true"), 0);
    assert_int_equal (trial_run ("$T run --ttl 1m lock true && grep -q 'open 60000' log"), 0);
}

//  ---- the environment and the section -----------------------------------------------

HF_TEST (test_environment)
{
    assert_int_equal (trial_run ("$T --endpoints 1@x run \"it's\" -- "
                                 "sh -c 'env | grep ^HOLDFAST_ | sort'"),
                      0);
    assert_string_equal (trial_output (), "HOLDFAST_ENDPOINTS=1@x\nHOLDFAST_LOCK=it's\n"
                                          "HOLDFAST_SESSION=7\nHOLDFAST_TOKEN=42\n");
    assert_int_equal (trial_run ("$T run lock -- sh -c 'echo $HOLDFAST_ENDPOINTS'"), 0);
    assert_string_equal (trial_output (), "1@127.0.0.1:8080:8081\n");
    assert_int_equal (trial_run ("$T run lock -- $T append file data"), 0);
    assert_non_null (strstr (trial_log (), "for 7 append lock 42 file 4 data\n"));
}

HF_TEST (test_group_of_its_own)
{
    assert_int_equal (trial_run ("$T run lock -- sh -c '[ $(ps -o pgid= -p $$) -eq $$ ]'"), 0);
}

HF_TEST (test_failure_cancels_only_when_asked)
{
    assert_int_equal (trial_run ("$T run lock -- false"), 1);
    assert_non_null (strstr (trial_log (), "release lock 42\n"));
    assert_int_equal (trial_run ("$T run --cancel-on-failure lock -- false"), 1);
    assert_non_null (strstr (trial_log (), "cancel lock 42\n"));
    assert_null (strstr (trial_log (), "release"));
    assert_int_equal (trial_run ("$T run --cancel-on-failure lock -- true"), 0);
    assert_non_null (strstr (trial_log (), "release lock 42\n"));
}

HF_TEST (test_release_not_acknowledged)
{
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=69 $T run lock -- true"), 75);
    s_output_has ("was not acknowledged");
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=65 $T run lock -- true"), 75);
    s_output_has ("lost before its release");
    assert_int_equal (trial_run ("HF_FAKE_RELEASE=16 $T run lock -- sh -c 'exit 3'"), 75);
}

//  ---- waiting, loss and signals -----------------------------------------------------

#define CONTROL "rm -f control up; mkfifo control up; export HF_FAKE_CONTROL=control; "
/*  The command says when it runs. */
#define SAY_UP "echo up > up; "

HF_TEST (test_waits_and_tells_its_place)
{
    assert_int_equal (trial_run (CONTROL "$T run -v lock -- sh -c 'echo ran' & "
                                         "echo move 2 > control; echo grant > control; wait $!"),
                      0);
    s_output_has ("ran\n");
    assert_int_equal (trial_run (CONTROL "$T acquire lock 2>err & echo move 2 > control; "
                                         "until grep -q 'place 2' err; do :; done; "
                                         "echo grant > control; wait $!"),
                      0);
    assert_string_equal (trial_output (),
                         "export HOLDFAST_LOCK='lock' HOLDFAST_TOKEN=42 HOLDFAST_SESSION=7\n");
}

HF_TEST (test_a_session_lost_in_the_queue_is_replaced)
{
    assert_int_equal (trial_run (CONTROL "$T run lock -- true 2>err & echo status 65 > control; "
                                         "until [ $(grep -c acquire log) = 2 ]; do :; done; "
                                         "echo grant > control; wait $!"),
                      0);
    assert_non_null (strstr (trial_log (), "close\nopen 0\nacquire lock"));
}

HF_TEST (test_a_signal_ends_the_wait)
{
    assert_int_equal (trial_run (CONTROL "$T run lock -- touch ran & "
                                         "until grep -q acquire log 2>/dev/null; do :; done; "
                                         "kill -TERM $!; wait $!"),
                      143);
    assert_non_null (strstr (trial_log (), "\nclose\n"));
    assert_int_equal (trial_run ("test -e ran"), 1);
}

HF_TEST (test_signals_go_to_the_group)
{
    assert_int_equal (trial_run ("mkfifo up; $T run lock -- sh -c 'trap \"exit 5\" TERM; " SAY_UP
                                 "while :; do sleep 0.05; done' & "
                                 "read x < up; kill -TERM $!; wait $!; c=$?; rm up; exit $c"),
                      5);
    assert_non_null (strstr (trial_log (), "release lock 42\n"));
    assert_int_equal (trial_run ("mkfifo up; $T run lock -- sh -c '" SAY_UP "exec sleep 60' & "
                                 "read x < up; kill -HUP $!; wait $!; c=$?; rm up; exit $c"),
                      129);
}

HF_TEST (test_loss_ends_the_whole_group)
{
    uint64_t began_ms = hf_wait_now_ms ();
    assert_int_equal (trial_run (CONTROL
                                 "$T run lock -- sh -c 'sleep 61 & echo $! > pid; " SAY_UP
                                 "wait; sleep 62' & echo grant > control; read x < up; "
                                 "echo lose > control; wait $!; c=$?; "
                                 "until ! ps -o stat= -p $(cat pid) | grep -q '^[^Z]'; do :; done; "
                                 "exit $c"),
                      75);
    s_output_has ("holdfast: lock lock is lost: ending the command\n");
    assert_null (strstr (trial_log (), "release"));
    assert_true (hf_wait_now_ms () - began_ms < 4500); //  what ends on SIGTERM is not waited for
}

HF_TEST (test_loss_kills_what_does_not_end)
{
    uint64_t began_ms = hf_wait_now_ms ();
    assert_int_equal (trial_run (CONTROL
                                 "$T run lock -- sh -c 'trap \"\" TERM; " SAY_UP
                                 "while :; do sleep 1; done' & echo grant > control; read x < up; "
                                 "echo lose > control; wait $!"),
                      75);
    uint64_t spent_ms = hf_wait_now_ms () - began_ms;
    assert_true (spent_ms >= 4900 && spent_ms < 15000);
}

HF_TEST (test_loss_kills_orphans_too)
{
    assert_int_equal (
        trial_run (CONTROL "$T run lock -- sh -c '(trap \"\" TERM; while :; do sleep 1; done) & "
                           "echo $! > pid; " SAY_UP "exec sleep 60' & echo grant > control; "
                           "read x < up; echo lose > control; wait $!; c=$?; "
                           "until ! ps -o stat= -p $(cat pid) | grep -q '^[^Z]'; do :; done; "
                           "exit $c"),
        75);
}

HF_TEST (test_the_command_ends_with_its_keeper)
{
    assert_int_equal (trial_run ("mkfifo up; $T run lock -- sh -c 'echo $$ > pid; " SAY_UP
                                 "exec sleep 60' & "
                                 "read x < up; kill -KILL $!; wait $!; rm up; "
                                 "until ! ps -o stat= -p $(cat pid) | grep -q '^[^Z]'; do :; done"),
                      0);
}

HF_TEST_MAIN (trial_setup, trial_teardown)
