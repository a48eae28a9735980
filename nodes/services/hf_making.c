//  A snapshot, made in steps: a page of rows in each, then their sum.

#include "nodes/services/hf_making.h"
#include "base/hf_mutant.h"
#include <assert.h>

void
hf_making_begin (hf_making_t *self, const hf_state_head_t *head)
{
    assert (!self->send);
    *self = (hf_making_t){.send = hf_snapshot_send_new (head), .index = head->index};
}

void
hf_making_done (hf_making_t *self)
{
    hf_snapshot_send_destroy (&self->send);
}

bool
hf_making_holds (const hf_making_t *self, uint64_t index)
{
    return self->send && !self->read && self->index < index && !HF_MUTANT (making_holds_nothing);
}

static void
s_read_page (hf_making_t *self, const hf_file_disk_t *disk, size_t bytes)
{
    bool more;
    hf_pack_t rows;
    hf_pack_init (&rows);
    disk->rows (disk->arg, !self->begun, bytes, &rows, &more);
    hf_snapshot_send_rows (self->send, hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows)));
    hf_pack_done (&rows);
    self->begun = true;
    self->read = !more;
}

hf_snapshot_send_t *
hf_making_step (hf_making_t *self, const hf_file_disk_t *disk, size_t bytes)
{
    assert (self->send);
    if (!self->read)
        s_read_page (self, disk, bytes);
    if (!self->read || !hf_snapshot_send_seal (self->send))
        return NULL;
    hf_snapshot_send_t *whole = self->send;
    self->send = NULL;
    return whole;
}
