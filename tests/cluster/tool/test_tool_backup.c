/*  A backup of three real nodes that serve meanwhile, and a new cluster made of it. $T is
 *  `holdfast`, $N is `holdfastd`. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"

static hf_cluster_t *s_new; //  the cluster that is restored

static int
s_tear_down (void **state)
{
    if (s_new)
        hf_cluster_destroy (&s_new);
    return trial_teardown (state);
}

static void
s_go_to (hf_cluster_t *cluster)
{
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
}

static void
s_begin (hf_cluster_t *cluster)
{
    assert_true (hf_cluster_begin (cluster));
    s_go_to (cluster);
    setenv ("N", hf_cluster_program (), 1);
}

/*  A file of some MiB, so that there are many parts; and a lock that somebody holds. */
static void
s_fill (void)
{
    trial_must (0, "head -c 900000 /dev/urandom > chunk; for i in 1 2 3 4 5; do "
                   "$T append --alone big < chunk || exit; done; "
                   "$T acquire held --ttl 10m > held && . ./held && $T append --alone none ''");
}

/*  Both files get a line in each section, for as long as the folder has "load". */
#define LOAD                                                                                       \
    "touch load; (i=0; while [ -e load ]; do i=$((i+1)); $T run pair -- sh -c "                    \
    "\"$T append one 'line $i;'; $T append two 'line $i;'\" || exit; done) & "

/*  Of another size: no node of it may believe in the old members. */
static void
s_name_new (void)
{
    s_new = hf_cluster_new (5);
    setenv ("DATA", hf_cluster_node_dir (s_new, 1), 1);
    setenv ("LIST", hf_cluster_endpoints (s_new), 1);
}

/*  P6, P10: everything that was complete before is in it, and no half section. */
HF_TEST_ON (test_a_backup_under_load_is_a_new_cluster, 3)
{
    s_begin (cluster);
    s_fill ();
    trial_must (0, LOAD "until $T ls | grep -q two; do :; done; $T append --alone mark before; "
                        "$T backup b --progress; code=$?; rm load; wait; ls; exit $code");
    trial_output_has ("100 %");
    assert_false (hf_cluster_log_has (cluster, 1, "a client backs up")); //  it leads
    trial_must (0, "$T inspect b; ! [ -e b.part ]");
    trial_output_has ("members    1 2 3\n");
    s_name_new ();
    trial_must (0, "$N --restore b --data $DATA --id 1 --cluster $LIST && "
                   "$N --dump $DATA | grep -q '\"lock\": \"held\"'");
    trial_must (0, "for f in big mark none one two; do $T cat $f > old.$f || exit; done");
    s_go_to (s_new);
    assert_true (hf_cluster_begin (s_new));
    assert_true (hf_cluster_wait_equal (s_new, HF_CLUSTER_LIMIT_MS));
    //  Byte for byte the beginning of what the old cluster has.
    trial_must (0, "for f in big mark none one two; do $T cat $f > new.$f && "
                   "head -c $(stat -c %s new.$f) old.$f | cmp - new.$f || exit; done; "
                   "cmp old.big new.big && cmp old.mark new.mark && cmp new.one new.two && "
                   "[ -s new.one ]");
    for (uint32_t id = 2; id <= 5; id++)
        assert_true (hf_cluster_wait_file (s_new, "mark", "before", HF_CLUSTER_LIMIT_MS));
    //  Who held a lock holds it, and tokens are above all that the old cluster can have given out.
    trial_must (0,
                "$T locks held && . ./held && HOLDFAST_ENDPOINTS=$LIST && old=$HOLDFAST_TOKEN && "
                "$T release && "
                "eval \"$($T acquire held)\" && [ $HOLDFAST_TOKEN -gt $((old + 1000000000000)) ]");
    assert_true (hf_cluster_passed (s_new));
    hf_cluster_destroy (&s_new);
}

/*  P4: the state is that of the node, as of the index. */
HF_TEST_ON (test_a_backup_has_the_state_of_its_index, 3)
{
    hf_node_status_t status;
    char want[64];
    s_begin (cluster);
    s_fill ();
    trial_must (0, "$T backup --node 3 b && $T inspect --json b");
    assert_true (hf_cluster_log_has (cluster, 3, "a client backs up"));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_status (cluster, 1, &status));
    snprintf (want, sizeof want, "\"state_hash\": \"%016llx\"",
              (unsigned long long)status.state_hash);
    trial_output_has (want);
    trial_output_has ("\"sessions\": 1");
    s_name_new ();
    trial_must (0, "$N --restore b --drop-sessions --data new --id 1 --cluster $LIST && "
                   "$N --dump new | tr -d ' \\n'");
    trial_output_has ("\"sessions\":[],\"locks\":[]");
    hf_cluster_forget (s_new); //  it was needed for its list
    hf_cluster_destroy (&s_new);
}

HF_TEST_ON (test_what_is_damaged_or_not_finished_is_refused, 3)
{
    s_begin (cluster);
    s_fill ();
    trial_must (0, "$T backup - > b && $T inspect b");
    trial_must (74, "trap '' 25; ulimit -f 1000; $T backup cut"); //  the disk is full
    trial_must (1, "ls cut cut.part 2>/dev/null | grep .");
    trial_must (64, "$T backup --node 9 cut");
    trial_must (2, "printf 'damage' | dd of=b bs=1 seek=2000000 conv=notrunc 2>/dev/null; "
                   "$T inspect b");
    trial_output_has ("b is damaged at byte 1966352: the 65536 bytes from there on");
    trial_must (1, "$N --restore b --data other --id 1 --cluster 1@127.0.0.1");
    trial_output_has ("b is damaged at byte 1966352");
    trial_must (1, "[ -e other ]");
    trial_must (2, "head -c 1000000 b > short; $T inspect short");
    trial_output_has ("short is damaged at byte 1000000: it ends there");
    trial_must (0, "$T backup b");
    trial_must (1, "mkdir other; touch other/x; "
                   "$N --restore b --data other --id 1 --cluster 1@127.0.0.1");
    trial_output_has ("other is not empty");
    trial_must (64, "$N --drop-sessions");
}

HF_TEST_MAIN (trial_setup, s_tear_down)
