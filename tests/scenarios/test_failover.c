//  Scenarios 4a and 4c to 4e: nodes die. Three nodes.

#include "tests/scenarios/stage.h"

#define FIVE(text)   text text text text text
#define TWENTY(text) FIVE (text) FIVE (text) FIVE (text) FIVE (text)

/*  One section of CLIENT, which holds L: TEXT to files F1 to F<COUNT>, and release. */
static void
s_append_to_files (hf_script_t *client, const char *text, unsigned count)
{
    for (unsigned i = 1; i <= count; i++)
        MUST (client, "append L F%u %s", i, text);
    MUST (client, "release L");
}

/*  Both have asked for the lock: whether ONE is the first to be granted. */
static bool
s_is_first (hf_script_t *one, hf_script_t *other)
{
    assert_true (
        HF_WAIT (hf_script_has_result (one) || hf_script_has_result (other), HF_CLUSTER_LIMIT_MS));
    assert_false (hf_script_has_result (one) && hf_script_has_result (other));
    return hf_script_has_result (one);
}

//  4a: a follower dies and comes back at once, in the middle of a section.
SCENE (test_4a_follower_back_at_once)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    hf_script_say (one, "acquire L");
    must_queue (stage, two);
    bool one_first = s_is_first (one, two);
    hf_script_t *first = one_first ? one : two;
    hf_script_t *second = one_first ? two : one;
    must_hear (first);
    MUST (first, "append L %s %s", "F1", one_first ? "A" : "B");
    hf_cluster_kill (stage->cluster, 3);
    MUST (first, "append L %s %s", "F2", one_first ? "A" : "B");
    assert_true (hf_cluster_start (stage->cluster, 3));
    MUST (first, "append L %s %s", "F3", one_first ? "A" : "B");
    MUST (first, "release L");
    must_hear (second);
    s_append_to_files (second, one_first ? "B" : "A", 3);
    stage_end (stage, "F1 F2 F3", one_first ? "AB" : "BA");
}

//  4c: the leader dies outside a section.
SCENE (test_4c_leader_dies_outside_a_section)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS, LONG_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2], *three = stage->client[3];
    uint64_t token = MUST (one, "acquire L").token;
    must_write (one, "F", "AAAAA");
    hf_cluster_kill (stage->cluster, 1);
    hf_script_say (two, "acquire L");
    must_queue (stage, three);
    assert_true (hf_cluster_leader (stage->cluster) != 1);
    hf_lock_view_t view = stage_lock (stage);
    assert_true (view.token > token);

    bool two_first = s_is_first (two, three);
    hf_script_t *first = two_first ? two : three;
    hf_script_t *second = two_first ? three : two;
    must_hear (first);
    must_write (first, "F", two_first ? "BBBBB" : "CCCCC");
    assert_true (hf_cluster_start (stage->cluster, 1));
    must_hear (second);
    must_write (second, "F", two_first ? "CCCCC" : "BBBBB");
    stage_end (stage, "F", two_first ? "AAAAABBBBBCCCCC" : "AAAAACCCCCBBBBB");
}

//  4d: the leader dies inside a section, with appends on the way.
SCENE (test_4d_leader_dies_inside_a_section)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS, LONG_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2], *three = stage->client[3];
    MUST (one, "acquire L");
    must_write (one, "F", TWENTY ("A"));
    uint64_t token = MUST (two, "acquire L").token;
    must_queue (stage, three);

    assert_int_equal (hf_script_do (two, "submit L F B 10").status, HF_OK);
    hf_cluster_kill (stage->cluster, 1);
    assert_int_equal (hf_script_do (two, "submit L F B 10").status, HF_OK);
    hf_script_result_t drained = hf_script_do (two, "drain");
    assert_int_equal (drained.status, HF_OK);
    assert_int_equal (drained.value, 20);
    assert_true (hf_cluster_leader (stage->cluster) != 1);
    hf_lock_view_t view = stage_lock (stage);
    assert_int_equal (view.token, token);
    assert_int_equal (view.waiters, 1);
    MUST (two, "release L");
    assert_int_equal (hf_script_losses (two), 0);

    must_hear (three);
    must_write (three, "F", TWENTY ("C"));
    assert_true (hf_cluster_start (stage->cluster, 1));
    stage_end (stage, "F", TWENTY ("A") TWENTY ("B") TWENTY ("C"));
}

//  ---- 4e -----------------------------------------------------------------------------------

/*  Whether client 2 or 3 was answered, or SURVIVOR executed a command. */
static bool
s_is_broken (stage_t *stage, uint32_t survivor, uint64_t command_index)
{
    hf_node_status_t status;
    return hf_script_has_result (stage->client[2]) || hf_script_has_result (stage->client[3]) ||
           (hf_cluster_status (stage->cluster, survivor, &status) &&
            status.command_index != command_index);
}

/*  Two of three die in client 2's section: SURVIVOR stays. */
static void
s_play_majority_lost (void *state, uint32_t survivor)
{
    stage_t *stage = stage_begin (state, 3, 0, TTLS (LONG_MS, LONG_MS, LONG_MS));
    hf_script_t *two = stage->client[2], *three = stage->client[3];
    uint64_t token = MUST (two, "acquire L").token;
    for (unsigned i = 1; i <= 3; i++)
        MUST (two, "append L F%u B", i);
    assert_true (hf_cluster_wait_equal (stage->cluster, HF_CLUSTER_LIMIT_MS));
    for (uint32_t id = 1; id <= 3; id++) {
        if (id != survivor)
            hf_cluster_kill (stage->cluster, id);
    }
    hf_node_status_t status;
    assert_true (hf_cluster_status (stage->cluster, survivor, &status));
    hf_script_say (two, "append L F4 B");
    hf_script_say (three, "acquire L");
    assert_true (HF_WAIT_NEVER (s_is_broken (stage, survivor, status.command_index), 2500));

    assert_true (hf_cluster_start (stage->cluster, survivor % 3 + 1));
    must_hear (two);
    hf_lock_view_t view = stage_lock (stage);
    assert_int_equal (view.token, token);
    MUST (two, "append L F5 B");
    assert_false (hf_script_has_result (three));
    MUST (two, "release L");
    assert_int_equal (hf_script_losses (two), 0);
    assert_int_equal (hf_script_ends (two), 0);
    assert_true (must_hear (three).token > token);
    s_append_to_files (three, "C", 5);
    assert_true (hf_cluster_start_all (stage->cluster));
    stage_end (stage, "F1 F2 F3 F4 F5", "BC");
}

SCENE (test_4e_majority_lost_leader_stays)
{
    s_play_majority_lost (*state, 1);
}

SCENE (test_4e_majority_lost_with_the_leader)
{
    s_play_majority_lost (*state, 3);
}

HF_TEST_MAIN (NULL, NULL)
