//  What operators are refused on real nodes, and two operators at once.

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

static const char *
s_list (void)
{
    return hf_cluster_endpoints (s_field.cluster);
}

/*  Start the spare node ID, which waits to be added. */
static void
s_start_spare (uint32_t id)
{
    hf_cluster_set_join (s_field.cluster, id, 1);
    hf_cluster_launch (s_field.cluster, id);
    hf_cluster_set_apart (s_field.cluster, id, false);
}

HF_TEST_WITH (test_refused, NULL, s_teardown)
{
    char text[96];
    field_begin (&s_field, 3, 1);
    //  An id or a place that another member has; and a member, once more.
    snprintf (text, sizeof text, "2@%s", hf_cluster_place (s_field.cluster, 4));
    field_members (&s_field, s_list (), 2, "a member at another place has this id", "add", text,
                   NULL);
    snprintf (text, sizeof text, "4@%s", hf_cluster_place (s_field.cluster, 2));
    field_members (&s_field, s_list (), 2, "another member is at this host and port", "add", text,
                   NULL);
    field_members (&s_field, s_list (), 2, "another member is at this host and port", "move", "3",
                   hf_cluster_place (s_field.cluster, 2), NULL);
    field_members (&s_field, s_list (), 2, "the cluster has no member with this id", "promote", "4",
                   NULL);
    field_members (&s_field, s_list (), 0, "node 2 votes", "add", field_named (&s_field, 2), NULL);
    //  Of the two that would be left one is down.
    hf_cluster_kill (s_field.cluster, 3);
    field_members (&s_field, s_list (), 2,
                   "too few of the members that would be left are up and caught up", "remove", "2",
                   NULL);
    assert_true (field_votes (&s_field, s_list (), 2));
    assert_true (hf_cluster_start (s_field.cluster, 3));
    field_remove (&s_field, s_list (), 2);
    field_remove (&s_field, s_list (), 1);
    field_members (&s_field, field_one (&s_field, 3), 2, "nobody would be left who votes", "remove",
                   "3", NULL);
    field_end (&s_field);
}

HF_TEST_WITH (test_two_operators, NULL, s_teardown)
{
    field_begin (&s_field, 3, 2);
    field_client (&s_field, s_list ());
    s_start_spare (4);
    s_start_spare (5);
    hf_process_t *one =
        field_members_start (&s_field, s_list (), "add", field_named (&s_field, 4), NULL);
    hf_process_t *two =
        field_members_start (&s_field, s_list (), "add", field_named (&s_field, 5), NULL);
    hf_process_t *same =
        field_members_start (&s_field, s_list (), "add", field_named (&s_field, 4), NULL);
    field_wait (&one, 0);
    field_wait (&two, 0);
    field_wait (&same, 0);
    assert_true (field_votes (&s_field, s_list (), 4));
    assert_true (field_votes (&s_field, s_list (), 5));
    field_flow (&s_field);
    one = field_members_start (&s_field, s_list (), "remove", "1", NULL);
    two = field_members_start (&s_field, s_list (), "remove", "2", NULL);
    field_wait (&one, 0);
    field_wait (&two, 0);
    field_gone (&s_field, 1);
    field_gone (&s_field, 2);
    field_flow (&s_field);
    field_end (&s_field);
}

HF_TEST_MAIN (NULL, NULL)
