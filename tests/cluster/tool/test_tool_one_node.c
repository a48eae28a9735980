/*  The tool against a real node: what a script sees. In the scripts $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

static hf_cluster_t *s_cluster;

static const trial_t s_run[] = {
    //  P5: each of the ten reads the number, and writes the next.
    {0,
     "echo 0 > n; for i in 1 2 3 4 5 6 7 8 9 10; do "
     "$T run count -- sh -c 'read n < n; sleep 0.01; echo $((n + 1)) > n' & done; wait; cat n",
     .is = "10\n"},
    //  It gives up.
    {0, .script =
            "mkfifo up go; $T run busy -- sh -c 'echo > up; read x < go' & read x < up; "
            "$T run -n busy -- touch ran; [ $? = 1 ] || exit 9; "
            "$T run -n -E 7 busy -- touch ran; [ $? = 7 ] || exit 8; "
            "$T run -w 0.3 busy -- touch ran; [ $? = 1 ] || exit 7; "
            "$T acquire -n busy; [ $? = 1 ] || exit 6; "
            "echo > go; wait $!; $T run -n busy -- true && [ ! -e ran ]; c=$?; rm up go; exit $c"},
    //  The command has its section.
    {5, .script = "$T run books -- sh -c '$T append ledger one && $T append -l audit line && "
                  "$T cat ledger; [ $? = 2 ] || exit 9; $T append ledger two; exit 5'"},
    {0, "$T cat ledger; $T cat audit; $T ls --json > ls; $T ls", .has = "onetwoline\n",
     .has_too = "     6  "},
    {1, .script = "$T run --cancel-on-failure books -- sh -c '$T append ledger no; exit 1'"},
    {0, "$T cat ledger", .is = "onetwo"},
    //  One that is killed loses it.
    {0,
     .script =
         "mkfifo up; $T run --ttl 1 dies -- sh -c '$T append lost x; echo > up; exec sleep 60' & "
         "read x < up; rm up; kill -KILL $!; wait $!; "
         "$T run -w 20 dies -- true && ! $T cat lost 2>/dev/null"},
};
TRIAL_TABLE (test_run, s_run)

static const trial_t s_kinds[] = {
    //  Readers beside each other; an exclusive one not beside them, and the other way round.
    {0,
     .script =
         "mkfifo up go; $T run -s data -- sh -c 'echo > up; read x < go' & read x < up; "
         "$T run -s -n data -- true || exit 9; $T run -n data -- touch ran; [ $? = 1 ] || exit 8; "
         "echo > go; wait $!; $T run -n data -- $T run -s -n -E 7 data -- touch ran; "
         "[ $? = 7 ] || exit 7; rm up go; [ ! -e ran ]"},
    //  P5: of a limit of 2, not more than 2; another limit is refused while it is used.
    {0,
     "eval \"$($T acquire --limit 2 sem)\"; a=$HOLDFAST_TOKEN; as=$HOLDFAST_SESSION; "
     "$T run --limit 2 -n sem -- $T run --limit 2 -n sem -- touch ran; [ $? = 1 ] || exit 9; "
     "$T run --limit 3 -n sem -- touch ran; [ $? = 2 ] || exit 8; "
     "$T release --token $a --session $as && $T run --limit 2 --units 2 -n sem -- echo both && "
     "[ ! -e ran ]",
     .has = "both\n", .has_too = "another limit of units"},
    //  A set: all or nothing, with one section.
    {0, .script = "eval \"$($T acquire b)\"; $T run -n a b c -- touch ran; [ $? = 1 ] || exit 9; "
                  "$T run -n a c -- true || exit 8; $T release; "
                  "$T run -n a b c -- sh -c '$T append -l sets one && "
                  "$T append --lock c -l sets two && $T run -n c -- touch ran; [ $? = 1 ]' && "
                  "[ $($T cat sets | wc -l) = 2 ] && [ ! -e ran ]"},
    //  Two sets in another order never wait for each other.
    {0, .script = "for i in 1 2 3 4 5; do $T run x y -- true & $T run y x -- true & done; wait"},
    //  What would wait for its own outer session for ever is refused, as is a ring of two.
    {2, "$T run mine -- $T run mine -- touch ran", .has = "would never end"},
    {0, .script = "mkfifo up go; $T run p -- sh -c 'echo > up; read x < go; $T run q -- true' & "
                  "read x < up; $T run q -- sh -c '$T run p -- touch ran & "
                  "until $T locks p | grep -q \"waiters  1\"; do :; done; echo > go; wait $!'; "
                  "a=$?; wait; rm up go; $T run -n p q -- true || exit 9; [ $a = 0 ]"},
    //  The longest note; longer ones, and 65 names, are refused by the tool.
    {0, .script = "$T run --note \"$(printf %01024d 0)\" --lock-delay 1s n -- true"},
};
TRIAL_TABLE (test_kinds, s_kinds)

static const trial_t s_barrier[] = {
    //  Nobody goes on before the third is there; the next three use the same name.
    {0,
     "for round in 1 2; do $T barrier trio 3 -- echo go >> out & a=$!; $T barrier trio 3 & b=$!; "
     "until [ $($T locks trio 2>/dev/null | grep -c holds) = 2 ]; do :; done; [ -s out ] && "
     "[ $round = 1 ] && exit 9; $T barrier trio 3; wait $a && wait $b || exit 8; done; cat out",
     .is = "go\ngo\n"},
    {1, "$T barrier -w 0.3 alone 2 -- touch ran", .has = "did not open in time"},
    //  One that is ended before is counted no more.
    {0, .script = "$T barrier pair 2 & pid=$!; "
                  "until $T locks pair 2>/dev/null | grep -q holds; do :; done; kill $pid; "
                  "wait $pid; [ $? = 143 ] || exit 9; $T barrier -w 0.3 pair 2; [ $? = 1 ]"},
};
TRIAL_TABLE (test_barrier, s_barrier)

static const trial_t s_append[] = {
    {0, "for i in 1 2 3 4 5 6; do $T append -l lines \"line $i\" & done; wait; $T cat lines | sort",
     .is = "line 1\nline 2\nline 3\nline 4\nline 5\nline 6\n"},
    {0, .script =
            "head -c 3000000 /dev/urandom > in; $T append long < in && $T cat long | cmp - in && "
            "$T cat --offset 1048570 --length 100 long > part && "
            "tail -c +1048571 in | head -c 100 | cmp - part"},
    //  What is too large changes nothing: the section goes on as it was.
    {0,
     "$T run cap -- sh -c 'head -c 16000000 /dev/zero | $T append cap && "
     "head -c 1000000 /dev/zero | $T append cap; [ $? = 2 ]' && $T cat cap | wc -c",
     .has = "16000000\n", .has_too = "larger than the limit"},
};
TRIAL_TABLE (test_append, s_append)

static const trial_t s_acquire[] = {
    {0,
     "eval \"$($T acquire 'it is')\" && $T append kept a && $T append kept b && "
     "eval \"$($T release)\" && $T cat kept && [ -z \"$HOLDFAST_LOCK$HOLDFAST_TOKEN\" ]",
     .is = "ab"},
    {0, "eval \"$($T acquire again)\" && $T append kept x && $T release --cancel && $T cat kept",
     .is = "unset HOLDFAST_LOCK HOLDFAST_TOKEN HOLDFAST_SESSION\nab"},
    {0, "timeout 20 sh -c '$T cat -f kept | head -c 1'", .is = "a"},
    {2, "eval \"$($T acquire once)\" && $T release && $T release",
     .has = "you do not hold lock once"},
    {2, "eval \"$($T acquire once)\"; $T release --token 1", .has = "you do not hold lock once"},
    {2, .script = "$T append --lock once --token 1 --session 1 file x"},
    {0, .script = "last=0; for i in 1 2 3 4 5; do eval \"$($T acquire rising)\"; $T release; "
                  "[ $HOLDFAST_TOKEN -gt $last ] || exit 1; last=$HOLDFAST_TOKEN; done"},
};
TRIAL_TABLE (test_acquire_and_release, s_acquire)

/*  P8, and the place in the queue that people see. */
static const trial_t s_queue[] = {
    {0,
     "a=$($T acquire q); "
     "(eval \"$($T acquire q 2>err1)\"; echo first >> order; $T release) & one=$!; "
     "until grep -q 'place 1 in the queue' err1 2>/dev/null; do sleep 0.02; done; "
     "(eval \"$($T acquire q 2>err2)\"; echo second >> order; $T release) & two=$!; "
     "until grep -q 'place 2 in the queue' err2 2>/dev/null; do sleep 0.02; done; "
     "$T locks q > shown; $T locks --json q | grep -c position > positions; "
     "eval \"$a\"; $T release; wait $one $two; cat order shown positions; "
     "$T locks q; [ $? = 2 ]",
     .has = "first\nsecond\n", .has_too = "waiters  2\n"},
    {0, "cat positions", .is = "2\n"},
    //  A signal leaves the queue.
    {0, .script = "a=$($T acquire left); $T run left -- touch never & pid=$!; "
                  "until $T locks left | grep -q 'waiters  1'; do :; done; "
                  "kill -INT $pid; kill -TERM $pid; wait $pid; "
                  "until $T locks left | grep -q 'waiters  0'; do :; done; [ ! -e never ]"},
};
TRIAL_TABLE (test_queue, s_queue)

static const trial_t s_queries[] = {
    {0, "$T leader", .has = "node 1 leads in term "},
    {0, "$T status", .has = "1  leader  127.0.0.1:"},
    {0, "$T leader --json; $T status --json; $T ls --json; $T locks --json",
     .has = "\"majority\": true"},
    {0, "$T run who -- sh -c '$T locks who; $T locks' # it is me", .has = " sh -c $T locks who; ",
     .has_too = "  exclusive  "},
    {0, "$T run who -- sh -c '$T sessions --json --stale'", .has = "@",
     .has_too = " sh -c $T sessions --json --stale\""},
    //  What can never be granted: the ring, and both limits.
    {2,
     "rm -f up go; mkfifo up go; "
     "$T run deep -- sh -c 'echo > up; read x < go; $T run low -- true' & read x < up; "
     "$T run low -- sh -c 'echo > go; until $T locks low | grep -q \"waiters  1\"; do :; done; "
     "$T run deep -- true'; code=$?; wait; rm up go; exit $code",
     .has = " holds low and waits for deep; session ",
     .has_too = " -c echo > up; read x < go; $T run low -- true) holds deep and waits for low\n"},
    {2, "$T run --limit 5 sem -- $T run --limit 3 sem -- true",
     .has =
         "lock sem is used with a limit of 5 units, and was asked for with a limit of 3 units\n"},
    {2, .script = "$T cat 'no such file'"},
    {2, .script = "$T append \"$(printf 'a\\001b')\" x"},
    {2, .script = "$T run \"$(printf %0300d 0)\" -- true"},
    {0, .script = "$T append tailed one; $T cat -f tailed > seen & pid=$!; "
                  "until grep -q one seen; do sleep 0.02; done; $T append tailed two; "
                  "until grep -q onetwo seen; do sleep 0.02; done; kill -INT $pid; kill $pid; "
                  "wait $pid; true"},
};
TRIAL_TABLE (test_queries, s_queries)

/*  The 8 bytes of the file fit an eventfd: a descriptor of the library in the place of stdout. */
static const trial_t s_closed[] = {
    {0, .script = "$T append eight 12345678"},
    {74, .script = "$T cat eight >&-"},
    {74, .script = "$T cat eight >&- 2>&-"},
    {74, .script = "$T cat eight 0<&- >&- 2>&-"},
    {74, .script = "$T append eight <&-"},
    {70, "ulimit -n 12; $T leader", .has = "open files", .has_too = "limit is 12"},
    {70, "ulimit -n 8; $T run few -- true", .has = "open files", .has_too = "limit is 8"},
    {0, "$T run closed -- sh -c 'echo x >&2' 2>&-; $T cat eight <&-", .is = "12345678"},
};
TRIAL_TABLE (test_standard_descriptors_closed, s_closed)

/*  A command that ignores SIGTERM, as do a child of it and a daemon; each says when it was last
 * alive.
 */
#define STUBBORN                                                                                   \
    "rm -f up last-*; mkfifo up; cat > stubborn <<'.'\n"                                           \
    "trap '' TERM\n"                                                                               \
    "beat() { while :; do date +%s%3N >> last-$1; sleep 0.05; done; }\n"                           \
    "beat 1 & (beat 2 &) & until [ -s last-1 ] && [ -s last-2 ]; do sleep 0.01; done\n"            \
    "echo up > up; beat 3\n"                                                                       \
    ".\n"                                                                                          \
    "one=${PWD##*/}; $T run --ttl 1 $one -- sh stubborn 2>err & tool=$!; read x < up; "
/*  The next one began after each of them was last alive. */
#define NEXT                                                                                       \
    "$T run -w 20 $one -- sh -c 'date +%s%3N > began; sleep 0.3' || exit 8; "                      \
    "for i in 1 2 3; do [ $(tail -n 1 last-$i) -le $(cat began) ] || exit 7; done; "

/*  The node stands still, and is killed: last, since the cluster is one. */
static const trial_t s_lost[] = {
    {75,
     "mkfifo up; $T run --ttl 1 gone -- sh -c '$T append gone x; echo > up; exec sleep 60' & "
     "read x < up; rm up; kill -STOP $NODE; wait $!; c=$?; kill -CONT $NODE; exit $c",
     .has = "lock gone cannot be kept: ending the command before it is lost\n"},
    {0, .script = "$T run -w 20 gone -- true; ! $T cat gone 2>/dev/null"},
    //  P5: one that does not end by itself is dead before the next one runs: cut off for two
    //  seconds; below stopped, killed, its guard killed.
    {0, .script = STUBBORN "kill -STOP $NODE; until grep -q cannot err; do :; done; "
                           "n=$(date +%s); until [ $(date +%s) -gt $((n + 1)) ]; do :; done; "
                           "kill -CONT $NODE; wait $tool; [ $? = 75 ] || exit 9; " NEXT},
};
TRIAL_TABLE (test_a_lost_lock_ends_the_command, s_lost)

static const trial_t s_killed[] = {
    {0, .script = STUBBORN "kill -STOP $tool; " NEXT "kill -CONT $tool; wait $tool; [ $? = 75 ]"},
    {0, .script = STUBBORN "kill -KILL $tool; " NEXT},
    {0,
     .script = STUBBORN "kill -KILL $(pgrep -P $tool); wait $tool; [ $? = 75 ] || exit 9; " NEXT},
};
TRIAL_TABLE_BESIDE (test_one_that_is_stopped_or_killed_ends_the_command, s_killed)

/*  A process that cannot be ended, as it has become another user: the next one gets the lock only
 *  when the TTL is over, of which at least two thirds were left when the session was. */
HF_TEST (test_a_lock_whose_command_goes_on_is_left_to_its_ttl)
{
    trial_need ("chmod 777 . && cp $(command -v setpriv) foreign && chmod 4755 foreign && "
                "setpriv --reuid=65534 --clear-groups "
                "sh -c '\"$T\" --version && ./foreign --reuid=0 true'");
    trial_must (0, "rm -f up main; mkfifo up; umask 0; chmod 666 up; setpriv --reuid=65534 "
                   "--clear-groups $T run --ttl 3 far -- ./foreign --reuid=0 sh -c "
                   "'echo $$ > main; echo up > up; exec sleep 60' & tool=$!; read x < up; "
                   "t0=$(date +%s%3N); kill -KILL $(pgrep -P $tool); wait $tool; c=$?; "
                   "$T run -w 20 far -- sh -c 'date +%s%3N > began'; "
                   "kill -KILL $(cat main) || exit 9; "
                   "[ $c = 75 ] && [ $(($(cat began) - t0)) -gt 1500 ]");
    trial_output_has ("it goes on WITHOUT the lock\n");
}

/*  What ls says of a file is what xxhsum prints for it, before and after a start. */
HF_TEST (test_xxhsum_checks_a_file)
{
    trial_need ("xxhsum --version > version 2>&1");
    trial_must (0, "seq 1000 | $T append sums && $T append sums end");
    for (int turn = 0; turn < 2; turn++) {
        trial_must (
            0, "$T cat sums > copy && xxhsum -H64 copy > printed && read sum rest < printed && "
               "$T ls | grep \" $sum  sums\\$\" && $T ls --json | grep \"$sum\" && "
               "$T backup b && $T inspect b | grep \" $sum  sums\\$\"; c=$?; rm -f b; exit $c");
        hf_cluster_kill (s_cluster, 1);
        assert_true (hf_cluster_start (s_cluster, 1));
    }
}

static const trial_t s_no_node[] = {
    {69, "$T run --connect-timeout 1 lock -- touch ran",
     .has = "no node of the cluster can be reached: 127.0.0.1:"},
    {69, "$T run --connect-timeout 1 lock -- true",
     .has = " refuses connections, or there is no way"},
    {69, .script = "$T leader --timeout 500ms"},
    {69, "$T status --timeout 500ms", .has = "1  unreachable  127.0.0.1:"},
};

HF_TEST (test_no_node)
{
    hf_cluster_kill (s_cluster, 1);
    trial_table (s_no_node, sizeof s_no_node / sizeof *s_no_node);
    assert_true (hf_cluster_start (s_cluster, 1));
    trial_must (0, "$T cat ledger && $T run lock -- true"); //  P7
    trial_output_has ("onetwo");
    assert_true (hf_cluster_passed (s_cluster));
}

static int
s_setup (void **state)
{
    s_cluster = hf_cluster_new (1);
    if (trial_setup (state) != 0 || !hf_cluster_begin (s_cluster))
        return -1;
    char pid[16]; //  in scripts, $NODE
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (s_cluster, 1));
    setenv ("NODE", pid, 1);
    return setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_cluster), 1);
}

static int
s_teardown (void **state)
{
    hf_cluster_destroy (&s_cluster);
    return trial_teardown (state);
}

HF_TEST_MAIN (s_setup, s_teardown)
