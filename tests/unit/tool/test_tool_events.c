//  holdfast watch, wait, observe and locks --watch, with the fake library: what is printed.

#include "tests/kit/hf_test.h"
#include "tests/unit/tool/trial.h"

//  Without the date and the time in front.
#define CUT      " 2>&1 | sed -E 's/^[-0-9]+ [:.0-9]+  //'"
#define CUT_JSON " 2>&1 | sed -E 's/\"time\":\"[-0-9]+T[:.0-9]+Z\"/T/'"
#define ENDED                                                                                      \
    "holdfast: the watch has ended: the limit on sessions, locks or requests in flight is "        \
    "reached\n"

#define THREE "HOLDFAST_ENDPOINTS=1@h:1:2,2@h:3:4,3@h:5:6 "

//  The cluster: who leads is asked, what is lost comes from a watch.
static const trial_t s_events[] = {
    {0, THREE "$T events" CUT,
     .is = "leader  node 1 leads in term 5\n"
           "lost  lock one, token 43: session 9 (kim) expired\n"
           "gap  what was lost before is not kept any more\n" ENDED},
    {0, THREE "$T events --json" CUT_JSON " | sed -n '1,2p'",
     .is = "{T,\"what\":\"leader\",\"text\":\"node 1 leads in term 5\",\"node\":1,\"term\":5}\n"
           "{T,\"what\":\"lost\",\"text\":\"lock one, token 43: session 9 (kim) expired\","
           "\"name\":\"one\",\"session\":9,\"token\":43,\"label\":\"kim\"}\n"},
    {0, THREE "HF_FAKE_NODES=1 $T events" CUT " | head -1",
     .is = "no-leader  no leader that a majority knows: 1 of 3 nodes answer\n"},
    {64, "$T events --interval 50ms", .has = "at least 100ms"},
    {64, "$T events x", .has = "takes no argument"},
    {69, .script = "HF_FAKE_WATCH=64 $T events"},
};
TRIAL_TABLE (test_events_of_the_cluster, s_events)

static const trial_t s_top[] = {
    {0, THREE "$T top --once | sed 1,2d",
     .is = "NODE  ROLE      ENDPOINT  TERM  APPLIED  CLIENTS  SYNC_MS  LINKS  CMD/S\n"
           "   1  leader    h:1          5        -        -        -      -      0\n"
           "   2  follower  h:3          5        -        -        -      -      0\n"
           "   3  follower  h:5          5        -        -        -      -      0\n"
           "\n"
           "WAITERS  HOLDERS  STAGED  LOCK   LABEL                           NOTE\n"
           "      2        2     100  one    kim@alpha pid 4711 ./backup.sh  n\n"
           "      0        1       0  zw\303\266lf\n"},
    {0, THREE "$T top --once", .has = "  node 1 leads in term 5  3 of 3 nodes  "},
    {0,
     THREE
     "$T top --once --json | grep -c '\"leader\":1,\"term\":5,.*\"lock\":\"one\",\"holders\":2,'",
     .is = "1\n"},
    {0, THREE "$T top --interval 100ms | sed -n '/^NODE/{p;q}' | cut -c1-4", .is = "NODE\n"},
    {69, THREE "HF_FAKE_NODES=0 $T top --once", .has = "nobody answers"},
    {64, "$T top --interval 99ms", .has = "at least 100ms"},
    {74, .script = "trap '' PIPE; $T top --once > /dev/full"},
};
TRIAL_TABLE (test_top, s_top)

static const trial_t s_watch[] = {
    {2, .script = "$T watch"},
    {0, "$T watch" CUT,
     .is = "4  queued  one  session 13\n"
           "5  released  one  session 7  token 42\n"
           "6  noted  one  session 9  token 43  (node 2)\n"
           "7  lost  one  session 9  token 43  closed for 500 ms  kim  (node 2)\n"
           "8  granted  one  session 13  token 44  z\303\266\n"
           "9  granted  one too  session 1  token 45\n"
           "20  gap  what happened before is not kept any more\n" ENDED,
     .log_has = "watch all after -1\n"},
    {0, "$T watch --json --after 3 on" CUT_JSON " | sed -n '4p;7p'",
     .is = "{T,\"number\":7,\"what\":\"lost\",\"index\":12,\"name\":\"one\",\"session\":9,"
           "\"token\":43,\"units\":2,\"label\":\"kim\",\"note\":\"node 2\",\"closed_ms\":500}\n"
           "{T,\"number\":20,\"what\":\"gap\"}\n",
     .log_has = "watch on after 3\n"},
    {0, "$T watch --files" CUT,
     .is = "18446744073709551615  appended  text  session 13  10 bytes\n" ENDED},
    {0, "$T watch --files --json --after 0" CUT_JSON " | head -1",
     .is = "{T,\"number\":\"18446744073709551615\",\"what\":\"appended\",\"index\":9,"
           "\"name\":\"text\",\"session\":13,\"size\":10}\n",
     .log_has = "watch all after 0\n"},
    {64, "$T watch --after -1", .has = "'-1' is not a number"},
    {64, "$T watch a b", .has = "one prefix at a time"},
    {69, .script = "HF_FAKE_WATCH=64 $T watch"},
    {2, "HF_FAKE_WATCH=19 $T watch x", .has = "cannot watch x: a name must be"},
    {74, .script = "trap '' PIPE; $T watch > /dev/full"},
};
TRIAL_TABLE (test_watch, s_watch)

static const trial_t s_wait[] = {
    {0, .script = "$T wait other"},
    {1, "$T wait -n one", .has = "lock one is held"},
    {7, .script = "$T wait -n -E 7 one", .log_lacks = "watch"},
    {2, "$T wait one", .has = "cannot wait for lock one: the limit"},
    {69, .script = "HF_FAKE_QUERY=64 $T wait one"},
    {69, .script = "HF_FAKE_WATCH=66 $T wait one"},
    {64, .script = "$T wait"},
    {64, .script = "$T wait -w x one"},
};
TRIAL_TABLE (test_wait, s_wait)

#define BOTH "session 7  token 42  kim@alpha pid 4711 ./backup.sh  (n)\nsession 9  token 43\n"

static const trial_t s_observe[] = {
    {0, "$T observe one" CUT,
     .is = BOTH //  at first
     "session 9  token 43\n"
     "session 9  token 43  (node 2)\n"
     "session 13  token 44  z\303\266\n" //  at once after the loss
     BOTH ENDED},                        //  asked again after the gap
    {0, "$T observe --json one" CUT_JSON " | sed -n 3p",
     .is =
         "{T,\"lock\":\"one\",\"holders\":[{\"session\":9,\"token\":43,\"units\":3,\"label\":\"\","
         "\"note\":\"node 2\"}]}\n"},
    {0, "$T observe other" CUT, .is = "nobody\nnobody\n" ENDED},
    {69, .script = "HF_FAKE_QUERY=64 $T observe one"},
    {64, .script = "$T observe"},
};
TRIAL_TABLE (test_observe, s_observe)

static const trial_t s_locks[] = {
    {2, "$T locks --watch one", .has = "holders  2\n"},
    {2, "$T locks --watch --json", .has = "\"lock\": \"one\""},
    {2, "$T locks --watch other", .has = "nobody holds lock other"},
    {69, .script = "HF_FAKE_QUERY=64 $T locks --watch"},
};
TRIAL_TABLE (test_locks_watched, s_locks)

static const trial_t s_help[] = {
    {0, .script = "for c in watch wait observe; do "
                  "$T $c --help | grep -q \"usage: holdfast $c\" || exit 9; "
                  "$T $c -h | grep -q examples: || exit 8; "
                  "$T --help | grep -q \"^  $c  \" || exit 6; done"},
};
TRIAL_TABLE (test_help, s_help)

HF_TEST_MAIN (trial_setup, trial_teardown)
