//  Backups: when a snapshot is made, who reads which, and when it is forgotten.

#include "nodes/services/hf_backup_service.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void
hf_backup_service_init (hf_backup_service_t *self, const hf_file_config_t *config,
                        const hf_file_disk_t *disk, hf_outbox_t *out)
{
    *self = (hf_backup_service_t){.config = config, .disk = disk, .out = out};
}

void
hf_backup_service_done (hf_backup_service_t *self)
{
    hf_snapshot_send_destroy (&self->send);
    hf_making_done (&self->making);
}

//  ---- answers -------------------------------------------------------------------

static void
s_answer (hf_backup_service_t *self, const hf_a_file_result_t *result)
{
    hf_a_file_result_frame (&self->out->message, result);
    hf_outbox_to_actor (self->out, HF_TO_LOCK);
}

static void
s_refuse (hf_backup_service_t *self, uint64_t id, hf_status_t status)
{
    s_answer (self, &(hf_a_file_result_t){.id = id, .status = (uint32_t)status});
}

/*  Many small files fit into one answer. */
static uint64_t
s_answer_part (hf_backup_service_t *self, uint64_t id, uint64_t offset, uint32_t limit,
               uint64_t now_us)
{
    hf_pack_t bytes;
    hf_pack_init (&bytes);
    uint32_t most = limit < HF_DATA_MAX ? limit : HF_DATA_MAX;
    while (hf_pack_size (&bytes) < most) {
        uint64_t have = hf_pack_size (&bytes);
        size_t size;
        uint8_t *piece = hf_snapshot_send_read (self->send, offset + have, (uint32_t)(most - have),
                                                self->disk->read, self->disk->arg, &size);
        if (!piece)
            break;
        hf_pack_raw (&bytes, piece, size);
        free (piece);
    }
    uint64_t size = hf_pack_size (&bytes), total = hf_snapshot_send_total (self->send);
    self->asked_us = now_us;
    self->ended = total - offset == size;
    s_answer (self, &(hf_a_file_result_t){.id = id,
                                          .status = HF_OK,
                                          .total = total,
                                          .more = total - offset > size,
                                          .data = hf_span (hf_pack_bytes (&bytes), size),
                                          .index = self->command,
                                          .number = self->number});
    hf_pack_done (&bytes);
    return size;
}

//  ---- questions -----------------------------------------------------------------

/*  Ask the lock actor for the state as it is now, once for all who wait. */
static void
s_wait (hf_backup_service_t *self, const hf_a_file_query_t *query, uint64_t now_us)
{
    bool full = self->waiting_count == HF_BACKUP_WAITING_MAX;
    //  All rows are read, and none are written meanwhile: a client that asks without end must not
    //  fill its time.
    bool soon = self->waiting_count == 0 && self->want_again_us > now_us;
    if (full || (soon && !HF_MUTANT (backup_packed_always))) {
        s_refuse (self, query->id, HF_BUSY);
        return;
    }
    self->waiting[self->waiting_count++] =
        (hf_backup_waiting_t){.id = query->id, .least = query->offset, .limit = query->limit};
    if (self->waiting_count > 1)
        return;
    self->want_again_us = now_us + HF_BACKUP_AGAIN_US;
    hf_a_want_state_frame (&self->out->message, &(hf_a_want_state_t){.node = 0});
    hf_outbox_to_actor (self->out, HF_TO_LOCK);
}

/*  Whether somebody is in the middle of it. */
static bool
s_is_read (const hf_backup_service_t *self, uint64_t now_us)
{
    return self->send && ((!self->ended && now_us < self->asked_us + self->config->fresh_us) ||
                          HF_MUTANT (backup_kept));
}

static uint64_t
s_begin (hf_backup_service_t *self, const hf_a_file_query_t *query, uint64_t now_us)
{
    bool fresh = self->send && now_us < self->made_us + self->config->fresh_us;
    if (fresh && self->command >= query->offset)
        return s_answer_part (self, query->id, 0, query->limit, now_us);
    if (s_is_read (self, now_us)) {
        s_refuse (self, query->id, HF_BUSY);
        return 0;
    }
    hf_snapshot_send_destroy (&self->send);
    s_wait (self, query, now_us);
    return 0;
}

static uint64_t
s_go_on (hf_backup_service_t *self, const hf_a_file_query_t *query, uint64_t now_us)
{
    bool known = query->number == self->number || HF_MUTANT (backup_mixed);
    if (!self->send || !known)
        s_refuse (self, query->id, HF_NOT_FOUND);
    else if (query->offset > hf_snapshot_send_total (self->send))
        s_refuse (self, query->id, HF_BAD_REQUEST);
    else
        return s_answer_part (self, query->id, query->offset, query->limit, now_us);
    return 0;
}

uint64_t
hf_backup_service_asked (hf_backup_service_t *self, const hf_a_file_query_t *query, uint64_t now_us)
{
    hf_backup_service_tick (self, now_us);
    if (query->limit > 0)
        return query->number == 0 ? s_begin (self, query, now_us) : s_go_on (self, query, now_us);
    s_refuse (self, query->id, HF_BAD_REQUEST);
    return 0;
}

//  ---- the snapshot --------------------------------------------------------------

static void
s_make (hf_backup_service_t *self, const hf_a_snapshot_t *snapshot, uint64_t now_us)
{
    bool more;
    hf_pack_t files;
    hf_pack_init (&files);
    self->disk->list (self->disk->arg, hf_span ("", 0), UINT32_MAX, &files, &more);
    assert (!more);
    hf_making_begin (&self->making, &(hf_state_head_t){.index = snapshot->index,
                                                       .term = snapshot->term,
                                                       .roster = snapshot->roster,
                                                       .section = snapshot->section,
                                                       .files = hf_pack_list (&files)});
    hf_pack_done (&files);
    self->making_command = snapshot->command;
    self->begun_us = now_us;
}

/*  Whether the state as of COMMAND is what any client waits for. */
static bool
s_wanted (const hf_backup_service_t *self, uint64_t command)
{
    for (uint32_t i = 0; i < self->waiting_count; i++)
        if (self->waiting[i].least <= command)
            return true;
    return false;
}

static void
s_answer_waiting (hf_backup_service_t *self, uint64_t now_us)
{
    uint32_t count = self->waiting_count;
    self->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const hf_backup_waiting_t *waiting = &self->waiting[i];
        if (self->send && waiting->least <= self->command)
            s_answer_part (self, waiting->id, 0, waiting->limit, now_us);
        else
            s_refuse (self, waiting->id, HF_BUSY);
    }
}

void
hf_backup_service_begin (hf_backup_service_t *self, const hf_a_snapshot_t *snapshot,
                         uint64_t written, uint64_t now_us)
{
    assert (self->waiting_count > 0 && !self->send);
    //  A restored node would append again what the files have and the rows do not show; and an
    //  empty state (index 0) is none.
    bool together = snapshot->section == written || HF_MUTANT (backup_files_ahead);
    if (together && snapshot->index > 0 && s_wanted (self, snapshot->command))
        s_make (self, snapshot, now_us);
    else
        s_answer_waiting (self, now_us);
}

void
hf_backup_service_made (hf_backup_service_t *self, hf_snapshot_send_t *whole, uint64_t now_us)
{
    assert (self->waiting_count > 0 && !self->send);
    self->send = whole;
    //  Another number than before, also than before a restart.
    self->number = now_us > self->number ? now_us : self->number + 1;
    self->command = self->making_command;
    self->made_us = self->begun_us;
    uint64_t took_us = now_us - self->begun_us; //  and rows waited meanwhile
    self->want_again_us = now_us + HF_BACKUP_AGAIN_US + 4 * took_us;
    hf_outbox_say (self->out, HF_INFO,
                   "a client backs up the state of entry %" PRIu64 " (%" PRIu64 " bytes)",
                   hf_snapshot_send_index (whole), hf_snapshot_send_total (whole));
    s_answer_waiting (self, now_us);
}

//  ---- time ----------------------------------------------------------------------

void
hf_backup_service_tick (hf_backup_service_t *self, uint64_t now_us)
{
    if (self->send && now_us >= self->asked_us + self->config->forget_us &&
        !HF_MUTANT (backup_kept))
        hf_snapshot_send_destroy (&self->send);
}

uint64_t
hf_backup_service_wake_us (const hf_backup_service_t *self)
{
    return self->send && !HF_MUTANT (backup_kept) ? self->asked_us + self->config->forget_us
                                                  : HF_NEVER;
}
