//  Opening the log: load and check the node's row and every entry; bind the data to a cluster.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "nodes/store/hf_log_internal.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const hf_tx_format_t s_format = {
    .file = "log.db",
    .what = "a holdfast log",
    .application_id = 0x68664c31, //  "hfL1"
    .version = 3, //  1: entries without a type; 2: a roster that does not say who joins
    .newest = HF_LOG_FORMAT_PLACES,
    .schema = "CREATE TABLE node ("
              " id INTEGER PRIMARY KEY CHECK (id = 1),"
              " incarnation INTEGER NOT NULL,"
              " term INTEGER NOT NULL,"
              " voted_for INTEGER NOT NULL," //  a node, and the incarnation that it had
              " voted_incarnation INTEGER NOT NULL,"
              " base_index INTEGER NOT NULL," //  the log begins behind this: what was pruned
              " base_term INTEGER NOT NULL,"
              " member INTEGER NOT NULL," //  this node's id and the cluster list, once bound
              " list BLOB NOT NULL,"
              " roster BLOB NOT NULL," //  in force at the base; empty: none
              " checksum INTEGER NOT NULL);"
              "CREATE TABLE entries ("
              " idx INTEGER PRIMARY KEY,"
              " term INTEGER NOT NULL,"
              " type INTEGER NOT NULL,"
              " checksum INTEGER NOT NULL,"
              " payload BLOB NOT NULL);",
    .later = "CREATE TABLE IF NOT EXISTS start ("
             " id INTEGER PRIMARY KEY CHECK (id = 1),"
             " start INTEGER NOT NULL," //  how often a node was started on it
             " life INTEGER NOT NULL,"  //  drawn by the last start
             " checksum INTEGER NOT NULL);",
    .statements =
        {
            [HF_LOG_LOAD_NODE] =
                "SELECT incarnation, term, voted_for, voted_incarnation, base_index, base_term,"
                " member, list, roster, checksum FROM node",
            [HF_LOG_SAVE_NODE] =
                "INSERT OR REPLACE INTO node VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [HF_LOG_INSERT] = "INSERT INTO entries (idx, term, type, checksum, payload)"
                              " VALUES (?, ?, ?, ?, ?)",
            [HF_LOG_CUT] = "DELETE FROM entries WHERE idx >= ?",
            [HF_LOG_CUT_BYTES] =
                "SELECT coalesce (sum (length (payload)), 0) FROM entries WHERE idx >= ?",
            [HF_LOG_DROP] = "DELETE FROM entries WHERE idx <= ?",
            [HF_LOG_SELECT] = "SELECT idx, term, type, checksum, payload FROM entries"
                              " WHERE idx BETWEEN ? AND ? ORDER BY idx",
            [HF_LOG_LOAD_START] = "SELECT start, life, checksum FROM start",
            [HF_LOG_SAVE_START] = "INSERT OR REPLACE INTO start VALUES (1, ?, ?, ?)",
        },
};

//  ---- the node's row ----------------------------------------------------------

static uint64_t
s_node_sum (const hf_log_store_t *self)
{
    uint64_t sum = hf_hash_u64 (0, self->incarnation);
    sum = hf_hash_u64 (sum, self->now.term);
    sum = hf_hash_u64 (sum, self->now.voted_for.node);
    sum = hf_hash_u64 (sum, self->now.voted_for.incarnation);
    sum = hf_hash_u64 (sum, self->now.base_index);
    sum = hf_hash_u64 (sum, self->now.base_term);
    sum = hf_hash_u64 (sum, self->member);
    sum = hf_hash (sum, self->list.at, self->list.size);
    return hf_hash (sum, self->roster.at, self->roster.size);
}

int
hf_log_node_save (hf_log_store_t *self)
{
    return hf_tx_write (&self->tx, HF_LOG_SAVE_NODE, hf_tx_number (self->incarnation),
                        hf_tx_number (self->now.term), hf_tx_number (self->now.voted_for.node),
                        hf_tx_number (self->now.voted_for.incarnation),
                        hf_tx_number (self->now.base_index), hf_tx_number (self->now.base_term),
                        hf_tx_number (self->member), hf_tx_bytes (hf_log_bytes_span (&self->list)),
                        hf_tx_bytes (hf_log_bytes_span (&self->roster)),
                        hf_tx_number (s_node_sum (self)));
}

/*  Each number must fit its field. */
static bool
s_node_take (hf_log_store_t *self)
{
    const hf_tx_t *tx = &self->tx;
    uint64_t vote = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 2);
    uint64_t member = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 6);
    self->incarnation = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 0);
    self->now = (hf_log_state_t){.term = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 1),
                                 .voted_for = {(uint32_t)vote, hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 3)},
                                 .base_index = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 4),
                                 .base_term = hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 5)};
    self->member = (uint32_t)member;
    hf_log_bytes_set (&self->list, hf_tx_span (tx, HF_LOG_LOAD_NODE, 7));
    hf_log_bytes_set (&self->roster, hf_tx_span (tx, HF_LOG_LOAD_NODE, 8));
    return strlen ((const char *)self->list.at) == self->list.size &&
           self->now.voted_for.node == vote && self->member == member && self->incarnation != 0 &&
           self->now.base_index <= INT64_MAX &&
           (self->roster.size == 0 || hf_roster_valid (hf_log_bytes_span (&self->roster))) &&
           hf_tx_u64 (tx, HF_LOG_LOAD_NODE, 9) == s_node_sum (self);
}

/*  1: there is a row. 0: there is none. */
static int
s_node_load (hf_log_store_t *self)
{
    int rc = hf_tx_row (&self->tx, HF_LOG_LOAD_NODE);
    if (rc == 1 && !s_node_take (self))
        rc =
            hf_tx_damaged (&self->tx, "the term and vote of this node do not match their checksum");
    hf_tx_done (&self->tx, HF_LOG_LOAD_NODE);
    return rc;
}

/*  Draw a random number: not 0, and not BEFORE. */
static int
s_draw (hf_log_store_t *self, uint64_t before, uint64_t *number)
{
    *number = 0;
    while (*number == 0 || *number == before) {
        ssize_t size = getrandom (number, sizeof *number, 0);
        if (size != (ssize_t)sizeof *number && errno != EINTR)
            return hf_error_set (self->tx.error, "no random number from the system: %s",
                                 strerror (errno));
        *number = size == (ssize_t)sizeof *number ? *number : 0;
    }
    return 0;
}

/*  A new database. */
static int
s_node_create (hf_log_store_t *self)
{
    if (s_draw (self, 0, &self->incarnation) != 0 || hf_log_node_save (self) != 0)
        return -1;
    return hf_log_store_commit (self);
}

//  ---- starts ------------------------------------------------------------------

static uint64_t
s_start_sum (uint64_t start, uint64_t life)
{
    return hf_hash_u64 (hf_hash_u64 (1, start), life);
}

/*  There is no row before the first start with a program that knows of it. */
static int
s_start_load (hf_log_store_t *self)
{
    int rc = hf_tx_row (&self->tx, HF_LOG_LOAD_START);
    if (rc == 1) {
        self->start = hf_tx_u64 (&self->tx, HF_LOG_LOAD_START, 0);
        self->life = hf_tx_u64 (&self->tx, HF_LOG_LOAD_START, 1);
        uint64_t sum = hf_tx_u64 (&self->tx, HF_LOG_LOAD_START, 2);
        if (self->start == 0 || sum != s_start_sum (self->start, self->life))
            rc = hf_tx_damaged (&self->tx, "the number of starts does not match its checksum");
    }
    hf_tx_done (&self->tx, HF_LOG_LOAD_START);
    return rc < 0 ? -1 : 0;
}

int
hf_log_store_begin (hf_log_store_t *self)
{
    assert (!self->tx.open);
    uint64_t start = self->start + 1, life;
    if (s_draw (self, self->life, &life) != 0 ||
        hf_tx_write (&self->tx, HF_LOG_SAVE_START, hf_tx_number (start), hf_tx_number (life),
                     hf_tx_number (s_start_sum (start, life))) != 0 ||
        hf_log_store_commit (self) != 0)
        return -1;
    self->start = start;
    self->life = life;
    return 0;
}

uint64_t
hf_log_store_start (const hf_log_store_t *self, uint64_t *life)
{
    *life = self->life;
    return self->start;
}

int
hf_log_store_disown (hf_log_store_t *self)
{
    assert (!self->tx.open);
    if (s_draw (self, self->incarnation, &self->incarnation) != 0)
        return -1;
    self->now.voted_for = (hf_member_t){.node = 0};
    return hf_log_node_save (self) != 0 ? -1 : hf_log_store_commit (self);
}

//  ---- the entries -------------------------------------------------------------

static int
s_damaged_entry (hf_log_store_t *self, uint64_t index, const char *what)
{
    return hf_tx_damaged (&self->tx, "entry %" PRIu64 " %s", index, what);
}

static int
s_entry_check (hf_log_store_t *self)
{
    uint64_t index = hf_tx_u64 (&self->tx, HF_LOG_SELECT, 0);
    hf_entry_t entry;
    if (index != self->now.last_index + 1)
        return s_damaged_entry (self, self->now.last_index + 1, "is missing");
    if (!hf_log_entry_take (self, index, &entry))
        return s_damaged_entry (self, index, "does not match its checksum");
    size_t runs = self->spans.count;
    if (entry.term < (runs > 0 ? self->spans.list[runs - 1].term : self->now.base_term))
        return s_damaged_entry (self, index, "has a lower term than the one before it");
    if (entry.type == HF_ENTRY_ROSTER && !hf_roster_valid (entry.payload))
        return s_damaged_entry (self, index, "names no members");
    hf_log_index_add (self, index, &entry);
    return 0;
}

/*  Every entry, once: no gap, every checksum, terms that never fall. */
static int
s_verify (hf_log_store_t *self)
{
    hf_tx_t *tx = &self->tx;
    self->now.last_index = self->now.base_index;
    hf_tx_bind (tx, HF_LOG_SELECT, hf_tx_number ((uint64_t)INT64_MIN), hf_tx_number (INT64_MAX));
    int rc;
    while ((rc = hf_tx_row (tx, HF_LOG_SELECT)) == 1)
        if ((rc = s_entry_check (self)) != 0)
            break;
    hf_tx_done (tx, HF_LOG_SELECT);
    return rc;
}

static int
s_load (hf_log_store_t *self)
{
    int found = s_node_load (self);
    if (found < 0 || s_start_load (self) != 0 || s_verify (self) != 0)
        return -1;
    if (found == 0 && self->now.last_index > 0)
        return hf_tx_damaged (&self->tx, "the term and vote of this node are missing");
    self->durable = self->now;
    return found == 1 ? 0 : s_node_create (self);
}

//  ---- the store ---------------------------------------------------------------

hf_log_store_t *
hf_log_store_open (const char *dir, char *error)
{
    hf_log_store_t *self = hf_alloc (sizeof *self);
    hf_log_bytes_set (&self->list, hf_span_text (""));
    if (hf_tx_open (&self->tx, dir, &s_format) != 0 || s_load (self) != 0) {
        memcpy (error, self->tx.error, HF_ERROR_SIZE);
        hf_log_store_close (&self);
    }
    return self;
}

void
hf_log_store_close (hf_log_store_t **self_p)
{
    hf_log_store_t *self = *self_p;
    if (!self)
        return;
    hf_tx_close (&self->tx);
    free (self->list.at);
    free (self->roster.at);
    hf_log_index_free (self);
    free (self);
    *self_p = NULL;
}

int
hf_log_store_renew (hf_log_store_t *self)
{
    assert (self->member != 0);
    if (self->tx.failed || s_draw (self, self->incarnation, &self->incarnation) != 0)
        return -1;
    hf_log_bytes_set (&self->list, hf_span_text (HF_LOG_RENEWED));
    return hf_log_node_save (self);
}

uint32_t
hf_log_store_bound (const hf_log_store_t *self, const char **list)
{
    *list = (const char *)self->list.at;
    return self->member;
}

int
hf_log_store_bind (hf_log_store_t *self, uint32_t id, const char *list)
{
    assert (id != 0);
    assert (!self->tx.open);
    const char *bound = (const char *)self->list.at;
    if (self->member == id && (!list || strcmp (bound, list) == 0))
        return 0;
    if (self->member != 0 && !list)
        return hf_error_set (self->tx.error,
                             "%s belongs to node %" PRIu32 ", not to node %" PRIu32
                             ": give the id it was started with, or another folder",
                             hf_tx_path (&self->tx), self->member, id);
    if (self->member != 0)
        return hf_error_set (self->tx.error,
                             "%s belongs to node %" PRIu32 " of cluster %s, not to node %" PRIu32
                             " of %s: give the list it was started with, or another folder",
                             hf_tx_path (&self->tx), self->member, bound, id, list);
    hf_log_bytes_set (&self->list, hf_span_text (list ? list : ""));
    self->member = id;
    return hf_log_node_save (self) != 0 ? -1 : hf_log_store_commit (self);
}
