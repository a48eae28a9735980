/*  hf_mesh_peer.h - the state of one peer, by its HELLOs. Pure; for hf_mesh.c alone.
 *
 *  The link is up when the peer echoed this process's nonce within HF_ECHO_LIFE_US. The
 *  peer is trusted when a HELLO on the present connection named the same cluster list.
 */
#ifndef HF_MESH_PEER_H_INCLUDED
#define HF_MESH_PEER_H_INCLUDED

#include "broker-less/hf_target.h"
#include "msgs/hf_msg.h"

#define HF_ECHO_LIFE_US 1000000

typedef struct hf_mesh_self {
    uint32_t id;
    uint64_t nonce; //  of this process, never 0
    uint64_t list_hash;
    char list[HF_ENDPOINTS_TEXT_SIZE];
} hf_mesh_self_t;

typedef struct hf_mesh_peer {
    uint32_t id;
    hf_target_t target;
    int fd;     //  of the connection of its last HELLO; -1: none
    bool known; //  a HELLO has arrived since the last break
    bool trusted;
    bool other_list;          //  its last HELLO named a list that differs from ours
    uint64_t other_list_hash; //  hash of the foreign list we last reported; 0: none
    uint64_t nonce;
    uint64_t said_us;  //  when its last HELLO with any list arrived
    uint64_t heard_us; //  ... with our list
    uint64_t echoed_us;
    bool up;
    bool reported_up; //  the state that hf_mesh_next reported last
    bool broken;      //  its connection broke; not reported yet
} hf_mesh_peer_t;

/*  The time from THEN to NOW; 0 when NOW is earlier. */
uint64_t hf_since_us (uint64_t then_us, uint64_t now_us);

/*  NULL when no peer has this ID. */
hf_mesh_peer_t *hf_mesh_peer_find (hf_mesh_peer_t *peers, uint32_t count, uint32_t id);

typedef enum hf_hello_result {
    HF_HELLO_TAKEN,
    HF_HELLO_NOT_ECHOED, //  accepted, but it did not echo our nonce
    HF_HELLO_OTHER_LIST, //  a foreign list that was not reported yet
    HF_HELLO_BAD         //  dropped
} hf_hello_result_t;

/*  Process a HELLO that arrived on FD. SELF is NULL when the sender is not a member. */
hf_hello_result_t hf_mesh_peer_hello (hf_mesh_peer_t *self, const hf_mesh_self_t *me,
                                      const hf_hello_t *hello, int fd, uint64_t now_us);

/*  Whether a HELLO with our list arrived within HF_ECHO_LIFE_US. */
bool hf_mesh_peer_heard (const hf_mesh_peer_t *self, uint64_t now_us);

/*  Take the link down when its last echo is too old. */
void hf_mesh_peer_age (hf_mesh_peer_t *self, uint64_t now_us);

/*  The connection broke: the next HELLO must arrive on a new one. */
void hf_mesh_peer_forget (hf_mesh_peer_t *self);

#endif
