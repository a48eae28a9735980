/*  model.h - the state machine once more, slow and obvious, to compare the real one with.
 *
 *  Written from the promises, not from the code: plain arrays, no hash, no ring,
 *  every question answered by looking at everything.
 */
#ifndef MODEL_H_INCLUDED
#define MODEL_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/locks/hf_state.h"

enum { MODEL_SESSIONS = 300, MODEL_QUEUE = 300 };
enum { MODEL_LOCKS = 5, MODEL_FILES = 3, MODEL_BYTES = 1 << 16 };

typedef struct model_session {
    bool alive;
    uint64_t nonce;
    uint32_t ttl_ms;
    uint64_t floor;
    HF_ARRAY (hf_answer_t) answers;
} model_session_t;

typedef struct model_text {
    char bytes[MODEL_BYTES];
    size_t size;
} model_text_t;

/*  A session's place at a lock. */
typedef struct model_place {
    uint64_t session, token, index;
    uint32_t mode;
    uint64_t joined;                   //  a session's end takes its places from the oldest on
    model_text_t *staged[MODEL_FILES]; //  NULL: not appended to
} model_place_t;

/*  The first HOLDERS places of the line hold the lock; the others wait. */
typedef struct model_lock {
    model_place_t line[MODEL_QUEUE];
    size_t line_count, holders;
} model_lock_t;

typedef struct model_event {
    hf_outcome_type_t type;
    hf_status_t status;
    uint64_t session;
    size_t lock;
    hf_answer_t answer;
    uint64_t index;
} model_event_t;

typedef enum {
    MODEL_ACQUIRE,
    MODEL_RELEASE,
    MODEL_CANCEL,
    MODEL_ABANDON,
    MODEL_APPEND
} model_verb_t;

typedef struct model_request {
    model_verb_t verb;
    uint64_t seq;
    size_t lock; //  MODEL_LOCKS: a name that is not valid
    uint32_t mode;
    bool wait;
    uint64_t token, owner;
    size_t file; //  MODEL_FILES: a name that is not valid
    const char *text;
} model_request_t;

typedef struct model {
    model_session_t sessions[MODEL_SESSIONS]; //  by id
    uint64_t last_session, last_token, commands, joins;
    model_lock_t locks[MODEL_LOCKS];
    model_text_t files[MODEL_FILES];
    model_event_t events[4096]; //  since model_forget_events
    size_t events_count;
} model_t;

model_t *model_new (void);
void model_destroy (model_t **self_p);
void model_forget_events (model_t *self);

void model_open (model_t *self, uint64_t nonce, uint32_t ttl_ms);
void model_close (model_t *self, uint64_t session);
void model_expire (model_t *self, uint64_t session, bool same_term);
void model_floor (model_t *self, uint64_t session, uint64_t floor);
void model_ask (model_t *self, uint64_t session, const model_request_t *request);

/*  How many bytes a place has staged. */
uint64_t model_staged (const model_place_t *place);

#endif
