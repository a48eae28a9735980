//  What the service manager is told.

#include "nodes/hf_notify.h"
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#define LOOKS 4 //  within the time of the watchdog

void
hf_notify_begin (hf_notify_t *self, const char *text)
{
    *self = (hf_notify_t){.ready = false};
    if (sd_watchdog_enabled (0, &self->watchdog_us) <= 0)
        self->watchdog_us = 0;
    sd_notifyf (0, "STATUS=%s", text);
}

void
hf_notify_leader (hf_notify_t *self, const hf_node_t *node, uint32_t leader)
{
    char status[128];
    if (leader == 0)
        snprintf (status, sizeof status, "node %u knows no leader", node->id);
    else if (leader == node->id)
        snprintf (status, sizeof status, "node %u leads", node->id);
    else
        snprintf (status, sizeof status, "node %u follows node %u", node->id, leader);
    sd_notifyf (0, "STATUS=%s", status);
    if (leader == 0 || self->ready)
        return;
    self->ready = true;
    if (self->watchdog_us > 0) //  hf_notify_again may have switched it off
        sd_notifyf (0, "READY=1\nWATCHDOG_USEC=%" PRIu64, self->watchdog_us);
    else
        sd_notify (0, "READY=1");
}

long
hf_notify_wait_ms (const hf_notify_t *self, long most)
{
    uint64_t wait_ms = self->watchdog_us / 1000 / LOOKS;
    return self->watchdog_us == 0 || wait_ms > (uint64_t)most ? most : (long)wait_ms;
}

void
hf_notify_pulse (hf_notify_t *self, hf_node_t *node)
{
    hf_pulse_t *const pulses[] = {&node->election.pulse, &node->lock.pulse, &node->file.pulse,
                                  &node->http.pulse};
    const unsigned count = node->http.server ? 4 : 3;
    if (self->watchdog_us == 0)
        return;
    for (unsigned i = 0; i < count; i++)
        if (!hf_pulse_moved (pulses[i]))
            return;
    for (unsigned i = 0; i < count; i++)
        hf_pulse_see (pulses[i]);
    sd_notify (0, "WATCHDOG=1");
}

void
hf_notify_stopping (void)
{
    sd_notify (0, "STOPPING=1");
}

void
hf_notify_again (const hf_notify_t *self)
{
    if (self->watchdog_us > 0)
        sd_notify (0, "WATCHDOG_USEC=0");
    sd_notify (0, "STATUS=starts again");
}
