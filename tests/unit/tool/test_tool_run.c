/*  `holdfast run`, without a cluster: exit codes, environment, signals, loss of the lock. */
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/tool/trial.h"

static const trial_t s_codes[] = {
    {0, "$T run lock -- true", .is = "",
     .log = "open 0\nacquire lock wait 4294967295\nrelease lock 42\nclose\n"},
    {3, .script = "$T run lock -- sh -c 'exit 3'"},
    {200, .script = "$T run lock sh -c 'exit 200'"},
    {4, .script = "$T run lock -c 'exit 4'"},
    {0, "SHELL=/bin/echo $T run lock --command 'a b'", .is = "-c a b\n"},
    {137, .script = "$T run lock -- sh -c 'kill -9 $$'"},
    {143, .script = "$T run lock -- sh -c 'kill -15 $$'"},
    {127, "$T run lock -- no-such-command",
     .has = "holdfast: cannot run no-such-command: No such file",
     .log_has = "cancel lock 42\nclose\n"},
    {126, .script = "$T run lock -- /etc/passwd"},
    {126, .script = "$T run lock -- /"},
};
TRIAL_TABLE (test_gives_the_exit_code_of_the_command, s_codes)

static const trial_t s_modes[] = {
    {0, "$T run -s lock true", .log_has = "acquire lock:1/0 wait 4294967295\n"},
    {0, "$T run -x lock true", .log_has = "acquire lock wait 4294967295\n"},
    {0, "$T run --limit 3 -n lock true", .log_has = "acquire lock:1/3 at-once"},
    {0, "$T run --units 2 --limit 3 lock true", .log_has = "acquire lock:2/3 wait"},
    //  A set is one request, and is named by its first lock.
    {0, "$T run a b c -- sh -c 'echo $HOLDFAST_LOCK'", .is = "a\n",
     .log = "open 0\nacquire a b c wait 4294967295\nrelease a 42\nclose\n"},
    {0, "$T run -s a b -- true", .log_has = "acquire a:1/0 b:1/0 wait"},
    {0, "$T run $(seq 64) -- true", .log_has = " 63 64 wait"},
    {9, "HF_FAKE_ACQUIRE=2 $T run -v -n -E 9 a b -- true", .has = "lock a and b is held by"},
    {9, "HF_FAKE_ACQUIRE=2 $T run -v -n -E 9 a b c -- true", .has = "lock a and 2 more is held by"},
    {0, "$T run a -- sh -c 'exit 0' -- x", .log_has = "acquire a wait"},
    {0, "$T run --note 'at home' --lock-delay 2s lock true", .log_has = "open 0 delay 2000\n",
     .log_has_too = "wait 4294967295 note at home\n"},
    //  Inside of another it acts for the outer session; not in another cluster.
    {0, "$T run out -- $T run in -- true", .log_has = "acquire in wait 4294967295 for 7\n"},
    {0, "$T run out -- $T run --endpoints 1@h in -- true",
     .log_has = "acquire in wait 4294967295\n"},
    {0, "HOLDFAST_SESSION=x $T run lock -- true", .log_has = "acquire lock wait 4294967295\n"},
    {0, "$T acquire -s a b --json",
     .json = "{'lock':'a','locks':['a','b'],'token':42,'session':7,'index':9,"
             "'ttl_ms':60000}",
     .log_has = "acquire a:1/0 b:1/0 wait"},
    {64, "$T acquire --units 1 a", .has = "give both"},
    {2, "HF_FAKE_ACQUIRE=31 $T run lock -- true", .has = "would never end"},
};
TRIAL_TABLE (test_modes_and_sets, s_modes)

static const trial_t s_elections[] = {
    {3, "$T elect --note here lock -- sh -c 'exit 3'",
     .log = "open 0\nacquire lock wait 4294967295 note here\nrelease lock 42\nclose\n"},
    {64, "$T elect -s lock -- true", .has = "holdfast elect --help"},
    {64, "$T elect lock", .has = "holdfast elect lock -- COMMAND"},
    {69, "HF_FAKE_OPEN=66 $T elect lock -- true", .has = "can be reached"},
    {1, "HF_FAKE_ACQUIRE=2 $T run -n --connect-timeout 10 lock true", .log_has = "at-once 10000"},
    //  Lost, it stands again; the second time the command ends by itself.
    {75,
     "mkfifo c; (echo grant > c; until [ -e up ]; do sleep 0.01; done; echo lose > c) & "
     "HF_FAKE_CONTROL=c $T elect lock -- sh -c 'touch up; exec sleep 60'; a=$?; wait; exit $a",
     .has = "lock lock is lost"},
    {5,
     "rm -f up c; mkfifo c; (echo grant > c; until [ -e up ]; do sleep 0.01; done; "
     "echo lose > c; until grep -q 'close' log; do sleep 0.01; done; echo grant > c) & "
     "HF_FAKE_CONTROL=c $T elect --again lock -- sh -c "
     "'[ ! -e up ] || exit 5; touch up; exec sleep 60'; a=$?; wait; exit $a",
     .has = "standing for election again"},
    //  What ends by itself, or was not elected, is not run again, also with these exit codes.
    {75, "$T elect --again lock -- sh -c 'exit 75'",
     .log = "open 0\nacquire lock wait 4294967295\nrelease lock 42\nclose\n"},
    {69, "$T elect --again lock -- sh -c 'exit 69'",
     .log = "open 0\nacquire lock wait 4294967295\nrelease lock 42\nclose\n"},
    {75, "HF_FAKE_ACQUIRE=2 $T elect --again -n -E 75 lock -- touch ran",
     .log = "open 0\nacquire lock at-once 3000\nclose\n"},
    //  Who was asked to end does not stand again when the election is lost.
    {75,
     "rm -f up c; mkfifo c; HF_FAKE_CONTROL=c $T elect --again -k 0 lock -- sh -c "
     "'trap \"\" TERM; touch up; exec sleep 60' & p=$!; echo grant > c; "
     "until [ -e up ]; do sleep 0.01; done; kill -TERM $p; echo lose > c; wait $p",
     .has = "lock lock is lost"},
};
TRIAL_TABLE (test_elections, s_elections)

static const trial_t s_not_granted[] = {
    {1, "HF_FAKE_ACQUIRE=2 $T run -n lock -- touch ran", .is = "",
     .log_has = "acquire lock at-once"},
    {9, .script = "HF_FAKE_ACQUIRE=2 $T run --nb -E 9 lock -- touch ran"},
    //  What it took to open the session counts.
    {0,
     "HF_FAKE_ACQUIRE=64 $T run -w 1.5 -E 0 lock -- touch ran && "
     "grep -Ec '^acquire lock wait 1[0-9]{3}$' log",
     .is = "1\n", .log_has = "\nclose\n"},
    {1, .script = "HF_FAKE_ACQUIRE=64 $T run --timeout .1 lock -- touch ran"},
    {1, "HF_FAKE_ACQUIRE=2 $T run --wait 0 lock -- touch ran", .log_has = "acquire lock at-once"},
    {1, "HF_FAKE_ACQUIRE=2 $T run -v -n lock -- touch ran",
     .has = "holdfast: lock lock is held by another session\n"},
    //  No cluster. With -n no answer at all is no refusal.
    {69, "HF_FAKE_OPEN=66 $T run lock -- touch ran",
     .has = "no node of the cluster can be reached"},
    {69, .script = "HF_FAKE_OPEN=64 $T run -n lock -- touch ran"},
    {69, .script = "HF_FAKE_ACQUIRE=64 $T run -n lock -- touch ran"},
    {2, .script = "HF_FAKE_ACQUIRE=19 $T run '' -- touch ran"},
    {1, .script = "test -e ran"},
};
TRIAL_TABLE (test_not_granted, s_not_granted)

static const trial_t s_usage[] = {
    {64, "$T run", .has = "holdfast"},
    {64, "$T run lock", .has = "holdfast"},
    {64, "$T run lock --", .has = "holdfast"},
    {64, "$T run --bogus lock true", .has = "holdfast"},
    {64, "$T run -q lock", .has = "holdfast"},
    {64, "$T run -w", .has = "holdfast"},
    {64, "$T run -w x lock true", .has = "holdfast"},
    {64, "$T run -w -1 lock true", .has = "holdfast"},
    {64, "$T run -E 256 lock true", .has = "holdfast"},
    {64, "$T run -E -1 lock true", .has = "holdfast"},
    {64, "$T run --ttl 5ms lock true", .has = "holdfast"},
    {64, "$T run --ttl 11m lock true", .has = "holdfast"},
    {64, "$T run lock -n true", .has = "holdfast"},
    {64, "$T run lock -c", .has = "holdfast"},
    {64, "$T run lock -c a b", .has = "holdfast"},
    {64, "$T run -s -x lock true", .has = "exclusive (-x) or shared"},
    {64, "$T run --limit 3 -x lock true", .has = "not both"},
    {64, "$T run --units 2 lock true", .has = "give both"},
    {64, "$T run --units 0 --limit 2 lock true", .has = "not a number above 0"},
    {64, "$T run --units 3 --limit 2 lock true", .has = "--units 3 is more than --limit 2"},
    {64, "$T run --limit 4294967296 lock true", .has = "at most 4294967295"},
    {64, "$T run --lock-delay 99ms lock true", .has = "100ms to 10m"},
    {64, "$T run --lock-delay 11m lock true", .has = "100ms to 10m"},
    {64, "$T run a b a -- true", .has = "lock a is named twice"},
    {64, "$T run $(seq 65) -- true", .has = "65 names; at most 64"},
    {64, "$T run lock sh -c x -- y", .has = "put -- before the command"},
    {64, "$T run --note $(printf %01025d 0) lock true",
     .has = "--note has 1025 bytes; at most 1024"},
    {64, "$T acquire --note \"$(printf 'a\\001')\" lock", .has = "control characters"},
    {64, "$T elect --note \"$(printf '\\377')\" lock true", .has = "control characters"},
    {64, "$T run -F lock true", .has = "holdfast"},
    {64, "$T run --nonblock=1 lock true", .has = "holdfast"},
    {64, "$T run --ttl 3 -k 1001ms lock true", .has = "at most a third of --ttl"},
    {0, .script = "$T run --ttl 3 --kill-after 1s lock true"},
    {64, "$T --endpoints nonsense run lock true", .has = "holdfast"},
    {64, "$T rnu lock true", .has = "did you mean 'run'?"},
    {64, "$T --bogus", .has = "holdfast"},
    {64, "$T", .has = "holdfast"},
    //  Options of flock(1) without effect.
    {0, .script = "$T run -x -e -o --exclusive --close lock -- true"},
    {0, "$T run --ttl 1m lock true", .log_has = "open 60000"},
};
TRIAL_TABLE (test_usage, s_usage)

static const trial_t s_section[] = {
    {0, "$T --endpoints 1@x run \"it's\" -- sh -c 'env | grep ^HOLDFAST_ | sort'",
     .is = "HOLDFAST_ENDPOINTS=1@x\nHOLDFAST_LOCK=it's\nHOLDFAST_SESSION=7\nHOLDFAST_TOKEN=42\n"},
    {0, "$T run lock -- sh -c 'echo $HOLDFAST_ENDPOINTS'", .is = "1@127.0.0.1:8080:8081\n"},
    {0, "$T run lock -- $T append file data", .log_has = "for 7 append lock 42 file 4 data\n"},
    //  No group of its own.
    {0, .script = "$T run lock -- sh -c '[ $(ps -o pgid= -p $$) -eq $(ps -o pgid= -p $PPID) ]'"},
    {1, "$T run lock -- false", .log_has = "release lock 42\n"},
    {1, "$T run --cancel-on-failure lock -- false", .log_has = "cancel lock 42\n",
     .log_lacks = "release"},
    {0, "$T run --cancel-on-failure lock -- true", .log_has = "release lock 42\n"},
    {75, "HF_FAKE_RELEASE=69 $T run lock -- true", .has = "was not acknowledged"},
    {75, "HF_FAKE_RELEASE=65 $T run lock -- true", .has = "lost before its release"},
    {75, .script = "HF_FAKE_RELEASE=16 $T run lock -- sh -c 'exit 3'"},
};
TRIAL_TABLE (test_environment_and_section, s_section)

//  ---- waiting, loss and signals -----------------------------------------------------

#define CONTROL "rm -f control up; mkfifo control up; export HF_FAKE_CONTROL=control; "
/*  The command says when it runs. */
#define SAY_UP "echo up > up; "
/*  The process whose id is in the file ends. */
#define PID_ENDS "until ! ps -o stat= -p $(cat pid) | grep -q '^[^Z]'; do :; done; "

static const trial_t s_waits[] = {
    {0,
     CONTROL "$T run -v lock -- sh -c 'echo ran' & "
             "echo move 2 > control; echo grant > control; wait $!",
     .has = "ran\n"},
    {0,
     CONTROL "$T acquire lock 2>err & echo move 2 > control; "
             "until grep -q 'place 2' err; do :; done; echo grant > control; wait $!",
     .is = "export HOLDFAST_LOCK='lock' HOLDFAST_TOKEN=42 HOLDFAST_SESSION=7\n"},
    //  A session that is lost in the queue is replaced.
    {0,
     CONTROL "$T run lock -- true 2>err & echo status 65 > control; "
             "until [ $(grep -c acquire log) = 2 ]; do :; done; echo grant > control; wait $!",
     .log_has = "close\nopen 0\nacquire lock"},
    //  A signal ends the wait.
    {143,
     CONTROL "$T run lock -- touch ran & "
             "until grep -q acquire log 2>/dev/null; do :; done; kill -TERM $!; wait $!",
     .log_has = "\nclose\n"},
    {1, .script = "test -e ran"},
    //  Signals go to the group.
    {5,
     "mkfifo up; $T run lock -- sh -c 'trap \"exit 5\" TERM; " SAY_UP
     "while :; do sleep 0.05; done' & read x < up; kill -TERM $!; wait $!; c=$?; rm up; exit $c",
     .log_has = "release lock 42\n"},
    {129, .script = "mkfifo up; $T run lock -- sh -c '" SAY_UP "exec sleep 60' & "
                    "read x < up; kill -HUP $!; wait $!; c=$?; rm up; exit $c"},
    //  A loss kills orphans too, and the command ends with its keeper.
    {75, .script = CONTROL "$T run lock -- sh -c '(trap \"\" TERM; while :; do sleep 1; done) & "
                           "echo $! > pid; " SAY_UP "exec sleep 60' & echo grant > control; "
                           "read x < up; echo lose > control; wait $!; c=$?; " PID_ENDS "exit $c"},
    {0, .script =
            "rm up; mkfifo up; $T run lock -- sh -c 'echo $$ > pid; " SAY_UP "exec sleep 60' & "
            "read x < up; kill -KILL $!; wait $!; rm up; " PID_ENDS},
};
TRIAL_TABLE (test_waits_and_signals, s_waits)

HF_TEST (test_loss_ends_the_whole_tree)
{
    uint64_t began_ms = hf_wait_now_ms ();
    trial_must (75, CONTROL "$T run lock -- sh -c 'sleep 61 & echo $! > pid; " SAY_UP
                            "wait; sleep 62' & echo grant > control; read x < up; "
                            "echo lose > control; wait $!; c=$?; " PID_ENDS "exit $c");
    trial_output_has ("holdfast: lock lock is lost: ending the command\n");
    assert_null (strstr (trial_log (), "release"));
    assert_true (hf_wait_now_ms () - began_ms < 4500); //  what ends on SIGTERM is not waited for
}

HF_TEST_MAIN (trial_setup, trial_teardown)
