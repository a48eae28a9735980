/*  hf_mesh_private.h - what the files of the mesh share. Not for others.
 *
 *  hf_mesh.c         life, sending, what arrives
 *  hf_mesh_peer.c    the state of one peer, by its HELLOs
 *  hf_mesh_follow.c  who the peers are and where: the roster, names, connecting and leaving
 */
#ifndef HF_MESH_PRIVATE_H_INCLUDED
#define HF_MESH_PRIVATE_H_INCLUDED

#include "base/hf_array.h"
#include "broker-less/hf_mesh.h"
#include "broker-less/hf_mesh_peer.h"
#include "broker-less/hf_names.h"
#include "broker-less/hf_resolver.h"
#include "broker-less/hf_socket.h"

#define HF_MESH_TEXT_SIZE 512
#define HF_MESH_HURRY_US  1000000 //  HELLOs go out fast for so long after a change

/*  An event that waits to be reported: DOWN or PEERS. */
typedef struct hf_mesh_news {
    hf_mesh_event_type_t type;
    uint32_t node;
    char text[HF_MESH_TEXT_SIZE];
} hf_mesh_news_t;

/*  A connection to be closed, and whose it is: until it is, nothing of that node is taken. */
typedef struct hf_mesh_left {
    uint32_t node;
    char address[HF_ADDRESS_SIZE + 8];
} hf_mesh_left_t;

struct hf_mesh {
    void *pub;
    void *sub;
    void *monitor; //  of the SUB
    hf_mesh_self_t me;
    hf_endpoint_t own;
    hf_endpoints_t list; //  the peers, and ourselves if there is room
    hf_listen_t listen;
    hf_resolver_t *resolver;        //  NULL: no name was to be looked up yet
    char names[HF_NAMES_TEXT_SIZE]; //  what is wrong with them
    bool names_changed;             //  since that was reported
    hf_mesh_peer_t peer[HF_MEMBERS_MAX];
    uint32_t count;
    uint32_t tags; //  given to peers so far
    HF_ARRAY (hf_mesh_news_t) news;
    HF_ARRAY (hf_mesh_left_t) left;
    char text[HF_MESH_TEXT_SIZE]; //  of the event returned last
    zmq_msg_t body;               //  the frame returned last
    hf_pack_t hello;
    bool started;
    uint64_t hello_us;     //  when the last HELLO went out
    uint64_t hurry_us;     //  until when HELLOs go out fast
    uint64_t tick_us;      //  when hf_mesh_tick was last called
    uint64_t reconnect_us; //  when silent peers were last reconnected
    uint32_t patience;
    uint64_t dropped;
};

//  hf_mesh_follow.c

/*  Make the peers those of MEMBERS; SAY it. */
void hf_mesh_set_peers (hf_mesh_t *self, const hf_endpoints_t *members, bool say);

/*  Close what is to be closed. The SUB was not polled since its last message was received. */
void hf_mesh_leave (hf_mesh_t *self);

/*  Whether a message of NODE may come from a connection that is to be closed. */
bool hf_mesh_leaves (const hf_mesh_t *self, uint32_t node);

/*  Take the answers of look-ups, connect, and judge the names. */
void hf_mesh_follow_names (hf_mesh_t *self, uint64_t now_us);

#endif
