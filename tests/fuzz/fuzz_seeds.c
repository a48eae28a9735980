//  fuzz_seeds FOLDER - writes the seeds of each fuzz target, FOLDER/TARGET/N, with the real codec.

#include "base/hf_hash.h"
#include "base/hf_random.h"
#include "msgs/hf_msg.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include "tests/unit/locks/play.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *s_folder;
static unsigned s_number;

static void
s_make (const char *path)
{
    if (mkdir (path, 0755) != 0 && errno != EEXIST) {
        fprintf (stderr, "fuzz_seeds: cannot make %s: %s\n", path, strerror (errno));
        exit (1);
    }
}

/*  HEAD bytes choose what the target does with the rest. */
static void
s_seed (const char *target, const char *head, size_t head_size, const void *bytes, size_t size)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/%s", s_folder, target);
    s_make (path);
    snprintf (path, sizeof path, "%s/%s/%03u", s_folder, target, s_number++);
    FILE *file = fopen (path, "w");
    if (!file || fwrite (head, 1, head_size, file) != head_size ||
        (size > 0 && fwrite (bytes, 1, size, file) != size) || fclose (file) != 0) {
        fprintf (stderr, "fuzz_seeds: cannot write %s: %s\n", path, strerror (errno));
        exit (1);
    }
}

static void
s_text (const char *target, const char *head, const char *text)
{
    s_seed (target, head, strlen (head), text, strlen (text));
}

//  ---- one record of every kind ------------------------------------------------------------

static hf_pack_t s_items; //  what lists in the records hold

#define FILL_u64  7
#define FILL_u32  3
#define FILL_flag true
#define FILL_str  hf_span_text ("name")
#define FILL_bin  hf_span ("0123456789abcdef", 16)
#define FILL_list hf_pack_list (&s_items)

#define FILL(type, field) .field = FILL_##type,

#define RECORD(kind, ordinal, name)                                                                \
    {                                                                                              \
        hf_##name##_t message = {HF_FIELDS_##name (FILL)};                                         \
        hf_pack_reset (&pack);                                                                     \
        hf_##name##_frame (&pack, &message);                                                       \
        s_seed ("frames", "", 0, hf_pack_bytes (&pack), hf_pack_size (&pack));                     \
        if (ordinal >= HF_KIND_HEARTBEAT && ordinal <= HF_KIND_NEWER_TERM) {                       \
            char head[5] = {0x14, 4, 0, 0, (char)hf_pack_size (&pack)};                            \
            s_seed ("peer", head, 5, hf_pack_bytes (&pack), hf_pack_size (&pack));                 \
        }                                                                                          \
        if (ordinal < HF_KIND_OPENED) {                                                            \
            char head[5] = {8, 0, 0, 0, (char)hf_pack_size (&pack)};                               \
            s_seed ("lock", head, 5, hf_pack_bytes (&pack), hf_pack_size (&pack));                 \
        }                                                                                          \
        if (ordinal < HF_KIND_ACQUIRE)                                                             \
            s_seed ("client", "\0\1\2\3\xff", 5, hf_pack_bytes (&pack), hf_pack_size (&pack));     \
        hf_pack_reset (&pack);                                                                     \
        hf_##name##_put (&pack, &message);                                                         \
        if (ordinal >= HF_KIND_CMD_OPEN && ordinal <= HF_KIND_CMD_OPEN_AS)                         \
            s_payload (hf_pack_list (&pack));                                                      \
    }

static void
s_payload (hf_list_t commands)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_payload_put (&payload, commands);
    s_seed ("entries", "", 0, hf_pack_bytes (&payload), hf_pack_size (&payload));
    hf_pack_done (&payload);
}

static void
s_records (void)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    HF_MSG_TABLE (RECORD)
    hf_pack_done (&pack);
}

static void
s_commands (void)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_cmd_close_put (&pack, &(hf_cmd_close_t){.session = 2});
    for (uint64_t session = 1; session <= 3; session++) {
        hf_cmd_requests_t command = {
            .session = session, .floor = 1, .requests = hf_pack_list (&s_items)};
        hf_cmd_requests_put (&pack, &command);
    }
    hf_cmd_expire_put (&pack, &(hf_cmd_expire_t){.session = 1, .term = 5});
    s_payload (hf_pack_list (&pack));
    hf_pack_done (&pack);
}

static void
s_fill_items (void)
{
    hf_span_t a = hf_span_text ("a");
    hf_acquire_put (&s_items, &(hf_acquire_t){.seq = 10, .lock = hf_span_text ("new")});
    hf_append_put (&s_items, &(hf_append_t){11, a, 1, 0, hf_span_text ("f"), hf_span_text ("x")});
    hf_release_put (&s_items, &(hf_release_t){12, a, 1, 0});
    hf_cancel_put (&s_items, &(hf_cancel_t){13, hf_span_text ("b"), 2, 1});
    hf_abandon_put (&s_items, &(hf_abandon_t){14, a});
    hf_answer_put (&s_items, &(hf_answer_t){1, HF_OK, 9, 1, 0});
    hf_granted_put (&s_items, &(hf_granted_t){a, 3, 9, 1, 2});
    hf_moved_put (&s_items, &(hf_moved_t){a, 2});
    hf_entry_put (&s_items, &(hf_entry_t){7, HF_ENTRY_COMMANDS, hf_span_text ("payload")});
    hf_echo_put (&s_items, &(hf_echo_t){2, 99});
}

//  ---- the others ------------------------------------------------------------------------------

static void
s_names (void)
{
    static const char *const lists[] = {
        "1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085",
        "1@host",
        "65535@a-b.c_d.example:1:65535,1@[::1]:9,7@[2001:db8::ffff:1.2.3.4]",
        "1@HOST,2@host",
        "1@1.2.3:1",
        "1@[::1",
        "0@x,,",
        "1@x:1:2:3",
    };
    static const char *const names[] = {"lock",         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                                        "\xed\xa0\x80", "\xc0\x80",
                                        "bad\x7f",      "\xc2\x85"};
    //  The first byte of the rest is the size of the first name.
    static const char *const pairs[] = {"\3a/ba%2Fb", "\2....", "\1.%2E", "\4.x.y.x.y",
                                        "\3\xc3\xa9/%C3%A9"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        s_text ("names", "\3", lists[i]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        s_text ("names", "\1", names[i]);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        s_text ("names", "\2", pairs[i]);
    char two[512] = {(char)250};
    memset (two + 1, '/', 80);
    memset (two + 81, 'a', 420);
    s_seed ("names", "\2", 1, two, 501);
}

/*  Programs of one byte after the other: a start for the targets that make up their own input. */
static void
s_programs (void)
{
    hf_random_t random = {8};
    for (unsigned i = 0; i < 24; i++) {
        uint8_t bytes[1600];
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)hf_random_next (&random);
        size_t size = 40 + 15 * i;
        s_seed ("state", "", 0, bytes, 4 * size);
        s_seed ("peer", (const char[]){(char)(i * 8 + i % 4), (char)i}, 2, bytes, size);
        s_seed ("client", "", 0, bytes, size);
        s_seed ("lock", "", 0, bytes, size);
        s_seed ("rows", (const char[]){(char)i}, 1, bytes, 60);
    }
}

/*  Every column of both databases gets every plain value that fuzz_rows.c knows. */
static void
s_rows (void)
{
    for (unsigned log = 0; log < 2; log++)
        for (unsigned column = 0; column < (log ? 12U : 8U); column++)
            for (unsigned value = 0; value < 16; value++) {
                char bytes[] = {(char)(0x10 | log), 0, (char)column, (char)(value % 2), 0,
                                (char)(96 + value), 1};
                s_seed ("rows", "", 0, bytes, sizeof bytes);
            }
}

//  ---- rows and streams ------------------------------------------------------------------------

/*  Of states with sessions, queues and staged files. */
static void
s_state_rows (void)
{
    hf_pack_t rows, seed;
    hf_pack_init (&rows);
    hf_pack_init (&seed);
    for (unsigned i = 1; i <= 24; i++) {
        play_t play = play_at_random (i);
        play.unchecked = true; //  a fault is for the tests to find, not for the build
        hf_state_destroy (&play.feed->twin);
        for (unsigned entry = 0; entry < 4 * i; entry++)
            play_entry (&play);
        hf_pack_reset (&rows);
        hf_pack_reset (&seed);
        hf_state_rows (play.feed->state, &rows);
        hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
        hf_state_row_t row;
        while (!hf_scan_at_end (&scan) && hf_state_row_get (&scan, &row)) {
            const uint8_t head[] = {(uint8_t)row.key.size, (uint8_t)(row.value.size >> 8),
                                    (uint8_t)row.value.size};
            hf_pack_raw (&seed, head, sizeof head);
            hf_pack_raw (&seed, row.key.at, row.key.size);
            hf_pack_raw (&seed, row.value.at, row.value.size);
        }
        s_seed ("state_rows", "", 0, hf_pack_bytes (&seed), hf_pack_size (&seed));
        play_done (&play);
    }
    hf_pack_done (&rows);
    hf_pack_done (&seed);
}

/*  A whole stream with COUNT files and COUNT rows, sums and all. */
static void
s_stream (uint32_t count)
{
    static const char *const names[] = {"", "a", "b/c"};
    hf_pack_t files, rows, seed;
    hf_pack_init (&files);
    hf_pack_init (&rows);
    hf_pack_init (&seed);
    for (uint32_t i = 1; i <= count; i++) {
        hf_span_t content = hf_span_text (names[i]);
        hf_file_row_put (&files,
                         &(hf_file_row_t){content, content.size,
                                          hf_fnv (HF_FNV_EMPTY, content.at, content.size), 0});
        hf_state_row_put (&rows, &(hf_state_row_t){.key = content, .value = content});
    }
    hf_pack_raw (&seed, "", 1);
    hf_span_t bytes = hf_span (hf_pack_bytes (&rows), hf_pack_size (&rows));
    hf_state_head_t head = {.index = 9, .term = 2, .section = 7, .files = hf_pack_list (&files)};
    hf_snapshot_pack_head (&seed, &head, bytes);
    hf_pack_raw (&seed, bytes.at, bytes.size);
    for (uint32_t i = 1; i <= count; i++)
        hf_pack_raw (&seed, names[i], strlen (names[i]));
    s_seed ("stream", "", 0, hf_pack_bytes (&seed), hf_pack_size (&seed));
    hf_pack_done (&files);
    hf_pack_done (&rows);
    hf_pack_done (&seed);
}

int
main (int argc, char **argv)
{
    if (argc != 2) {
        fputs ("usage: fuzz_seeds FOLDER\n", stderr);
        return 2;
    }
    s_folder = argv[1];
    s_make (s_folder);
    hf_pack_init (&s_items);
    s_fill_items ();
    s_records ();
    s_commands ();
    s_names ();
    s_programs ();
    s_rows ();
    s_state_rows ();
    for (uint32_t count = 0; count <= 2; count++)
        s_stream (count);
    hf_pack_done (&s_items);
    return 0;
}
