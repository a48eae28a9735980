#include "nodes/actors/hf_lock_internal.h"
#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#define CREDIT_BYTES      (256U << 10) //  handled before the election actor is told
#define SECTION_DEBT_MAX  (64U << 20)  //  bytes that may wait in the file actor
#define SECTIONS_BYTES    (1U << 20)   //  sections in one message to the file actor, and one more
#define MOVED_INTERVAL_US 100000       //  positions are pushed no more often

/*  Sections up to INDEX that the file actor has not made durable yet. */
typedef struct hf_section_debt {
    uint64_t index;
    uint64_t bytes;
    struct hf_section_debt *next;
} hf_section_debt_t;

/*  A lock whose queue shifted. */
typedef struct hf_shifted {
    uint32_t size;
    UT_hash_handle hh;
    char name[];
} hf_shifted_t;

//  ---- outcomes -----------------------------------------------------------------

static void
s_opened (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    if (self->leading && out->status == HF_OK)
        hf_expiry_heard (self->expiry, out->session, out->ttl_ms, self->now_us);
    hf_route_t route;
    if (!hf_routes_opened (self->routes, out->nonce, &route))
        return;
    hf_pack_reset (&self->frame);
    hf_opened_frame (&self->frame, &(hf_opened_t){.nonce = hf_span (out->nonce, HF_NONCE_SIZE),
                                                  .status = (uint32_t)out->status,
                                                  .session = out->session,
                                                  .ttl_ms = out->ttl_ms});
    hf_lock_send (self, &route, &self->frame);
}

static void
s_answer (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    hf_caller_t *caller = hf_routes_find (self->routes, out->session);
    if (!caller)
        return;
    hf_answer_put (&caller->items, &out->answer);
    if (out->answer.status == HF_SESSION_EXPIRED)
        caller->gone = true;
    hf_lock_items_put (self, caller);
}

static void
s_granted (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    hf_caller_t *caller = hf_routes_find (self->routes, out->session);
    if (!caller)
        return;
    hf_granted_put (
        &caller->items,
        &(hf_granted_t){.lock = out->lock, .token = out->answer.token, .index = out->answer.index});
    hf_lock_items_put (self, caller);
}

/*  A session is over: tell the one who closed it, and the one whose it was. */
static void
s_ended (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    hf_expiry_forget (self->expiry, out->session);
    hf_route_t route;
    uint64_t echo;
    if (hf_routes_closed (self->routes, out->session, &echo, &route)) {
        hf_pack_reset (&self->frame);
        hf_closed_frame (
            &self->frame,
            &(hf_closed_t){.session = out->session, .echo = echo, .status = (uint32_t)out->status});
        hf_lock_send (self, &route, &self->frame);
    }
    hf_caller_t *caller = hf_routes_find (self->routes, out->session);
    if (!caller)
        return;
    route = caller->route;
    caller->gone = true;
    hf_routes_dirty (self->routes, caller);
    hf_routes_flush (self->routes, self->args->door); //  what it was answered comes before its end
    hf_pack_reset (&self->frame);
    hf_alive_frame (&self->frame,
                    &(hf_alive_t){.session = out->session, .status = HF_SESSION_EXPIRED});
    hf_lock_send (self, &route, &self->frame);
    hf_report (HF_DEBUG, "session %" PRIu64 " ended: %s", out->session,
               out->status == HF_OK ? "closed" : "expired");
}

/*  Hand this turn's sections to the file actor, in one message. */
static void
s_send_sections (hf_lock_actor_t *self)
{
    if (self->sections.count == 0)
        return;
    hf_section_debt_t *debt = calloc (1, sizeof *debt);
    assert (debt);
    debt->index = self->sections_index;
    debt->bytes = hf_pack_size (&self->sections);
    if (self->debts_end)
        self->debts_end->next = debt;
    else
        self->debts = debt;
    self->debts_end = debt;
    self->section_bytes += debt->bytes;
    hf_pack_reset (&self->frame);
    hf_a_sections_frame (&self->frame,
                         &(hf_a_sections_t){.sections = hf_pack_list (&self->sections)});
    hf_pipe_send (self->args->file, &self->frame);
    hf_pack_reset (&self->sections);
}

static void
s_section (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    hf_a_section_put (&self->sections,
                      &(hf_a_section_t){.index = out->index, .parts = out->parts_list});
    self->sections_index = out->index;
    if (hf_pack_size (&self->sections) >= SECTIONS_BYTES)
        s_send_sections (self);
}

void
hf_lock_files_durable (hf_lock_actor_t *self, uint64_t index)
{
    self->files_durable = index;
    while (self->debts && self->debts->index <= index) {
        hf_section_debt_t *debt = self->debts;
        self->debts = debt->next;
        if (!self->debts)
            self->debts_end = NULL;
        self->section_bytes -= debt->bytes;
        free (debt);
    }
}

static void
s_moved (hf_lock_actor_t *self, hf_span_t lock)
{
    if (!self->leading)
        return;
    hf_shifted_t *shifted;
    HASH_FIND (hh, self->shifted, lock.at, lock.size, shifted);
    if (shifted)
        return;
    shifted = calloc (1, sizeof *shifted + lock.size);
    assert (shifted);
    shifted->size = lock.size;
    memcpy (shifted->name, lock.at, lock.size);
    HASH_ADD (hh, self->shifted, name[0], lock.size, shifted);
}

static void
s_outcome (hf_lock_actor_t *self, const hf_outcome_t *out)
{
    uint32_t ttl_ms;
    switch (out->type) {
    case HF_OUT_OPENED:
        s_opened (self, out);
        break;
    case HF_OUT_ANSWER:
        s_answer (self, out);
        break;
    case HF_OUT_GRANTED:
        s_granted (self, out);
        break;
    case HF_OUT_MOVED:
        s_moved (self, out->lock);
        break;
    case HF_OUT_ENDED:
        s_ended (self, out);
        break;
    case HF_OUT_SECTION:
        s_section (self, out);
        break;
    case HF_OUT_TOUCHED:
        if (self->leading && hf_state_session_ttl (self->state, out->session, &ttl_ms))
            hf_expiry_heard (self->expiry, out->session, ttl_ms, self->now_us);
        break;
    }
}

void
hf_lock_apply (hf_lock_actor_t *self, const hf_a_committed_t *committed)
{
    hf_scan_t scan = hf_scan_list (committed->entries);
    for (uint32_t i = 0; i < committed->entries.count; i++) {
        hf_entry_t entry;
        bool good = hf_entry_get (&scan, &entry);
        assert (good);
        hf_state_apply (self->state, committed->first + i, entry.term, entry.payload,
                        &self->outcomes);
        if (self->elected && entry.term == self->term)
            self->undecided_bytes -= entry.payload.size < self->undecided_bytes
                                         ? entry.payload.size
                                         : self->undecided_bytes;
        for (size_t k = 0; k < self->outcomes.count; k++)
            s_outcome (self, &self->outcomes.list[k]);
        hf_outcomes_reset (&self->outcomes);
    }
    s_send_sections (self);
    self->handled_bytes += committed->entries.size;
}

void
hf_lock_credit (hf_lock_actor_t *self)
{
    if (self->handled_bytes - self->credited_bytes < CREDIT_BYTES ||
        self->section_bytes > SECTION_DEBT_MAX)
        return;
    self->credited_bytes = self->handled_bytes;
    hf_pack_reset (&self->frame);
    hf_a_applied_frame (&self->frame,
                        &(hf_a_applied_t){.index = hf_state_applied_index (self->state),
                                          .bytes = self->handled_bytes});
    hf_pipe_send (self->args->election, &self->frame);
}

//  ---- positions ----------------------------------------------------------------

typedef struct pushing {
    hf_lock_actor_t *actor;
    hf_span_t lock;
} pushing_t;

static void
s_push_position (void *arg, uint64_t session, uint64_t position)
{
    pushing_t *pushing = arg;
    hf_caller_t *caller = hf_routes_find (pushing->actor->routes, session);
    if (!caller)
        return;
    hf_moved_put (&caller->items, &(hf_moved_t){.lock = pushing->lock, .position = position});
    hf_lock_items_put (pushing->actor, caller);
}

void
hf_lock_push_moved (hf_lock_actor_t *self)
{
    if (!self->shifted || self->now_us < self->moved_due_us)
        return;
    self->moved_due_us = self->now_us + MOVED_INTERVAL_US;
    hf_shifted_t *shifted, *next;
    HASH_ITER (hh, self->shifted, shifted, next)
    {
        pushing_t pushing = {.actor = self, .lock = hf_span (shifted->name, shifted->size)};
        hf_state_waiters (self->state, pushing.lock, s_push_position, &pushing);
    }
    hf_lock_forget_moved (self);
}

void
hf_lock_forget_moved (hf_lock_actor_t *self)
{
    hf_shifted_t *shifted, *next;
    HASH_ITER (hh, self->shifted, shifted, next)
    {
        //  The analyzer does not follow uthash. NOLINTNEXTLINE(clang-analyzer-*)
        HASH_DEL (self->shifted, shifted);
        free (shifted);
    }
}

//  ---- expiry -------------------------------------------------------------------

void
hf_lock_expire (hf_lock_actor_t *self)
{
    uint64_t session;
    while (self->leading && (session = hf_expiry_take (self->expiry, self->now_us)) != 0) {
        hf_report (HF_INFO, "session %" PRIu64 " was silent for its time to live: it ends",
                   session);
        hf_cmd_expire_put (&self->commands,
                           &(hf_cmd_expire_t){.session = session, .term = self->term});
        hf_lock_close_entry (self, false);
    }
}
