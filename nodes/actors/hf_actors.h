/*  hf_actors.h - the three actors of a node, the fourth for HTTP if it is wanted, and how they are
 *  wired.
 *
 *  Each is a czmq zactor that owns its sockets, its state and its store from
 *  the moment it starts; main opens those first, so that their errors are reported in one
 *  line before anything runs. The actors talk over PAIR sockets made by main, in
 *  frames of msgs/hf_msg.h; each file's head lists what it takes and gives.
 *  An actor signals on its zactor pipe when it is ready and ends on "$TERM".
 */
#ifndef HF_ACTORS_H_INCLUDED
#define HF_ACTORS_H_INCLUDED

#include "broker-less/hf_door.h"
#include "broker-less/hf_mesh.h"
#include "nodes/actors/hf_http_server.h"
#include "nodes/actors/hf_pulse.h"
#include "nodes/locks/hf_state.h"
#include "nodes/services/hf_election_service.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_log_store.h"
#include "nodes/store/hf_state_store.h"
#include <czmq.h>

//  Each actor destroys what its args own. The args struct itself is main's.

typedef struct hf_election_args {
    hf_pulse_t pulse;
    hf_election_config_t config;
    hf_endpoint_t own;        //  where others call this node; id 0: of no concern
    hf_endpoints_t endpoints; //  the cluster list; of a node that joins: the members that it knows
    uint64_t cluster;         //  its id, as known at the start; 0: not sure
    hf_endpoints_t told;      //  the members by a roster that may not be in the log yet ...
    uint64_t told_index;      //  ... which is there; 0: none was told
    hf_log_store_t *store;    //  owned
    hf_mesh_t *mesh;          //  owned
    zsock_t *lock;            //  owned: PAIR to the lock actor
    zsock_t *file;            //  owned: PAIR to the file actor, for state transfer
} hf_election_args_t;

typedef struct hf_lock_args {
    hf_pulse_t pulse;
    hf_endpoint_t own;                     //  this node, and where clients call it
    uint32_t connections_max;              //  of clients
    bool insecure;                         //  other machines reach it without keys
    uint64_t token_floor;                  //  tokens up to this are left out
    uint32_t user_sessions_max, user_rate; //  of one user; 0: any number
    bool encrypted;                        //  the door speaks CURVE
    hf_span_t rights;  //  the text of the file of rights; until the actor is ready. Of no
                       //  bytes: there is none, and nothing is checked
    hf_door_t *door;   //  owned
    hf_state_t *state; //  owned: as state.db had it
    zsock_t *election; //  owned: PAIR to the election actor
    zsock_t *file;     //  owned: PAIR to the file actor
    zsock_t *http;     //  owned: PAIR to the HTTP actor; NULL: there is none
} hf_lock_args_t;

typedef struct hf_file_args {
    hf_pulse_t pulse;
    uint32_t self;
    hf_file_store_t *store;        //  owned
    hf_state_store_t *state_store; //  owned: the lock actor's rows
    const char *dir;               //  the data folder
    zsock_t *lock;                 //  owned: PAIR to the lock actor
    zsock_t *election;             //  owned: PAIR to the election actor
} hf_file_args_t;

typedef struct hf_http_args {
    hf_pulse_t pulse;
    hf_http_server_t *server; //  owned
    zsock_t *lock;            //  owned: PAIR to the lock actor
} hf_http_args_t;

void hf_election_actor (zsock_t *pipe, void *args);
void hf_lock_actor (zsock_t *pipe, void *args);
void hf_file_actor (zsock_t *pipe, void *args);
void hf_http_actor (zsock_t *pipe, void *args);

#endif
