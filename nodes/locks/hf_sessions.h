/*  hf_sessions.h - the live sessions, by id, by nonce and in order of id.
 *
 *  Private to the replicated state.
 */
#ifndef HF_SESSIONS_H_INCLUDED
#define HF_SESSIONS_H_INCLUDED

#include "base/hf_chain.h"
#include "nodes/locks/hf_owners.h"
#include "nodes/locks/hf_replies.h"
#include "nodes/locks/hf_rows.h"
#include "base/hf_table.h"

//  First what each of its requests needs: with many sessions that is not in the caches.
typedef struct hf_state_session {
    hf_table_node_t by_id;
    uint64_t id;
    hf_replies_t replies;
    uint32_t ran_ms; //  how much of its lease had run when a leader last logged it; 0: it was
                     //  heard since
    hf_row_t row;
    bool gone;   //  it has expired, and its locks are closed: nobody but them knows it
    bool detect; //  it holds what it holds while it waits
    uint8_t label_size, user_size;
    uint32_t ttl_ms;
    hf_chain_t claims;     //  hf_state_claim_t: what it holds and waits for, oldest first
    uint32_t places_count; //  of its claims
    uint32_t holds_count;  //  of these, that hold
    uint32_t note_bytes;   //  in their notes
    uint32_t delay_ms;     //  so long its locks stay closed when it expires
    uint8_t *label;    //  and behind it the user: whose the session is; of no bytes: everybody's
    hf_owner_t *owner; //  the same user; NULL: everybody's
    hf_chain_t acted;  //  hf_state_claim_t of other sessions that act for it, oldest first
    hf_table_node_t by_nonce;
    hf_chain_t in_order;
    uint8_t nonce[HF_NONCE_SIZE];
} hf_state_session_t;

/*  The session that was last looked for by its id, and is often looked for again; NULL: none, or
 *  it has ended. Not a part of the table, which a look-up does not change. */
typedef struct hf_sessions_memo {
    hf_state_session_t *session;
} hf_sessions_memo_t;

typedef struct hf_sessions {
    hf_table_t by_id, by_nonce;
    hf_owners_t owners; //  of all sessions
    hf_chain_t in_order;
    uint64_t last_id; //  ids rise and are never reused
    uint64_t answers; //  in all reply caches
    hf_rows_t *rows;
    hf_sessions_memo_t *found; //  owned
} hf_sessions_t;

/*  The struct must stay where it is until hf_sessions_done, which frees the sessions.
 *  ROWS must live longer. */
void hf_sessions_init (hf_sessions_t *self, hf_rows_t *rows);
void hf_sessions_done (hf_sessions_t *self);

/*  NONCE must be unused, TTL_MS in range, the label valid, and the user, if there is one. */
hf_state_session_t *hf_sessions_open (hf_sessions_t *self, const hf_cmd_open_as_t *open);
/*  Restore a session. ID must be above all others. */
hf_state_session_t *hf_sessions_load (hf_sessions_t *self, uint64_t id,
                                      const hf_cmd_open_as_t *open);

/*  Whether what a session loses by expiry can stay closed for so long. */
static inline bool
hf_sessions_delay_valid (uint32_t delay_ms)
{
    return delay_ms == 0 || (delay_ms >= HF_DELAY_MIN_MS && delay_ms <= HF_DELAY_MAX_MS);
}

static inline hf_span_t
hf_sessions_label (const hf_state_session_t *session)
{
    return (hf_span_t){.at = session->label, .size = session->label_size};
}

static inline hf_span_t
hf_sessions_user (const hf_state_session_t *session)
{
    return (hf_span_t){.at = session->label + (session->label ? session->label_size : 0),
                       .size = session->user_size};
}

/*  Whether a session can belong to USER: to everybody, or to one. */
static inline bool
hf_sessions_user_valid (hf_span_t user)
{
    return user.size == 0 || hf_user_valid (user);
}

/*  Whether SESSION may do something in the name of OTHER: it is everybody's, or of the same user.
 */
static inline bool
hf_sessions_may_act (const hf_state_session_t *session, const hf_state_session_t *other)
{
    return other->user_size == 0 ||
           hf_span_equal (hf_sessions_user (session), hf_sessions_user (other));
}

/*  As hf_replies_raise and hf_replies_keep. */
void hf_sessions_raise (hf_sessions_t *self, hf_state_session_t *session, uint64_t floor);
/*  How long it may be silent: its TTL; when it is gone, its delay. */
static inline uint32_t
hf_sessions_lease (const hf_state_session_t *session)
{
    return session->gone ? session->delay_ms : session->ttl_ms;
}
/*  So much of its lease has run; 0: it was heard. */
void hf_sessions_run (hf_sessions_t *self, hf_state_session_t *session, uint32_t ran_ms);
/*  Whether there is room for one more answer, and the session's own part of the room that is left
 *  is not used up: however many sessions keep many, others may keep some. */
bool hf_sessions_may_keep (const hf_sessions_t *self, const hf_state_session_t *session);
void hf_sessions_keep (hf_sessions_t *self, hf_state_session_t *session, const hf_answer_t *answer);

/*  It has expired, and what it holds stays closed. */
void hf_sessions_depart (hf_sessions_t *self, hf_state_session_t *session);

/*  The session must have no claims left. */
void hf_sessions_end (hf_sessions_t *self, hf_state_session_t *session);

size_t hf_sessions_count (const hf_sessions_t *self);
/*  NULL when there is none. */
hf_state_session_t *hf_sessions_find (const hf_sessions_t *self, uint64_t id);
/*  The same, also of one that is gone. */
hf_state_session_t *hf_sessions_find_any (const hf_sessions_t *self, uint64_t id);
hf_state_session_t *hf_sessions_find_nonce (const hf_sessions_t *self, const uint8_t *nonce);
/*  The one with the lowest id above AFTER, gone or not; NULL when there is none. */
hf_state_session_t *hf_sessions_next (const hf_sessions_t *self, uint64_t after);

void hf_sessions_check (const hf_sessions_t *self);

#endif
