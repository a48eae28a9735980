/*  hf_locks.h - the lock table: who holds each lock, and who waits for it in which order.
 *
 *  A place is a session's share of a lock: a hold (token > 0) or a turn in the queue (token 0). A
 *  session has at most one place at a lock. The mode belongs to the place. A lock exists while it
 *  has a place, and the first waiter never fits beside the holders: whoever takes a place away
 *  grants successors in the same step. Tokens come from one counter for all locks, so they rise at
 *  each lock, and nothing need be kept of a free lock (P5a).
 *  Private to the replicated state.
 */
#ifndef HF_LOCKS_H_INCLUDED
#define HF_LOCKS_H_INCLUDED

#include "nodes/locks/hf_section.h"
#include "nodes/locks/hf_sessions.h"

typedef struct hf_state_lock {
    hf_table_node_t by_name;
    hf_chain_t holders; //  hf_state_place_t, in the order of their tokens
    hf_chain_t waiters; //  hf_state_place_t, in queue order
    uint32_t holders_count, waiters_count;
    bool holes;           //  a waiter left the middle of the queue: tickets are not consecutive
    uint64_t last_ticket; //  of the youngest waiter
    uint32_t name_size;
    uint8_t name[];
} hf_state_lock_t;

typedef struct hf_state_place {
    hf_chain_t in_lock, in_session;
    hf_table_node_t by_session; //  by (lock, session)
    hf_state_session_t *session;
    hf_state_lock_t *lock;
    uint32_t mode;         //  HF_MODE_EXCLUSIVE, the only one there is
    uint64_t token;        //  0: it waits
    uint64_t index;        //  of the command that granted it, or that queued it
    uint64_t born;         //  of the command that made the place: no two are the same. Rows keep
                           //  it for the order of a queue and of a session's places
    uint64_t ticket;       //  what a waiter's position is computed from
    hf_section_t *section; //  NULL until the first append
    hf_row_t row;
} hf_state_place_t;

typedef struct hf_locks {
    hf_table_t by_name;
    hf_table_t by_session; //  every place
    uint64_t last_token;
    uint64_t places;
    uint64_t staged_bytes; //  in all sections, with HF_STAGED_FILE_COST for each file
    hf_rows_t *rows;
} hf_locks_t;

/*  ROWS must live longer. */
void hf_locks_init (hf_locks_t *self, hf_rows_t *rows);
/*  Frees all places; the sessions' rings of places are then void. */
void hf_locks_done (hf_locks_t *self);

static inline hf_span_t
hf_state_lock_name (const hf_state_lock_t *lock)
{
    return (hf_span_t){.at = lock->name, .size = lock->name_size};
}

/*  NULL when it is free. */
hf_state_lock_t *hf_locks_find (const hf_locks_t *self, hf_span_t name);

/*  The session's place at the lock; NULL when it has none. */
hf_state_place_t *hf_locks_place (const hf_locks_t *self, const hf_state_lock_t *lock,
                                  uint64_t session);

/*  The session's hold of the lock with that token; NULL when there is no such hold. */
hf_state_place_t *hf_locks_hold (const hf_locks_t *self, hf_span_t name, uint64_t session,
                                 uint64_t token);

/*  Whether a new place of MODE is granted at once: it fits, and nobody waits. LOCK NULL: free. */
bool hf_locks_open (const hf_state_lock_t *lock, uint32_t mode);

/*  Give SESSION, which has none, a place at the lock by the command at INDEX: a hold when the lock
 *  is open to MODE, otherwise the end of the queue. LOCK is that of NAME, NULL when it is free. */
hf_state_place_t *hf_locks_join (hf_locks_t *self, hf_state_lock_t *lock, hf_span_t name,
                                 hf_state_session_t *session, uint32_t mode, uint64_t index);

/*  Restore a place from a row, with LIKE's mode, token, index and born. Call in ascending order of
 *  born; then hf_locks_load_hold for each hold in ascending order of token; then hf_locks_loaded.
 *  NULL or false: the row contradicts those already loaded. */
hf_state_place_t *hf_locks_load (hf_locks_t *self, hf_span_t name, hf_state_session_t *session,
                                 const hf_state_place_t *like);
bool hf_locks_load_hold (hf_locks_t *self, hf_state_place_t *hold);
bool hf_locks_loaded (const hf_locks_t *self);

/*  From 1: next. It may renumber the queue's tickets, which nothing else shows. */
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

/*  Grant the lock to the first waiter if it fits (P8); NULL when there is none to grant. */
hf_state_place_t *hf_locks_grant_next (hf_locks_t *self, hf_state_lock_t *lock, uint64_t index);

/*  Free the lock's row when it has no place left. */
void hf_locks_settle (hf_locks_t *self, hf_state_lock_t *lock);

void hf_locks_check (const hf_locks_t *self);

#endif
