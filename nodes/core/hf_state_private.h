/*  hf_state_private.h - the inside of hf_state_t, shared by its files alone. */
#ifndef HF_STATE_PRIVATE_H_INCLUDED
#define HF_STATE_PRIVATE_H_INCLUDED

#include "nodes/core/hf_locks.h"
#include "nodes/core/hf_mutant.h"
#include "nodes/core/hf_outcomes.h"

struct hf_state {
    hf_sessions_t sessions;
    hf_locks_t locks;
    uint64_t applied_index;
    uint64_t command_index;
    uint64_t hash;
};

/*  Execute the records of a CMD_REQUESTS for SESSION, whose floor was raised before. */
void hf_state_requests (hf_state_t *self, hf_state_session_t *session, hf_list_t requests,
                        hf_outcomes_t *out);

/*  Answer each of them without executing it. */
void hf_state_refuse_requests (hf_state_t *self, uint64_t session, hf_list_t requests,
                               hf_status_t status, hf_outcomes_t *out);

/*  Take a place away as part of the command that is executed now, and tell who gains by it. */
void hf_state_leave (hf_state_t *self, hf_state_place_t *place, hf_outcomes_t *out);

/*  Read a request's kind and seq, which every kind has, whatever follows. SCAN moves
 *  behind the record, whole. False when it is no record with a seq. */
bool hf_state_request_head (hf_scan_t *scan, uint32_t *kind, uint64_t *seq);

#endif
