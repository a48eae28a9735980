/*  hf_mesh_peer.h - the state of one peer, by its HELLOs. Pure; for hf_mesh.c alone.
 *
 *  The link is up when the peer echoed this process's nonce within HF_ECHO_LIFE_US. The
 *  peer is trusted when a HELLO on the present connection was one of our cluster: two nodes that
 *  know the ids of their clusters compare these. Otherwise they compare their cluster lists; but
 * one without a list, which joins, takes any peer that knows an id, and is taken by it.
 */
#ifndef HF_MESH_PEER_H_INCLUDED
#define HF_MESH_PEER_H_INCLUDED

#include "broker-less/hf_snub.h"
#include "broker-less/hf_target.h"
#include "msgs/hf_msg.h"

#define HF_ECHO_LIFE_US 1000000

typedef struct hf_mesh_self {
    uint32_t id;
    uint64_t nonce;   //  of this process, never 0
    uint64_t cluster; //  0: not known
    uint64_t list_hash;
    char list[HF_ENDPOINTS_TEXT_SIZE]; //  "": it joins
} hf_mesh_self_t;

typedef enum hf_hello_result {
    HF_HELLO_TAKEN,
    HF_HELLO_NOT_ECHOED,    //  accepted, but it did not echo our nonce
    HF_HELLO_OTHER_LIST,    //  a foreign list that was not reported yet
    HF_HELLO_OTHER_CLUSTER, //  of a foreign cluster, or of none that can be joined; not reported
                            //  yet
    HF_HELLO_BAD            //  dropped
} hf_hello_result_t;

typedef struct hf_mesh_peer {
    uint32_t id;
    hf_target_t target;
    uint32_t tag; //  of its look-ups: no other peer has or had it
    int fd;       //  of the connection of its last HELLO; -1: none
    bool known;   //  a HELLO has arrived since the last break
    bool trusted;
    bool foreign;              //  its last HELLO was not one of our cluster ...
    hf_hello_result_t told_as; //  ... and was reported so: OTHER_LIST or OTHER_CLUSTER ...
    uint64_t told_of;          //  ... by the hash of its list, or the id of its cluster
    uint64_t nonce;
    uint64_t said_us;  //  when its last HELLO of any cluster arrived
    uint64_t heard_us; //  ... of ours
    uint64_t echoed_us;
    bool up;
    bool reported_up;          //  the state that hf_mesh_next reported last
    bool broken;               //  its connection broke; not reported yet
    hf_snub_t snub;            //  why no handshake came about
    char key[HF_KEY_TEXT + 1]; //  that it was taken to have; "": none
    unsigned turn, tried;      //  which of its keys; how many in a row, in vain
} hf_mesh_peer_t;

/*  The time from THEN to NOW; 0 when NOW is earlier. */
uint64_t hf_since_us (uint64_t then_us, uint64_t now_us);

/*  NULL when no peer has this ID. */
hf_mesh_peer_t *hf_mesh_peer_find (hf_mesh_peer_t *peers, uint32_t count, uint32_t id);

/*  A peer at HOST and PORT that was not heard yet. */
void hf_mesh_peer_init (hf_mesh_peer_t *self, const hf_endpoint_t *place, uint32_t tag);

/*  Process a HELLO that arrived on FD. SELF is NULL when the sender is not a peer. ME learns the
 *  cluster from the first peer that it joins. */
hf_hello_result_t hf_mesh_peer_hello (hf_mesh_peer_t *self, hf_mesh_self_t *me,
                                      const hf_hello_t *hello, int fd, uint64_t now_us);

/*  Our cluster is another than it was: only the next HELLO says whether this peer belongs to it. */
void hf_mesh_peer_doubt (hf_mesh_peer_t *self);

/*  Whether a HELLO of our cluster arrived within HF_ECHO_LIFE_US. */
bool hf_mesh_peer_heard (const hf_mesh_peer_t *self, uint64_t now_us);

/*  Take the link down when its last echo is too old. */
void hf_mesh_peer_age (hf_mesh_peer_t *self, uint64_t now_us);

/*  The connection broke: the next HELLO must arrive on a new one. */
void hf_mesh_peer_forget (hf_mesh_peer_t *self);

#endif
