/*  hf_rows.h - which rows of the replicated state are dirty: changed since the last flush.
 *
 *  A session, a claim and a staged file each carry a mark. A row that changes joins a
 *  ring; a flush (hf_state_changes) empties the rings. Deleting a row that was already flushed
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

typedef struct hf_row {
    hf_chain_t dirty; //  in one of the rings below while it is dirty
    bool flushed;     //  a flush contained it
} hf_row_t;

typedef struct hf_rows {
    hf_chain_t sessions, claims, files;
    size_t count;         //  dirty rows: of the rings, a file's pieces each, and tombstones
    uint64_t bytes;       //  of staged data in them
    hf_pack_t tombstones; //  STATE_CHANGE records
} hf_rows_t;

/*  The struct must stay where it is until hf_rows_done. */
void hf_rows_init (hf_rows_t *self);
void hf_rows_done (hf_rows_t *self);

/*  ROW changed: put it into RING, sessions or claims of SELF, unless it is there already. */
void hf_rows_dirty (hf_rows_t *self, hf_chain_t *ring, hf_row_t *row);
/*  ROW was flushed. */
void hf_rows_clean (hf_rows_t *self, hf_row_t *row);
/*  ROW, whose key is KEY, is deleted. */
void hf_rows_delete (hf_rows_t *self, hf_row_t *row, hf_span_t key);
/*  Record a tombstone for KEY; PREFIX: for every key that begins with it. */
void hf_rows_bury (hf_rows_t *self, hf_span_t key, bool prefix);

/*  A STATE_CHANGE (CHANGE), or a STATE_ROW, into PACK. */
void hf_rows_put (hf_pack_t *pack, bool change, hf_span_t key, hf_span_t value);

/*  Write a number of a key at AT, big-endian. Gives where the next byte of the key goes. */
uint8_t *hf_row_key_u64 (uint8_t *at, uint64_t value);
uint8_t *hf_row_key_u32 (uint8_t *at, uint32_t value);

#endif
