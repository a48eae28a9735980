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

//  ---- what this node has -------------------------------------------------------

#define COPY_BYTES (8U << 20) //  in one turn

static int
s_read_stage (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const hf_file_disk_t *disk = arg;
    (void)error; //  it does not fail
    disk->stage_read (disk->arg, offset, bytes, size);
    return 0;
}

static hf_snapshot_source_t
s_source (hf_snapshot_service_t *self)
{
    return (hf_snapshot_source_t){.arg = (void *)(uintptr_t)self->disk,
                                  .name = "the state that was received",
                                  .total = self->receive.total,
                                  .read = s_read_stage};
}

/*  Of ROW, a file of the snapshot at AT, this node has LENGTH bytes. A short beginning is not worth
 *  a question of its own. */
static void
s_add_own (hf_snapshot_service_t *self, const hf_file_row_t *row, uint64_t at, uint64_t length)
{
    bool worth = length == row->length || length >= self->config->part_bytes;
    if (length > 0 && length <= row->length && worth)
        *hf_array_add (&self->own) = (hf_own_t){.at = at, .size = length, .name = row->file};
}

static int
s_order (hf_span_t a, hf_span_t b)
{
    int order = memcmp (a.at, b.at, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/*  Both lists are in the order of names. */
static void
s_compare_files (hf_snapshot_service_t *self)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more;
    self->disk->list (self->disk->arg, hf_span ("", 0), UINT32_MAX, &rows, &more);
    hf_scan_t ours = hf_scan_list (hf_pack_list (&rows));
    hf_scan_t theirs = hf_scan_list (self->coming.head.files);
    hf_file_row_t our = {0}, row;
    bool have = hf_file_row_get (&ours, &our);
    uint64_t at = self->coming.files_at;
    for (uint32_t i = 0; i < self->coming.head.files.count; i++, at += row.length) {
        bool good = hf_file_row_get (&theirs, &row);
        assert (good); //  checked with the head
        while (have && s_order (our.file, row.file) < 0)
            have = hf_file_row_get (&ours, &our);
        if (have && s_order (our.file, row.file) == 0)
            s_add_own (self, &row, at, our.length);
    }
    hf_pack_done (&rows);
}

/*  Look at the head as soon as it is here. A damaged one is found when all is here. */
static void
s_open (hf_snapshot_service_t *self)
{
    uint8_t prefix[HF_SNAPSHOT_PREFIX];
    uint64_t size = 0;
    if (self->opened || self->receive.have < sizeof prefix)
        return;
    self->disk->stage_read (self->disk->arg, 0, prefix, sizeof prefix);
    for (unsigned i = 0; i < sizeof prefix; i++)
        size = size << 8 | prefix[i];
    if (size > HF_SNAPSHOT_HEAD_MAX || self->receive.have < sizeof prefix + size)
        return;
    hf_snapshot_source_t source = s_source (self);
    self->opened = true;
    bool good = hf_snapshot_open (&self->coming, &source) == 0;
    if (good && !self->all && !HF_MUTANT (state_sends_all))
        s_compare_files (self);
}

/*  What comes next of what this node has; NULL: nothing. */
static const hf_own_t *
s_next_own (const hf_snapshot_service_t *self)
{
    size_t i = self->copied;
    while (i < self->own.count &&
           self->receive.have >= self->own.list[i].at + self->own.list[i].size)
        i++;
    return i < self->own.count ? &self->own.list[i] : NULL;
}

/*  Whether the next byte is to be copied. */
static bool
s_copies (const hf_snapshot_service_t *self)
{
    const hf_own_t *own = self->leader != 0 ? s_next_own (self) : NULL;
    return own && self->receive.have >= own->at;
}

/*  Copy what comes next, a part of it in each turn. */
static void
s_copy (hf_snapshot_service_t *self)
{
    for (uint64_t done = 0; done < COPY_BYTES && s_copies (self);) {
        const hf_own_t *own = s_next_own (self);
        self->copied = (size_t)(own - self->own.list);
        uint64_t offset = self->receive.have - own->at, length;
        uint64_t left = own->size - offset;
        uint32_t limit = left < HF_DATA_MAX ? (uint32_t)left : HF_DATA_MAX;
        uint8_t *bytes;
        size_t size;
        int rc =
            self->disk->read (self->disk->arg, own->name, offset, limit, &bytes, &size, &length);
        assert (rc == HF_OK && size > 0); //  files never shrink
        self->disk->stage_write (self->disk->arg, self->receive.have, hf_span (bytes, size));
        free (bytes);
        self->receive.have += size;
        self->copied_bytes += size;
        done += size;
    }
}

//  ---- receiving ---------------------------------------------------------------

static void
s_close (hf_snapshot_service_t *self)
{
    if (self->opened)
        hf_snapshot_close (&self->coming);
    self->opened = false;
    hf_array_free (&self->own);
    self->copied = 0;
    self->copied_bytes = 0;
}

void
hf_snapshot_service_done (hf_snapshot_service_t *self)
{
    s_close (self);
    hf_snapshot_send_destroy (&self->send);
    hf_making_done (&self->making);
    hf_pack_done (&self->files);
}

static void
s_drop (hf_snapshot_service_t *self)
{
    if (self->receive.id != 0)
        self->disk->stage_drop (self->disk->arg);
    self->receive = (hf_snapshot_receive_t){.id = 0};
    s_close (self);
}

static void
s_ask (hf_snapshot_service_t *self, uint64_t now_us)
{
    const hf_own_t *own = s_next_own (self);
    uint64_t size = self->config->window_bytes;
    if (own && own->at > self->receive.have && own->at - self->receive.have < size)
        size = own->at - self->receive.have;
    self->window_end = self->receive.have + size;
    self->ask_us = HF_MUTANT (part_asked_once) ? HF_NEVER : now_us + self->config->ask_again_us;
    hf_state_ask_frame (&self->out->message, &(hf_state_ask_t){.from = self->config->self,
                                                               .to = self->leader,
                                                               .term = self->term,
                                                               .id = self->receive.id,
                                                               .offset = self->receive.have,
                                                               .size = (uint32_t)size});
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

static void
s_restart (hf_snapshot_service_t *self)
{
    hf_a_restart_frame (&self->out->message, &(hf_a_restart_t){.index = self->index});
    hf_outbox_to_actor (self->out, HF_TO_MAIN);
}

/*  All bytes are here: check them. */
static void
s_finish (hf_snapshot_service_t *self)
{
    hf_snapshot_source_t source = s_source (self);
    hf_snapshot_t snapshot;
    if (hf_snapshot_open (&snapshot, &source) != 0 || hf_snapshot_check (&snapshot) != 0) {
        hf_outbox_say (self->out, HF_ERROR, "the state that node %u sent cannot be used: %s",
                       self->leader, snapshot.error);
        self->all = self->own.count > 0;
        s_drop (self); //  from its start, when it is time to ask again
    } else {
        hf_outbox_say (self->out, HF_INFO,
                       "has the state of entry %" PRIu64 " (%" PRIu64 " bytes, %" PRIu64
                       " of them sent): starts again with it",
                       snapshot.head.index, self->receive.total,
                       self->receive.total - self->copied_bytes);
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
    if (received == HF_RECEIVED_FIRST) {
        s_close (self);
        self->disk->stage_begin (self->disk->arg, part->total);
    }
    self->disk->stage_write (self->disk->arg, self->receive.have - part->data.size, part->data);
    if (!HF_MUTANT (part_asked_once))
        self->ask_us = now_us + self->config->ask_again_us;
    s_open (self);
    if (self->receive.have == self->receive.total)
        s_finish (self);
    else if (self->receive.have >= self->window_end && !s_copies (self))
        s_ask (self, now_us);
}

/*  What this node has, or the next question. */
static void
s_go_on (hf_snapshot_service_t *self, uint64_t now_us)
{
    bool copies = s_copies (self);
    if (copies)
        s_copy (self);
    if (copies && self->receive.have == self->receive.total)
        s_finish (self);
    else if (copies ? !s_copies (self) : now_us >= self->ask_us)
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
    uint64_t window = self->config->window_bytes;
    uint64_t end = ask->offset + (ask->size > 0 && ask->size < window ? ask->size : window);
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
    bool shared = self->send && now_us < self->whole_us + config->shared_us &&
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
hf_snapshot_service_begin (hf_snapshot_service_t *self, const hf_a_snapshot_t *snapshot,
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
    hf_making_begin (&self->making, &head);
    self->begun_us = now_us;
    self->node = snapshot->node;
}

void
hf_snapshot_service_made (hf_snapshot_service_t *self, hf_snapshot_send_t *whole, uint64_t now_us)
{
    hf_snapshot_send_destroy (&self->send);
    self->send = whole;
    //  Another number than before, also than before a restart.
    self->send_id = now_us > self->send_id ? now_us : self->send_id + 1;
    self->made_us = self->begun_us;
    self->whole_us = now_us;
    hf_outbox_say (self->out, HF_INFO,
                   "sends the state of entry %" PRIu64 " (%" PRIu64 " bytes) to node %u",
                   hf_snapshot_send_index (whole), hf_snapshot_send_total (whole), self->node);
    uint32_t count = self->waiting_count;
    self->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++)
        s_send_parts (self, &self->waiting[i], now_us);
}

//  ---- time --------------------------------------------------------------------

void
hf_snapshot_service_tick (hf_snapshot_service_t *self, uint64_t now_us)
{
    if (self->leader != 0)
        s_go_on (self, now_us);
    if (self->send && now_us >= self->asked_us + self->config->forget_us)
        hf_snapshot_send_destroy (&self->send);
}

uint64_t
hf_snapshot_service_wake_us (const hf_snapshot_service_t *self)
{
    uint64_t wake_us = self->leader != 0 ? self->ask_us : HF_NEVER;
    if (s_copies (self))
        wake_us = 0;
    if (self->send && self->asked_us + self->config->forget_us < wake_us)
        wake_us = self->asked_us + self->config->forget_us;
    return wake_us;
}
