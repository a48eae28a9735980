/*  What operators do to real nodes: end a hold or a session of somebody else. $T is `holdfast`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"
#include <stdio.h>
#include <stdlib.h>

static void
s_begin (hf_cluster_t *cluster)
{
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
}

/*  Every node logs it. */
static void
s_all_log (hf_cluster_t *cluster, const char *text)
{
    for (uint32_t id = 1; id <= 3; id++)
        assert_true (HF_WAIT (hf_cluster_log_has (cluster, id, text), HF_CLUSTER_LIMIT_MS));
}

HF_TEST_ON (test_a_hold_and_a_session_are_ended, 3)
{
    hf_cluster_add_argument (cluster, "--token-floor");
    hf_cluster_add_argument (cluster, "700");
    s_begin (cluster);
    trial_must (0, "$T acquire --json svc/first && $T acquire svc/second && $T locks svc/");
    trial_output_has ("\"token\": 701");
    trial_output_has ("  svc/second  ");
    //  The command ends, its holder is told why, and the next one has the lock.
    trial_must (75, "mkfifo up; $T run job -- sh -c '$T append ledger no; echo > up; "
                    "exec sleep 60' 2>err & read x < up; $T run job -- $T append ledger next & "
                    "until $T locks job | grep -q 'waiters  1'; do :; done; "
                    "$T release --force job && wait %2 && wait %1; c=$?; rm up; cat err; exit $c");
    trial_output_has ("lock job: ended the hold with token ");
    trial_output_has ("holdfast: lock job was taken away: session ");
    trial_output_has (" holdfast release) ended it, by command ");
    trial_must (0, "$T cat ledger");
    trial_output_has ("next");
    s_all_log (cluster, "holdfast release) cancelled lock job, token ");
    //  Nobody keeps it: its next append and release say so.
    trial_must (2, "eval \"$($T acquire left)\"; $T release --force left && $T append x y; "
                   "[ $? = 2 ] && $T release");
    trial_output_has ("you do not hold lock left: it was released or its session ended");
    trial_must (2, "$T release --force left");
    trial_must (0, "eval \"$($T acquire mine)\"; $T close $HOLDFAST_SESSION && ! $T locks mine");
    trial_output_has ("is closed: it held 1, and waited for 0");
    s_all_log (cluster, " holdfast close");
    trial_must (2, "$T close 1000");
}

/*  Whether NODE leads, as it did a while before: longer than it takes for the lowest id to get the
 *  lead back. */
static void
s_leads (hf_cluster_t *cluster, uint32_t node)
{
    (void)cluster;
    char script[200];
    snprintf (script, sizeof script,
              "end=$(($(date +%%s) + 4)); while [ $(date +%%s) -lt $end ]; do "
              "$T leader | grep -q 'node %u leads' || exit 1; sleep 0.2; done",
              node);
    trial_must (0, script);
}

HF_TEST_ON (test_who_leads, 3)
{
    s_begin (cluster);
    trial_must (0, "$T lead 3");
    trial_output_has ("node 3 leads in term ");
    s_leads (cluster, 3); //  it is kept
    assert_true (hf_cluster_log_has (cluster, 1, "asked to hand the lead to node 3 by "));
    trial_must (0, "$T drain 3");
    trial_output_has ("node 3 is drained: node ");
    trial_must (2, "$T lead 3");
    trial_must (0, "$T members");
    trial_output_has ("votes, drained");
    trial_must (0, "$T drain 1 && $T leader");
    trial_output_has ("node 2 leads");
    trial_must (2, "$T drain 2"); //  nobody would be left
    //  Only those are left: one of them leads, until there is another.
    hf_cluster_kill (cluster, 2);
    trial_must (0, "$T leader --timeout 20");
    assert_true (hf_cluster_start (cluster, 2));
    trial_must (0, "until $T leader | grep -q 'node 2 leads'; do :; done");
    trial_must (0, "$T drain --off 1 && $T drain --off 3 && "
                   "until $T leader | grep -q 'node 1 leads'; do :; done");
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
}

/*  What operators see of it, on nodes that come and go. */
HF_TEST_ON (test_events_are_seen, 3)
{
    s_begin (cluster);
    trial_must (0, "$T events --interval 0.1 > events 2>&1 & echo $! > watcher; "
                   "until grep -q 'node 1 leads' events; do :; done; "
                   "$T acquire --ttl 1 brief && $T drain 1 && "
                   "until grep -q 'leads in term [2-9]' events && "
                   "grep -q 'lost  lock brief, token ' events; do :; done");
    //  On a machine that stands still it may not hear in time who the members are.
    trial_must (0, "until $T top --once | grep -q ' drained$'; do :; done");
    hf_cluster_kill (cluster, 3);
    trial_must (0, "until grep -q 'node 3 does not answer' events; do :; done");
    assert_true (hf_cluster_start (cluster, 3));
    trial_must (0, "until grep -q 'node 3 answers again' events; do :; done; "
                   "$T drain --off 1 && until grep -q 'no longer drained' events; do :; done; "
                   "kill $(cat watcher)");
}

HF_TEST_MAIN (trial_setup, trial_teardown)
