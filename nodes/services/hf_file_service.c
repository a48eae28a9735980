//  The file service: sections and rows in, reads out, and what is committed in which order.

#include "nodes/services/hf_file_service.h"
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "nodes/services/hf_backup_service.h"
#include "nodes/services/hf_snapshot_service.h"
#include <assert.h>
#include <stdlib.h>

struct hf_file_service {
    hf_file_config_t config;
    hf_file_disk_t disk;
    hf_outbox_t out;
    hf_snapshot_service_t snapshots;
    hf_backup_service_t backups;
    hf_pack_t list; //  scratch: FILE_ROWs of one answer

    uint64_t durable;  //  the last section that is on disk
    uint64_t written;  //  and that was appended
    bool tell_durable; //  sections came: the lock actor waits for them
    uint64_t bytes;    //  of sections and answers in this turn

    hf_pack_t rows; //  the step of rows that waits
    bool rows_wait;
    uint64_t rows_index;
};

//  ---- life --------------------------------------------------------------------

#define OR(value, otherwise) ((value) != 0 ? (value) : (otherwise))

static void
s_defaults (hf_file_config_t *config)
{
    config->part_bytes = OR (config->part_bytes, HF_STATE_PART_MAX);
    config->window_bytes = OR (config->window_bytes, 32 * HF_STATE_PART_MAX);
    config->page_bytes = OR (config->page_bytes, 128U << 10);
    config->batch_bytes = OR (config->batch_bytes, 8U << 20);
    config->ask_again_us = OR (config->ask_again_us, 200000U);
    config->fresh_us = OR (config->fresh_us, 5000000U);
    config->shared_us = OR (config->shared_us, 30000000U);
    config->forget_us = OR (config->forget_us, 30000000U);
}

static void
s_tell_durable (hf_file_service_t *self)
{
    self->tell_durable = false;
    hf_a_files_durable_frame (&self->out.message, &(hf_a_files_durable_t){.index = self->durable});
    hf_outbox_to_actor (&self->out, HF_TO_LOCK);
}

hf_file_service_t *
hf_file_service_new (const hf_file_config_t *config, const hf_file_disk_t *disk, uint64_t durable)
{
    hf_file_service_t *self = hf_alloc (sizeof *self);
    self->config = *config;
    s_defaults (&self->config);
    assert (self->config.part_bytes <= HF_STATE_PART_MAX);
    self->disk = *disk;
    self->durable = self->written = durable;
    hf_outbox_init (&self->out);
    hf_pack_init (&self->list);
    hf_pack_init (&self->rows);
    hf_snapshot_service_init (&self->snapshots, &self->config, &self->disk, &self->out);
    hf_backup_service_init (&self->backups, &self->config, &self->disk, &self->out);
    s_tell_durable (self);
    return self;
}

void
hf_file_service_destroy (hf_file_service_t **self_p)
{
    hf_file_service_t *self = *self_p;
    if (!self)
        return;
    hf_snapshot_service_done (&self->snapshots);
    hf_backup_service_done (&self->backups);
    hf_pack_done (&self->list);
    hf_pack_done (&self->rows);
    hf_outbox_done (&self->out);
    free (self);
    *self_p = NULL;
}

hf_outbox_t *
hf_file_service_outbox (hf_file_service_t *self)
{
    return &self->out;
}

uint64_t
hf_file_service_durable (const hf_file_service_t *self)
{
    return self->durable;
}

//  ---- the lock actor's ----------------------------------------------------------

/*  After a restart the log is applied again from the state on disk, and the files may be ahead of
 *  that: they keep what they have. */
static void
s_sections (hf_file_service_t *self, const hf_a_sections_t *sections)
{
    hf_scan_t scan = hf_scan_list (sections->sections);
    for (uint32_t i = 0; i < sections->sections.count; i++) {
        hf_a_section_t section;
        bool good = hf_a_section_get (&scan, &section);
        assert (good);
        if (section.index <= self->written && !HF_MUTANT (section_again))
            continue;
        if (HF_MUTANT (section_torn) && section.parts.count > 1)
            section.parts.count--;
        self->disk.section (self->disk.arg, section.index, section.parts);
        self->written = section.index;
    }
    self->bytes += sections->sections.size;
    self->tell_durable = true;
}

static void
s_tell_flushed (hf_file_service_t *self, hf_to_t to)
{
    hf_a_flushed_frame (&self->out.message, &(hf_a_flushed_t){.index = self->rows_index});
    hf_outbox_to_actor (&self->out, to);
}

static void
s_rows (hf_file_service_t *self, const hf_a_rows_t *rows)
{
    assert (!self->rows_wait || HF_MUTANT (steps_overlap));
    assert (rows->section <= self->written || HF_MUTANT (sections_of_leader));
    hf_pack_reset (&self->rows);
    hf_pack_raw (&self->rows, rows->changes.at, rows->changes.size);
    self->rows.count = rows->changes.count;
    self->rows_index = rows->index;
    self->rows_wait = true;
    self->bytes += rows->changes.size;
    if (HF_MUTANT (pruned_before_flushed))
        s_tell_flushed (self, HF_TO_ELECTION);
}

static void
s_result (hf_file_service_t *self, const hf_a_file_result_t *result)
{
    hf_a_file_result_frame (&self->out.message, result);
    self->bytes += hf_pack_size (&self->out.message);
    hf_outbox_to_actor (&self->out, HF_TO_LOCK);
}

static void
s_read (hf_file_service_t *self, const hf_a_file_query_t *query)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    hf_a_file_result_t result = {.id = query->id};
    uint32_t limit = query->limit < HF_DATA_MAX ? query->limit : HF_DATA_MAX;
    int status = self->disk.read (self->disk.arg, query->name, query->offset, limit, &bytes, &size,
                                  &result.total);
    result.status = (uint32_t)status;
    result.data = hf_span (bytes, size);
    result.more =
        status == HF_OK && query->offset < result.total && result.total - query->offset > size;
    s_result (self, &result);
    free (bytes);
}

static void
s_query (hf_file_service_t *self, const hf_a_file_query_t *query, uint64_t now_us)
{
    if (query->what == HF_WHAT_READ) {
        s_read (self, query);
        return;
    }
    if (query->what == HF_WHAT_BACKUP) {
        self->bytes += hf_backup_service_asked (&self->backups, query, now_us);
        return;
    }
    //  A client chose the number; the lock actor should have refused another one.
    hf_a_file_result_t result = {.id = query->id, .status = HF_BAD_REQUEST};
    hf_pack_reset (&self->list);
    if (query->what == HF_WHAT_FILES) {
        uint32_t limit = query->limit < HF_ROWS_MAX ? query->limit : HF_ROWS_MAX;
        self->disk.list (self->disk.arg, query->name, limit, &self->list, &result.more);
        result.status = HF_OK;
        result.rows = hf_pack_list (&self->list);
    }
    s_result (self, &result);
}

static void
s_snapshot (hf_file_service_t *self, const hf_a_snapshot_t *snapshot, uint64_t now_us)
{
    if (snapshot->node == 0)
        hf_backup_service_begin (&self->backups, snapshot, self->written, now_us);
    else
        hf_snapshot_service_begin (&self->snapshots, snapshot, self->written, now_us);
}

/*  Newer rows than a snapshot that is made must have. */
static bool
s_held (const hf_file_service_t *self)
{
    return hf_making_holds (&self->snapshots.making, self->rows_index) ||
           hf_making_holds (&self->backups.making, self->rows_index);
}

static bool
s_can_make (const hf_file_service_t *self, const hf_making_t *making)
{
    //  Its own rows may not be on disk yet.
    bool there = !self->rows_wait || self->rows_index > making->index;
    return making->send && (there || HF_MUTANT (making_reads_early));
}

/*  Two may be made at once; the disk reads for one after the other. NULL: there is nothing to do.
 */
static const hf_making_t *
s_next_made (const hf_file_service_t *self)
{
    const hf_making_t *peer = &self->snapshots.making, *backup = &self->backups.making;
    bool can_peer = s_can_make (self, peer), can_backup = s_can_make (self, backup);
    if (can_peer && can_backup)
        return backup->begun ? backup : peer;
    return can_peer ? peer : can_backup ? backup : NULL;
}

static void
s_make (hf_file_service_t *self, uint64_t now_us)
{
    const hf_making_t *next = s_next_made (self);
    if (!next)
        return;
    bool backup = next == &self->backups.making;
    hf_making_t *making = backup ? &self->backups.making : &self->snapshots.making;
    hf_snapshot_send_t *whole = hf_making_step (making, &self->disk, self->config.page_bytes);
    if (whole && backup)
        hf_backup_service_made (&self->backups, whole, now_us);
    else if (whole)
        hf_snapshot_service_made (&self->snapshots, whole, now_us);
}

//  ---- the turn ------------------------------------------------------------------

void
hf_file_service_from_actor (hf_file_service_t *self, hf_scan_t *scan, uint32_t kind,
                            uint64_t now_us)
{
    hf_snapshot_service_t *snapshots = &self->snapshots;
    switch (kind) {
        HF_OWN_CASE (scan, A_SECTIONS, a_sections, s_sections (self, &in));
        HF_OWN_CASE (scan, A_ROWS, a_rows, s_rows (self, &in));
        HF_OWN_CASE (scan, A_FILE_QUERY, a_file_query, s_query (self, &in, now_us));
        HF_OWN_CASE (scan, A_SNAPSHOT, a_snapshot, s_snapshot (self, &in, now_us));
        HF_OWN_CASE (scan, A_NEEDS_STATE, a_needs_state,
                     hf_snapshot_service_needs (snapshots, &in, now_us));
        HF_OWN_CASE (scan, STATE_ASK, state_ask,
                     hf_snapshot_service_asked (snapshots, &in, self->written, now_us));
        HF_OWN_CASE (scan, STATE_PART, state_part,
                     hf_snapshot_service_part (snapshots, &in, now_us));
    default:
        assert (false && "a message that no actor sends to the file actor");
    }
}

bool
hf_file_service_full (const hf_file_service_t *self)
{
    return self->bytes >= self->config.batch_bytes;
}

void
hf_file_service_end (hf_file_service_t *self, uint64_t now_us)
{
    self->bytes = 0;
    if (self->tell_durable && self->written == self->durable)
        s_tell_durable (self);
    hf_snapshot_service_tick (&self->snapshots, now_us);
    hf_backup_service_tick (&self->backups, now_us);
    s_make (self, now_us);
}

/*  A node that starts from the rows does not see the entries of the sections before them again: the
 *  files come first. */
hf_file_step_t
hf_file_service_step (const hf_file_service_t *self)
{
    bool rows = self->rows_wait && !s_held (self);
    if (HF_MUTANT (flushed_before_files) && rows)
        return HF_FILE_ROWS;
    if (self->written != self->durable || (HF_MUTANT (section_again) && self->tell_durable))
        return HF_FILE_COMMIT;
    if (rows)
        return HF_FILE_ROWS;
    return self->snapshots.whole ? HF_FILE_STAGE : HF_FILE_NOTHING;
}

void
hf_file_service_done (hf_file_service_t *self, hf_file_step_t step)
{
    assert (step == hf_file_service_step (self));
    if (step == HF_FILE_COMMIT) {
        self->durable = self->written;
        s_tell_durable (self);
    } else if (step == HF_FILE_ROWS) {
        self->rows_wait = false;
        hf_pack_done (&self->rows); //  steps may be large
        hf_pack_init (&self->rows);
        s_tell_flushed (self, HF_TO_LOCK);
        s_tell_flushed (self, HF_TO_ELECTION);
    } else if (step == HF_FILE_STAGE)
        hf_snapshot_service_durable (&self->snapshots);
}

hf_list_t
hf_file_service_rows (const hf_file_service_t *self, uint64_t *index)
{
    assert (self->rows_wait);
    *index = self->rows_index;
    return hf_pack_list (&self->rows);
}

uint64_t
hf_file_service_wake_us (const hf_file_service_t *self)
{
    if (s_next_made (self))
        return 0;
    uint64_t snapshots_us = hf_snapshot_service_wake_us (&self->snapshots);
    uint64_t backups_us = hf_backup_service_wake_us (&self->backups);
    return snapshots_us < backups_us ? snapshots_us : backups_us;
}
