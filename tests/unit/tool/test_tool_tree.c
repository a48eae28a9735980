/*  `holdfast run` ends all that came from its command, of whatever shape the tree is. Without a
 *  cluster. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial_tree.h"

//  The tool ends before what its guard ends.
#define GUARD_ENDS "while ps -o stat= -p $guard | grep -q '^[^Z]'; do sleep 0.02; done; "

/*  One `holdfast run` inside another. */
#define NESTED "outer -- env -u HF_FAKE_CONTROL $T run --ttl 20 inner -- sh $D/tree"
#define INNER                                                                                      \
    "inner=$(pgrep -P $guard); second=$(pgrep -P $inner); [ -n \"$inner\" ] && [ -n \"$second\" ]" \
    " || exit 97; "
#define INNER_GONE                                                                                 \
    "for p in $inner $second; do while ps -o stat= -p $p | grep -q '^[^Z]'; do sleep 0.02; done; " \
    "done; "

static const trial_t s_nested[] = {
    {0, .script = BEGIN RUN (NESTED) INNER "kill -KILL $tool; " GONE (1000) INNER_GONE},
    {0, .script = BEGIN RUN (NESTED) INNER "kill -KILL $guard; " GIVES_75 GONE (1000) INNER_GONE},
    {0,
     .script = BEGIN RUN (NESTED) INNER "echo silence > control; " GIVES_75 GONE (2400) INNER_GONE},
    //  The inner one ends its command, and the outer one goes on to its end.
    {0, .script = BEGIN RUN (NESTED) INNER
        "kill -KILL $second; wait $tool; [ $? = 75 ] || exit 9; " GONE (1000) INNER_GONE
        "grep -q 'release outer' log"},
};
TRIAL_TABLE_BESIDE (test_one_inside_another, s_nested)

/*  Processes that were there before: a child, a child of it, and one whose parent has ended
 *  meanwhile. */
#define BEFORE                                                                                     \
    "cat > before <<'.'\n"                                                                         \
    "sh -c 'sleep 61 & echo $! > p2; exec sleep 62' & echo $! > p1\n"                              \
    "sh -c 'sleep 63 & echo $! > p3; echo up > up; exec sleep 64' & echo $! > parent\n"            \
    "read x < up; until [ -s p2 ]; do sleep 0.01; done\n"                                          \
    "exec $T run --ttl 2 lock -- sh $D/tree\n"                                                     \
    ".\n"                                                                                          \
    "sh before & tool=$!; echo grant > control; "                                                  \
    "read x < up; guard=$(pgrep -P $tool -x hf-guard); "                                           \
    "kill $(cat parent); until [ $(ps -o ppid= -p $(cat p3)) = $tool ]; do sleep 0.01; done; "     \
    "t0=$(date +%s%3N); "
#define BEFORE_LIVES                                                                               \
    "for p in p1 p2 p3; do ps -o stat= -p $(cat $p) | grep -q '^S' || exit 96; done; "             \
    "kill $(cat p1) $(cat p2) $(cat p3); "

static const trial_t s_before[] = {
    {0, .script = BEGIN BEFORE "kill -KILL $guard; " GIVES_75 GONE (1000) BEFORE_LIVES,
     .is = "holdfast: the guard of lock lock was killed: ending the command\n",
     .log_has = "close\n"},
    //  The guard stands still.
    {0,
     .script = BEGIN BEFORE "kill -STOP $guard; echo silence > control; " GIVES_75 GONE (2400)
         BEFORE_LIVES "! kill -0 $guard",
     .log_has = "close\n"},
    {0, .script = BEGIN BEFORE "echo lose > control; " GIVES_75 GONE (1000) BEFORE_LIVES},
    {0, .script = BEGIN BEFORE "kill -KILL $tool; " GONE (1000) BEFORE_LIVES},
};
TRIAL_TABLE_BESIDE (test_what_was_there_before_lives_on, s_before)

#define STOPPED RUN (TREE) "kill -STOP $(cat main) $(cat child) $(cat daemon); "

static const trial_t s_stopped[] = {
    {0, .script = BEGIN STOPPED "kill -KILL $tool; " GONE (1000)},
    {0, .script = BEGIN STOPPED "kill -KILL $guard; " GIVES_75 GONE (1000)},
    {0, .script = BEGIN STOPPED "echo silence > control; " GIVES_75 GONE (2400) "test -s term"},
};
TRIAL_TABLE_BESIDE (test_members_that_are_stopped, s_stopped)

/*  Two to the power of seven processes, which come while they are killed; and three chains of which
 *  each process ends as soon as it has a successor. */
#define BUSH                                                                                       \
    "mkfifo hold; cat > bush.$$ <<'.'\n"                                                           \
    "grow() { n=$1; while [ $n -gt 0 ]; do n=$((n - 1)); grow $n & done; read x < hold; }\n"       \
    "chain() { n=$((n - 1)); [ $n -gt 0 ] && chain & exit; }\n"                                    \
    "n=100000; chain & chain & chain & grow 6 &\n"                                                 \
    "echo up > up; grow 6\n"                                                                       \
    ".\n"

static const trial_t s_bushes[] = {
    {0, .script = BEGIN BUSH RUN ("lock -- sh bush.$$") "kill -KILL $tool; " GUARD_ENDS
                                                        "! pgrep -f bush.$$"},
    {0, .script = BEGIN BUSH RUN ("lock -- sh bush.$$") "kill -KILL $guard; " GIVES_75
                                                        "! pgrep -f bush.$$"},
    {0, .script = BEGIN BUSH RUN ("lock -- sh bush.$$") "echo lose > control; " GIVES_75
                                                        "! pgrep -f bush.$$"},
};
TRIAL_TABLE_BESIDE (test_members_that_come_while_they_are_killed, s_bushes)

#define GOES_ON "mkfifo go; " RUN ("lock -- sh -c 'echo up > up; read x < go; exit 5'")

static const trial_t s_guard[] = {
    //  Those that a terminal or an administrator sends to a whole group: the guard alone takes
    //  them.
    {0, .script = BEGIN GOES_ON "for s in 1 2 3 10 12 14 15 18 20 21 22; do kill -$s $guard; done; "
                                "echo > go; wait $tool; [ $? = 5 ]"},
    //  All others end it, and with it the command. The address sanitizer would take SIGSEGV, and
    //  tell at length where it came from.
    {0, .script = "ulimit -c 0; export ASAN_OPTIONS=\"$ASAN_OPTIONS:handle_segv=0\"; "
                  "for s in 4 6 9 11 13 16 26 31 34 64; do " BEGIN RUN (
                      "lock -- sh -c 'setsid sleep 61 & echo $! > child; echo up > up; exec sleep "
                      "60'") "kill -$s $guard; " GIVES_75
                             "! ps -o stat= -p $(cat child) | grep -q '^[^Z]' || exit 95; done"},
};
TRIAL_TABLE_BESIDE (test_signals_to_the_guard, s_guard)

HF_TEST_MAIN (trial_tree_setup, trial_teardown)
