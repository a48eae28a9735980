/*  hf_lock_service.h - every decision of a node's lock actor, as a pure service.
 *
 *  Messages and time in; frames, messages and log lines out (the outbox), and when to be woken. It
 *  owns the replicated state, applies committed entries, answers clients, proposes, asks for
 *  barriers, ends silent sessions, and hands sections and changed rows to the file actor. It never
 *  waits for a disk.
 *
 *  From clients (docs/protocol.md): OPEN, KEEPALIVE, REQUESTS, CLOSE, QUERY, WATCH, CHANGE.
 *  To clients: OPENED, ALIVE, ANSWERS, CLOSED_REPLY, RESULT, EVENTS, REFUSED.
 *  From the election actor: A_COMMITTED, A_LEADING, A_FOLLOWING, A_PASSED, A_TOLD, A_ROSTER,
 *  A_VERDICT.
 *  To the election actor: A_START (at once), A_PROPOSE, A_BARRIER, A_APPLIED, A_FACTS, A_CHANGE,
 *  A_WATCHED.
 *  From the file actor: A_FILE_RESULT, A_FILES_DURABLE, A_WANT_STATE, A_FLUSHED.
 *  To the file actor: A_SECTIONS, A_ROWS, A_FILE_QUERY, A_SNAPSHOT.
 *  From main: A_RIGHTS.
 *
 *  One turn of the shell around it:
 *
 *      hf_lock_service_begin (service, now);
 *      for each message of another actor   hf_lock_service_from_actor (..., now);
 *      for each frame of a client          hf_lock_service_from_client (..., now);
 *          until the door is empty, hf_lock_service_full, or the shell's own limit
 *      hf_lock_service_end (service, the door is empty);
 *      while (hf_lock_service_more (service) && there is time)
 *          ;
 *      sleep until a message comes or hf_lock_service_wake_us
 *
 *  The outbox may be carried out and reset at any point of it, and must be at its end.
 *
 *  Time is in microseconds of one monotonic clock, read again for each input AFTER the message was
 *  taken: a client's deadline runs from when it sent, and a turn may take long.
 */
#ifndef HF_LOCK_SERVICE_H_INCLUDED
#define HF_LOCK_SERVICE_H_INCLUDED

#include "msgs/hf_outbox.h"
#include "nodes/locks/hf_state.h"

typedef struct hf_lock_service hf_lock_service_t;

typedef struct hf_lock_config {
    uint32_t self;        //  this node's id
    const char *endpoint; //  where clients reach it: host:port. Must outlive the service
    const char *version;  //  of this program. Must outlive the service

    uint32_t connections_max; //  that the door takes; 0: any number
    bool insecure, encrypted; //  facts about the door

    //  0: the default.
    uint64_t flush_us;      //  changed rows go to the file actor so long afterwards: 1 s
    uint64_t flush_bytes;   //  or when so much log would have to be replayed: 4 MiB
    uint64_t flush_rows;    //  or when so many are changed, so that no turn takes long: 10,000
    uint64_t undecided_max; //  bytes proposed and not applied; beyond, clients get BUSY: 32 MiB
    uint64_t unwritten_max; //  bytes of sections, or of log to be replayed, that the file actor may
                            //  be behind; beyond, the election actor gets no credit: 64 MiB
    uint64_t unwritten_rows; //  or so many changed rows: 20,000
    //  Bytes of entries handled before the election actor gets credit, less than its deliver_ahead:
    //  64 KiB.
    uint64_t credit_bytes;
    uint32_t readings_max;  //  reads and keepalives not answered yet; beyond: BUSY. Half of it for
                            //  queries: 50,000
    uint64_t journal_bytes; //  of what happened, for watches; an eighth of it more for files:
                            //  24 MiB
    uint32_t watches_max;   //  of all clients: 100,000
    uint32_t client_watches_max; //  of one: 1,000
    uint32_t pushes_max;  //  of places of one lock at once, for positions and who is wanted: 1,000
    uint32_t pushes_near; //  the first so many hear their positions ten times a second, the others
                          //  once: 100
    uint64_t token_floor; //  at feature level 1 or more tokens up to this are left out; 0: none
    uint32_t client_sessions_max; //  of one client; beyond, it gets LIMIT: 50,000

    //  Of one user, by his key, whatever his connections; 0: as many as he likes. On this leader.
    uint32_t user_sessions_max; //  with those that he opens; beyond, he gets LIMIT
    uint32_t user_rate;         //  requests in a second; beyond, he gets BUSY. See hf_lock_limits.c
    //  A request that can only join a queue goes to the log with the next that may do more, after
    //  so long at the latest: 2 ms. 1: at once.
    uint64_t together_us;
} hf_lock_config_t;

/*  STATE, owned, as it was loaded from the rows on disk. */
hf_lock_service_t *hf_lock_service_new (const hf_lock_config_t *config, hf_state_t *state,
                                        uint64_t now_us);
void hf_lock_service_destroy (hf_lock_service_t **self_p);

//  ---- inputs ---------------------------------------------------------------------

/*  A turn begins, before anything is taken. Sessions are judged silent by this time: whatever was
 *  sent before it has been heard by the end of the turn. */
void hf_lock_service_begin (hf_lock_service_t *self, uint64_t now_us);

/*  A message of another actor of this node; SCAN stands at its record. It was written by our own
 *  code: one that is malformed is an assertion. */
void hf_lock_service_from_actor (hf_lock_service_t *self, hf_scan_t *scan, uint32_t kind,
                                 uint64_t now_us);

/*  A frame of a client: any bytes. */
void hf_lock_service_from_client (hf_lock_service_t *self, const hf_route_t *route, hf_span_t bytes,
                                  uint64_t now_us);

/*  The user of this NUMBER, as routes give it, has that name: before the first frame of him.
 * Numbers come in their order, from 1 on. */
void hf_lock_service_user (hf_lock_service_t *self, uint32_t number, const char *name);

/*  From now on users may do what TEXT says, a file of rights that hf_rights_read finds good (also
 *  as A_RIGHTS of main). Before the first, nothing is checked. */
void hf_lock_service_rights (hf_lock_service_t *self, hf_span_t text);

/*  Enough is proposed in this turn: take no more frames of clients. */
bool hf_lock_service_full (const hf_lock_service_t *self);

/*  The turn ends: expire, propose, begin a barrier, answer. DRAINED: every frame that waited at the
 *  door was taken. Otherwise no session is judged silent, for 1 s at most. */
void hf_lock_service_end (hf_lock_service_t *self, bool drained);

/*  Answer some sessions of a KEEPALIVE, a query, and a watch: of the clients whose turn it is.
 * Gives whether there may be more; the shell stops asking when it has spent 10 ms, so that what
 * comes in does not wait for queries. */
bool hf_lock_service_more (hf_lock_service_t *self);

/*  A frame of SESSION, or of none in particular (0), could not be sent to ROUTE: the client has
 * left or does not read. */
void hf_lock_service_unsent (hf_lock_service_t *self, uint64_t session, const hf_route_t *route);

/*  What the shell says of its door, at the begin of each turn: facts of the status, and a line in
 * the log when connections are refused or clients are cut off, at most once a minute. */
typedef struct hf_lock_door {
    uint64_t dropped;     //  frames, since the start
    uint64_t connections; //  open now
    uint64_t refused;     //  connections beyond the limit, since the start
    uint64_t cut;         //  clients cut off since the start
    uint64_t halves;      //  connections cut off or refused, as too many had not shaken hands
    uint64_t turned_away; //  connections of users that had all that they may have
    uint64_t received;    //  bytes that have come from clients and are not handled yet
    uint64_t waiting;     //  bytes that wait for clients to read them
} hf_lock_door_t;
void hf_lock_service_door (hf_lock_service_t *self, const hf_lock_door_t *door);

//  ---- outputs --------------------------------------------------------------------

hf_outbox_t *hf_lock_service_outbox (hf_lock_service_t *self);

/*  When the next turn must begin at the latest; 0: at once; UINT64_MAX: only for a message. */
uint64_t hf_lock_service_wake_us (const hf_lock_service_t *self);

const hf_state_t *hf_lock_service_state (const hf_lock_service_t *self);

#endif
