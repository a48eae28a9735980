/*  model.h - the replicated state once more, slow and obvious, to compare the real one with.
 *
 *  Written from the promises, not from the code: plain arrays, no hash, no ring, every question
 *  answered by looking at everything. It has a few locks and files, by the names below.
 */
#ifndef MODEL_H_INCLUDED
#define MODEL_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/locks/hf_state.h"

enum { MODEL_SESSIONS = 300, MODEL_LOCKS = 5, MODEL_FILES = 3 };

enum { MODEL_NOTES = 3, MODEL_LABELS = 3, MODEL_USERS = 3 };

extern const char *const model_locks[MODEL_LOCKS], *const model_files[MODEL_FILES];
extern const char *const model_notes[MODEL_NOTES], *const model_labels[MODEL_LABELS],
                                                       *const model_users[MODEL_USERS];

/*  The number of a lock or file; MODEL_LOCKS or MODEL_FILES when it is none of them. */
size_t model_lock (hf_span_t name);
size_t model_file (hf_span_t name);
size_t model_note (hf_span_t note);
size_t model_label (hf_span_t label);

typedef struct model_session {
    bool alive, detect;
    bool gone;          //  it has expired, and what it held stays closed
    size_t label, user; //  user 0: it is everybody's
    uint32_t delay_ms;
    uint8_t nonce[HF_NONCE_SIZE];
    uint32_t ttl_ms;
    uint64_t floor;
    HF_ARRAY (hf_answer_t) answers;
} model_session_t;

typedef struct model_text {
    uint8_t *bytes;
    size_t size, room;
} model_text_t;

/*  A place at a lock: UNITS 0 is EXCLUSIVE. */
typedef struct model_place {
    size_t lock;
    uint32_t units, limit;
} model_place_t;

/*  What one request asked for: it holds (token > 0) or waits, everywhere at once. */
typedef struct model_claim {
    uint64_t session, token, index, born;
    uint64_t replaces; //  the token of the hold that was upgraded
    size_t note;
    bool upgrade;      //  waits in front, to replace the session's hold
    uint64_t acts_for; //  another session; 0: none
    model_place_t places[MODEL_LOCKS];
    size_t count;
    bool appended[MODEL_FILES];
    model_text_t staged[MODEL_FILES];
} model_claim_t;

typedef struct model_event {
    hf_outcome_type_t type;
    hf_status_t status;
    uint64_t session;
    size_t lock;
    hf_answer_t answer;
    uint64_t index;
    uint32_t ttl_ms; //  of an opening
    uint32_t waiters;
    uint32_t parts; //  of a section: a bit for each file
    bool expired;   //  of an end: the session lived until now and expires
    size_t from[MODEL_FILES], to[MODEL_FILES]; //  of a section: where its bytes are in the files
} model_event_t;

typedef struct model {
    model_session_t sessions[MODEL_SESSIONS]; //  by id
    uint64_t last_session, last_token, commands;
    HF_ARRAY (model_claim_t) claims; //  in the order in which they were made
    model_text_t files[MODEL_FILES];
    HF_ARRAY (model_event_t) events; //  of the last entry
} model_t;

model_t *model_new (void);
void model_destroy (model_t **self_p);

/*  Apply a committed entry, whose names are the model's or not valid. */
void model_apply (model_t *self, const hf_entry_t *entry);

/*  The NTH holder of lock NUMBER, from 0, in the order of tokens; NULL: there are not so many. */
const model_claim_t *model_holder (const model_t *self, size_t number, size_t nth);

/*  Whether a claim waits, and is granted nothing that it could have at once with all before it. */
bool model_starves (const model_t *self);

/*  Whether an outcome is what the model says, with all that a section has. */
bool model_agrees (const model_t *self, const model_event_t *event, const hf_outcome_t *got);

/*  Whether a ring that was told is one: as of the entry's end, when nothing was released since. */
bool model_agrees_ring (const model_t *self, const hf_outcome_t *got);

/*  A hash of what can be read of the state, and of what the model says can be. */
uint64_t model_look_state (const hf_state_t *state);
uint64_t model_look (const model_t *self);

#endif
