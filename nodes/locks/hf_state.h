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

#include "nodes/locks/hf_happened.h"
#include "nodes/locks/hf_measures.h"

typedef struct hf_state hf_state_t;

hf_state_t *hf_state_new (void);
void hf_state_destroy (hf_state_t **self_p);

//  ---- outcomes -----------------------------------------------------------------

typedef enum hf_outcome_type {
    HF_OUT_OPENED = 1,   //  nonce, session, ttl_ms, status
    HF_OUT_ANSWER = 2,   //  session, answer: the answer to one request (also when repeated)
    HF_OUT_GRANTED = 3,  //  session, lock, answer.token, answer.index, answer.position
                         //  (the token that it replaces), waiters: a waiter became a
                         //  holder
    HF_OUT_MOVED = 4,    //  lock: positions in its queue changed (read them with hf_state_waiters)
    HF_OUT_ENDED = 5,    //  session: closed or expired; status HF_OK (closed) or HF_SESSION_EXPIRED
                         //  (expired; or a CLOSE named a session that does not exist). What it held
                         //  may stay closed: hf_state_session_gone. by: who closed it for others
    HF_OUT_SECTION = 6,  //  session, index, parts_list: the holder released a section, to be
                         //  appended to the files in the order of outcomes. parts_list: an A_PART
                         //  record for each file; index: of the RELEASE
    HF_OUT_TOUCHED = 7,  //  session: another session appended on its behalf; counts as a keepalive
    HF_OUT_REOPENED = 8, //  session: what it held when it expired is closed no more
    HF_OUT_WANTED = 9,   //  lock: it is held, and the first waiter came (see hf_state_holders)
    HF_OUT_SKIPPED = 10, //  numbers of what happens were left out; alone in its entry
    HF_OUT_TAKEN = 11,   //  session, lock, answer.token, index: another session ended this hold of
                         //  it; answer.position is who, and status HF_OK (its section was
                         //  committed) or HF_NOT_GRANTED (dropped)
} hf_outcome_type_t;

typedef struct hf_outcome {
    hf_outcome_type_t type;
    hf_status_t status;
    uint64_t session;
    uint32_t ttl_ms;
    uint8_t nonce[HF_NONCE_SIZE];
    hf_answer_t answer;
    uint32_t waiters;
    uint64_t index; //  of the command; see hf_state_command_index
    uint8_t *owned; //  the bytes of lock, by, parts_list or ring, which are valid until reset
    hf_span_t lock;
    hf_list_t parts_list;
    uint64_t number; //  of the first part, as HAPPENED counts what is APPENDED
    hf_span_t by;    //  of ENDED; empty: it was not said
    hf_list_t ring;  //  of an ANSWER DEADLOCK that is given for the first time: RING_ROWs
} hf_outcome_t;

typedef struct hf_outcomes { //  an HF_ARRAY
    hf_outcome_t *list;
    size_t count, room;
} hf_outcomes_t;

void hf_outcomes_init (hf_outcomes_t *self);
void hf_outcomes_done (hf_outcomes_t *self);
void hf_outcomes_reset (hf_outcomes_t *self);

//  ---- the only writer ------------------------------------------------------------

/*  Apply the committed ENTRY at INDEX, which must be applied_index + 1 (asserted: entries come from
 *  our own log). Outcomes are added at the end of OUT. The payload is checked here: a malformed one
 *  changes nothing but the applied index and the hash. */
void hf_state_apply (hf_state_t *self, uint64_t index, const hf_entry_t *entry, hf_outcomes_t *out);

/*  What is applied from now on happens at NOW_US of this node's clock, which never goes back. It
 *  does not change what is applied: only measures, which are no part of the state, go by it.
 * COUNTS: what ends now is counted in them. */
void hf_state_measure (hf_state_t *self, uint64_t now_us, bool counts);
const hf_measures_t *hf_state_measures (const hf_state_t *self);

/*  A lock whose queue stands still. */
typedef struct hf_stuck {
    hf_span_t lock; //  valid until the next entry is applied
    uint64_t for_us;
    uint32_t waiters;
    uint64_t holder; //  session; 0: nobody holds it, as its head waits for other locks, too
    hf_span_t label; //  of that session
} hf_stuck_t;

/*  Whether the queue of a lock has not moved for LIMIT_US, or for twice as long as when it was told
 *  last: nobody was granted the lock, and its first waiter is the same. Each call tells one. It
 *  looks at the 1,000 claims that wait the longest, and knows nothing of those that were loaded. */
bool hf_state_stuck (hf_state_t *self, uint64_t limit_us, uint64_t now_us, hf_stuck_t *stuck);

//  ---- what happened --------------------------------------------------------------------

/*  FN is called for all that happens to locks while entries are applied, in order, once for each
 *  lock of a set. Together with the places at some index it gives the places at every later one.
 *  NULL: nobody listens. */
typedef void (hf_happened_fn) (void *arg, const hf_happened_t *happened);
void hf_state_listen (hf_state_t *self, hf_happened_fn *fn, void *arg);

//  ---- rows: how the state is kept on disk and carried to other nodes ------------------

/*  The state is rows of (key, value), opaque to everybody else: one for the state itself (counters,
 *  applied index and term, hash, roster), one for each session and each claim, and pieces of staged
 *  bytes; none is larger than HF_STATE_ROW_MAX. Layouts are in hf_state_rows.c.
 *
 *  How many rows are dirty, changed since the last hf_state_changes (the state's own row is not
 *  counted), and how many bytes of staged data they hold. */
#define HF_STATE_ROW_MAX (256U << 10)
#define HF_STATE_KEY_MAX 32 //  bytes; no key is longer
size_t hf_state_changed_rows (const hf_state_t *self);
uint64_t hf_state_changed_bytes (const hf_state_t *self);

/*  Flush: pack a STATE_CHANGE for each dirty row and each deleted one (a prefix deletes every key
 *  that begins with it), and mark all rows clean. Applied in order to the rows as of the last call,
 *  they give the rows as of hf_state_applied_index. The work grows with the changes, not with the
 *  state. CHANGES NULL: mark only. */
void hf_state_changes (hf_state_t *self, hf_pack_t *changes);

/*  Pack every row (a STATE_ROW each), as of hf_state_applied_index; changes nothing. */
void hf_state_rows (const hf_state_t *self, hf_pack_t *rows);

/*  Collect rows, in any order, in a new state; then read them all. Rows come from a disk or another
 *  node, so they are checked. False: malformed, beyond a bound, or contradicting each other;
 * destroy the state. Without any row it is the state of index 0. */
bool hf_state_load (hf_state_t *self, hf_span_t key, hf_span_t value);
bool hf_state_loaded (hf_state_t *self);

//  ---- readers --------------------------------------------------------------------

/*  The term of the last entry applied; 0 before the first. */
uint64_t hf_state_applied_term (const hf_state_t *self);

/*  The payload of the last ROSTER entry applied; empty before the first. Valid until the next. */
hf_span_t hf_state_roster (const hf_state_t *self);

/*  The state is taken over to a new cluster, which has other members: the roster is empty again. */
void hf_state_forget_members (hf_state_t *self);

/*  The command index of the last section that was released; 0 before the first. */
uint64_t hf_state_section_index (const hf_state_t *self);

/*  The log index of the last entry applied. */
uint64_t hf_state_applied_index (const hf_state_t *self);

/*  Commands are numbered from 1 in the order of their effect, over all entries (an entry holds a
 *  batch). This is the `index` in answers: the place of an operation in the order that all nodes
 *  share. */
uint64_t hf_state_command_index (const hf_state_t *self);

/*  The last token that was granted, or left out by a CMD_SKIP; 0: none was. */
uint64_t hf_state_last_token (const hf_state_t *self);

/*  Running hash over all applied entries and their outcomes. */
uint64_t hf_state_hash (const hf_state_t *self);

/*  How much has HAPPENED to locks, ever; how many parts of sections were released. */
uint64_t hf_state_happened (const hf_state_t *self);
uint64_t hf_state_appended (const hf_state_t *self);

size_t hf_state_sessions_count (const hf_state_t *self);
uint64_t hf_state_answers_count (const hf_state_t *self);
size_t hf_state_locks_count (const hf_state_t *self);
/*  Places at locks that hold, and that wait. */
uint64_t hf_state_holds_count (const hf_state_t *self);
uint64_t hf_state_waiting_count (const hf_state_t *self);
uint64_t hf_state_staged_bytes (const hf_state_t *self);

/*  Sessions, in ascending order of id: the first one greater than AFTER. *lease_ms: its TTL; of one
 *  that is gone, how long what it held stays closed. False at the end. */
bool hf_state_next_session (const hf_state_t *self, uint64_t after, uint64_t *session,
                            uint32_t *lease_ms);
/*  Whether SESSION has expired, and what it held stays closed for *delay_ms. */
bool hf_state_session_gone (const hf_state_t *self, uint64_t session, uint32_t *delay_ms);
/*  How much of the lease had run when a leader last logged it; 0: the session was heard since. */
uint32_t hf_state_session_ran (const hf_state_t *self, uint64_t session);
/*  What the session said of itself when it was opened; empty: nothing, or there is no session. */
hf_span_t hf_state_session_label (const hf_state_t *self, uint64_t session);
/*  Whose the session is; empty: everybody's, or there is no session. */
hf_span_t hf_state_session_user (const hf_state_t *self, uint64_t session);
/*  How many sessions are USER's, with those that are gone. */
uint32_t hf_state_user_sessions (const hf_state_t *self, hf_span_t user);
/*  Whether a session can have this label: none, or as a name. */
bool hf_state_label_valid (hf_span_t label);
/*  Whether another session waits for a lock that SESSION holds or waits for. */
bool hf_state_session_wanted (const hf_state_t *self, uint64_t session);
/*  How many CMD_SILENCEs took effect since this state was made or loaded. */
uint64_t hf_state_silences (const hf_state_t *self);
/*  Whether there is a session that was opened with this nonce, of HF_NONCE_SIZE. */
bool hf_state_opened (const hf_state_t *self, hf_span_t nonce);
bool hf_state_session_ttl (const hf_state_t *self, uint64_t session, uint32_t *ttl_ms);

/*  How many answers SESSION would give back if its floor rose to FLOOR, or room for them; at most.
 */
uint32_t hf_state_answers_below (const hf_state_t *self, uint64_t session, uint64_t floor);

/*  What SESSION holds (GRANTED records into HELD) and waits for (MOVED records,
 *  position 1 is next, into QUEUED), one record for each claim, which has the name of the first
 *  lock that it asked for. An upgrade is in QUEUED, its hold in HELD. False when there is no such
 * session. */
bool hf_state_session_places (const hf_state_t *self, uint64_t session, hf_pack_t *held,
                              hf_pack_t *queued);

/*  How many wait for LOCK; 0 when SESSION has a place there. */
uint32_t hf_state_queued (const hf_state_t *self, hf_span_t lock, uint64_t session);

/*  Call FN for each waiter of LOCK, in queue order, but for the first SKIP and not for more than
 * MOST: the name, session and position of its claim, as in MOVED. True: there are more behind. */
typedef void (hf_waiter_fn) (void *arg, hf_span_t lock, uint64_t session, uint64_t position);
bool hf_state_waiters (const hf_state_t *self, hf_span_t lock, uint32_t skip, uint32_t most,
                       hf_waiter_fn *fn, void *arg);

/*  Call FN for each hold of LOCK that others wait for, of the oldest MOST: the name of its claim,
 * its session and token, how many wait, as in WANTED. */
typedef void (hf_holder_fn) (void *arg, hf_span_t lock, uint64_t session, uint64_t token,
                             uint64_t waiters);
void hf_state_holders (const hf_state_t *self, hf_span_t lock, uint32_t most, hf_holder_fn *fn,
                       void *arg);

/*  Of rows, those alone for which FN gives true; TEXT: the name of the lock, or whose the session
 *  is. A pointer to one may be NULL: all. */
typedef struct hf_shown {
    bool (*fn) (void *arg, hf_span_t text);
    void *arg;
} hf_shown_t;

/*  A page of the locks that are held or waited for, in the order of the names' bytes: those after
 *  AFTER, at most LIMIT. Locks are in no order, so a page looks at all of them: in steps, between
 *  which entries may be applied. A lock that is there all the time is in the page; of one that
 * comes or goes meanwhile it may be that it is not. */
typedef struct hf_lock_page hf_lock_page_t;
hf_lock_page_t *hf_lock_page_new (hf_span_t after, uint32_t limit);
void hf_lock_page_destroy (hf_lock_page_t **self_p);

/*  A step: look at about MOST locks more. True: all were looked at. Then packs a LOCK_ROW for each
 *  as it is now, behind it the HOLDER_ROWs of its first HF_HOLDERS_LISTED holders, and *more is
 *  whether there are more locks; if so, there is at least one row, unless LIMIT is 0. */
bool hf_lock_page_step (hf_lock_page_t *self, const hf_state_t *state, size_t most,
                        const hf_shown_t *shown, hf_pack_t *rows, bool *more);

/*  The same in one step. Gives whether there are more. */
bool hf_state_lock_rows (const hf_state_t *self, hf_span_t after, uint32_t limit,
                         const hf_shown_t *shown, hf_pack_t *rows);

/*  Pack the LOCK_ROW of NAME, then its places from number FROM (1: the first) on, at most LIMIT:
 *  HOLDER_ROWs in the order of their tokens, then WAITER_ROWs in queue order. False when nobody
 *  holds it or waits for it. *more: whether there are more places. */
bool hf_state_lock_detail (const hf_state_t *self, hf_span_t name, uint64_t from, uint32_t limit,
                           hf_pack_t *rows, bool *more);

/*  Pack the SESSION_ROWs of sessions, gone or not, in ascending order of id, after AFTER, at most
 *  LIMIT. Gives whether there are more. */
bool hf_state_session_rows (const hf_state_t *self, uint64_t after, uint32_t limit,
                            const hf_shown_t *shown, hf_pack_t *rows);

/*  Pack a FILE_ROW for each file that SESSION staged at LOCK, with the staged bytes; checksum 0. */
void hf_state_staged (const hf_state_t *self, hf_span_t lock, uint64_t session, hf_pack_t *rows);

/*  Whether request SEQ of the session was applied before and its answer is kept. */
bool hf_state_knows (const hf_state_t *self, uint64_t session, uint64_t seq);
/*  Whether all requests of the list were applied before and their answers are
 *  kept: then pack the ANSWER records. Lets a leader answer repeats without the log. */
bool hf_state_answered (const hf_state_t *self, uint64_t session, hf_list_t requests,
                        hf_pack_t *items);

/*  Check every internal invariant (asserts); for tests and the simulator. */
void hf_state_check (const hf_state_t *self);

#endif
