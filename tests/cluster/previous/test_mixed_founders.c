//  A new cluster is of the highest level that all of its founders speak.

#include "tests/cluster/previous/mixed.h"
#include "msgs/hf_limits.h"
#include "tests/kit/hf_folder.h"

static crew_t *s_crew;

static int
s_tear_down (void **state)
{
    crew_destroy (&s_crew);
    return hf_cluster_tear_down (state);
}

/*  Two new nodes and OLD of the previous release form a cluster and serve. Later all are new. */
static void
s_form (hf_cluster_t *cluster, uint32_t old)
{
    for (uint32_t id = 1; id <= 3; id++)
        mixed_launch (cluster, id, id == old ? MIXED_OLD : MIXED_NEW);
    assert_true (HF_WAIT (hf_cluster_wait_leader (cluster, MIXED_LIMIT_MS) == 1, MIXED_LIMIT_MS));
    mixed_wait_level (cluster, 0);
    s_crew = crew_new (hf_cluster_endpoints (cluster), mixed_tool (MIXED_OLD),
                       mixed_tool (MIXED_NEW), hf_cluster_dir (cluster));
    assert_true (crew_phase (s_crew, "one founder of the previous release"));
    mixed_must (cluster, 2, "upgrade", "speaks level 0, not 1");
    mixed_roll (cluster, old, MIXED_NEW);
    mixed_upgrade (cluster);
    assert_true (crew_phase (s_crew, "all of them new"));
    mixed_check (cluster, s_crew);
    assert_true (hf_cluster_passed (cluster));
}

HF_TEST_WITH (test_a_follower_is_of_the_previous_release, NULL, s_tear_down)
{
    *state = hf_cluster_new (3);
    s_form (*state, 3);
}

HF_TEST_WITH (test_the_first_leader_is_of_the_previous_release, NULL, s_tear_down)
{
    *state = hf_cluster_new (3);
    s_form (*state, 1);
}

/*  All are new. */
static void
s_form_new (hf_cluster_t *cluster)
{
    for (uint32_t id = 1; id <= 3; id++)
        mixed_launch (cluster, id, MIXED_NEW);
    assert_true (HF_WAIT (hf_cluster_wait_leader (cluster, MIXED_LIMIT_MS) == 1, MIXED_LIMIT_MS));
    mixed_wait_level (cluster, HF_LEVEL_NEWEST);
}

HF_TEST_WITH (test_new_nodes_alone_begin_at_the_newest_level, NULL, s_tear_down)
{
    *state = hf_cluster_new (3);
    s_form_new (*state);
    assert_true (hf_cluster_passed (*state));
}

/*  It gets nothing, and the leader says why. */
HF_TEST_WITH (test_the_previous_release_comes_on_an_empty_disk, NULL, s_tear_down)
{
    hf_cluster_t *cluster = hf_cluster_new (3);
    *state = cluster;
    s_form_new (cluster);
    assert_int_equal (hf_cluster_terminate (cluster, 3, MIXED_LIMIT_MS), 0);
    hf_folder_remove (hf_cluster_node_dir (cluster, 3));
    mixed_launch (cluster, 3, MIXED_OLD);
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 1, "can take no part: node 3;"), MIXED_LIMIT_MS));
    hf_node_status_t status;
    assert_true (hf_cluster_status (cluster, 3, &status));
    assert_int_equal (status.last_index, 0);
    mixed_roll (cluster, 3, MIXED_NEW);
    assert_true (hf_cluster_wait_equal (cluster, MIXED_LIMIT_MS));
    assert_true (hf_cluster_passed (cluster));
}

MIXED_MAIN
