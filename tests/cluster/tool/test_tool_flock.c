/*  What util-linux tests of flock(1), told again: each script runs once with flock(1) and a file,
 * once with `holdfast run` and a lock on a real node. Exit code and output must be the same.
 * docs/flock.md has the table. In the scripts $X is the one or the other, with its options before
 * the name.
 */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

static hf_cluster_t *s_cluster;

#define SAME(script)                                                                               \
    "f () ( rm -f up go ran; mkfifo up go; " script " ); X=flock; f > one; a=$?; X=\"$T run\"; "   \
    "f > two; b=$?; cat two; cmp one two && [ $a = $b ] && exit $a; "                              \
    "echo \"flock: $a, holdfast: $b\"; exit 99"

//  HELD (how, then): somebody holds it for as long as THEN takes; gives the code of THEN.
#define HELD(how, then)                                                                            \
    "$X " how " lock sh -c 'echo > up; read x < go' & read x < up; " then                          \
    "; c=$?; echo > go; wait $!; [ ! -e ran ] && exit $c; exit 98"

static const trial_t s_alone[] = {
    {0, SAME ("$X lock echo it ran"), .is = "it ran\n"},
    {3, SAME ("$X lock sh -c 'echo out; exit 3'"), .is = "out\n"},
    {0, SAME ("$X lock -c 'echo \"by a shell\"'"), .is = "by a shell\n"},
    {0, SAME ("$X lock --command 'echo so too'"), .is = "so too\n"},
    {137, .script = SAME ("$X lock sh -c 'kill -9 $$'")},
    {0, SAME ("$X -x lock echo x; $X -e lock echo e; $X --exclusive lock echo long"),
     .is = "x\ne\nlong\n"},
    {0, SAME ("$X -s lock echo s; $X --shared lock echo long"), .is = "s\nlong\n"},
    {0, SAME ("$X -o lock echo o; $X --close lock echo long"), .is = "o\nlong\n"},
    {0, SAME ("echo in | $X lock cat"), .is = "in\n"},
    {0, SAME ("$X --verbose lock true 2>&1 | grep -c 'getting lock.*took'"), .is = "1\n"},
    {0, SAME ("$X --verbose lock true 2>&1 | grep -c 'executing true'"), .is = "1\n"},
    {64, .script = SAME ("$X 2>/dev/null")},
    {64, .script = SAME ("$X --bogus lock true 2>/dev/null")},
    {64, .script = SAME ("$X -w soon lock true 2>/dev/null")},
    {64, .script = SAME ("$X -E 256 lock true 2>/dev/null")},
    {64, .script = SAME ("$X -E x lock true 2>/dev/null")},
    {64, .script = SAME ("$X lock -c 2>/dev/null")},
    {64, .script = SAME ("$X lock -c true too 2>/dev/null")},
    {0, .script = SAME ("$X --help > /dev/null && $X -h > /dev/null && $X -V > /dev/null")},
};
TRIAL_TABLE (test_alone, s_alone)

static const trial_t s_held[] = {
    //  Refused at once.
    {1, .script = SAME (HELD ("", "$X -n lock touch ran"))},
    {123, .script = SAME (HELD ("", "$X --nonblock --conflict-exit-code 123 lock touch ran"))},
    {123, .script = SAME (HELD ("", "$X --nb -E 123 lock touch ran"))},
    {1, .script = SAME (HELD ("", "$X --nonblocking lock touch ran"))},
    {0, .script = SAME (HELD ("", "$X -n -E 0 lock touch ran"))},
    //  Refused after some time.
    {1, .script = SAME (HELD ("", "$X -w 0.2 lock touch ran"))},
    {5, .script = SAME (HELD ("", "$X --timeout 0.2 -E 5 lock touch ran"))},
    {1, .script = SAME (HELD ("", "$X --wait 0 lock touch ran"))},
    {1, .script = SAME (HELD ("", "$X -w 30 -n lock touch ran"))},
    //  What is free is granted whatever the limit.
    {0, SAME ("$X -n lock echo n; $X -w 0 lock echo 0; $X -w 5 -E 9 lock echo 5"),
     .is = "n\n0\n5\n"},
    //  Shared beside shared; exclusive never.
    {0, SAME (HELD ("-s", "$X -s -n lock echo beside")), .is = "beside\n"},
    {1, .script = SAME (HELD ("-s", "$X -n lock touch ran"))},
    {1, .script = SAME (HELD ("-s", "$X -x -n lock touch ran"))},
    {1, .script = SAME (HELD ("", "$X -s -n lock touch ran"))},
    {1, .script = SAME (HELD ("-x", "$X -s -w 0.2 lock touch ran"))},
    //  Another name is another lock.
    {0, SAME (HELD ("", "$X -n other echo other")), .is = "other\n"},
    //  What the holder starts does not keep the lock when it has ended.
    {0, SAME ("$X -o lock sh -c 'sleep 1 > /dev/null 2>&1 &'; $X -n lock echo free"),
     .is = "free\n"},
};
TRIAL_TABLE (test_held, s_held)

//  It waits until the holder has ended, and not longer.
static const trial_t s_waits[] = {
    {0,
     SAME ("$X lock sh -c 'echo > up; read x < go; echo first' & read x < up; "
           "$X -w 30 lock echo second & w=$!; echo > go; wait $w"),
     .is = "first\nsecond\n"},
    {0,
     SAME ("$X -s lock sh -c 'echo > up; read x < go; echo reader' & read x < up; "
           "$X lock echo writer & w=$!; echo > go; wait $w"),
     .is = "reader\nwriter\n"},
    {0,
     SAME ("echo 0 > n; for i in 1 2 3 4 5 6 7 8; do "
           "$X lock sh -c 'read n < n; echo $((n + 1)) > n' & done; wait; cat n"),
     .is = "8\n"},
};

TRIAL_TABLE (test_waits, s_waits)

//  Where `holdfast run` is another thing, on purpose.
static const trial_t s_else[] = {
    {127, "$T run lock no-such-command", .has = "cannot run no-such-command"}, //  flock: 69
    {64, "$T run -u lock true", .has = "releases by itself"},
    {64, "$T run -F lock true", .has = "a process must keep the lock alive"},
    //  A holder that is killed: its command ends, too; the lock is free after the TTL.
    {0,
     "mkfifo up; $T run --ttl 1 lock sh -c 'echo > up; exec sleep 60' & p=$!; read x < up; "
     "kill -KILL $p; wait $p; $T run -w 30 lock echo next",
     .has = "next\n"},
    {64, "$T run 9 2>&1 9> file", .has = "which command?"}, //  flock: the descriptor 9
    //  The last of -n and -w counts; flock: -n.
    {1,
     "mkfifo up go; $T run lock sh -c 'echo > up; read x < go' & read x < up; "
     "$T run -v -n -w 0.2 lock touch ran; c=$?; echo > go; wait $!; [ ! -e ran ] && exit $c",
     .has = "not granted in time"},
    //  What stands before a -- are names; a command with a -- of its own needs one before it.
    {0, "$T run lock -- echo a -- b", .is = "a -- b\n"},
    {127, "$T run lock echo a -- no-such-command", .has = "cannot run no-such-command"},
    //  A writer that waits holds up the readers that come after it; flock: they pass it.
    {1, .script =
            "rm -f up go ran; mkfifo up go; "
            "$T run -s lock sh -c 'echo > up; read x < go' & r=$!; read x < up; "
            "$T run -s -n lock true || exit 9; $T run lock true & w=$!; "
            "until $T locks lock | grep -q 'waiters  1'; do :; done; "
            "$T run -s -n lock touch ran; c=$?; echo > go; wait $r $w; [ ! -e ran ] && exit $c"},
};

HF_TEST (test_else)
{
    trial_table (s_else, sizeof s_else / sizeof *s_else);
    assert_true (hf_cluster_passed (s_cluster));
}

static int
s_setup (void **state)
{
    s_cluster = hf_cluster_new (1);
    if (trial_setup (state) != 0 || !hf_cluster_begin (s_cluster))
        return -1;
    return setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_cluster), 1);
}

static int
s_teardown (void **state)
{
    hf_cluster_destroy (&s_cluster);
    return trial_teardown (state);
}

HF_TEST_MAIN (s_setup, s_teardown)
