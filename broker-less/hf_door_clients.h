/*  hf_door_clients.h - the clients that the door has heard: route, descriptor, what waits for each.
 *
 *  For the door alone.
 */
#ifndef HF_DOOR_CLIENTS_H_INCLUDED
#define HF_DOOR_CLIENTS_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_chain.h"
#include "base/hf_table.h"
#include "broker-less/hf_keys.h"
#include "msgs/hf_route.h"
#include <stdatomic.h>
#include <stddef.h>

/*  Bytes that libzmq has accepted for one client and not yet written or dropped. libzmq's threads
 *  count them down, some after the client has left: the last reference frees this. */
typedef struct hf_door_debt {
    atomic_uint_fast64_t sum; //  bytes, and references times HF_DOOR_REFERENCE
} hf_door_debt_t;

#define HF_DOOR_REFERENCE (1ULL << 40)

void hf_door_debt_drop (hf_door_debt_t *self, size_t bytes);

typedef struct hf_door_client {
    hf_table_node_t by_route; //  comes first: the table frees it
    hf_chain_t indebted;      //  in the door's chain while something waits for it
    hf_route_t route;
    int fd; //  of its connection
    struct hf_door_client *next_of_fd;
    hf_door_debt_t *debt;
    bool listed, cut;
    size_t owed;       //  when it was last looked at
    uint64_t put;      //  bytes sent to it since then
    uint64_t moved_us; //  when it last took something, in the time that counts
    hf_key_t *key;     //  of its connection, and whose that is; NULL: without keys
    char *address;     //  where that comes from; NULL: not said
    uint32_t user;     //  see hf_door_user
    bool counted;      //  among the connections of the user
    hf_chain_t away;   //  in the door's chain if it is turned away: nothing of it is handed out ...
    uint64_t away_us;  //  ... and then it is cut off
} hf_door_client_t;

typedef struct hf_door_slot {
    bool open; //  a connection with this descriptor
    //  What was heard by it, the newest first, which alone counts. More than one: a message of an
    //  earlier connection with this descriptor was read after it had ended. They are forgotten with
    //  the connection.
    hf_door_client_t *clients;
} hf_door_slot_t;

typedef struct hf_door_clients {
    hf_table_t table;
    HF_ARRAY (hf_door_slot_t) slots; //  by descriptor
    hf_chain_t indebted;
    size_t all;          //  bytes that wait for all: as of the last sweep, and what was sent since
    uint64_t swept_us;   //  when the last sweep was
    uint64_t watched_us; //  the time that counts for cutting off: see hf_door_watched_us
    uint64_t connections, cut;
    hf_chain_t away;             //  those that are turned away, in the order of their time
    HF_ARRAY (uint32_t) of_user; //  connections that are served, by the user's number
} hf_door_clients_t;

void hf_door_clients_init (hf_door_clients_t *self);
void hf_door_clients_done (hf_door_clients_t *self);

hf_door_client_t *hf_door_clients_find (const hf_door_clients_t *self, const hf_route_t *route);
/*  NULL: its connection has ended already; nothing can be sent to it. */
hf_door_client_t *hf_door_clients_add (hf_door_clients_t *self, const hf_route_t *route, int fd);

/*  The same of a connection with a KEY, which is copied. One with the key of a node is a guest:
 *  hf_door_clients_find does not find it, so that each of its messages takes the longer way. */
hf_door_client_t *hf_door_clients_add_keyed (hf_door_clients_t *self, const hf_route_t *route,
                                             int fd, const hf_key_t *key, bool guest);
hf_door_client_t *hf_door_clients_find_guest (const hf_door_clients_t *self,
                                              const hf_route_t *route);

/*  It is USER's, and served; how many of his are. */
void hf_door_clients_serve (hf_door_clients_t *self, hf_door_client_t *client, uint32_t user);
uint32_t hf_door_clients_of (const hf_door_clients_t *self, uint32_t user);
/*  It is not: it is cut off after a while, in which it can read what it was told. Not if somebody
 *  else was heard by its descriptor until then: one of the two has left, and may be this one. */
void hf_door_clients_turn_away (hf_door_clients_t *self, hf_door_client_t *client);
/*  It has left, as what was sent to it says: the descriptor is another connection's. */
void hf_door_clients_forget (hf_door_clients_t *self, hf_door_client_t *client);

/*  Cut the connection FD, if it is open, and forget who was heard by it. */
void hf_door_clients_expel (hf_door_clients_t *self, int fd);
/*  The first client, from the descriptor *fd on, whose key is none of KEYS any more or another's
 *  now; *fd is then its. NULL: there is none. */
const hf_door_client_t *hf_door_clients_revoked (const hf_door_clients_t *self, hf_keys_t *keys,
                                                 int *fd);

/*  A connection came or went. */
void hf_door_clients_opened (hf_door_clients_t *self, int fd);
void hf_door_clients_closed (hf_door_clients_t *self, int fd);

/*  Whether the limits allow it to send another frame to the client; one of COST bytes was sent. */
bool hf_door_clients_admit (const hf_door_clients_t *self, const hf_door_client_t *client);
void hf_door_clients_sent (hf_door_clients_t *self, hf_door_client_t *client, size_t cost);

/*  Look who has taken something, and cut off those that hf_door_cuts names. */
void hf_door_clients_sweep (hf_door_clients_t *self, uint64_t now_us);

#endif
