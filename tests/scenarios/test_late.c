//  Scenario 4b and its kin: nodes that were away for longer than the log goes back, and nodes that
//  lost their disks. Three nodes with short logs.

#include "tests/scenarios/stage.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_folder.h"

#define TEXT_SIZE  500 //  bytes
#define ROUND      100 //  appends of a section
#define ROUNDS_MAX 200

/*  Client 3 writes, to file "noise". */
typedef struct noise {
    stage_t *stage;
    hf_cluster_t *cluster;
    char *content; //  of the file
    size_t size;
} noise_t;

/*  The nodes, not started yet. */
static void
s_make (stage_t *stage)
{
    stage->cluster = hf_cluster_new (3);
    hf_cluster_add_argument (stage->cluster, "--log-keep");
    hf_cluster_add_argument (stage->cluster, "64k");
}

static void
s_begin (noise_t *self, stage_t *stage)
{
    if (!stage->cluster)
        s_make (stage);
    assert_true (hf_cluster_begin (stage->cluster));
    stage_client (stage, 3, 60000);
    *self = (noise_t){.stage = stage, .cluster = stage->cluster};
    self->content = hf_alloc (ROUNDS_MAX * ROUND * TEXT_SIZE + 1);
}

/*  The noise is whole on all nodes; the end. */
static void
s_end (noise_t *self)
{
    stage_end (self->stage, "noise", self->content);
    free (self->content);
}

/*  One section. */
static void
s_write (noise_t *self)
{
    hf_script_t *client = self->stage->client[3];
    char text[TEXT_SIZE + 1] = "";
    assert_true (self->size + ROUND * TEXT_SIZE <= ROUNDS_MAX * ROUND * TEXT_SIZE);
    memset (text, 'a' + (int)(self->size / TEXT_SIZE / ROUND % 26), TEXT_SIZE);
    memset (self->content + self->size, text[0], ROUND * TEXT_SIZE);
    self->size += ROUND * TEXT_SIZE;
    MUST (client, "acquire N");
    MUST (client, "submit N noise %s %u", text, ROUND);
    assert_int_equal (MUST (client, "drain").value, ROUND);
    MUST (client, "release N");
}

/*  Write until the leader's log begins behind INDEX. */
static bool
s_is_pruned_behind (noise_t *self, uint64_t index)
{
    hf_node_status_t status;
    s_write (self);
    uint32_t leader = hf_cluster_leader (self->cluster);
    return leader != 0 && hf_cluster_status (self->cluster, leader, &status) &&
           status.first_index > index + 1;
}

/*  Node ID is killed, and misses all entries until the log that it needs is pruned. */
static void
s_lag_behind (noise_t *self, uint32_t id)
{
    hf_node_status_t status;
    assert_true (hf_cluster_status (self->cluster, id, &status));
    hf_cluster_kill (self->cluster, id);
    assert_true (HF_WAIT (s_is_pruned_behind (self, status.last_index), HF_CLUSTER_LIMIT_MS));
}

static void
s_wipe (noise_t *self, uint32_t id)
{
    hf_cluster_kill (self->cluster, id);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (self->cluster, id)), 0);
}

//  Node 3 itself has it from the log, so it is committed.
static bool
s_node_3_counts (noise_t *self)
{
    hf_node_status_t status;
    return hf_cluster_status (self->cluster, 3, &status) && status.leader != 0 &&
           status.not_counted == 0;
}

//  ---- away -----------------------------------------------------------------------

/*  A follower comes back in a section that began before, with a waiter: state that the log alone
 *  no longer gives. Then, if LEADER_DIES, the node that sent that state is killed. */
static void
s_play_late (stage_t *stage, bool leader_dies)
{
    noise_t noise;
    s_begin (&noise, stage);
    hf_script_t *one = stage_client (stage, 1, LONG_MS);
    hf_script_t *two = stage_client (stage, 2, LONG_MS);
    MUST (one, "acquire L");
    must_queue (stage, two);
    MUST (one, "append L F1 A");
    s_lag_behind (&noise, 3);
    MUST (one, "append L F2 A");
    assert_true (hf_cluster_start (stage->cluster, 3));
    if (leader_dies) {
        assert_true (hf_cluster_wait_equal (stage->cluster, HF_CLUSTER_LIMIT_MS));
        assert_true (hf_cluster_log_has (stage->cluster, 3, "took over the state"));
        hf_cluster_kill (stage->cluster, 1);
    }
    MUST (one, "append L F3 A");
    MUST (one, "release L");
    must_hear (two);
    for (unsigned i = 1; i <= 3; i++)
        MUST (two, "append L F%u B", i);
    MUST (two, "release L");
    assert_true (hf_cluster_start_all (stage->cluster));
    static const char *const files[] = {"F1", "F2", "F3"};
    for (unsigned i = 0; i < 3; i++)
        assert_true (hf_cluster_wait_file (stage->cluster, files[i], "AB", HF_CLUSTER_LIMIT_MS));
    hf_node_status_t status;
    assert_true (hf_cluster_status (stage->cluster, 3, &status));
    assert_true (status.first_index > 1); //  it has the state, and no log from the start
    s_end (&noise);
}

SCENE (test_4b_follower_back_late)
{
    s_play_late (*state, false);
}

SCENE (test_state_outlives_its_sender)
{
    s_play_late (*state, true);
}

SCENE (test_killed_while_it_takes_over)
{
    noise_t noise;
    s_begin (&noise, *state);
    s_lag_behind (&noise, 3);
    hf_cluster_launch (noise.cluster, 3);
    assert_true (
        HF_WAIT (hf_cluster_log_has (noise.cluster, 3, "takes over"), HF_CLUSTER_LIMIT_MS));
    hf_cluster_kill (noise.cluster, 3);
    assert_true (hf_cluster_start (noise.cluster, 3));
    s_write (&noise);
    s_end (&noise);
}

//  ---- lost disks -----------------------------------------------------------------

SCENE (test_a_node_that_lost_its_disk_comes_to_count)
{
    noise_t noise;
    s_begin (&noise, *state);
    assert_true (HF_WAIT (s_is_pruned_behind (&noise, 50), HF_CLUSTER_LIMIT_MS));
    s_wipe (&noise, 3);
    assert_true (hf_cluster_start (noise.cluster, 3));
    s_write (&noise);
    assert_true (HF_WAIT (s_node_3_counts (&noise), HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_equal (noise.cluster, HF_CLUSTER_LIMIT_MS));
    //  It counts: with it and without the leader there is a majority.
    hf_cluster_kill (noise.cluster, 1);
    s_write (&noise);
    assert_true (hf_cluster_start (noise.cluster, 1));
    s_end (&noise);
}

//  No other node that runs may have what it acknowledged: its vote must not count.
SCENE (test_a_node_that_lost_its_disk_does_not_elect)
{
    noise_t noise;
    s_begin (&noise, *state);
    hf_cluster_kill (noise.cluster, 2); //  it will miss this
    s_write (&noise);
    hf_cluster_kill (noise.cluster, 1);
    s_wipe (&noise, 3);
    assert_true (hf_cluster_start (noise.cluster, 2));
    assert_true (hf_cluster_start (noise.cluster, 3));
    assert_true (HF_WAIT_NEVER (hf_cluster_leader (noise.cluster) != 0, 3000));
    assert_true (hf_cluster_start (noise.cluster, 1));
    assert_true (HF_WAIT (s_node_3_counts (&noise), HF_CLUSTER_LIMIT_MS));
    s_write (&noise);
    s_end (&noise);
}

//  The only nodes that can commit in the new term need the leader's state first: it must not wait.
SCENE (test_a_term_opens_with_nodes_behind)
{
    noise_t noise;
    s_begin (&noise, *state);
    s_lag_behind (&noise, 1);
    hf_cluster_kill (noise.cluster, 2);
    s_wipe (&noise, 3);
    for (uint32_t id = 1; id <= 3; id++)
        assert_true (hf_cluster_start (noise.cluster, id));
    s_write (&noise);
    assert_true (HF_WAIT (s_node_3_counts (&noise), HF_CLUSTER_LIMIT_MS));
    s_end (&noise);
}

SCENE (test_a_cluster_forms_with_all_nodes)
{
    stage_t *stage = *state;
    s_make (stage);
    assert_true (hf_cluster_start (stage->cluster, 1));
    assert_true (hf_cluster_start (stage->cluster, 2));
    assert_true (HF_WAIT_NEVER (hf_cluster_leader (stage->cluster) != 0, 2000));
    assert_true (hf_cluster_log_has (stage->cluster, 1, "missing: 3"));
    noise_t noise;
    s_begin (&noise, stage);
    //  From now on a majority is enough, also from a cold start.
    for (uint32_t id = 1; id <= 3; id++)
        hf_cluster_kill (stage->cluster, id);
    assert_true (hf_cluster_start (stage->cluster, 2));
    assert_true (hf_cluster_start (stage->cluster, 3));
    s_write (&noise);
    assert_true (hf_cluster_start (stage->cluster, 1));
    s_end (&noise);
}

HF_TEST_MAIN (NULL, NULL)
