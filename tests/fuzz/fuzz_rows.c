//  Databases: log.db, files.db, their WAL and the files, changed behind the stores' back. A store
//  refuses what it finds, with one line, or reads it and goes on working; it never crashes.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/consensus/hf_core.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/kit/hf_folder.h"
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

//  ---- a folder that is put back before every input ------------------------------------------

#define LIST "1@127.0.0.1:8080:8081"

static const struct {
    const char *name;
    bool log;
} s_names[] = {
    {"log.db", true},         {"log.db-wal", true},        {"log.db-shm", true},
    {"log.db-journal", true}, {"files.db", false},         {"files.db-wal", false},
    {"files.db-shm", false},  {"files.db-journal", false}, {"files/one", false},
    {"files/two%2Fb", false}, {"files/new", false},        {"files/stray", false},
};

#define NAMES (sizeof s_names / sizeof *s_names)

typedef struct kept {
    uint8_t *bytes; //  NULL: it must not be there
    size_t size;
} kept_t;

static char s_dir[PATH_MAX];    //  in memory (/dev/shm)
static kept_t s_kept[2][NAMES]; //  closed; and as a kill leaves it: the last writes are in the WAL

static FILE *
s_open (const char *name, const char *mode)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/%s", s_dir, name);
    return fopen (path, mode);
}

static void
s_write (const char *name, const uint8_t *bytes, size_t size)
{
    FILE *file = s_open (name, "w");
    assert (file);
    size_t done = fwrite (bytes, 1, size, file);
    int rc = fclose (file);
    assert (done == size && rc == 0);
}

static void
s_keep (bool killed)
{
    for (size_t i = 0; i < NAMES; i++) {
        FILE *file = s_open (s_names[i].name, "r");
        if (!file)
            continue;
        kept_t *kept = &s_kept[killed][i];
        fseek (file, 0, SEEK_END);
        kept->size = (size_t)ftell (file);
        kept->bytes = hf_alloc (kept->size + 1);
        rewind (file);
        size_t found = fread (kept->bytes, 1, kept->size, file);
        assert (found == kept->size);
        fclose (file);
    }
}

static void
s_remove_all (void)
{
    hf_folder_remove (s_dir);
    for (size_t i = 0; i < 2 * NAMES; i++)
        free (s_kept[i / NAMES][i % NAMES].bytes);
}

static hf_log_store_t *
s_make_log (void)
{
    char error[HF_ERROR_SIZE];
    hf_log_store_t *store = hf_log_store_open (s_dir, error);
    assert (store);
    int rc = hf_log_store_bind (store, 1, LIST);
    for (uint64_t index = 1; index <= 8; index++) {
        rc |= hf_log_store_vote (store, (index + 3) / 4, (hf_member_t){1, 77});
        rc |= hf_log_store_append (store, index,
                                   &(hf_entry_t){(index + 3) / 4, HF_ENTRY_COMMANDS,
                                                 hf_span ("payload", index == 1 ? 0 : 7)});
        rc |= hf_log_store_commit (store);
    }
    assert (rc == 0);
    return store;
}

static hf_file_store_t *
s_make_files (void)
{
    char error[HF_ERROR_SIZE];
    hf_file_store_t *store = hf_file_store_open (s_dir, error);
    assert (store);
    for (uint64_t index = 3; index <= 9; index += 2) {
        hf_pack_t parts;
        hf_pack_init (&parts);
        hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("one"), hf_span_text ("line\n")});
        hf_a_part_put (&parts, &(hf_a_part_t){hf_span_text ("two/b"), hf_span_text ("x")});
        int rc = hf_file_store_section (store, index, hf_pack_list (&parts));
        assert (rc == 0);
        rc = hf_file_store_commit (store);
        assert (rc == 0);
        hf_pack_done (&parts);
    }
    return store;
}

/*  Made at the first input by the real stores, removed when the process ends. */
static void
s_make (void)
{
    if (s_dir[0] != 0)
        return;
    int rc = hf_folder_make (access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL, "hf-fuzz", s_dir);
    assert (rc == 0);
    hf_log_store_t *log = s_make_log ();
    hf_file_store_t *files = s_make_files ();
    s_keep (true);
    hf_log_store_close (&log);
    hf_file_store_close (&files);
    s_keep (false);
    atexit (s_remove_all);
}

/*  As it was: log.db and its WAL (LOG), or files.db, its WAL and the files. */
static void
s_restore (bool log, bool killed)
{
    for (size_t i = 0; i < NAMES; i++) {
        const kept_t *kept = &s_kept[killed][i];
        char path[PATH_MAX + 32];
        snprintf (path, sizeof path, "%s/%s", s_dir, s_names[i].name);
        if (s_names[i].log == log && kept->bytes)
            s_write (s_names[i].name, kept->bytes, kept->size);
        else if (s_names[i].log == log)
            unlink (path);
    }
}

/*  A copy of what is restored under NAME; NULL with *size 0: nothing. The caller frees it. */
static uint8_t *
s_copy (const char *name, bool killed, size_t *size)
{
    size_t i = 0;
    while (strcmp (s_names[i].name, name) != 0)
        i++;
    const kept_t *kept = &s_kept[killed][i];
    *size = kept->size;
    if (!kept->bytes)
        return NULL;
    uint8_t *copy = hf_alloc (kept->size + 1);
    memcpy (copy, kept->bytes, kept->size);
    return copy;
}

/*  hf_sum (SEED, FORM, VALUE...): the stores' sums. FORM: u, a number; b, bytes. */
static void
s_sum (sqlite3_context *context, int count, sqlite3_value **values)
{
    uint64_t sum = (uint64_t)sqlite3_value_int64 (values[0]);
    const char *form = (const char *)sqlite3_value_text (values[1]);
    for (int i = 2; i < count; i++) {
        if (form[i - 2] == 'u') {
            sum = hf_hash_u64 (sum, (uint64_t)sqlite3_value_int64 (values[i]));
            continue;
        }
        const void *bytes = sqlite3_value_blob (values[i]);
        sum = hf_hash (sum, bytes, bytes ? (size_t)sqlite3_value_bytes (values[i]) : 0);
    }
    sqlite3_result_int64 (context, (sqlite3_int64)sum);
}

/*  Set every checksum in the rows to what fits them. */
static void
s_mend (sqlite3 *db, bool log)
{
    sqlite3_create_function (db, "hf_sum", -1, SQLITE_UTF8, NULL, s_sum, NULL, NULL);
    const char *sql =
        log ? "UPDATE node SET checksum = hf_sum (0, 'uuuuuuubb', incarnation, term, voted_for,"
              " voted_incarnation,"
              " base_index, base_term, member, list, roster);"
              "UPDATE entries SET checksum = hf_sum (0, 'uuub', idx, term, type, payload);"
            : "UPDATE node SET row_sum = hf_sum (0xcbf29ce484222325, 'u', applied);"
              "UPDATE files SET row_sum = hf_sum (0, 'bbuu', name, disk, length, sum);";
    sqlite3_exec (db, sql, NULL, NULL, NULL);
}

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
s_use_log (void)
{
    char error[HF_ERROR_SIZE] = "";
    hf_log_store_t *store = hf_log_store_open (s_dir, error);
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
        if (hf_log_store_bind (store, 1, LIST) != 0)
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
s_use_files (void)
{
    char error[HF_ERROR_SIZE] = "";
    hf_file_store_t *store = hf_file_store_open (s_dir, error);
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
s_change_rows (bool log, fuzz_bytes_t *bytes)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/%s", s_dir, log ? "log.db" : "files.db");
    sqlite3 *db = NULL;
    int rc = sqlite3_open (path, &db);
    assert (rc == SQLITE_OK);
    sqlite3_exec (db, "PRAGMA synchronous=OFF; BEGIN", NULL, NULL, NULL);
    for (unsigned left = 1 + fuzz_u8 (bytes) % 3; left > 0; left--)
        s_change_value (db, log, bytes);
    if (fuzz_u8 (bytes) % 4) //  three in four with sums that fit: damage that no sum shows
        s_mend (db, log);
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
    s_make ();
    s_restore (log, mode & 2);
    uint8_t kind = (mode >> 2) % 8;
    if (kind > 3 || kind == 0) {
        s_change_rows (log, &bytes);
    } else {
        static const char *const ends[] = {"", "", "-wal"};
        char name[64];
        snprintf (name, sizeof name, "%s%s", log ? "log.db" : "files.db", ends[kind - 1]);
        if (!log && kind == 2)
            snprintf (name, sizeof name, "files/%s", fuzz_u8 (&bytes) % 2 ? "one" : "two%2Fb");
        size_t found;
        uint8_t *file = s_copy (name, mode & 2, &found);
        s_change_bytes (file, found, &bytes);
        if (fuzz_u8 (&bytes) % 8 == 7)
            found = found * fuzz_u8 (&bytes) / 256;
        if (file)
            s_write (name, file, found);
        free (file);
    }
    if (log)
        s_use_log ();
    else
        s_use_files ();
    return 0;
}
