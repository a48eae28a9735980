/*  Two of three disks are lost for good, and the one that is left was behind: a new cluster begins
 *  with it. The old members are refused until they are wiped. $T is `holdfast`, $N is `holdfastd`,
 *  $D2 the folder that is left.
 */
#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_folder.h"
#include "tests/unit/tool/trial.h"

#define LEFT     2
#define LIMIT_MS HF_CLUSTER_LIMIT_MS

/*  Both files get a line in each section, N times, by four at a time. */
#define LOAD                                                                                       \
    "for who in a b c d; do (i=0; while [ $i -lt 2 ]; do i=$((i+1)); $T run pair -- sh -c "        \
    "\"$T append one '$who $i;'; $T append two '$who $i;'\" || exit; done) & done; wait; "         \
    "[ $($T cat one | tr -dc ';' | wc -c) = 8 ]"

static hf_script_t *s_client, *s_later;

static int
s_tear_down (void **state)
{
    hf_script_destroy (&s_client);
    hf_script_destroy (&s_later);
    hf_cluster_tear_down (state);
    return trial_teardown (NULL);
}

static int
s_set_up (void **state)
{
    *state = hf_cluster_new (3);
    return trial_setup (NULL);
}

static void
s_begin (hf_cluster_t *cluster)
{
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
    setenv ("N", hf_cluster_program (), 1);
    setenv ("D1", hf_cluster_node_dir (cluster, 1), 1);
    setenv ("D2", hf_cluster_node_dir (cluster, LEFT), 1);
}

//  ---- the loss ------------------------------------------------------------------------

static uint64_t
s_first_index (hf_cluster_t *cluster)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, LEFT, &status) ? status.first_index : 0;
}

/*  Node 2 has what is in `one` and `two`, and knows of who holds `held` and `mine`. It is away
 * while the others grant more tokens and fill more files. Gives the last token. */
static uint64_t
s_lose_two (hf_cluster_t *cluster, bool prunes)
{
    s_begin (cluster);
    trial_must (0, LOAD);
    trial_must (0, "$T acquire held --ttl 10m > held && . ./held && $T append none staged");
    s_client = hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (s_client, "open 600000");
    MUST (s_client, "acquire mine");
    MUST (s_client, "acquire back");
    trial_must (0, "$T cat one > one && $T cat two > two && cmp one two");
    assert_true (hf_cluster_wait_equal (cluster, LIMIT_MS));
    assert_true (!prunes || HF_WAIT (s_first_index (cluster) > 1, LIMIT_MS));
    hf_cluster_kill (cluster, LEFT);
    trial_must (0, "for i in 1 2 3 4 5; do $T append lost 'line;' || exit; done");
    MUST (s_client, "release back");
    s_later = hf_script_new ("later", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (s_later, "open 600000");
    uint64_t token = MUST (s_client, "acquire late").token;
    hf_cluster_kill (cluster, 1);
    hf_cluster_kill (cluster, 3);
    hf_cluster_set_apart (cluster, 1, true);
    hf_cluster_set_apart (cluster, 3, true);
    return token;
}

static void
s_recover (hf_cluster_t *cluster)
{
    trial_must (1, "$N --dump $D2 > before && $N --recover --data $D2 --id 2");
    trial_output_has ("members      1 2 3\n");
    trial_output_has ("What the others have committed and this disk does not have is lost: grants");
    trial_output_has ("nothing was changed; with --yes it will be");
    trial_must (0, "$N --dump $D2 | cmp before -");
    trial_must (0, "$N --recover --data $D2 --yes");
    trial_output_has ("It is node 2 of the new cluster ");
    trial_must (0, "$N --dump $D2 > after; ! cmp -s before after; $N --recover --data $D2 --yes");
    trial_output_has ("node 2 needs no other node, as it is: nothing was changed");
    trial_must (0, "$N --dump $D2 | cmp after -");
    assert_true (hf_cluster_start (cluster, LEFT)); //  with the list of all three
    assert_int_equal (hf_cluster_wait_leader (cluster, LIMIT_MS), LEFT);
}

static bool
s_is_free (hf_cluster_t *cluster, const char *lock)
{
    hf_lock_view_t view;
    return hf_cluster_lock (cluster, lock, &view) && view.holder == 0;
}

/*  P5a, P6, P7 for what this disk has. */
static void
s_expect_what_there_was (hf_cluster_t *cluster, uint64_t last)
{
    hf_lock_view_t view;
    trial_must (0, "$T cat one | cmp - one && $T cat two | cmp - two; code=$?; "
                   "$T members; $T ls; exit $code");
    trial_must (1, "$T ls | grep lost");
    assert_true (hf_cluster_wait_lock (cluster, "held", &view, LIMIT_MS));
    assert_true (view.holder != 0 && view.staged == 6);
    assert_true (hf_cluster_wait_lock (cluster, "mine", &view, LIMIT_MS));
    assert_true (view.holder != 0);
    //  A client of that time, with the list of that time, goes on; what it got later is lost.
    assert_true (HF_WAIT (hf_script_losses (s_client) == 1, LIMIT_MS));
    assert_true (HF_WAIT (s_is_free (cluster, "back"), LIMIT_MS)); //  released once more
    assert_true (HF_WAIT (hf_script_ends (s_later) == 1, LIMIT_MS));
    MUST (s_later, "open 10000");
    MUST (s_client, "acquire another");
    uint64_t token = MUST (s_client, "acquire third").token;
    assert_true (token > last && token > 1000000000000ULL);
    trial_must (0, ". ./held && $T append none ' kept' && $T release && "
                   "[ \"$($T cat none)\" = 'staged kept' ] && eval \"$($T acquire late)\" && "
                   "[ $HOLDFAST_TOKEN -gt 1000000000000 ] && $T release");
}

//  ---- those of the old cluster -------------------------------------------------------------

static uint64_t
s_term (hf_cluster_t *cluster, uint32_t id)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, id, &status) ? status.term : 0;
}

static bool
s_refused (const hf_cluster_t *cluster, uint32_t id)
{
    return hf_cluster_log_has (cluster, id, "node 2 is of cluster ") &&
           hf_cluster_log_has (cluster, id, "the node of the other one is left over: wipe that");
}

/*  They start on their old folders, and have a majority between them; the new cluster does not
 * care.
 */
static void
s_old_ones_come_back (hf_cluster_t *cluster)
{
    uint64_t term = s_term (cluster, LEFT);
    char one[64];
    snprintf (one, sizeof one, "2@%s", hf_cluster_place (cluster, LEFT));
    setenv ("HOLDFAST_ENDPOINTS", one, 1);
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (HF_WAIT (s_refused (cluster, 1), LIMIT_MS));
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (HF_WAIT (s_refused (cluster, 3), LIMIT_MS));
    assert_true (HF_WAIT (s_term (cluster, 1) > 1 && s_term (cluster, 3) > 1, LIMIT_MS));
    trial_must (0, "for i in 1 2 3 4 5; do $T append new 'line;' || exit; done; "
                   "$T members | tail -n +2 | grep -c . | grep -x 1");
    assert_int_equal (hf_cluster_leader (cluster), LEFT);
    assert_int_equal (s_term (cluster, LEFT), term);
    //  Nor when it starts while they run, with the list that names them.
    hf_cluster_kill (cluster, LEFT);
    assert_true (hf_cluster_start (cluster, LEFT));
    trial_must (0, "$T append new 'line;'");
    assert_int_equal (s_term (cluster, LEFT), term + 1);
}

static void
s_wipe_and_add (hf_cluster_t *cluster, uint32_t id)
{
    char place[64];
    hf_cluster_kill (cluster, id);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, id)), 0);
    hf_cluster_set_join (cluster, id, LEFT);
    hf_cluster_launch (cluster, id);
    snprintf (place, sizeof place, "%u@%s", id, hf_cluster_place (cluster, id));
    setenv ("PLACE", place, 1);
    trial_must (0, "$T members add $PLACE");
    hf_cluster_set_apart (cluster, id, false);
}

static void
s_story (hf_cluster_t *cluster, bool prunes)
{
    uint64_t last = s_lose_two (cluster, prunes);
    s_recover (cluster);
    trial_must (1, "$N --recover --data $D2 --yes");
    trial_output_has ("is in use by process");
    s_expect_what_there_was (cluster, last);
    s_old_ones_come_back (cluster);
    s_wipe_and_add (cluster, 1);
    s_wipe_and_add (cluster, 3);
    assert_true (hf_cluster_wait_equal (cluster, LIMIT_MS));
    MUST (s_client, "release third");
    assert_true (hf_script_finish (s_client) && hf_script_finish (s_later));
    assert_true (hf_cluster_wait_file (cluster, "new", "line;line;line;line;line;line;", LIMIT_MS));
    trial_must (0, "$T cat one | cmp - one");
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_WITH (test_one_disk_of_three_is_left, s_set_up, s_tear_down)
{
    s_story (*state, false);
}

/*  The log begins behind the rosters that it had; who joins gets the state. */
HF_TEST_WITH (test_with_a_log_that_was_pruned, s_set_up, s_tear_down)
{
    hf_cluster_add_argument (*state, "--log-keep");
    hf_cluster_add_argument (*state, "0");
    s_story (*state, true);
}

HF_TEST_MAIN (NULL, NULL)
