/*  A node's folder is put back as it was a while ago, while clients write: the other nodes notice,
 * and the node comes back by itself as one that lost its disk. A restart is never taken for that.
 */
#include "tests/cluster/members/field.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_test.h"

#define STOP_MS 10000

static field_t s_field;

static int
s_teardown (void **state)
{
    (void)state;
    field_clear (&s_field);
    return 0;
}

/*  How often node ID was told that its folder is an old copy. */
static unsigned
s_noticed (uint32_t id)
{
    char line[4096];
    unsigned count = 0;
    FILE *log = fopen (hf_cluster_log_path (s_field.cluster, id), "re");
    assert_non_null (log);
    while (fgets (line, sizeof line, log))
        count += strstr (line, "folder is an old copy") != NULL;
    fclose (log);
    return count;
}

/*  The leader counts the disks of all nodes. */
static bool
s_whole (void)
{
    hf_node_status_t status;
    uint32_t leader = hf_cluster_leader (s_field.cluster);
    return leader != 0 && hf_cluster_status (s_field.cluster, leader, &status) &&
           status.not_counted == 0 && status.links_up == 2;
}

static void
s_stop (uint32_t id)
{
    assert_int_equal (hf_cluster_terminate (s_field.cluster, id, STOP_MS), 0);
}

static void
s_start (uint32_t id)
{
    assert_true (hf_cluster_start (s_field.cluster, id));
    assert_true (HF_WAIT (s_whole (), FIELD_LIMIT_MS));
}

static void
s_restart_each (void)
{
    for (uint32_t id = 1; id <= 3; id++) {
        s_stop (id);
        s_start (id);
        hf_cluster_kill (s_field.cluster, id);
        field_flow (&s_field);
        s_start (id);
        field_flow (&s_field);
    }
}

static void
s_copy (const char *from, const char *to)
{
    char output[256];
    const char *argv[] = {"/bin/cp", "-a", from, to, NULL};
    int code = hf_process_run (argv, STOP_MS, output, sizeof output);
    if (code != 0)
        fail_msg ("cp ends with %d: %s", code, output);
}

/*  Nothing is committed without node ID, while another one is down that does not lead. */
static void
s_make_it_promise (uint32_t id)
{
    uint32_t leader = hf_cluster_wait_leader (s_field.cluster, FIELD_LIMIT_MS), other = 1;
    assert_int_not_equal (leader, 0);
    while (other == id || other == leader)
        other++;
    hf_cluster_kill (s_field.cluster, other);
    field_flow (&s_field); //  answers may have been under way,
    field_flow (&s_field); //  but not twice
    s_start (other);
    field_flow (&s_field);
}

/*  The node runs with its folder for a while, and then with what the folder was before that. */
static void
s_put_back (uint32_t id)
{
    char image[512];
    const char *dir = hf_cluster_node_dir (s_field.cluster, id);
    snprintf (image, sizeof image, "%.480s/image", hf_cluster_dir (s_field.cluster));
    s_stop (id);
    s_copy (dir, image);
    s_start (id);
    s_make_it_promise (id);
    s_stop (id);
    assert_int_equal (hf_folder_remove (dir), 0);
    s_copy (image, dir);
    assert_int_equal (hf_folder_remove (image), 0);
    unsigned before = s_noticed (id);
    hf_cluster_launch (s_field.cluster, id);
    assert_true (HF_WAIT (s_noticed (id) > before, FIELD_LIMIT_MS));
    assert_true (HF_WAIT (s_whole (), FIELD_LIMIT_MS));
    field_flow (&s_field);
    assert_int_equal (s_noticed (id), before + 1);
}

HF_TEST_WITH (test_old_copies, NULL, s_teardown)
{
    field_begin (&s_field, 3, 0);
    for (uint32_t i = 0; i < 3; i++)
        field_client (&s_field, hf_cluster_endpoints (s_field.cluster));
    field_flow (&s_field);
    s_restart_each ();
    for (uint32_t id = 1; id <= 3; id++)
        assert_int_equal (s_noticed (id), 0);
    s_put_back (3);
    s_put_back (1);
    s_restart_each ();
    field_end (&s_field);
    assert_int_equal (s_noticed (1), 1);
    assert_int_equal (s_noticed (2), 0);
    assert_int_equal (s_noticed (3), 1);
}

HF_TEST_MAIN (NULL, NULL)
