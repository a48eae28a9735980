/*  hf_state_private.h - the inside of hf_state_t, shared by its files alone. */
#ifndef HF_STATE_PRIVATE_H_INCLUDED
#define HF_STATE_PRIVATE_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_locks.h"
#include "nodes/locks/hf_state.h"

#define HF_STATE_ROWS_VERSION 3

//  Counters of a state that is loaded are at most this: they go on from there, and must never
//  overflow.
#define HF_STATE_COUNTER_MAX (UINT64_MAX / 4)

struct hf_state {
    hf_rows_t rows;
    hf_sessions_t sessions;
    hf_locks_t locks;
    uint64_t applied_index, applied_term;
    uint64_t command_index;
    uint64_t appended;      //  parts of released sections, ever
    uint64_t section_index; //  command index of the last released section
    uint64_t hash;
    uint64_t silences; //  CMD_SILENCEs that took effect since the start; not replicated
    uint8_t roster[HF_ROSTER_MAX];
    uint32_t roster_size;
    struct hf_loading *loading; //  rows that hf_state_loaded will read; NULL: none came
};

//  ---- commands ---------------------------------------------------------------------

/*  Execute the next COUNT records of SCAN, those of a CMD_REQUESTS, for SESSION, whose floor was
 *  raised before. They are well-formed, if not as requests. */
void hf_state_requests (hf_state_t *self, hf_state_session_t *session, hf_scan_t *scan,
                        uint32_t count, hf_outcomes_t *out);

/*  Answer each of them with STATUS without executing it. */
void hf_state_refuse_requests (hf_state_t *self, uint64_t session, hf_scan_t *scan, uint32_t count,
                               hf_status_t status, hf_outcomes_t *out);

/*  Grant what can be at the locks that the present command touched; report that and positions. */
void hf_state_grant (hf_state_t *self, hf_outcomes_t *out);

/*  Take a claim away as part of the present command, as hf_locks_remove, and grant its successors.
 */
void hf_state_leave (hf_state_t *self, hf_state_claim_t *claim, hf_what_happened_t what,
                     hf_outcomes_t *out);

/*  What SESSION, which is gone, still holds is closed no more; its successors are granted. */
void hf_state_reopen (hf_state_t *self, hf_state_session_t *session, hf_outcomes_t *out);

//  ---- outcomes ---------------------------------------------------------------------

/*  A new outcome at the end, all zero but its type and session; valid until the next is added. */
hf_outcome_t *hf_outcomes_add (hf_outcomes_t *self, hf_outcome_type_t type, uint64_t session);

void hf_outcomes_answer (hf_outcomes_t *self, uint64_t session, const hf_answer_t *answer);

/*  The lock of the outcome that was added last: a copy of NAME that lives as long as the outcomes.
 */
void hf_outcomes_name (hf_outcomes_t *self, hf_span_t name);

/*  The ring of the answer that was added last: a copy of the RING_ROWs. */
/*  Who asked for outcome number WHICH. */
void hf_outcomes_label (hf_outcomes_t *self, size_t which, hf_span_t by);
void hf_outcomes_ring (hf_outcomes_t *self, const hf_pack_t *rows);

/*  HASH, continued over the outcomes from FIRST on. */
uint64_t hf_outcomes_hash (const hf_outcomes_t *self, size_t first, uint64_t hash);

//  ---- views ------------------------------------------------------------------------

/*  Pack its LOCK_ROW, then the HOLDER_ROWs of its first HF_HOLDERS_LISTED holders. */
void hf_state_put_lock (const hf_state_t *self, const hf_state_lock_t *lock, hf_pack_t *rows);

//  ---- rows -------------------------------------------------------------------------

/*  Free the rows that were collected for loading. */
void hf_state_load_done (hf_state_t *self);

#endif
