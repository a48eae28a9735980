/*  Signals to `holdfast run`: which its command gets, and how often. Without a cluster. */
#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial.h"

/*  A shell starts what is in the background with SIGINT ignored. */
#define WITH_SIGINT "env --default-signal=INT,QUIT "

static const trial_t s_signals[] = {
    {0,
     .script = "for s in 1 2 3 10 12 14 15; do rm -f up; mkfifo up; " WITH_SIGINT
               "$T run lock -- sh -c '" WITH_SIGINT
               "sh -c \"echo \\$\\$ > child; echo up > up; exec sleep 61\" & "
               "exec sleep 60' & tool=$!; "
               "read x < up; kill -$s $tool; wait $tool; [ $? = $((128 + s)) ] || exit 9; "
               "until ! ps -o stat= -p $(cat child) | grep -q '^[^Z]'; do sleep 0.02; done; done",
     .log_has = "release lock 42\n"},
    //  Those that it does not catch.
    {0, .script =
            "ulimit -c 0; for s in 4 5 6 7 8 11 13 16 24 25 26 27 29 30 31 34 35 50 63 64 9; do "
            "rm -f up; mkfifo up; $T run lock -- sh -c 'sleep 61 & echo $! > child; "
            "echo up > up; exec sleep 60' 2>&- & tool=$!; read x < up; kill -$s $tool; "
            "until ! ps -o stat= -p $(cat child) | grep -q '^[^Z]'; do sleep 0.02; done; done"},
    //  What the command leaves behind goes on, without the lock.
    {0, .script = "$T run lock -- sh -c 'sleep 60 & echo $! > child' >&- 2>&-; kill $(cat child)",
     .log_has = "release lock 42\n"},
};
TRIAL_TABLE_BESIDE (test_signals, s_signals)

/*  The command counts what it gets, until "enough" is there. In the story: "count LETTER N" waits
 *  until it had N of them; "took" until the tool took its signal, and tool and guard did all that
 *  they do with it at once. */
#define COUNT                                                                                      \
    "mkfifo up; cat > count <<'.'\n"                                                               \
    "trap 'echo u >> got' USR1; trap 'echo t >> got' TERM; echo $$ > main; echo up > up\n"         \
    "until [ -e enough ]; do sleep 0.02; done\n"                                                   \
    ".\n"                                                                                          \
    "cat > story <<'.'\n"                                                                          \
    "trap : USR1 TERM; $T run lock -- $COMMAND & tool=$!; read x < up\n"                           \
    "guard=$(pgrep -P $tool); read main < main; touch got\n"                                       \
    "pending() { while read key value; do "                                                        \
    "[ $key = ShdPnd: ] && [ $value != 0000000000000000 ] && return 0; "                           \
    "done < /proc/$1/status; return 1; }\n"                                                        \
    "sleeps() { read stat < /proc/$1/stat; case $stat in *') S '*) return 0; esac; return 1; }\n"  \
    "took() { while pending $tool; do :; done; "                                                   \
    "until sleeps $tool; do :; done; until sleeps $guard; do :; done; }\n"                         \
    "count() { for i in $(seq 500); do [ $(grep -c $1 got) = $2 ] && return 0; sleep 0.02; "       \
    "done; return 1; }\n"
/*  Signals are passed on in their order: after the last one, which is to the tool alone, nothing
 *  comes any more. TERMS: how many of the others reached the command. */
#define COUNTS(terms)                                                                              \
    "kill -USR1 $tool; count u 1; touch enough\n"                                                  \
    "while kill -0 $tool 2>&-; do wait $tool; done; [ $(grep -c t got) = " #terms " ]\n.\n"
#define PLAY(command) "COMMAND='" command "' setsid -w sh story"

static const trial_t s_passed[] = {
    //  To the tool alone, two times; to the whole group.
    {0, .script =
            COUNT "kill -TERM $tool; count t 1; kill -TERM $tool\n" COUNTS (2) PLAY ("sh count")},
    {0, .script = COUNT "kill -TERM -$$\n" COUNTS (1) PLAY ("sh count")},
    //  One after the other, the tool first. timeout(1): to the tool, and then to the group.
    {0, .script = COUNT "kill -TERM $tool; took; "
                        "kill -TERM $guard; kill -TERM $main\n" COUNTS (1) PLAY ("sh count")},
    {0, .script = COUNT "kill -TERM $tool; took; "
                        "kill -TERM -$$\n" COUNTS (1) PLAY ("sh count")},
    //  The command has left the group.
    {0, .script = COUNT "kill -TERM -$$\n" COUNTS (1) PLAY ("setsid -w sh count")},
};
TRIAL_TABLE_BESIDE (test_each_signal_reaches_the_command_once, s_passed)

HF_TEST_MAIN (trial_setup, trial_teardown)
