//  Databases: log.db, files.db, their WAL and the files, changed behind the stores' back. A store
//  refuses what it finds, with one line, or reads it and goes on working; it never crashes.

#include "nodes/consensus/hf_core.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_disk.h"
#include <sqlite3.h>
#include <stdio.h>

//  ---- opening what was changed ------------------------------------------------------------

static void
s_check_error (const char *error)
{
    size_t size = strnlen (error, HF_ERROR_SIZE);
    assert (size > 0 && size < HF_ERROR_SIZE && strchr (error, '\n') == NULL);
}

typedef struct spans {
    hf_term_span_t list[64];
    size_t count;
} spans_t;

static void
s_add_span (void *arg, uint64_t first_index, uint64_t term)
{
    spans_t *spans = arg;
    if (spans->count < 64)
        spans->list[spans->count++] = (hf_term_span_t){first_index, term};
}

/*  What the election actor does with it at the start: a log that makes no sense ends there. */
static bool
s_core_takes (hf_log_store_t *store)
{
    spans_t spans = {.count = 0};
    hf_core_config_t config;
    const hf_log_state_t *state = hf_log_store_state (store);
    hf_core_config_defaults (&config);
    config.self = config.members[0] = config.members_count = 1;
    int rc = hf_log_store_spans (store, s_add_span, &spans);
    assert (rc == 0);
    hf_restored_t restored = {.term = state->term,
                              .voted_for = state->voted_for,
                              .last_index = state->last_index,
                              .spans = spans.list,
                              .spans_count = spans.count};
    hf_core_t *core = hf_core_new (&config, &restored, 1000000, NULL, NULL);
    bool taken = core != NULL;
    if (core)
        hf_core_check (core);
    hf_core_destroy (&core);
    return taken;
}

static void
s_use_log (const char *dir)
{
    char error[HF_ERROR_SIZE] = "";
    hf_log_store_t *store = hf_log_store_open (dir, error);
    if (!store) {
        s_check_error (error);
        return;
    }
    hf_pack_t pack;
    hf_pack_init (&pack);
    if (s_core_takes (store)) {
        uint64_t first = hf_log_store_state (store)->base_index + 1,
                 last = hf_log_store_state (store)->last_index;
        uint64_t count = last + 1 - first;
        int got = first <= last ? hf_log_store_read (store, first, last, 1U << 20, &pack) : 0;
        assert (got >= 0 && (uint64_t)got <= count);
        assert (hf_log_store_incarnation (store) != 0);
        if (hf_log_store_bind (store, 1, FUZZ_DISK_LIST) != 0)
            s_check_error (hf_log_store_error (store));
        else if (hf_log_store_vote (store, hf_log_store_state (store)->term,
                                    (hf_member_t){1, 77}) != 0 ||
                 hf_log_store_append (store, last + 1,
                                      &(hf_entry_t){hf_log_store_state (store)->term,
                                                    HF_ENTRY_COMMANDS, hf_span_text ("more")}) !=
                     0 ||
                 hf_log_store_commit (store) != 0)
            s_check_error (hf_log_store_error (store));
        else {
            hf_pack_reset (&pack);
            got = hf_log_store_read (store, last + 1, last + 1, 1000, &pack);
            assert (got == 1);
        }
    }
    hf_pack_done (&pack);
    hf_log_store_close (&store);
}

static void
s_use_rows (hf_file_store_t *store)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more;
    if (hf_file_store_rows (store, hf_span_text (""), 100, &rows, &more) != 0)
        s_check_error (hf_file_store_error (store));
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    while (!hf_scan_at_end (&scan)) {
        hf_file_row_t row;
        bool read = hf_file_row_get (&scan, &row);
        assert (read);
        uint8_t *bytes;
        size_t size;
        uint64_t total;
        int rc = hf_file_store_read (store, row.file, 1, 1000, &bytes, &size, &total);
        if (rc < 0)
            s_check_error (hf_file_store_error (store));
        else
            assert (rc == HF_NOT_FOUND || (total == row.length && size <= total));
        free (bytes);
    }
    hf_pack_done (&rows);
}

static void
s_use_files (const char *dir)
{
    char error[HF_ERROR_SIZE] = "";
    hf_file_store_t *store = hf_file_store_open (dir, error);
    if (!store) {
        s_check_error (error);
        return;
    }
    s_use_rows (store);
    hf_pack_t parts;
    hf_pack_init (&parts);
    hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("one"), hf_span_text ("more")});
    hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("new"), hf_span_text ("file")});
    uint64_t index = hf_file_store_applied (store) + 1;
    if (hf_file_store_section (store, index, hf_pack_list (&parts)) != 0 ||
        hf_file_store_commit (store) != 0)
        s_check_error (hf_file_store_error (store));
    else
        s_use_rows (store);
    hf_pack_done (&parts);
    hf_file_store_close (&store);
}

//  ---- changes ---------------------------------------------------------------------------------

/*  Bytes of a file: from the end of its name in the input on, pairs of place and value. */
static void
s_change_bytes (uint8_t *file, size_t size, fuzz_bytes_t *bytes)
{
    for (unsigned left = 1 + fuzz_u8 (bytes) % 16; left > 0 && size > 0; left--) {
        uint64_t at = (uint64_t)fuzz_u16 (bytes) * 3 + fuzz_u8 (bytes) % 3;
        //  Half of the changes go where the heads and the row pointers are.
        at = fuzz_u8 (bytes) % 2 ? at % size : at % (size < 4096 ? size : 4096) / 4;
        file[at] = fuzz_u8 (bytes);
    }
}

/*  A value of any type, as SQL. */
static void
s_value (fuzz_bytes_t *bytes, char *sql, size_t room)
{
    static const char *const plain[] = {
        "NULL",
        "1e300",
        "''",
        "'.'",
        "'..'",
        "'../x'",
        "'one'",
        "'two%2Fb'",
        "'a/b'",
        "'new'",
        "zeroblob (70000)",
        "printf ('%300d', 1)",
        "printf ('%255d', 1)",
        "x'6f6e6500'",
        "-1",
        "-2",
    };
    uint8_t how = fuzz_u8 (bytes);
    if (how < 96) {
        snprintf (sql, room, "%lld", (long long)fuzz_number (bytes));
    } else if (how < 208) {
        snprintf (sql, room, "%s", plain[how % 16]);
    } else {
        size_t used = (size_t)snprintf (sql, room, how % 2 ? "x'" : "CAST (x'");
        for (unsigned left = fuzz_u8 (bytes) % 40; left > 0; left--)
            used += (size_t)snprintf (sql + used, room - used, "%02x", fuzz_u8 (bytes));
        snprintf (sql + used, room - used, how % 2 ? "'" : "' AS TEXT)");
    }
}

static void
s_change_value (sqlite3 *db, bool log, fuzz_bytes_t *bytes)
{
    static const struct {
        const char *table, *column;
    } columns[2][12] = {{{"node", "applied"},
                         {"node", "row_sum"},
                         {"files", "name"},
                         {"files", "disk"},
                         {"files", "disk"},
                         {"files", "length"},
                         {"files", "sum"},
                         {"files", "row_sum"}},
                        {{"node", "incarnation"},
                         {"node", "term"},
                         {"node", "voted_for"},
                         {"node", "base_index"},
                         {"node", "base_term"},
                         {"node", "member"},
                         {"node", "list"},
                         {"node", "checksum"},
                         {"entries", "idx"},
                         {"entries", "term"},
                         {"entries", "checksum"},
                         {"entries", "payload"}}};
    char value[160], sql[512];
    unsigned which = fuzz_u8 (bytes) % (log ? 12U : 8U);
    unsigned row = fuzz_u8 (bytes) % 8;
    const char *table = columns[log][which].table, *column = columns[log][which].column;
    uint8_t how = fuzz_u8 (bytes);
    s_value (bytes, value, sizeof value);
    if (how >= 250)
        snprintf (sql, sizeof sql, "%s %s", how == 255 ? "DROP TABLE" : "DELETE FROM", table);
    else if (how >= 230)
        snprintf (sql, sizeof sql, "DELETE FROM %s WHERE %s >= %s", table, column, value);
    else
        snprintf (sql, sizeof sql,
                  "UPDATE OR REPLACE %s SET %s = %s WHERE %s IN"
                  " (SELECT %s FROM %s LIMIT 1 OFFSET %u)",
                  table, column, value, column, column, table, table[0] == 'n' ? 0 : row);
    sqlite3_exec (db, sql, NULL, NULL, NULL);
}

static void
s_change_rows (const char *path, bool log, fuzz_bytes_t *bytes)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open (path, &db);
    assert (rc == SQLITE_OK);
    sqlite3_exec (db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL);
    for (unsigned left = 1 + fuzz_u8 (bytes) % 3; left > 0; left--)
        s_change_value (db, log, bytes);
    if (fuzz_u8 (bytes) % 4) //  three in four with sums that fit: damage that no sum shows
        fuzz_disk_mend (db, log);
    sqlite3_exec (db, "COMMIT", NULL, NULL, NULL);
    rc = sqlite3_close (db);
    assert (rc == SQLITE_OK);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    uint8_t mode = fuzz_u8 (&bytes);
    bool log = mode & 1;
    fuzz_disk_t *disk = fuzz_disk ();
    fuzz_disk_restore (disk, log, mode & 2);
    const char *dir = fuzz_disk_dir (disk);
    char path[256];
    snprintf (path, sizeof path, "%s/%s", dir, log ? "log.db" : "files.db");
    uint8_t kind = (mode >> 2) % 8;
    if (kind > 3 || kind == 0) {
        s_change_rows (path, log, &bytes);
    } else {
        static const char *const ends[] = {"", "", "-wal"};
        char name[64];
        snprintf (name, sizeof name, "%s%s", log ? "log.db" : "files.db", ends[kind - 1]);
        if (!log && kind == 2)
            snprintf (name, sizeof name, "files/%s", fuzz_u8 (&bytes) % 2 ? "one" : "two%2Fb");
        size_t found;
        uint8_t *file = fuzz_disk_copy (disk, name, &found);
        s_change_bytes (file, found, &bytes);
        if (fuzz_u8 (&bytes) % 8 == 7)
            found = found * fuzz_u8 (&bytes) / 256;
        if (file)
            fuzz_disk_write (disk, name, file, found);
        free (file);
    }
    if (log)
        s_use_log (dir);
    else
        s_use_files (dir);
    return 0;
}
