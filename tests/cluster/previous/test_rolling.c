/*  Three nodes of the previous release become nodes of this one while clients work, go back, come
 *  again; the feature level is raised, and then there is no way back. */
#include "tests/cluster/previous/mixed.h"
#include "tests/kit/hf_ports.h"
#include <signal.h>

static crew_t *s_crew;
static hf_process_t *s_fourth;
static hf_port_t s_ports[2];

static int
s_tear_down (void **state)
{
    crew_destroy (&s_crew);
    hf_process_destroy (&s_fourth);
    hf_port_give_back (&s_ports[0]);
    hf_port_give_back (&s_ports[1]);
    return hf_cluster_tear_down (state);
}

static void
s_wait_first_leads (hf_cluster_t *cluster)
{
    assert_true (HF_WAIT (hf_cluster_wait_leader (cluster, MIXED_LIMIT_MS) == 1, MIXED_LIMIT_MS));
}

/*  One node after the other, in this order. */
static void
s_roll_all (hf_cluster_t *cluster, uint32_t first, uint32_t second, uint32_t third,
            mixed_release_t release)
{
    mixed_roll (cluster, first, release);
    mixed_roll (cluster, second, release);
    mixed_roll (cluster, third, release);
}

/*  The previous release must not go on with a folder of level 1, nor call it damaged. */
static void
s_old_is_refused (hf_cluster_t *cluster, uint32_t id)
{
    char number[16], said[2000];
    snprintf (number, sizeof number, "%u", id);
    const char *argv[] = {mixed_node (MIXED_OLD),
                          "--id",
                          number,
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, id),
                          NULL};
    int code = hf_process_run (argv, MIXED_LIMIT_MS, said, sizeof said);
    printf ("the previous release on a folder of level 1: exit code %d\n%s", code, said);
    assert_int_equal (code, 1);
    assert_non_null (strstr (said, "log.db has format 4; this holdfastd knows format 3"));
}

/*  A fourth node joins, and leaves. */
static void
s_add_and_remove (hf_cluster_t *cluster)
{
    char place[80], join[32], folder[600], words[120];
    s_ports[0] = hf_port_take ();
    s_ports[1] = hf_port_take ();
    snprintf (place, sizeof place, "4@127.0.0.1:%u:%u", s_ports[0].number, s_ports[1].number);
    snprintf (join, sizeof join, "127.0.0.1:%u", hf_cluster_client_port (cluster, 2));
    snprintf (folder, sizeof folder, "%.500s/node-4", hf_cluster_dir (cluster));
    const char *argv[] = {
        mixed_node (MIXED_NEW), "--id", "4", "--join", join, "--data", folder, NULL};
    char log[620];
    snprintf (log, sizeof log, "%.600s.log", folder);
    hf_process_config_t config = {.argv = argv, .log_path = log};
    s_fourth = hf_process_new (&config);
    snprintf (words, sizeof words, "members add %s --timeout 20s", place);
    mixed_must (cluster, 0, words, "node 4 votes");
    mixed_must (cluster, 0, "members remove 4 --timeout 20s", "node 4 is no member");
    assert_int_equal (hf_process_wait (s_fourth, MIXED_LIMIT_MS), 0);
}

static void
s_rolling (hf_cluster_t *cluster)
{
    for (uint32_t id = 1; id <= 3; id++)
        mixed_launch (cluster, id, MIXED_OLD);
    s_wait_first_leads (cluster);
    s_crew = crew_new (hf_cluster_endpoints (cluster), mixed_tool (MIXED_OLD),
                       mixed_tool (MIXED_NEW), hf_cluster_dir (cluster));
    assert_true (crew_phase (s_crew, "all of the previous release"));

    mixed_roll (cluster, 1, MIXED_NEW);
    mixed_roll (cluster, 2, MIXED_NEW);
    s_wait_first_leads (cluster);
    mixed_must (cluster, 2, "upgrade", "not at this feature level");
    mixed_must (cluster, 2, "upgrade", "\nholdfast: node 3 speaks level 0, not 1");
    mixed_roll (cluster, 3, MIXED_NEW);
    mixed_wait_level (cluster, 0);
    mixed_must (cluster, 2, "members remove 3", "holdfast upgrade");
    assert_true (crew_phase (s_crew, "up"));

    s_roll_all (cluster, 3, 2, 1, MIXED_OLD);
    assert_true (crew_phase (s_crew, "back down"));

    mixed_roll (cluster, 3, MIXED_NEW);
    mixed_roll (cluster, 2, MIXED_NEW);
    //  A leader of the previous release does not know what is asked of it.
    s_wait_first_leads (cluster);
    mixed_must (cluster, 2, "upgrade", "\nholdfast: node 1 speaks level 0, not 1");
    mixed_roll (cluster, 1, MIXED_NEW);
    assert_true (crew_phase (s_crew, "up again"));

    mixed_upgrade (cluster);
    assert_true (crew_phase (s_crew, "the level raised"));

    assert_int_equal (hf_cluster_terminate (cluster, 3, MIXED_LIMIT_MS), 0);
    s_old_is_refused (cluster, 3);
    mixed_launch (cluster, 3, MIXED_NEW);
    mixed_wait_caught_up (cluster, 3);
    s_add_and_remove (cluster);
    assert_true (crew_phase (s_crew, "members changed"));
    mixed_check (cluster, s_crew);
}

HF_TEST_WITH (test_up_back_up_and_raised_under_load, NULL, s_tear_down)
{
    *state = hf_cluster_new (3);
    s_rolling (*state);
    assert_true (hf_cluster_passed (*state));
}

MIXED_MAIN
