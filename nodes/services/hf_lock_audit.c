//  The audit: what operators did and who was refused, a line each in the log.

#include "nodes/services/hf_lock_private.h"

#define WINDOW_US 10000000 //  in which ...
#define REFUSALS  10       //  ... so many refusals of one user are told, then their number

static void
s_say_unsaid (hf_lock_service_t *self, hf_lock_user_t *user)
{
    if (user->unsaid > 0)
        hf_outbox_say (&self->out, HF_WARN, "audit: %s was refused %" PRIu64 " times more",
                       user->name, user->unsaid);
    user->unsaid = user->said = 0;
}

void
hf_lock_audit_refusal (hf_lock_service_t *self, const hf_route_t *route)
{
    hf_guard_t *guard = &self->guard;
    assert (route->user > 0 && route->user <= guard->users.count);
    hf_lock_user_t *user = &guard->users.list[route->user - 1];
    if (self->now_us >= user->window_us) {
        s_say_unsaid (self, user);
        user->window_us = self->now_us + WINDOW_US;
    }
    if (user->said < REFUSALS || HF_MUTANT (refusals_flood)) {
        user->said++;
        hf_outbox_say_of (&self->out, route, HF_WARN, "audit: %s", guard->why);
        return;
    }
    user->unsaid++;
    if (guard->unsaid_us == 0)
        guard->unsaid_us = user->window_us;
}

void
hf_lock_audit_rest (hf_lock_service_t *self)
{
    hf_guard_t *guard = &self->guard;
    if (guard->unsaid_us == 0 || self->turn_us < guard->unsaid_us)
        return;
    guard->unsaid_us = 0;
    for (size_t i = 0; i < guard->users.count; i++) {
        hf_lock_user_t *user = &guard->users.list[i];
        if (user->unsaid == 0)
            continue;
        if (self->turn_us >= user->window_us)
            s_say_unsaid (self, user);
        else if (guard->unsaid_us == 0 || user->window_us < guard->unsaid_us)
            guard->unsaid_us = user->window_us;
    }
}

//  ---- what operators do ----------------------------------------------------------------

void
hf_lock_audit_later (hf_lock_service_t *self, const hf_route_t *route, uint64_t session,
                     uint64_t seq, const char *what)
{
    hf_guard_t *guard = &self->guard;
    for (size_t i = 0; i < guard->operated.count; i++)
        if (guard->operated.list[i].session == session && guard->operated.list[i].seq == seq)
            return; //  it asks again
    if (guard->operated.count >= HF_OPERATED_MAX) {
        hf_outbox_say_of (&self->out, route, HF_INFO, "audit: %s asks to %s",
                          hf_lock_user (self, route), what);
        return;
    }
    char *copy = strcpy (hf_alloc (strlen (what) + 1), what);
    *hf_array_add (&guard->operated) =
        (hf_operated_t){.session = session, .seq = seq, .route = *route, .what = copy};
}

static void
s_forget (hf_guard_t *guard, hf_operated_t *operated)
{
    free (operated->what);
    *operated = guard->operated.list[--guard->operated.count];
}

void
hf_lock_audit_done (hf_lock_service_t *self, uint64_t session, uint64_t seq, hf_status_t status,
                    uint64_t index)
{
    hf_guard_t *guard = &self->guard;
    for (size_t i = 0; i < guard->operated.count; i++) {
        hf_operated_t *operated = &guard->operated.list[i];
        if (operated->session != session || operated->seq != seq)
            continue;
        hf_outbox_say_of (
            &self->out, &operated->route, HF_INFO, "audit: %s: %s: %s, index %" PRIu64,
            hf_lock_user (self, &operated->route), operated->what, hf_status_text (status), index);
        s_forget (guard, operated);
        return;
    }
}

void
hf_lock_audit_drop (hf_lock_service_t *self)
{
    hf_guard_t *guard = &self->guard;
    while (guard->operated.count > 0) {
        hf_operated_t *operated = &guard->operated.list[0];
        hf_outbox_say_of (&self->out, &operated->route, HF_INFO,
                          "audit: %s: %s: this node leads no more, see the next leader's log",
                          hf_lock_user (self, &operated->route), operated->what);
        s_forget (guard, operated);
    }
}
