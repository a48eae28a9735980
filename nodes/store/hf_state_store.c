//  Rows of the lock state: one transaction per write, and a sum over all rows.

#include "nodes/store/hf_state_store.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_tx.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*  The one row of table meta. SUM is over the rows' checksums, in no order (mod 2^64). */
typedef struct meta {
    uint64_t index;
    uint64_t count;
    uint64_t sum;
} meta_t;

#define KEY_MAX   512         //  bytes; no key of the lock state is longer
#define ROW_SEED  0x726f7773U //  a row never passes for a meta row
#define META_SEED 0x6d657461U

struct hf_state_store {
    hf_tx_t tx;
    meta_t meta; //  as of the last write

    //  The reading in pages that was begun last.
    meta_t found;
    uint8_t from[KEY_MAX + 1]; //  the next page has the keys from here on
    size_t from_size;
};

enum { FIND, PUT, DROP, FROM, META_LOAD, META_SAVE };

static const hf_tx_format_t s_format = {
    .file = "state.db",
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
    .statements =
        {
            [FIND] = "SELECT sum FROM rows WHERE key >= ?1 AND key < ?2",
            [PUT] = "INSERT OR REPLACE INTO rows (key, value, sum) VALUES (?1, ?2, ?3)",
            [DROP] = "DELETE FROM rows WHERE key >= ?1 AND key < ?2",
            [FROM] = "SELECT key, value, sum FROM rows WHERE key >= ?1 ORDER BY key",
            [META_LOAD] = "SELECT idx, count, sum, row_sum FROM meta"
                          " UNION ALL SELECT NULL, 0, 0, 0 WHERE EXISTS (SELECT 1 FROM rows)",
            [META_SAVE] = "INSERT OR REPLACE INTO meta VALUES (1, ?1, ?2, ?3, ?4)",
        },
};

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

//  ---- life ----------------------------------------------------------------------

/*  Without a row of meta there must be no other rows. */
static int
s_load_meta (hf_state_store_t *self)
{
    hf_tx_t *tx = &self->tx;
    int rc = hf_tx_row (tx, META_LOAD);
    if (rc == 1) {
        self->meta = (meta_t){hf_tx_u64 (tx, META_LOAD, 0), hf_tx_u64 (tx, META_LOAD, 1),
                              hf_tx_u64 (tx, META_LOAD, 2)};
        if (sqlite3_column_type (tx->statements[META_LOAD], 0) == SQLITE_NULL)
            rc = hf_tx_damaged (tx, "the index and sum of its rows are missing");
        else if (hf_tx_u64 (tx, META_LOAD, 3) != s_meta_sum (&self->meta))
            rc = hf_tx_damaged (tx, "the index and sum of its rows are not what was written");
    }
    hf_tx_done (tx, META_LOAD);
    return rc < 0 ? -1 : 0;
}

hf_state_store_t *
hf_state_store_open (const char *dir, char *error)
{
    hf_state_store_t *self = hf_alloc (sizeof *self);
    if (hf_tx_open (&self->tx, dir, &s_format) != 0 || s_load_meta (self) != 0) {
        memcpy (error, self->tx.error, HF_ERROR_SIZE);
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
    hf_tx_close (&self->tx);
    free (self);
    *self_p = NULL;
}

const char *
hf_state_store_error (const hf_state_store_t *self)
{
    return self->tx.error;
}

uint64_t
hf_state_store_index (const hf_state_store_t *self)
{
    return self->meta.index;
}

//  ---- reading ---------------------------------------------------------------------

/*  The next row of FROM, checked: 1, 0 behind the last one, or -1. */
static int
s_next_row (hf_state_store_t *self, hf_span_t *key, hf_span_t *value, meta_t *found)
{
    hf_tx_t *tx = &self->tx;
    int rc = hf_tx_row (tx, FROM);
    if (rc != 1)
        return rc;
    *key = hf_tx_span (tx, FROM, 0);
    *value = hf_tx_span (tx, FROM, 1);
    uint64_t sum = hf_tx_u64 (tx, FROM, 2);
    if (sum != s_row_sum (*key, *value))
        return hf_tx_damaged (tx, "a row does not match its checksum");
    found->count++;
    found->sum += sum;
    return 1;
}

/*  All were read. */
static int
s_check_found (hf_state_store_t *self, const meta_t *found)
{
    if (found->count == self->meta.count && found->sum == self->meta.sum)
        return 0;
    return hf_tx_damaged (
        &self->tx, "it has %" PRIu64 " rows of %" PRIu64 ", or not the ones that were written",
        found->count, self->meta.count);
}

int
hf_state_store_read (hf_state_store_t *self, hf_state_row_fn *fn, void *arg)
{
    meta_t found = {.index = self->meta.index};
    hf_span_t key, value;
    int rc;
    hf_tx_bind (&self->tx, FROM, hf_tx_bytes (hf_span ("", 0)));
    while ((rc = s_next_row (self, &key, &value, &found)) == 1)
        if (!fn (arg, key, value)) {
            rc = hf_tx_damaged (&self->tx, "a row makes no sense");
            break;
        }
    hf_tx_done (&self->tx, FROM);
    return rc == 0 ? s_check_found (self, &found) : rc;
}

/*  The least key behind KEY is where the next page begins. */
static int
s_page_ends (hf_state_store_t *self, hf_span_t key)
{
    if (key.size >= KEY_MAX)
        return hf_tx_damaged (&self->tx, "a key is longer than any");
    if (key.size > 0)
        memcpy (self->from, key.at, key.size);
    self->from[key.size] = 0;
    self->from_size = key.size + 1U;
    return 0;
}

int
hf_state_store_page (hf_state_store_t *self, bool begin, size_t bytes, hf_pack_t *rows, bool *more)
{
    if (begin) {
        self->found = (meta_t){.index = self->meta.index};
        self->from_size = 0;
    }
    assert (self->found.index == self->meta.index); //  nothing was written in between
    size_t end = hf_pack_size (rows) + bytes;
    hf_span_t key, value;
    int rc = 0;
    *more = false;
    hf_tx_bind (&self->tx, FROM, hf_tx_bytes (hf_span (self->from, self->from_size)));
    while (!*more && (rc = s_next_row (self, &key, &value, &self->found)) == 1) {
        hf_state_row_put (rows, &(hf_state_row_t){.key = key, .value = value});
        *more = hf_pack_size (rows) >= end;
        if (*more)
            rc = s_page_ends (self, key) == 0 ? 0 : -1;
    }
    hf_tx_done (&self->tx, FROM);
    return rc == 0 && !*more ? s_check_found (self, &self->found) : rc;
}

//  ---- writing ---------------------------------------------------------------------

/*  The least key that is behind KEY, or behind all keys that begin with it. */
static size_t
s_end (hf_span_t key, bool prefix, uint8_t *end)
{
    if (key.size > 0)
        memcpy (end, key.at, key.size);
    if (!prefix) {
        end[key.size] = 0;
        return key.size + 1U;
    }
    uint32_t last = key.size;
    while (last > 0 && end[last - 1] == 0xff)
        last--;
    if (last > 0) {
        end[last - 1]++;
        return last;
    }
    memset (end, 0xff, KEY_MAX + 1);
    return KEY_MAX + 1;
}

/*  Take KEY, or all that begin with it, out of the sum, and when GONE out of the rows: what is put
 * in their place replaces them. */
static int
s_drop (hf_state_store_t *self, hf_span_t key, bool prefix, bool gone, meta_t *meta)
{
    hf_tx_t *tx = &self->tx;
    uint8_t end[2 * KEY_MAX];
    assert (key.size < KEY_MAX); //  of our own state
    hf_span_t behind = hf_span (end, s_end (key, prefix, end));
    hf_tx_bind (tx, FIND, hf_tx_bytes (key), hf_tx_bytes (behind));
    uint64_t count = meta->count;
    int rc;
    while ((rc = hf_tx_row (tx, FIND)) == 1) {
        meta->count--;
        meta->sum -= hf_tx_u64 (tx, FIND, 0);
    }
    if (rc == 0 && gone && meta->count < count)
        rc = hf_tx_write (tx, DROP, hf_tx_bytes (key), hf_tx_bytes (behind));
    return rc;
}

static int
s_change (hf_state_store_t *self, const hf_state_change_t *change, meta_t *meta)
{
    int rc = s_drop (self, change->key, change->gone && change->prefix, change->gone, meta);
    if (rc != 0 || change->gone)
        return rc;
    uint64_t sum = s_row_sum (change->key, change->value);
    meta->count++;
    meta->sum += sum;
    return hf_tx_write (&self->tx, PUT, hf_tx_bytes (change->key), hf_tx_bytes (change->value),
                        hf_tx_number (sum));
}

int
hf_state_store_write (hf_state_store_t *self, uint64_t index, hf_list_t changes)
{
    assert (index >= self->meta.index || self->tx.failed);
    hf_tx_t *tx = &self->tx;
    meta_t meta = self->meta;
    meta.index = index;
    if (hf_tx_begin (tx) != 0)
        return -1;
    hf_scan_t scan = hf_scan_list (changes);
    for (uint32_t i = 0; i < changes.count; i++) {
        hf_state_change_t change;
        bool good = hf_state_change_get (&scan, &change);
        assert (good); //  our own state packed it
        if (s_change (self, &change, &meta) != 0)
            return -1;
    }
    if (hf_tx_write (tx, META_SAVE, hf_tx_number (meta.index), hf_tx_number (meta.count),
                     hf_tx_number (meta.sum), hf_tx_number (s_meta_sum (&meta))) != 0 ||
        hf_tx_commit (tx) != 0)
        return -1;
    self->meta = meta;
    return 0;
}
