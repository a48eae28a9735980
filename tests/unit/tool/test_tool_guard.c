/*  `holdfast run` keeps its promise whatever happens to it: nothing of the command's tree is left
 *  when the lock may be another's. Without a cluster. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial_tree.h"

static const trial_t s_deaths[] = {
    {0, .script = BEGIN RUN (TREE) "kill -KILL $tool; " GONE (1000) "test -s term",
     .has = "the process that keeps lock lock was killed: ending the command\n"},
    {0, .script = BEGIN RUN (TREE) "kill -KILL $guard; " GIVES_75 GONE (1000),
     .has = "the guard of lock lock was killed: ending the command\n"},
    //  Before there is a command.
    {70,
     .script = BEGIN "$T run lock -- touch ran & tool=$!; until [ -s log ]; do :; done; "
                     "kill -KILL $(pgrep -P $tool); echo grant > control; wait $tool",
     .has = "cannot run touch: its guard was killed\n", .log_has = "cancel lock 42\nclose\n"},
    {0, .script = BEGIN
        "$T run lock -- touch ran & tool=$!; until [ -s log ]; do :; done; "
        "guard=$(pgrep -P $tool); kill -KILL $tool; "
        "while ps -o stat= -p $guard | grep -q '^[^Z]'; do sleep 0.02; done; [ ! -e ran ]"},
    //  The guard stands still until the lease is over: the command never runs; or for less.
    {75,
     .script = BEGIN "$T run --ttl 1 lock -- touch ran & tool=$!; until [ -s log ]; do :; done; "
                     "guard=$(pgrep -P $tool); kill -STOP $guard; echo grant > control; "
                     "echo silence > control; wait $tool; c=$?; kill -CONT $guard 2>&-; "
                     "[ ! -e ran ] && exit $c",
     .has = "lock lock cannot be kept: ending the command before it is lost\n",
     .log_lacks = "release"},
    {0, .script = BEGIN "$T run --ttl 1 lock -- touch ran & tool=$!; until [ -s log ]; do :; done; "
                        "guard=$(pgrep -P $tool); kill -STOP $guard; echo grant > control; "
                        "sleep 1.2; kill -CONT $guard; wait $tool && [ -e ran ]"},
};
TRIAL_TABLE_BESIDE (test_one_of_the_two_dies, s_deaths)

static const trial_t s_losses[] = {
    //  Cut off: SIGTERM, and SIGKILL before the deadline.
    {0,
     .script = BEGIN RUN (TREE) "echo silence > control; " GIVES_75 GONE (
         2400) "[ $(($(cat term) - t0)) -ge 1200 ] && [ $(($(cat term) - t0)) -lt 2000 ]",
     .has = "lock lock cannot be kept: ending the command before it is lost\n",
     .log_lacks = "release"},
    //  Stopped.
    {0, .script = BEGIN RUN ("--ttl 1 " TREE) "kill -STOP $tool; " GONE (
            1700) "test -s term; kill -CONT $tool; " GIVES_75},
    {0, .script = BEGIN RUN (
            "--ttl 1 " TREE) "kill -STOP $guard; echo silence > control; " GIVES_75 GONE (1700)},
    //  Another may hold it: at once.
    {0, .script = BEGIN RUN (TREE) "echo lose > control; " GIVES_75 GONE (1000) "[ ! -e term ]",
     .has = "lock lock is lost: ending the command\n"},
    {0, .script = BEGIN RUN ("-k 0 --ttl 1 " TREE) "echo silence > control; " GIVES_75 GONE (
            1150) "[ ! -e term ]"},
    //  One that cannot be caught by looking.
    {0, .script = BEGIN "cp $D/runner runner.$$; " RUN (
            "lock -- sh runner.$$") "echo lose > control; " GIVES_75 "! pgrep -f runner.$$"},
};
TRIAL_TABLE_BESIDE (test_nothing_lives_past_the_deadline, s_losses)

#define FULL                                                                                       \
    "mkfifo err; exec 9<>err; dd if=/dev/zero bs=4096 count=64 oflag=nonblock of=err 2>&-; "

static const trial_t s_stderr[] = {
    {0, .script =
            BEGIN FULL RUN ("-v " TREE " 2>err 9>&-") "echo lose > control; " GIVES_75 GONE (1000)},
    {0, .script = BEGIN FULL RUN ("--ttl 1 " TREE
                                  " 2>err 9>&-") "echo silence > control; " GIVES_75 GONE (1700)},
    //  Nobody reads it any more, or it is closed.
    {0, .script = BEGIN "mkfifo err; exec 9<>err; " RUN (
            TREE " 2>err 9>&-") "exec 9>&-; "
                                "echo lose > control; " GIVES_75 GONE (1000)},
    {0, .script = BEGIN RUN (TREE " 2>&-") "echo lose > control; " GIVES_75 GONE (1000)},
    {0,
     .script = "mkfifo err; (exec 9<>err; $T run -v lock -- true 2>err 9>&- & exec 9>&-; wait $!)"},
    {69,
     .script =
         "mkfifo err; (exec 9<>err; exec 8>err 9>&-; HF_FAKE_OPEN=66 $T run lock -- true 2>&8)"},
};

TRIAL_TABLE_BESIDE (test_messages_neither_block_nor_kill, s_stderr)

HF_TEST (test_as_process_1)
{
    trial_need ("unshare --pid --fork --mount-proc true");
    static const trial_t trials[] = {
        {0, .script = "unshare --pid --fork --mount-proc $T run lock -- sh -c '"
                      "for i in 1 2 3 4 5; do (sleep 0.01 &); done; n=0; "
                      "for i in $(seq 100); do sleep 0.02; n=$(ps -e -o stat= | grep -c ^Z); "
                      "[ $n = 0 ] && [ $i -gt 5 ] && exit 0; done; exit $n'"},
        //  /proc names the processes by other ids than the tool does.
        {0, .script =
                BEGIN "unshare --pid --fork sh -c '$T run --ttl 2 lock -- sh $D/tree & tool=$!; "
                      "echo grant > control; read x < up; echo lose > control; wait $tool; c=$?; "
                      "for p in main child daemon; do kill -0 $(cat $p) && exit 97; done; "
                      "[ $c = 75 ]'"},
    };
    trial_table (trials, sizeof trials / sizeof *trials);
}

/*  A program that has become another user: the session is left to its TTL, since nobody may have
 * the lock sooner. */
#define FOREIGN                                                                                    \
    BEGIN "umask 0; chmod 666 up control; setpriv --reuid=65534 --clear-groups "                   \
          "$T run --ttl 2 lock -- ./foreign --reuid=0 sh -c "                                      \
          "'echo $$ > main; echo up > up; exec sleep 60' & tool=$!; echo grant > control; "        \
          "read x < up; "
#define FOREIGN_LIVES                                                                              \
    "wait $tool; c=$?; kill -KILL $(cat main) || exit 97; [ $c = 75 ] && tail -n 1 log | "         \
    "grep -qx leave"

static const trial_t s_foreign[] = {
    {0, .script = FOREIGN "kill -USR1 $tool; echo lose > control; " FOREIGN_LIVES,
     .has = "./foreign is setuid: if it runs as another user it cannot be ended when",
     .has_too = "another user's; it goes on WITHOUT the lock\n", .log_lacks = "release"},
    //  The tool does it.
    {0, .script = FOREIGN "kill -KILL $(pgrep -P $tool); " FOREIGN_LIVES,
     .has = "the guard of lock lock was killed: ending the command\n",
     .has_too = "another user's; it goes on WITHOUT the lock\n", .log_lacks = "release"},
};

HF_TEST (test_what_cannot_be_ended_is_said)
{
    trial_need ("chmod 777 . && cp $(command -v setpriv) foreign && chmod 4755 foreign && "
                "chmod 644 tree beats && setpriv --reuid=65534 --clear-groups "
                "sh -c '\"$T\" --version && ./foreign --reuid=0 true'");
    trial_table (s_foreign, sizeof s_foreign / sizeof *s_foreign);
}

HF_TEST_MAIN (trial_tree_setup, trial_teardown)
