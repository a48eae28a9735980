//  The transaction as it runs: statements, commit, failures.

#include "nodes/store/hf_tx.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

//  ---- failures ----------------------------------------------------------------------------------

const char *
hf_tx_path (const hf_tx_t *self)
{
    return sqlite3_db_filename (self->db, "main");
}

int
hf_tx_damaged (hf_tx_t *self, const char *format, ...)
{
    char what[HF_ERROR_SIZE];
    va_list args;
    va_start (args, format);
    vsnprintf (what, sizeof what, format, args);
    va_end (args);
    return hf_error_set (self->error, "%s is damaged: %s; %s", hf_tx_path (self), what, HF_WAY_OUT);
}

int
hf_tx_fail (hf_tx_t *self)
{
    assert (self->error[0] != 0);
    self->failed = true;
    self->begun = self->open = false;
    if (self->db && !sqlite3_get_autocommit (self->db))
        sqlite3_exec (self->db, "ROLLBACK", NULL, NULL, NULL); //  the first error is reported
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
        return "a write failed: is the size of files limited (ulimit -f)?";
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_DIR_FSYNC:
        return "a sync failed";
    case SQLITE_IOERR_TRUNCATE:
        return "a file could not be cut";
    default:
        return "the cause is unknown";
    }
}

int
hf_tx_explain (hf_tx_t *self)
{
    const char *path = hf_tx_path (self);
    const char *text = sqlite3_errmsg (self->db);
    int code = sqlite3_extended_errcode (self->db);
    int number = sqlite3_system_errno (self->db);
    const char *cause = number != 0 ? strerror (number) : s_io_text (code);
    path = path && *path ? path : "database";
    switch (code & 0xff) {
    case SQLITE_FULL:
        hf_error_set (self->error, "%s: the disk is full", path);
        break;
    case SQLITE_IOERR:
        hf_error_set (self->error, "%s: disk I/O error %d: %s", path, code, cause);
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        hf_error_set (self->error, "%s is damaged (%s); %s", path, text, HF_WAY_OUT);
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        hf_error_set (self->error, "%s is in use by another process", path);
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        hf_error_set (self->error, "%s cannot be opened for writing: %s (%s)", path, text, cause);
        break;
    default:
        hf_error_set (self->error, "%s: %s", path, text);
    }
    return hf_tx_fail (self);
}

//  ---- the transaction ---------------------------------------------------------------------------

int
hf_tx_ready (hf_tx_t *self)
{
    if (self->failed)
        return -1;
    if (!self->begun && hf_tx_step (self, self->begin) != 0)
        return -1;
    self->begun = true;
    return 0;
}

int
hf_tx_begin (hf_tx_t *self)
{
    if (hf_tx_ready (self) != 0)
        return -1;
    self->open = true;
    return 0;
}

int
hf_tx_raise (hf_tx_t *self, int version)
{
    char mark[64];
    if (self->version >= version)
        return self->failed ? -1 : 0;
    if (hf_tx_begin (self) != 0)
        return -1;
    snprintf (mark, sizeof mark, "PRAGMA user_version=%d", version);
    if (sqlite3_exec (self->db, mark, NULL, NULL, NULL) != SQLITE_OK)
        return hf_tx_explain (self);
    self->version = version;
    return 0;
}

int
hf_tx_commit (hf_tx_t *self)
{
    if (self->failed)
        return -1;
    if (!self->open)
        return 0; //  what was begun ahead stays
    if (hf_tx_step (self, self->commit) != 0)
        return -1;
    self->begun = self->open = false;
    return 0;
}

//  ---- statements --------------------------------------------------------------------------------

void
hf_tx_bind_all (hf_tx_t *self, unsigned stmt, const hf_tx_value_t *values, size_t count)
{
    sqlite3_stmt *to = self->statements[stmt];
    assert (to && !sqlite3_stmt_busy (to));
    assert (count == (size_t)sqlite3_bind_parameter_count (to));
    for (size_t i = 0; i < count; i++) {
        const hf_tx_value_t *value = &values[i];
        //  A null pointer would bind NULL, which is not the same as no bytes.
        const void *bytes = value->bytes.size > 0 ? (const void *)value->bytes.at : "";
        int at = (int)i + 1, rc;
        if (value->kind == HF_TX_NUMBER)
            rc = sqlite3_bind_int64 (to, at, (sqlite3_int64)value->number);
        else if (value->kind == HF_TX_BYTES)
            rc = sqlite3_bind_blob64 (to, at, bytes, value->bytes.size, SQLITE_STATIC);
        else
            rc = sqlite3_bind_text (to, at, bytes, (int)value->bytes.size, SQLITE_STATIC);
        assert (rc == SQLITE_OK);
    }
}

int
hf_tx_step (hf_tx_t *self, sqlite3_stmt *stmt)
{
    assert (stmt);
    int rc = sqlite3_step (stmt);
    if (rc == SQLITE_ROW)
        return 1;
    sqlite3_reset (stmt); //  when the fold behind a commit failed, only the reset gives the cause
    return rc == SQLITE_DONE ? 0 : hf_tx_explain (self);
}

int
hf_tx_row (hf_tx_t *self, unsigned stmt)
{
    return self->failed ? -1 : hf_tx_step (self, self->statements[stmt]);
}

int
hf_tx_run (hf_tx_t *self, unsigned stmt)
{
    int rc = hf_tx_begin (self) != 0 ? -1 : hf_tx_step (self, self->statements[stmt]);
    assert (rc <= 0);
    return rc;
}

void
hf_tx_done (hf_tx_t *self, unsigned stmt)
{
    sqlite3_reset (self->statements[stmt]);
}

uint64_t
hf_tx_u64 (const hf_tx_t *self, unsigned stmt, int column)
{
    return (uint64_t)sqlite3_column_int64 (self->statements[stmt], column);
}

hf_span_t
hf_tx_span (const hf_tx_t *self, unsigned stmt, int column)
{
    const void *bytes = sqlite3_column_blob (self->statements[stmt], column);
    int size = sqlite3_column_bytes (self->statements[stmt], column);
    return (hf_span_t){.at = bytes, .size = bytes ? (uint32_t)size : 0};
}
