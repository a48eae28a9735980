#include "nodes/actors/hf_takeover.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/store/hf_install.h"
#include "nodes/store/hf_outgoing.h"
#include "nodes/store/hf_stream.h"
#include <assert.h>
#include <stdlib.h>

#define ASK_AGAIN_US 200000   //  without a part for so long, ask again
#define FRESH_US     5000000  //  a snapshot serves new askers for so long
#define SHARED_US    30000000 //  or, while another node pulls it, for so long
#define FORGET_US    30000000 //  and is forgotten when nobody has asked for so long

struct hf_takeover {
    hf_file_args_t *args;
    zsock_t *main;
    hf_pack_t frame; //  scratch: the frame that is being sent

    //  Receiving.
    uint32_t leader; //  whose state we pull; 0: nobody's
    uint64_t term;
    uint64_t id; //  of the stream; 0: not begun
    uint64_t total;
    uint64_t window_end; //  of what was asked for
    uint64_t ask_us;     //  when to ask again
    hf_incoming_t *incoming;
    bool ready;

    //  Sending.
    hf_outgoing_t *outgoing;
    uint64_t out_id;
    uint64_t made_us, asked_us;
    hf_state_ask_t waiting[HF_MEMBERS_MAX]; //  for the snapshot that the lock actor makes
    uint32_t waiting_count;
};

hf_takeover_t *
hf_takeover_new (hf_file_args_t *args, zsock_t *main)
{
    hf_takeover_t *self = calloc (1, sizeof *self);
    assert (self && args->election && args->dir);
    self->args = args;
    self->main = main;
    hf_pack_init (&self->frame);
    return self;
}

void
hf_takeover_destroy (hf_takeover_t **self_p)
{
    hf_takeover_t *self = *self_p;
    if (!self)
        return;
    hf_incoming_destroy (&self->incoming);
    hf_outgoing_destroy (&self->outgoing);
    hf_pack_done (&self->frame);
    free (self);
    *self_p = NULL;
}

//  ---- receiving ---------------------------------------------------------------

static void
s_give_up (hf_takeover_t *self)
{
    hf_incoming_destroy (&self->incoming);
    self->leader = 0;
    self->id = 0;
}

static void
s_ask (hf_takeover_t *self, uint64_t now_us)
{
    uint64_t offset = self->incoming ? hf_incoming_have (self->incoming) : 0;
    self->window_end = offset + HF_TAKEOVER_WINDOW;
    self->ask_us = now_us + ASK_AGAIN_US;
    hf_state_ask_t ask = {.from = self->args->self,
                          .to = self->leader,
                          .term = self->term,
                          .id = self->id,
                          .offset = offset};
    hf_pack_reset (&self->frame);
    hf_state_ask_frame (&self->frame, &ask);
    hf_pipe_send (self->args->election, &self->frame);
}

static void
s_needs_state (hf_takeover_t *self, const hf_a_needs_state_t *needs, uint64_t now_us)
{
    if (self->ready)
        return;
    s_give_up (self);
    if (needs->leader == 0)
        return;
    hf_report (HF_WARN,
               "this node was away for longer than the log of node %u goes back: it takes over "
               "the whole state",
               needs->leader);
    self->leader = needs->leader;
    self->term = needs->term;
    s_ask (self, now_us);
}

/*  A stream begins: the first part tells its size. */
static bool
s_begin (hf_takeover_t *self, const hf_state_part_t *part)
{
    //  The sender chose the size: one that cannot be must not end this node.
    if (part->offset != 0 || part->id == 0 || part->total <= HF_STREAM_PREFIX ||
        part->total > INT64_MAX)
        return false;
    char error[HF_ERROR_SIZE];
    self->incoming = hf_incoming_new (self->args->dir, part->total, error);
    if (!self->incoming)
        hf_die ("cannot take over the state: %s", error);
    self->id = part->id;
    self->total = part->total;
    return true;
}

/*  All is here, checked and on disk: the process starts anew and swaps it in. */
static void
s_finish (hf_takeover_t *self, const hf_state_part_t *part)
{
    if (hf_incoming_finish (self->incoming) != 0) {
        hf_report (HF_ERROR, "the state that node %u sent cannot be used: %s", self->leader,
                   hf_incoming_error (self->incoming));
        hf_incoming_destroy (&self->incoming);
        self->id = 0; //  from the start, when it is time to ask again
        return;
    }
    hf_report (HF_INFO,
               "has the state of entry %" PRIu64 " (%" PRIu64 " bytes): starts again with it",
               part->index, self->total);
    hf_incoming_destroy (&self->incoming);
    self->ready = true;
    self->leader = 0;
    hf_pack_reset (&self->frame);
    hf_a_restart_frame (&self->frame, &(hf_a_restart_t){.index = part->index});
    hf_pipe_send (self->main, &self->frame);
}

static void
s_part (hf_takeover_t *self, const hf_state_part_t *part, uint64_t now_us)
{
    if (self->leader == 0 || part->from != self->leader || part->term != self->term)
        return;
    if (self->id != 0 && part->id != self->id) {
        //  The sender has forgotten our stream and begun another one.
        if (part->offset != 0)
            return;
        hf_incoming_destroy (&self->incoming);
        self->id = 0;
    }
    if (!self->incoming && !s_begin (self, part))
        return;
    uint64_t have = hf_incoming_have (self->incoming);
    if (part->offset != have || part->total != self->total || part->data.size > self->total - have)
        return; //  one that came twice, or one before it was lost: asked for again in time
    if (hf_incoming_write (self->incoming, part->offset, part->data) != 0)
        hf_die ("cannot take over the state: %s", hf_incoming_error (self->incoming));
    self->ask_us = now_us + ASK_AGAIN_US;
    have += part->data.size;
    if (have == self->total)
        s_finish (self, part);
    else if (have >= self->window_end)
        s_ask (self, now_us);
}

//  ---- sending -----------------------------------------------------------------

static void
s_send_parts (hf_takeover_t *self, const hf_state_ask_t *ask, uint64_t now_us)
{
    uint64_t total = hf_outgoing_total (self->outgoing);
    uint64_t end = ask->offset + HF_TAKEOVER_WINDOW;
    self->asked_us = now_us;
    for (uint64_t offset = ask->offset; offset < total && offset < end;) {
        uint8_t *bytes = NULL;
        size_t size = 0;
        if (hf_outgoing_read (self->outgoing, offset, HF_TAKEOVER_PART, &bytes, &size) != 0)
            hf_die ("cannot read the state: %s", hf_file_store_error (self->args->store));
        assert (size > 0 && size <= HF_TAKEOVER_PART);
        hf_state_part_t part = {.from = self->args->self,
                                .to = ask->from,
                                .term = ask->term,
                                .id = self->out_id,
                                .index = hf_outgoing_index (self->outgoing),
                                .index_term = hf_outgoing_term (self->outgoing),
                                .total = total,
                                .offset = offset,
                                .data = hf_span (bytes, size)};
        hf_pack_reset (&self->frame);
        hf_state_part_frame (&self->frame, &part);
        hf_pipe_send (self->args->election, &self->frame);
        free (bytes);
        offset += size;
    }
}

/*  The state as it is now is asked of the lock actor, once for all who wait. */
static void
s_want (hf_takeover_t *self, const hf_state_ask_t *ask)
{
    for (uint32_t i = 0; i < self->waiting_count; i++)
        if (self->waiting[i].from == ask->from)
            return;
    assert (self->waiting_count < HF_MEMBERS_MAX);
    self->waiting[self->waiting_count++] = *ask;
    if (self->waiting_count > 1)
        return;
    hf_pack_reset (&self->frame);
    hf_a_want_state_frame (&self->frame, &(hf_a_want_state_t){.node = ask->from});
    hf_pipe_send (self->args->lock, &self->frame);
}

static void
s_asked (hf_takeover_t *self, const hf_state_ask_t *ask, uint64_t now_us)
{
    bool begun = self->outgoing && ask->id == self->out_id;
    //  One that somebody is in the middle of is not taken away from him; but who swapped an old
    //  one in and asks again has found it too old.
    bool shared = self->outgoing && now_us < self->made_us + SHARED_US &&
                  (now_us < self->made_us + FRESH_US || now_us < self->asked_us + 5 * ASK_AGAIN_US);
    hf_state_ask_t from_start = *ask;
    if (!begun)
        from_start.offset = 0; //  of a stream that is not here: it begins with another one
    if (begun || shared)
        s_send_parts (self, &from_start, now_us);
    else
        s_want (self, &from_start);
}

void
hf_takeover_snapshot (hf_takeover_t *self, const hf_a_snapshot_t *snapshot, uint64_t now_us)
{
    hf_pack_t files;
    hf_pack_init (&files);
    if (hf_file_store_all_rows (self->args->store, &files) != 0)
        hf_die ("cannot read the files: %s", hf_file_store_error (self->args->store));
    //  After a start the files may be ahead of the state: whoever takes both over must not write
    //  those sections again.
    uint64_t section = hf_file_store_written (self->args->store);
    assert (section >= snapshot->section);
    hf_state_head_t head = {.index = snapshot->index,
                            .term = snapshot->term,
                            .roster = snapshot->roster,
                            .section = section,
                            .files = hf_pack_list (&files)};
    hf_outgoing_destroy (&self->outgoing);
    uint8_t *rows = malloc (snapshot->rows.size + 1U);
    assert (rows);
    if (snapshot->rows.size > 0)
        memcpy (rows, snapshot->rows.at, snapshot->rows.size);
    self->outgoing = hf_outgoing_new (&head, rows, snapshot->rows.size, self->args->store);
    hf_pack_done (&files);
    self->out_id = now_us; //  another one than before, also than before a restart
    self->made_us = now_us;
    hf_report (HF_INFO, "sends the state of entry %" PRIu64 " (%" PRIu64 " bytes) to node %u",
               snapshot->index, hf_outgoing_total (self->outgoing), snapshot->node);
    uint32_t count = self->waiting_count;
    self->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++)
        s_send_parts (self, &self->waiting[i], now_us);
}

//  ---- what comes in -----------------------------------------------------------

void
hf_takeover_from_election (hf_takeover_t *self, hf_scan_t *scan, uint32_t kind, uint64_t now_us)
{
    union {
        hf_a_needs_state_t needs;
        hf_state_ask_t ask;
        hf_state_part_t part;
    } in;
    bool good = false;
    if (kind == HF_KIND_A_NEEDS_STATE) {
        good = hf_a_needs_state_get (scan, &in.needs);
        s_needs_state (self, &in.needs, now_us);
    } else if (kind == HF_KIND_STATE_ASK) {
        good = hf_state_ask_get (scan, &in.ask);
        s_asked (self, &in.ask, now_us);
    } else if (kind == HF_KIND_STATE_PART) {
        good = hf_state_part_get (scan, &in.part);
        s_part (self, &in.part, now_us);
    }
    assert (good); //  the election actor has read them before
}

uint64_t
hf_takeover_tick (hf_takeover_t *self, uint64_t now_us)
{
    uint64_t next_us = UINT64_MAX;
    if (self->leader != 0) {
        if (now_us >= self->ask_us)
            s_ask (self, now_us);
        next_us = self->ask_us;
    }
    if (self->outgoing) {
        uint64_t forget_us = self->asked_us + FORGET_US;
        if (now_us >= forget_us)
            hf_outgoing_destroy (&self->outgoing);
        else if (forget_us < next_us)
            next_us = forget_us;
    }
    return next_us;
}
