/*  hf_state.h - the replicated state: sessions, locks, sections, reply cache.
 *
 *  Pure and deterministic: equal entries in equal order give equal state,
 *  equal outcomes and an equal running hash on every node (P4). It reads no
 *  clock; expiry is a command in the log. Nothing in an entry can make it
 *  fail: what is unknown or invalid is an error answer or no effect at all.
 *  Not thread-safe: one actor owns it.
 */
#ifndef HF_STATE_H_INCLUDED
#define HF_STATE_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_state hf_state_t;

hf_state_t *hf_state_new (void);
void hf_state_destroy (hf_state_t **self_p);

//  ---- outcomes -----------------------------------------------------------------

typedef enum hf_outcome_type {
    HF_OUT_OPENED = 1,  //  nonce, session, ttl_ms, status
    HF_OUT_ANSWER = 2,  //  session, answer: the answer to one request (also when repeated)
    HF_OUT_GRANTED = 3, //  session, lock, answer.token, answer.index: a waiter became the holder
    HF_OUT_MOVED = 4,   //  lock: places in its queue changed (read them with hf_state_waiters)
    HF_OUT_ENDED = 5,   //  session: closed or expired; status HF_OK (closed) or HF_SESSION_EXPIRED
                        //  (expired; or a CLOSE came for one that was gone already)
    HF_OUT_SECTION = 6, //  index, parts: a section was released and belongs in the files, in the
                        //  order of outcomes. parts: A_PART records, packed, one for each file;
                        //  index: of its RELEASE; session: the holder
    HF_OUT_TOUCHED = 7, //  session: OWNER of an APPEND by somebody else; counts as its keepalive
} hf_outcome_type_t;

typedef struct hf_outcome {
    hf_outcome_type_t type;
    hf_status_t status;
    uint64_t session;
    uint32_t ttl_ms;
    uint8_t nonce[HF_NONCE_SIZE];
    hf_answer_t answer;
    hf_span_t lock; //  points into the outcomes' own memory; valid until reset
    uint64_t index; //  of the command; see hf_state_command_index
    uint8_t *parts; //  owned by the outcomes; freed at reset unless the reader sets it to NULL
    hf_list_t parts_list;
} hf_outcome_t;

typedef struct hf_outcomes { //  an HF_ARRAY, and the names of its locks
    hf_outcome_t *list;
    size_t count, room;
    hf_pack_t names;
} hf_outcomes_t;

void hf_outcomes_init (hf_outcomes_t *self);
void hf_outcomes_done (hf_outcomes_t *self);
void hf_outcomes_reset (hf_outcomes_t *self);

//  ---- the one writer -------------------------------------------------------------

/*  Apply the committed entry at INDEX of TERM. INDEX must be applied_index + 1
 *  (asserted: entries come from our own log). Outcomes are added at the end of
 *  OUT. The payload is checked here: a malformed one changes nothing but the
 *  applied index and the hash. */
void hf_state_apply (hf_state_t *self, uint64_t index, const hf_entry_t *entry, hf_outcomes_t *out);

//  ---- rows: how the state is kept on disk and carried to other nodes ------------------

/*  The state as rows of (key, value), opaque to everybody else: one of the whole (counters, applied
 *  index and term, hash, roster), one a session, one a place, and pieces of staged bytes,
 *  none larger than HF_STATE_ROW_MAX. Version 1; layouts are in hf_state_rows.c.
 *
 *  How many rows changed since hf_state_changes was called last (about: each counted once, the row
 *  of the whole not at all), and how many bytes of staged data among them. */
#define HF_STATE_ROW_MAX (256U << 10)
size_t hf_state_changed_rows (const hf_state_t *self);
uint64_t hf_state_changed_bytes (const hf_state_t *self);

/*  Pack what changed since the last call (a STATE_CHANGE each: put or gone; a prefix takes
 *  away every key that begins with it) and count it as taken. Applied to rows as they were at the
 *  last call, in order, it gives the rows as of hf_state_applied_index. What came and went in
 *  between is not told. Work: in the changes, not in the state. */
void hf_state_changes (hf_state_t *self, hf_pack_t *changes);

/*  Pack every row (a STATE_ROW each), as of hf_state_applied_index; changes nothing. */
void hf_state_rows (const hf_state_t *self, hf_pack_t *rows);

/*  Take rows, in any order, into a new state; then check them together. False: malformed or
 *  contradicting each other (bounds first: rows come from a disk or another node); destroy it.
 *  A state without any row is that of index 0. */
bool hf_state_load (hf_state_t *self, hf_span_t key, hf_span_t value);
bool hf_state_loaded (hf_state_t *self);

//  ---- readers --------------------------------------------------------------------

/*  The term of the last entry applied; 0 before the first. */
uint64_t hf_state_applied_term (const hf_state_t *self);

/*  The payload of the last ROSTER entry applied; empty before the first. Valid until the next. */
hf_span_t hf_state_roster (const hf_state_t *self);

/*  The command index of the last section that was released; 0 before the first. */
uint64_t hf_state_section_index (const hf_state_t *self);

/*  The log index of the last entry applied. */
uint64_t hf_state_applied_index (const hf_state_t *self);

/*  Commands get consecutive numbers in the order of their effect, 1 and up, over
 *  all entries (an entry holds a batch). This is the `index` in answers: the
 *  place of an operation in the one order that all nodes share. */
uint64_t hf_state_command_index (const hf_state_t *self);

/*  Running hash over all that was applied and all that it caused. */
uint64_t hf_state_hash (const hf_state_t *self);

size_t hf_state_sessions_count (const hf_state_t *self);
size_t hf_state_locks_count (const hf_state_t *self);
uint64_t hf_state_staged_bytes (const hf_state_t *self);

/*  Live sessions, in ascending order of id: the first one greater than AFTER.
 *  False at the end. */
bool hf_state_next_session (const hf_state_t *self, uint64_t after, uint64_t *session,
                            uint32_t *ttl_ms);
bool hf_state_session_ttl (const hf_state_t *self, uint64_t session, uint32_t *ttl_ms);

/*  What SESSION holds (GRANTED records into HELD) and waits for (MOVED records,
 *  position 1 is next, into QUEUED). False when there is no such session. */
bool hf_state_session_places (const hf_state_t *self, uint64_t session, hf_pack_t *held,
                              hf_pack_t *queued);

/*  Call FN for each waiter of LOCK in queue order: its session and position from 1. */
typedef void (hf_waiter_fn) (void *arg, uint64_t session, uint64_t position);
void hf_state_waiters (const hf_state_t *self, hf_span_t lock, hf_waiter_fn *fn, void *arg);

/*  Pack the LOCK_ROWs of locks that are held, in the order of the names' bytes, after NAME, at most
 *  LIMIT; behind each the HOLDER_ROWs of its first HF_HOLDERS_LISTED holders. Gives whether there
 *  are more locks. */
bool hf_state_lock_rows (const hf_state_t *self, hf_span_t after, uint32_t limit, hf_pack_t *rows);

/*  Pack the LOCK_ROW of NAME, then its places from number FROM (1: the first) on, at most LIMIT:
 *  HOLDER_ROWs in the order of their tokens, then WAITER_ROWs in queue order. False when nobody
 *  holds it. *more: whether there are more places. */
bool hf_state_lock_detail (const hf_state_t *self, hf_span_t name, uint64_t from, uint32_t limit,
                           hf_pack_t *rows, bool *more);

/*  Pack a FILE_ROW for each file that SESSION staged at LOCK, with the staged bytes; checksum 0. */
void hf_state_staged (const hf_state_t *self, hf_span_t lock, uint64_t session, hf_pack_t *rows);

/*  Whether all requests of the list were applied before and their answers are
 *  kept: then pack the ANSWER records. Lets a leader answer repeats without the log. */
bool hf_state_answered (const hf_state_t *self, uint64_t session, hf_list_t requests,
                        hf_pack_t *items);

/*  Check every internal invariant (asserts); for tests and the simulator. */
void hf_state_check (const hf_state_t *self);

#endif
