/*  hf_mesh_private.h - what the files of the mesh share. Not for others.
 *
 *  hf_mesh.c         life, sending, what arrives
 *  hf_mesh_peer.c    the state of one peer, by its HELLOs
 *  hf_mesh_follow.c  who the peers are and where: the roster, names, connecting and leaving
 *  hf_mesh_keys.c    keys of the peers, and who subscribes
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

/*  A connection to the PUB. */
typedef struct hf_mesh_sub {
    int fd;
    char key[HF_KEY_TEXT + 1]; //  "": it has not subscribed yet
} hf_mesh_sub_t;

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
    bool quiet;            //  the monitor had nothing when the caller looked,
    bool idle;             //  nor the SUB
    bool emptied;          //  the last call on the SUB found nothing
    uint64_t hello_us;     //  when the last HELLO went out
    uint64_t hurry_us;     //  until when HELLOs go out fast
    uint64_t tick_us;      //  when hf_mesh_tick was last called
    uint64_t reconnect_us; //  when silent peers were last reconnected
    uint32_t patience;
    uint64_t dropped;
    hf_keys_t *keys; //  NULL: none, nor the rest
    uint64_t keys_version;
    void *pub_monitor;
    HF_ARRAY (hf_mesh_sub_t) subs;
    unsigned strangers;    //  whose handshakes came to nothing, since that was reported
    uint64_t strangers_us; //  not to be reported before
};

//  hf_mesh.c

/*  Start over with PEER: nothing more is taken from its connection. */
void hf_mesh_peer_leave (hf_mesh_t *self, hf_mesh_peer_t *peer, uint64_t now_us);

//  hf_mesh_keys.c

/*  Before the PUB, an XPUB with keys, is bound. -1: errno. */
int hf_mesh_keys_open (hf_mesh_t *self, void *context);
void hf_mesh_keys_tick (hf_mesh_t *self, uint64_t now_us);

/*  Connect to PEER at ADDRESS, with the next of its keys. */
void hf_mesh_connect (hf_mesh_t *self, hf_mesh_peer_t *peer, const char *address);
/*  The connection to PEER came to nothing. */
void hf_mesh_snubbed (hf_mesh_t *self, hf_mesh_peer_t *peer, hf_snub_t snub, uint64_t now_us);
/*  What of its key keeps us from PEER, for people; false: nothing. */
bool hf_mesh_key_trouble (const hf_mesh_t *self, const hf_mesh_peer_t *peer, char *text,
                          size_t size);

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
