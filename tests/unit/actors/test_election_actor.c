/*  The shell of the election actor: a real zactor on a real log, alone in its cluster. What it
 *  decides is tested in tests/unit/services/test_election_service.c. */
#include "base/hf_tsan.h"
#include "tests/kit/hf_folder.h"
#include "tests/unit/broker-less/test_net.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_pipe.h"

#define ENTRIES 40

typedef struct stage {
    char dir[PATH_MAX];
    hf_endpoint_t own;
    hf_endpoints_t list; //  without us: we join
    hf_election_args_t args;
    zactor_t *actor;
    zsock_t *lock, *file; //  our ends
    uint64_t leads;       //  the term
    uint64_t committed;
    uint32_t verdict; //  the last one
    hf_pack_t frame;
} stage_t;

static void
s_actor (zsock_t *pipe, void *args)
{
    hf_election_actor (pipe, args);
    HF_TSAN_GIVE (args);
}

static void
s_configure (hf_core_config_t *core, const stage_t *stage)
{
    hf_core_config_defaults (core);
    core->self = stage->own.id;
    bool joins = hf_endpoints_find (&stage->list, stage->own.id) == NULL;
    core->members_count = joins ? 0 : stage->list.count;
    for (uint32_t i = 0; i < core->members_count; i++) {
        const hf_endpoint_t *node = &stage->list.node[i];
        core->members[i] = node->id;
        core->places[i] =
            (hf_core_place_t){.client_port = node->client_port, .node_port = node->node_port};
        memcpy (core->places[i].host, node->host, sizeof node->host);
    }
}

static void
s_start (stage_t *self, uint64_t applied)
{
    char error[HF_ERROR_SIZE];
    s_configure (&self->args.config.core, self);
    self->args.endpoints = self->list;
    self->args.store = hf_log_store_open (self->dir, error);
    assert_non_null (self->args.store);
    hf_listen_t listen = test_listen (&self->own);
    //  The port of an actor that has just ended is given back by libzmq a moment later.
    UNTIL_BY (self->args.mesh = hf_mesh_new (zsys_init (), &self->list, &self->own, &listen, error),
              self->args.mesh);
    self->lock = hf_pipe_new (&self->args.lock);
    self->file = hf_pipe_new (&self->args.file);
    self->leads = 0;
    self->committed = applied;
    self->actor = zactor_new (s_actor, &self->args);
    assert_non_null (self->actor);
    hf_pack_init (&self->frame);
    hf_a_start_frame (&self->frame, &(hf_a_start_t){.applied = applied});
    hf_pipe_send (self->lock, &self->frame);
}

/*  A cluster of one, and a node that joins it. */
static void
s_make (stage_t *self, const hf_endpoints_t *list, uint32_t id)
{
    *self = (stage_t){.list.count = 1};
    self->list.node[0] = list->node[0];
    self->own = *hf_endpoints_find (list, id);
    assert_int_equal (hf_folder_make (NULL, "hf-election-", self->dir), 0);
}

static void
s_stop (stage_t *self)
{
    zactor_destroy (&self->actor);
    HF_TSAN_TAKE (&self->args);
    assert_null (self->args.store); //  the actor has destroyed what it owned
    zsock_destroy (&self->lock);
    zsock_destroy (&self->file);
    hf_pack_done (&self->frame);
}

/*  Entries whose bytes begin as those of a roster once did: only its type makes an entry one. */
static void
s_propose (stage_t *self)
{
    const uint8_t bytes[200] = {0x92, 0x02};
    hf_pack_t entries;
    hf_pack_init (&entries);
    for (int i = 0; i < ENTRIES; i++)
        hf_entry_put (&entries, &(hf_entry_t){.type = HF_ENTRY_COMMANDS,
                                              .payload = hf_span (bytes, i % 2 ? 20 : 200)});
    hf_a_propose_frame (&self->frame, &(hf_a_propose_t){.entries = hf_pack_list (&entries)});
    hf_pipe_send (self->lock, &self->frame);
    hf_pack_done (&entries);
}

/*  Take one message that the lock actor is sent, or wait a little. */
static void
s_take (stage_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    zmq_pollitem_t item = {.socket = zsock_resolve (self->lock), .events = ZMQ_POLLIN};
    zmq_poll (&item, 1, 20);
    hf_scan_t scan;
    uint32_t kind = 0;
    hf_a_leading_t leading;
    hf_a_committed_t committed;
    hf_a_verdict_t verdict;
    if (!hf_pipe_next (self->lock, &message, &scan, &kind))
        kind = 0;
    if (kind == HF_KIND_A_LEADING && hf_a_leading_get (&scan, &leading))
        self->leads = leading.term;
    if (kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed)) {
        assert_int_equal (committed.first, self->committed + 1);
        self->committed += committed.entries.count;
    }
    if (kind == HF_KIND_A_VERDICT && hf_a_verdict_get (&scan, &verdict))
        self->verdict = verdict.verdict;
    zmq_msg_close (&message);
}

/*  Until INDEX is committed and the actor leads. */
static void
s_wait (stage_t *self, uint64_t index)
{
    UNTIL_BY (s_take (self), self->leads != 0 && self->committed >= index);
}

/*  Ask for a change until it is done: a member may not have caught up yet, or not vote yet;
 *  and while a voter is started again the lead may be lost. */
static void
s_change (stage_t *self, hf_change_op_t op, const hf_endpoint_t *place)
{
    do {
        hf_a_change_frame (&self->frame, &(hf_a_change_t){.id = (uint64_t)op << 32 | place->id,
                                                          .op = (uint32_t)op,
                                                          .node = place->id,
                                                          .host = hf_span_text (place->host),
                                                          .client_port = place->client_port,
                                                          .node_port = place->node_port});
        self->verdict = 0;
        hf_pipe_send (self->lock, &self->frame);
        UNTIL_BY (s_take (self), self->verdict != 0);
    } while (self->verdict == HF_VERDICT_BUSY || self->verdict == HF_VERDICT_NO_MAJORITY ||
             self->verdict == HF_VERDICT_LAST || self->verdict == HF_VERDICT_NOT_LEADER);
    assert_int_equal (self->verdict, HF_VERDICT_DONE);
}

/*  The actor says TEXT next, but for who leads. */
static void
s_hears (stage_t *self, const char *text)
{
    bool leader;
    zsock_set_rcvtimeo (self->actor, TEST_LIMIT_US / 1000);
    do {
        char *said = zstr_recv (self->actor);
        assert_non_null (said);
        leader = strncmp (said, "LEADER ", 7) == 0;
        if (!leader)
            assert_string_equal (said, text);
        zstr_free (&said);
    } while (leader);
}

HF_TEST (test_leads_commits_prunes_and_starts_again)
{
    stage_t stage;
    hf_endpoints_t list = test_endpoints ("127.0.0.1", 1);
    s_make (&stage, &list, 1);
    s_start (&stage, 0);
    s_wait (&stage, 1);
    s_propose (&stage);
    s_wait (&stage, 1 + ENTRIES);
    //  The state of entry 30 is on disk: the entries up to it may go.
    hf_a_flushed_frame (&stage.frame, &(hf_a_flushed_t){.index = 30});
    hf_pipe_send (stage.file, &stage.frame);
    s_propose (&stage);
    s_wait (&stage, 1 + 2 * ENTRIES);
    zstr_send (stage.actor, "HANDOVER");
    s_hears (&stage, "DONE");
    uint64_t term = stage.leads;
    s_stop (&stage);
    s_start (&stage, 30);
    s_wait (&stage, 2 + 2 * ENTRIES);
    assert_true (stage.leads > term);
    s_stop (&stage);
    char error[HF_ERROR_SIZE];
    hf_log_store_t *store = hf_log_store_open (stage.dir, error);
    assert_non_null (store);
    assert_int_equal (hf_log_store_state (store)->base_index, 30);
    assert_int_equal (hf_log_store_state (store)->last_index, 2 + 2 * ENTRIES);
    hf_log_store_close (&store);
    assert_int_equal (hf_folder_remove (stage.dir), 0);
}

/*  The actor ends itself, as it is no member any more. */
static void
s_until_removed (stage_t *self)
{
    s_hears (self, "REMOVED");
    s_stop (self);
    assert_int_equal (hf_folder_remove (self->dir), 0);
}

/*  Nodes 2 and 3 join a cluster of one, node 2 is restarted with what it was told at first, node 3
 *  is removed, and then the leader. */
HF_TEST (test_nodes_join_and_are_removed)
{
    stage_t stages[3];
    stage_t *one = &stages[0], *two = &stages[1], *three = &stages[2];
    hf_endpoints_t list = test_endpoints ("127.0.0.1", 3);
    for (uint32_t i = 0; i < 3; i++)
        s_make (&stages[i], &list, i + 1);
    s_start (one, 0);
    s_wait (one, 1);
    s_propose (one);
    s_start (two, 0);
    s_change (one, HF_CHANGE_ADD, &two->own);
    UNTIL_BY (s_take (two), two->committed >= 2 + ENTRIES);
    s_stop (two);
    s_start (two, two->committed);
    s_start (three, 0);
    s_change (one, HF_CHANGE_ADD, &three->own);
    s_propose (one);
    UNTIL_BY (s_take (three), three->committed >= 3 + 2 * ENTRIES);
    UNTIL_BY (s_take (two), two->committed >= three->committed);

    s_change (one, HF_CHANGE_REMOVE, &three->own);
    s_until_removed (three);
    s_change (one, HF_CHANGE_REMOVE, &one->own);
    s_until_removed (one);
    s_wait (two, 0);
    uint64_t before = two->committed;
    s_propose (two);
    s_wait (two, before + ENTRIES);
    s_stop (two);
    assert_int_equal (hf_folder_remove (two->dir), 0);
}

int
main (void)
{
    zsys_handler_set (NULL);
    return hf_test_run (NULL, NULL);
}
