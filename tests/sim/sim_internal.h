/*  sim_internal.h - what the files of the simulator share.
 *
 *  sim.c            a run: events in the order of virtual time, chance, clocks
 *  sim_odds.c       what the seed decides; faults as they happen
 *  sim_settle.c     all heals, and progress is demanded (P11)
 *  sim_net.c        frames on their way: delay, loss, repeats, cuts
 *  sim_election.c   a node's election half: core, log and disk, by the order of hf_core.h
 *  sim_disk.c       its disk and its life: crash, start, wiped
 *  sim_lock.c       its lock half, by the rules of nodes/actors/hf_lock_*.c
 *  sim_reads.c      the same: what waits for a barrier; and its files
 *  sim_client.c     a client by the rules of docs/protocol.md: what it wants
 *  sim_talk.c       the same: what it sends and hears
 *  sim_watch.c      checks of the log: P1, P2, P3, P4, P7
 *  sim_oracle.c     checks of the state against a slow model: P4, P5a, P6, P8, P9, exactly once
 *  sim_belief.c     checks of what clients saw: P5b, P7, P9, P10, exactly once
 */
#ifndef SIM_INTERNAL_H_INCLUDED
#define SIM_INTERNAL_H_INCLUDED

#include "tests/sim/sim.h"
#include "nodes/consensus/hf_core.h"
#include "nodes/services/hf_expiry.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_state.h"
#include "tests/unit/locks/model.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS_MAX      8
#define SESSIONS_MAX     MODEL_SESSIONS
#define NONCES_MAX       1024
#define REQUESTS_MAX     64
#define TERMS_MAX        65536
#define INCARNATIONS_MAX 256
#define DRIFT_PPM_MAX    20000 //  clocks differ by up to 2 % either way

/*  Bytes that live until the run ends. */
typedef struct blob {
    struct blob *next;
    uint64_t hash;
    uint32_t size;
    uint8_t bytes[];
} blob_t;

typedef enum event_type {
    EV_PEER = 1,      //  a frame of a node for a node's election half
    EV_LINK,          //  its link to FROM: A up or down, as things are then
    EV_CONNECTION,    //  its connection to FROM was seen to break
    EV_FROM_LOCK,     //  KIND, from its own lock half
    EV_FROM_ELECTION, //  KIND, from its own election half
    EV_FROM_CLIENT,
    EV_REPLY, //  a frame for a client
    EV_TURN_ELECTION,
    EV_TURN_LOCK,
    EV_SYNCED,
    EV_FILES_SYNCED,
    EV_ROWS_SYNCED,
    EV_PULL,   //  ask again for the state
    EV_READY,  //  the state of another node is on disk
    EV_CLIENT, //  a client looks at its clock
    EV_FAULT,
    EV_START
} event_type_t;

typedef struct event {
    uint64_t at_us;
    uint64_t order;
    event_type_t type;
    uint32_t to;   //  a node or a client
    uint32_t from; //  the same
    uint32_t kind;
    uint64_t life; //  of the receiver: void for a later life
    uint64_t a, b;
    uint64_t sent_us;
    const blob_t *bytes;
} event_t;

typedef struct events {
    event_t *list;
    size_t count, room;
} events_t;

typedef struct sim_clock {
    uint64_t local_us, at_us; //  it showed LOCAL at AT
    int64_t drift_ppm;
    bool stopped;
} sim_clock_t;

//  ---- nodes ---------------------------------------------------------------------

typedef struct item {
    uint64_t term;
    uint32_t type; //  hf_entry_type_t
    const blob_t *payload;
} item_t;

/*  The log's database. Its entries are those behind the base; what was pruned is poisoned. */
typedef struct disk {
    uint64_t incarnation;
    uint64_t term;
    uint32_t voted_for;
    uint64_t base_index, base_term;
    uint64_t roster_index; //  of the ROSTER entry in force at the base
    const blob_t *roster;  //  its payload; NULL: none
    item_t *items;         //  of index 1 and up
    size_t count, room;    //  COUNT is the last index
} disk_t;

typedef struct row {
    const blob_t *key, *value;
} row_t;

/*  The state's database. */
typedef struct rows {
    row_t *list; //  by key
    size_t count, room;
    uint64_t index; //  applied
} rows_t;

/*  Rows on their way to the disk: what changed up to INDEX. */
typedef struct flush {
    enum { FLUSH_NONE, FLUSH_FILES, FLUSH_WRITING } stage; //  what it waits for
    uint64_t index, section;
    const blob_t *changes;
    const blob_t *all; //  what the rows must be afterwards
    uint32_t changes_count, all_count;
    uint64_t due_us; //  local; 0: nothing to do
} flush_t;

/*  The state of LEADER, pulled. */
typedef struct pull {
    uint32_t leader; //  0: nobody's
    uint64_t term, id, total, window_end, ask_us;
    bool ticks;
    uint8_t *bytes;
    size_t have, room;
} pull_t;

/*  The state, as it is sent to others. */
typedef struct serve {
    uint64_t id, index, term, made_us, asked_us;
    const blob_t *stream;
} serve_t;

typedef struct caller {
    bool known, dirty, gone;
    uint32_t client;
    uint64_t client_life;
    hf_pack_t items;
    bool has_pack;
} caller_t;

typedef struct reading {
    enum { READING_KEEPALIVE, READING_CLOSE, READING_QUERY } type;
    uint32_t client;
    uint64_t client_life;
    uint64_t session, id, arrived_us;
    uint32_t what;
    size_t lock; //  or file
} reading_t;

typedef struct readings {
    reading_t *list;
    size_t count, room;
} readings_t;

typedef struct sim_file {
    uint8_t *bytes;
    size_t size, room;
    size_t durable;
} sim_file_t;

typedef struct node {
    uint32_t id;
    uint64_t life; //  counts starts
    bool damaged;  //  its disk is: it refuses to start, until somebody wipes it
    disk_t *lost;  //  the disks it lost, as they were
    size_t lost_count, lost_room;
    uint64_t incarnations[INCARNATIONS_MAX]; //  all it had
    size_t incarnations_count;
    uint64_t promised_term; //  of this incarnation, durable before it last went down
    uint32_t promised_vote;
    sim_clock_t clock;
    uint64_t frozen_until_us;
    bool slow_pipes;
    uint64_t disk_stall_us; //  the next sync takes so long
    bool deaf_when_stalled; //  and then it hears no other node, but clients
    bool disk_fails;        //  the next sync fails

    //  The election half.
    hf_core_t *core; //  NULL: it is down
    hf_effects_t effects;
    size_t early_done;
    disk_t written, durable;
    size_t written_from; //  items before this are the same in both
    bool dirty, syncing;
    events_t mesh, pipe;
    uint64_t listened_us; //  local time: it listened until then
    uint64_t turn_at_us;
    uint64_t reported; //  commit index handed on
    hf_core_view_t seen;
    const blob_t *proposals[256];
    uint32_t proposals_count;
    uint64_t flushed; //  the lock half said
    bool prunes;      //  there may be something to prune
    uint64_t held_index, held_until_us;
    uint64_t to_lock_us, to_election_us; //  pipes keep their order

    //  The lock half.
    hf_state_t *state;
    hf_expiry_t *expiry;
    hf_outcomes_t outcomes;
    events_t said, door;
    bool elected, leading;
    uint64_t lead_index, term;
    uint32_t leader;
    uint64_t lock_turn_at_us;
    hf_pack_t commands;
    caller_t callers[SESSIONS_MAX];
    struct {
        uint32_t client;
        uint64_t life;
    } opening[NONCES_MAX];
    struct {
        uint32_t client;
        uint64_t life, echo;
    } closing[SESSIONS_MAX];
    uint32_t watchers; //  a mask of clients
    readings_t waiting, under;
    bool barrier_out, barrier_passed;
    uint64_t barrier_id, barrier_index;
    rows_t rows;
    flush_t flush;

    //  The file half.
    sim_file_t files[MODEL_FILES];
    uint64_t files_index, files_durable_index; //  of the last section
    bool files_syncing;
    pull_t pull;
    serve_t serve;
    const blob_t *arriving, *ready; //  another node's state: whole; and on disk
} node_t;

//  ---- clients -------------------------------------------------------------------

typedef enum want {
    WANT_NOTHING,
    WANT_ASKED,   //  ACQUIRE is out
    WANT_WAITING, //  QUEUED
    WANT_HELD,
    WANT_APPEND, //  held, and an APPEND is out
    WANT_LEAVE   //  RELEASE, CANCEL or ABANDON is out
} want_t;

typedef struct client_lock {
    want_t want;
    uint64_t last_seq; //  of the requests that are out for it
    uint64_t token, index;
    uint64_t early_token, early_index; //  a grant that overtook its QUEUED
    uint64_t changed_us;               //  local
    uint64_t act_us;                   //  local
    uint32_t appends;
    bool released; //  a RELEASE or CANCEL was sent: it acts no more
} client_lock_t;

typedef struct request {
    uint64_t seq, first_sent_us, sent_us;
    size_t lock;
    model_verb_t verb;
    const blob_t *record;
} request_t;

typedef struct client {
    uint32_t id;
    uint64_t life;
    sim_clock_t clock;
    uint64_t stalled_until_us;
    uint64_t dead_until_us;
    events_t inbox;             //  while it is stalled
    uint32_t node;              //  whom it believes to lead
    uint64_t heard_us, owed_us; //  when it last spoke; when something was last sent to it anew
    uint64_t ask_us;            //  when to ask another node; 0: no need
    bool alive_out;             //  a KEEPALIVE is not answered yet
    //  The session.
    uint64_t nonce, session, ttl_us, deadline_us;
    uint64_t open_first_us, open_sent_us, keepalive_us;
    bool opening, closing;
    uint64_t close_sent_us;
    uint64_t next_seq;
    request_t requests[REQUESTS_MAX];
    size_t requests_count;
    uint64_t floor;
    client_lock_t locks[MODEL_LOCKS];
    //  A question.
    uint64_t query_id, query_sent_us, query_low;
    uint32_t query_what;
    size_t query_name;
    uint64_t queries;
    uint64_t sections;
    bool done; //  wound up
} client_t;

//  ---- the odds --------------------------------------------------------------------

typedef struct odds {
    uint32_t members, clients, locks;
    uint64_t stability_us;
    bool prefer_lowest;
    uint32_t chunk;
    uint64_t latency_us, jitter_us, client_jitter_us;
    uint32_t loss, twice, client_loss; //  of 1000
    uint64_t disk_us;
    uint32_t disk_slow;                                      //  of 1000 syncs
    uint32_t crash, cut, freeze, stall, fail, wipe, slow;    //  of 1000 fault ticks
    uint32_t spurious, handover, client_stall, client_death; //  the same
    uint32_t lag;                                            //  the same: a connection lags
    uint32_t crash_voting, crash_committing, crash_leading;  //  of 1000 times
    uint32_t crash_syncing, crash_swapping;
    bool flushes; //  rows, in steps; and the log is pruned behind them
    uint32_t flush_rows;
    uint64_t flush_us;
    uint32_t keep, prune_step; //  entries
    uint32_t part, window;     //  bytes of a state transfer
    uint64_t fresh_us, held_us;
    uint64_t faults_until_us;
    uint32_t late; //  the node that is late when the cluster is formed
    uint32_t ttl_ms;
    uint64_t think_us, hold_us;
    bool past;
    bool long_cuts;
} odds_t;

//  ---- what the checks know ------------------------------------------------------------

typedef struct known {
    uint64_t term, prev_term, hash;
    struct known *next;
} known_t;

typedef struct held_at {
    uint64_t index, session, token;
} held_at_t;

typedef struct granted_at {
    uint64_t session, token, index;
} granted_at_t;

typedef struct watch {
    uint32_t *leaders; //  of each term
    known_t **entries; //  of each index: all that were ever written anywhere
    size_t entries_room;
    item_t *committed;
    uint64_t *commit_terms; //  that the first who reported it was in
    uint64_t *state_hashes; //  after each
    uint64_t *views;        //  what can be read of the state, after each
    uint64_t *sections;     //  the last one released, after each
    size_t committed_count, committed_room;
    uint64_t applied; //  by anybody
    model_t *model;
    size_t file_checked[MODEL_FILES];
    held_at_t *holders[MODEL_LOCKS];
    size_t holders_count[MODEL_LOCKS], holders_room[MODEL_LOCKS];
    struct file_at {
        uint64_t index;
        size_t size[MODEL_FILES];
    } * files;
    size_t files_count, files_room;
    granted_at_t *grants[MODEL_LOCKS];
    size_t grants_count[MODEL_LOCKS], grants_room[MODEL_LOCKS];
    uint64_t alive_us[SESSIONS_MAX]; //  arrival of the last keepalive acknowledged
    uint64_t told_index;             //  the highest command that a client knows to be done
    bool formed;
    uint64_t incarnations[HF_MEMBERS_MAX + 1]; //  that the last roster names
    uint64_t admitted[HF_MEMBERS_MAX + 1];     //  and those that two have named
    struct named {
        uint32_t node;
        uint64_t incarnation;
    } * named; //  by any roster that was ever committed
    size_t named_count, named_room;
} watch_t;

typedef struct sim {
    uint64_t seed, random, now_us, order;
    bool trace, failed, healed;
    sim_result_t *result;
    odds_t odds, storm; //  STORM: what the odds become when the cluster is formed
    bool calm;
    event_t *heap;
    size_t heap_count, heap_room;
    blob_t *blobs;
    node_t nodes[HF_MEMBERS_MAX + 1];
    client_t clients[CLIENTS_MAX + 1];
    bool cut[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1];
    bool client_cut[CLIENTS_MAX + 1][HF_MEMBERS_MAX + 1];
    uint64_t last_us[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1]; //  one connection keeps its order
    uint64_t client_last_us[CLIENTS_MAX + 1][HF_MEMBERS_MAX + 1][2];
    uint64_t lag_until_us[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1]; //  frames come late, not never
    uint64_t client_lag_until_us[CLIENTS_MAX + 1][HF_MEMBERS_MAX + 1];
    uint64_t nonces, streams;
    uint64_t heal_cuts_us;
    watch_t watch;
} sim_t;

//  sim.c
uint64_t sim_random (sim_t *sim, uint64_t limit);
bool sim_odds (sim_t *sim, uint32_t permille);
void sim_fail (sim_t *sim, sim_verdict_t verdict, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void sim_tell (const sim_t *sim, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
const blob_t *sim_blob (sim_t *sim, const void *bytes, size_t size);
/*  Let EVENT happen AFTER_US from now. */
void sim_post (sim_t *sim, uint64_t after_us, event_t event);
void sim_keep (events_t *events, const event_t *event);
uint64_t sim_local (const sim_t *sim, const sim_clock_t *clock);
/*  The time until CLOCK shows LOCAL. */
uint64_t sim_until (const sim_t *sim, const sim_clock_t *clock, uint64_t local_us);
void sim_clock_start (sim_t *sim, sim_clock_t *clock);
void sim_clock_stop (sim_t *sim, sim_clock_t *clock, bool stop);
void *sim_grow (void *list, size_t count, size_t *room, size_t size);
const char *sim_lock_name (size_t lock);
const char *sim_file_name (size_t file);
size_t sim_lock_number (hf_span_t name);
size_t sim_file_number (hf_span_t name);

//  sim_odds.c
void sim_odds_pick (sim_t *sim);
void sim_past (sim_t *sim);
void sim_fault (sim_t *sim);
/*  The cluster is formed: faults may begin. */
void sim_formed (sim_t *sim);

//  sim_settle.c
void sim_heal (sim_t *sim);
void sim_demand (sim_t *sim);
bool sim_next (sim_t *sim, uint64_t until_us); //  of sim.c

//  sim_net.c
void sim_send (sim_t *sim, const node_t *node, const hf_outgoing_t *out);
void sim_to_node (sim_t *sim, client_t *client, uint32_t node, const hf_pack_t *frame);
void sim_to_client (sim_t *sim, const node_t *node, uint32_t client, uint64_t life,
                    const hf_pack_t *frame);
/*  A frame that is not the core's. */
void sim_send_frame (sim_t *sim, const node_t *node, uint32_t to, uint32_t kind,
                     const hf_pack_t *frame);
void sim_links (sim_t *sim, uint32_t a);
void sim_cut (sim_t *sim, uint32_t a, uint32_t b, bool cut);

//  sim_election.c
void sim_election_turn (sim_t *sim, node_t *node);
void sim_election_synced (sim_t *sim, node_t *node);
void sim_election_wake (sim_t *sim, node_t *node, uint64_t after_us);
void sim_step (sim_t *sim, node_t *node, hf_event_t *event);

//  sim_disk.c
void sim_disk_add (disk_t *disk, item_t item);
void sim_disk_copy (disk_t *to, const disk_t *from, size_t same);
/*  The entry at INDEX, which is there; and the term there, also at the base. */
item_t sim_disk_at (const disk_t *disk, uint64_t index);
hf_entry_t sim_entry (const item_t *item);
uint64_t sim_disk_term (const disk_t *disk, uint64_t index);
void sim_disk_prune (disk_t *disk, uint64_t upto);
/*  No entries; the log begins behind (INDEX, TERM). */
void sim_disk_reset (disk_t *disk, uint64_t index, uint64_t term, const blob_t *roster);
void sim_start (sim_t *sim, node_t *node);
void sim_crash (sim_t *sim, node_t *node, bool seen);

//  sim_lock.c
void sim_lock_turn (sim_t *sim, node_t *node);
void sim_lock_wake (sim_t *sim, node_t *node, uint64_t after_us);
void sim_lock_tell (sim_t *sim, node_t *node, uint32_t kind, uint64_t a, uint64_t b,
                    const blob_t *bytes);
void sim_lock_start (sim_t *sim, node_t *node);
void sim_tell_election (sim_t *sim, node_t *node, uint32_t kind, uint64_t a, const blob_t *bytes);
void sim_lock_stop (node_t *node);
void sim_refuse (sim_t *sim, node_t *node, uint32_t client, uint64_t life);
caller_t *sim_caller (node_t *node, uint64_t session, uint32_t client, uint64_t life);
uint64_t sim_node_local (const sim_t *sim, const node_t *node);

//  sim_reads.c
void sim_read (node_t *node, const reading_t *reading);
void sim_ask_barrier (sim_t *sim, node_t *node);
void sim_answer_reads (sim_t *sim, node_t *node);
void sim_drop_reads (node_t *node);
void sim_section (sim_t *sim, node_t *node, const hf_outcome_t *out);
void sim_files_synced (sim_t *sim, node_t *node);

//  sim_rows.c
/*  Rows become as RECORDS say: STATE_CHANGEs; or STATE_ROWs, all of them. */
void sim_rows_change (sim_t *sim, rows_t *rows, hf_list_t records);
void sim_rows_replace (sim_t *sim, rows_t *rows, hf_list_t records);
hf_state_t *sim_rows_load (sim_t *sim, const node_t *node);
/*  Write rows when it is time to; and when they are on disk. */
void sim_flush (sim_t *sim, node_t *node);
void sim_rows_synced (sim_t *sim, node_t *node);
/*  The node goes down: what was being written is there, or not. */
void sim_flush_crash (sim_t *sim, node_t *node);
/*  Whether something was pruned. */
bool sim_prune (sim_t *sim, node_t *node);

//  sim_transfer.c
void sim_pull_start (sim_t *sim, node_t *node, uint64_t term, uint32_t leader);
void sim_pull_stop (sim_t *sim, node_t *node, const char *why);
void sim_pull_tick (sim_t *sim, node_t *node);
void sim_pull_ready (sim_t *sim, node_t *node);
void sim_pull_crash (sim_t *sim, node_t *node);
void sim_pull_part (sim_t *sim, node_t *node, hf_scan_t *scan);
void sim_serve_asked (sim_t *sim, node_t *node, hf_scan_t *scan);
/*  Swap in the state that is ready. False: cut short, and the start comes again. */
bool sim_swap (sim_t *sim, node_t *node);

//  sim_wipe.c
void sim_wipe (sim_t *sim, node_t *node);
/*  Whether NODE's disk may be lost: enough others are left (P7). */
bool sim_may_lose (const sim_t *sim, const node_t *node);
void sim_incarnation (sim_t *sim, node_t *node);
void sim_roster_committed (sim_t *sim, uint64_t index, item_t item);
/*  Whether a disk of that INCARNATION counts, or did. */
bool sim_counts (const sim_t *sim, uint32_t node, uint64_t incarnation);

//  sim_look.c
uint64_t sim_look_state (const hf_state_t *state);
uint64_t sim_look_model (const model_t *model);
/*  What NODE starts with is what it had promised, and fits together. */
void sim_check_start (sim_t *sim, node_t *node);
/*  That much of the log was committed. */
void sim_check_base (sim_t *sim, const node_t *node, uint64_t index, uint64_t term);

//  sim_client.c
void sim_client_tick (sim_t *sim, client_t *client);
void sim_client_start (sim_t *sim, client_t *client);
void sim_client_lose (sim_t *sim, client_t *client, const char *why);
void sim_client_answered (sim_t *sim, client_t *client, const request_t *request,
                          const hf_answer_t *answer);
void sim_client_granted (sim_t *sim, client_t *client, size_t lock, uint64_t token, uint64_t index);
/*  What an ALIVE to a KEEPALIVE sent at SENT says of LOCK: TOKEN 0: not held; QUEUED: waited for.
 */
void sim_client_listed (sim_t *sim, client_t *client, size_t lock, uint64_t sent_us,
                        const hf_granted_t *held, bool queued);
uint64_t sim_client_local (const sim_t *sim, const client_t *client);

//  sim_talk.c
void sim_talk_reply (sim_t *sim, client_t *client, const event_t *event);
void sim_talk_tick (sim_t *sim, client_t *client);
void sim_talk_open (sim_t *sim, client_t *client);
void sim_talk_keepalive (sim_t *sim, client_t *client);
void sim_talk_close (sim_t *sim, client_t *client);
void sim_talk_query (sim_t *sim, client_t *client, uint32_t what, size_t name);
/*  Queue a request; it leaves with sim_talk_flush. */
uint64_t sim_talk_ask (sim_t *sim, client_t *client, model_verb_t verb, size_t lock, bool wait,
                       size_t file, const char *text);
void sim_talk_flush (sim_t *sim, client_t *client);
/*  Whether a request for LOCK is out. */
bool sim_talk_out (const client_t *client, size_t lock);

//  sim_watch.c
void sim_watch_new (watch_t *watch);
void sim_watch_done (watch_t *watch);
void sim_watch_step (sim_t *sim, node_t *node);
void sim_watch_written (sim_t *sim, const node_t *node, uint64_t index);
void sim_watch_commit (sim_t *sim, node_t *node, uint64_t index);

//  sim_oracle.c
/*  NODE applied INDEX, with what is in its outcomes. */
void sim_oracle_applied (sim_t *sim, node_t *node, uint64_t index, const item_t *item);
/*  NODE wrote a section's part at the end of FILE. */
void sim_oracle_file (sim_t *sim, const node_t *node, size_t file, size_t at, hf_span_t data);

//  sim_belief.c
void sim_belief_granted (sim_t *sim, const client_t *client, size_t lock, uint64_t token,
                         uint64_t index);
void sim_belief_answer (sim_t *sim, const client_t *client, const hf_answer_t *answer);
void sim_belief_alive (sim_t *sim, uint64_t session, uint64_t arrived_us);
void sim_belief_expired (sim_t *sim, uint64_t session, uint32_t ttl_ms);
void sim_belief_lock (sim_t *sim, const client_t *client, const hf_query_result_t *result);
void sim_belief_read (sim_t *sim, const client_t *client, const hf_query_result_t *result);

#endif
