//  Nodes that were away for longer than the log goes back, and nodes that lost their disks.

#include "tests/kit/hf_test.h"
#include "tests/kit/hf_folder.h"
#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <sys/stat.h>

#define LIMIT_MS   20000
#define PIECE      2048 //  bytes of one append
#define PIECES_MAX 2000

typedef struct stage {
    hf_cluster_t *cluster;
    hf_client_t *client;
    hf_session_t *session;
    char *content; //  of file F, as released
    size_t size;
} stage_t;

static const hf_session_options_t s_minute = {.size = sizeof s_minute, .ttl_ms = 60000};

static int
s_setup (void **state)
{
    stage_t *self = hf_alloc (sizeof *self);
    *state = self;
    self->cluster = hf_cluster_new (3);
    hf_cluster_add_argument (self->cluster, "--log-keep");
    hf_cluster_add_argument (self->cluster, "64k");
    self->content = hf_alloc (PIECE * PIECES_MAX + 1);
    return 0;
}

static int
s_teardown (void **state)
{
    stage_t *self = *state;
    hf_client_destroy (&self->client);
    hf_cluster_destroy (&self->cluster);
    free (self->content);
    free (self);
    return 0;
}

/*  All three, led by node 1, and a session. */
static void
s_begin (stage_t *self)
{
    assert_true (hf_cluster_begin (self->cluster));
    hf_client_options_t options = {.size = sizeof options,
                                   .endpoints = hf_cluster_endpoints (self->cluster)};
    self->client = hf_client_new (&options, NULL);
    assert_non_null (self->client);
    assert_int_equal (hf_session_open (self->client, &s_minute, LIMIT_MS, &self->session), HF_OK);
}

static void
s_end (stage_t *self)
{
    assert_int_equal (hf_session_close (&self->session, LIMIT_MS), HF_OK);
    assert_true (hf_cluster_wait_equal (self->cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_file (self->cluster, "F", self->content, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_passed (self->cluster));
}

/*  One section: a piece of letters to F. */
static void
s_append (stage_t *self)
{
    assert_true (self->size + PIECE <= PIECE * PIECES_MAX);
    char *piece = self->content + self->size;
    memset (piece, 'A' + (int)(self->size / PIECE % 26), PIECE);
    self->size += PIECE;
    hf_grant_t grant;
    assert_int_equal (hf_acquire (self->session, "L", LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_append (self->session, "L", grant.token, "F", piece, PIECE, LIMIT_MS),
                      HF_OK);
    assert_int_equal (hf_release (self->session, "L", grant.token, LIMIT_MS), HF_OK);
}

/*  Go on until the leader's log begins behind INDEX. */
static void
s_until_pruned_behind (stage_t *self, uint64_t index)
{
    hf_node_status_t status = {.first_index = 0};
    uint64_t until_ms = hf_wait_now_ms () + HF_CLUSTER_LIMIT_MS;
    for (uint32_t leader; status.first_index <= index + 1;) {
        assert_true (hf_wait_now_ms () < until_ms);
        if (self->size + 20 * PIECE < PIECE * PIECES_MAX)
            for (unsigned i = 0; i < 20; i++)
                s_append (self);
        leader = hf_cluster_wait_leader (self->cluster, LIMIT_MS);
        assert_true (leader != 0 && hf_cluster_status (self->cluster, leader, &status));
    }
}

static void
s_wipe (stage_t *self, uint32_t id)
{
    assert_false (hf_cluster_running (self->cluster, id));
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (self->cluster, id)), 0);
}

//  Node 3 itself has it from the log, so it is committed.
static bool
s_node_3_counts (stage_t *self)
{
    hf_node_status_t status;
    return hf_cluster_status (self->cluster, 3, &status) && status.leader != 0 &&
           status.not_counted == 0;
}

/*  Node ID is killed, and misses all entries until the log that it needs is pruned. */
static void
s_lag_behind (stage_t *self, uint32_t id)
{
    hf_node_status_t status;
    assert_true (hf_cluster_status (self->cluster, id, &status));
    hf_cluster_kill (self->cluster, id);
    s_until_pruned_behind (self, status.last_index);
}

static void
s_granted (void *arg, const hf_result_t *result)
{
    (void)arg;
    assert_int_equal (result->status, HF_OK);
}

//  ---- the tests ---------------------------------------------------------------

HF_TEST_WITH (test_away_for_longer_than_the_log, s_setup, s_teardown)
{
    stage_t *self = *state;
    s_begin (self);
    s_append (self);
    s_lag_behind (self, 3);
    //  State that the log alone would no longer give: a hold with a staged append, a waiter.
    hf_grant_t grant;
    hf_session_t *other;
    assert_int_equal (hf_acquire (self->session, "held", LIMIT_MS, &grant), HF_OK);
    assert_int_equal (hf_append (self->session, "held", grant.token, "G", "staged", 6, LIMIT_MS),
                      HF_OK);
    assert_int_equal (hf_session_open (self->client, &s_minute, LIMIT_MS, &other), HF_OK);
    assert_int_equal (hf_submit_acquire (other, "held", NULL, s_granted, NULL), HF_OK);
    assert_true (hf_cluster_wait_waiters (self->cluster, "held", 1, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_start (self->cluster, 3));
    assert_true (hf_cluster_wait_equal (self->cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_log_has (self->cluster, 3, "took over the state"));
    //  The state lives on under another leader: the node that sent it is killed.
    hf_cluster_kill (self->cluster, 1);
    assert_int_equal (hf_release (self->session, "held", grant.token, LIMIT_MS), HF_OK);
    assert_true (hf_cluster_start (self->cluster, 1));
    assert_true (hf_cluster_wait_file (self->cluster, "G", "staged", HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_session_close (&other, LIMIT_MS), HF_OK);
    s_end (self);
}

HF_TEST_WITH (test_a_node_that_lost_its_disk_comes_to_count, s_setup, s_teardown)
{
    stage_t *self = *state;
    s_begin (self);
    s_until_pruned_behind (self, 50);
    hf_cluster_kill (self->cluster, 3);
    s_wipe (self, 3);
    assert_true (hf_cluster_start (self->cluster, 3));
    s_append (self);
    assert_true (HF_WAIT (s_node_3_counts (self), HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_equal (self->cluster, HF_CLUSTER_LIMIT_MS));
    //  It counts: with it and without the leader there is a majority.
    hf_cluster_kill (self->cluster, 1);
    s_append (self);
    assert_true (hf_cluster_start (self->cluster, 1));
    s_end (self);
}

//  No other node that runs may have what it acknowledged: its vote must not count.
HF_TEST_WITH (test_a_node_that_lost_its_disk_does_not_elect, s_setup, s_teardown)
{
    stage_t *self = *state;
    s_begin (self);
    hf_cluster_kill (self->cluster, 2); //  it will miss this
    s_append (self);
    hf_cluster_kill (self->cluster, 1);
    hf_cluster_kill (self->cluster, 3);
    s_wipe (self, 3);
    assert_true (hf_cluster_start (self->cluster, 2));
    assert_true (hf_cluster_start (self->cluster, 3));
    assert_true (HF_WAIT_NEVER (hf_cluster_leader (self->cluster) != 0, 3000));
    assert_true (hf_cluster_start (self->cluster, 1));
    assert_true (HF_WAIT (s_node_3_counts (self), HF_CLUSTER_LIMIT_MS));
    s_append (self);
    s_end (self);
}

HF_TEST_WITH (test_killed_while_it_takes_over, s_setup, s_teardown)
{
    stage_t *self = *state;
    s_begin (self);
    s_lag_behind (self, 3);
    hf_cluster_launch (self->cluster, 3);
    assert_true (
        HF_WAIT (hf_cluster_log_has (self->cluster, 3, "takes over"), HF_CLUSTER_LIMIT_MS));
    hf_cluster_kill (self->cluster, 3);
    assert_true (hf_cluster_start (self->cluster, 3));
    s_append (self);
    s_end (self);
}

//  The only nodes that can commit in the new term need the leader's state first: it must not wait.
HF_TEST_WITH (test_a_term_opens_with_nodes_behind, s_setup, s_teardown)
{
    stage_t *self = *state;
    s_begin (self);
    s_lag_behind (self, 1);
    hf_cluster_kill (self->cluster, 2);
    hf_cluster_kill (self->cluster, 3);
    s_wipe (self, 3);
    for (uint32_t id = 1; id <= 3; id++)
        assert_true (hf_cluster_start (self->cluster, id));
    s_append (self);
    assert_true (HF_WAIT (s_node_3_counts (self), HF_CLUSTER_LIMIT_MS));
    s_end (self);
}

HF_TEST_WITH (test_a_cluster_forms_with_all_nodes, s_setup, s_teardown)
{
    stage_t *self = *state;
    assert_true (hf_cluster_start (self->cluster, 1));
    assert_true (hf_cluster_start (self->cluster, 2));
    assert_true (HF_WAIT_NEVER (hf_cluster_leader (self->cluster) != 0, 2000));
    assert_true (hf_cluster_log_has (self->cluster, 1, "missing: 3"));
    s_begin (self);
    //  From now on a majority is enough, also from a cold start.
    for (uint32_t id = 1; id <= 3; id++)
        hf_cluster_kill (self->cluster, id);
    assert_true (hf_cluster_start (self->cluster, 2));
    assert_true (hf_cluster_start (self->cluster, 3));
    s_append (self);
    assert_true (hf_cluster_start (self->cluster, 1));
    s_end (self);
}

HF_TEST_MAIN (NULL, NULL)
