//  Frames of ZMTP 3 in a stream of bytes, what waits, and who may send more.

#include "broker-less/hf_inflow.h"
#include "base/hf_mutant.h"

#define GREETING 64
#define FRAME    128 //  libzmq's message, and its share of what was read at once
#define MORE     1
#define LONG     2
#define COMMAND  4
#define SMALL    (64U << 10) //  a message with no end that is no trouble yet

enum { IN_GREETING, IN_FLAGS, IN_LENGTH, IN_BODY };

size_t
hf_inflow_cost (size_t size)
{
    return size + FRAME;
}

/*  Of the greeting the first byte, the last one of the signature, and the version are looked at. */
static bool
s_greets (hf_inflow_t *self, uint8_t byte)
{
    uint8_t at = self->have++;
    if (self->have == GREETING) {
        self->stage = IN_FLAGS;
        self->have = 0;
    }
    return at == 0 ? byte == 0xff : at == 9 ? byte == 0x7f : at != 10 || byte >= 3;
}

/*  A frame has come in full. */
static void
s_end_frame (hf_inflow_t *self, size_t *ended)
{
    self->stage = IN_FLAGS;
    if (self->flags & (MORE | COMMAND))
        return;
    *ended += self->unended;
    self->unended = 0;
    self->since_us = 0;
}

static bool
s_length (hf_inflow_t *self, uint8_t byte, size_t *ended)
{
    self->left = self->left << 8 | byte;
    if (++self->have < (self->flags & LONG ? 8 : 1))
        return true;
    self->have = 0;
    self->stage = IN_BODY;
    if (self->left > HF_INFLOW_MESSAGE_BYTES)
        return false;
    if (!(self->flags & COMMAND))
        self->unended += FRAME;
    if (self->left == 0)
        s_end_frame (self, ended);
    return true;
}

/*  Some of the body; gives how much of SIZE. */
static size_t
s_body (hf_inflow_t *self, size_t size, size_t *ended)
{
    size_t part = self->left < size ? (size_t)self->left : size;
    self->left -= part;
    if (!(self->flags & COMMAND))
        self->unended += part;
    if (self->left == 0)
        s_end_frame (self, ended);
    return part;
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
    for (size_t at = 0; at < size;) {
        if (self->stage == IN_BODY)
            at += s_body (self, size - at, ended);
        else if (!s_head (self, bytes[at++], ended))
            return false;
        if (self->unended > HF_INFLOW_MESSAGE_BYTES)
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
