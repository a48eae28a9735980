/*  hf_tail.h - the newest entries of the log, in memory, packed as ENTRY records.
 *
 *  Entries that are published, repaired or applied are nearly always new: they are taken from here
 *  without a read from the store. Records lie back to back, so that a range is one list. Bounded:
 *  beyond its limit the oldest half is dropped.
 */
#ifndef HF_TAIL_H_INCLUDED
#define HF_TAIL_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_tail hf_tail_t;

/*  LAST_INDEX: of the log; the tail begins after it. */
hf_tail_t *hf_tail_new (uint64_t last_index, size_t limit_bytes);
void hf_tail_destroy (hf_tail_t **self_p);

/*  The entry after the last one. */
void hf_tail_append (hf_tail_t *self, const hf_entry_t *entry);

/*  Drop the entries from INDEX on: the next append is entry INDEX. */
void hf_tail_truncate (hf_tail_t *self, uint64_t index);

/*  The entries from FIRST on, up to LAST, as many as fit BYTES but at least one. False when
 *  FIRST is not here. The list is valid until the next append. */
bool hf_tail_range (const hf_tail_t *self, uint64_t first, uint64_t last, size_t bytes,
                    hf_list_t *list);

#endif
