//  The expiry clock: a heap of sessions by when they are due. Being heard only puts that off, and
//  the heap learns of it when the session comes to its top: hearing costs one look-up.

#include "nodes/services/hf_expiry.h"
#include "base/hf_alloc.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include "base/hf_table.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <stdlib.h>

//  What has run is logged then at the latest, of a session that this leader has not heard yet.
#define UNHEARD_MS 2500
#define WANTED_MS  250 //  and somebody waits for it

//  A key of the heap that is not later than that is brought up to date before the leader sleeps: so
//  old keys wake it up ten times a second at most.
#define AHEAD_US 100000

//  First what is needed when the session is heard, as with many sessions it is not in the caches.
typedef struct watch {
    hf_table_node_t by_session; //  its hash is the session
    uint64_t due_us;
    uint64_t log_us;  //  when to log what has run
    uint64_t mark;    //  the last command that did
    uint64_t from_us; //  at this time RAN_MS had run
    uint32_t ttl_ms, ran_ms;
    bool clears;           //  the mark is to be cleared, or will be
    bool ending;           //  taken as due, and no longer in the heap
    bool queued;           //  in the heap
    hf_heap_node_t by_due; //  its key is never later than due_us or log_us
} watch_t;

struct hf_expiry {
    hf_table_t by_session;
    hf_heap_t by_due;
};

hf_expiry_t *
hf_expiry_new (void)
{
    hf_expiry_t *self = hf_alloc (sizeof *self);
    hf_table_init (&self->by_session);
    return self;
}

void
hf_expiry_destroy (hf_expiry_t **self_p)
{
    if (!*self_p)
        return;
    hf_expiry_clear (*self_p);
    free (*self_p);
    *self_p = NULL;
}

void
hf_expiry_clear (hf_expiry_t *self)
{
    hf_table_free (&self->by_session);
    hf_heap_done (&self->by_due);
}

static watch_t *
s_find (const hf_expiry_t *self, uint64_t session)
{
    hf_table_node_t *node = hf_table_seek (&self->by_session, session);
    return node ? HF_AROUND (node, watch_t, by_session) : NULL;
}

static uint64_t
s_key (const watch_t *watch)
{
    return watch->log_us < watch->due_us ? watch->log_us : watch->due_us;
}

static watch_t *
s_add (hf_expiry_t *self, uint64_t session)
{
    assert (session != 0);
    watch_t *watch = hf_alloc (sizeof *watch);
    hf_table_insert (&self->by_session, &watch->by_session, session);
    return watch;
}

/*  RAN_MS have run at NOW; log it again when LOG_MS more have. */
static void
s_set (hf_expiry_t *self, watch_t *watch, uint32_t ran_ms, uint32_t log_ms, uint64_t now_us)
{
    uint32_t left_ms = watch->ttl_ms > ran_ms ? watch->ttl_ms - ran_ms : 0;
    uint64_t before_us = s_key (watch);
    watch->from_us = now_us;
    watch->ran_ms = ran_ms;
    watch->log_us = now_us + log_ms * 1000ULL;
    watch->due_us = now_us + (uint64_t)left_ms * (HF_MUTANT (expires_early) ? 600 : 1000);
    if (!watch->queued || s_key (watch) < before_us)
        hf_heap_set (&self->by_due, &watch->by_due, s_key (watch));
    watch->queued = true;
}

void
hf_expiry_start (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint32_t ran_ms, bool wanted,
                 uint64_t now_us)
{
    assert (!s_find (self, session) && ttl_ms >= HF_DELAY_MIN_MS);
    watch_t *watch = s_add (self, session);
    watch->ttl_ms = ttl_ms;
    uint32_t log_ms = wanted ? WANTED_MS : UNHEARD_MS;
    s_set (self, watch, ran_ms, log_ms < ttl_ms / 4 ? log_ms : ttl_ms / 4, now_us);
}

uint64_t
hf_expiry_heard (hf_expiry_t *self, uint64_t session, uint32_t ttl_ms, uint64_t now_us)
{
    watch_t *watch = s_find (self, session);
    if (!watch)
        watch = s_add (self, session);
    else if (watch->ending ? !HF_MUTANT (ending_heard)
                           : watch->due_us >= now_us + (uint64_t)ttl_ms * 1000)
        return watch->mark;
    assert (ttl_ms >= HF_DELAY_MIN_MS); //  else it would be due at every moment
    watch->ending = false;
    watch->ttl_ms = ttl_ms;
    s_set (self, watch, 0, ttl_ms / 2, now_us);
    return watch->mark;
}

uint64_t
hf_expiry_mark (const hf_expiry_t *self, uint64_t session)
{
    const watch_t *watch = s_find (self, session);
    return watch ? watch->mark : 0;
}

bool
hf_expiry_clears (hf_expiry_t *self, uint64_t session)
{
    watch_t *watch = s_find (self, session);
    if (!watch || watch->clears)
        return false;
    watch->clears = true;
    return true;
}

void
hf_expiry_forget (hf_expiry_t *self, uint64_t session)
{
    watch_t *watch = s_find (self, session);
    if (!watch)
        return;
    hf_heap_remove (&self->by_due, &watch->by_due);
    hf_table_remove (&self->by_session, &watch->by_session);
    free (watch);
}

bool
hf_expiry_ending (const hf_expiry_t *self, uint64_t session)
{
    const watch_t *watch = s_find (self, session);
    return watch && watch->ending;
}

/*  The top, once its key is no older than its watch; NULL: none has a key of at most LIMIT_US. A
 *  session that was heard keeps its key until it comes up here: most are heard many times before.
 */
static watch_t *
s_top (hf_expiry_t *self, uint64_t limit_us)
{
    hf_heap_node_t *top;
    while ((top = hf_heap_top (&self->by_due)) && top->key <= limit_us) {
        watch_t *watch = HF_AROUND (top, watch_t, by_due);
        assert (top->key <= s_key (watch));
        if (top->key == s_key (watch))
            return watch;
        hf_heap_set (&self->by_due, top, s_key (watch));
    }
    return NULL;
}

uint64_t
hf_expiry_next_us (hf_expiry_t *self, uint64_t now_us)
{
    s_top (self, now_us + AHEAD_US);
    return hf_heap_key (&self->by_due);
}

uint64_t
hf_expiry_take (hf_expiry_t *self, uint64_t now_us, uint64_t mark, uint32_t *ran_ms)
{
    watch_t *watch;
    *ran_ms = 0;
    while (true) {
        watch = s_top (self, now_us);
        if (!watch)
            return 0;
        uint64_t key = watch->by_due.key;
        hf_heap_remove (&self->by_due, &watch->by_due);
        if (watch->due_us > now_us)
            break;
        if (key == watch->due_us) {
            watch->ending = true;
            watch->queued = false;
            return watch->by_session.hash;
        }
        watch->log_us = HF_NEVER; //  too late for that; the soonest ends first
        hf_heap_set (&self->by_due, &watch->by_due, watch->due_us);
    }
    uint64_t since_us = now_us - watch->from_us, eighth_us = watch->ttl_ms * 125ULL;
    *ran_ms = watch->ran_ms + (uint32_t)(since_us / 1000);
    if (*ran_ms > watch->ttl_ms)
        *ran_ms = watch->ttl_ms;
    watch->mark = mark;
    watch->clears = false;
    watch->log_us =
        now_us + (since_us < eighth_us && !HF_MUTANT (marks_far_apart) ? since_us : eighth_us);
    hf_heap_set (&self->by_due, &watch->by_due, s_key (watch));
    return watch->by_session.hash;
}
