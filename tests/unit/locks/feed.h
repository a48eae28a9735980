/*  feed.h - test help: builds entries, applies them, and looks at what they caused.
 *
 *  A checked feed applies every entry to two replicas, asserts after each that they
 *  agree in everything that can be seen (P4), and checks all invariants.
 */
#ifndef FEED_H_INCLUDED
#define FEED_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/locks/hf_state.h"

#define FEED_TERM 5

typedef struct feed_file {
    char name[256];
    uint8_t *bytes;
    size_t size, room;
} feed_file_t;

typedef struct feed {
    hf_state_t *state;
    hf_outcomes_t out; //  of the entry applied last
    hf_state_t *twin;  //  NULL: not checked
    hf_outcomes_t twin_out;
    hf_pack_t commands, requests;
    uint64_t term;
    uint64_t session, floor, seq; //  of the REQUESTS that is being built
    const char *label;            //  of the sessions that are opened from now on; NULL: none
    const char *user;             //  so, too; NULL: they are everybody's
    bool detect;                  //  so, too
    uint32_t delay_ms;            //  so, too
    uint64_t acts_for;            //  of CLAIMs from now on
    const char *note;             //  so, too; NULL: none
    HF_ARRAY (uint64_t) next_seq; //  by session
    HF_ARRAY (feed_file_t) files; //  what the released sections made
} feed_t;

feed_t *feed_new (bool checked);
/*  A feed that owns STATE and TWIN. */
feed_t *feed_over (hf_state_t *state, hf_state_t *twin);
/*  A checked feed with sessions 1 to SESSIONS, opened with nonces 101 and up. */
feed_t *feed_with (uint64_t sessions);
void feed_destroy (feed_t **self_p);

//  ---- building an entry ----------------------------------------------------------

void feed_cmd_open (feed_t *self, uint64_t nonce, uint32_t ttl_ms);
void feed_cmd_close (feed_t *self, uint64_t session);
void feed_cmd_expire (feed_t *self, uint64_t session, uint64_t term);

/*  Start a REQUESTS command of SESSION: the floor is at its next unused seq. */
void feed_start (feed_t *self, uint64_t session);
/*  The next request gets this seq (a repeat); later ones go on from there. */
void feed_again (feed_t *self, uint64_t seq);
void feed_acquire (feed_t *self, const char *lock, bool wait); //  EXCLUSIVE
void feed_acquire_mode (feed_t *self, const char *lock, uint32_t mode, bool wait);
/*  A CLAIM of COUNT places. */
void feed_claim (feed_t *self, const hf_place_t *places, size_t count, bool wait);
void feed_release (feed_t *self, const char *lock, uint64_t token, uint64_t owner);
void feed_cancel (feed_t *self, const char *lock, uint64_t token, uint64_t owner);
void feed_abandon (feed_t *self, const char *lock);
void feed_note (feed_t *self, const char *lock, uint64_t token, uint64_t owner, const char *note);
void feed_append (feed_t *self, const char *lock, uint64_t token, uint64_t owner, const char *file,
                  hf_span_t data);
/*  A request already packed. */
void feed_raw (feed_t *self, const hf_pack_t *request);
/*  Close the REQUESTS command; feed_apply does it too. */
void feed_stop (feed_t *self);

/*  The unused seq that comes next for SESSION. */
uint64_t feed_seq (feed_t *self, uint64_t session);

//  ---- applying -------------------------------------------------------------------

void feed_apply (feed_t *self);
void feed_apply_payload (feed_t *self, hf_span_t payload);
void feed_apply_entry (feed_t *self, uint32_t type, hf_span_t payload);

//  ---- one entry each -----------------------------------------------------------

/*  Gives the session, which must be opened. */
uint64_t feed_open (feed_t *self, uint64_t nonce, uint32_t ttl_ms);
hf_answer_t feed_do_acquire (feed_t *self, uint64_t session, const char *lock, bool wait);
hf_status_t feed_do_release (feed_t *self, uint64_t session, const char *lock, uint64_t token);
hf_status_t feed_do_cancel (feed_t *self, uint64_t session, const char *lock, uint64_t token);
hf_status_t feed_do_abandon (feed_t *self, uint64_t session, const char *lock);
hf_status_t feed_do_append (feed_t *self, uint64_t session, const char *lock, uint64_t token,
                            const char *file, const char *text);
void feed_do_close (feed_t *self, uint64_t session);

//  ---- looking ------------------------------------------------------------------

size_t feed_count (const feed_t *self, hf_outcome_type_t type);
/*  The NTH (from 0) outcome of that type; fails the test when there is none. */
const hf_outcome_t *feed_outcome (const feed_t *self, hf_outcome_type_t type, size_t nth);
const hf_answer_t *feed_answer (const feed_t *self, size_t nth);

/*  The content that released sections gave FILE, as text; "" when there is none. */
const char *feed_file (const feed_t *self, const char *file);

/*  The holder of LOCK (0: nobody) and the queue as text: "2 5 3". */
uint64_t feed_holder (const feed_t *self, const char *lock, uint64_t *token);
const char *feed_queue (const feed_t *self, const char *lock, char *text);

#endif
