#include "nodes/store/hf_db.h"
#include "nodes/store/hf_wal.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

//  ---- failures ----------------------------------------------------------------

int
hf_db_say (char *error, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    vsnprintf (error, HF_ERROR_SIZE, format, args);
    va_end (args);
    return -1;
}

/*  What failed, when SQLite has not kept the system's error. */
static const char *
s_io_text (int code)
{
    switch (code) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return "a read failed";
    case SQLITE_IOERR_WRITE:
        return "a write failed";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return "a sync failed";
    case SQLITE_IOERR_TRUNCATE:
        return "a file could not be cut";
    default:
        return "no more is known";
    }
}

void
hf_db_explain (sqlite3 *db, char *error)
{
    const char *path = sqlite3_db_filename (db, "main");
    const char *text = sqlite3_errmsg (db);
    int number = sqlite3_system_errno (db);
    const char *cause = number != 0 ? strerror (number) : s_io_text (sqlite3_extended_errcode (db));
    path = path && *path ? path : "database";
    switch (sqlite3_errcode (db)) {
    case SQLITE_FULL:
        hf_db_say (error, "%s: the disk is full", path);
        break;
    case SQLITE_IOERR:
        hf_db_say (error, "%s: disk I/O error %d: %s", path, sqlite3_extended_errcode (db), cause);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        hf_db_say (error, "%s is damaged (%s); %s", path, text, HF_DB_WAY_OUT);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        hf_db_say (error, "%s is in use by another process", path);
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        hf_db_say (error, "%s cannot be opened for writing: %s (%s)", path, text, cause);
        break;
    default:
        hf_db_say (error, "%s: %s", path, text);
    }
}

int
hf_db_sync_folder (const char *path, char *error)
{
    int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync (fd);
    if (rc != 0)
        hf_db_say (error, "%s: %s", path, strerror (errno));
    if (fd >= 0)
        close (fd);
    return rc;
}

//  ---- statements --------------------------------------------------------------

sqlite3_stmt *
hf_db_prepare (sqlite3 *db, const char *sql, char *error)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3 (db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        hf_db_explain (db, error);
        return NULL;
    }
    assert (stmt);
    return stmt;
}

void
hf_db_finalize (sqlite3_stmt **stmt_p)
{
    sqlite3_finalize (*stmt_p);
    *stmt_p = NULL;
}

int
hf_db_row (sqlite3_stmt *stmt, char *error)
{
    assert (stmt);
    int rc = sqlite3_step (stmt);
    if (rc == SQLITE_ROW)
        return 1;
    sqlite3_reset (stmt); //  of a commit whose fold failed, the reset alone tells the cause
    if (rc != SQLITE_DONE)
        hf_db_explain (sqlite3_db_handle (stmt), error);
    return rc == SQLITE_DONE ? 0 : -1;
}

int
hf_db_run (sqlite3_stmt *stmt, char *error)
{
    int rc = hf_db_row (stmt, error);
    assert (rc <= 0);
    return rc;
}

void
hf_db_bind_u64 (sqlite3_stmt *stmt, int at, uint64_t value)
{
    int rc = sqlite3_bind_int64 (stmt, at, (sqlite3_int64)value);
    assert (rc == SQLITE_OK);
    (void)rc;
}

void
hf_db_bind_span (sqlite3_stmt *stmt, int at, hf_span_t value)
{
    //  A null pointer would bind NULL, which is not the same as no bytes.
    const void *bytes = value.size > 0 ? (const void *)value.at : "";
    int rc = sqlite3_bind_blob64 (stmt, at, bytes, value.size, SQLITE_STATIC);
    assert (rc == SQLITE_OK);
    (void)rc;
}

void
hf_db_bind_text (sqlite3_stmt *stmt, int at, const char *value)
{
    int rc = sqlite3_bind_text (stmt, at, value, -1, SQLITE_STATIC);
    assert (rc == SQLITE_OK);
}

uint64_t
hf_db_u64 (sqlite3_stmt *stmt, int column)
{
    return (uint64_t)sqlite3_column_int64 (stmt, column);
}

hf_span_t
hf_db_span (sqlite3_stmt *stmt, int column)
{
    const void *bytes = sqlite3_column_blob (stmt, column);
    int size = sqlite3_column_bytes (stmt, column);
    return (hf_span_t){.at = bytes, .size = bytes ? (uint32_t)size : 0};
}

//  ---- opening -----------------------------------------------------------------

/*  Run SQL; the first column of its first row must be WANT, unless that is NULL. */
static int
s_pragma (sqlite3 *db, const char *sql, const char *want, char *error)
{
    sqlite3_stmt *stmt = hf_db_prepare (db, sql, error);
    if (!stmt)
        return -1;
    int rc = hf_db_row (stmt, error);
    if (rc >= 0 && want) {
        const char *found = rc == 1 ? (const char *)sqlite3_column_text (stmt, 0) : NULL;
        found = found ? found : "nothing";
        if (strcmp (found, want) != 0)
            rc = hf_db_say (error, "%s: \"%s\" gives %s, not %s", sqlite3_db_filename (db, "main"),
                            sql, found, want);
    }
    //  What a pragma changes is committed behind its last row, and can fail there.
    while (rc == 1)
        rc = hf_db_row (stmt, error);
    hf_db_finalize (&stmt);
    return rc < 0 ? -1 : 0;
}

static int
s_number (sqlite3 *db, const char *sql, int64_t *number, char *error)
{
    sqlite3_stmt *stmt = hf_db_prepare (db, sql, error);
    if (!stmt)
        return -1;
    int rc = hf_db_row (stmt, error);
    *number = rc == 1 ? sqlite3_column_int64 (stmt, 0) : 0;
    hf_db_finalize (&stmt);
    return rc < 0 ? -1 : 0;
}

/*  SQLite throws a WAL away when the database beside it is missing or empty. What was
 *  acknowledged may be in that WAL: refuse. */
static int
s_check_orphan (const char *path, char *error)
{
    char wal[PATH_MAX];
    snprintf (wal, sizeof wal, "%s-wal", path);
    struct stat st;
    bool empty = stat (path, &st) != 0 || st.st_size == 0;
    if (empty && stat (wal, &st) == 0 && st.st_size > 0)
        return hf_db_say (error, "%s is missing or empty, but %s holds data of it; %s", path, wal,
                          HF_DB_WAY_OUT);
    return 0;
}

/*  Before anything is changed in it: is this ours, or new? */
static int
s_identify (sqlite3 *db, const hf_db_format_t *format, bool *is_new, char *error)
{
    const char *path = sqlite3_db_filename (db, "main");
    int64_t id, version, tables;
    if (s_pragma (db, "PRAGMA locking_mode=EXCLUSIVE", "exclusive", error) != 0 ||
        s_number (db, "PRAGMA application_id", &id, error) != 0 ||
        s_number (db, "PRAGMA user_version", &version, error) != 0 ||
        s_number (db, "SELECT count(*) FROM sqlite_master", &tables, error) != 0)
        return -1;
    *is_new = id == 0 && version == 0 && tables == 0;
    if (*is_new)
        return 0;
    if (id != (int64_t)format->application_id)
        return hf_db_say (error, "%s is a database of something else, not %s: give another folder",
                          path, format->what);
    if (version != format->version)
        return hf_db_say (error, "%s has format %lld; this holdfastd knows format %d", path,
                          (long long)version, format->version);
    return 0;
}

/*  After a commit: fold a long WAL into the database. SQLite does so by itself, but tells nobody
 * when it fails: a disk that takes no page any more would let the WAL grow for ever. */
static int
s_fold (void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)arg;
    if (pages < HF_DB_CHECKPOINT_PAGES)
        return SQLITE_OK;
    int rc = sqlite3_wal_checkpoint_v2 (db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    //  A statement that is being read: the next commit does it.
    return rc == SQLITE_LOCKED || rc == SQLITE_BUSY ? SQLITE_OK : rc;
}

static int
s_configure (sqlite3 *db, bool is_new, char *error)
{
    if (is_new && s_pragma (db, "PRAGMA page_size=4096", NULL, error) != 0)
        return -1;
    char limit[64], limit_back[32];
    snprintf (limit, sizeof limit, "PRAGMA journal_size_limit=%u", HF_DB_WAL_BYTES);
    snprintf (limit_back, sizeof limit_back, "%u", HF_DB_WAL_BYTES);
    if (s_pragma (db, "PRAGMA synchronous=FULL", NULL, error) != 0 ||
        s_pragma (db, "PRAGMA synchronous", "2", error) != 0 ||
        s_pragma (db, "PRAGMA journal_mode=WAL", "wal", error) != 0 ||
        s_pragma (db, limit, limit_back, error) != 0)
        return -1;
    sqlite3_wal_hook (db, s_fold, NULL);
    return 0;
}

static int
s_create (sqlite3 *db, const hf_db_format_t *format, char *error)
{
    char mark[128];
    snprintf (mark, sizeof mark, "PRAGMA application_id=%u; PRAGMA user_version=%d; COMMIT",
              format->application_id, format->version);
    if (sqlite3_exec (db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec (db, format->schema, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec (db, mark, NULL, NULL, NULL) != SQLITE_OK) {
        hf_db_explain (db, error);
        return -1;
    }
    return 0;
}

static int
s_settle (sqlite3 *db, const char *path, char *error)
{
    int rc = sqlite3_wal_checkpoint_v2 (db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc != SQLITE_OK) {
        hf_db_explain (db, error);
        return -1;
    }
    char folder[PATH_MAX];
    snprintf (folder, sizeof folder, "%s", path);
    char *slash = strrchr (folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = 0;
    return hf_db_sync_folder (slash ? folder : ".", error);
}

sqlite3 *
hf_db_open (const char *path, const hf_db_format_t *format, char *error)
{
    assert (format->application_id != 0 && format->version > 0);
    if (strlen (path) + sizeof "-journal" > PATH_MAX) {
        hf_db_say (error, "the path of the data folder is too long");
        return NULL;
    }
    if (s_check_orphan (path, error) != 0 || hf_wal_check (path, error) != 0)
        return NULL;
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool is_new = false;
    if (sqlite3_open_v2 (path, &db, flags, NULL) != SQLITE_OK) {
        //  SQLite knows no path of what it could not open.
        int number = db ? sqlite3_system_errno (db) : ENOMEM;
        hf_db_say (error, "%s cannot be opened for writing: %s", path,
                   number != 0 ? strerror (number) : sqlite3_errmsg (db));
        hf_db_close (&db);
        return NULL;
    }
    if (s_identify (db, format, &is_new, error) != 0 || s_configure (db, is_new, error) != 0 ||
        (is_new && s_create (db, format, error) != 0) || s_settle (db, path, error) != 0)
        hf_db_close (&db);
    return db;
}

void
hf_db_close (sqlite3 **db_p)
{
    int rc = sqlite3_close (*db_p);
    assert (rc == SQLITE_OK); //  BUSY: a statement was left
    (void)rc;
    *db_p = NULL;
}
