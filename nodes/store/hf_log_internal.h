/*  hf_log_internal.h - what the two halves of the log store share: hf_log_open.c finds and checks
 *  what is there, hf_log_store.c reads and writes it.
 */
#ifndef HF_LOG_INTERNAL_H_INCLUDED
#define HF_LOG_INTERNAL_H_INCLUDED

#include "msgs/hf_hash.h"
#include "nodes/store/hf_db.h"

/*  A run of entries of one term. */
typedef struct hf_log_span {
    uint64_t first_index;
    uint64_t term;
} hf_log_span_t;

/*  What the one row of table node says. The log begins behind (base_index, base_term). */
typedef struct hf_log_node {
    uint64_t incarnation;
    uint64_t term;
    uint32_t voted_for;
    uint64_t base_index;
    uint64_t base_term;
    uint32_t member; //  0: not bound yet
    char *list;
} hf_log_node_t;

struct hf_log_store {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *rollback;
    sqlite3_stmt *save_node, *insert, *cut, *select;
    hf_log_node_t node;  //  as the open transaction has it
    uint64_t last_index; //  likewise
    hf_log_span_t *spans;
    size_t span_count, span_room;
    struct {
        uint64_t term;
        uint32_t voted_for;
        uint64_t last_index;
    } durable; //  as of the last commit
    bool open; //  a transaction is open
    bool failed;
    char error[HF_STORE_ERROR_SIZE];
};

uint64_t hf_log_entry_sum (uint64_t index, uint64_t term, hf_span_t payload);
/*  Entry INDEX of TERM ends the spans. */
void hf_log_span_add (hf_log_store_t *self, uint64_t index, uint64_t term);
/*  Write the row of table node inside the open transaction. */
int hf_log_node_save (hf_log_store_t *self);
/*  Open a transaction when none is; refuses after a failure. */
int hf_log_begin (hf_log_store_t *self);
/*  The error is set: nothing of the open transaction counts, and the store takes no more. -1. */
int hf_log_fail (hf_log_store_t *self);

#endif
