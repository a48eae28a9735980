/*  Three nodes become five, seven, three and one while clients write; leaders die in between, and
 *  some of them are removed. Clients began with lists of their time.
 */
#include "tests/cluster/members/field.h"
#include "tests/kit/hf_test.h"

#define FOUNDERS 3
#define LAST     3 //  the only founder that stays

static field_t s_field;

static int
s_teardown (void **state)
{
    (void)state;
    field_clear (&s_field);
    return 0;
}

/*  Ask for a change, kill the leader while it is under way, and wait for its end. */
static void
s_through_a_death (const char *verb, const char *what)
{
    hf_process_t *operator=
        field_members_start (&s_field, hf_cluster_endpoints (s_field.cluster), verb, what, NULL);
    field_kill_leader (&s_field);
    field_wait (&operator, 0);
}

/*  Asked of the one that stays: no founder that is gone is needed. */
static void
s_remove (uint32_t id)
{
    field_remove (&s_field, field_one (&s_field, LAST), id);
}

static void
s_grow (void)
{
    const char *list = hf_cluster_endpoints (s_field.cluster);
    field_add (&s_field, list, 4, 1);
    //  The leader dies while the next one gets the state.
    hf_cluster_set_join (s_field.cluster, 5, 2);
    hf_cluster_launch (s_field.cluster, 5);
    s_through_a_death ("add", field_named (&s_field, 5));
    hf_cluster_set_apart (s_field.cluster, 5, false);
    field_flow (&s_field);
    field_add (&s_field, list, 6, 4);
    field_add (&s_field, list, 7, 5);
    field_client (&s_field, field_one (&s_field, 7));
    field_flow (&s_field);
}

static void
s_shrink (void)
{
    //  Node 1 comes to lead again: it is the lowest.
    assert_true (HF_WAIT (hf_cluster_leader (s_field.cluster) == 1, FIELD_LIMIT_MS));
    s_remove (1);
    field_flow (&s_field);
    s_through_a_death ("remove", "5");
    field_gone (&s_field, 5);
    field_kill_leader (&s_field);
    assert_true (HF_WAIT (hf_cluster_leader (s_field.cluster) == 2, FIELD_LIMIT_MS));
    s_remove (2);
    s_remove (4);
    field_client (&s_field, field_one (&s_field, 6));
    field_flow (&s_field);
    field_kill_leader (&s_field);
    s_remove (6);
    s_remove (7);
    field_flow (&s_field);
}

HF_TEST_WITH (test_three_five_seven_three_one, NULL, s_teardown)
{
    field_begin (&s_field, FOUNDERS, 4);
    for (uint32_t i = 0; i < 4; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    s_grow ();
    s_shrink ();
    //  The only one that is left knows nobody else.
    field_members (&s_field, field_one (&s_field, LAST), 0,
                   hf_cluster_place (s_field.cluster, LAST), NULL);
    assert_null (strstr (strstr (s_field.output, "votes") + 1, "votes"));
    field_end (&s_field);
}

HF_TEST_MAIN (NULL, NULL)
