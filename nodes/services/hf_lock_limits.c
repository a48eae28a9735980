/*  How much one user may ask for, however many connections he has: sessions, and requests in a
 *  second. A limit of this node, looked at before anything is proposed: what is in the log was let
 *  in by a leader. Users are known by their keys; without keys nobody is limited.
 *
 *  What gives back or looks after what is there is never refused for it: KEEPALIVE, CLOSE, CHANGE,
 *  WATCH, the questions who leads, who the members are and how the node is, and REQUESTS that have
 *  nothing but RELEASE, CANCEL and ABANDON. One that has some of these and others cannot be taken
 *  apart, as its order counts: it is lent what it takes.
 */
#include "nodes/services/hf_lock_private.h"

static hf_lock_user_t *
s_user (hf_lock_service_t *self, const hf_route_t *route)
{
    assert (route->user > 0 && route->user <= self->guard.users.count);
    return &self->guard.users.list[route->user - 1];
}

bool
hf_lock_may_open (hf_lock_service_t *self, const hf_route_t *route, hf_span_t nonce)
{
    uint32_t most = self->config.user_sessions_max;
    if (most == 0 || route->user == 0)
        return true;
    hf_lock_user_t *user = s_user (self, route);
    uint64_t has = hf_state_user_sessions (self->state, hf_span_text (user->name)) +
                   (HF_MUTANT (openings_uncounted) ? 0 : hf_routes_opening (&self->routes, route));
    //  A repeat is answered all the same.
    if (has < most || hf_routes_opens (&self->routes, nonce) ||
        hf_state_opened (self->state, nonce) || HF_MUTANT (user_opens_all))
        return true;
    self->limited_sessions++;
    snprintf (self->guard.why, HF_WHY_SIZE,
              "%s has %" PRIu64 " sessions, and a user may have %u (--user-sessions): close some, "
              "see holdfast sessions",
              user->name, has, most);
    hf_slow_t told;
    if (hf_slow_look (&user->crowded, 1, 1, self->now_us, &told))
        hf_outbox_say_of (&self->out, route, HF_WARN,
                          "%s; openings refused since that was last said: %" PRIu64,
                          self->guard.why, told.count);
    return false;
}

bool
hf_lock_may_ask (hf_lock_service_t *self, const hf_route_t *route, uint32_t count, bool lent)
{
    uint32_t rate = self->config.user_rate;
    if (rate == 0 || route->user == 0 || (count == 0 && !HF_MUTANT (releases_limited)))
        return true;
    hf_lock_user_t *user = s_user (self, route);
    if (hf_bucket_take (&user->bucket, rate, count, lent, self->now_us))
        return true;
    self->limited_requests++;
    snprintf (self->guard.why, HF_WHY_SIZE,
              "%s asks for more than %u requests in a second, and a user may not (--user-rate): "
              "ask less often",
              user->name, rate);
    hf_lock_refuse (self, route, HF_BUSY, self->guard.why);
    hf_slow_t told;
    if (hf_slow_look (&user->hasty, 1, 1, self->now_us, &told))
        hf_outbox_say_of (&self->out, route, HF_WARN,
                          "%s; frames refused since that was last said: %" PRIu64, self->guard.why,
                          told.count);
    return false;
}
