/*  hf_node.h - what a node is made of, opened and checked before anything runs. */
#ifndef HF_NODE_H_INCLUDED
#define HF_NODE_H_INCLUDED

#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_zap.h"
#include "nodes/actors/hf_actors.h"
#include "nodes/http/hf_http_admin.h"
#include "nodes/hf_options.h"
#include "nodes/store/hf_dir.h"

/*  The file of rights. */
typedef struct hf_node_rights {
    const char *file; //  NULL: there is none
    uint8_t *text;    //  in force
    size_t size;
    uint64_t look;      //  at the file: equal if nothing has changed
    uint64_t complaint; //  the last, so that each is told once
} hf_node_rights_t;

typedef struct hf_node {
    hf_endpoints_t endpoints; //  the cluster list; of a node that joins: the others it knows
    char list[HF_ENDPOINTS_TEXT_SIZE]; //  as text; of a node that joins: HOST:PORT of a member
    uint32_t id;
    bool joins;            //  it has no list
    hf_endpoint_t own;     //  where others call it; id 0: not known yet
    bool left;             //  by its log it was a member, and is none any more
    uint64_t recorded;     //  the disk that this node has by its log; 0: none yet
    uint64_t roster_index; //  of the last roster in the log that has places; 0: there is none
    uint64_t cluster;      //  its id, by the log or by a member that was asked; 0: not sure
    hf_endpoints_t told;   //  the members by that roster, or by a newer one that a member told ...
    uint64_t told_index;   //  ... which is here
    hf_listen_t listen;
    hf_door_plan_t plan; //  for descriptors
    hf_dir_t *dir;
    hf_keys_t *keys;             //  NULL: none
    hf_node_rights_t rights;     //  no file: none
    hf_zap_t *zap;               //  NULL: none; it goes after the sockets
    hf_election_args_t election; //  what the actors get; they own the stores and sockets once they
    hf_lock_args_t lock;         //  run
    hf_file_args_t file;
    hf_http_args_t http; //  no server: no HTTP
    uint8_t token[HF_HTTP_TOKEN_MAX];
    size_t token_size; //  0: no actions at the HTTP port
} hf_node_t;

/*  Find this node in the cluster list, if it does not join. 0, or -1: what is wrong was printed, in
 *  one line. */
int hf_node_find (hf_node_t *self, const hf_options_t *options);

/*  Read the keys that OPTIONS name. 0, or -1: what is wrong was printed, in one line. */
int hf_node_keys (hf_node_t *self, const hf_options_t *options);

/*  Read the file of rights that OPTIONS name. 0, or -1: each mistake in it was printed. */
int hf_node_rights (hf_node_t *self, const hf_options_t *options);
/*  Look at it again. True: it has changed, and rights.text is what is in force from now on. One
 * that is not good changes nothing, and that is written to the log. */
bool hf_node_rights_look (hf_node_t *self);

/*  Read the token that OPTIONS name. 0, or -1: what is wrong was printed, in one line. */
int hf_node_admin (hf_node_t *self, const hf_options_t *options);

/*  Without keys it serves this machine alone, or OPTIONS say otherwise: check it as soon as the
 *  address is known, and again when it is found. 0; -1: it may not be, and that was printed. */
int hf_node_check_open (hf_node_t *self, const hf_options_t *options);

/*  With keys: admit who has one, from now on. Before a socket of CONTEXT is bound. 0, or -1: what
 * is wrong was printed. */
int hf_node_guard (hf_node_t *self, void *context);

/*  Where to listen: as OPTIONS say, or at the addresses of this node's name, which is looked up
 * until that succeeds. Warns of bound ports that the kernel gives away. 0; -1: what is wrong was
 * printed; 1: one of SIGNALS, which is a signalfd, came first. */
int hf_node_listen (hf_node_t *self, const hf_options_t *options, int signals);

/*  Lock the folder, swap in a state that waits there, open the stores, check that they belong
 *  together. When the log has a roster with places, it says where this node is, not the list. 0, or
 *  -1: what is wrong was printed, in one line. */
int hf_node_load (hf_node_t *self, const hf_options_t *options);

/*  The part of that behind the log: open files and state, and check that they belong to the log. 0,
 *  or -1, as above. */
int hf_node_load_stores (hf_node_t *self, const hf_options_t *options);

/*  Ask other members where they and this node are. A node that joins and whose log does not say it
 *  waits for the answer; one with a roster in its log for a moment, as it may have been moved while
 * it was away. 0; -1: what is wrong was printed; 1: one of SIGNALS, which is a signalfd, came
 * first. */
int hf_node_join (hf_node_t *self, int signals);

/*  The line of a node that was removed, and ends. */
void hf_node_say_removed (const hf_node_t *self);

/*  Bind the sockets. 0, or -1: what is wrong was printed, in one line. */
int hf_node_bind (hf_node_t *self, const hf_options_t *options);

/*  Close what was opened, if no actor has run. */
void hf_node_close (hf_node_t *self);

#endif
