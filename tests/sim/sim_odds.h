/*  sim_odds.h - what a life of the simulator draws from its seed: the size of its world, how often
 *  what goes wrong, and the configuration of its nodes. */
#ifndef SIM_ODDS_H_INCLUDED
#define SIM_ODDS_H_INCLUDED

#include "nodes/services/hf_election_service.h"
#include "nodes/services/hf_file_service.h"
#include "nodes/services/hf_lock_service.h"
#include "tests/unit/locks/model.h"

typedef struct odds {
    uint32_t members;  //  nodes that there are: ids 1 and up
    uint32_t founders; //  of these the first, which form the cluster
    uint32_t changes;  //  of 1000 ticks in which an operator wants one
    bool old_release;  //  some nodes begin with it
    uint32_t laggard;  //  the node that never catches up; 0: none
    bool laggard_away; //  it never runs; else it hears others, but gets no entries
    uint32_t clients, users, locks, watchers;
    unsigned shared, sets, detect, delayed; //  of 100 claims, places, sessions
    uint32_t limits[MODEL_LOCKS];           //  of SHARED places; 0: none
    hf_election_config_t election;          //  of every node, but for its id, seed and incarnation
    hf_lock_config_t lock;
    uint64_t latency_us, jitter_us, client_jitter_us;
    uint32_t loss, twice, client_loss; //  of 1000
    uint64_t disk_us;
    uint32_t disk_slow;                                      //  of 1000 syncs
    uint32_t crash, cut, freeze, stall, fail, wipe, slow;    //  of 1000 fault ticks
    uint32_t spurious, handover, client_stall, client_death; //  the same
    uint32_t lag, reconnect;                                 //  the same: a connection lags, breaks
    uint32_t crash_voting, crash_committing, crash_leading;  //  of 1000 times
    uint32_t crash_syncing, crash_swapping;
    uint32_t forge;       //  of 1000 fault ticks: a frame that no peer sent, with absurd numbers
    uint32_t slow_turn;   //  of 1000 turns of a lock actor
    uint32_t door;        //  frames of clients taken in one turn
    uint32_t link_frames; //  that a client's link takes in one turn; 0: all
    uint64_t poll_us;     //  an actor that is woken takes up to so long
    bool flushes;         //  rows are written, and the log is pruned behind them
    uint32_t damage;      //  of 1000 parts of a state: a byte goes wrong
    uint32_t copy;        //  of 1000 fault ticks: a folder is copied, or put back
    hf_file_config_t file;
    uint64_t faults_until_us;
    uint32_t late; //  the node that is late when the cluster is formed
    uint32_t ttl_ms;
    uint64_t think_us, hold_us;
    bool past;
    bool long_cuts;
} odds_t;

#endif
