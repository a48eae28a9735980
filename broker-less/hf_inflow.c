//  Frames of ZMTP 3 in a stream of bytes, what waits, and who may send more.

#include "broker-less/hf_inflow.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <string.h>

#define GREETING  64
#define MECHANISM 12  //  where the greeting names it
#define FRAME     128 //  libzmq's message, and its share of what was read at once
#define MORE      1
#define LONG      2
#define COMMAND   4
#define SMALL     (64U << 10) //  a message with no end that is no trouble yet

enum { IN_GREETING, IN_FLAGS, IN_LENGTH, IN_BODY };

size_t
hf_inflow_cost (size_t size)
{
    return size + FRAME;
}

/*  Of the greeting the first byte, the last one of the signature, the version and the mechanism are
 *  looked at. */
static bool
s_greets (hf_inflow_t *self, uint8_t byte)
{
    static const char curve[] = "CURVE";
    uint8_t at = self->have++;
    if (at >= MECHANISM && at < MECHANISM + sizeof curve)
        self->named = (uint8_t)(self->named + (byte == (uint8_t)curve[at - MECHANISM]));
    self->curve = self->named == sizeof curve;
    if (self->have == GREETING) {
        self->stage = IN_FLAGS;
        self->have = 0;
    }
    return at == 0 ? byte == 0xff : at == 9 ? byte == 0x7f : at != 10 || byte >= 3;
}

//  ---- commands -----------------------------------------------------------------------

/*  libzmq takes the first frame for a command, whatever its flags. */
static bool
s_commands (const hf_inflow_t *self)
{
    return !self->shook_hands || (self->flags & COMMAND);
}

static bool
s_begins (const hf_inflow_t *self, const char *name)
{
    size_t size = strlen (name);
    return self->size >= size && memcmp (self->command, name, size) == 0;
}

/*  Whether the properties of READY name a routing id. Malformed ones libzmq refuses. */
static bool
s_named (const hf_inflow_t *self)
{
    static const char identity[] = "\x08Identity";
    const size_t name = sizeof identity - 1;
    for (size_t at = strlen ("\5READY"), next; at < self->size; at = next) {
        const uint8_t *property = self->command + at;
        size_t head = 1 + (size_t)property[0] + 4, left = self->size - at;
        if (head > left)
            return false;
        uint32_t value = 0;
        for (size_t i = head - 4; i < head; i++)
            value = value << 8 | property[i];
        if (head == name + 4 && memcmp (property, identity, name) == 0 && value > 0)
            return true;
        if (value > left - head)
            return false;
        next = at + head + value;
    }
    return false;
}

/*  A command has come in full. Subscriptions would come out of libzmq as messages, uncounted. */
static bool
s_obey (hf_inflow_t *self)
{
    bool first = !self->shook_hands;
    if (self->curve) { //  HELLO and INITIATE, and no command in the open after them
        self->shook_hands = ++self->commands >= 2;
        self->let_in = self->shook_hands && HF_MUTANT (halves_left_early);
        return first;
    }
    bool bad = first ? s_begins (self, "\5READY") && s_named (self)
                     : s_begins (self, "\x09SUBSCRIBE") || s_begins (self, "\6CANCEL");
    self->shook_hands = self->let_in = true;
    self->size = 0;
    return !bad || HF_MUTANT (any_command);
}

//  ---- frames -------------------------------------------------------------------------

/*  A frame has come in full. */
static bool
s_end_frame (hf_inflow_t *self, size_t *ended)
{
    self->stage = IN_FLAGS;
    if (s_commands (self))
        return s_obey (self);
    self->let_in = true;
    if (self->flags & MORE)
        return true;
    *ended += self->unended;
    self->unended = 0;
    self->since_us = 0;
    return true;
}

static size_t
s_most (const hf_inflow_t *self)
{
    if (!s_commands (self))
        return HF_INFLOW_MESSAGE_BYTES;
    return self->curve ? HF_INFLOW_SECRET_BYTES : HF_INFLOW_COMMAND_BYTES;
}

static bool
s_length (hf_inflow_t *self, uint8_t byte, size_t *ended)
{
    self->left = self->left << 8 | byte;
    if (++self->have < (self->flags & LONG ? 8 : 1))
        return true;
    self->have = 0;
    self->stage = IN_BODY;
    if (self->left > s_most (self))
        return false;
    if (!s_commands (self))
        self->unended += FRAME;
    return self->left > 0 || s_end_frame (self, ended);
}

/*  SIZE bytes of the body, at most all that is to come of it. */
static bool
s_body (hf_inflow_t *self, const uint8_t *bytes, size_t size, size_t *ended)
{
    self->left -= size;
    if (s_commands (self) && self->curve) {
        return self->left > 0 || s_end_frame (self, ended); //  it says nothing to us
    } else if (s_commands (self)) {
        assert (self->size + size <= sizeof self->command);
        memcpy (self->command + self->size, bytes, size);
        self->size = (uint8_t)(self->size + size);
    } else
        self->unended += size;
    return self->left > 0 || s_end_frame (self, ended);
}

static bool
s_head (hf_inflow_t *self, uint8_t byte, size_t *ended)
{
    if (self->stage == IN_GREETING)
        return s_greets (self, byte);
    if (self->stage == IN_LENGTH)
        return s_length (self, byte, ended);
    self->flags = byte;
    self->left = 0;
    self->stage = IN_LENGTH;
    return true;
}

bool
hf_inflow_take (hf_inflow_t *self, const uint8_t *bytes, size_t size, size_t *ended)
{
    for (size_t at = 0, part; at < size; at += part) {
        bool body = self->stage == IN_BODY;
        part = !body ? 1 : self->left < size - at ? (size_t)self->left : size - at;
        bool good = body ? s_body (self, bytes + at, part, ended) : s_head (self, bytes[at], ended);
        if (!good || self->unended > HF_INFLOW_MESSAGE_BYTES)
            return false;
    }
    return true;
}

hf_inflow_step_t
hf_inflow_next (const hf_inflow_t *self, size_t one, size_t all, size_t unended, uint64_t now_us)
{
    bool late = self->since_us != 0 && now_us >= self->since_us + HF_INFLOW_LATE_US;
    if (late && unended > HF_INFLOW_UNENDED_BYTES / 2 && !HF_MUTANT (endless_kept))
        return HF_INFLOW_CUT;
    if (HF_MUTANT (reads_without_end))
        return HF_INFLOW_READ;
    size_t room = HF_INFLOW_ALL_BYTES;
    if (one < HF_INFLOW_SMALL_BYTES && !HF_MUTANT (senders_take_all))
        room += HF_INFLOW_SPARE_BYTES;
    bool full = one >= HF_INFLOW_CLIENT_BYTES || all >= room;
    bool swollen = unended >= HF_INFLOW_UNENDED_BYTES && self->unended >= SMALL;
    return full || swollen ? HF_INFLOW_WAIT : HF_INFLOW_READ;
}
