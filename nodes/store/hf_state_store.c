//  Rows of the lock state: one transaction a write, a sum over all that is there.

#include "nodes/store/hf_state_store.h"
#include "base/hf_hash.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_db.h"
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  What the one row of table meta says. SUM is over the rows' checksums, in no order (mod 2^64). */
typedef struct meta {
    uint64_t index;
    uint64_t count;
    uint64_t sum;
} meta_t;

struct hf_state_store {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *find, *put, *drop;       //  one row, by key
    sqlite3_stmt *find_range, *drop_range; //  all rows from a key up to another
    sqlite3_stmt *find_from, *drop_from;   //  all rows from a key on
    sqlite3_stmt *all, *meta_save;
    meta_t meta; //  as of the last write
    bool failed;
    char error[HF_ERROR_SIZE];
};

static const hf_db_format_t s_format = {
    .what = "a holdfast lock state",
    .application_id = 0x68665331, //  "hfS1"
    .version = 1,
    .schema = "CREATE TABLE meta ("
              " one INTEGER PRIMARY KEY CHECK (one = 1),"
              " idx INTEGER NOT NULL," //  there is no row before the first write
              " count INTEGER NOT NULL,"
              " sum INTEGER NOT NULL,"
              " row_sum INTEGER NOT NULL);"
              "CREATE TABLE rows ("
              " key BLOB PRIMARY KEY,"
              " value BLOB NOT NULL,"
              " sum INTEGER NOT NULL) WITHOUT ROWID;",
};

#define ROW_SEED  0x726f7773U //  a row never passes for a meta row
#define META_SEED 0x6d657461U

static uint64_t
s_row_sum (hf_span_t key, hf_span_t value)
{
    return hf_hash (hf_hash (ROW_SEED, key.at, key.size), value.at, value.size);
}

static uint64_t
s_meta_sum (const meta_t *meta)
{
    uint64_t sum = hf_hash_u64 (META_SEED, meta->index);
    return hf_hash_u64 (hf_hash_u64 (sum, meta->count), meta->sum);
}

static int
s_damaged (hf_state_store_t *self, const char *what)
{
    return hf_db_say (self->error, "%s is damaged: %s; %s", sqlite3_db_filename (self->db, "main"),
                      what, HF_DB_WAY_OUT);
}

//  ---- life ----------------------------------------------------------------------

static int
s_prepare (hf_state_store_t *self)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } list[] = {
        {&self->begin, "BEGIN IMMEDIATE"},
        {&self->commit, "COMMIT"},
        {&self->rollback, "ROLLBACK"},
        {&self->find, "SELECT sum FROM rows WHERE key = ?1"},
        {&self->put, "INSERT INTO rows (key, value, sum) VALUES (?1, ?2, ?3)"},
        {&self->drop, "DELETE FROM rows WHERE key = ?1"},
        {&self->find_range, "SELECT sum FROM rows WHERE key >= ?1 AND key < ?2"},
        {&self->drop_range, "DELETE FROM rows WHERE key >= ?1 AND key < ?2"},
        {&self->find_from, "SELECT sum FROM rows WHERE key >= ?1"},
        {&self->drop_from, "DELETE FROM rows WHERE key >= ?1"},
        {&self->all, "SELECT key, value, sum FROM rows ORDER BY key"},
        {&self->meta_save, "INSERT OR REPLACE INTO meta VALUES (1, ?1, ?2, ?3, ?4)"},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!(*list[i].stmt = hf_db_prepare (self->db, list[i].sql, self->error)))
            return -1;
    return 0;
}

/*  Without a row of meta there must be no other rows. */
static int
s_load_meta (hf_state_store_t *self)
{
    const char *sql = "SELECT idx, count, sum, row_sum FROM meta"
                      " UNION ALL SELECT NULL, 0, 0, 0 WHERE EXISTS (SELECT 1 FROM rows)";
    sqlite3_stmt *row = hf_db_prepare (self->db, sql, self->error);
    if (!row)
        return -1;
    int rc = hf_db_row (row, self->error);
    if (rc == 1) {
        self->meta = (meta_t){hf_db_u64 (row, 0), hf_db_u64 (row, 1), hf_db_u64 (row, 2)};
        if (sqlite3_column_type (row, 0) == SQLITE_NULL)
            rc = s_damaged (self, "the index and sum of its rows are missing");
        else if (hf_db_u64 (row, 3) != s_meta_sum (&self->meta))
            rc = s_damaged (self, "the index and sum of its rows are not what was written");
    }
    hf_db_finalize (&row);
    return rc < 0 ? -1 : 0;
}

hf_state_store_t *
hf_state_store_open (const char *dir, char *error)
{
    char path[PATH_MAX];
    if (snprintf (path, sizeof path, "%s/state.db", dir) >= (int)sizeof path) {
        hf_db_say (error, "the path of the data folder is too long");
        return NULL;
    }
    hf_state_store_t *self = calloc (1, sizeof *self);
    assert (self);
    self->db = hf_db_open (path, &s_format, self->error);
    if (!self->db || s_prepare (self) != 0 || s_load_meta (self) != 0) {
        memcpy (error, self->error, HF_ERROR_SIZE);
        hf_state_store_close (&self);
    }
    return self;
}

void
hf_state_store_close (hf_state_store_t **self_p)
{
    hf_state_store_t *self = *self_p;
    if (!self)
        return;
    sqlite3_stmt **list[] = {&self->begin,      &self->commit,     &self->rollback,
                             &self->find,       &self->put,        &self->drop,
                             &self->find_range, &self->drop_range, &self->find_from,
                             &self->drop_from,  &self->all,        &self->meta_save};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        hf_db_finalize (list[i]);
    hf_db_close (&self->db);
    free (self);
    *self_p = NULL;
}

const char *
hf_state_store_error (const hf_state_store_t *self)
{
    return self->error;
}

uint64_t
hf_state_store_index (const hf_state_store_t *self)
{
    return self->meta.index;
}

//  ---- reading ---------------------------------------------------------------------

static int
s_take_row (hf_state_store_t *self, hf_state_row_fn *fn, void *arg, meta_t *found)
{
    hf_span_t key = hf_db_span (self->all, 0);
    hf_span_t value = hf_db_span (self->all, 1);
    uint64_t sum = hf_db_u64 (self->all, 2);
    if (sum != s_row_sum (key, value))
        return s_damaged (self, "a row does not match its checksum");
    found->count++;
    found->sum += sum;
    return fn (arg, key, value) ? 0 : s_damaged (self, "a row makes no sense");
}

int
hf_state_store_read (hf_state_store_t *self, hf_state_row_fn *fn, void *arg)
{
    if (self->failed)
        return -1;
    meta_t found = {.index = self->meta.index};
    int rc;
    while ((rc = hf_db_row (self->all, self->error)) == 1)
        if ((rc = s_take_row (self, fn, arg, &found)) != 0)
            break;
    sqlite3_reset (self->all); //  left open, it would keep the WAL from being folded in
    if (rc == 0 && (found.count != self->meta.count || found.sum != self->meta.sum)) {
        char what[128];
        snprintf (what, sizeof what,
                  "it has %" PRIu64 " rows of %" PRIu64 ", or not the ones that were written",
                  found.count, self->meta.count);
        rc = s_damaged (self, what);
    }
    return rc < 0 ? -1 : 0;
}

//  ---- writing ---------------------------------------------------------------------

static int
s_fail (hf_state_store_t *self)
{
    assert (self->error[0] != 0);
    self->failed = true;
    char ignored[HF_ERROR_SIZE]; //  the first error is the one to tell
    if (!sqlite3_get_autocommit (self->db))
        hf_db_run (self->rollback, ignored);
    return -1;
}

/*  Take the rows that FIND gives out of the sum, then delete them with DROP. Both have their
 *  parameters. */
static int
s_take_away (hf_state_store_t *self, sqlite3_stmt *find, sqlite3_stmt *drop, meta_t *meta)
{
    int rc;
    while ((rc = hf_db_row (find, self->error)) == 1) {
        meta->count--;
        meta->sum -= hf_db_u64 (find, 0);
    }
    return rc < 0 ? -1 : hf_db_run (drop, self->error);
}

/*  The least key behind all that begin with PREFIX, into END (of the size of PREFIX). False: there
 *  is none. */
static bool
s_prefix_end (hf_span_t prefix, uint8_t *end, uint32_t *size)
{
    uint32_t last = prefix.size;
    while (last > 0 && prefix.at[last - 1] == 0xff)
        last--;
    if (last == 0)
        return false;
    memcpy (end, prefix.at, last);
    end[last - 1]++;
    *size = last;
    return true;
}

static int
s_gone_prefix (hf_state_store_t *self, hf_span_t prefix, meta_t *meta)
{
    uint8_t *end = malloc (prefix.size + 1U);
    assert (end);
    uint32_t size = 0;
    bool ends = s_prefix_end (prefix, end, &size);
    sqlite3_stmt *find = ends ? self->find_range : self->find_from;
    sqlite3_stmt *drop = ends ? self->drop_range : self->drop_from;
    hf_db_bind_span (find, 1, prefix);
    hf_db_bind_span (drop, 1, prefix);
    if (ends) {
        hf_db_bind_span (find, 2, hf_span (end, size));
        hf_db_bind_span (drop, 2, hf_span (end, size));
    }
    int rc = s_take_away (self, find, drop, meta);
    free (end);
    return rc;
}

static int
s_change (hf_state_store_t *self, const hf_state_change_t *change, meta_t *meta)
{
    if (change->gone && change->prefix)
        return s_gone_prefix (self, change->key, meta);
    hf_db_bind_span (self->find, 1, change->key);
    hf_db_bind_span (self->drop, 1, change->key);
    int rc = s_take_away (self, self->find, self->drop, meta);
    if (rc != 0 || change->gone)
        return rc;
    uint64_t sum = s_row_sum (change->key, change->value);
    hf_db_bind_span (self->put, 1, change->key);
    hf_db_bind_span (self->put, 2, change->value);
    hf_db_bind_u64 (self->put, 3, sum);
    meta->count++;
    meta->sum += sum;
    return hf_db_run (self->put, self->error);
}

static int
s_save_meta (hf_state_store_t *self, const meta_t *meta)
{
    hf_db_bind_u64 (self->meta_save, 1, meta->index);
    hf_db_bind_u64 (self->meta_save, 2, meta->count);
    hf_db_bind_u64 (self->meta_save, 3, meta->sum);
    hf_db_bind_u64 (self->meta_save, 4, s_meta_sum (meta));
    return hf_db_run (self->meta_save, self->error);
}

int
hf_state_store_write (hf_state_store_t *self, uint64_t index, hf_list_t changes)
{
    if (self->failed)
        return -1;
    assert (index >= self->meta.index);
    meta_t meta = self->meta;
    meta.index = index;
    int rc = hf_db_run (self->begin, self->error);
    hf_scan_t scan = hf_scan_list (changes);
    for (uint32_t i = 0; i < changes.count && rc == 0; i++) {
        hf_state_change_t change;
        bool good = hf_state_change_get (&scan, &change);
        assert (good); //  our own state packed it
        rc = s_change (self, &change, &meta);
    }
    if (rc != 0 || s_save_meta (self, &meta) != 0 || hf_db_run (self->commit, self->error) != 0)
        return s_fail (self);
    self->meta = meta;
    return 0;
}
