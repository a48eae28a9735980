/*  hf_sessions.h - the live sessions: a row each, by id, by nonce and in order of id.
 *
 *  Private to the replicated state.
 */
#ifndef HF_SESSIONS_H_INCLUDED
#define HF_SESSIONS_H_INCLUDED

#include "nodes/core/hf_chain.h"
#include "nodes/core/hf_replies.h"
#include "nodes/core/hf_table.h"

typedef struct hf_state_session {
    hf_table_node_t by_id, by_nonce;
    hf_chain_t in_order;
    uint64_t id;
    uint32_t ttl_ms;
    uint8_t nonce[HF_NONCE_SIZE];
    hf_replies_t replies;
    hf_chain_t places; //  hf_state_place_t: what it holds and waits for, oldest first
    uint32_t places_count;
} hf_state_session_t;

typedef struct hf_sessions {
    hf_table_t by_id, by_nonce;
    hf_chain_t in_order;
    uint64_t last_id; //  ids rise and are never given twice
} hf_sessions_t;

/*  The struct must stay where it is until hf_sessions_done, which frees the rows. */
void hf_sessions_init (hf_sessions_t *self);
void hf_sessions_done (hf_sessions_t *self);

hf_state_session_t *hf_sessions_open (hf_sessions_t *self, const uint8_t *nonce, uint32_t ttl_ms);
/*  The session must have no places left. */
void hf_sessions_end (hf_sessions_t *self, hf_state_session_t *session);

size_t hf_sessions_count (const hf_sessions_t *self);
/*  NULL when there is none. */
hf_state_session_t *hf_sessions_find (const hf_sessions_t *self, uint64_t id);
hf_state_session_t *hf_sessions_find_nonce (const hf_sessions_t *self, const uint8_t *nonce);
/*  The live one with the lowest id above AFTER; NULL when there is none. */
hf_state_session_t *hf_sessions_next (const hf_sessions_t *self, uint64_t after);

void hf_sessions_check (const hf_sessions_t *self);

#endif
