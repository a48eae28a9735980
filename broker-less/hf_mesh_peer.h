/*  hf_mesh_peer.h - what a node knows of one peer from its HELLOs. Pure; for hf_mesh.c alone.
 *
 *  A link is up when the peer echoed this process's nonce within HF_ECHO_LIFE_US. A peer is
 *  trusted when its HELLO on the present connection named the same cluster list.
 */
#ifndef HF_MESH_PEER_H_INCLUDED
#define HF_MESH_PEER_H_INCLUDED

#include "broker-less/hf_endpoints.h"
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
    char address[HF_HOST_MAX + 32];
    int fd;     //  on which its last HELLO came, -1: none
    bool known; //  its HELLO came since the last break
    bool trusted;
    bool other_list;          //  its last HELLO named another list
    uint64_t other_list_hash; //  told of, 0: none
    uint64_t nonce;
    uint64_t said_us;  //  its last HELLO of any list
    uint64_t heard_us; //  of ours
    uint64_t echoed_us;
    bool up;
    bool told_up; //  what hf_mesh_next said last
    bool broken;  //  seen to break, not told yet
} hf_mesh_peer_t;

/*  The time from THEN to NOW; 0 when NOW was taken before. */
uint64_t hf_since_us (uint64_t then_us, uint64_t now_us);

/*  NULL when ID is none of them. */
hf_mesh_peer_t *hf_mesh_peer_find (hf_mesh_peer_t *peers, uint32_t count, uint32_t id);

typedef enum hf_hello_result {
    HF_HELLO_TAKEN,
    HF_HELLO_NOT_ECHOED, //  taken, but it did not echo our nonce
    HF_HELLO_OTHER_LIST, //  another list than it had before: tell it
    HF_HELLO_BAD         //  dropped
} hf_hello_result_t;

/*  Judge a HELLO that came on FD. SELF is NULL when its sender is no peer. */
hf_hello_result_t hf_mesh_peer_hello (hf_mesh_peer_t *self, const hf_mesh_self_t *me,
                                      const hf_hello_t *hello, int fd, uint64_t now_us);

/*  Whether a HELLO with our list was heard within the life of an echo. */
bool hf_mesh_peer_heard (const hf_mesh_peer_t *self, uint64_t now_us);

/*  Take the link down when its last echo is too old. */
void hf_mesh_peer_age (hf_mesh_peer_t *self, uint64_t now_us);

/*  The connection is gone: its next HELLO has to come on a new one. */
void hf_mesh_peer_forget (hf_mesh_peer_t *self);

#endif
