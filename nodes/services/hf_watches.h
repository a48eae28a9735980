/*  hf_watches.h - who watches what on this node, and whose turn it is to be told.
 *
 *  A watch is behind when there may be something to be told: it waits for its turn. It is idle when
 *  it has been told everything, and full when its client has not made room: then it is in no turn
 *  until the client speaks again. A client is a route.
 */
#ifndef HF_WATCHES_H_INCLUDED
#define HF_WATCHES_H_INCLUDED

#include "base/hf_chain.h"
#include "base/hf_span.h"
#include "base/hf_table.h"
#include "msgs/hf_route.h"
#include "nodes/services/hf_journal.h"

typedef struct hf_watch {
    hf_table_node_t by_id; //  comes first: the table frees it
    hf_chain_t of_client, age, turn;
    struct hf_watcher *client;
    uint64_t id; //  the client's
    uint32_t what;
    uint64_t after;    //  all up to this number was looked at for it,
    uint64_t upto;     //  and its client knows that up to this one nothing is missing
    hf_spot_t spot;    //  of the next in the journal
    uint64_t heard_us; //  when the client last spoke of it
    uint32_t room;     //  bytes that it may still be told
    uint64_t rights;   //  which version of the rights allowed it
    bool due;          //  it is told something even if nothing happened
    uint8_t prefix_size;
    uint8_t prefix[255];
} hf_watch_t;

typedef struct hf_watcher {
    hf_table_node_t by_route; //  comes first: the table frees it
    hf_route_t route;
    hf_chain_t watches;
    size_t count;
} hf_watcher_t;

typedef struct hf_watches {
    hf_table_t by_id, clients;
    hf_chain_t ages; //  of watches, the one that was heard longest ago first
    hf_chain_t behind, idle;
    size_t most, most_of_client;
} hf_watches_t;

void hf_watches_init (hf_watches_t *self, size_t most, size_t most_of_client);
void hf_watches_done (hf_watches_t *self);

/*  NULL: the client has none of that id. */
hf_watch_t *hf_watches_find (const hf_watches_t *self, const hf_route_t *route, uint64_t id);
/*  The client speaks of the watch ID, which is made when it is new: it is behind, and the youngest.
 *  NULL: it has too many, or all have. */
hf_watch_t *hf_watches_hear (hf_watches_t *self, const hf_route_t *route, uint64_t id,
                             uint64_t now_us);
void hf_watches_drop (hf_watches_t *self, hf_watch_t *watch);
/*  The client has left. */
void hf_watches_leave (hf_watches_t *self, const hf_route_t *route);
/*  Drop those that were not heard since SINCE_US. */
void hf_watches_forget (hf_watches_t *self, uint64_t since_us);

/*  Something happened: all that were idle are behind. */
void hf_watches_stir (hf_watches_t *self);
/*  Whose turn it is; NULL: nobody is behind. */
hf_watch_t *hf_watches_next (const hf_watches_t *self);
/*  It was its turn: it is behind still, idle, or full. */
typedef enum hf_watch_now { HF_WATCH_BEHIND, HF_WATCH_IDLE, HF_WATCH_FULL } hf_watch_now_t;
void hf_watches_turn (hf_watches_t *self, hf_watch_t *watch, hf_watch_now_t now);

#endif
