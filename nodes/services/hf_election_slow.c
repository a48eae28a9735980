//  The election service says what is slow: syncs, turns, links, the clock.

#include "nodes/services/hf_election_private.h"

/*  Nothing when there was only this one. */
static void
s_times (const hf_slow_t *told, char *text, size_t size)
{
    text[0] = 0;
    if (told->count > 1)
        snprintf (text, size, ", the slowest of %" PRIu64 " since that was last said", told->count);
}

void
hf_election_slow_sync (hf_election_service_t *self, uint64_t took_us)
{
    hf_slow_t told;
    char times[80];
    if (!hf_slow_look (&self->slow_sync, took_us, HF_SLOW_SYNC_US, self->now_us, &told))
        return;
    s_times (&told, times, sizeof times);
    hf_outbox_say (
        &self->out, HF_WARN,
        "a sync of the log took %.1f s%s: is the disk slow, or busy with something else?",
        (double)told.worst_us / 1e6, times);
}

void
hf_election_slow_turn (hf_election_service_t *self)
{
    uint64_t took_us = self->now_us - self->began_us;
    uint64_t late_us = self->began_us > self->due_us ? self->began_us - self->due_us : 0;
    hf_slow_t told;
    char times[80];
    if (hf_slow_look (&self->slow_turn, took_us, HF_SLOW_TURN_US, self->now_us, &told)) {
        s_times (&told, times, sizeof times);
        hf_outbox_say (&self->out, HF_WARN,
                       "a turn of the election actor took %.1f s%s: is the processor busy?",
                       (double)told.worst_us / 1e6, times);
    }
    if (hf_slow_look (&self->slow_wake, late_us, HF_SLOW_WAKE_US, self->now_us, &told)) {
        s_times (&told, times, sizeof times);
        hf_outbox_say (&self->out, HF_WARN,
                       "was woken %.1f s late%s: the process or its machine was stopped, or the "
                       "processor is busy",
                       (double)told.worst_us / 1e6, times);
    }
}

void
hf_election_link_down (hf_election_service_t *self, uint32_t node)
{
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++)
        if (hf_core_member (self->core, slot) == node &&
            hf_flaps_down (&self->flaps[slot], self->now_us))
            hf_outbox_say (&self->out, HF_WARN,
                           "the link to node %u went down %d times within a minute: is the network "
                           "bad, or that machine too busy?",
                           node, HF_FLAPS);
}

void
hf_election_service_wall (hf_election_service_t *self, uint64_t wall_us, uint64_t before_us,
                          uint64_t now_us)
{
    int64_t by_us;
    self->now_us = now_us;
    if (hf_jumps_look (&self->jumps, wall_us, before_us, now_us, &by_us))
        hf_outbox_say (
            &self->out, HF_WARN,
            "the clock of this machine was set %s by %.1f s: leases do not go by it, but "
            "the times in logs do",
            by_us < 0 ? "back" : "forward", (double)(by_us < 0 ? -by_us : by_us) / 1e6);
}
