/*  Every node moves to another place with its disk, one after the other, while clients write: it is
 *  stopped, the cluster is told, and it starts again; or it is told while it runs. Command lines
 * stay as they were.
 */
#include "tests/cluster/members/field.h"
#include "tests/kit/hf_test.h"

static field_t s_field;

static int
s_teardown (void **state)
{
    (void)state;
    field_clear (&s_field);
    return 0;
}

/*  `members move` to where node ID is to be now, asked of another one. */
static void
s_tell (uint32_t id, const char *text, const char *option)
{
    char number[16];
    snprintf (number, sizeof number, "%u", id);
    field_members (&s_field, field_one (&s_field, id % 3 + 1), 0, text, "move", number,
                   hf_cluster_place (s_field.cluster, id), option, NULL);
}

/*  Clients that began with the first list go on although nobody of it is where it says, also when
 * the leader dies; so do new ones with a place of now. Who begins with the first list now finds
 * nobody. */
static void
s_first_list_is_over (void)
{
    const char *list = hf_cluster_endpoints (s_field.cluster);
    field_members (&s_field, list, 69, "no node of the cluster can be reached", "--timeout", "2s",
                   NULL);
    field_client (&s_field, field_one (&s_field, 2));
    field_flow (&s_field);
    field_kill_leader (&s_field);
    field_flow (&s_field);
}

/*  Node ID is there, and all goes on. */
static void
s_is_there (uint32_t id)
{
    s_tell (id, "has caught up", "--wait"); //  once more: nothing is left to do
    assert_true (field_votes (&s_field, field_one (&s_field, id), id));
    assert_int_not_equal (hf_cluster_wait_leader (s_field.cluster, FIELD_LIMIT_MS), 0);
    field_flow (&s_field);
}

HF_TEST_WITH (test_move_every_node, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 4; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    for (uint32_t id = 1; id <= 3; id++) {
        assert_int_equal (hf_cluster_terminate (s_field.cluster, id, FIELD_LIMIT_MS), 0);
        hf_cluster_move (s_field.cluster, id);
        s_tell (id, NULL, "--no-wait");
        assert_true (hf_cluster_start (s_field.cluster, id));
        s_is_there (id);
        if (id == 1) //  two of the first list are still where they were
            field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    }
    s_first_list_is_over ();
    field_end (&s_field);
}

HF_TEST_WITH (test_move_while_it_runs, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 4; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    for (uint32_t id = 1; id <= 3; id++) {
        hf_cluster_move (s_field.cluster, id);
        s_tell (id, "has caught up", "--wait");
        assert_true (hf_cluster_log_has (s_field.cluster, id, "starts again there"));
        hf_cluster_kill (s_field.cluster, id);
        assert_true (hf_cluster_start (s_field.cluster, id));
        s_is_there (id);
    }
    s_first_list_is_over ();
    field_end (&s_field);
}

/*  Node 3 is away while node 1 moves, and moves, too. When it comes node 2 is away: that node 1 is
 * elsewhere stands in its new list alone. */
HF_TEST_WITH (test_others_move_while_one_is_away, NULL, s_teardown)
{
    char list[256];
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 2; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    hf_cluster_kill (s_field.cluster, 3);
    hf_cluster_move (s_field.cluster, 1);
    //  Without it there is no majority until it has started again there.
    s_tell (1, "has caught up", "--force");
    hf_cluster_move (s_field.cluster, 3);
    s_tell (3, NULL, "--no-wait");
    field_flow (&s_field); //  clients know where node 1 is: of the places they had node 2's is true
    hf_cluster_kill (s_field.cluster, 2);
    snprintf (list, sizeof list, "%s,", field_named (&s_field, 1));
    snprintf (list + strlen (list), sizeof list - strlen (list), "%s,", field_named (&s_field, 2));
    snprintf (list + strlen (list), sizeof list - strlen (list), "%s", field_named (&s_field, 3));
    hf_cluster_set_list (s_field.cluster, 3, list);
    assert_true (hf_cluster_start (s_field.cluster, 3));
    assert_int_not_equal (hf_cluster_wait_leader (s_field.cluster, FIELD_LIMIT_MS), 0);
    field_flow (&s_field);
    assert_true (hf_cluster_start (s_field.cluster, 2));
    field_end (&s_field);
}

/*  Node 3 is away while node 1 moves, which leads again there. Of the places that node 3 has, node
 *  2's is true, which does not lead, and does not answer while node 3 starts. */
HF_TEST_WITH (test_the_leader_moves_while_one_is_away, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 2; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    hf_cluster_kill (s_field.cluster, 3);
    hf_cluster_move (s_field.cluster, 1);
    s_tell (1, "has caught up", "--force");
    field_lead (&s_field, field_one (&s_field, 2), 1);
    hf_cluster_stop (s_field.cluster, 2);
    hf_cluster_launch (s_field.cluster, 3);
    hf_node_status_t status;
    assert_true (HF_WAIT (hf_cluster_status (s_field.cluster, 3, &status), FIELD_LIMIT_MS));
    hf_cluster_go_on (s_field.cluster, 2);
    s_is_there (3);
    //  And then node 2.
    hf_cluster_move (s_field.cluster, 2);
    s_tell (2, "has caught up", "--wait");
    s_is_there (3);
    hf_cluster_kill (s_field.cluster, 2);
    field_flow (&s_field);
    assert_true (hf_cluster_start (s_field.cluster, 2));
    field_end (&s_field);
}

/*  A node is moved that does not run: it goes there as soon as it does. */
HF_TEST_WITH (test_one_is_moved_that_does_not_run, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 2; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    hf_cluster_stop (s_field.cluster, 3);
    hf_cluster_move (s_field.cluster, 3);
    s_tell (3, NULL, "--no-wait");
    field_flow (&s_field);
    hf_cluster_go_on (s_field.cluster, 3);
    s_is_there (3);
    assert_true (hf_cluster_log_has (s_field.cluster, 3, "starts again there"));
    field_end (&s_field);
}

HF_TEST_MAIN (NULL, NULL)
