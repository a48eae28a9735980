/*  Backups: what is written is read, and any damage is found and its place named. */
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include "nodes/snapshot/hf_backup_format.h"
#include "tests/kit/hf_test.h"

#define MOST (HF_BACKUP_HEAD + 4 * (HF_BACKUP_BLOCK + HF_BACKUP_SUM))

int hf_mutant = HF_MUTANT_none;

typedef struct file {
    size_t size;
    uint8_t bytes[MOST];
} file_t;

static file_t s_file;
static hf_backup_t s_backup;
static uint8_t s_bytes[3 * HF_BACKUP_BLOCK];

static int
s_write (void *arg, const uint8_t *bytes, size_t size)
{
    file_t *file = arg;
    assert_true (size <= MOST - file->size);
    memcpy (file->bytes + file->size, bytes, size);
    file->size += size;
    return 0;
}

static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    const file_t *file = arg;
    (void)error;
    assert_true (offset <= file->size && size <= file->size - offset);
    memcpy (bytes, file->bytes + offset, size);
    return 0;
}

/*  TOTAL bytes, given in pieces of STEP. */
static void
s_make (uint64_t total, size_t step)
{
    static hf_backup_writer_t writer;
    s_file.size = 0;
    for (size_t i = 0; i < sizeof s_bytes; i++)
        s_bytes[i] = (uint8_t)(i * 7 + i / 251);
    assert_int_equal (hf_backup_begin (&writer, total, s_write, &s_file), 0);
    for (size_t at = 0; at < total; at += step) {
        size_t size = total - at < step ? (size_t)total - at : step;
        assert_int_equal (hf_backup_put (&writer, s_bytes + at, size), 0);
    }
}

static int
s_open (char error[HF_ERROR_SIZE])
{
    hf_snapshot_source_t source = {
        .arg = &s_file, .name = "FILE", .total = s_file.size, .read = s_read};
    return hf_backup_open (&s_backup, &source, error);
}

/*  Open and read all of it. */
static int
s_check (char error[HF_ERROR_SIZE])
{
    static uint8_t all[sizeof s_bytes];
    error[0] = 0;
    if (s_open (error) != 0)
        return -1;
    hf_snapshot_source_t source = hf_backup_source (&s_backup);
    int rc = source.read (source.arg, 0, all, (size_t)source.total, error);
    if (rc == 0 && hf_mutant == HF_MUTANT_none)
        assert_memory_equal (all, s_bytes, source.total);
    return rc;
}

HF_TEST (test_what_is_written_is_read)
{
    static const uint64_t totals[] = {
        0, 1, HF_BACKUP_BLOCK - 1, HF_BACKUP_BLOCK, HF_BACKUP_BLOCK + 1, 3 * HF_BACKUP_BLOCK};
    static const size_t steps[] = {977, HF_BACKUP_BLOCK, sizeof s_bytes};
    char error[HF_ERROR_SIZE];
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
            s_make (totals[i], steps[j]);
            assert_int_equal (s_check (error), 0);
            assert_int_equal (s_backup.total, totals[i]);
        }
}

HF_TEST (test_a_part_is_read_across_blocks)
{
    char error[HF_ERROR_SIZE];
    uint8_t part[100];
    s_make (2 * HF_BACKUP_BLOCK, 5000);
    assert_int_equal (s_open (error), 0);
    hf_snapshot_source_t source = hf_backup_source (&s_backup);
    assert_int_equal (source.read (source.arg, HF_BACKUP_BLOCK - 50, part, 100, error), 0);
    assert_memory_equal (part, s_bytes + HF_BACKUP_BLOCK - 50, 100);
}

/*  Every byte of the head, and some of each block and sum. */
HF_TEST (test_damage_is_found_and_its_place_named)
{
    char error[HF_ERROR_SIZE], place[64];
    s_make (2 * HF_BACKUP_BLOCK + 100, 5000);
    for (size_t at = 0; at < s_file.size; at += at < HF_BACKUP_HEAD ? 1 : 1013) {
        s_file.bytes[at] ^= 0x10;
        assert_int_equal (s_check (error), -1);
        size_t block =
            at < HF_BACKUP_HEAD ? 0 : (at - HF_BACKUP_HEAD) / (HF_BACKUP_BLOCK + HF_BACKUP_SUM);
        size_t begins = HF_BACKUP_HEAD + block * (HF_BACKUP_BLOCK + HF_BACKUP_SUM);
        snprintf (place, sizeof place, "at byte %zu:", at < HF_BACKUP_HEAD ? 0 : begins);
        assert_non_null (strstr (error, at < 8 ? "no backup" : place));
        s_file.bytes[at] ^= 0x10;
    }
    assert_int_equal (s_check (error), 0);
    s_file.bytes[HF_BACKUP_HEAD + 5] ^= 1;
    hf_mutant = HF_MUTANT_backup_unchecked;
    assert_int_equal (s_check (error), 0);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST (test_a_file_that_is_too_short_or_too_long_is_refused)
{
    char error[HF_ERROR_SIZE];
    s_make (HF_BACKUP_BLOCK + 100, 5000);
    size_t whole = s_file.size;
    for (s_file.size = 0; s_file.size < whole; s_file.size += s_file.size < 100 ? 1 : 997)
        assert_int_equal (s_open (error), -1);
    s_file.size = whole - 1;
    assert_int_equal (s_open (error), -1);
    assert_non_null (strstr (error, "it ends there"));
    s_file.size = whole + 1;
    assert_int_equal (s_open (error), -1);
    assert_non_null (strstr (error, "it should end there"));
}

HF_TEST (test_blocks_cannot_change_places)
{
    static uint8_t block[HF_BACKUP_BLOCK + HF_BACKUP_SUM];
    char error[HF_ERROR_SIZE];
    for (int mutant = 0; mutant < 2; mutant++) {
        hf_mutant = mutant ? HF_MUTANT_backup_blocks_swap : HF_MUTANT_none;
        s_make (2 * HF_BACKUP_BLOCK, 5000);
        uint8_t *first = s_file.bytes + HF_BACKUP_HEAD, *second = first + sizeof block;
        memcpy (block, first, sizeof block);
        memcpy (first, second, sizeof block);
        memcpy (second, block, sizeof block);
        assert_int_equal (s_check (error), mutant ? 0 : -1);
        hf_mutant = HF_MUTANT_none;
    }
}

HF_TEST_MAIN (NULL, NULL)
