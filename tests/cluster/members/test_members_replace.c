/*  Machines that are dead for good are replaced by others, one command each, while clients write. A
 *  new disk counts soon after it has the state; then another node may die.
 */
#include "tests/cluster/members/field.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_test.h"

#define COUNTS_MS 10000

static field_t s_field;

static int
s_teardown (void **state)
{
    (void)state;
    field_clear (&s_field);
    return 0;
}

static bool
s_has_state (uint32_t id, uint64_t index)
{
    hf_node_status_t status;
    return hf_cluster_status (s_field.cluster, id, &status) && status.applied_index >= index;
}

static uint64_t
s_commit_index (uint32_t id)
{
    hf_node_status_t status;
    assert_true (hf_cluster_status (s_field.cluster, id, &status));
    return status.commit_index;
}

/*  Whether the leader counts all disks, and `members` says that node ID votes. */
static bool
s_counts (uint32_t id)
{
    hf_node_status_t status;
    uint32_t leader = hf_cluster_leader (s_field.cluster);
    return leader != 0 && hf_cluster_status (s_field.cluster, leader, &status) &&
           status.not_counted == 0 &&
           field_votes (&s_field, hf_cluster_endpoints (s_field.cluster), id);
}

/*  Whether the members know the new place. */
static bool
s_is_told (uint32_t id)
{
    field_members (&s_field, hf_cluster_endpoints (s_field.cluster), 0, NULL, "--stale", NULL);
    return strstr (s_field.output, hf_cluster_place (s_field.cluster, id));
}

/*  The machine of node ID burns; another one takes its place. OTHER is a member that lives. */
static void
s_replace (uint32_t id, uint32_t other)
{
    char text[16];
    hf_cluster_t *cluster = s_field.cluster;
    hf_cluster_kill (cluster, id);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, id)), 0);
    hf_cluster_move (cluster, id);
    hf_cluster_set_join (cluster, id, other);
    snprintf (text, sizeof text, "%u", id);
    hf_process_t *operator=
        field_members_start (&s_field, hf_cluster_endpoints (cluster), "replace", text,
                             hf_cluster_place (cluster, id), NULL);
    assert_true (HF_WAIT (s_is_told (id), FIELD_LIMIT_MS));
    uint64_t index = s_commit_index (other);
    hf_cluster_launch (cluster, id);
    assert_true (HF_WAIT (s_has_state (id, index), FIELD_LIMIT_MS));
    bool counts = HF_WAIT (s_counts (id), COUNTS_MS);
    if (!counts)
        print_error ("%s", s_field.output);
    assert_true (counts);
    field_wait (&operator, 0);
    field_flow (&s_field);
}

/*  A majority needs every other node now. */
static void
s_do_without (uint32_t id)
{
    hf_cluster_kill (s_field.cluster, id);
    field_flow (&s_field);
    assert_true (hf_cluster_start (s_field.cluster, id));
}

HF_TEST_WITH (test_dead_machines, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 4; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    s_replace (2, 1);
    s_do_without (3);
    assert_int_not_equal (hf_cluster_wait_leader (s_field.cluster, FIELD_LIMIT_MS), 0);
    s_replace (1, 2);
    s_do_without (2);
    field_client (&s_field, field_one (&s_field, 1));
    field_flow (&s_field);
    field_end (&s_field);
}

/*  The new machine comes before anybody has said so, at the place of the dead one: its disk is on
 *  record when the command is given, and the change only moves it. */
HF_TEST_WITH (test_it_came_before_it_was_named, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    hf_cluster_t *cluster = s_field.cluster;
    field_client (&s_field, hf_cluster_endpoints (cluster));
    field_flow (&s_field);
    hf_cluster_kill (cluster, 2);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, 2)), 0);
    hf_cluster_set_join (cluster, 2, 1);
    uint64_t index = s_commit_index (1);
    hf_cluster_launch (cluster, 2);
    assert_true (HF_WAIT (s_has_state (2, index), FIELD_LIMIT_MS));
    assert_true (HF_WAIT (s_counts (2), FIELD_LIMIT_MS));
    hf_cluster_move (cluster, 2);
    field_members (&s_field, field_one (&s_field, 1), 0, "node 2 is replaced, and votes", "replace",
                   "2", hf_cluster_place (cluster, 2), NULL);
    s_do_without (3);
    field_end (&s_field);
}

HF_TEST_MAIN (NULL, NULL)
