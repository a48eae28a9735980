//  The pure half of snapshots: what is sent, in which order it is taken, what is refused, the swap.

#include "tests/kit/hf_test.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/locks/hf_state.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include "nodes/snapshot/hf_snapshot_send.h"

#define assert_contains(text, part) assert_non_null (strstr (text, part))

//  ---- a node's files and rows -------------------------------------------------------

static const struct {
    const char *name;
    uint32_t size;
} s_files[] = {{"../odd", 3}, {"empty", 0}, {"large", 70000}, {"small", 14}};
static uint8_t s_bytes[70000]; //  each file is as many of these

static int
s_read_file (void *arg, hf_span_t name, uint64_t offset, uint32_t limit, uint8_t **bytes,
             size_t *size, uint64_t *total)
{
    (void)arg;
    for (size_t i = 0; i < 4; i++) {
        if (!hf_span_equal (name, hf_span_text (s_files[i].name)))
            continue;
        *total = s_files[i].size;
        assert_true (offset < *total);
        *size = *total - offset < limit ? (size_t)(*total - offset) : limit;
        *bytes = hf_alloc (*size);
        memcpy (*bytes, s_bytes + offset, *size);
        return HF_OK;
    }
    return HF_NOT_FOUND;
}

static hf_snapshot_send_t *
s_send (void)
{
    hf_pack_t files, rows;
    hf_pack_init (&files);
    hf_pack_init (&rows);
    for (size_t i = 0; i < sizeof s_bytes; i++)
        s_bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    for (size_t i = 0; i < 4; i++)
        hf_file_row_put (
            &files, &(hf_file_row_t){.file = hf_span_text (s_files[i].name),
                                     .length = s_files[i].size,
                                     .checksum = hf_fnv (HF_FNV_EMPTY, s_bytes, s_files[i].size)});
    for (unsigned i = 0; i < 3; i++)
        hf_state_row_put (&rows, &(hf_state_row_t){.key = hf_span (&s_bytes[i], 1),
                                                   .value = hf_span (s_bytes, 20000 * i)});
    hf_state_head_t head = {.index = 400, .term = 6, .section = 33, .files = hf_pack_list (&files)};
    hf_snapshot_send_t *send = hf_snapshot_send_new (&head);
    hf_snapshot_send_rows (send, hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows)));
    assert_true (hf_snapshot_send_seal (send));
    hf_pack_done (&files);
    hf_pack_done (&rows);
    assert_int_equal (hf_snapshot_send_index (send), 400);
    assert_int_equal (hf_snapshot_send_term (send), 6);
    return send;
}

/*  The whole of it, read in pieces of at most LIMIT. */
static uint8_t *
s_whole (const hf_snapshot_send_t *send, uint32_t limit)
{
    uint64_t total = hf_snapshot_send_total (send);
    uint8_t *whole = hf_alloc ((size_t)total);
    for (uint64_t at = 0; at < total;) {
        size_t size;
        uint8_t *bytes = hf_snapshot_send_read (send, at, limit, s_read_file, NULL, &size);
        assert_in_range (size, 1, limit);
        assert_true (at + size <= total);
        memcpy (whole + at, bytes, size);
        at += size;
        free (bytes);
    }
    return whole;
}

static int
s_read_memory (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    (void)error;
    memcpy (bytes, (uint8_t *)arg + offset, size);
    return 0;
}

/*  Check it as its receiver does: NULL when it is good. */
static const char *
s_check (const uint8_t *bytes, size_t size)
{
    static char text[HF_ERROR_SIZE];
    void *copy = hf_alloc (size + 1); //  so that the sanitizer sees a read beyond its end
    memcpy (copy, bytes, size);
    hf_snapshot_source_t source = {
        .arg = copy, .name = "snapshot", .total = size, .read = s_read_memory};
    hf_snapshot_t snapshot;
    bool good = hf_snapshot_open (&snapshot, &source) == 0 && hf_snapshot_check (&snapshot) == 0;
    memcpy (text, snapshot.error, sizeof text);
    hf_snapshot_close (&snapshot);
    free (copy);
    return good ? NULL : text;
}

//  ---- sent and checked --------------------------------------------------------------

HF_TEST (test_is_the_same_in_pieces_of_any_size)
{
    hf_snapshot_send_t *send = s_send ();
    size_t total = (size_t)hf_snapshot_send_total (send);
    uint8_t *whole = s_whole (send, UINT32_MAX);
    assert_null (s_check (whole, total));
    static const uint32_t limits[] = {97, 4096, 65536};
    for (size_t i = 0; i < 3; i++) {
        uint8_t *again = s_whole (send, limits[i]);
        assert_memory_equal (again, whole, total);
        free (again);
    }
    size_t size = 1;
    assert_null (hf_snapshot_send_read (send, total, 9, s_read_file, NULL, &size));
    assert_null (hf_snapshot_send_read (send, UINT64_MAX, 9, s_read_file, NULL, &size));
    assert_int_equal (size, 0);
    free (whole);
    hf_snapshot_send_destroy (&send);
    hf_snapshot_send_destroy (&send);
}

/*  Rows of several megabytes, added a few at a time: their sum takes more than one step. */
HF_TEST (test_many_rows_are_added_in_pages)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_snapshot_send_t *send = hf_snapshot_send_new (&(hf_state_head_t){.index = 400, .term = 6});
    uint64_t size = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        hf_state_row_put (&rows, &(hf_state_row_t){.key = hf_span (&i, sizeof i),
                                                   .value = hf_span (s_bytes, 3000 + i % 100)});
        if (i % 7 != 6 && i != 1999)
            continue;
        hf_snapshot_send_rows (send, hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows)));
        size += hf_pack_size (&rows);
        hf_pack_reset (&rows);
    }
    assert_false (hf_snapshot_send_seal (send));
    assert_true (hf_snapshot_send_seal (send));
    uint64_t total = hf_snapshot_send_total (send);
    assert_in_range (total, size + 1, size + 1000);
    uint8_t *whole = s_whole (send, 65536);
    assert_null (s_check (whole, total));
    whole[total - 1] ^= 1;
    assert_non_null (s_check (whole, total));
    free (whole);
    hf_pack_done (&rows);
    hf_snapshot_send_destroy (&send);
}

HF_TEST (test_changed_bytes_are_refused)
{
    hf_snapshot_send_t *send = s_send ();
    size_t total = (size_t)hf_snapshot_send_total (send);
    uint8_t *whole = s_whole (send, UINT32_MAX);
    for (size_t at = 0; at < total; at += at < 250 ? 1 : total / 40) {
        whole[at] ^= 0x20;
        //  The head has no sum: an index, say, may be another. It is never more than that.
        assert_true (s_check (whole, total) || at < 250);
        whole[at] ^= 0x20;
    }
    for (size_t cut = 1; cut < total; cut += 1 + total / 23)
        assert_non_null (s_check (whole, total - cut));
    free (whole);
    hf_snapshot_send_destroy (&send);
}

//  ---- heads ---------------------------------------------------------------------------

/*  A snapshot with this head, sums and all, and TAIL behind it. */
static void
s_expect (const hf_state_head_t *head, const char *tail, const char *text)
{
    hf_pack_t pack, record;
    hf_pack_init (&pack);
    hf_pack_init (&record);
    hf_state_head_put (&record, head);
    uint8_t size[8] = {[7] = (uint8_t)hf_pack_size (&record)};
    hf_pack_raw (&pack, size, sizeof size);
    hf_pack_raw (&pack, hf_pack_bytes (&record), size[7]);
    hf_pack_raw (&pack, tail, strlen (tail));
    const char *error = s_check (hf_pack_bytes (&pack), hf_pack_size (&pack));
    if (text) {
        assert_non_null (error);
        assert_contains (error, text);
    } else
        assert_null (error);
    hf_pack_done (&pack);
    hf_pack_done (&record);
}

static hf_list_t
s_file_rows (hf_pack_t *pack, const char *first, uint64_t length, const char *second)
{
    hf_pack_reset (pack);
    hf_file_row_put (pack, &(hf_file_row_t){.file = hf_span_text (first),
                                            .length = length,
                                            .checksum = hf_fnv (HF_FNV_EMPTY, "a", 1)});
    if (second)
        hf_file_row_put (pack,
                         &(hf_file_row_t){.file = hf_span_text (second), .checksum = HF_FNV_EMPTY});
    return hf_pack_list (pack);
}

HF_TEST (test_heads_that_make_no_sense_are_refused)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    const uint64_t none = hf_hash (0, NULL, 0);
    hf_state_head_t head = {.index = 5, .term = 1, .rows_sum = none};
    s_expect (&head, "", NULL);
    s_expect (&head, "a", "longer than its files");
    head.files = s_file_rows (&rows, "f", 1, "g");
    s_expect (&head, "a", NULL);
    s_expect (&head, "b", "does not match its checksum");
    s_expect (&head, "", "its files are longer");
    head.files = s_file_rows (&rows, "f", UINT64_MAX, NULL);
    s_expect (&head, "a", "its files are longer");
    static const char *const names[] = {"f\n", ""};
    for (size_t i = 0; i < 4; i++) {
        head.files = s_file_rows (&rows, i < 2 ? names[i] : "f", 1, i == 2 ? "f" : "e");
        s_expect (&head, "a", "list of files");
    }
    head.files = (hf_list_t){.count = 0};
    static const uint64_t sizes[] = {2, UINT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        head.rows_size = sizes[i];
        s_expect (&head, "a", "its rows are longer");
    }
    head.rows_size = 1;
    s_expect (&head, "a", "its rows are not");
    head.rows_sum = hf_hash (0, "a", 1);
    s_expect (&head, "a", "its rows are not"); //  not records
    static const uint32_t keys[] = {HF_STATE_KEY_MAX + 1, HF_STATE_KEY_MAX};
    for (size_t i = 0; i < 2; i++) {
        char text[64 + 1] = "";
        hf_pack_reset (&rows);
        hf_state_row_put (
            &rows, &(hf_state_row_t){.key = hf_span ("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", keys[i]),
                                     .value = hf_span_text ("v")});
        memcpy (text, hf_pack_bytes (&rows), hf_pack_size (&rows));
        head.rows_size = hf_pack_size (&rows);
        head.rows_sum = hf_hash (0, text, hf_pack_size (&rows));
        s_expect (&head, text, i == 0 ? "its rows are not" : NULL);
    }
    head = (hf_state_head_t){.index = 5, .term = 1, .rows_sum = none};
    head.roster = hf_span_text ("junk");
    s_expect (&head, "", "its head makes no sense");
    head.roster = hf_span ("", 0);
    static const uint64_t indexes[] = {0, UINT64_MAX};
    for (size_t i = 0; i < 2; i++) {
        head.index = indexes[i];
        s_expect (&head, "", "its head makes no sense");
    }
    assert_contains (s_check ((const uint8_t *)"\0\0\0\0\0\0\0", 7), "too short");
    assert_contains (s_check ((const uint8_t *)"\0\0\0\0\0\0\0\2x", 9), "head is longer");
    assert_contains (s_check ((const uint8_t *)"\xff\0\0\0\0\0\0\2x", 9), "head is longer");
    hf_pack_done (&rows);
}

//  ---- received --------------------------------------------------------------------------

static hf_received_t
s_part (hf_snapshot_receive_t *self, uint64_t id, uint64_t total, uint64_t offset, uint32_t size)
{
    return hf_snapshot_receive_part (
        self, &(hf_state_part_t){
                  .id = id, .total = total, .offset = offset, .data = hf_span (s_bytes, size)});
}

HF_TEST (test_parts_are_taken_in_order_of_one_snapshot)
{
    hf_snapshot_receive_t self = {.id = 0};
    assert_int_equal (s_part (&self, 7, 100, 40, 10), HF_RECEIVED_NOTHING); //  not the start
    assert_int_equal (s_part (&self, 7, 100, 0, 40), HF_RECEIVED_FIRST);
    assert_int_equal (s_part (&self, 7, 100, 0, 40), HF_RECEIVED_NOTHING);  //  twice
    assert_int_equal (s_part (&self, 7, 100, 50, 40), HF_RECEIVED_NOTHING); //  one was lost
    assert_int_equal (s_part (&self, 7, 101, 40, 40), HF_RECEIVED_NOTHING); //  another size
    assert_int_equal (s_part (&self, 7, 100, 40, 61), HF_RECEIVED_NOTHING); //  beyond its end
    assert_int_equal (s_part (&self, 8, 100, 40, 40), HF_RECEIVED_NOTHING); //  another one
    assert_int_equal (self.have, 40);
    assert_int_equal (s_part (&self, 7, 100, 40, 40), HF_RECEIVED_MORE);
    assert_int_equal (s_part (&self, 8, 60, 0, 60), HF_RECEIVED_FIRST); //  another one begins
    assert_int_equal (self.have, self.total);
    assert_int_equal (s_part (&self, 8, 60, 60, 0), HF_RECEIVED_NOTHING);
}

HF_TEST (test_parts_that_cannot_be_are_dropped)
{
    hf_snapshot_receive_t self = {.id = 0};
    assert_int_equal (s_part (&self, 0, 100, 0, 10), HF_RECEIVED_NOTHING);
    assert_int_equal (s_part (&self, 7, 8, 0, 8), HF_RECEIVED_NOTHING);
    assert_int_equal (s_part (&self, 7, UINT64_MAX, 0, 10), HF_RECEIVED_NOTHING);
    assert_int_equal (s_part (&self, 7, 20, 0, 21), HF_RECEIVED_NOTHING);
    assert_int_equal (s_part (&self, 7, 20, UINT64_MAX, 10), HF_RECEIVED_NOTHING);
    assert_int_equal (self.id, 0);
}

//  ---- swapped in --------------------------------------------------------------------------

HF_TEST (test_P1_swap_keeps_the_vote_and_begins_the_log_behind_the_state)
{
    const hf_state_head_t head = {.index = 400, .term = 6};
    hf_log_state_t log = {
        .term = 9, .voted_for = {2, 77}, .base_index = 0, .base_term = 0, .last_index = 20};
    hf_log_state_t after;
    assert_true (hf_snapshot_swap (&log, &head, 0, &after));
    assert_int_equal (after.term, 9);
    assert_int_equal (after.voted_for.node, 2);
    assert_int_equal (after.base_index, 400);
    assert_int_equal (after.base_term, 6);
    assert_int_equal (after.last_index, 400);
    //  An entry there, of another term, is not what the state was made of.
    log.last_index = 405;
    assert_true (hf_snapshot_swap (&log, &head, 5, &after));
    //  No log is ahead of its node's term.
    log.term = 5;
    assert_true (hf_snapshot_swap (&log, &head, 5, &after));
    assert_int_equal (after.term, 6);
    assert_int_equal (after.voted_for.node, 0);
}

HF_TEST (test_P7_log_that_is_further_on_is_kept)
{
    const hf_state_head_t head = {.index = 400, .term = 6};
    hf_log_state_t log = {
        .term = 9, .voted_for = {2, 77}, .base_index = 350, .base_term = 5, .last_index = 405};
    hf_log_state_t after;
    assert_false (hf_snapshot_swap (&log, &head, 6, &after));
    assert_memory_equal (&after, &log, sizeof log);
    log.base_index = 401;
    assert_false (hf_snapshot_swap (&log, &head, 0, &after));
}

HF_TEST_MAIN (NULL, NULL)
