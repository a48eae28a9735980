/*  hf_log_internal.h - what the parts of the log store share.
 *
 *  hf_log_open.c    at the start: load and check
 *  hf_log_store.c   entries in and out, one transaction at a time
 *  hf_log_index.c   what is kept of the entries in memory
 */
#ifndef HF_LOG_INTERNAL_H_INCLUDED
#define HF_LOG_INTERNAL_H_INCLUDED

#include "base/hf_array.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include "nodes/store/hf_tx.h"

//  With a roster of level 1 or more. Release 0.9 would take it for damage; it knows format 3.
#define HF_LOG_FORMAT_PLACES 4

enum {
    HF_LOG_LOAD_NODE,
    HF_LOG_SAVE_NODE,
    HF_LOG_INSERT,
    HF_LOG_CUT,
    HF_LOG_CUT_BYTES,
    HF_LOG_DROP,
    HF_LOG_SELECT,
    HF_LOG_LOAD_START,
    HF_LOG_SAVE_START
};

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

/*  BYTES were counted up to entry INDEX, that entry included; one mark every 64 KiB. */
typedef struct hf_log_mark {
    uint64_t index;
    uint64_t bytes;
} hf_log_mark_t;

struct hf_log_store {
    hf_tx_t tx;
    hf_log_state_t now;     //  as the open transaction has it
    hf_log_state_t durable; //  as of the last commit
    uint64_t incarnation;
    uint64_t applied;     //  entries up to here stay
    uint64_t start, life; //  of this opening, once it has begun; before, of the last one
    uint32_t member;      //  0: not bound yet
    hf_log_bytes_t list;
    hf_log_bytes_t roster; //  payload of the newest ROSTER entry at or before the base; empty: none
    HF_ARRAY (hf_log_span_t) spans;
    HF_ARRAY (hf_log_roster_t) rosters;
    HF_ARRAY (hf_log_mark_t) marks;
    uint64_t bytes;  //  what the marks count, up to the last entry
    uint64_t pruned; //  as the last mark that was pruned had it
};

/*  The entry in the row that HF_LOG_SELECT is at. False: it does not match its checksum. */
bool hf_log_entry_take (hf_log_store_t *self, uint64_t index, hf_entry_t *entry);
/*  Write the row of table node inside the open transaction. */
int hf_log_node_save (hf_log_store_t *self);

//  ---- in memory: follows the open transaction, moves last_index and the base -------------

/*  Entry INDEX is the last one now. */
void hf_log_index_add (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry);
/*  Remove the entries from FROM_INDEX on; their payloads were PAYLOAD_BYTES. */
void hf_log_index_cut (hf_log_store_t *self, uint64_t from_index, uint64_t payload_bytes);
/*  Remove the entries up to BASE, the new base. */
void hf_log_index_prune (hf_log_store_t *self, uint64_t base);
/*  The last entry that may go when the newest KEEP_BYTES stay. */
uint64_t hf_log_index_spare (const hf_log_store_t *self, uint64_t keep_bytes);
void hf_log_index_clear (hf_log_store_t *self);
void hf_log_index_free (hf_log_store_t *self);

void hf_log_bytes_set (hf_log_bytes_t *self, hf_span_t bytes); //  a zero is put behind them
hf_span_t hf_log_bytes_span (const hf_log_bytes_t *self);

#endif
