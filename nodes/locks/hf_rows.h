/*  hf_rows.h - which rows of the replicated state are dirty: changed since the last flush.
 *
 *  A session, a claim and a staged file each carry a mark. A row that changes joins a
 *  list; a flush (hf_state_changes) empties the lists. Deleting a row that was already flushed
 *  records a tombstone; one created and deleted between two flushes leaves no trace.
 *  Layouts: hf_state_rows.c. Private to the replicated state.
 */
#ifndef HF_ROWS_H_INCLUDED
#define HF_ROWS_H_INCLUDED

#include "base/hf_chain.h"
#include "msgs/hf_msg.h"

//  The staged bytes of a file are cut at multiples of this, whenever flushes came: so rows depend
//  on the state alone, and an append makes dirty at most the last piece and what follows.
#define HF_ROW_PIECE   (16U << 10)
#define HF_ROW_KEY_MAX (1 + 8 + 4 + 4) //  bytes in the longest key: a piece of a staged file

//  Of a session or a claim. Four bytes: there may be a million of them.
typedef struct hf_row {
    uint32_t at : 31;     //  its number in the list of dirty ones, from 1 on; 0: it is clean
    uint32_t flushed : 1; //  a flush contained it
} hf_row_t;

//  Dirty ones, in no order: an HF_ARRAY.
typedef struct hf_rows_list {
    hf_row_t **list;
    size_t count, room;
} hf_rows_list_t;

typedef struct hf_rows {
    hf_rows_list_t sessions, claims;
    hf_chain_t files;     //  staged, with dirty pieces
    size_t count;         //  dirty rows: of the lists, a file's pieces each, and tombstones
    uint64_t bytes;       //  of staged data in them
    hf_pack_t tombstones; //  STATE_CHANGE records
} hf_rows_t;

/*  The struct must stay where it is until hf_rows_done. */
void hf_rows_init (hf_rows_t *self);
void hf_rows_done (hf_rows_t *self);

/*  LIST is sessions or claims of SELF, the one that ROW belongs to.
 *
 *  ROW changed: put it into LIST, unless it is there already. */
void hf_rows_dirty (hf_rows_t *self, hf_rows_list_t *list, hf_row_t *row);
/*  All of LIST were flushed. */
void hf_rows_clean (hf_rows_t *self, hf_rows_list_t *list);
/*  ROW, whose key is KEY, is deleted. */
void hf_rows_delete (hf_rows_t *self, hf_rows_list_t *list, hf_row_t *row, hf_span_t key);
/*  Record a tombstone for KEY; PREFIX: for every key that begins with it. */
void hf_rows_bury (hf_rows_t *self, hf_span_t key, bool prefix);

/*  A STATE_CHANGE (CHANGE), or a STATE_ROW, into PACK. */
void hf_rows_put (hf_pack_t *pack, bool change, hf_span_t key, hf_span_t value);

/*  Write a number of a key at AT, big-endian. Gives where the next byte of the key goes. */
uint8_t *hf_row_key_u64 (uint8_t *at, uint64_t value);
uint8_t *hf_row_key_u32 (uint8_t *at, uint32_t value);

#endif
