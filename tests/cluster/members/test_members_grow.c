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

/*  Ask for a change, kill the leader while it is under way, and wait for its end. The exit code. */
static int
s_through_a_death (const char *verb, const char *what)
{
    hf_process_t *operator=
        field_members_start (&s_field, hf_cluster_endpoints (s_field.cluster), verb, what, NULL);
    field_kill_leader (&s_field);
    int code = hf_process_wait (operator, FIELD_LIMIT_MS);
    hf_process_destroy (&operator);
    return code;
}

/*  Asked of the one that stays: no founder that is gone is needed. */
static void
s_remove (uint32_t id)
{
    field_remove (&s_field, field_one (&s_field, LAST), id);
}

/*  The member with the highest id, which mostly does not lead. */
static uint32_t
s_highest (void)
{
    uint32_t id = hf_cluster_count (s_field.cluster);
    while (id == LAST || hf_cluster_apart (s_field.cluster, id))
        id--;
    return id;
}

/*  Whoever leads, if it may go. */
static void
s_remove_leader (void)
{
    uint32_t leader = hf_cluster_wait_leader (s_field.cluster, FIELD_LIMIT_MS);
    assert_int_not_equal (leader, 0);
    s_remove (leader == LAST ? s_highest () : leader);
}

/*  The leader dies meanwhile; the next one may find that too few have caught up. */
static void
s_remove_through_a_death (uint32_t id)
{
    char text[16];
    snprintf (text, sizeof text, "%u", id);
    int code = s_through_a_death ("remove", text);
    assert_true (code == 0 || code == 2);
    if (code == 0)
        field_gone (&s_field, id);
    else
        s_remove (id);
}

static void
s_grow (void)
{
    const char *list = hf_cluster_endpoints (s_field.cluster);
    field_add (&s_field, list, 4, 1);
    //  The leader dies while the next one gets the state.
    hf_cluster_set_join (s_field.cluster, 5, 2);
    hf_cluster_launch (s_field.cluster, 5);
    assert_int_equal (s_through_a_death ("add", field_named (&s_field, 5)), 0);
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
    s_remove_leader ();
    field_flow (&s_field);
    s_remove_through_a_death (s_highest ());
    field_kill_leader (&s_field);
    s_remove_leader ();
    s_remove_leader ();
    field_client (&s_field, field_one (&s_field, s_highest ()));
    field_flow (&s_field);
    field_kill_leader (&s_field);
    s_remove (s_highest ());
    s_remove (s_highest ());
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
