/*  hf_sessions.h - the live sessions, by id, by nonce and in order of id.
 *
 *  Private to the replicated state.
 */
#ifndef HF_SESSIONS_H_INCLUDED
#define HF_SESSIONS_H_INCLUDED

#include "base/hf_chain.h"
#include "nodes/locks/hf_replies.h"
#include "nodes/locks/hf_rows.h"
#include "base/hf_table.h"

typedef struct hf_state_session {
    hf_table_node_t by_id, by_nonce;
    hf_chain_t in_order;
    uint64_t id;
    uint32_t ttl_ms;
    uint32_t
        ran_ms; //  how much of the TTL had run when a leader last logged it; 0: it was heard since
    uint8_t nonce[HF_NONCE_SIZE];
    hf_replies_t replies;
    hf_chain_t claims;     //  hf_state_claim_t: what it holds and waits for, oldest first
    uint32_t places_count; //  of its claims
    hf_row_t row;
} hf_state_session_t;

typedef struct hf_sessions {
    hf_table_t by_id, by_nonce;
    hf_chain_t in_order;
    uint64_t last_id; //  ids rise and are never reused
    uint64_t answers; //  in all reply caches
    hf_rows_t *rows;
} hf_sessions_t;

/*  The struct must stay where it is until hf_sessions_done, which frees the sessions.
 *  ROWS must live longer. */
void hf_sessions_init (hf_sessions_t *self, hf_rows_t *rows);
void hf_sessions_done (hf_sessions_t *self);

hf_state_session_t *hf_sessions_open (hf_sessions_t *self, const uint8_t *nonce, uint32_t ttl_ms);
/*  Restore a session. ID must be above all others, NONCE unused, TTL_MS in range. */
hf_state_session_t *hf_sessions_load (hf_sessions_t *self, uint64_t id, const uint8_t *nonce,
                                      uint32_t ttl_ms);

/*  As hf_replies_raise and hf_replies_keep. */
void hf_sessions_raise (hf_sessions_t *self, hf_state_session_t *session, uint64_t floor);
/*  So much of its TTL has run; 0: it was heard. */
void hf_sessions_run (hf_sessions_t *self, hf_state_session_t *session, uint32_t ran_ms);
/*  Whether there is room for one more answer, and the session's own part of the room that is left
 *  is not used up: however many sessions keep many, others may keep some. */
bool hf_sessions_may_keep (const hf_sessions_t *self, const hf_state_session_t *session);
void hf_sessions_keep (hf_sessions_t *self, hf_state_session_t *session, const hf_answer_t *answer);

/*  The session must have no claims left. */
void hf_sessions_end (hf_sessions_t *self, hf_state_session_t *session);

size_t hf_sessions_count (const hf_sessions_t *self);
/*  NULL when there is none. */
hf_state_session_t *hf_sessions_find (const hf_sessions_t *self, uint64_t id);
hf_state_session_t *hf_sessions_find_nonce (const hf_sessions_t *self, const uint8_t *nonce);
/*  The live one with the lowest id above AFTER; NULL when there is none. */
hf_state_session_t *hf_sessions_next (const hf_sessions_t *self, uint64_t after);

void hf_sessions_check (const hf_sessions_t *self);

#endif
