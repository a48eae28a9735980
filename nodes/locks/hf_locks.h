/*  hf_locks.h - the lock table: who holds each lock, and who waits for it in which order.
 *
 *  A claim is what one ACQUIRE asks for: one or several locks at once, all or nothing. It has a
 *  place at each of its locks; places hold (token > 0) or wait (token 0) together. A session has at
 *  most one claim at a lock, and an upgrade: a claim that waits in front of the queue to replace
 *  the session's SHARED hold by an EXCLUSIVE one.
 *
 *  A waiting claim is granted when each of its places is the first of its queue and fits beside the
 *  holders; so whoever takes a claim away grants until no claim can be granted, in the same step.
 *  Claims are granted in the order of the log or wait for claims that came before, so they never
 *  wait for each other in a ring. A lock exists while it has a place. Tokens come from one counter
 *  for all locks, so they rise at each lock, and nothing need be kept of a free lock (P5a).
 *  Private to the replicated state.
 *
 *  hf_locks.c   the locks by name, the places by session; invariants
 *  hf_claims.c  claims come, change and go
 *  hf_queues.c  what fits, what is granted next, positions
 *  hf_turns.c   how many are before one in a long queue
 *  hf_stuck.c   queues that do not move
 *  hf_rings.c   waits that would never end (hf_rings.h)
 */
#ifndef HF_LOCKS_H_INCLUDED
#define HF_LOCKS_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_spare.h"
#include "nodes/locks/hf_happened.h"
#include "nodes/locks/hf_measures.h"
#include "nodes/locks/hf_section.h"
#include "nodes/locks/hf_sessions.h"
#include "nodes/locks/hf_state.h"
#include "nodes/locks/hf_turns.h"

/*  There may be a million locks, and most are held by one session, alone, as EXCLUSIVE. So what
 * others need is kept apart: a lock's queue, a claim's wait and seats, its extra. */

typedef struct hf_state_claim hf_state_claim_t;
typedef struct hf_state_place hf_state_place_t;

//  What a lock has from when somebody waits for it, or has it SHARED, until it is free.
typedef struct hf_state_queue {
    hf_chain_t waiters;  //  hf_state_place_t, in queue order
    hf_turns_t turns;    //  of waiters but the upgrade; made for a long queue, when it is asked for
    uint64_t units;      //  of SHARED holders together; 0 while an EXCLUSIVE one holds
    uint64_t seen;       //  as hf_state_wait_t.seen
    uint32_t seen_units; //  its holders were looked at for a waiter of that many
    uint32_t waiters_count;
    uint32_t shared; //  SHARED places
    uint32_t limit;  //  on the units of holders, while there are SHARED places; 0: none
} hf_state_queue_t;

//  Of a lock that has none: nobody waits. Never written.
extern const hf_state_queue_t hf_state_no_queue;

typedef struct hf_state_lock {
    hf_table_node_t by_name;
    hf_chain_t holders;      //  hf_state_place_t, in the order of their tokens
    hf_state_queue_t *queue; //  or &hf_state_no_queue
    uint32_t holders_count;
    bool touched; //  in hf_locks_t.touched
    bool moved;   //  and waiters changed their positions
    uint8_t name_size;
    uint8_t name[];
} hf_state_lock_t;

struct hf_state_place {
    hf_chain_t in_lock;
    hf_state_lock_t *lock;
    uint32_t units; //  of SHARED; 0: EXCLUSIVE
    uint8_t number; //  in hf_state_claim_t.places
};

static_assert (HF_SET_MAX <= UINT8_MAX, "the number of a place is small");

//  Of a place beside which others may be, at its lock.
typedef struct hf_state_seat {
    hf_table_node_t by_session; //  by (lock, session)
    hf_state_place_t *place;
    uint64_t seen;   //  as hf_state_wait_t.seen
    uint32_t ticket; //  of a waiter, in the lock's turns, when these are made; 0: none
} hf_state_seat_t;

//  Of a claim that waits.
typedef struct hf_state_wait {
    hf_chain_t in_waiting;
    uint64_t told_us; //  the log was told that its queue had stood still for so long
    uint64_t seen;    //  by the search of that number (hf_rings.h)
} hf_state_wait_t;

//  What few claims have.
typedef struct hf_state_extra {
    hf_state_claim_t *claim;
    hf_state_session_t
        *acts_for;         //  also this one holds what it holds while the claim waits; or NULL
    hf_chain_t in_acted;   //  of that one
    uint64_t replaces;     //  token of the hold that was upgraded to this one; 0: none
    hf_section_t *section; //  NULL until the first append
    uint8_t *note;         //  for people
    uint16_t note_size;
} hf_state_extra_t;

//  Of a claim that has nothing of it. Never written.
extern const hf_state_extra_t hf_state_no_extra;

struct hf_state_claim {
    hf_chain_t in_session;
    hf_state_session_t *session;
    hf_state_extra_t *extra; //  or &hf_state_no_extra
    uint64_t token;          //  0: it waits
    uint64_t index;          //  of the command that granted it, or that queued it
    uint64_t born;           //  of the command that made it: no two are the same
    uint64_t since_us;       //  it holds or waits, by hf_measures_t; 0: not known
    hf_row_t row;
    uint8_t places_count;
    bool upgrade; //  it waits to replace the hold that the session has of its only lock
    bool seated;  //  behind its places are its wait and a seat for each. Others came when their
                  //  locks were free, and have them EXCLUSIVE, or had until a downgrade
    hf_state_place_t places[];
};

typedef struct hf_locks {
    hf_table_t by_name;
    hf_table_t by_session; //  every seat
    uint64_t last_token;
    uint64_t places;
    uint64_t holds; //  of these; the others wait
    uint64_t note_bytes;
    uint64_t staged_bytes; //  in all sections, with HF_STAGED_FILE_COST for each file
    hf_rows_t *rows;
    HF_ARRAY (hf_state_lock_t *) touched; //  whose waiters may have become holders
    size_t touched_at;
    bool touched_again; //  a set was granted: look at all of them once more
    uint64_t searches;  //  for rings, since the start
    hf_happened_fn *fn; //  NULL: nobody listens
    void *arg;
    const uint64_t *command; //  the index of the one at hand
    hf_chain_t waiting;      //  claims that wait, in the order in which they came
    hf_measures_t measures;
    uint64_t happened; //  how much has, ever
    hf_spare_t spare;  //  most locks are free again soon, and asked for again
} hf_locks_t;

/*  What is asked for at one lock. */
typedef struct hf_lock_ask {
    hf_span_t name;
    uint64_t hash;
    hf_state_lock_t *lock; //  NULL: free
    uint32_t units;        //  0: EXCLUSIVE
    uint32_t limit;        //  of SHARED
} hf_lock_ask_t;

/*  ROWS, and *COMMAND, must live longer. */
void hf_locks_init (hf_locks_t *self, hf_rows_t *rows, const uint64_t *command);
/*  Frees all claims, which are those of SESSIONS; their rings of claims are then void. */
void hf_locks_done (hf_locks_t *self, const hf_sessions_t *sessions);

static inline hf_span_t
hf_state_lock_name (const hf_state_lock_t *lock)
{
    return (hf_span_t){.at = lock->name, .size = lock->name_size};
}

static inline hf_state_place_t *
hf_state_in_lock (hf_chain_t *at)
{
    return HF_AROUND (at, hf_state_place_t, in_lock);
}

static inline hf_state_claim_t *
hf_state_claim_of (const hf_state_place_t *place)
{
    return HF_AROUND (place - place->number, hf_state_claim_t, places);
}

/*  Of a claim that has seats. */
static inline hf_state_wait_t *
hf_state_wait_of (const hf_state_claim_t *claim)
{
    assert (claim->seated);
    return (hf_state_wait_t *)(void *)&claim->places[claim->places_count];
}

static inline hf_state_claim_t *
hf_state_waiting (hf_chain_t *at)
{
    hf_state_wait_t *wait = HF_AROUND (at, hf_state_wait_t, in_waiting);
    return hf_state_claim_of (((hf_state_seat_t *)(void *)(wait + 1))->place);
}

/*  Of a place whose claim has seats. */
static inline hf_state_seat_t *
hf_state_seat_of (const hf_state_place_t *place)
{
    hf_state_wait_t *wait = hf_state_wait_of (hf_state_claim_of (place));
    return (hf_state_seat_t *)(void *)(wait + 1) + place->number;
}

static inline hf_span_t
hf_state_claim_note (const hf_state_claim_t *claim)
{
    return (hf_span_t){.at = claim->extra->note, .size = claim->extra->note_size};
}

/*  The lock that stands for the claim in messages: the first that was asked for. */
static inline hf_span_t
hf_state_claim_name (const hf_state_claim_t *claim)
{
    return hf_state_lock_name (claim->places[0].lock);
}

/*  One that is in no ring and no table any more, and all that it has. */
void hf_locks_free_claim (hf_locks_t *self, hf_state_claim_t *claim);
void hf_locks_free_lock (hf_locks_t *self, hf_state_lock_t *lock);

/*  How much memory these take: it is zero at first, and comes from hf_locks_t.spare. */
static inline size_t
hf_state_claim_size (uint32_t places, bool seated)
{
    return offsetof (hf_state_claim_t, places) + places * sizeof (hf_state_place_t) +
           (seated ? sizeof (hf_state_wait_t) + places * sizeof (hf_state_seat_t) : 0);
}

static inline size_t
hf_state_lock_size (uint32_t name_size)
{
    return offsetof (hf_state_lock_t, name) + name_size;
}

//  ---- finding ------------------------------------------------------------------------

/*  NULL when it is free. */
hf_state_lock_t *hf_locks_find (const hf_locks_t *self, hf_span_t name);
/*  What is asked for at the lock of that name. */
hf_lock_ask_t hf_locks_ask (const hf_locks_t *self, hf_span_t name);

/*  Whether no name is asked for twice. */
bool hf_locks_distinct (const hf_lock_ask_t *asks, uint32_t count);

/*  The session's place at the lock, not that of an upgrade; NULL when it has none. */
hf_state_place_t *hf_locks_place (const hf_locks_t *self, const hf_state_lock_t *lock,
                                  uint64_t session);

/*  The session's hold with that token that has the lock; NULL when there is no such hold. */
hf_state_claim_t *hf_locks_hold (const hf_locks_t *self, hf_span_t name, uint64_t session,
                                 uint64_t token);

/*  The upgrade that waits at the lock, for whatever session; NULL: none. */
hf_state_claim_t *hf_locks_upgrade (const hf_state_lock_t *lock);

/*  Whether the lock is used with another limit than is asked for. */
bool hf_locks_conflict (const hf_lock_ask_t *ask);

//  ---- queues -------------------------------------------------------------------------

/*  Whether a new claim of all that is asked is granted at once: each fits, and nobody waits. */
bool hf_locks_open (const hf_lock_ask_t *asks, uint32_t count);

/*  Whether the place fits beside the holders of its lock: the one rule of what excludes what. */
bool hf_locks_fits (const hf_state_place_t *place);

/*  Whether the claim waits and each of its places is first and fits. */
bool hf_locks_grantable (const hf_state_claim_t *claim);

/*  From 1: next; of a set, the worst. O(log n), for what it may make of the queue's
 *  turns lasts. */
uint64_t hf_locks_position (const hf_state_claim_t *waiter);

void hf_locks_enqueue (hf_state_place_t *place, bool in_front);
void hf_locks_dequeue (hf_state_place_t *place);
/*  The place becomes the youngest holder of its lock; or holds no more. */
void hf_locks_take (hf_locks_t *self, hf_state_place_t *place);
void hf_locks_give (hf_locks_t *self, hf_state_place_t *place);

/*  Waiters of the lock may fit now. MOVED: their positions changed. */
void hf_locks_touch (hf_locks_t *self, hf_state_lock_t *lock, bool moved);

/*  Grant the next claim that can be, at the touched locks in the order in which they were touched,
 *  at each in queue order (P8); NULL: there is none. */
hf_state_claim_t *hf_locks_grant_next (hf_locks_t *self, uint64_t index);

/*  All was granted: free the touched locks that have no place left. */
void hf_locks_settle (hf_locks_t *self);

//  ---- claims -------------------------------------------------------------------------

/*  Make SESSION, which has none at these locks, a claim by the command at INDEX: a hold when the
 *  locks are open to it, otherwise at the end of each queue. */
hf_state_claim_t *hf_locks_join (hf_locks_t *self, hf_state_session_t *session,
                                 const hf_lock_ask_t *asks, uint32_t count, uint64_t index);

/*  The holder of a SHARED place wants its only lock EXCLUSIVE: gives its upgrade, in front of the
 *  queue. No upgrade may wait there. */
hf_state_claim_t *hf_locks_join_upgrade (hf_locks_t *self, const hf_state_claim_t *hold,
                                         uint64_t index);

/*  The claim acts for another session from now on; NULL: for none. */
void hf_locks_act_for (hf_locks_t *self, hf_state_claim_t *claim, hf_state_session_t *session);

/*  The claim's note is that from now on. HF_BAD_NOTE; HF_LIMIT: there is no room for it. */
hf_status_t hf_locks_note_fits (const hf_locks_t *self, const hf_state_session_t *session,
                                hf_span_t note);
void hf_locks_note (hf_locks_t *self, hf_state_claim_t *claim, hf_span_t note);

/*  An EXCLUSIVE hold of one lock becomes SHARED. The caller then grants neighbours and settles. */
void hf_locks_downgrade (hf_locks_t *self, hf_state_claim_t *hold, const hf_lock_ask_t *ask);

/*  How many other claims wait for what HOLD holds, at the lock where most do. */
uint32_t hf_locks_wanting (const hf_state_claim_t *hold);

/*  Say that WHAT happened to CLAIM, at each of its locks. */
void hf_locks_tell (hf_locks_t *self, hf_what_happened_t what, const hf_state_claim_t *claim);

/*  Take a claim away, with its section and its upgrade, and touch its locks. The caller then grants
 *  successors and settles. WHAT happens to it is told; to one that waits, that it LEFT. */
void hf_locks_remove (hf_locks_t *self, hf_state_claim_t *claim, hf_what_happened_t what);

/*  What the hold has staged is dropped. */
void hf_locks_drop_section (hf_locks_t *self, hf_state_claim_t *hold);

/*  Make a waiting claim a holder, with the next token. An upgrade takes over the section of the
 *  hold that it replaces. */
void hf_locks_grant (hf_locks_t *self, hf_state_claim_t *claim, uint64_t index);

/*  Stage an append in a hold's section; as hf_section_append. */
hf_status_t hf_locks_append (hf_locks_t *self, hf_state_claim_t *hold, hf_span_t file,
                             hf_span_t data);

/*  Restore a claim from a row, with LIKE's token, replaces, index, born, upgrade and acts_for. Call
 * in ascending order of born; then hf_locks_load_hold for each hold in ascending order of token;
 * then hf_locks_loaded. NULL or false: the row contradicts those already loaded. */
hf_state_claim_t *hf_locks_load (hf_locks_t *self, hf_state_session_t *session,
                                 const hf_state_claim_t *like, hf_lock_ask_t *asks, uint32_t count);
bool hf_locks_load_hold (hf_locks_t *self, hf_state_claim_t *hold);
bool hf_locks_loaded (const hf_locks_t *self);

/*  Take a piece of a hold's section from a row; as hf_section_load. */
bool hf_locks_load_piece (hf_locks_t *self, hf_state_claim_t *hold, uint32_t number,
                          uint32_t offset, hf_span_t file, hf_span_t data);

void hf_locks_check (const hf_locks_t *self);

#endif
