//  A backup, written and read: blocks with their sums.

#include "nodes/snapshot/hf_backup_format.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const uint8_t s_magic[8] = "HFBACKUP";

static void
s_put (uint8_t *at, uint64_t number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        at[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
}

static uint64_t
s_get (const uint8_t *at, unsigned size)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

/*  NUMBER: so that blocks cannot change places. */
static uint64_t
s_sum (uint64_t number, const uint8_t *bytes, size_t size)
{
    return hf_hash (hf_hash_u64 (0, HF_MUTANT (backup_blocks_swap) ? 0 : number), bytes, size);
}

static uint64_t
s_blocks (uint64_t total)
{
    return total / HF_BACKUP_BLOCK + (total % HF_BACKUP_BLOCK != 0);
}

//  ---- writing ---------------------------------------------------------------------------

int
hf_backup_begin (hf_backup_writer_t *self, uint64_t total, hf_backup_write_fn *write, void *arg)
{
    uint8_t head[HF_BACKUP_HEAD];
    memcpy (head, s_magic, sizeof s_magic);
    s_put (head + 8, HF_BACKUP_VERSION, 4);
    s_put (head + 12, HF_BACKUP_BLOCK, 4);
    s_put (head + 16, total, 8);
    s_put (head + 24, hf_hash (0, head, 24), 8);
    self->write = write;
    self->arg = arg;
    self->total = total;
    self->done = self->have = 0;
    return write (arg, head, sizeof head);
}

int
hf_backup_put (hf_backup_writer_t *self, const uint8_t *bytes, size_t size)
{
    assert (size <= self->total - self->done);
    int rc = 0;
    while (size > 0 && rc == 0) {
        size_t room = HF_BACKUP_BLOCK - self->have, part = size < room ? size : room;
        memcpy (self->block + self->have, bytes, part);
        self->have += part;
        self->done += part;
        bytes += part;
        size -= part;
        if (self->have < HF_BACKUP_BLOCK && self->done < self->total)
            break;
        uint64_t number = (self->done - 1) / HF_BACKUP_BLOCK;
        s_put (self->block + self->have, s_sum (number, self->block, self->have), HF_BACKUP_SUM);
        rc = self->write (self->arg, self->block, self->have + HF_BACKUP_SUM);
        self->have = 0;
    }
    return rc;
}

//  ---- reading ---------------------------------------------------------------------------

static int
s_check_head (hf_backup_t *self, const uint8_t *head, char error[HF_ERROR_SIZE])
{
    const char *name = self->file.name;
    if (memcmp (head, s_magic, sizeof s_magic) != 0)
        return hf_error_set (error, "%s is no backup of holdfast", name);
    if (s_get (head + 24, 8) != hf_hash (0, head, 24))
        return hf_error_set (error, "%s is damaged at byte 0: its head does not match its checksum",
                             name);
    self->version = (uint32_t)s_get (head + 8, 4);
    self->total = s_get (head + 16, 8);
    if (self->version != HF_BACKUP_VERSION || s_get (head + 12, 4) != HF_BACKUP_BLOCK)
        return hf_error_set (error, "%s has format version %" PRIu32 ", and this program reads %d",
                             name, self->version, HF_BACKUP_VERSION);
    if (self->total > INT64_MAX / 2)
        return hf_error_set (error, "%s is damaged at byte 16: it is larger than it can be", name);
    return 0;
}

int
hf_backup_open (hf_backup_t *self, const hf_snapshot_source_t *file, char error[HF_ERROR_SIZE])
{
    uint8_t head[HF_BACKUP_HEAD];
    self->file = *file;
    self->number = 0;
    if (file->total < sizeof head)
        return hf_error_set (error, "%s is no backup of holdfast: it is too short", file->name);
    if (file->read (file->arg, 0, head, sizeof head, error) != 0 ||
        s_check_head (self, head, error) != 0)
        return -1;
    uint64_t whole = HF_BACKUP_HEAD + self->total + s_blocks (self->total) * HF_BACKUP_SUM;
    if (file->total < whole)
        return hf_error_set (error,
                             "%s is damaged at byte %" PRIu64
                             ": it ends there, and should have %" PRIu64 " bytes",
                             file->name, file->total, whole);
    if (file->total > whole)
        return hf_error_set (error, "%s is damaged at byte %" PRIu64 ": it should end there",
                             file->name, whole);
    return 0;
}

/*  Read block INDEX, unless it is here. */
static int
s_block (hf_backup_t *self, uint64_t index, char error[HF_ERROR_SIZE])
{
    if (self->number == index + 1)
        return 0;
    self->number = 0;
    uint64_t left = self->total - index * HF_BACKUP_BLOCK;
    size_t size = left < HF_BACKUP_BLOCK ? (size_t)left : HF_BACKUP_BLOCK;
    uint64_t at = HF_BACKUP_HEAD + index * (HF_BACKUP_BLOCK + HF_BACKUP_SUM);
    if (self->file.read (self->file.arg, at, self->block, size + HF_BACKUP_SUM, error) != 0)
        return -1;
    if (s_get (self->block + size, HF_BACKUP_SUM) != s_sum (index, self->block, size) &&
        !HF_MUTANT (backup_unchecked))
        return hf_error_set (error,
                             "%s is damaged at byte %" PRIu64
                             ": the %zu bytes from there on do not "
                             "match their checksum",
                             self->file.name, at, size);
    self->number = index + 1;
    return 0;
}

static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    hf_backup_t *self = arg;
    assert (offset <= self->total && size <= self->total - offset);
    while (size > 0) {
        uint64_t index = offset / HF_BACKUP_BLOCK;
        size_t from = (size_t)(offset % HF_BACKUP_BLOCK);
        size_t part = HF_BACKUP_BLOCK - from < size ? HF_BACKUP_BLOCK - from : size;
        if (s_block (self, index, error) != 0)
            return -1;
        memcpy (bytes, self->block + from, part);
        bytes += part;
        offset += part;
        size -= part;
    }
    return 0;
}

hf_snapshot_source_t
hf_backup_source (hf_backup_t *self)
{
    return (hf_snapshot_source_t){
        .arg = self, .name = self->file.name, .total = self->total, .read = s_read};
}
