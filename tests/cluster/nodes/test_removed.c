//  A node whose log says that it is a member, and a leader, made by hand, that says it was removed.

#include "tests/kit/hf_test.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_log_store.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <signal.h>
#include <sys/stat.h>
#include <zmq.h>

#define CLUSTER 0x77
#define LEADER  1
#define SELF    3

//  ---- the log -------------------------------------------------------------------------

/*  Members 1 to COUNT. */
static void
s_put_roster (hf_pack_t *pack, const hf_cluster_t *cluster, uint32_t count, uint64_t incarnation)
{
    hf_roster_t roster = {.count = count, .level = 1, .cluster = CLUSTER};
    for (uint32_t id = 1; id <= count; id++)
        roster.members[id - 1] =
            (hf_seat_t){.node = id,
                        .incarnation = id == SELF ? incarnation : id,
                        .slot = id - 1,
                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                        .host = hf_span_text (hf_cluster_address (cluster, id)),
                        .client_port = hf_cluster_client_port (cluster, id),
                        .node_port = hf_cluster_node_port (cluster, id)};
    hf_roster_put (pack, &roster);
}

static void
s_make_log (const hf_cluster_t *cluster)
{
    char error[HF_ERROR_SIZE];
    const char *dir = hf_cluster_node_dir (cluster, SELF);
    mkdir (dir, 0700);
    hf_log_store_t *store = hf_log_store_open (dir, error);
    assert_non_null (store);
    assert_int_equal (hf_log_store_bind (store, SELF, hf_cluster_endpoints (cluster)), 0);
    hf_pack_t roster;
    hf_pack_init (&roster);
    s_put_roster (&roster, cluster, 3, hf_log_store_incarnation (store));
    hf_entry_t entry = {.term = 1,
                        .type = HF_ENTRY_ROSTER,
                        .payload = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster))};
    assert_int_equal (hf_log_store_vote (store, 1, (hf_member_t){.node = 0}), 0);
    assert_int_equal (hf_log_store_append (store, 1, &entry), 0);
    assert_int_equal (hf_log_store_commit (store), 0);
    hf_log_store_close (&store);
    hf_pack_done (&roster);
}

//  ---- the leader and the node -----------------------------------------------------------

typedef struct stage {
    hf_cluster_t *cluster;
    void *context, *pub;
    hf_process_t *node;
} stage_t;

static stage_t
s_begin (hf_cluster_t *cluster)
{
    stage_t stage = {.cluster = cluster, .context = zmq_ctx_new ()};
    char address[64];
    s_make_log (cluster);
    stage.pub = zmq_socket (stage.context, ZMQ_PUB);
    int none = 0;
    zmq_setsockopt (stage.pub, ZMQ_LINGER, &none, sizeof none);
    snprintf (address, sizeof address, "tcp://127.0.0.1:%u",
              (unsigned)hf_cluster_node_port (cluster, LEADER));
    assert_int_equal (zmq_bind (stage.pub, address), 0);
    const char *argv[] = {hf_cluster_program (),
                          "--id",
                          "3",
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, SELF),
                          NULL};
    hf_process_config_t config = {.argv = argv, .log_path = hf_cluster_log_path (cluster, SELF)};
    stage.node = hf_process_new (&config);
    return stage;
}

static void
s_end (stage_t *self)
{
    hf_process_destroy (&self->node);
    zmq_close (self->pub);
    zmq_ctx_term (self->context);
}

static void
s_publish (stage_t *self, hf_pack_t *pack)
{
    zmq_send (self->pub, "HF\0", 4, ZMQ_SNDMORE);
    zmq_send (self->pub, hf_pack_bytes (pack), hf_pack_size (pack), 0);
    hf_pack_reset (pack);
}

/*  As a node of cluster ID: the members are 1 and 2. */
static void
s_say (stage_t *self, uint64_t id)
{
    hf_pack_t pack, roster;
    hf_pack_init (&pack);
    hf_pack_init (&roster);
    const char *list = "1@other:1:2";
    hf_hello_frame (&pack, &(hf_hello_t){.from = LEADER,
                                         .nonce = 42,
                                         .list_hash = hf_hash (0, list, strlen (list)),
                                         .list = hf_span_text (list),
                                         .cluster = id});
    s_publish (self, &pack);
    s_put_roster (&roster, self->cluster, 2, 0);
    hf_span_t payload = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster));
    hf_members_frame (&pack,
                      &(hf_members_t){.from = LEADER, .term = 1000, .index = 5, .roster = payload});
    s_publish (self, &pack);
    hf_pack_done (&pack);
    hf_pack_done (&roster);
}

/*  Whether TEXT is in the node's log. */
static bool
s_logged (const stage_t *self, const char *text)
{
    char all[8192];
    FILE *file = fopen (hf_cluster_log_path (self->cluster, SELF), "r");
    size_t size = file ? fread (all, 1, sizeof all - 1, file) : 0;
    all[size] = 0;
    if (file)
        fclose (file);
    return strstr (all, text) != NULL;
}

//  ---- tests -----------------------------------------------------------------------------

static bool
s_has_ended (stage_t *self, uint64_t id)
{
    s_say (self, id);
    return !hf_process_running (self->node);
}

HF_TEST_ON (test_a_removed_node_says_so_and_ends, 3)
{
    stage_t stage = s_begin (cluster);
    assert_true (HF_WAIT (s_has_ended (&stage, CLUSTER), HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_process_wait (stage.node, HF_CLUSTER_LIMIT_MS), 0);
    assert_true (s_logged (&stage, "node 3 was removed from the cluster: it ends. Its data folder "
                                   "can be deleted.\n"));
    s_end (&stage);
}

static bool
s_has_refused (stage_t *self, uint64_t id)
{
    s_say (self, id);
    return s_logged (self, "node 1 is of cluster 0000000000000078 and this node of cluster "
                           "0000000000000077");
}

/*  Another cluster removes nobody. */
HF_TEST_ON (test_another_cluster_is_not_listened_to, 3)
{
    stage_t stage = s_begin (cluster);
    assert_true (HF_WAIT (s_has_refused (&stage, CLUSTER + 1), HF_CLUSTER_LIMIT_MS));
    for (int i = 0; i < 20; i++)
        s_say (&stage, CLUSTER + 1);
    hf_process_signal (stage.node, SIGTERM);
    assert_int_equal (hf_process_wait (stage.node, HF_CLUSTER_LIMIT_MS), 0);
    assert_false (s_logged (&stage, "was removed"));
    s_end (&stage);
}

HF_TEST_MAIN (NULL, NULL)
