/*  hf_owners.h - how many sessions each user has.
 *
 *  Private to the replicated state. Nothing of it is written: it follows from the sessions.
 */
#ifndef HF_OWNERS_H_INCLUDED
#define HF_OWNERS_H_INCLUDED

#include "base/hf_span.h"
#include "base/hf_table.h"
#include <stdint.h>

typedef struct hf_owner hf_owner_t;

typedef struct hf_owners {
    hf_table_t by_name; //  those that have any
} hf_owners_t;

void hf_owners_init (hf_owners_t *self);
void hf_owners_done (hf_owners_t *self);

/*  USER has one session more; he stays where he is until he has none. */
hf_owner_t *hf_owners_add (hf_owners_t *self, hf_span_t user);
/*  And one less. */
void hf_owners_drop (hf_owners_t *self, hf_owner_t *owner);

/*  How many USER has, and all together. */
uint32_t hf_owners_count (const hf_owners_t *self, hf_span_t user);
size_t hf_owners_all (const hf_owners_t *self);

#endif
