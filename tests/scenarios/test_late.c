//  Scenario 4b: a follower comes back after the log that it missed was pruned. Three nodes.

#include "tests/scenarios/stage.h"
#include "base/hf_alloc.h"

#define NOISE_TEXT  500 //  bytes
#define NOISE_ROUND 100 //  appends of a section
#define NOISE_LIMIT 2000

static const char *const s_files[] = {"F1", "F2", "F3"};

/*  A client that writes until the leader's log begins behind INDEX. */
typedef struct noise {
    stage_t *stage;
    hf_script_t *client;
    uint64_t index;
    char text[NOISE_TEXT + 1];
    size_t rounds;
} noise_t;

static void
s_must (noise_t *self, const char *command, uint64_t value)
{
    hf_script_result_t result = hf_script_do (self->client, "%s", command);
    assert_int_equal (result.status, HF_OK);
    if (value > 0)
        assert_int_equal (result.value, value);
}

static void
s_noise_round (noise_t *self)
{
    char submit[NOISE_TEXT + 64];
    snprintf (submit, sizeof submit, "submit N noise %s %u", self->text, NOISE_ROUND);
    s_must (self, "acquire N", 0);
    s_must (self, submit, 0);
    s_must (self, "drain", NOISE_ROUND);
    s_must (self, "release N", 0);
    self->rounds++;
}

static bool
s_is_pruned (noise_t *self)
{
    hf_node_status_t status;
    if (self->rounds < NOISE_LIMIT)
        s_noise_round (self);
    uint32_t leader = hf_cluster_leader (self->stage->cluster);
    return leader != 0 && hf_cluster_status (self->stage->cluster, leader, &status) &&
           status.first_index > self->index + 1;
}

/*  All that client 3 wrote is on all nodes. */
static void
s_check_noise (const noise_t *self)
{
    size_t size = self->rounds * NOISE_ROUND * NOISE_TEXT;
    char *content = hf_alloc (size + 1);
    memset (content, 'n', size);
    assert_true (
        hf_cluster_wait_file (self->stage->cluster, "noise", content, HF_CLUSTER_LIMIT_MS));
    free (content);
}

SCENE (test_4b_follower_back_late)
{
    stage_t *stage = *state;
    const char *arguments[] = {"--log-keep", "64k", NULL};
    stage_cluster_with (stage, 3, arguments);
    hf_script_t *one = stage_client (stage, 1, LONG_MS);
    hf_script_t *two = stage_client (stage, 2, LONG_MS);
    noise_t noise = {.stage = stage, .client = stage_client (stage, 3, LONG_MS)};
    memset (noise.text, 'n', NOISE_TEXT);
    must_acquire (one);
    must_queue (stage, two);
    must_append (one, "F1", "A");

    hf_node_status_t status;
    hf_cluster_kill (stage->cluster, 3);
    assert_true (hf_cluster_status (stage->cluster, 1, &status));
    noise.index = status.last_index; //  the follower has no more than this
    must_append (one, "F2", "A");
    assert_true (HF_WAIT (s_is_pruned (&noise), HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_start (stage->cluster, 3));
    must_append (one, "F3", "A");
    must_release (one);
    must_hear (two);
    for (unsigned i = 0; i < 3; i++)
        must_append (two, s_files[i], "B");
    must_release (two);
    for (unsigned i = 1; i < 3; i++)
        assert_true (hf_cluster_wait_file (stage->cluster, s_files[i], "AB", HF_CLUSTER_LIMIT_MS));
    s_check_noise (&noise);
    assert_true (hf_cluster_wait_equal (stage->cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_status (stage->cluster, 3, &status));
    assert_true (status.first_index > 1); //  it has the state, and no log from the start
    stage_end (stage, s_files[0], "AB");
}

HF_TEST_MAIN (NULL, NULL)
