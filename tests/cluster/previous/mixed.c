//  A cluster of nodes of two releases.

#include "tests/cluster/previous/mixed.h"
#include "msgs/hf_limits.h"
#include <unistd.h>

static mixed_release_t s_runs[HF_MEMBERS_MAX + 1]; //  by id

const char *
mixed_node (mixed_release_t release)
{
    return release == MIXED_OLD ? HF_PREVIOUS "/holdfastd" : HF_TEST_HOLDFASTD;
}

const char *
mixed_tool (mixed_release_t release)
{
    return release == MIXED_OLD ? HF_PREVIOUS "/holdfast" : HF_TEST_TOOL;
}

bool
mixed_built (void)
{
    if (access (mixed_node (MIXED_OLD), X_OK) == 0 && access (mixed_tool (MIXED_OLD), X_OK) == 0)
        return true;
    printf ("skipped: the previous release is not in " HF_PREVIOUS ": see build.sh\n");
    return false;
}

void
mixed_begin (field_t *field, unsigned founders, unsigned spares, mixed_release_t release)
{
    hf_cluster_set_program (mixed_node (release));
    field_begin (field, founders, spares);
    for (uint32_t id = 1; id <= founders; id++)
        s_runs[id] = release;
}

void
mixed_launch (hf_cluster_t *cluster, uint32_t id, mixed_release_t release)
{
    hf_cluster_set_program (mixed_node (release));
    hf_cluster_launch (cluster, id);
    s_runs[id] = release;
}

static bool
s_has (hf_cluster_t *cluster, uint32_t id, uint64_t index)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, id, &status) && status.applied_index >= index;
}

void
mixed_wait_caught_up (hf_cluster_t *cluster, uint32_t id)
{
    hf_node_status_t status;
    uint32_t leader = hf_cluster_wait_leader (cluster, MIXED_LIMIT_MS);
    assert_true (leader != 0);
    assert_true (hf_cluster_status (cluster, leader, &status));
    assert_true (HF_WAIT (s_has (cluster, id, status.commit_index), MIXED_LIMIT_MS));
}

void
mixed_roll (hf_cluster_t *cluster, uint32_t id, mixed_release_t release)
{
    assert_int_equal (hf_cluster_terminate (cluster, id, MIXED_LIMIT_MS), 0);
    mixed_launch (cluster, id, release);
    mixed_wait_caught_up (cluster, id);
}

static bool
s_all_of_level (hf_cluster_t *cluster, uint64_t level)
{
    for (uint32_t id = 1; id <= hf_cluster_count (cluster); id++) {
        hf_node_status_t status;
        if (s_runs[id] == MIXED_OLD || !hf_cluster_running (cluster, id))
            continue;
        if (!hf_cluster_status (cluster, id, &status) || status.level != level ||
            status.speaks != HF_LEVEL_NEWEST)
            return false;
    }
    return true;
}

void
mixed_wait_level (hf_cluster_t *cluster, uint64_t level)
{
    assert_true (HF_WAIT (s_all_of_level (cluster, level), MIXED_LIMIT_MS));
}

/*  Run the new tool; the exit code. */
static int
s_tool (hf_cluster_t *cluster, const char *words, char *said, size_t size)
{
    const char *argv[] = {"/bin/sh",
                          "-c",
                          "HOLDFAST_ENDPOINTS=$2; export HOLDFAST_ENDPOINTS; exec \"$0\" $1",
                          mixed_tool (MIXED_NEW),
                          words,
                          hf_cluster_endpoints (cluster),
                          NULL};
    return hf_process_run (argv, MIXED_LIMIT_MS, said, size);
}

void
mixed_must (hf_cluster_t *cluster, int code, const char *words, const char *text)
{
    char said[4000];
    int got = s_tool (cluster, words, said, sizeof said);
    if (got != code || !strstr (said, text))
        fail_msg ("holdfast %s: exit code %d, not %d, or not \"%s\" in: %s", words, got, code, text,
                  said);
    printf ("holdfast %s: exit code %d\n%s", words, code, said);
}

void
mixed_upgrade (hf_cluster_t *cluster)
{
    char said[4000];
    assert_true (HF_WAIT (s_tool (cluster, "upgrade", said, sizeof said) == 0, MIXED_LIMIT_MS));
    mixed_wait_level (cluster, HF_LEVEL_NEWEST);
}

void
mixed_check (hf_cluster_t *cluster, crew_t *crew)
{
    static const char *const files[] = {"alice", "both", "new"};
    assert_true (crew_stop (crew));
    assert_true (hf_cluster_wait_equal (cluster, MIXED_LIMIT_MS));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        //  The files come behind the state.
        char *content = NULL;
        assert_true (HF_WAIT (
            (free (content), content = hf_cluster_read (cluster, 1, files[i], &size)) != NULL &&
                crew_wrote (crew, files[i], content),
            MIXED_LIMIT_MS));
        assert_true (hf_cluster_wait_file (cluster, files[i], content, MIXED_LIMIT_MS));
        free (content);
    }
}
