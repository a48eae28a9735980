/*  hf_lock_internal.h - what the files of the lock actor share. Not for others.
 *
 *  hf_lock_actor.c    wiring, the loop, what the other actors say
 *  hf_lock_clients.c  frames from clients: checked, routed, proposed or set to wait
 *  hf_lock_apply.c    committed entries: applied, and their outcomes answered
 *  hf_lock_flush.c    the state to disk, and to the file actor for another node
 *  hf_lock_reads.c    what waits for a barrier: keepalives and queries
 *  hf_lock_routes.c   who is where: sessions, openings, watchers
 */
#ifndef HF_LOCK_INTERNAL_H_INCLUDED
#define HF_LOCK_INTERNAL_H_INCLUDED

#include "nodes/actors/hf_actors.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/services/hf_expiry.h"
#include "nodes/locks/hf_state.h"

//  ---- routes --------------------------------------------------------------------

typedef struct hf_routes hf_routes_t;

/*  A session that spoke to this node: where its answers go. */
typedef struct hf_caller {
    uint64_t session;
    hf_route_t route;
    hf_pack_t items;              //  answers and pushes that wait to be sent
    struct hf_caller *next_dirty; //  in the list of those with items; NULL also at its end
    bool dirty;
    bool gone; //  forget it once its items are sent
} hf_caller_t;

hf_routes_t *hf_routes_new (void);
void hf_routes_destroy (hf_routes_t **self_p);

/*  The session's record, made when it is new; its route is now ROUTE. NULL: too many. */
hf_caller_t *hf_routes_caller (hf_routes_t *self, uint64_t session, const hf_route_t *route);
/*  NULL when it never spoke here. */
hf_caller_t *hf_routes_find (hf_routes_t *self, uint64_t session);
/*  Put the caller on the list of those with items to send, once. */
void hf_routes_dirty (hf_routes_t *self, hf_caller_t *caller);
/*  Send every caller's items as one ANSWERS frame each. */
void hf_routes_flush (hf_routes_t *self, hf_door_t *door);
size_t hf_routes_count (const hf_routes_t *self);

/*  Openings and closings under way: told by nonce or session when they are applied. False: too
 *  many. */
bool hf_routes_opening (hf_routes_t *self, hf_span_t nonce, const hf_route_t *route);
bool hf_routes_opened (hf_routes_t *self, const uint8_t *nonce, hf_route_t *route);
bool hf_routes_closing (hf_routes_t *self, uint64_t session, uint64_t echo,
                        const hf_route_t *route);
bool hf_routes_closed (hf_routes_t *self, uint64_t session, uint64_t *echo, hf_route_t *route);

/*  A client that was sent away while nobody was known to lead: told once somebody does. */
void hf_routes_watch (hf_routes_t *self, const hf_route_t *route);
/*  The lead moved: everybody who waits for anything becomes a watcher; the rest is forgotten. */
void hf_routes_unlead (hf_routes_t *self);
/*  Send FRAME to each watcher; with FORGET they are watchers no more. */
void hf_routes_tell (hf_routes_t *self, hf_door_t *door, const hf_pack_t *frame, bool forget);

//  ---- reads ---------------------------------------------------------------------

typedef struct hf_reads hf_reads_t;

/*  What waits for a barrier, or for the file actor. */
typedef struct hf_read {
    enum { HF_READ_KEEPALIVE, HF_READ_CLOSE, HF_READ_QUERY } type;
    hf_route_t route;
    uint64_t session; //  of a keepalive or close
    uint64_t id;      //  echo of these; id of a query
    uint32_t what;
    uint64_t offset;
    uint32_t limit;
    uint32_t name_size;
    char name[256]; //  a longer one is answered BAD_NAME before it comes here
} hf_read_t;

hf_reads_t *hf_reads_new (void);
void hf_reads_destroy (hf_reads_t **self_p);

//  ---- the actor -------------------------------------------------------------------

typedef struct hf_lock_actor {
    hf_lock_args_t *args;
    zsock_t *pipe;
    hf_state_t *state;
    hf_expiry_t *expiry;
    hf_outcomes_t outcomes;
    hf_routes_t *routes;
    hf_reads_t *reads;

    bool elected;        //  the election actor says that this node leads
    bool leading;        //  and everything before its term is applied: it may serve
    uint64_t lead_index; //  what must be applied first
    uint64_t term;
    uint32_t leader; //  0: unknown

    hf_pack_t commands;       //  CMD_ records of the entry being built
    hf_pack_t entries;        //  ENTRY records of this turn's proposal
    hf_pack_t frame;          //  scratch: the frame that is being sent
    hf_pack_t sections;       //  A_SECTION records for the file actor: this turn's
    uint64_t sections_index;  //  of the last of them
    uint64_t undecided_bytes; //  proposed in this term and not applied yet

    uint64_t handled_bytes;        //  entries' bytes handled so far: credit for the election actor
    uint64_t credited_bytes;       //  of these, told
    uint64_t section_bytes;        //  handed to the file actor and not durable there yet
    struct hf_section_debt *debts; //  first and last of these
    struct hf_section_debt *debts_end;

    uint64_t files_durable; //  sections up to this command index are on disk

    hf_pack_t changes;      //  of rows: the step to the state store that is under way
    bool taken;             //  there is one
    uint64_t taken_index;   //  the last one led to this applied index
    uint64_t taken_section; //  and waits for the files to have this section
    uint64_t flush_due_us;

    struct hf_shifted *shifted; //  locks whose queues shifted since positions were pushed
    uint64_t moved_due_us;

    uint64_t now_us;     //  of this turn
    uint64_t flooded_us; //  since when the door has not been drained to the end; 0: it was
    uint64_t started_us;
    uint64_t dropped_frames;
    bool stop;
} hf_lock_actor_t;

//  hf_lock_clients.c
/*  Handle what clients sent; gives whether everything that waited was taken. */
bool hf_lock_drain_door (hf_lock_actor_t *self);
/*  Make an entry of the commands put so far, when they are enough for one, or EVEN_SMALL. */
void hf_lock_close_entry (hf_lock_actor_t *self, bool even_small);
/*  Send this turn's proposal to the election actor. */
void hf_lock_propose (hf_lock_actor_t *self);
void hf_lock_send (hf_lock_actor_t *self, const hf_route_t *route, const hf_pack_t *frame);
/*  Something was put into the caller's items. It may be gone afterwards. */
void hf_lock_items_put (hf_lock_actor_t *self, hf_caller_t *caller);
void hf_lock_refuse (hf_lock_actor_t *self, const hf_route_t *route, hf_status_t status,
                     const char *text);
/*  Tell everybody who waits for a leader who it is. */
void hf_lock_tell_watchers (hf_lock_actor_t *self);

//  hf_lock_apply.c
void hf_lock_apply (hf_lock_actor_t *self, const hf_a_committed_t *committed);
void hf_lock_files_durable (hf_lock_actor_t *self, uint64_t index);
/*  Tell the election actor what was handled, when it is time. */
void hf_lock_credit (hf_lock_actor_t *self);
/*  Push changed positions, when it is time. */
void hf_lock_push_moved (hf_lock_actor_t *self);
void hf_lock_forget_moved (hf_lock_actor_t *self);
/*  Propose the end of sessions that went silent. */
void hf_lock_expire (hf_lock_actor_t *self);

//  hf_lock_flush.c
/*  Write a step of the state to disk when it is time, and tell the election actor. */
void hf_lock_flush (hf_lock_actor_t *self);
uint64_t hf_lock_flush_due_us (const hf_lock_actor_t *self);
/*  Give the whole state to the file actor, which sends it to NODE. */
void hf_lock_snapshot (hf_lock_actor_t *self, uint32_t node);

//  hf_lock_reads.c
/*  False: too many wait. */
bool hf_lock_read (hf_lock_actor_t *self, const hf_read_t *read);
/*  Begin a barrier for what waits, unless one is under way. */
void hf_lock_ask_barrier (hf_lock_actor_t *self);
void hf_lock_passed (hf_lock_actor_t *self, const hf_a_passed_t *passed);
/*  Answer what the applied state is far enough for: keepalives all, queries for a while. */
void hf_lock_answer_reads (hf_lock_actor_t *self);
/*  Whether queries wait for nothing but the next turn. */
bool hf_lock_queries_wait (const hf_lock_actor_t *self);
/*  The lead moved: everybody who waits becomes a watcher. */
void hf_lock_drop_reads (hf_lock_actor_t *self);
void hf_lock_query_status (hf_lock_actor_t *self, const hf_read_t *read);
void hf_lock_told (hf_lock_actor_t *self, const hf_a_told_t *told);
void hf_lock_file_result (hf_lock_actor_t *self, const hf_a_file_result_t *result);

#endif
