//  When the processes under a lock are ended (tool_rules.h).

#include "client/tool/tool_rules.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <string.h>

#define RESERVE_MOST_MS 1000
#define LOOKS           10   //  at the lease, from ASK to SIGTERM
#define AGAIN_MS        20   //  SIGKILL is repeated: there may be new processes
#define TELL_MS         1000 //  what did not end by then is named

void
tool_rules_init (tool_rules_t *self, bool guard, uint32_t ttl_ms, uint32_t grace_ms)
{
    assert (ttl_ms > 0);
    memset (self, 0, sizeof *self);
    self->guard = guard;
    self->grace_ms = grace_ms;
    self->reserve_ms = ttl_ms / 20 < RESERVE_MOST_MS ? ttl_ms / 20 : RESERVE_MOST_MS;
    self->asked_ms = UINT64_MAX;
}

static uint64_t
s_before (uint64_t time_ms, uint64_t span_ms)
{
    return time_ms > span_ms ? time_ms - span_ms : 0;
}

//  ---- times ---------------------------------------------------------------------

/*  The last moment for the first SIGKILL. */
static uint64_t
s_kill_ms (const tool_rules_t *self)
{
    if (self->guard)
        return s_before (self->deadline_ms, self->reserve_ms);
    if (HF_MUTANT (guard_trusted))
        return UINT64_MAX;
    //  The guard has had its time.
    return self->deadline_ms > 0 ? s_before (self->deadline_ms, self->reserve_ms / 2)
                                 : self->lost_ms + self->reserve_ms;
}

static uint64_t
s_term_ms (const tool_rules_t *self)
{
    if (HF_MUTANT (term_at_deadline))
        return self->deadline_ms;
    return self->guard ? s_before (s_kill_ms (self), self->grace_ms) : s_kill_ms (self);
}

static uint64_t
s_ask_ms (const tool_rules_t *self)
{
    return s_before (s_term_ms (self), self->reserve_ms);
}

uint64_t
tool_rules_due_ms (const tool_rules_t *self)
{
    if (self->phase == TOOL_PHASE_OVER)
        return UINT64_MAX;
    if (self->phase != TOOL_PHASE_RUNS)
        return self->kill_ms;
    bool asked = self->asked_ms == self->deadline_ms;
    if (self->guard)
        return asked ? s_term_ms (self) : s_ask_ms (self);
    return asked && self->look_ms < s_term_ms (self) ? self->look_ms : s_term_ms (self);
}

bool
tool_rules_may_start (uint64_t now_ms, uint64_t deadline_ms)
{
    return now_ms < deadline_ms || HF_MUTANT (started_late);
}

//  ---- steps ---------------------------------------------------------------------

static unsigned
s_over (tool_rules_t *self, unsigned todo)
{
    self->phase = TOOL_PHASE_OVER;
    return todo | TOOL_DO_END;
}

static unsigned
s_kill (tool_rules_t *self, uint64_t now_ms)
{
    //  The first time may take long itself, when there are many processes.
    bool first = self->phase != TOOL_PHASE_KILLED;
    if (first)
        self->tell_ms = 0;
    else if (self->tell_ms == 0)
        self->tell_ms = now_ms + TELL_MS;
    else if (now_ms >= self->tell_ms)
        return s_over (self, TOOL_DO_TELL);
    self->phase = TOOL_PHASE_KILLED;
    self->kill_ms = now_ms + AGAIN_MS;
    return TOOL_DO_KILL;
}

/*  SIGTERM, when there is time for it. */
static unsigned
s_end (tool_rules_t *self, uint64_t now_ms)
{
    uint64_t kill_ms = now_ms + self->grace_ms;
    if (kill_ms > s_kill_ms (self) && !HF_MUTANT (grace_past_deadline))
        kill_ms = s_kill_ms (self);
    if (!self->guard || kill_ms <= now_ms)
        return s_kill (self, now_ms);
    self->phase = TOOL_PHASE_ENDS;
    self->kill_ms = kill_ms;
    return TOOL_DO_TERM;
}

static unsigned
s_time (tool_rules_t *self, uint64_t now_ms)
{
    if (self->phase != TOOL_PHASE_RUNS) {
        bool lost = self->guard && self->phase == TOOL_PHASE_ENDS && self->deadline_ms == 0;
        return lost || now_ms >= self->kill_ms ? s_kill (self, now_ms) : 0;
    }
    if (now_ms >= s_term_ms (self))
        return s_end (self, now_ms);
    self->look_ms = now_ms + self->reserve_ms / LOOKS;
    if (now_ms < s_ask_ms (self) || !self->guard || self->asked_ms == self->deadline_ms)
        return 0;
    self->asked_ms = self->deadline_ms;
    return TOOL_DO_ASK;
}

unsigned
tool_rules_step (tool_rules_t *self, tool_event_t event, uint64_t now_ms, uint64_t deadline_ms)
{
    if (self->phase == TOOL_PHASE_OVER)
        return 0;
    if (deadline_ms == 0 && self->lost_ms == 0)
        self->lost_ms = now_ms;
    self->deadline_ms = deadline_ms;
    if (event == TOOL_EVENT_ASKED && !HF_MUTANT (looks_once))
        self->asked_ms = deadline_ms;
    bool runs = self->phase == TOOL_PHASE_RUNS;
    if (event == TOOL_EVENT_ENDED && runs)
        return s_over (self, 0); //  what it left behind in the background goes on
    if (event == TOOL_EVENT_NOBODY && !runs)
        return s_over (self, 0);
    if (event == TOOL_EVENT_HOPELESS && self->phase == TOOL_PHASE_KILLED)
        return s_over (self, TOOL_DO_TELL);
    if (event == TOOL_EVENT_ALONE && runs && !HF_MUTANT (alone_goes_on))
        return s_end (self, now_ms);
    return s_time (self, now_ms);
}
