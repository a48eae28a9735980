/*  hf_locks.h - the lock table: who holds what, who waits for it, in which order.
 *
 *  A lock has a row while somebody holds it. A place is a session's share of a
 *  lock: a hold (token > 0) or a turn in the queue (token 0). A session has at
 *  most one place at a lock. Tokens come from one counter for all locks, so
 *  they rise at each lock, and nothing need be kept of a lock nobody holds (P5a).
 *  Private to the replicated state.
 */
#ifndef HF_LOCKS_H_INCLUDED
#define HF_LOCKS_H_INCLUDED

#include "nodes/locks/hf_section.h"
#include "nodes/locks/hf_sessions.h"

typedef struct hf_state_lock {
    hf_table_node_t by_name;
    hf_chain_t holders, waiters; //  hf_state_place_t; waiters in queue order
    uint32_t holders_count, waiters_count;
    uint32_t mode;
    bool holes;           //  somebody left the middle of the queue: tickets are not consecutive
    uint64_t last_ticket; //  of the youngest waiter
    uint32_t name_size;
    uint8_t name[];
} hf_state_lock_t;

typedef struct hf_state_place {
    hf_chain_t in_lock, in_session;
    hf_table_node_t by_waiter; //  only while it waits
    hf_state_session_t *session;
    hf_state_lock_t *lock;
    uint64_t token;        //  0: it waits
    uint64_t index;        //  of the command that granted it, or that queued it
    uint64_t born;         //  of the command that made the place: no two are the same. Rows keep
                           //  it for the order of a queue and of a session's places
    uint64_t ticket;       //  what its position is worked out from
    hf_section_t *section; //  NULL until the first append
    hf_row_t row;
} hf_state_place_t;

typedef struct hf_locks {
    hf_table_t by_name;
    hf_table_t by_waiter; //  by (lock, session): a queue is too long to look through
    uint64_t last_token;
    uint64_t staged_bytes; //  in all sections, with HF_STAGED_FILE_COST for each file
    uint64_t places;       //  of all sessions
    hf_rows_t *rows;
} hf_locks_t;

/*  ROWS, where changes are marked, must live longer. */
void hf_locks_init (hf_locks_t *self, hf_rows_t *rows);
/*  Frees all rows; the sessions' rings of places are then void. */
void hf_locks_done (hf_locks_t *self);

static inline hf_span_t
hf_state_lock_name (const hf_state_lock_t *lock)
{
    return (hf_span_t){.at = lock->name, .size = lock->name_size};
}

/*  NULL when nobody holds it. */
hf_state_lock_t *hf_locks_find (const hf_locks_t *self, hf_span_t name);

/*  The session's place at the lock; NULL when it has none. */
hf_state_place_t *hf_locks_place (const hf_locks_t *self, const hf_state_lock_t *lock,
                                  uint64_t session);

/*  Its hold with that token; NULL when there is no such hold. */
hf_state_place_t *hf_locks_hold (const hf_state_lock_t *lock, uint64_t session, uint64_t token);

/*  Grant a lock that has no row yet to SESSION, by the command at INDEX. */
hf_state_place_t *hf_locks_grant (hf_locks_t *self, hf_span_t name, hf_state_session_t *session,
                                  uint32_t mode, uint64_t index);

/*  Put SESSION, which has no place there, at the end of the queue. */
hf_state_place_t *hf_locks_queue (hf_locks_t *self, hf_state_lock_t *lock,
                                  hf_state_session_t *session, uint64_t index);

/*  A place that was there before, with its token, index and born; places must come in the order of
 *  BORN. The lock, if it is new, may have waiters only until its holder comes. NULL when that
 *  contradicts what is there. */
hf_state_place_t *hf_locks_load (hf_locks_t *self, hf_span_t name, hf_state_session_t *session,
                                 const hf_state_place_t *like);

/*  From 1: next. It may renumber the queue's tickets, which nobody can see, rows
 *  included. */
uint64_t hf_locks_position (const hf_state_place_t *waiter);

/*  Stage an append in a hold's section; as hf_section_append. */
hf_status_t hf_locks_append (hf_locks_t *self, hf_state_place_t *hold, hf_span_t file,
                             hf_span_t data);

/*  Take a piece of a hold's section from a row; as hf_section_load. */
bool hf_locks_load_piece (hf_locks_t *self, hf_state_place_t *hold, uint32_t number,
                          uint32_t offset, hf_span_t file, hf_span_t data);

/*  Take a place away, with its section. Gives whether waiters moved up in the queue.
 *  The caller then grants successors and settles the lock. */
bool hf_locks_remove (hf_locks_t *self, hf_state_place_t *place);

/*  Grant the lock to the next waiter that may have it now (P8); NULL when there is none. */
hf_state_place_t *hf_locks_grant_next (hf_locks_t *self, hf_state_lock_t *lock, uint64_t index);

/*  Drop the row of a lock that nobody holds any more. */
void hf_locks_settle (hf_locks_t *self, hf_state_lock_t *lock);

void hf_locks_check (const hf_locks_t *self);

#endif
