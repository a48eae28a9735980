/*  hf_shares.h - how much each client uses of something that has a limit for all.
 *
 *  A client is a route. What is bounded for all is bounded for one by hf_shares_full, so that a
 *  greedy client shuts nobody else out.
 */
#ifndef HF_SHARES_H_INCLUDED
#define HF_SHARES_H_INCLUDED

#include "base/hf_table.h"
#include "msgs/hf_route.h"

typedef struct hf_shares {
    hf_table_t table; //  clients that use anything
    uint64_t all;     //  what all of them use together
} hf_shares_t;

void hf_shares_init (hf_shares_t *self);
void hf_shares_done (hf_shares_t *self);
/*  Nobody uses anything. */
void hf_shares_clear (hf_shares_t *self);

uint64_t hf_shares_of (const hf_shares_t *self, const hf_route_t *route);
void hf_shares_add (hf_shares_t *self, const hf_route_t *route, uint64_t amount);
/*  It uses at least that much. */
void hf_shares_drop (hf_shares_t *self, const hf_route_t *route, uint64_t amount);

/*  Whether a client that uses ONE of the ALL that is used has enough, when there is MOST: half of
 *  it, or as much as is left. So room is left however many clients are greedy. */
bool hf_shares_full (uint64_t one, uint64_t all, uint64_t most);

#endif
