/*  hf_file_actor.c - the actor of everything durable that is not the log: the replicated files and
 *  the rows of the lock state; sections and rows in, reads out, state transfer.
 *
 *  From the lock actor (PAIR, frames of msgs/hf_msg.h):
 *    A_SECTIONS   sections                        write released sections: each an A_SECTION of
 *                 index, parts                    A_PARTs, in order
 *    A_ROWS       index, section, changes         write changed rows of the lock state, as of
 * INDEX, after the sections up to SECTION are durable A_FILE_QUERY id, what, name, offset, limit
 * HF_WHAT_FILES or HF_WHAT_READ A_SNAPSHOT   node, index, term, ...          the state that
 * A_WANT_STATE asked for To the lock actor: A_FILE_RESULT   id, status, total, more, rows, data
 *        sees every section that was taken before its query
 *    A_FILES_DURABLE index
 *        all sections up to INDEX are on disk: at the start, and after every commit
 *    A_FLUSHED index
 *        the rows as of INDEX are on disk; the election actor is sent it too, to prune the log
 *    A_WANT_STATE node
 *        the lock state as it is, for that node: see hf_takeover.h
 *  From the election actor (PAIR): A_NEEDS_STATE, and what peers say: STATE_ASK, STATE_PART.
 *  To the election actor, to be sent to a peer as they are: STATE_ASK, STATE_PART.
 *  On its own pipe: "$TERM": what waits is still handled and committed. To main: A_RESTART index,
 *  a received state is ready, and the process must start again with it.
 *
 *  One batch: all that waits, up to a bound, is handled in order, then one commit. A query is
 *  answered before that commit: what it sees is in the log of a majority already, so that no
 *  crash can take it back.
 *  A disk error ends the process: nothing may leave the node after it.
 */
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/actors/hf_takeover.h"
#include <assert.h>
#include <stdlib.h>

#define BATCH_MESSAGES    1000
#define BATCH_BYTES       (8U << 20) //  in frames taken and answers given
#define TAKEOVER_MESSAGES 16         //  between two batches

typedef struct file_actor {
    hf_file_args_t *args;
    zsock_t *pipe;
    hf_takeover_t *takeover;
    hf_pack_t frame; //  scratch: the frame that is being sent
    hf_pack_t rows;  //  scratch: FILE_ROWs of one answer
    bool stop;
} file_actor_t;

static void
s_send_durable (file_actor_t *self)
{
    hf_pack_reset (&self->frame);
    uint64_t index = hf_file_store_applied (self->args->store);
    hf_a_files_durable_frame (&self->frame, &(hf_a_files_durable_t){.index = index});
    hf_pipe_send (self->args->lock, &self->frame);
}

//  ---- queries -----------------------------------------------------------------

static size_t
s_send_result (file_actor_t *self, const hf_a_file_result_t *result)
{
    hf_pack_reset (&self->frame);
    hf_a_file_result_frame (&self->frame, result);
    size_t size = hf_pack_size (&self->frame);
    hf_pipe_send (self->args->lock, &self->frame);
    return size;
}

static size_t
s_read (file_actor_t *self, const hf_a_file_query_t *query)
{
    hf_file_store_t *store = self->args->store;
    uint8_t *bytes = NULL;
    size_t size = 0;
    hf_a_file_result_t result = {.id = query->id};
    uint32_t limit = query->limit < HF_DATA_MAX ? query->limit : HF_DATA_MAX;
    int status =
        hf_file_store_read (store, query->name, query->offset, limit, &bytes, &size, &result.total);
    if (status < 0)
        hf_die ("cannot read the files: %s", hf_file_store_error (store));
    result.status = (uint32_t)status;
    result.data = hf_span (bytes, size);
    result.more =
        status == HF_OK && query->offset < result.total && result.total - query->offset > size;
    size_t sent = s_send_result (self, &result);
    free (bytes);
    return sent;
}

static size_t
s_list (file_actor_t *self, const hf_a_file_query_t *query)
{
    hf_file_store_t *store = self->args->store;
    uint32_t limit = query->limit < HF_ROWS_MAX ? query->limit : HF_ROWS_MAX;
    hf_a_file_result_t result = {.id = query->id, .status = HF_OK};
    hf_pack_reset (&self->rows);
    if (hf_file_store_rows (store, query->name, limit, &self->rows, &result.more) != 0)
        hf_die ("cannot read the files: %s", hf_file_store_error (store));
    result.rows = hf_pack_list (&self->rows);
    return s_send_result (self, &result);
}

static size_t
s_query (file_actor_t *self, const hf_a_file_query_t *query)
{
    if (query->what == HF_WHAT_READ)
        return s_read (self, query);
    if (query->what == HF_WHAT_FILES)
        return s_list (self, query);
    //  A client chose the number; the lock actor should have refused it.
    return s_send_result (self, &(hf_a_file_result_t){.id = query->id, .status = HF_BAD_REQUEST});
}

//  ---- batches -----------------------------------------------------------------

static void
s_sections (file_actor_t *self, hf_list_t sections)
{
    hf_file_store_t *store = self->args->store;
    hf_scan_t scan = hf_scan_list (sections);
    for (uint32_t i = 0; i < sections.count; i++) {
        hf_a_section_t section;
        bool good = hf_a_section_get (&scan, &section);
        assert (good);
        if (hf_file_store_section (store, section.index, section.parts) != 0)
            hf_die ("cannot write the files: %s", hf_file_store_error (store));
    }
}

static void
s_commit (file_actor_t *self)
{
    if (hf_file_store_commit (self->args->store) != 0)
        hf_die ("cannot write the files: %s", hf_file_store_error (self->args->store));
}

static void
s_send_flushed (file_actor_t *self, zsock_t *to, uint64_t index)
{
    hf_pack_reset (&self->frame);
    hf_a_flushed_frame (&self->frame, &(hf_a_flushed_t){.index = index});
    hf_pipe_send (to, &self->frame);
}

/*  A node that starts from these rows does not see the entries of the sections before them again:
 *  the files come first. */
static void
s_rows (file_actor_t *self, const hf_a_rows_t *rows)
{
    hf_state_store_t *store = self->args->state_store;
    s_commit (self);
    assert (hf_file_store_applied (self->args->store) >= rows->section);
    if (hf_state_store_write (store, rows->index, rows->changes) != 0)
        hf_die ("cannot write the lock state: %s", hf_state_store_error (store));
    s_send_flushed (self, self->args->lock, rows->index);
    s_send_flushed (self, self->args->election, rows->index);
}

/*  How many messages were handled; 0: none waits. */
static unsigned
s_batch (file_actor_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    unsigned count = 0;
    bool sections = false;
    for (size_t bytes = 0; count < BATCH_MESSAGES && bytes < BATCH_BYTES; count++) {
        if (!hf_pipe_next (self->args->lock, &message, &scan, &kind))
            break;
        bytes += zmq_msg_size (&message);
        if (kind == HF_KIND_A_SECTIONS) {
            hf_a_sections_t batch;
            sections = hf_a_sections_get (&scan, &batch);
            assert (sections);
            s_sections (self, batch.sections);
        } else if (kind == HF_KIND_A_ROWS) {
            hf_a_rows_t rows;
            bool good = hf_a_rows_get (&scan, &rows);
            assert (good);
            s_rows (self, &rows);
        } else if (kind == HF_KIND_A_SNAPSHOT) {
            hf_a_snapshot_t snapshot;
            bool good = hf_a_snapshot_get (&scan, &snapshot);
            assert (good);
            hf_takeover_snapshot (self->takeover, &snapshot, hf_clock_us ());
        } else {
            hf_a_file_query_t query;
            bool good = kind == HF_KIND_A_FILE_QUERY && hf_a_file_query_get (&scan, &query);
            assert (good); //  the lock actor sends nothing else
            bytes += good ? s_query (self, &query) : 0;
        }
    }
    zmq_msg_close (&message);
    s_commit (self);
    if (sections)
        s_send_durable (self);
    return count;
}

/*  What the election actor has for the transfer, a bounded part of it. */
static void
s_drain_election (file_actor_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (int i = 0; i < TAKEOVER_MESSAGES; i++) {
        if (!hf_pipe_next (self->args->election, &message, &scan, &kind))
            break;
        hf_takeover_from_election (self->takeover, &scan, kind, hf_clock_us ());
    }
    zmq_msg_close (&message);
}

static void
s_command (file_actor_t *self)
{
    char *command;
    while ((command = hf_pipe_command (self->pipe)) != NULL) {
        if (streq (command, "$TERM"))
            self->stop = true;
        free (command);
    }
}

static void
s_run (file_actor_t *self)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->pipe), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->lock), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->args->election), .events = ZMQ_POLLIN},
    };
    while (!self->stop) {
        uint64_t now_us = hf_clock_us ();
        uint64_t wake_us = hf_takeover_tick (self->takeover, now_us);
        long wait_ms = wake_us == UINT64_MAX ? -1
                       : wake_us > now_us    ? (long)((wake_us - now_us + 999) / 1000)
                                             : 0;
        if (zmq_poll (items, 3, wait_ms) < 0 && errno != EINTR)
            break; //  ETERM: the process ends
        s_command (self);
        s_batch (self);
        s_drain_election (self);
    }
    while (s_batch (self) > 0)
        continue;
}

void
hf_file_actor (zsock_t *pipe, void *args)
{
    file_actor_t self = {.args = args, .pipe = pipe};
    assert (self.args->store && self.args->lock && self.args->election);
    self.takeover = hf_takeover_new (self.args, pipe);
    hf_pack_init (&self.frame);
    hf_pack_init (&self.rows);
    zsock_signal (pipe, 0);
    s_send_durable (&self);
    s_run (&self);
    hf_pack_done (&self.frame);
    hf_pack_done (&self.rows);
    hf_takeover_destroy (&self.takeover);
    hf_file_store_close (&self.args->store);
    hf_state_store_close (&self.args->state_store);
    zsock_destroy (&self.args->lock);
    zsock_destroy (&self.args->election);
}
