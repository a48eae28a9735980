/*  sim_internal.h - what the files of the simulator share.
 *
 *  The simulator is a world: every rule of a node or a client is the product's. A node is the
 *  product's services, with three mailboxes; a client is the product's client core.
 *
 *  sim.c           a run: events in the order of virtual time, chance, clocks
 *  sim_odds.c      what the seed decides; faults as they happen
 *  sim_trial.c     one thing goes on going wrong
 *  sim_settle.c    all heals, and progress is demanded (P11)
 *  sim_leads.c     operators who say who leads
 *  sim_load.c      a member comes back under a load that the others sustain (P11)
 *  sim_net.c       frames on their way, connections: delay, loss, repeats, cuts, routes
 *  sim_node.c      a node's actors: mailboxes, pipes, turns; what its services want is carried out
 *  sim_duty.c      checks of what a node owes its clients and its disk: P9, P11, P12
 *  sim_disk.c      a node's disks: log, files, rows; commits take time
 *  sim_file.c      a node's file actor, and the swap of a received state
 *  sim_life.c      a node's life: start, crash, a disk that is lost
 *  sim_copy.c      a node's folder is put back as it was
 *  sim_client.c    a client's thread around its core
 *  sim_rights.c    users of clients, and what they may not do
 *  sim_people.c    what the users of a client want, and what they make of results
 *  sim_watch.c     checks of the log: P1, P2, P3, P4, P7
 *  sim_oracle.c    checks of the state against a slow model: P4, P5a, P6, P8, P9, exactly once
 *  sim_belief.c    checks of what clients saw: P5b, P7, P9, P10, exactly once
 *  sim_told.c      checks of what watchers are told
 *  sim_look.c      checks of what a node starts with
 */
#ifndef SIM_INTERNAL_H_INCLUDED
#define SIM_INTERNAL_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_hash.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "client/core/hf_client_core.h"
#include "nodes/services/hf_election_service.h"
#include "nodes/services/hf_file_service.h"
#include "nodes/services/hf_lock_service.h"
#include "nodes/snapshot/hf_snapshot_format.h"
#include "tests/sim/sim.h"
#include "tests/sim/sim_odds.h"
#include "tests/unit/locks/model.h"
#include <assert.h>
#include <inttypes.h>

#define CLIENTS_MAX   8
#define USERS_MAX     3 //  of one client
#define WATCHERS_MAX  2
#define SESSIONS_MAX  MODEL_SESSIONS
#define TERMS_MAX     65536
#define SIM_ABSURD    ((1ULL << 62) - 1) //  a number that no honest node reaches
#define DRIFT_PPM_MAX 20000              //  clocks differ by up to 2 % either way

/*  Bytes that live until the run ends. */
typedef struct blob {
    struct blob *next;
    uint64_t hash;
    uint32_t size;
    uint8_t bytes[];
} blob_t;

typedef enum event_type {
    EV_FREE = 0,
    EV_PEER,       //  a frame of node FROM for node TO
    EV_LINK,       //  the mesh of node TO looks whether its link to FROM is up
    EV_BROKEN,     //  node TO sees its connection to FROM break
    EV_MESSAGE,    //  of actor SOURCE for ACTOR of node TO
    EV_REQUEST,    //  a frame of client FROM for node TO, over route A
    EV_REPLY,      //  a frame of node FROM for client TO, over route A
    EV_CONNECT,    //  client TO tries to connect to node FROM
    EV_DISCONNECT, //  client TO sees its connection A to node FROM break
    EV_SYNCED,     //  the disk of ACTOR of node TO has committed
    EV_TURN,       //  ACTOR of node TO
    EV_CLIENT,     //  the thread of client TO
    EV_FAULT,
    EV_OPERATE,
    EV_START
} event_type_t;

/*  An event is owned by the sim's pool, unless it is part of an actor or a client. */
typedef struct event {
    hf_heap_node_t due;
    struct event *next; //  in a queue, or of those that are free
    event_type_t type;
    uint32_t to, from;
    hf_to_t actor, source;
    uint64_t life; //  of the receiver: void for a later life; 0: for any
    uint64_t a;
    const blob_t *frame;
    uint8_t *message; //  owned
    size_t size;
} event_t;

typedef struct queue {
    event_t *first, *last;
    size_t count;
} queue_t;

typedef struct sim_clock {
    uint64_t local_us, at_us; //  it showed LOCAL at AT
    int64_t drift_ppm;
    bool stopped;
} sim_clock_t;

//  ---- nodes ---------------------------------------------------------------------

/*  What a node's disk hangs on. */
typedef struct port {
    struct sim *sim;
    struct node *node;
} port_t;

typedef struct item {
    uint64_t term;
    uint32_t type; //  hf_entry_type_t
    const blob_t *payload;
} item_t;

typedef HF_ARRAY (item_t) items_t;

/*  The log's database. Its entries are those after the base; what was pruned is all zero. */
typedef struct disk {
    uint64_t incarnation;
    uint64_t start, life; //  how often it was opened, and the last time's random number
    uint64_t term;
    hf_member_t voted_for;
    uint64_t base_index, base_term;
    uint64_t roster_index; //  of the ROSTER entry in force at the base
    const blob_t *roster;  //  its payload; NULL: none
    items_t items;         //  of index 1 and up
} disk_t;

typedef struct row {
    const blob_t *key, *value;
} row_t;

/*  The state's database. */
typedef struct rows {
    HF_ARRAY (row_t) all; //  by key
    uint64_t index;       //  applied
} rows_t;

typedef HF_ARRAY (uint8_t) bytes_t;

typedef struct sim_file {
    bytes_t bytes;
    size_t durable;
} sim_file_t;

/*  One actor of a node: HF_TO_ELECTION, HF_TO_LOCK, HF_TO_FILE. */
typedef struct actor {
    queue_t boxes[HF_TO_FILE + 1]; //  by source; 0: peers or clients
    uint64_t pipe_us[HF_TO_FILE + 1];
    event_t turn;
    bool in_turn; //  a turn was begun and goes on later
    bool syncing; //  it waits for its disk
} actor_t;

/*  Over which connection a session spoke last. */
typedef struct spoken {
    uint64_t requests, keepalive;
    bool ended;    //  its end was sent
    uint64_t turn; //  when it last did
} spoken_t;

/*  What sim_duty.c knows of a node in this life. */
typedef struct duty {
    spoken_t spoken[SESSIONS_MAX];
    uint64_t turn;               //  of the lock actor
    HF_ARRAY (uint64_t) unaware; //  connections that were refused while no leader was known
    bool knows;                  //  the lock actor knows the leader
    uint64_t term, undecided;    //  that it leads, and bytes proposed in it
    uint64_t turn_us, flood_us;  //  the lock actor's turn; since when frames wait at the door
    uint64_t delivered, handled, left, flushed; //  bytes of log: to the lock actor, by it, its rows
    uint64_t hold_until_us, sent_index;         //  a state that is on its way
    uint64_t ack_us[HF_MEMBERS_MAX + 1];        //  when it took a peer's last ack
    uint64_t strange_us[HF_MEMBERS_MAX + 1];    //  when that was no member's
} duty_t;

typedef struct node {
    uint32_t id;
    uint64_t life; //  counts starts
    bool up;
    bool damaged;                     //  its disk is: it refuses to start until it is wiped
    bool old_release;                 //  it speaks level 0
    bool gone;                        //  it was removed, and ended
    uint64_t wiped_us;                //  when it lost its disk last
    HF_ARRAY (disk_t) lost;           //  the disks it lost, as they were
    HF_ARRAY (uint64_t) incarnations; //  all it had
    uint64_t promised_term;           //  of this incarnation, durable before it last went down
    hf_member_t promised_vote;
    sim_clock_t clock;
    uint64_t frozen_until_us;
    bool slow_pipes;
    uint64_t disk_stall_us; //  the next sync takes so long
    uint64_t sync_us;       //  every sync takes so much longer
    bool deaf_when_stalled; //  and then it hears no other node, but clients
    bool disk_fails;        //  the next sync fails
    bool stops;             //  it was asked to stop: it hands over first
    uint64_t stops_us;      //  local: when it must have done so; 0: it was not asked
    duty_t duty;
    actor_t actors[HF_TO_FILE + 1];

    hf_election_service_t *election;
    disk_t written, durable;
    size_t written_from; //  items before this are the same in both
    uint64_t reported;   //  delivered up to here
    hf_core_view_t seen;
    uint64_t led; //  the last term in which it led, durably

    hf_lock_service_t *lock;
    uint64_t compared; //  its state was, up to here

    port_t port;
    rows_t rows;
    const blob_t *paged;           //  the key of the row that was read last for a snapshot
    uint64_t left_index, left_sum; //  the rows that left the lock actor last, and their sum then
    hf_file_service_t *file;
    sim_file_t files[MODEL_FILES];
    uint64_t section, section_durable; //  the last one in the files
    bytes_t stage;                     //  another node's state, as it comes
    bool stage_damaged;                //  a byte of it was changed on the way
    bool stage_was_damaged;            //  a byte of one that was dropped in this turn
    const blob_t *ready;               //  and durable: the next start swaps it in
} node_t;

//  ---- clients -------------------------------------------------------------------

typedef struct connection {
    bool up;
    uint64_t route;                       //  0: never connected
    uint64_t last_us[2], lag_until_us[2]; //  to the node, and back
    bool cut;
} connection_t;

typedef enum want {
    WANT_NOTHING,
    WANT_ASKED,  //  an acquire is submitted
    WANT_HELD,   //  and appends may be
    WANT_LEAVE,  //  a release or cancel is submitted
    WANT_HANDED, //  another client was handed it, and releases it
} want_t;

/*  What a user has to do with one lock, or with several at once: then at the first of them. */
typedef struct place {
    want_t want;
    uint64_t token;
    uint64_t act_us;              //  local
    uint32_t set;                 //  a bit for each lock of the claim; its first is where this is
    uint32_t units[MODEL_LOCKS];  //  of each; 0: EXCLUSIVE
    uint32_t limits[MODEL_LOCKS]; //  that were asked for; 0: none
    bool changing;                //  another mode is asked for
    uint32_t appends, out;
    bool foreign; //  another client may have ended the section,
    bool ended;   //  and has
} place_t;

typedef struct user {
    struct client *client;
    enum { USER_AWAY, USER_OPENING, USER_HERE, USER_CLOSING } state;
    hf_client_session_t *session;
    uint64_t id; //  of the session; 0: none
    uint64_t deadline_us;
    place_t places[MODEL_LOCKS];
    uint32_t asked[MODEL_LOCKS];     //  acquires that are not decided,
    uint32_t asked_set[MODEL_LOCKS]; //  and of which locks
    uint64_t act_us;
} user_t;

/*  Somebody who watches; it was told all that matches up to number TOLD. */
typedef struct watcher {
    enum { WATCHER_NONE, WATCHER_OPENING, WATCHER_OPEN } state;
    hf_client_watch_t *core;
    uint32_t what; //  HF_WATCH_LOCKS, HF_WATCH_FILES; 0: nothing yet
    const char *prefix;
    uint64_t asked, told;
} watcher_t;

typedef struct client {
    uint32_t id;
    uint64_t life;
    hf_client_core_t *core;
    sim_clock_t clock;
    uint64_t stalled_until_us, dead_until_us;
    queue_t inbox; //  while it is stalled
    event_t turn;
    uint32_t links[HF_MEMBERS_MAX]; //  by the core's slots: to which node; 0: none
    user_t users[USERS_MAX];
    watcher_t watchers[WATCHERS_MAX];
    uint64_t people_us; //  local: when a user may want something
    //  A question.
    bool asks;
    uint32_t query_what;
    size_t query_name;
    uint64_t query_low, query_offset;
} client_t;

//  What goes on going wrong after all has healed: sim_trial.c.
typedef enum trial {
    TRIAL_NONE = 0,
    TRIAL_SLOW,  //  the disk of the lowest id is slow
    TRIAL_STILL, //  the lowest id stands still soon after it leads
    TRIAL_MOVES, //  every leader stands still before a TTL has passed
} trial_t;

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

/*  What is committed at an index, and the state after it. */
typedef struct committed {
    item_t item;
    uint64_t term; //  that the first who reported it was in
    uint64_t state_hash, view, section;
} committed_t;

typedef struct file_at {
    uint64_t index;
    size_t size[MODEL_FILES];
} file_at_t;

/*  A node's folder as it once was. */
typedef struct image {
    uint32_t node; //  0: none
    disk_t disk;
    rows_t rows;
    bytes_t files[MODEL_FILES];
    uint64_t section;
} image_t;

/*  To a lock or a file. */
typedef struct happened {
    const char *name;
    uint64_t hash;
} happened_t;

/*  Who changes the members. */
#define OPERATORS 2
typedef struct operator_s {
    bool waits; //  for an answer to CHANGE
    hf_a_change_t change;
    uint64_t again_us; //  when to ask again
} operator_t;

typedef struct keepalive {
    uint64_t session, echo, arrived_us;
} keepalive_t;

typedef struct watch {
    uint32_t *leaders;            //  of each term
    HF_ARRAY (known_t *) entries; //  of each index: all that were ever written anywhere
    HF_ARRAY (committed_t) committed;
    hf_state_t *state; //  a replica that applies what is committed, at once
    hf_outcomes_t outcomes;
    model_t *model;
    HF_ARRAY (held_at_t) holders[MODEL_LOCKS];
    HF_ARRAY (file_at_t) files;
    HF_ARRAY (granted_at_t) grants[MODEL_LOCKS];
    HF_ARRAY (happened_t) happened[HF_WATCH_FILES + 1]; //  by what is watched; [n - 1]: number n
    keepalive_t keepalives[1024];                       //  that nodes took, by session and echo
    uint64_t gone_us[SESSIONS_MAX];  //  when it expired, and its locks were closed for a while
    uint64_t alive_us[SESSIONS_MAX]; //  arrival of the last keepalive acknowledged
    uint64_t answered_index;         //  the highest command that a client knows to be done
    bool formed;
    hf_roster_t roster;          //  the last one that is committed
    HF_ARRAY (uint64_t) changes; //  that were asked for and are committed
} watch_t;

typedef struct sim {
    uint64_t seed, now_us;
    hf_random_t random;
    bool trace, failed, healed;
    sim_result_t *result;
    odds_t odds, storm; //  STORM: what the odds become when the cluster is formed
    bool calm;
    hf_heap_t events;
    event_t *free;
    HF_ARRAY (event_t *) pools;
    blob_t *blobs;
    node_t nodes[HF_MEMBERS_MAX + 1];
    client_t clients[CLIENTS_MAX + 1];
    bool cut[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1];
    uint64_t cut_us[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1];  //  when that changed last
    uint64_t last_us[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1]; //  one connection keeps its order
    uint64_t lag_until_us[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1]; //  frames come late, not never
    connection_t connections[CLIENTS_MAX + 1][HF_MEMBERS_MAX + 1];
    //  The votes that were granted in term 1, from and to; pre-votes first. NULL: none.
    const blob_t *votes[HF_MEMBERS_MAX + 1][HF_MEMBERS_MAX + 1][2];
    uint64_t nonces, routes;
    uint64_t heal_cuts_us;
    trial_t trial;
    image_t image;
    node_t *stale; //  its folder is an old copy, and it does not know it yet; NULL: none
    uint64_t stale_until_us;
    node_t *silent; //  when all others are healed; NULL: none
    operator_t operators[OPERATORS];
    uint64_t removing_until_us; //  a voter may be on its way out,
    uint64_t founder_leaves_us; //  and until then a founder
    watch_t watch;
} sim_t;

//  sim.c
static inline uint64_t
sim_random (sim_t *sim, uint64_t limit)
{
    return hf_random_below (&sim->random, limit);
}

/*  Users want nothing new. */
static inline bool
sim_resting (const sim_t *sim)
{
    return sim->healed && sim->trial == TRIAL_NONE;
}

static inline bool
sim_odds (sim_t *sim, uint32_t permille)
{
    return permille > 0 && hf_random_odds (&sim->random, permille);
}

void sim_fail (sim_t *sim, sim_verdict_t verdict, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void sim_tell (const sim_t *sim, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
const blob_t *sim_blob (sim_t *sim, const void *bytes, size_t size);
/*  Let an event that is as EVENT happen AFTER_US from now. */
void sim_post (sim_t *sim, uint64_t after_us, event_t event);
/*  Let TURN, part of an actor or a client, happen AFTER_US from now, unless it does so earlier. */
void sim_wake (sim_t *sim, event_t *turn, uint64_t after_us);
void sim_keep (queue_t *queue, event_t *event);
event_t *sim_take (queue_t *queue); //  NULL: empty
void sim_drop (sim_t *sim, event_t *event);
void sim_drop_all (sim_t *sim, queue_t *queue);
uint64_t sim_local (const sim_t *sim, const sim_clock_t *clock);
/*  The time until CLOCK shows LOCAL. */
uint64_t sim_until (const sim_t *sim, const sim_clock_t *clock, uint64_t local_us);
void sim_clock_start (sim_t *sim, sim_clock_t *clock);
void sim_clock_stop (sim_t *sim, sim_clock_t *clock, bool stop);
const char *sim_lock_name (size_t lock);
const char *sim_file_name (size_t file);
/*  The next event that is due by UNTIL_US. False: none. */
bool sim_next (sim_t *sim, uint64_t until_us);

//  sim_odds.c
void sim_odds_pick (sim_t *sim);
void sim_past (sim_t *sim);
void sim_fault (sim_t *sim);
/*  The cluster is formed: faults may begin. */
void sim_formed (sim_t *sim);

//  sim_trial.c
void sim_try (sim_t *sim);

//  sim_settle.c
void sim_heal (sim_t *sim);
/*  NODE stands still no more. */
void sim_wake_up (sim_t *sim, node_t *node);
void sim_demand (sim_t *sim);

//  sim_load.c
void sim_load (sim_t *sim);

//  sim_net.c
void sim_to_peers (sim_t *sim, const node_t *node, uint32_t to, hf_span_t frame);
void sim_to_node (sim_t *sim, const client_t *client, uint32_t node, hf_span_t frame);
/*  False: there is no such connection any more. */
bool sim_to_client (sim_t *sim, const node_t *node, uint64_t number, hf_span_t frame);
uint64_t sim_route_number (const hf_route_t *route);
hf_route_t sim_route (const event_t *event);
void sim_links (sim_t *sim, uint32_t a);
void sim_cut (sim_t *sim, uint32_t a, uint32_t b, bool cut);
/*  Whether the link between A and B has been cut, or whole, for a second. */
bool sim_long_cut (const sim_t *sim, uint32_t a, uint32_t b, bool cut);
/*  A frame that no peer sent comes to NODE. */
void sim_forge (sim_t *sim, const node_t *node);
/*  The connection breaks; SEEN: the client sees it soon. It is made anew after a while. */
void sim_disconnect (sim_t *sim, uint32_t client, uint32_t node, bool seen);
/*  Client and node try; the event is taken. */
void sim_connect (sim_t *sim, event_t *event);
void sim_connect_later (sim_t *sim, const client_t *client, uint32_t node, uint64_t limit_us);
/*  The client breaks its connection to a node. */
void sim_unlink (sim_t *sim, uint32_t client, uint32_t node);

//  sim_node.c
void sim_arrive (sim_t *sim, node_t *node, event_t *event);
void sim_turn (sim_t *sim, node_t *node, hf_to_t actor);
void sim_synced (sim_t *sim, node_t *node, const event_t *event);
/*  Carry out what the service of ACTOR wants. False: the node crashed over it. */
bool sim_carry_out (sim_t *sim, node_t *node, hf_to_t actor, hf_outbox_t *outbox);
uint64_t sim_node_local (const sim_t *sim, const node_t *node);
/*  How long a disk of NODE takes to commit. */
uint64_t sim_sync_us (sim_t *sim, node_t *node);
bool sim_frozen (const sim_t *sim, const node_t *node);
/*  The service of ACTOR sleeps until WAKE_US. AGAIN gives whether another turn finds work. */
void sim_sleep (sim_t *sim, node_t *node, hf_to_t actor, uint64_t wake_us,
                bool (*again) (sim_t *sim, node_t *node));
void sim_wake_at (sim_t *sim, node_t *node, hf_to_t actor, uint64_t local_us);
/*  Whether the disk works now: EV_SYNCED comes then. */
bool sim_begin_sync (sim_t *sim, node_t *node, hf_to_t actor);

//  sim_duty.c
/*  The lock actor takes a frame; a message; and ends a turn. */
void sim_duty_taken (node_t *node, const event_t *event);
void sim_duty_message (node_t *node, hf_scan_t scan, uint32_t kind);
void sim_duty_turned (sim_t *sim, node_t *node);
/*  It sends a frame, or could not; it proposes. */
void sim_duty_sent (sim_t *sim, node_t *node, uint64_t route, bool sent, hf_span_t frame);
void sim_duty_proposed (sim_t *sim, node_t *node, hf_list_t entries);
/*  The election actor hands BYTES of entries on; takes a frame; prunes. */
void sim_duty_delivers (sim_t *sim, node_t *node, uint64_t bytes);
void sim_duty_peer (sim_t *sim, node_t *node, hf_span_t frame);
void sim_duty_prunes (sim_t *sim, const node_t *node, uint64_t upto);
/*  It begins to hand the lead over. */
void sim_duty_transfers (sim_t *sim, const node_t *node, uint32_t to);

//  sim_disk.c
hf_election_log_t sim_log (sim_t *sim, node_t *node);
hf_entry_t sim_entry (const item_t *item);
void sim_disk_add (disk_t *disk, item_t item);
void sim_disk_copy (disk_t *to, const disk_t *from, size_t same);
/*  The entry at INDEX, which is there; and the term there, also at the base. */
item_t sim_disk_at (const disk_t *disk, uint64_t index);
uint64_t sim_disk_term (const disk_t *disk, uint64_t index);
/*  The last entry that pruning may take, when the newest BYTES are kept. */
uint64_t sim_disk_keeps (const disk_t *disk, uint64_t bytes);
/*  No entries; the log is as LOG says. */
void sim_disk_reset (disk_t *disk, const hf_log_state_t *log, const blob_t *roster);
void sim_log_durable (sim_t *sim, node_t *node);
/*  The row behind KEY, or the first one (NULL); NULL: there is none. */
const row_t *sim_rows_behind (const rows_t *rows, const blob_t *key);
void sim_rows_put (sim_t *sim, rows_t *rows, hf_span_t key, hf_span_t value);
void sim_rows_change (sim_t *sim, rows_t *rows, hf_list_t changes);
/*  Changed rows leave the lock actor; and all are on disk: they are what the state was then. */
void sim_rows_left (node_t *node, const hf_a_rows_t *rows);
void sim_rows_durable (sim_t *sim, const node_t *node);
hf_state_t *sim_rows_load (sim_t *sim, const node_t *node);

//  sim_life.c
void sim_start (sim_t *sim, node_t *node);
void sim_crash (sim_t *sim, node_t *node, bool seen);
void sim_start_later (sim_t *sim, const node_t *node, uint64_t limit_us);
void sim_services_stop (node_t *node);
void sim_wipe (sim_t *sim, node_t *node);
void sim_incarnation (sim_t *sim, node_t *node);

//  sim_copy.c
/*  Put the image of a folder back, if all others will notice it, or copy that of NODE. Whether it
 * was put back. */
bool sim_copy_fault (sim_t *sim, node_t *node);
/*  The same at a time when all is well: copy one, and later put it back, if it can be. */
void sim_copy_heal (sim_t *sim);
void sim_copy_settled (sim_t *sim);
void sim_copy_watch (sim_t *sim);
/*  No node is an old copy, or not any more. */
bool sim_copy_is_over (sim_t *sim);
/*  NODE went down; and is no member any more. */
void sim_copy_crashed (sim_t *sim, const node_t *node);
void sim_copy_removed (sim_t *sim, const node_t *node);
/*  Whether NODE knows now that its folder is an old copy: then it starts again as another disk. */
bool sim_copy_noticed (sim_t *sim, node_t *node);
void sim_copy_free (sim_t *sim);

//  sim_leads.c
/*  Whether this is a life in which operators say who leads. */
bool sim_leads (const sim_t *sim);
/*  A wish about who leads, of the member in CHANGE; false: another one. */
bool sim_wish_lead (sim_t *sim, hf_a_change_t *change);
/*  Whether it may be LEADER in the end, by who is drained. */
bool sim_well_led (const sim_t *sim, uint32_t leader);

//  sim_members.c
void sim_members_pick (sim_t *sim);
/*  What NODE is started with. */
void sim_members_config (const sim_t *sim, const node_t *node, hf_core_config_t *config);
/*  By the last roster that is committed: its seat (NULL: none), whether it votes, how many do. */
const hf_seat_t *sim_seat (const sim_t *sim, uint32_t id);
bool sim_votes (const sim_t *sim, uint32_t id);
/*  Whether that node never catches up; and whether FRAME does not reach it for that. No client
 *  reaches it either. */
bool sim_lags (const sim_t *sim, uint32_t id);
bool sim_is_kept_back (const sim_t *sim, uint32_t id, hf_span_t frame);
uint32_t sim_voters (const sim_t *sim);
/*  Whether it is the only founder left that votes. Clients are given the founders, and may not have
 *  learned of others. */
bool sim_last_founder (const sim_t *sim, uint32_t id);
/*  Whether NODE's disk may be lost: enough others are left (P7). */
bool sim_may_lose (const sim_t *sim, const node_t *node);
/*  ITEM is committed at INDEX: it is on the disks of a majority; and if it is a roster, it follows
 *  from the one before. */
void sim_members_check_disks (sim_t *sim, uint64_t index, item_t item);
void sim_roster_committed (sim_t *sim, uint64_t index, item_t item);
void sim_operate (sim_t *sim);
/*  NODE answers an operator. */
void sim_verdict (sim_t *sim, const node_t *node, const hf_a_verdict_t *verdict);
/*  Whether NODE was removed: then it ends. */
bool sim_removed (sim_t *sim, node_t *node);
/*  No change is under way, all who are to vote do, and who was removed knows it. */
bool sim_members_settled (sim_t *sim);

//  sim_file.c
void sim_file_start (sim_t *sim, node_t *node);
void sim_file_crash (sim_t *sim, node_t *node);
void sim_file_turn (sim_t *sim, node_t *node);
void sim_file_synced (sim_t *sim, node_t *node);
/*  Swap in the state that is ready. False: cut short, and the start comes again. */
bool sim_swap (sim_t *sim, node_t *node);

//  sim_told.c
/*  It happened to a lock; a section was released. */
void sim_told_lock (void *watch, const hf_happened_t *happened);
void sim_told_section (watch_t *watch, const hf_outcome_t *section);
void sim_told_sent (sim_t *sim, const node_t *node, const hf_events_t *events);
void sim_told_people (sim_t *sim, client_t *client, uint64_t now_us);
/*  False: OP is not of a watch. */
bool sim_told_result (sim_t *sim, const hf_op_t *op);
/*  Every watcher was told all that happened. */
bool sim_told_all (sim_t *sim);

//  sim_look.c
/*  What NODE starts with is what it had promised, and fits together. */
void sim_check_start (sim_t *sim, node_t *node);
/*  That much of the log was committed. */
void sim_check_base (sim_t *sim, const node_t *node, uint64_t index, uint64_t term);

//  sim_client.c
void sim_client_start (sim_t *sim, client_t *client);
void sim_client_die (sim_t *sim, client_t *client);
void sim_client_turn (sim_t *sim, client_t *client);
bool sim_client_linked (const client_t *client, uint32_t node);
/*  A frame, or news of a connection. */
void sim_client_input (sim_t *sim, client_t *client, event_t *event);
uint64_t sim_client_local (const sim_t *sim, const client_t *client);

//  sim_rights.c
bool sim_rights_users (const sim_t *sim);
/*  The lock service of NODE, which has just begun, learns of them. */
void sim_rights_start (const sim_t *sim, const node_t *node);
void sim_rights_granted (sim_t *sim, const client_t *client, size_t lock);

//  sim_people.c
void sim_people (sim_t *sim, client_t *client, uint64_t now_us);
void sim_people_result (sim_t *sim, client_t *client, hf_op_t *op, uint64_t now_us);
/*  All users have what they wanted, and have left. */
bool sim_people_done (const client_t *client);

//  sim_watch.c
void sim_watch_new (watch_t *watch);
void sim_watch_done (watch_t *watch);
void sim_watch_step (sim_t *sim, node_t *node);
void sim_watch_written (sim_t *sim, const node_t *node, uint64_t index);
bool sim_same_item (item_t a, item_t b);
/*  NODE delivers what is committed up to INDEX. */
void sim_watch_commit (sim_t *sim, node_t *node, uint64_t index);

//  sim_oracle.c
/*  ITEM is committed at INDEX. */
void sim_oracle_committed (sim_t *sim, uint64_t index, item_t item);
/*  NODE's state is that of its applied index. */
void sim_oracle_state (sim_t *sim, node_t *node);
/*  NODE wrote a section's part at the end of FILE. */
void sim_oracle_file (sim_t *sim, const node_t *node, size_t file, size_t at, hf_span_t data);

//  sim_belief.c
/*  Whether the user relies on holding LOCK, at this moment. */
void sim_belief_granted (sim_t *sim, const user_t *user, size_t lock, uint64_t token,
                         uint64_t index);
void sim_belief_result (sim_t *sim, const hf_op_t *op);
void sim_belief_request (sim_t *sim, hf_span_t frame);
void sim_belief_reply (sim_t *sim, hf_span_t frame);
void sim_belief_kept (sim_t *sim, uint64_t session, uint64_t echo);
void sim_belief_expired (sim_t *sim, uint64_t session, uint32_t ttl_ms);
void sim_belief_query (sim_t *sim, const client_t *client, const hf_op_t *op);

#endif
