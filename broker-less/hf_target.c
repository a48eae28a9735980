//  Which address of a name to connect to, when to look the name up again, when to start over.

#include "broker-less/hf_target.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

bool
hf_host_is_name (const char *host)
{
    //  As hf_endpoints reads them: a last label of digits alone can only be an IPv4 address.
    const char *last = strrchr (host, '.');
    for (last = last ? last + 1 : host; *last >= '0' && *last <= '9'; last++)
        continue;
    return host[0] != '[' && *last != 0;
}

void
hf_target_init (hf_target_t *self, const char *host, uint16_t port)
{
    *self =
        (hf_target_t){.port = port, .named = hf_host_is_name (host), .every_us = HF_LOOK_FIRST_US};
    snprintf (self->host, sizeof self->host, "%s", host);
    if (!self->named) {
        self->found.count = 1;
        snprintf (self->found.text[0], HF_ADDRESS_SIZE, "%.63s", host);
    }
}

static void
s_address (const hf_target_t *self, uint32_t at, char address[HF_ADDRESS_SIZE + 8])
{
    snprintf (address, HF_ADDRESS_SIZE + 8, "%s:%u", self->found.text[at], self->port);
}

/*  Whether that is ADDRESS, with the port, which never changes. */
static bool
s_is_at (const char *text, const char *address)
{
    size_t size = strlen (text);
    return strncmp (address, text, size) == 0 && address[size] == ':';
}

/*  The place of the address that is tried among those that were found; their count: it is not. */
static uint32_t
s_place (const hf_target_t *self)
{
    uint32_t i = 0;
    while (i < self->found.count && !s_is_at (self->found.text[i], self->address))
        i++;
    return i;
}

//  ---- what to do -----------------------------------------------------------------

static bool
s_leaves (const hf_target_t *self, uint64_t now_us)
{
    if (self->address[0] == 0 || self->drop || self->connected)
        return self->drop;
    bool moved = s_place (self) == self->found.count && !HF_MUTANT (old_address_kept);
    return moved || now_us >= self->try_us + HF_TARGET_TRY_US;
}

static hf_target_step_t
s_leave (hf_target_t *self, char address[HF_ADDRESS_SIZE + 8])
{
    //  The next one of those that were found, or the first when they are new.
    uint32_t place = s_place (self);
    self->at = place + 1 < self->found.count && !HF_MUTANT (first_address_only) ? place + 1 : 0;
    self->drop = false;
    memcpy (address, self->address, sizeof self->address);
    self->address[0] = 0;
    return HF_TARGET_DISCONNECT;
}

hf_target_step_t
hf_target_next (hf_target_t *self, uint64_t now_us, char address[HF_ADDRESS_SIZE + 8])
{
    if (self->named && !self->looking && !self->connected && now_us >= self->look_us) {
        self->looking = true;
        self->began_us = now_us;
        return HF_TARGET_LOOK;
    }
    if (s_leaves (self, now_us))
        return s_leave (self, address);
    if (self->address[0] == 0 && self->found.count > 0 && now_us >= self->hold_us) {
        assert (self->at < self->found.count);
        self->try_us = now_us;
        s_address (self, self->at, self->address);
        memcpy (address, self->address, sizeof self->address);
        return HF_TARGET_CONNECT;
    }
    return HF_TARGET_REST;
}

uint64_t
hf_target_due_us (const hf_target_t *self)
{
    if (self->drop)
        return 0;
    if (self->connected)
        return HF_NEVER;
    uint64_t due_us = self->named && !self->looking ? self->look_us : HF_NEVER;
    uint64_t other_us = HF_NEVER;
    if (self->address[0] != 0)
        other_us = self->try_us + HF_TARGET_TRY_US;
    else if (self->found.count > 0)
        other_us = self->hold_us;
    return due_us < other_us ? due_us : other_us;
}

//  ---- look-ups ---------------------------------------------------------------------

static void
s_looked (hf_target_t *self, uint64_t now_us)
{
    assert (self->looking);
    self->looking = false;
    self->look_us = HF_MUTANT (looked_up_once) ? HF_NEVER : now_us + self->every_us;
    uint64_t twice_us = self->every_us * 2;
    self->every_us = twice_us < HF_LOOK_MOST_US ? twice_us : HF_LOOK_MOST_US;
}

void
hf_target_found (hf_target_t *self, const hf_addresses_t *found, uint64_t now_us)
{
    assert (found->count > 0 && found->count <= HF_ADDRESSES_MAX);
    s_looked (self, now_us);
    self->why[0] = 0;
    self->found = *found;
    self->at = 0;
}

void
hf_target_failed (hf_target_t *self, const char *why, uint64_t now_us)
{
    s_looked (self, now_us);
    snprintf (self->why, sizeof self->why, "%s", why);
    if (HF_MUTANT (last_address_forgotten))
        self->found.count = 0;
}

bool
hf_target_trouble (const hf_target_t *self, uint64_t now_us, char *text, size_t size)
{
    if (self->found.count > 0)
        return false;
    if (self->why[0] != 0)
        snprintf (text, size, "cannot resolve %s: %s", self->host, self->why);
    else if (self->looking && now_us >= self->began_us + HF_LOOK_LONG_US)
        snprintf (text, size, "cannot resolve %s: no answer yet", self->host);
    else
        return false;
    return true;
}

//  ---- connections ------------------------------------------------------------------

void
hf_target_connected (hf_target_t *self)
{
    self->connected = true;
    self->every_us = HF_LOOK_FIRST_US;
}

void
hf_target_broken (hf_target_t *self, uint64_t now_us)
{
    self->try_us = now_us;
    if (self->connected && !self->looking && self->look_us > now_us + HF_LOOK_FIRST_US)
        self->look_us = now_us + HF_LOOK_FIRST_US;
    self->connected = false;
}

void
hf_target_silent (hf_target_t *self, uint64_t now_us)
{
    hf_target_broken (self, now_us);
    self->drop = self->address[0] != 0;
}

void
hf_target_held_up (hf_target_t *self, uint64_t now_us)
{
    self->try_us = now_us;
}

void
hf_target_to_itself (hf_target_t *self, uint64_t now_us)
{
    if (HF_MUTANT (to_itself_kept))
        return;
    hf_target_silent (self, now_us);
    self->hold_us = now_us + HF_TARGET_HOLD_US;
}
