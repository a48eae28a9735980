/*  hf_readers.h - what clients asked for that waits for a barrier, and then for its answer.
 *
 *  A reading waits, is then under a barrier, and is due when that has passed. Keepalives that are
 *  due stand in one lane, queries in another. In a lane each client has its own queue, and they
 *  take turns: however much is to be answered to one client, another waits for one step of it.
 */
#ifndef HF_READERS_H_INCLUDED
#define HF_READERS_H_INCLUDED

#include "base/hf_chain.h"
#include "base/hf_table.h"
#include "msgs/hf_route.h"

typedef enum hf_lane { HF_LANE_KEEPALIVES, HF_LANE_QUERIES, HF_LANES } hf_lane_t;

typedef struct hf_reading {
    enum { HF_READING_KEEPALIVE, HF_READING_CLOSE, HF_READING_QUERY } type;
    uint32_t what, limit;
    bool stale;       //  a query that waits for no barrier
    uint64_t session; //  of a close
    uint64_t serial;  //  no two that wait have the same; hf_readers_wait gives it
    uint64_t id;      //  the echo of a keepalive or close; or the query's id
    uint64_t offset;
    uint64_t number; //  of a backup
    //  The name of a query: one that is too long is cut to 256 bytes, one too many. Of a keepalive:
    //  its sessions, as uint64_t, of which the first DONE are answered.
    const uint8_t *bytes;
    uint32_t size, done;
    hf_route_t route;
} hf_reading_t;

/*  A client: a route that asked for anything that is not answered yet. */
typedef struct hf_reader {
    hf_table_node_t by_route; //  comes first: the table frees it
    hf_route_t route;
    uint64_t queries, others, bytes;
    hf_chain_t due[HF_LANES];   //  oldest first
    hf_chain_t turns[HF_LANES]; //  in the lane while any is due
} hf_reader_t;

typedef struct hf_readers {
    hf_table_t table;
    hf_chain_t waiting, under;
    hf_chain_t lanes[HF_LANES];      //  of readers; the first one's turn is next
    uint64_t queries, others, bytes; //  of all readers
    uint64_t last_serial;
} hf_readers_t;

void hf_readers_init (hf_readers_t *self);
/*  Forget everything. */
void hf_readers_clear (hf_readers_t *self);

/*  NULL: nothing of it waits. */
const hf_reader_t *hf_readers_find (const hf_readers_t *self, const hf_route_t *route);

/*  A copy of READING, with its bytes, waits for the next barrier. Gives the copy. */
const hf_reading_t *hf_readers_wait (hf_readers_t *self, const hf_reading_t *reading);
/*  All that waits is under the barrier that begins now; there is nothing under one. */
void hf_readers_begin (hf_readers_t *self);
/*  The oldest that is under the barrier; NULL: none. */
const hf_reading_t *hf_readers_under (const hf_readers_t *self);
/*  It is due: behind all that is due for its client. It is not a CLOSE. */
void hf_readers_due (hf_readers_t *self, const hf_reading_t *reading);

/*  The oldest reading of the client whose turn it is; NULL: none is due. */
hf_reading_t *hf_readers_next (const hf_readers_t *self, hf_lane_t lane);
/*  A step of it was answered: the turn is the next client's. */
void hf_readers_turn (hf_readers_t *self, const hf_reading_t *reading);
/*  It is answered to the end: forget it. */
void hf_readers_done (hf_readers_t *self, const hf_reading_t *reading);

/*  The client has left or does not read: forget what is due for it. */
void hf_readers_leave (hf_readers_t *self, const hf_route_t *route);

#endif
