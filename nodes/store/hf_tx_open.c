//  Opening a database: is it whole, is it ours, is all of it on disk?

#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_tx.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static sqlite3_stmt *
s_prepare (hf_tx_t *self, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        hf_tx_explain (self);
    return stmt;
}

/*  Run SQL; the first column of its first row must be WANT, unless that is NULL. */
static int
s_pragma (hf_tx_t *self, const char *sql, const char *want)
{
    sqlite3_stmt *stmt = s_prepare (self, sql);
    int rc = stmt ? hf_tx_step (self, stmt) : -1;
    if (rc >= 0 && want) {
        const char *found = rc == 1 ? (const char *)sqlite3_column_text (stmt, 0) : NULL;
        found = found ? found : "nothing";
        if (strcmp (found, want) != 0)
            rc = hf_error_set (self->error, "%s: \"%s\" gives %s, not %s", hf_tx_path (self), sql,
                               found, want);
    }
    //  What a pragma changes is committed behind its last row, and can fail there.
    while (rc == 1)
        rc = hf_tx_step (self, stmt);
    sqlite3_finalize (stmt);
    return rc;
}

static int
s_number (hf_tx_t *self, const char *sql, int64_t *number)
{
    sqlite3_stmt *stmt = s_prepare (self, sql);
    int rc = stmt ? hf_tx_step (self, stmt) : -1;
    *number = rc == 1 ? sqlite3_column_int64 (stmt, 0) : 0;
    sqlite3_finalize (stmt);
    return rc < 0 ? -1 : 0;
}

/*  SQLite deletes a WAL whose database is missing or empty, and with it commits that were
 *  acknowledged: refuse. */
static int
s_check_orphan (hf_tx_t *self, const char *path)
{
    char wal[PATH_MAX + sizeof "-wal"];
    snprintf (wal, sizeof wal, "%s-wal", path);
    struct stat st;
    bool empty = stat (path, &st) != 0 || st.st_size == 0;
    if (empty && stat (wal, &st) == 0 && st.st_size > 0)
        return hf_error_set (self->error, "%s is missing or empty, but %s holds data of it; %s",
                             path, wal, HF_WAY_OUT);
    return 0;
}

static int
s_connect (hf_tx_t *self, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2 (path, &self->db, flags, NULL) == SQLITE_OK)
        return 0;
    int number = self->db ? sqlite3_system_errno (self->db) : ENOMEM;
    return hf_error_set (self->error, "%s cannot be opened for writing: %s", path,
                         number != 0 ? strerror (number) : sqlite3_errmsg (self->db));
}

/*  Before anything is changed in it: is this ours, or new? */
static int
s_identify (hf_tx_t *self, const hf_tx_format_t *format, bool *is_new)
{
    int64_t id, version, tables;
    if (s_pragma (self, "PRAGMA locking_mode=EXCLUSIVE", "exclusive") != 0 ||
        s_number (self, "PRAGMA application_id", &id) != 0 ||
        s_number (self, "PRAGMA user_version", &version) != 0 ||
        s_number (self, "SELECT count(*) FROM sqlite_master", &tables) != 0)
        return -1;
    *is_new = id == 0 && version == 0 && tables == 0;
    self->version = *is_new ? format->version : (int)version;
    if (*is_new)
        return 0;
    if (id != (int64_t)format->application_id)
        return hf_error_set (self->error,
                             "%s is a database of something else, not %s: give another folder",
                             hf_tx_path (self), format->what);
    int newest = format->newest > 0 ? format->newest : format->version;
    if (version > newest)
        return hf_error_set (self->error,
                             "%s has format %lld; this holdfastd knows format %d: start the newer "
                             "release that has written it",
                             hf_tx_path (self), (long long)version, newest);
    if (version < format->version)
        return hf_error_set (self->error, "%s has format %lld; this holdfastd knows format %d",
                             hf_tx_path (self), (long long)version, newest);
    return 0;
}

/*  After a commit: fold a long WAL into the database. SQLite does so by itself, but does not report
 *  when it fails: on a disk that takes no page any more, the WAL would grow for ever. */
static int
s_fold (void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)arg;
    if (pages < HF_TX_CHECKPOINT_PAGES)
        return SQLITE_OK;
    int rc = sqlite3_wal_checkpoint_v2 (db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    //  A statement is being read: the next commit does it.
    return rc == SQLITE_LOCKED || rc == SQLITE_BUSY ? SQLITE_OK : rc;
}

static int
s_configure (hf_tx_t *self, bool is_new)
{
    if (is_new && s_pragma (self, "PRAGMA page_size=4096", NULL) != 0)
        return -1;
    char limit[64], limit_back[32];
    snprintf (limit, sizeof limit, "PRAGMA journal_size_limit=%u", HF_TX_WAL_BYTES);
    snprintf (limit_back, sizeof limit_back, "%u", HF_TX_WAL_BYTES);
    if (s_pragma (self, "PRAGMA synchronous=FULL", NULL) != 0 ||
        s_pragma (self, "PRAGMA synchronous", "2") != 0 ||
        s_pragma (self, "PRAGMA journal_mode=WAL", "wal") != 0 ||
        s_pragma (self, limit, limit_back) != 0)
        return -1;
    sqlite3_wal_hook (self->db, s_fold, NULL);
    return 0;
}

static int
s_create (hf_tx_t *self, const hf_tx_format_t *format)
{
    char mark[128];
    snprintf (mark, sizeof mark, "PRAGMA application_id=%u; PRAGMA user_version=%d; COMMIT",
              format->application_id, format->version);
    const char *const steps[] = {"BEGIN IMMEDIATE", format->schema, mark};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (sqlite3_exec (self->db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
            return hf_tx_explain (self);
    return 0;
}

/*  A table that is there already costs no write. */
static int
s_add_tables (hf_tx_t *self, const char *later)
{
    if (later && sqlite3_exec (self->db, later, NULL, NULL, NULL) != SQLITE_OK)
        return hf_tx_explain (self);
    return 0;
}

/*  Make durable what a killed process may have left in the page cache only. */
static int
s_settle (hf_tx_t *self, const char *dir)
{
    int rc = sqlite3_wal_checkpoint_v2 (self->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc != SQLITE_OK ? hf_tx_explain (self) : hf_dir_sync (dir, self->error);
}

static int
s_open (hf_tx_t *self, const char *dir, const hf_tx_format_t *format)
{
    char path[PATH_MAX - sizeof "-journal"];
    if (snprintf (path, sizeof path, "%s/%s", dir, format->file) >= (int)sizeof path)
        return hf_error_set (self->error, "the path of the data folder is too long");
    bool is_new = false;
    if (s_check_orphan (self, path) != 0 || hf_wal_check (path, self->error) != 0 ||
        s_connect (self, path) != 0 || s_identify (self, format, &is_new) != 0 ||
        s_configure (self, is_new) != 0 || (is_new && s_create (self, format) != 0) ||
        s_add_tables (self, format->later) != 0 || s_settle (self, dir) != 0)
        return -1;
    for (size_t i = 0; i < HF_TX_STATEMENTS_MAX && format->statements[i]; i++)
        if (!(self->statements[i] = s_prepare (self, format->statements[i])))
            return -1;
    self->begin = s_prepare (self, "BEGIN IMMEDIATE");
    self->commit = self->begin ? s_prepare (self, "COMMIT") : NULL;
    return self->commit ? 0 : -1;
}

int
hf_tx_open (hf_tx_t *self, const char *dir, const hf_tx_format_t *format)
{
    assert (format->application_id != 0 && format->version > 0);
    *self = (hf_tx_t){0};
    return s_open (self, dir, format) == 0 ? 0 : hf_tx_fail (self);
}

void
hf_tx_close (hf_tx_t *self)
{
    for (size_t i = 0; i < HF_TX_STATEMENTS_MAX; i++)
        sqlite3_finalize (self->statements[i]);
    sqlite3_finalize (self->begin);
    sqlite3_finalize (self->commit);
    int rc = sqlite3_close (self->db);
    assert (rc == SQLITE_OK);
    (void)rc;
    *self = (hf_tx_t){0};
}
