/*  `holdfast run` whose machine is cut off from three real nodes: P5, at most one command at a
 * time.
 *
 *  In the scripts $T is `holdfast`. With HOLDFAST_ENDPOINTS=$CUT it is behind a network that the
 *  files "cut" and "heal" in the folder break and mend; "cut-done" says that it is broken.
 */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_proxy.h"
#include "tests/unit/tool/trial.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    hf_cluster_t *cluster;
    hf_proxy_t *proxy;
    pthread_t thread;
    atomic_bool over;
} s_world;

/*  Messages vanish in both directions, and nobody is told. */
static void
s_cut_off (uint32_t rules[2])
{
    for (uint32_t i = 0; i < 2; i++)
        rules[i] =
            hf_proxy_add (s_world.proxy, &(hf_rule_t){.way = i == 0 ? HF_TO_NODE : HF_TO_CLIENT,
                                                      .action = HF_RULE_DROP});
    rename ("cut", "cut-done");
}

static void
s_heal (const uint32_t rules[2])
{
    for (uint32_t i = 0; i < 2; i++)
        hf_proxy_lift (s_world.proxy, rules[i]);
    unlink ("cut-done");
    unlink ("heal");
}

static void *
s_work (void *arg)
{
    uint32_t rules[2] = {0, 0};
    while (!atomic_load (&s_world.over)) {
        if (access ("cut", F_OK) == 0)
            s_cut_off (rules);
        if (access ("heal", F_OK) == 0)
            s_heal (rules);
        HF_WAIT (atomic_load (&s_world.over), 10);
    }
    return arg;
}

#define CUT  "touch cut; until [ -e cut-done ]; do sleep 0.01; done; at=$(date +%s%3N); "
#define HEAL "touch heal; while [ -e heal ]; do sleep 0.01; done; "

/*  The command: it, a child and a daemon in a session of its own ignore SIGTERM; each says when it
 *  was last alive. */
#define BEGIN                                                                                      \
    "rm -f up last-*; mkfifo up; cat > stubborn <<'.'\n"                                           \
    "trap '' TERM\n"                                                                               \
    "beat() { while :; do date +%s%3N >> last-$1; sleep 0.05; done; }\n"                           \
    "beat 1 & (beat 2 &) & until [ -s last-1 ] && [ -s last-2 ]; do sleep 0.01; done\n"            \
    "echo up > up; beat 3\n"                                                                       \
    ".\n"                                                                                          \
    "HOLDFAST_ENDPOINTS=$CUT $T run --ttl 1 one -- setsid -w sh stubborn 2>err & tool=$!; "        \
    "read x < up; " CUT
/*  The next one is granted within TTL and a second of the cut, and begins after each of the others
 *  was last alive. */
#define NEXT                                                                                       \
    "$T run -w 20 one -- sh -c 'date +%s%3N > began; sleep 0.3' || exit 8; "                       \
    "[ $(cat began) -le $((at + 2500)) ] || exit 6; "                                              \
    "for i in 1 2 3; do [ $(tail -n 1 last-$i) -le $(cat began) ] || exit 7; done; "

static const trial_t s_cut[] = {
    //  Cut off for good: it ends by itself, and says why.
    {0, BEGIN NEXT "wait $tool; c=$?; cat err; " HEAL "[ $c = 75 ]",
     .has = "lock one cannot be kept: ending the command before it is lost\n"},
    //  Cut off, and the tool itself stands still past the deadline: the guard ends it.
    {0, .script = BEGIN "kill -STOP $tool; " NEXT "kill -CONT $tool; wait $tool; c=$?; " HEAL
                        "[ $c = 75 ]"},
    //  Cut off, and the tool is killed.
    {0, .script = BEGIN "kill -KILL $tool; " NEXT HEAL},
    //  Cut off, and the guard stands still: the tool ends the tree.
    {0, .script = BEGIN "guard=$(pgrep -P $tool); kill -STOP $guard; " NEXT
                        "kill -CONT $guard 2>/dev/null; wait $tool; c=$?; " HEAL "[ $c = 75 ]"},
    //  Cut off for a moment: the command goes on to its end.
    {5, .script =
            "rm -f up; mkfifo up go; HOLDFAST_ENDPOINTS=$CUT $T run --ttl 3 one -- "
            "sh -c 'echo > up; read x < go; exit 5' & tool=$!; read x < up; " CUT "sleep 0.3; " HEAL
            "$T run -w 5 one -- touch never; [ $? = 1 ] || exit 9; [ ! -e never ] || exit 8; "
            "echo > go; wait $tool"},
};

HF_TEST (test_cut_off)
{
    trial_table (s_cut, sizeof s_cut / sizeof *s_cut);
    assert_true (hf_cluster_passed (s_world.cluster));
}

static int
s_setup (void **state)
{
    s_world.cluster = hf_cluster_new (3);
    if (trial_setup (state) != 0 || !hf_cluster_begin (s_world.cluster))
        return -1;
    s_world.proxy = hf_proxy_new (s_world.cluster);
    setenv ("CUT", hf_proxy_endpoints (s_world.proxy), 1);
    setenv ("HOLDFAST_FIXED", "1", 1); //  the cluster names the nodes behind the network
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (s_world.cluster), 1);
    return pthread_create (&s_world.thread, NULL, s_work, NULL);
}

static int
s_teardown (void **state)
{
    atomic_store (&s_world.over, true);
    pthread_join (s_world.thread, NULL);
    hf_proxy_destroy (&s_world.proxy);
    hf_cluster_destroy (&s_world.cluster);
    return trial_teardown (state);
}

HF_TEST_MAIN (s_setup, s_teardown)
