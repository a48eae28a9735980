//  Opening the log: is it ours, is it whole, whose is it?

#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_internal.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const hf_db_format_t s_format = {
    .what = "a holdfast log",
    .application_id = 0x68664c31, //  "hfL1"
    .version = 1,
    .schema = "CREATE TABLE node ("
              " id INTEGER PRIMARY KEY CHECK (id = 1),"
              " incarnation INTEGER NOT NULL,"
              " term INTEGER NOT NULL,"
              " voted_for INTEGER NOT NULL," //  a node, and the incarnation that it had
              " voted_incarnation INTEGER NOT NULL,"
              " base_index INTEGER NOT NULL," //  the log begins behind this: what was pruned
              " base_term INTEGER NOT NULL,"
              " member INTEGER NOT NULL," //  this node's id and the cluster list, once known
              " list BLOB NOT NULL,"
              " roster BLOB NOT NULL," //  in force at the base; empty: none
              " checksum INTEGER NOT NULL);"
              "CREATE TABLE entries ("
              " idx INTEGER PRIMARY KEY,"
              " term INTEGER NOT NULL,"
              " type INTEGER NOT NULL,"
              " checksum INTEGER NOT NULL,"
              " payload BLOB NOT NULL);",
};

//  ---- the node's row ----------------------------------------------------------

static uint64_t
s_node_sum (const hf_log_node_t *node)
{
    uint64_t sum = hf_hash_u64 (0, node->incarnation);
    sum = hf_hash_u64 (sum, node->term);
    sum = hf_hash_u64 (sum, node->voted_for.node);
    sum = hf_hash_u64 (sum, node->voted_for.incarnation);
    sum = hf_hash_u64 (sum, node->base_index);
    sum = hf_hash_u64 (sum, node->base_term);
    sum = hf_hash_u64 (sum, node->member);
    sum = hf_hash (sum, node->list, strlen (node->list));
    return hf_hash (sum, node->roster.at, node->roster.size);
}

int
hf_log_node_save (hf_log_store_t *self)
{
    const hf_log_node_t *node = &self->node;
    hf_db_bind_u64 (self->save_node, 1, node->incarnation);
    hf_db_bind_u64 (self->save_node, 2, node->term);
    hf_db_bind_u64 (self->save_node, 3, node->voted_for.node);
    hf_db_bind_u64 (self->save_node, 4, node->voted_for.incarnation);
    hf_db_bind_u64 (self->save_node, 5, node->base_index);
    hf_db_bind_u64 (self->save_node, 6, node->base_term);
    hf_db_bind_u64 (self->save_node, 7, node->member);
    hf_db_bind_span (self->save_node, 8, hf_span_text (node->list));
    hf_db_bind_span (self->save_node, 9, hf_log_bytes_span (&node->roster));
    hf_db_bind_u64 (self->save_node, 10, s_node_sum (node));
    return hf_db_run (self->save_node, self->error);
}

static int
s_damaged (hf_log_store_t *self, const char *what)
{
    return hf_db_say (self->error, "%s is damaged: %s; %s", sqlite3_db_filename (self->db, "main"),
                      what, HF_DB_WAY_OUT);
}

static int
s_damaged_entry (hf_log_store_t *self, uint64_t index, const char *what)
{
    char text[128];
    snprintf (text, sizeof text, "entry %" PRIu64 " %s", index, what);
    return s_damaged (self, text);
}

static bool
s_is_roster (hf_span_t payload)
{
    hf_member_t members[HF_MEMBERS_MAX];
    return hf_roster_get (payload, members) > 0;
}

/*  A number that the row gives must fit what we keep it in. */
static int
s_node_take (hf_log_store_t *self, sqlite3_stmt *row)
{
    hf_log_node_t *node = &self->node;
    node->incarnation = hf_db_u64 (row, 0);
    node->term = hf_db_u64 (row, 1);
    node->voted_for = (hf_member_t){(uint32_t)hf_db_u64 (row, 2), hf_db_u64 (row, 3)};
    node->base_index = hf_db_u64 (row, 4);
    node->base_term = hf_db_u64 (row, 5);
    node->member = (uint32_t)hf_db_u64 (row, 6);
    hf_span_t list = hf_db_span (row, 7);
    free (node->list);
    node->list = strndup (list.size > 0 ? (const char *)list.at : "", list.size);
    if (!node->list)
        return hf_db_say (self->error, "out of memory");
    hf_log_bytes_set (&node->roster, hf_db_span (row, 8));
    bool same = strlen (node->list) == list.size && node->voted_for.node == hf_db_u64 (row, 2) &&
                node->member == hf_db_u64 (row, 6) && node->incarnation != 0 &&
                node->base_index <= INT64_MAX &&
                (node->roster.size == 0 || s_is_roster (hf_log_bytes_span (&node->roster))) &&
                hf_db_u64 (row, 9) == s_node_sum (node);
    return same ? 0
                : s_damaged (self, "the term and vote of this node do not match their checksum");
}

/*  1: there is a row. 0: there is none. */
static int
s_node_load (hf_log_store_t *self)
{
    sqlite3_stmt *row = hf_db_prepare (self->db,
                                       "SELECT incarnation, term, voted_for, voted_incarnation,"
                                       " base_index, base_term,"
                                       " member, list, roster, checksum FROM node",
                                       self->error);
    if (!row)
        return -1;
    int rc = hf_db_row (row, self->error);
    if (rc == 1 && s_node_take (self, row) != 0)
        rc = -1;
    hf_db_finalize (&row);
    return rc;
}

/*  A new database: what the node is from now on. */
static int
s_node_create (hf_log_store_t *self)
{
    while (self->node.incarnation == 0) {
        ssize_t size = getrandom (&self->node.incarnation, sizeof self->node.incarnation, 0);
        if (size != (ssize_t)sizeof self->node.incarnation && errno != EINTR)
            return hf_db_say (self->error, "no random number from the system: %s",
                              strerror (errno));
    }
    if (hf_log_begin (self) != 0 || hf_log_node_save (self) != 0)
        return -1;
    return hf_log_store_commit (self);
}

//  ---- the entries -------------------------------------------------------------

static int
s_entry_check (hf_log_store_t *self, sqlite3_stmt *row)
{
    uint64_t index = hf_db_u64 (row, 0);
    hf_entry_t entry;
    if (index != self->last_index + 1)
        return s_damaged_entry (self, self->last_index + 1, "is missing");
    if (!hf_log_entry_take (row, index, &entry))
        return s_damaged_entry (self, index, "does not match its checksum");
    uint64_t before =
        self->span_count > 0 ? self->spans[self->span_count - 1].term : self->node.base_term;
    if (entry.term < before)
        return s_damaged_entry (self, index, "has a lower term than the one before it");
    if (entry.type == HF_ENTRY_ROSTER && !s_is_roster (entry.payload))
        return s_damaged_entry (self, index, "names no members");
    hf_log_index_add (self, index, &entry);
    return 0;
}

/*  Every entry, once: no gap, every checksum, terms that never fall. */
static int
s_verify (hf_log_store_t *self)
{
    sqlite3_stmt *row = hf_db_prepare (
        self->db, "SELECT idx, term, type, checksum, payload FROM entries ORDER BY idx",
        self->error);
    if (!row)
        return -1;
    self->last_index = self->node.base_index;
    int rc;
    while ((rc = hf_db_row (row, self->error)) == 1) {
        if (s_entry_check (self, row) != 0) {
            rc = -1;
            break;
        }
    }
    hf_db_finalize (&row);
    return rc;
}

static int
s_load (hf_log_store_t *self)
{
    int found = s_node_load (self);
    if (found < 0 || s_verify (self) != 0)
        return -1;
    if (found == 0 && self->last_index > 0)
        return s_damaged (self, "the term and vote of this node are missing");
    hf_log_durable (self);
    return found == 1 ? 0 : s_node_create (self);
}

//  ---- the store ---------------------------------------------------------------

static int
s_prepare (hf_log_store_t *self)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        {&self->begin, "BEGIN IMMEDIATE"},
        {&self->commit, "COMMIT"},
        {&self->rollback, "ROLLBACK"},
        {&self->save_node, "INSERT OR REPLACE INTO node VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
        {&self->insert, "INSERT INTO entries (idx, term, type, checksum, payload)"
                        " VALUES (?, ?, ?, ?, ?)"},
        {&self->cut, "DELETE FROM entries WHERE idx >= ?"},
        {&self->cut_bytes,
         "SELECT coalesce (sum (length (payload)), 0) FROM entries WHERE idx >= ?"},
        {&self->drop, "DELETE FROM entries WHERE idx <= ?"},
        {&self->select, "SELECT idx, term, type, checksum, payload FROM entries"
                        " WHERE idx BETWEEN ? AND ? ORDER BY idx"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].stmt = hf_db_prepare (self->db, all[i].sql, self->error);
        if (!*all[i].stmt)
            return -1;
    }
    return 0;
}

hf_log_store_t *
hf_log_store_open (const char *dir, char *error)
{
    char path[PATH_MAX];
    if (snprintf (path, sizeof path, "%s/log.db", dir) >= (int)sizeof path) {
        hf_db_say (error, "the path of the data folder is too long");
        return NULL;
    }
    hf_log_store_t *self = calloc (1, sizeof *self);
    char *list = strdup ("");
    if (!self || !list) {
        free (self);
        free (list);
        hf_db_say (error, "out of memory");
        return NULL;
    }
    self->node.list = list;
    self->db = hf_db_open (path, &s_format, self->error);
    if (!self->db || s_prepare (self) != 0 || s_load (self) != 0) {
        hf_db_say (error, "%s", self->error);
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
    hf_db_finalize (&self->begin);
    hf_db_finalize (&self->commit);
    hf_db_finalize (&self->rollback);
    hf_db_finalize (&self->save_node);
    hf_db_finalize (&self->insert);
    hf_db_finalize (&self->cut);
    hf_db_finalize (&self->cut_bytes);
    hf_db_finalize (&self->drop);
    hf_db_finalize (&self->select);
    hf_db_close (&self->db); //  what was not committed is rolled back
    free (self->node.list);
    free (self->node.roster.at);
    hf_log_index_free (self);
    free (self);
    *self_p = NULL;
}

int
hf_log_store_bind (hf_log_store_t *self, uint32_t id, const char *list)
{
    assert (id != 0 && list);
    assert (!self->open);
    hf_log_node_t *node = &self->node;
    if (node->member == id && strcmp (node->list, list) == 0)
        return 0;
    if (node->member != 0)
        return hf_db_say (self->error,
                          "%s belongs to node %" PRIu32 " of cluster %s, not to node %" PRIu32
                          " of %s: give the list it was started with, or another folder",
                          sqlite3_db_filename (self->db, "main"), node->member, node->list, id,
                          list);
    char *copy = strdup (list);
    if (!copy)
        return hf_db_say (self->error, "out of memory");
    free (node->list);
    node->list = copy;
    node->member = id;
    if (hf_log_begin (self) != 0)
        return -1;
    return hf_log_node_save (self) != 0 ? hf_log_fail (self) : hf_log_store_commit (self);
}
