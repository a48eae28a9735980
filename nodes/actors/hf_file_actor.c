/*  hf_file_actor.c - the actor of everything durable that is not the log: stores, pipes and clock
 *  around the file service.
 *
 *  What it takes and gives is in nodes/services/hf_file_service.h; and "$TERM" on its own pipe:
 *  what waits is still handled and committed. It decides nothing: it drains what waits, carries the
 *  outbox out, and commits what the service says, in that order. A disk error ends the process:
 *  nothing may leave the node after it.
 */
#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/services/hf_file_service.h"
#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "broker-less/hf_poll.h"
#include <assert.h>

#define LOCK_MESSAGES     1000 //  in one turn
#define ELECTION_MESSAGES 16   //  so that sections do not wait for a state transfer

typedef struct file_actor {
    hf_file_args_t *args;
    zsock_t *pipe;
    hf_file_service_t *service;
    hf_outbox_t *out;
    hf_snapshot_stage_t *stage;
    hf_poll_t poll;
    unsigned from_lock, from_election, from_main; //  in it
    bool stop;
} file_actor_t;

//  ---- the disk ------------------------------------------------------------------

static void
s_written (file_actor_t *self, int rc)
{
    if (rc != 0)
        hf_die ("cannot write the files: %s", hf_file_store_error (self->args->store));
}

static void
s_section (void *arg, uint64_t index, hf_list_t parts)
{
    file_actor_t *self = arg;
    s_written (self, hf_file_store_section (self->args->store, index, parts));
}

static int
s_read (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes, size_t *size,
        uint64_t *total)
{
    hf_file_store_t *store = ((file_actor_t *)arg)->args->store;
    int rc = hf_file_store_read (store, name, offset, limit, bytes, size, total);
    if (rc < 0)
        hf_die ("cannot read the files: %s", hf_file_store_error (store));
    return rc;
}

static void
s_list (void *arg, hf_span_t after, uint32_t limit, hf_pack_t *rows, bool *more)
{
    hf_file_store_t *store = ((file_actor_t *)arg)->args->store;
    if (hf_file_store_rows (store, after, limit, rows, more) != 0)
        hf_die ("cannot read the files: %s", hf_file_store_error (store));
}

static void
s_rows (void *arg, bool begin, size_t bytes, hf_pack_t *rows, bool *more)
{
    hf_state_store_t *store = ((file_actor_t *)arg)->args->state_store;
    if (hf_state_store_page (store, begin, bytes, rows, more) != 0)
        hf_die ("cannot read the lock state: %s", hf_state_store_error (store));
}

static void
s_staged (file_actor_t *self, int rc)
{
    if (rc != 0)
        hf_die ("cannot take over the state: %s", hf_snapshot_stage_error (self->stage));
}

static void
s_stage_drop (void *arg)
{
    hf_snapshot_stage_destroy (&((file_actor_t *)arg)->stage);
}

static void
s_stage_begin (void *arg, uint64_t total)
{
    file_actor_t *self = arg;
    char error[HF_ERROR_SIZE];
    s_stage_drop (self);
    self->stage = hf_snapshot_stage_new (self->args->dir, total, error);
    if (!self->stage)
        hf_die ("cannot take over the state: %s", error);
}

static void
s_stage_write (void *arg, uint64_t offset, hf_span_t bytes)
{
    file_actor_t *self = arg;
    s_staged (self, hf_snapshot_stage_write (self->stage, offset, bytes));
}

static void
s_stage_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size)
{
    file_actor_t *self = arg;
    s_staged (self, hf_snapshot_stage_read (self->stage, offset, bytes, size));
}

static void
s_write_rows (file_actor_t *self)
{
    uint64_t index;
    hf_list_t changes = hf_file_service_rows (self->service, &index);
    if (hf_state_store_write (self->args->state_store, index, changes) != 0)
        hf_die ("cannot write the lock state: %s", hf_state_store_error (self->args->state_store));
}

//  ---- the turn ------------------------------------------------------------------

static void
s_carry_out (file_actor_t *self)
{
    zsock_t *const pipes[] = {[HF_TO_ELECTION] = self->args->election,
                              [HF_TO_LOCK] = self->args->lock,
                              [HF_TO_MAIN] = self->pipe};
    const unsigned items[] = {[HF_TO_ELECTION] = self->from_election,
                              [HF_TO_LOCK] = self->from_lock,
                              [HF_TO_MAIN] = self->from_main};
    unsigned sent = hf_pipe_carry_out (pipes, self->out);
    for (unsigned to = HF_TO_ELECTION; to <= HF_TO_MAIN; to++)
        if ((sent & 1U << to) != 0)
            hf_poll_used (&self->poll, items[to]);
}

/*  How many messages of SOCK were handled. */
static unsigned
s_drain (file_actor_t *self, zsock_t *sock, unsigned item, unsigned most)
{
    if (!self->stop && !hf_poll_ready (&self->poll, item))
        return 0;
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    unsigned count = 0;
    while (count < most && !hf_file_service_full (self->service)) {
        if (!hf_pipe_next (sock, &message, &scan, &kind)) {
            if (zmq_errno () == EAGAIN)
                hf_poll_emptied (&self->poll, item);
            break;
        }
        hf_file_service_from_actor (self->service, &scan, kind, hf_clock_us ());
        count++;
    }
    zmq_msg_close (&message);
    return count;
}

/*  How many messages of the lock actor were handled; 0: none waits. */
static unsigned
s_turn (file_actor_t *self)
{
    s_drain (self, self->args->election, self->from_election, ELECTION_MESSAGES);
    unsigned count = s_drain (self, self->args->lock, self->from_lock, LOCK_MESSAGES);
    hf_file_service_end (self->service, hf_clock_us ());
    s_carry_out (self);
    hf_file_step_t step;
    while ((step = hf_file_service_step (self->service)) != HF_FILE_NOTHING) {
        if (step == HF_FILE_COMMIT)
            s_written (self, hf_file_store_commit (self->args->store));
        else if (step == HF_FILE_ROWS)
            s_write_rows (self);
        else
            s_staged (self, hf_snapshot_stage_ready (self->stage));
        hf_file_service_done (self->service, step);
        s_carry_out (self);
    }
    return count;
}

static void
s_wait_for (file_actor_t *self)
{
    self->from_main = hf_poll_add (&self->poll, zsock_resolve (self->pipe));
    self->from_lock = hf_poll_add (&self->poll, zsock_resolve (self->args->lock));
    self->from_election = hf_poll_add (&self->poll, zsock_resolve (self->args->election));
}

static void
s_run (file_actor_t *self)
{
    s_wait_for (self);
    s_carry_out (self); //  A_FILES_DURABLE
    while (!self->stop) {
        hf_pulse_beat (&self->args->pulse);
        hf_poll_wait (&self->poll, hf_pipe_wait_ms (hf_file_service_wake_us (self->service)));
        s_turn (self);
        self->stop =
            hf_poll_ready (&self->poll, self->from_main) && hf_pipe_ends (self->pipe, NULL);
    }
    while (s_turn (self) > 0)
        continue;
}

void
hf_file_actor (zsock_t *pipe, void *args)
{
    file_actor_t self = {.args = args, .pipe = pipe};
    assert (self.args->store && self.args->state_store && self.args->dir);
    hf_file_config_t config = {.self = self.args->self};
    hf_file_disk_t disk = {.arg = &self,
                           .section = s_section,
                           .read = s_read,
                           .list = s_list,
                           .rows = s_rows,
                           .stage_begin = s_stage_begin,
                           .stage_write = s_stage_write,
                           .stage_read = s_stage_read,
                           .stage_drop = s_stage_drop};
    self.service = hf_file_service_new (&config, &disk, hf_file_store_applied (self.args->store));
    self.out = hf_file_service_outbox (self.service);
    hf_pulse_name ("hf-file");
    zsock_signal (pipe, 0);
    s_run (&self);
    hf_file_service_destroy (&self.service);
    hf_snapshot_stage_destroy (&self.stage);
    hf_file_store_close (&self.args->store);
    hf_state_store_close (&self.args->state_store);
    zsock_destroy (&self.args->lock);
    zsock_destroy (&self.args->election);
}
