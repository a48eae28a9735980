/*  Three nodes of the previous release become nodes of this one while clients work, go back, come
 *  again; the feature level is raised, and then there is no way back. Clients of `lostfound` write
 *  histories meanwhile, which are judged in the end; no call of theirs or of the crew may fail.
 * What the crew waits is printed beside what it waits when the leader alone is restarted, without a
 *  change of its release. */
#include "tests/cluster/previous/mixed.h"

#define CLIENTS  3
#define TTL_MS   10000 //  long enough for a machine that is busy with other tests
#define RESTARTS 2     //  of the leader

static field_t s_field;
static crew_t *s_crew;

static int
s_tear_down (void **state)
{
    (void)state;
    crew_destroy (&s_crew);
    field_clear (&s_field);
    return 0;
}

static void
s_wait_first_leads (hf_cluster_t *cluster)
{
    assert_true (HF_WAIT (hf_cluster_wait_leader (cluster, MIXED_LIMIT_MS) == 1, MIXED_LIMIT_MS));
}

/*  It hands over, ends, comes back in the same release, and gets the lead back. */
static void
s_restart_leader (hf_cluster_t *cluster, mixed_release_t release)
{
    for (unsigned i = 0; i < RESTARTS; i++) {
        mixed_roll (cluster, 1, release);
        s_wait_first_leads (cluster);
    }
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

static void
s_begin (void)
{
    mixed_begin (&s_field, 3, 1, MIXED_OLD);
    s_field.ttl_ms = TTL_MS;
    for (unsigned i = 0; i < CLIENTS; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    s_crew = crew_new (hf_cluster_endpoints (s_field.cluster), mixed_tool (MIXED_OLD),
                       mixed_tool (MIXED_NEW), hf_cluster_dir (s_field.cluster));
    s_restart_leader (s_field.cluster, MIXED_OLD);
    assert_true (crew_base (s_crew, "the leader restarts, previous release"));
}

static void
s_up (hf_cluster_t *cluster)
{
    mixed_roll (cluster, 1, MIXED_NEW);
    mixed_roll (cluster, 2, MIXED_NEW);
    s_wait_first_leads (cluster);
    mixed_must (cluster, 2, "upgrade", "not at this feature level");
    mixed_must (cluster, 2, "upgrade", "\nholdfast: node 3 speaks level 0, not 1");
    mixed_roll (cluster, 3, MIXED_NEW);
    mixed_wait_level (cluster, 0);
    mixed_must (cluster, 2, "members remove 3", "holdfast upgrade");
    assert_true (crew_phase (s_crew, "up"));
}

/*  The leader last: the phase ends when it has its lead back. */
static void
s_back_down (hf_cluster_t *cluster)
{
    for (uint32_t id = 3; id >= 1; id--)
        mixed_roll (cluster, id, MIXED_OLD);
    s_wait_first_leads (cluster);
    assert_true (crew_phase (s_crew, "back down"));
}

static void
s_up_again (hf_cluster_t *cluster)
{
    mixed_roll (cluster, 3, MIXED_NEW);
    mixed_roll (cluster, 2, MIXED_NEW);
    //  A leader of the previous release does not know what is asked of it.
    s_wait_first_leads (cluster);
    mixed_must (cluster, 2, "upgrade", "\nholdfast: node 1 speaks level 0, not 1");
    mixed_roll (cluster, 1, MIXED_NEW);
    s_wait_first_leads (cluster);
    assert_true (crew_phase (s_crew, "up again"));
}

/*  The level is raised, the previous release refuses, and members change. */
static void
s_raised (hf_cluster_t *cluster)
{
    mixed_upgrade (cluster);
    assert_true (crew_phase (s_crew, "the level raised"));
    s_restart_leader (cluster, MIXED_NEW);
    assert_true (crew_phase (s_crew, "the leader restarts, this release"));
    assert_int_equal (hf_cluster_terminate (cluster, 3, MIXED_LIMIT_MS), 0);
    s_old_is_refused (cluster, 3);
    mixed_launch (cluster, 3, MIXED_NEW);
    mixed_wait_caught_up (cluster, 3);
    field_add (&s_field, hf_cluster_endpoints (cluster), 4, 2);
    field_remove (&s_field, hf_cluster_endpoints (cluster), 4);
    assert_true (crew_phase (s_crew, "members changed"));
}

HF_TEST_WITH (test_up_back_up_and_raised_under_load, NULL, s_tear_down)
{
    s_begin ();
    hf_cluster_t *cluster = s_field.cluster;
    s_up (cluster);
    s_back_down (cluster);
    s_up_again (cluster);
    s_raised (cluster);
    field_flow (&s_field);
    assert_int_equal (field_stop (&s_field), 0);
    mixed_check (cluster, s_crew);
    field_end (&s_field);
}

MIXED_MAIN
