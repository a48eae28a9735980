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
    hf_election_args_t args;
    zactor_t *actor;
    zsock_t *lock, *file; //  our ends
    uint64_t leads;       //  the term
    uint64_t committed;
    hf_pack_t frame;
} stage_t;

static void
s_actor (zsock_t *pipe, void *args)
{
    hf_election_actor (pipe, args);
    HF_TSAN_GIVE (args);
}

static void
s_start (stage_t *self, uint64_t applied)
{
    char error[HF_ERROR_SIZE];
    hf_endpoints_t list = test_endpoints ("127.0.0.1", 1);
    hf_core_config_t *core = &self->args.config.core;
    hf_core_config_defaults (core);
    core->self = core->members[0] = core->members_count = 1;
    self->args.endpoints = list;
    self->args.store = hf_log_store_open (self->dir, error);
    assert_non_null (self->args.store);
    hf_listen_t listen = test_listen (&list.node[0]);
    self->args.mesh = hf_mesh_new (zsys_init (), &list, &list.node[0], &listen, error);
    assert_non_null (self->args.mesh);
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

/*  Take what the lock actor is sent until INDEX is committed and the actor leads. */
static void
s_wait (stage_t *self, uint64_t index)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    uint64_t until_us = test_now_us () + TEST_LIMIT_US;
    zmq_pollitem_t item = {.socket = zsock_resolve (self->lock), .events = ZMQ_POLLIN};
    while (self->leads == 0 || self->committed < index) {
        assert_true (test_now_us () < until_us);
        zmq_poll (&item, 1, 100);
        hf_scan_t scan;
        uint32_t kind;
        hf_a_leading_t leading;
        hf_a_committed_t committed;
        if (!hf_pipe_next (self->lock, &message, &scan, &kind))
            continue;
        if (kind == HF_KIND_A_LEADING && hf_a_leading_get (&scan, &leading))
            self->leads = leading.term;
        if (kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed)) {
            assert_int_equal (committed.first, self->committed + 1);
            self->committed += committed.entries.count;
        }
    }
    zmq_msg_close (&message);
}

HF_TEST (test_leads_commits_prunes_and_starts_again)
{
    stage_t stage = {.leads = 0};
    assert_int_equal (hf_folder_make (NULL, "hf-election-", stage.dir), 0);
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
    char *done = zstr_recv (stage.actor);
    assert_string_equal (done, "DONE");
    zstr_free (&done);
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

int
main (void)
{
    zsys_handler_set (NULL);
    return hf_test_run (NULL, NULL);
}
