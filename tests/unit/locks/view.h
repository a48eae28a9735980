/*  view.h - test help: the locks as somebody sees them who only hears what happens. */
#ifndef VIEW_H_INCLUDED
#define VIEW_H_INCLUDED

#include "base/hf_array.h"
#include "nodes/locks/hf_state.h"

/*  A place at a lock: TOKEN 0 waits. */
typedef struct view_place {
    uint64_t lock, session, token; //  LOCK: a hash of the name
    uint32_t units;
    uint64_t note, label; //  hashes
    bool closed;          //  its session has expired
} view_place_t;

typedef struct view {
    HF_ARRAY (view_place_t) places;
    uint64_t number, index; //  of the last that happened
} view_t;

/*  An hf_happened_fn: ARG is the view. What cannot happen to what it knows is asserted. */
void view_hear (void *arg, const hf_happened_t *happened);
void view_done (view_t *self);

/*  A number for all that is seen, whatever the order of places; and the same of the real state. */
uint64_t view_look (const view_t *self);
uint64_t view_look_state (const hf_state_t *state);

#endif
