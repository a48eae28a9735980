/*  hf_journal.h - what has happened of late, for those who watch: HAPPENED records by number.
 *
 *  A ring of blocks of 64 KiB; when they are MOST bytes together the oldest goes. Numbers are
 *  consecutive. A reader keeps an hf_spot_t, which stays valid: reading at one whose block has gone
 *  says so, and so nothing is missed in silence.
 */
#ifndef HF_JOURNAL_H_INCLUDED
#define HF_JOURNAL_H_INCLUDED

#include "base/hf_array.h"
#include "msgs/hf_msg.h"

typedef struct hf_journal_block hf_journal_block_t;

typedef struct hf_journal {
    HF_ARRAY (hf_journal_block_t *) blocks; //  oldest first
    uint64_t first_block;                   //  number of that, from 0
    uint64_t last;                          //  number of the last record
    size_t most;                            //  blocks
} hf_journal_t;

/*  LAST: the number of the last that happened before; nothing up to it is kept. */
void hf_journal_init (hf_journal_t *self, uint64_t last, size_t most_bytes);
void hf_journal_done (hf_journal_t *self);

/*  Nothing up to NUMBER is kept, and those who wait for what is not there yet have missed it. */
void hf_journal_skip (hf_journal_t *self, uint64_t number);

/*  Its number must be the one after the last. */
void hf_journal_add (hf_journal_t *self, const hf_happened_t *happened);

typedef struct hf_spot {
    uint64_t block, at; //  where the next record is, or will be
} hf_spot_t;

/*  The number before the first record that is kept. */
uint64_t hf_journal_before (const hf_journal_t *self);
/*  Where the record after NUMBER is, or will be. It must be kept, or not have happened yet. */
hf_spot_t hf_journal_seek (const hf_journal_t *self, uint64_t number);
/*  Whether the record at SPOT, which came from this journal, is not kept any more. */
bool hf_journal_gone (const hf_journal_t *self, hf_spot_t spot);
/*  Read the record at *spot, which moves behind it; its spans are valid until the next is added.
 *  False: it has not happened yet. The spot must not be gone. */
bool hf_journal_next (const hf_journal_t *self, hf_spot_t *spot, hf_happened_t *happened);

#endif
