/*  hf_state_private.h - the inside of hf_state_t, shared by its files alone. */
#ifndef HF_STATE_PRIVATE_H_INCLUDED
#define HF_STATE_PRIVATE_H_INCLUDED

#include "nodes/locks/hf_locks.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_outcomes.h"

struct hf_state {
    hf_rows_t rows;
    hf_sessions_t sessions;
    hf_locks_t locks;
    uint64_t applied_index, applied_term;
    uint64_t command_index;
    uint64_t section_index; //  command index of the last released section
    uint64_t hash;
    uint8_t known[HF_KNOWN_PAYLOAD_MAX];
    uint32_t known_size;
    struct hf_loading *loading; //  rows that hf_state_loaded will look at; NULL: none came
};

/*  Free the rows that were taken. */
void hf_state_load_done (hf_state_t *self);

/*  Count all changed rows as told, without telling them. */
void hf_state_changes_taken (hf_state_t *self);

/*  Whether PAYLOAD says who is known, and well-formed. */
bool hf_state_known_valid (hf_span_t payload);

/*  Execute the records of a CMD_REQUESTS for SESSION, whose floor was raised before. */
void hf_state_requests (hf_state_t *self, hf_state_session_t *session, hf_list_t requests,
                        hf_outcomes_t *out);

/*  Answer each of them without executing it. */
void hf_state_refuse_requests (hf_state_t *self, uint64_t session, hf_list_t requests,
                               hf_status_t status, hf_outcomes_t *out);

/*  Take a place away as part of the command that is executed now, and tell who gains by it. */
void hf_state_leave (hf_state_t *self, hf_state_place_t *place, hf_outcomes_t *out);

#endif
