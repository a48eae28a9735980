/*  hf_rows.h - which rows of the replicated state changed since they were told last.
 *
 *  A session, a place at a lock and a staged file each carry a mark. A row that
 *  changes joins a ring; telling the changes empties the rings. A row that was
 *  told before and goes leaves its key behind; one that came and went in between
 *  leaves nothing. Layouts: hf_state_rows.c. Private to the replicated state.
 */
#ifndef HF_ROWS_H_INCLUDED
#define HF_ROWS_H_INCLUDED

#include "base/hf_chain.h"
#include "msgs/hf_msg.h"

//  The staged bytes of a file are cut at multiples of this, wherever telling began and ended: so
//  rows depend on the state alone, and an append tells again at most the piece it falls into.
#define HF_ROW_PIECE   (16U << 10)
#define HF_ROW_KEY_MAX (1 + 8 + 255) //  bytes in the longest key: a place at a lock

typedef struct hf_row {
    hf_chain_t changed; //  in one of the rings below, when it changed
    bool saved;         //  it was told before
} hf_row_t;

typedef struct hf_rows {
    hf_chain_t sessions, places, files;
    size_t count;   //  rows to be told: of the rings, a file's pieces each, and of those gone
    uint64_t bytes; //  of staged data in them
    hf_pack_t gone; //  STATE_CHANGE records
} hf_rows_t;

/*  The struct must stay where it is until hf_rows_done. */
void hf_rows_init (hf_rows_t *self);
void hf_rows_done (hf_rows_t *self);

/*  Put ROW into RING, one of SELF's for rows that are told whole, unless it is there. */
void hf_rows_changed (hf_rows_t *self, hf_chain_t *ring, hf_row_t *row);
/*  It was told: out of its ring, and saved. */
void hf_rows_taken (hf_rows_t *self, hf_row_t *row);
/*  It goes. KEY is told when the row was. */
void hf_rows_left (hf_rows_t *self, hf_row_t *row, hf_span_t key);
/*  Tell that KEY is gone; PREFIX: every key that begins with it. */
void hf_rows_gone (hf_rows_t *self, hf_span_t key, bool prefix);

/*  A STATE_CHANGE (CHANGE), or a STATE_ROW, into PACK. */
void hf_rows_put (hf_pack_t *pack, bool change, hf_span_t key, hf_span_t value);

/*  A letter and numbers of the keys; the bytes after the last one, from AT on. */
uint8_t *hf_row_key_u64 (uint8_t *at, uint64_t value);
uint8_t *hf_row_key_u32 (uint8_t *at, uint32_t value);

#endif
