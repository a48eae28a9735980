#include "nodes/actors/hf_lock_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CALLERS_MAX  (2 * HF_SESSIONS_MAX)
#define OPENINGS_MAX 100000
#define WATCHERS_MAX 10000
#define ITEMS_KEPT   65536 //  bytes of memory that a caller keeps for its next answers

typedef struct caller_slot {
    hf_caller_t caller; //  first: a caller's address is its slot's
    UT_hash_handle hh;
} caller_slot_t;

typedef struct opening {
    uint8_t nonce[HF_NONCE_SIZE];
    hf_route_t route;
    UT_hash_handle hh;
} opening_t;

typedef struct closing {
    uint64_t session;
    uint64_t echo;
    hf_route_t route;
    UT_hash_handle hh;
} closing_t;

typedef struct watcher {
    hf_route_t route;
    UT_hash_handle hh;
} watcher_t;

struct hf_routes {
    caller_slot_t *callers;
    hf_caller_t *dirty; //  newest first
    opening_t *openings;
    closing_t *closings;
    watcher_t *watchers;
    hf_pack_t frame;
};

hf_routes_t *
hf_routes_new (void)
{
    hf_routes_t *self = calloc (1, sizeof *self);
    assert (self);
    hf_pack_init (&self->frame);
    return self;
}

static void
s_forget_caller (hf_routes_t *self, caller_slot_t *slot)
{
    assert (!slot->caller.dirty);
    //  The analyzer does not follow uthash. NOLINTNEXTLINE(clang-analyzer-*)
    HASH_DEL (self->callers, slot);
    hf_pack_done (&slot->caller.items);
    free (slot);
}

static void
s_forget_watchers (hf_routes_t *self)
{
    watcher_t *watcher, *next;
    HASH_ITER (hh, self->watchers, watcher, next)
    {
        //  The analyzer does not follow uthash. NOLINTNEXTLINE(clang-analyzer-*)
        HASH_DEL (self->watchers, watcher);
        free (watcher);
    }
}

void
hf_routes_destroy (hf_routes_t **self_p)
{
    hf_routes_t *self = *self_p;
    if (!self)
        return;
    hf_routes_unlead (self);
    s_forget_watchers (self);
    hf_pack_done (&self->frame);
    free (self);
    *self_p = NULL;
}

//  ---- sessions ------------------------------------------------------------------

hf_caller_t *
hf_routes_find (hf_routes_t *self, uint64_t session)
{
    caller_slot_t *slot;
    HASH_FIND (hh, self->callers, &session, sizeof session, slot);
    return slot ? &slot->caller : NULL;
}

hf_caller_t *
hf_routes_caller (hf_routes_t *self, uint64_t session, const hf_route_t *route)
{
    caller_slot_t *slot = (caller_slot_t *)(void *)hf_routes_find (self, session);
    if (!slot) {
        if (HASH_COUNT (self->callers) >= CALLERS_MAX)
            return NULL;
        slot = calloc (1, sizeof *slot);
        assert (slot);
        slot->caller.session = session;
        hf_pack_init (&slot->caller.items);
        HASH_ADD (hh, self->callers, caller.session, sizeof session, slot);
    }
    slot->caller.route = *route;
    return &slot->caller;
}

void
hf_routes_dirty (hf_routes_t *self, hf_caller_t *caller)
{
    if (caller->dirty)
        return;
    caller->dirty = true;
    caller->next_dirty = self->dirty;
    self->dirty = caller;
}

void
hf_routes_flush (hf_routes_t *self, hf_door_t *door)
{
    hf_caller_t *caller = self->dirty;
    self->dirty = NULL;
    while (caller) {
        hf_caller_t *next = caller->next_dirty;
        if (caller->items.count > 0) {
            hf_answers_t answers = {.session = caller->session,
                                    .items = hf_pack_list (&caller->items)};
            hf_pack_reset (&self->frame);
            hf_answers_frame (&self->frame, &answers);
            if (!hf_door_send (door, &caller->route, hf_pack_bytes (&self->frame),
                               hf_pack_size (&self->frame)))
                caller->gone = true; //  it will speak again, from elsewhere
        }
        hf_pack_reset (&caller->items);
        if (caller->items.buffer.alloc > ITEMS_KEPT) {
            hf_pack_done (&caller->items);
            hf_pack_init (&caller->items);
        }
        caller->dirty = false;
        caller->next_dirty = NULL;
        if (caller->gone)
            s_forget_caller (self, (caller_slot_t *)(void *)caller);
        caller = next;
    }
}

size_t
hf_routes_count (const hf_routes_t *self)
{
    return HASH_COUNT (self->callers);
}

//  ---- openings and closings -------------------------------------------------------

bool
hf_routes_opening (hf_routes_t *self, hf_span_t nonce, const hf_route_t *route)
{
    assert (nonce.size == HF_NONCE_SIZE);
    opening_t *opening;
    HASH_FIND (hh, self->openings, nonce.at, HF_NONCE_SIZE, opening);
    if (!opening) {
        if (HASH_COUNT (self->openings) >= OPENINGS_MAX)
            return false;
        opening = calloc (1, sizeof *opening);
        assert (opening);
        memcpy (opening->nonce, nonce.at, HF_NONCE_SIZE);
        HASH_ADD (hh, self->openings, nonce, HF_NONCE_SIZE, opening);
    }
    opening->route = *route;
    return true;
}

bool
hf_routes_opened (hf_routes_t *self, const uint8_t *nonce, hf_route_t *route)
{
    opening_t *opening;
    HASH_FIND (hh, self->openings, nonce, HF_NONCE_SIZE, opening);
    if (!opening)
        return false;
    *route = opening->route;
    HASH_DEL (self->openings, opening);
    free (opening);
    return true;
}

bool
hf_routes_closing (hf_routes_t *self, uint64_t session, uint64_t echo, const hf_route_t *route)
{
    closing_t *closing;
    HASH_FIND (hh, self->closings, &session, sizeof session, closing);
    if (!closing) {
        if (HASH_COUNT (self->closings) >= OPENINGS_MAX)
            return false;
        closing = calloc (1, sizeof *closing);
        assert (closing);
        closing->session = session;
        HASH_ADD (hh, self->closings, session, sizeof session, closing);
    }
    closing->echo = echo;
    closing->route = *route;
    return true;
}

bool
hf_routes_closed (hf_routes_t *self, uint64_t session, uint64_t *echo, hf_route_t *route)
{
    closing_t *closing;
    HASH_FIND (hh, self->closings, &session, sizeof session, closing);
    if (!closing)
        return false;
    *echo = closing->echo;
    *route = closing->route;
    HASH_DEL (self->closings, closing);
    free (closing);
    return true;
}

//  ---- watchers ------------------------------------------------------------------

void
hf_routes_watch (hf_routes_t *self, const hf_route_t *route)
{
    hf_route_t key;
    memset (&key, 0, sizeof key);
    key.size = route->size;
    key.delimiter = route->delimiter;
    memcpy (key.id, route->id, route->size);
    watcher_t *watcher;
    HASH_FIND (hh, self->watchers, &key, sizeof key, watcher);
    if (watcher || HASH_COUNT (self->watchers) >= WATCHERS_MAX)
        return; //  beyond the limit a client finds the leader by itself, a little later
    watcher = calloc (1, sizeof *watcher);
    assert (watcher);
    watcher->route = key;
    HASH_ADD (hh, self->watchers, route, sizeof key, watcher);
}

void
hf_routes_unlead (hf_routes_t *self)
{
    self->dirty = NULL;
    caller_slot_t *slot, *next_slot;
    HASH_ITER (hh, self->callers, slot, next_slot)
    {
        slot->caller.dirty = false;
        hf_routes_watch (self, &slot->caller.route);
        s_forget_caller (self, slot);
    }
    opening_t *opening, *next_opening;
    HASH_ITER (hh, self->openings, opening, next_opening)
    {
        hf_routes_watch (self, &opening->route);
        HASH_DEL (self->openings, opening);
        free (opening);
    }
    closing_t *closing, *next_closing;
    HASH_ITER (hh, self->closings, closing, next_closing)
    {
        hf_routes_watch (self, &closing->route);
        HASH_DEL (self->closings, closing);
        free (closing);
    }
}

void
hf_routes_tell (hf_routes_t *self, hf_door_t *door, const hf_pack_t *frame, bool forget)
{
    watcher_t *watcher, *next;
    HASH_ITER (hh, self->watchers, watcher, next)
    hf_door_send (door, &watcher->route, hf_pack_bytes (frame), hf_pack_size (frame));
    if (forget)
        s_forget_watchers (self);
}
