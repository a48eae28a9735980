/*  holdfastd --recover on folders that it refuses, changing nothing; and on the log of a cluster
 *  whose feature level was never raised. The logs are made by hand. $N is `holdfastd`, $D2 the
 *  folder of node 2.
 */
#include "tests/kit/hf_test.h"
#include "nodes/store/hf_log_store.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/unit/tool/trial.h"
#include <stdlib.h>
#include <sys/stat.h>

static int
s_tear_down (void **state)
{
    hf_cluster_tear_down (state);
    return trial_teardown (NULL);
}

static int
s_set_up (void **state)
{
    *state = hf_cluster_new (3);
    setenv ("N", hf_cluster_program (), 1);
    setenv ("D2", hf_cluster_node_dir (*state, 2), 1);
    setenv ("LIST", hf_cluster_endpoints (*state), 1);
    return trial_setup (NULL);
}

#define RECOVER_TEST(name)                                                                         \
    static void name##_on (hf_cluster_t *cluster);                                                 \
    HF_TEST_WITH (name, s_set_up, s_tear_down)                                                     \
    {                                                                                              \
        name##_on (*state);                                                                        \
        assert_true (hf_cluster_passed (*state));                                                  \
    }                                                                                              \
    static void name##_on (hf_cluster_t *cluster)

//  ---- a log ---------------------------------------------------------------------------

/*  The disks of nodes 1 to 3 have these incarnations, or what the stores drew. */
typedef struct disks {
    hf_log_store_t *store[3];
    hf_roster_t roster;
} disks_t;

static void
s_open (const hf_cluster_t *cluster, disks_t *disks, uint32_t id)
{
    char error[HF_ERROR_SIZE];
    mkdir (hf_cluster_node_dir (cluster, id), 0700);
    disks->store[id - 1] = hf_log_store_open (hf_cluster_node_dir (cluster, id), error);
    assert_non_null (disks->store[id - 1]);
    assert_int_equal (hf_log_store_bind (disks->store[id - 1], id, hf_cluster_endpoints (cluster)),
                      0);
    disks->roster.members[id - 1].incarnation = hf_log_store_incarnation (disks->store[id - 1]);
}

static disks_t
s_disks (const hf_cluster_t *cluster, uint32_t level)
{
    disks_t disks = {.roster = {.count = 3, .level = level, .cluster = level > 0 ? 0x77 : 0}};
    for (uint32_t id = 1; id <= 3; id++)
        disks.roster.members[id - 1] =
            (hf_seat_t){.node = id,
                        .incarnation = 1000 + id,
                        .slot = id - 1,
                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                        .host = hf_span_text (hf_cluster_address (cluster, id)),
                        .client_port = hf_cluster_client_port (cluster, id),
                        .node_port = hf_cluster_node_port (cluster, id)};
    return disks;
}

/*  The log of node ID is this one entry, of term 4. */
static void
s_write (disks_t *disks, uint32_t id)
{
    hf_pack_t roster;
    hf_log_store_t **store = &disks->store[id - 1];
    hf_pack_init (&roster);
    hf_roster_put (&roster, &disks->roster);
    hf_entry_t entry = {.term = 4,
                        .type = HF_ENTRY_ROSTER,
                        .payload = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster))};
    assert_int_equal (hf_log_store_vote (*store, 4, (hf_member_t){.node = 0}), 0);
    assert_int_equal (hf_log_store_append (*store, 1, &entry), 0);
    assert_int_equal (hf_log_store_commit (*store), 0);
    hf_log_store_close (store);
    hf_pack_done (&roster);
}

static void
s_make (const hf_cluster_t *cluster, uint32_t level)
{
    disks_t disks = s_disks (cluster, level);
    s_open (cluster, &disks, 2);
    s_write (&disks, 2);
}

//  ---- refused -------------------------------------------------------------------------

/*  Whatever it is, with --yes it is refused with TEXT, and the folder's dump stays as it was. */
static void
s_must_refuse (const char *text)
{
    trial_must (0, "$N --dump $D2 > before 2>&1; true");
    trial_must (1, "$N --recover --yes --data $D2");
    trial_output_has (text);
    trial_must (0, "$N --dump $D2 2>&1 | cmp before -");
}

RECOVER_TEST (test_no_data_are_not_made_data)
{
    (void)cluster;
    trial_must (1, "$N --recover --yes --data nowhere");
    trial_output_has ("nowhere holds no data of a node: there is no log.db in it");
    trial_must (1, "[ -e nowhere ]");
    trial_must (1, "mkdir empty; $N --recover --yes --data empty");
    trial_output_has ("empty holds no data of a node");
    trial_must (1, "ls empty | grep .");
    trial_must (64, "$N --yes --data empty");
    trial_must (64, "$N --recover --join a:1 --id 1 --data empty");
    trial_must (64, "$N --recover --restore b --id 1 --data empty");
    trial_must (1, "echo 'this is no database, however long it may be' > empty/log.db; "
                   "$N --recover --yes --data empty");
    trial_output_has ("is damaged (file is not a database)");
    trial_output_has ("if this is the last disk, do NOT wipe it");
}

RECOVER_TEST (test_of_no_member)
{
    disks_t disks = s_disks (cluster, 1);
    s_open (cluster, &disks, 2);
    hf_log_store_close (&disks.store[1]);
    s_must_refuse ("the log of node 2 names no members, since its cluster was never formed");
    s_open (cluster, &disks, 2);
    disks.roster.members[1] = disks.roster.members[2];
    disks.roster.count = 2;
    s_write (&disks, 2);
    s_must_refuse ("node 2 was removed from its cluster");
}

RECOVER_TEST (test_of_another_node_or_a_newer_release)
{
    s_make (cluster, 7);
    s_must_refuse ("is of a cluster of feature level 7; this holdfastd speaks level 1");
    trial_must (1, "$N --recover --yes --id 3 --data $D2");
    trial_output_has ("belongs to node 2, not to node 3");
}

RECOVER_TEST (test_with_a_state_that_waits)
{
    s_make (cluster, 1);
    trial_must (0, "mkdir $D2/incoming; echo > $D2/incoming/ready");
    s_must_refuse ("a state that a leader has sent waits in");
    trial_must (0, "rm -r $D2/incoming; $N --recover --yes --data $D2");
}

/*  Some bytes are changed, in one place after the other: it is refused, or what was changed is of
 * no use and it is done. */
RECOVER_TEST (test_a_damaged_log)
{
    s_make (cluster, 1);
    trial_must (0, "$N --dump $D2 > sound.json && cp -r $D2 sound");
    trial_must (0, "size=$(stat -c %s $D2/log.db); at=100; refused=0; "
                   "while [ $at -lt $size ]; do "
                   "rm -rf $D2; cp -r sound $D2; "
                   "printf 'some other bytes, some other bytes' | "
                   "dd of=$D2/log.db bs=1 seek=$at conv=notrunc 2>/dev/null; "
                   "if $N --dump $D2 2>&1 | cmp -s sound.json -; then "
                   "$N --recover --data $D2 --yes || exit; else "
                   "$N --recover --data $D2 --yes > out 2>&1 && exit 5; "
                   "grep -q 'do NOT wipe it' out || exit 6; "
                   "refused=$((refused+1)); fi; at=$((at+400)); done; "
                   "[ $refused -gt 2 ] || { echo $refused; exit 7; }");
}

RECOVER_TEST (test_a_list_of_this_node_alone_moves_it)
{
    s_make (cluster, 1);
    trial_must (1, "$N --recover --data $D2 --cluster 2@elsewhere:700:701");
    trial_output_has ("a new cluster of node 2 alone, at elsewhere:700:701");
    trial_must (1, "$N --recover --data $D2 --cluster 3@elsewhere:700:701");
    trial_output_has ("the list names node 3 alone, and the data are of node 2");
    trial_must (1, "$N --recover --data $D2 --cluster nonsense");
    trial_output_has ("endpoint 1 \"nonsense\"");
    trial_must (0, "$N --recover --data $D2 --cluster 2@elsewhere:700:701 --yes");
    trial_output_has ("holdfastd --id 2 --cluster 2@elsewhere:700:701 --data ");
    //  It is there now; who says another place has to move it.
    trial_must (0, "$N --recover --data $D2 --cluster 2@other:700:701 --yes");
    trial_output_has ("nothing was changed");
    trial_output_has ("2@elsewhere:700:701");
}

//  ---- feature level 0 -------------------------------------------------------------------

/*  The log names no places; the list of the first start does. The others have the same list, and no
 *  cluster id. */
RECOVER_TEST (test_of_level_zero)
{
    hf_node_status_t status;
    disks_t disks = s_disks (cluster, 0);
    s_open (cluster, &disks, 1);
    s_open (cluster, &disks, 2);
    s_write (&disks, 1);
    s_write (&disks, 2);
    hf_cluster_set_apart (cluster, 1, true);
    hf_cluster_set_apart (cluster, 3, true);
    trial_must (0, "$N --recover --data $D2 --cluster $LIST --yes");
    trial_output_has (" of a cluster:\n");
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_start (cluster, 2));
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 2);
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 1, "node 2 was started with another cluster list"),
                 HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_status (cluster, 2, &status));
    assert_int_equal (status.level, 1);
    assert_int_equal (status.term, 6);
    assert_int_equal (status.links_up, 0);
}

HF_TEST_MAIN (NULL, NULL)
