//  State transfer: which peer gets which part, and when to ask again.

#include "nodes/services/hf_snapshot_service.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include <assert.h>
#include <inttypes.h>

void
hf_snapshot_service_init (hf_snapshot_service_t *self, const hf_file_config_t *config,
                          const hf_file_disk_t *disk, hf_outbox_t *out)
{
    *self = (hf_snapshot_service_t){.config = config, .disk = disk, .out = out};
    hf_pack_init (&self->files);
}

void
hf_snapshot_service_done (hf_snapshot_service_t *self)
{
    hf_snapshot_send_destroy (&self->send);
    hf_pack_done (&self->files);
}

//  ---- receiving ---------------------------------------------------------------

static void
s_drop (hf_snapshot_service_t *self)
{
    if (self->receive.id != 0)
        self->disk->stage_drop (self->disk->arg);
    self->receive = (hf_snapshot_receive_t){.id = 0};
}

static void
s_ask (hf_snapshot_service_t *self, uint64_t now_us)
{
    self->window_end = self->receive.have + self->config->window_bytes;
    self->ask_us = HF_MUTANT (part_asked_once) ? HF_NEVER : now_us + self->config->ask_again_us;
    hf_state_ask_frame (&self->out->message, &(hf_state_ask_t){.from = self->config->self,
                                                               .to = self->leader,
                                                               .term = self->term,
                                                               .id = self->receive.id,
                                                               .offset = self->receive.have});
    hf_outbox_to_actor (self->out, HF_TO_ELECTION);
}

void
hf_snapshot_service_needs (hf_snapshot_service_t *self, const hf_a_needs_state_t *needs,
                           uint64_t now_us)
{
    if (self->whole || self->ready)
        return;
    s_drop (self);
    self->leader = needs->leader;
    self->term = needs->term;
    if (self->leader == 0)
        return;
    hf_outbox_say (self->out, HF_WARN,
                   "the log of node %u begins after the end of this node's log: this node takes "
                   "over the whole state",
                   self->leader);
    s_ask (self, now_us);
}

static int
s_read_stage (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const hf_file_disk_t *disk = arg;
    (void)error; //  it does not fail
    disk->stage_read (disk->arg, offset, bytes, size);
    return 0;
}

static void
s_restart (hf_snapshot_service_t *self)
{
    hf_a_restart_frame (&self->out->message, &(hf_a_restart_t){.index = self->index});
    hf_outbox_to_actor (self->out, HF_TO_MAIN);
}

/*  All bytes are here: check them. */
static void
s_finish (hf_snapshot_service_t *self, const hf_state_part_t *part)
{
    hf_file_disk_t disk = *self->disk;
    hf_snapshot_source_t source = {.arg = &disk,
                                   .name = "the state that was received",
                                   .total = self->receive.total,
                                   .read = s_read_stage};
    hf_snapshot_t snapshot;
    if (hf_snapshot_open (&snapshot, &source) != 0 || hf_snapshot_check (&snapshot) != 0) {
        hf_outbox_say (self->out, HF_ERROR, "the state that node %u sent cannot be used: %s",
                       self->leader, snapshot.error);
        s_drop (self); //  from its start, when it is time to ask again
    } else {
        hf_outbox_say (self->out, HF_INFO,
                       "has the state of entry %" PRIu64 " (%" PRIu64
                       " bytes): starts again with it",
                       part->index, self->receive.total);
        self->whole = true;
        self->index = snapshot.head.index;
        self->leader = 0;
        if (HF_MUTANT (restart_unstaged))
            s_restart (self);
    }
    hf_snapshot_close (&snapshot);
}

void
hf_snapshot_service_part (hf_snapshot_service_t *self, const hf_state_part_t *part, uint64_t now_us)
{
    if (self->leader == 0 || part->from != self->leader || part->term != self->term)
        return;
    hf_received_t received = hf_snapshot_receive_part (&self->receive, part);
    if (received == HF_RECEIVED_NOTHING)
        return;
    if (received == HF_RECEIVED_FIRST)
        self->disk->stage_begin (self->disk->arg, part->total);
    self->disk->stage_write (self->disk->arg, self->receive.have - part->data.size, part->data);
    if (!HF_MUTANT (part_asked_once))
        self->ask_us = now_us + self->config->ask_again_us;
    if (self->receive.have == self->receive.total)
        s_finish (self, part);
    else if (self->receive.have >= self->window_end)
        s_ask (self, now_us);
}

void
hf_snapshot_service_durable (hf_snapshot_service_t *self)
{
    assert (self->whole && !self->ready);
    self->whole = false;
    self->ready = true;
    s_restart (self);
}

//  ---- sending -----------------------------------------------------------------

static void
s_send_parts (hf_snapshot_service_t *self, const hf_state_ask_t *ask, uint64_t now_us)
{
    uint64_t total = hf_snapshot_send_total (self->send);
    uint64_t end = ask->offset + self->config->window_bytes;
    self->asked_us = now_us;
    for (uint64_t offset = ask->offset; offset < total && offset < end;) {
        size_t size;
        uint8_t *bytes = hf_snapshot_send_read (self->send, offset, self->config->part_bytes,
                                                self->disk->read, self->disk->arg, &size);
        hf_state_part_t part = {.from = self->config->self,
                                .to = ask->from,
                                .term = ask->term,
                                .id = self->send_id,
                                .index = hf_snapshot_send_index (self->send),
                                .index_term = hf_snapshot_send_term (self->send),
                                .total = total,
                                .offset = offset,
                                .data = hf_span (bytes, size)};
        hf_state_part_frame (&self->out->message, &part);
        hf_outbox_to_actor (self->out, HF_TO_ELECTION);
        free (bytes);
        offset += size;
    }
}

/*  After a start the files may be ahead of the rows: the snapshot names the section of the files,
 *  so that whoever takes it over does not write those sections again. */
static void
s_list_files (hf_snapshot_service_t *self, uint64_t written)
{
    bool more;
    hf_pack_reset (&self->files);
    self->disk->list (self->disk->arg, hf_span ("", 0), UINT32_MAX, &self->files, &more);
    assert (!more);
    self->section = written;
}

/*  Ask the lock actor for the state as it is now, once for all who wait. */
static void
s_want (hf_snapshot_service_t *self, const hf_state_ask_t *ask, uint64_t written)
{
    for (uint32_t i = 0; i < self->waiting_count; i++)
        if (self->waiting[i].from == ask->from) {
            self->waiting[i] = *ask;
            return;
        }
    if (self->waiting_count == HF_MEMBERS_MAX)
        return;
    self->waiting[self->waiting_count++] = *ask;
    if (self->waiting_count > 1)
        return;
    if (HF_MUTANT (transfer_files_early))
        s_list_files (self, written);
    hf_a_want_state_frame (&self->out->message, &(hf_a_want_state_t){.node = ask->from});
    hf_outbox_to_actor (self->out, HF_TO_LOCK);
}

void
hf_snapshot_service_asked (hf_snapshot_service_t *self, const hf_state_ask_t *ask, uint64_t written,
                           uint64_t now_us)
{
    const hf_file_config_t *config = self->config;
    bool begun = self->send && (ask->id == self->send_id || HF_MUTANT (transfer_mixed));
    //  Keep a snapshot while anyone is still receiving it. A node that swapped it in and asks again
    //  needs a newer one.
    bool received = now_us < self->asked_us + 5 * config->ask_again_us;
    bool shared = self->send && now_us < self->made_us + config->shared_us &&
                  (now_us < self->made_us + config->fresh_us || received);
    if (HF_MUTANT (stale_state_shared))
        shared = self->send != NULL;
    hf_state_ask_t asked = *ask;
    if (!begun && !HF_MUTANT (transfer_mixed))
        asked.offset = 0; //  of a snapshot that is not here: another one begins
    if (begun || shared)
        s_send_parts (self, &asked, now_us);
    else
        s_want (self, &asked, written);
}

void
hf_snapshot_service_made (hf_snapshot_service_t *self, const hf_a_snapshot_t *snapshot,
                          uint64_t written, uint64_t now_us)
{
    if (!HF_MUTANT (transfer_files_early))
        s_list_files (self, written);
    assert (self->section >= snapshot->section || HF_MUTANT (transfer_files_early));
    if (HF_MUTANT (transfer_section))
        self->section = snapshot->section;
    hf_state_head_t head = {.index = snapshot->index,
                            .term = snapshot->term,
                            .roster = snapshot->roster,
                            .section = self->section,
                            .files = hf_pack_list (&self->files)};
    if (HF_MUTANT (transfer_term) && self->waiting_count > 0)
        head.term = self->waiting[0].term;
    hf_snapshot_send_destroy (&self->send);
    self->send = hf_snapshot_send_new (&head, hf_span (snapshot->rows.at, snapshot->rows.size));
    //  Another number than before, also than before a restart.
    self->send_id = now_us > self->send_id ? now_us : self->send_id + 1;
    self->made_us = now_us;
    hf_outbox_say (self->out, HF_INFO,
                   "sends the state of entry %" PRIu64 " (%" PRIu64 " bytes) to node %u",
                   snapshot->index, hf_snapshot_send_total (self->send), snapshot->node);
    uint32_t count = self->waiting_count;
    self->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++)
        s_send_parts (self, &self->waiting[i], now_us);
}

//  ---- time --------------------------------------------------------------------

void
hf_snapshot_service_tick (hf_snapshot_service_t *self, uint64_t now_us)
{
    if (self->leader != 0 && now_us >= self->ask_us)
        s_ask (self, now_us);
    if (self->send && now_us >= self->asked_us + self->config->forget_us)
        hf_snapshot_send_destroy (&self->send);
}

uint64_t
hf_snapshot_service_wake_us (const hf_snapshot_service_t *self)
{
    uint64_t wake_us = self->leader != 0 ? self->ask_us : HF_NEVER;
    if (self->send && self->asked_us + self->config->forget_us < wake_us)
        wake_us = self->asked_us + self->config->forget_us;
    return wake_us;
}
