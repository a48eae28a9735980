/*  hf_db.h - one SQLite database as both stores use it: opened the same way, failing the same way.
 *
 *  Exactly one connection a database (design 6), held exclusively: no shared memory file, no
 *  second process. WAL, synchronous=FULL: a commit is one write and one sync of the WAL.
 *  The WAL is folded into the database every HF_DB_CHECKPOINT_PAGES pages, inside a commit: few
 *  pages, so that no commit stalls for more than a few milliseconds and the WAL is bounded
 *  (measured, small entries: 250 pages take 0.5 ms, 1000 take 3 ms, 4000 take 15 ms).
 *
 *  Everywhere: ERROR is a buffer of HF_ERROR_SIZE bytes, or the store's own.
 */
#ifndef HF_DB_H_INCLUDED
#define HF_DB_H_INCLUDED

#include "nodes/store/hf_log_store.h"
#include <sqlite3.h>

//  (The tests of power cuts build the stores with less: tests/power.)
#ifndef HF_DB_CHECKPOINT_PAGES
#define HF_DB_CHECKPOINT_PAGES 256
#define HF_DB_WAL_BYTES        (16U << 20) //  a WAL grown beyond this is cut back
#endif

/*  The way out of damage, for the end of a message. */
#define HF_DB_WAY_OUT                                                                              \
    "with all other nodes up and caught up, wipe this node's data folder and start it again: "     \
    "see \"A node lost its disk\" in docs/operating.md"

typedef struct hf_db_format {
    const char *what;        //  for people: "a holdfast log"
    uint32_t application_id; //  tells this database from those of other programs and owners
    int version;             //  of the schema
    const char *schema;      //  SQL that makes the tables of a new database
} hf_db_format_t;

/*  Open or create. When it returns, all that can be read is on disk: wal_checkpoint(TRUNCATE)
 *  has succeeded. NULL with one line in ERROR. */
sqlite3 *hf_db_open (const char *path, const hf_db_format_t *format, char *error);
/*  The statements must be finalized before. */
void hf_db_close (sqlite3 **db_p);

/*  A statement that is kept; NULL with ERROR. */
sqlite3_stmt *hf_db_prepare (sqlite3 *db, const char *sql, char *error);
void hf_db_finalize (sqlite3_stmt **stmt_p);

/*  Run a statement that gives no rows, and reset it. 0, or -1 with ERROR. */
int hf_db_run (sqlite3_stmt *stmt, char *error);
/*  The next row: 1, 0 at the end, -1 with ERROR; it is reset when there is no further row. */
int hf_db_row (sqlite3_stmt *stmt, char *error);

//  Numbers are kept as SQLite's signed ones, bit for bit. Bytes stay the caller's until the run.
void hf_db_bind_u64 (sqlite3_stmt *stmt, int at, uint64_t value);
void hf_db_bind_span (sqlite3_stmt *stmt, int at, hf_span_t value);
void hf_db_bind_text (sqlite3_stmt *stmt, int at, const char *value);
uint64_t hf_db_u64 (sqlite3_stmt *stmt, int column);
hf_span_t hf_db_span (sqlite3_stmt *stmt, int column);

/*  Say what SQLite's last failure on DB means, with the path and the way out, in one line. */
void hf_db_explain (sqlite3 *db, char *error);
/*  A line of our own. Gives -1. */
int hf_db_say (char *error, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  fsync a folder, so that names made in it stay. 0, or -1 with ERROR. */
int hf_db_sync_folder (const char *path, char *error);

#endif
