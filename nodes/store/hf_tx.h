/*  hf_tx.h - one SQLite database and the transaction that is open on it: what every store is built
 *  on.
 *
 *  Exactly one connection per database (design 6), held exclusively: no shared memory file, no
 *  second process. WAL, synchronous=FULL: a commit is one write and one sync of the WAL. The WAL is
 *  folded into the database every HF_TX_CHECKPOINT_PAGES pages, inside a commit: few pages, so that
 *  no commit stalls for more than a few milliseconds and the WAL is bounded (measured, small
 *  entries: 250 pages take 0.5 ms, 1000 take 3 ms, 4000 take 15 ms).
 *
 *  Failures: a call that fails returns -1, and ERROR says why in one line for people. After SQLite
 *  failed, the open transaction is rolled back and every further call fails, with the first error
 *  kept: the caller ends the process. hf_tx_damaged and hf_error_set only set the line.
 */
#ifndef HF_TX_H_INCLUDED
#define HF_TX_H_INCLUDED

#include "base/hf_error.h"
#include "base/hf_span.h"
#include <sqlite3.h>

//  tests/power builds the stores with smaller values.
#ifndef HF_TX_CHECKPOINT_PAGES
#define HF_TX_CHECKPOINT_PAGES 256
#define HF_TX_WAL_BYTES        (16U << 20) //  a longer WAL is cut back
#endif

#define HF_TX_STATEMENTS_MAX 16

/*  The way out of damage, for the end of a message. */
#define HF_WAY_OUT                                                                                 \
    "with all other nodes up and caught up, wipe this node's data folder and start it again: "     \
    "see \"A node lost its disk\" in docs/operating.md"

typedef struct hf_tx_format {
    const char *file;        //  in the data folder
    const char *what;        //  for people: "a holdfast log"
    uint32_t application_id; //  other programs and owners have others
    int version;             //  of a new database
    int newest;              //  what hf_tx_raise may make of it; 0: as VERSION
    const char *schema;      //  SQL that makes the tables of a new database
    const char *later;       //  and those that came later, if they are missing;
                             //  older programs do not look at them. NULL: none
    const char *statements[HF_TX_STATEMENTS_MAX]; //  prepared at the start, named by their place
} hf_tx_format_t;

typedef struct hf_tx {
    sqlite3 *db;
    sqlite3_stmt *statements[HF_TX_STATEMENTS_MAX];
    sqlite3_stmt *begin, *commit;
    int version; //  of the format, as the open transaction has it
    bool begun;  //  SQLite has begun a transaction; nothing may be in it yet
    bool open;   //  a transaction is open: there is something to commit
    bool failed; //  takes no more
    char error[HF_ERROR_SIZE];
} hf_tx_t;

/*  Open or create the database in folder DIR. When it returns, all that can be read is on disk:
 *  wal_checkpoint(TRUNCATE) has succeeded. Close it after a failure too. */
int hf_tx_open (hf_tx_t *self, const char *dir, const hf_tx_format_t *format);
/*  An open transaction is rolled back. */
void hf_tx_close (hf_tx_t *self);
const char *hf_tx_path (const hf_tx_t *self);

/*  Begin the next transaction ahead of its first write, when there is time for it. It is not open
 *  before that: hf_tx_commit leaves it alone. 0 or -1. */
int hf_tx_ready (hf_tx_t *self);
/*  Open a transaction, if none is open. hf_tx_run and hf_tx_write do it by themselves. */
int hf_tx_begin (hf_tx_t *self);
/*  In the open transaction, or a new one: the database is of format VERSION now, which older
 *  programs refuse to open. Nothing happens when it is of that format or a newer one. */
int hf_tx_raise (hf_tx_t *self, int version);
/*  Make the open transaction durable, if one is open. */
int hf_tx_commit (hf_tx_t *self);
/*  ERROR is set, by the owner: roll back and take no more. -1. */
int hf_tx_fail (hf_tx_t *self);
/*  Say that the database is damaged: the path, the text and the way out. -1. */
int hf_tx_damaged (hf_tx_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

//  ---- statements; STMT is the place in the format's list ---------------------------------------

typedef struct hf_tx_value {
    enum { HF_TX_NUMBER, HF_TX_BYTES, HF_TX_TEXT } kind;
    uint64_t number; //  kept as SQLite's signed one, bit for bit
    hf_span_t bytes; //  the caller's, until the statement has run
} hf_tx_value_t;

static inline hf_tx_value_t
hf_tx_number (uint64_t number)
{
    return (hf_tx_value_t){.kind = HF_TX_NUMBER, .number = number};
}

static inline hf_tx_value_t
hf_tx_bytes (hf_span_t bytes)
{
    return (hf_tx_value_t){.kind = HF_TX_BYTES, .bytes = bytes};
}

static inline hf_tx_value_t
hf_tx_text (const char *text)
{
    return (hf_tx_value_t){.kind = HF_TX_TEXT, .bytes = hf_span_text (text)};
}

void hf_tx_bind_all (hf_tx_t *self, unsigned stmt, const hf_tx_value_t *values, size_t count);
/*  Set the parameters, from the first on. */
#define hf_tx_bind(self, stmt, ...)                                                                \
    hf_tx_bind_all (self, stmt, (const hf_tx_value_t[]){__VA_ARGS__},                              \
                    sizeof ((const hf_tx_value_t[]){__VA_ARGS__}) / sizeof (hf_tx_value_t))

/*  Run a statement that gives no rows, in the open transaction. 0 or -1. */
int hf_tx_run (hf_tx_t *self, unsigned stmt);
#define hf_tx_write(self, stmt, ...) (hf_tx_bind (self, stmt, __VA_ARGS__), hf_tx_run (self, stmt))

/*  The next row: 1; 0 behind the last one; or -1. */
int hf_tx_row (hf_tx_t *self, unsigned stmt);
/*  End reading before the last row: a statement left open keeps the WAL from being folded in. The
 *  row's bytes are valid until then. */
void hf_tx_done (hf_tx_t *self, unsigned stmt);
uint64_t hf_tx_u64 (const hf_tx_t *self, unsigned stmt, int column);
hf_span_t hf_tx_span (const hf_tx_t *self, unsigned stmt, int column);

//  ---- for hf_tx_open.c --------------------------------------------------------------------------

/*  Say what SQLite's last failure on this database means, and fail. -1. */
int hf_tx_explain (hf_tx_t *self);
/*  Whether the WAL of the database PATH is whole, before it is opened. 0, also when there is no
 * WAL; -1 with ERROR. */
int hf_wal_check (const char *path, char *error);
/*  What a statement's step gave, as hf_tx_row. */
int hf_tx_step (hf_tx_t *self, sqlite3_stmt *stmt);

#endif
