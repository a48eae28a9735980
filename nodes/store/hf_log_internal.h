/*  hf_log_internal.h - what the parts of the log store share.
 *
 *  hf_log_open.c    what is found at the start, and checked
 *  hf_log_store.c   entries in and out, one transaction at a time
 *  hf_log_prune.c   entries off the front
 *  hf_log_index.c   what is kept of the entries in memory
 */
#ifndef HF_LOG_INTERNAL_H_INCLUDED
#define HF_LOG_INTERNAL_H_INCLUDED

#include "base/hf_hash.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_db.h"

/*  A run of entries of one term. */
typedef struct hf_log_span {
    uint64_t first_index;
    uint64_t term;
} hf_log_span_t;

/*  Bytes that are owned. */
typedef struct hf_log_bytes {
    uint8_t *at;
    uint32_t size;
} hf_log_bytes_t;

/*  A ROSTER entry behind the base. */
typedef struct hf_log_roster {
    uint64_t index;
    hf_log_bytes_t payload;
} hf_log_roster_t;

/*  So many bytes were counted up to entry INDEX and with it; one mark every 64 KiB. */
typedef struct hf_log_mark {
    uint64_t index;
    uint64_t bytes;
} hf_log_mark_t;

/*  What the one row of table node says. The log begins behind (base_index, base_term). */
typedef struct hf_log_node {
    uint64_t incarnation;
    uint64_t term;
    hf_member_t voted_for;
    uint64_t base_index;
    uint64_t base_term;
    uint32_t member; //  0: not bound yet
    char *list;
    hf_log_bytes_t roster; //  payload of the newest ROSTER entry at or before the base; empty: none
} hf_log_node_t;

struct hf_log_store {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *save_node, *insert, *cut, *cut_bytes, *drop, *select;
    hf_log_node_t node;  //  as the open transaction has it
    uint64_t last_index; //  likewise
    hf_log_span_t *spans;
    size_t span_count, span_room;
    hf_log_roster_t *rosters;
    size_t roster_count, roster_room;
    hf_log_mark_t *marks;
    size_t mark_count, mark_room;
    uint64_t bytes;  //  what the marks count, up to the last entry
    uint64_t pruned; //  as the last mark that was pruned had it
    struct {
        uint64_t term;
        hf_member_t voted_for;
        uint64_t last_index;
        uint64_t base_index;
        uint64_t base_term;
    } durable; //  as of the last commit
    bool open; //  a transaction is open
    bool failed;
    char error[HF_ERROR_SIZE];
};

uint64_t hf_log_entry_sum (uint64_t index, const hf_entry_t *entry);
/*  The entry in a row (idx, term, type, checksum, payload). False: it does not match its checksum.
 */
bool hf_log_entry_take (sqlite3_stmt *row, uint64_t index, hf_entry_t *entry);
/*  Write the row of table node inside the open transaction. */
int hf_log_node_save (hf_log_store_t *self);
/*  What is in memory is what is on disk from now on. */
void hf_log_durable (hf_log_store_t *self);
/*  Open a transaction when none is; refuses after a failure. */
int hf_log_begin (hf_log_store_t *self);
/*  The error is set: nothing of the open transaction counts, and the store takes no more. -1. */
int hf_log_fail (hf_log_store_t *self);

//  ---- in memory: follows the open transaction, moves last_index and the base -------------

/*  Entry INDEX is the last one now. */
void hf_log_index_add (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry);
/*  Entries from FROM_INDEX on are gone; their payloads were so many bytes. */
void hf_log_index_cut (hf_log_store_t *self, uint64_t from_index, uint64_t payload_bytes);
/*  Entries up to BASE are gone, which is the base now. */
void hf_log_index_prune (hf_log_store_t *self, uint64_t base);
/*  The last entry that may go when the newest KEEP_BYTES stay. */
uint64_t hf_log_index_spare (const hf_log_store_t *self, uint64_t keep_bytes);
/*  The term of an entry, or of the base. */
uint64_t hf_log_term_at (const hf_log_store_t *self, uint64_t index);
void hf_log_index_clear (hf_log_store_t *self);
void hf_log_index_free (hf_log_store_t *self);

void hf_log_bytes_set (hf_log_bytes_t *self, hf_span_t bytes);
hf_span_t hf_log_bytes_span (const hf_log_bytes_t *self);

#endif
