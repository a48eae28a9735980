//  Where clients are: a route for each session, for each opening and closing under way, and for
//  clients that wait for a leader.

#include "base/hf_hash.h"
#include "nodes/services/hf_lock_private.h"

#define CALLERS_MAX  (2 * HF_SESSIONS_MAX)
#define PENDING_MAX  100000
#define WATCHERS_MAX 10000
#define ITEMS_KEPT   10000        //  of the turn's items: an empty list may keep room for so many
#define PACKED_BYTES (256U << 10) //  a packed frame is closed at this size; one caller may pass it

/*  An opening or a closing. A table frees it: NODE comes first. */
typedef struct pending {
    hf_table_node_t node;
    uint8_t key[HF_NONCE_SIZE]; //  the nonce; or the session
    uint64_t echo;
    hf_route_t route;
} pending_t;

/*  A client that was refused. The same. */
typedef struct watcher {
    hf_table_node_t node;
    hf_chain_t age;
    hf_route_t route;
} watcher_t;

void
hf_routes_init (hf_routes_t *self)
{
    *self = (hf_routes_t){.items_count = 0};
    hf_table_init (&self->callers);
    hf_table_init (&self->openings);
    hf_table_init (&self->closings);
    hf_table_init (&self->watchers);
    hf_chain_init (&self->watchers_ages);
    hf_shares_init (&self->sessions);
    hf_shares_init (&self->opening);
    hf_pack_init (&self->pack);
    hf_pack_init (&self->gathered);
}

void
hf_routes_done (hf_routes_t *self)
{
    hf_table_free (&self->callers);
    hf_table_free (&self->openings);
    hf_table_free (&self->closings);
    hf_table_free (&self->watchers);
    hf_shares_done (&self->sessions);
    hf_shares_done (&self->opening);
    hf_array_free (&self->items);
    hf_array_free (&self->dirty);
    hf_pack_done (&self->pack);
    hf_pack_done (&self->gathered);
}

//  ---- sessions ------------------------------------------------------------------

static hf_caller_t *
s_caller (const hf_routes_t *self, uint64_t session)
{
    if (self->callers.count == 0) //  as on a node that does not lead
        return NULL;
    hf_table_node_t *node = hf_table_seek (&self->callers, session); //  the id is its hash
    for (; node; node = hf_table_again (node))
        if (HF_AROUND (node, hf_caller_t, by_session)->session == session)
            return HF_AROUND (node, hf_caller_t, by_session);
    return NULL;
}

hf_caller_t *
hf_routes_find (const hf_routes_t *self, uint64_t session)
{
    hf_caller_t *caller = s_caller (self, session);
    return caller && !caller->silent ? caller : NULL;
}

static void
s_move (hf_routes_t *self, hf_caller_t *caller, const hf_route_t *route)
{
    if (hf_route_equal (&caller->route, route))
        return;
    hf_shares_drop (&self->sessions, &caller->route, 1);
    hf_shares_add (&self->sessions, route, 1);
    caller->route = *route;
    caller->packs = false;
}

hf_caller_t *
hf_routes_move (hf_routes_t *self, uint64_t session, const hf_route_t *route)
{
    hf_caller_t *caller = hf_routes_find (self, session);
    if (caller && !HF_MUTANT (answer_old_route))
        s_move (self, caller, route);
    return caller;
}

static hf_caller_t *
s_add (hf_routes_t *self, uint64_t session, const hf_route_t *route)
{
    if (self->callers.count >= CALLERS_MAX)
        return NULL;
    hf_caller_t *caller = hf_alloc (sizeof *caller);
    caller->session = session;
    caller->route = *route;
    hf_shares_add (&self->sessions, route, 1);
    hf_table_insert (&self->callers, &caller->by_session, session);
    return caller;
}

hf_caller_t *
hf_routes_caller (hf_routes_t *self, uint64_t session, const hf_route_t *route)
{
    hf_caller_t *caller = hf_routes_move (self, session, route);
    if (!caller && (caller = s_caller (self, session)))
        s_move (self, caller, route);
    else if (!caller && !(caller = s_add (self, session, route)))
        return NULL;
    caller->ended = caller->silent = false;
    return caller;
}

void
hf_routes_opened (hf_routes_t *self, uint64_t session, const hf_route_t *route)
{
    hf_caller_t *caller = s_caller (self, session);
    if (!caller && (caller = s_add (self, session, route)))
        caller->silent = true;
}

static void
s_forget (hf_routes_t *self, hf_caller_t *caller)
{
    assert (!caller->dirty);
    hf_shares_drop (&self->sessions, &caller->route, 1);
    hf_table_remove (&self->callers, &caller->by_session);
    free (caller);
}

void
hf_routes_unused (hf_routes_t *self, uint64_t session)
{
    hf_caller_t *caller = s_caller (self, session);
    if (caller && caller->silent)
        s_forget (self, caller);
}

static void
s_dirty (hf_routes_t *self, hf_caller_t *caller)
{
    if (caller->dirty)
        return;
    caller->dirty = true;
    *hf_array_add (&self->dirty) = caller;
}

void
hf_routes_put (hf_routes_t *self, hf_caller_t *caller)
{
    size_t size = hf_pack_size (&self->pack) - self->items_end;
    uint32_t count = self->pack.count - self->items_count;
    assert (size > 0 && count > 0);
    s_dirty (self, caller);
    if (caller->last_item != 0 && caller->last_item == self->items.count) {
        self->items.list[caller->last_item - 1].size += (uint32_t)size;
        self->items.list[caller->last_item - 1].count += count;
    } else {
        *hf_array_add (&self->items) =
            (hf_items_t){.at = self->items_end, .size = (uint32_t)size, .count = count};
        uint32_t item = (uint32_t)self->items.count;
        if (caller->last_item != 0)
            self->items.list[caller->last_item - 1].next = item;
        else
            caller->first_item = item;
        caller->last_item = item;
    }
    self->items_end += size;
    self->items_count += count;
}

void
hf_routes_end (hf_routes_t *self, hf_caller_t *caller)
{
    caller->ended = true;
    s_dirty (self, caller);
}

/*  The caller's items, which are moved: valid until the next call. */
static hf_answers_t
s_answers (hf_routes_t *self, hf_caller_t *caller)
{
    const hf_items_t *items = &self->items.list[caller->first_item - 1];
    hf_answers_t answers = {.session = caller->session,
                            .items = {.at = hf_pack_bytes (&self->pack) + items->at,
                                      .size = items->size,
                                      .count = items->count}};
    if (items->next != 0) {
        hf_pack_reset (&self->gathered);
        for (;; items = &self->items.list[items->next - 1]) {
            hf_pack_raw (&self->gathered, hf_pack_bytes (&self->pack) + items->at, items->size);
            self->gathered.count += items->count;
            if (items->next == 0)
                break;
        }
        answers.items = hf_pack_list (&self->gathered);
    }
    caller->first_item = caller->last_item = 0;
    return answers;
}

void
hf_routes_send (hf_routes_t *self, hf_caller_t *caller, hf_outbox_t *out)
{
    if (caller->first_item == 0)
        return;
    hf_answers_t answers = s_answers (self, caller);
    hf_answers_frame (&out->frame, &answers);
    hf_outbox_to_client (out, &caller->route, caller->session);
}

static void
s_forget_items (hf_routes_t *self)
{
    hf_pack_reset (&self->pack);
    self->items.count = self->dirty.count = 0;
    self->items_end = 0;
    self->items_count = 0;
}

/*  How many of those that are dirty, from number AT on, go in one frame: callers of one client. */
static uint32_t
s_together (const hf_routes_t *self, size_t at)
{
    const hf_caller_t *first = self->dirty.list[at];
    uint32_t count = 0;
    for (size_t bytes = 0; at < self->dirty.count && bytes < PACKED_BYTES; at++, count++) {
        const hf_caller_t *caller = self->dirty.list[at];
        bool packs = caller->packs || HF_MUTANT (packed_for_all);
        if (caller->first_item == 0 ||
            (count > 0 && !(packs && hf_route_equal (&caller->route, &first->route))))
            break;
        bytes += self->items.list[caller->first_item - 1].size;
        if (!packs)
            return 1;
    }
    return count;
}

/*  When it cannot be sent, the first of its callers is forgotten; the others when the next of
 *  theirs cannot. */
static void
s_send_packed (hf_routes_t *self, hf_caller_t **callers, uint32_t count, hf_outbox_t *out)
{
    hf_frame_begin (&out->frame, count);
    for (uint32_t i = 0; i < count; i++) {
        hf_answers_t answers = s_answers (self, callers[i]);
        hf_answers_put (&out->frame, &answers);
    }
    hf_outbox_to_client (out, &callers[0]->route, callers[0]->session);
}

void
hf_routes_send_all (hf_routes_t *self, hf_outbox_t *out)
{
    for (size_t i = 0; i < self->dirty.count; i++) {
        hf_caller_t *caller = self->dirty.list[i];
        uint32_t count = caller->first_item != 0 ? s_together (self, i) : 0;
        if (count > 0)
            s_send_packed (self, &self->dirty.list[i], count, out);
        caller->dirty = false;
        if (caller->ended)
            s_forget (self, caller);
    }
    s_forget_items (self);
}

void
hf_routes_trim (hf_routes_t *self)
{
    hf_pack_trim (&self->pack);
    hf_pack_reset (&self->gathered);
    hf_pack_trim (&self->gathered);
    hf_array_trim (&self->items, ITEMS_KEPT);
    hf_array_trim (&self->dirty, ITEMS_KEPT);
}

void
hf_lock_service_unsent (hf_lock_service_t *self, uint64_t session, const hf_route_t *route)
{
    hf_lock_reads_unsent (self, route);
    hf_watches_leave (&self->watching.watches, route);
    hf_lock_watch_tell (self);
    hf_caller_t *caller = hf_routes_find (&self->routes, session);
    if (!caller || !hf_route_equal (&caller->route, route))
        return; //  it has spoken again, from elsewhere
    if (caller->dirty)
        caller->ended = true;
    else
        s_forget (&self->routes, caller);
}

//  ---- openings and closings -------------------------------------------------------

static pending_t *
s_pending (const hf_table_t *table, hf_span_t key)
{
    assert (key.size <= HF_NONCE_SIZE);
    hf_table_node_t *node = hf_table_seek (table, hf_hash (0, key.at, key.size));
    for (; node; node = hf_table_again (node))
        if (memcmp (HF_AROUND (node, pending_t, node)->key, key.at, key.size) == 0)
            return HF_AROUND (node, pending_t, node);
    return NULL;
}

static bool
s_pend (hf_table_t *table, hf_span_t key, uint64_t echo, const hf_route_t *route)
{
    pending_t *pending = s_pending (table, key);
    if (!pending) {
        if (table->count >= PENDING_MAX)
            return false;
        pending = hf_alloc (sizeof *pending);
        memcpy (pending->key, key.at, key.size);
        hf_table_insert (table, &pending->node, hf_hash (0, key.at, key.size));
    }
    pending->echo = echo;
    pending->route = *route;
    return true;
}

static bool
s_take (hf_table_t *table, hf_span_t key, uint64_t *echo, hf_route_t *route)
{
    pending_t *pending = s_pending (table, key);
    if (!pending)
        return false;
    *echo = pending->echo;
    *route = pending->route;
    hf_table_remove (table, &pending->node);
    free (pending);
    return true;
}

/*  A share of the route's user, whatever his connections. */
static hf_route_t
s_of_user (const hf_route_t *route)
{
    hf_route_t user = {.size = sizeof route->user};
    memcpy (user.id, &route->user, sizeof route->user);
    return user;
}

uint64_t
hf_routes_opening (const hf_routes_t *self, const hf_route_t *route)
{
    hf_route_t user = s_of_user (route);
    return hf_shares_of (&self->opening, &user);
}

static void
s_count_opening (hf_routes_t *self, const hf_route_t *route, bool more)
{
    hf_route_t user = s_of_user (route);
    (more ? hf_shares_add : hf_shares_drop) (&self->sessions, route, 1);
    if (route->user > 0)
        (more ? hf_shares_add : hf_shares_drop) (&self->opening, &user, 1);
}

bool
hf_routes_opens (const hf_routes_t *self, hf_span_t nonce)
{
    return s_pending (&self->openings, nonce) != NULL;
}

bool
hf_routes_pend_opening (hf_routes_t *self, hf_span_t nonce, const hf_route_t *route)
{
    const pending_t *pending = s_pending (&self->openings, nonce);
    if (pending)
        s_count_opening (self, &pending->route, false);
    bool done = s_pend (&self->openings, nonce, 0, route);
    if (done)
        s_count_opening (self, route, true);
    return done;
}

bool
hf_routes_take_opening (hf_routes_t *self, hf_span_t nonce, hf_route_t *route)
{
    uint64_t echo;
    bool taken = s_take (&self->openings, nonce, &echo, route);
    if (taken)
        s_count_opening (self, route, false);
    return taken;
}

bool
hf_routes_pend_closing (hf_routes_t *self, uint64_t session, uint64_t echo, const hf_route_t *route)
{
    return s_pend (&self->closings, hf_span (&session, sizeof session), echo, route);
}

bool
hf_routes_take_closing (hf_routes_t *self, uint64_t session, uint64_t *echo, hf_route_t *route)
{
    return s_take (&self->closings, hf_span (&session, sizeof session), echo, route);
}

//  ---- watchers ------------------------------------------------------------------

static watcher_t *
s_watcher (const hf_routes_t *self, const hf_route_t *route, uint64_t *hash)
{
    *hash = hf_hash (route->delimiter, route->id, route->size);
    hf_table_node_t *node = hf_table_seek (&self->watchers, *hash);
    for (; node; node = hf_table_again (node))
        if (hf_route_equal (&HF_AROUND (node, watcher_t, node)->route, route))
            return HF_AROUND (node, watcher_t, node);
    return NULL;
}

static bool
s_has_room (const hf_routes_t *self)
{
    return self->watchers.count < WATCHERS_MAX;
}

/*  Nobody says that a client has left which is sent nothing. Under one leader most of those that
 *  asked here long ago have: they must not keep out who asks now. */
static void
s_make_room (hf_routes_t *self)
{
    if (s_has_room (self))
        return;
    watcher_t *oldest = HF_AROUND (self->watchers_ages.next, watcher_t, age);
    hf_chain_remove (&oldest->age);
    hf_table_remove (&self->watchers, &oldest->node);
    free (oldest);
}

void
hf_routes_watch (hf_routes_t *self, const hf_route_t *route)
{
    uint64_t hash;
    watcher_t *watcher = s_watcher (self, route, &hash);
    if (!s_has_room (self) && HF_MUTANT (who_left_is_told))
        return;
    if (!watcher) {
        s_make_room (self);
        watcher = hf_alloc (sizeof *watcher);
        watcher->route = *route;
        hf_table_insert (&self->watchers, &watcher->node, hash);
    } else if (!HF_MUTANT (asked_again_goes))
        hf_chain_remove (&watcher->age);
    if (!watcher->age.next)
        hf_chain_append (&self->watchers_ages, &watcher->age);
}

void
hf_routes_unwatch (hf_routes_t *self)
{
    hf_table_free (&self->watchers);
    hf_chain_init (&self->watchers_ages);
}

const hf_route_t *
hf_routes_watcher (const hf_routes_t *self, const hf_route_t *before)
{
    hf_table_node_t *node =
        before ? hf_table_next (&self->watchers, &HF_AROUND (before, watcher_t, route)->node)
               : hf_table_first (&self->watchers);
    return node ? &HF_AROUND (node, watcher_t, node)->route : NULL;
}

//  Of those that wait for anything the first ones become watchers: one is as good as another.
static void
s_unlead_pending (hf_routes_t *self, hf_table_t *table)
{
    hf_table_node_t *node = hf_table_first (table);
    for (; node && s_has_room (self); node = hf_table_next (table, node))
        hf_routes_watch (self, &HF_AROUND (node, pending_t, node)->route);
    hf_table_free (table);
}

void
hf_routes_unlead (hf_routes_t *self)
{
    hf_table_node_t *node = hf_table_first (&self->callers);
    for (; node && s_has_room (self); node = hf_table_next (&self->callers, node))
        if (!HF_AROUND (node, hf_caller_t, by_session)->silent)
            hf_routes_watch (self, &HF_AROUND (node, hf_caller_t, by_session)->route);
    hf_table_free (&self->callers);
    s_forget_items (self);
    s_unlead_pending (self, &self->openings);
    s_unlead_pending (self, &self->closings);
    hf_shares_clear (&self->sessions);
    hf_shares_clear (&self->opening);
}
