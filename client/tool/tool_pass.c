//  Which signals are passed on to the command (tool_pass.h).

#include "client/tool/tool_pass.h"
#include <assert.h>

#define LATER_MS  50   //  the guard's copy of a signal may come this much later than the tool's
#define SOONER_MS 1000 //  and this much sooner, when the tool is slow

void
tool_pass_seen (tool_pass_t *self, int signal, pid_t from, uint64_t now_ms)
{
    assert (from != 0);
    if (signal <= 0 || signal >= NSIG)
        return;
    self->seen[signal].from = from;
    self->seen[signal].at_ms = now_ms;
}

void
tool_pass_hold (tool_pass_t *self, int signal, pid_t from, uint64_t now_ms)
{
    if (signal <= 0 || signal >= NSIG)
        return;
    *hf_array_add (&self->held) = (tool_held_t){.signal = signal, .from = from, .at_ms = now_ms};
}

uint64_t
tool_pass_due_ms (const tool_pass_t *self)
{
    return self->held.count > 0 ? self->held.list[0].at_ms + LATER_MS : UINT64_MAX;
}

/*  Forget that the guard had it, and its repetitions: timeout(1) signals its child and then the
 *  group, so the tool has two signals for one of the guard. */
static void
s_forget (tool_pass_t *self, const tool_held_t *note)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->held.count; i++)
        if (self->held.list[i].signal != note->signal || self->held.list[i].from != note->from)
            self->held.list[kept++] = self->held.list[i];
    self->held.count = kept;
    self->seen[note->signal].from = 0;
}

int
tool_pass_next (tool_pass_t *self, bool inside, uint64_t now_ms)
{
    while (now_ms >= tool_pass_due_ms (self)) {
        tool_held_t note = self->held.list[0];
        hf_array_drop (&self->held, 1);
        bool group = self->seen[note.signal].from == note.from &&
                     self->seen[note.signal].at_ms + SOONER_MS > note.at_ms;
        if (group)
            s_forget (self, &note);
        if (!group || !inside)
            return note.signal;
    }
    return 0;
}
