//  The effects of a pure service: frames, messages and lines, in order.

#include "msgs/hf_outbox.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 1024

void
hf_outbox_init (hf_outbox_t *self)
{
    memset (self, 0, sizeof *self);
    hf_pack_init (&self->frame);
    hf_pack_init (&self->message);
}

bool
hf_outbox_empty (const hf_outbox_t *self)
{
    return self->frames.count + self->messages.count + self->lines.count == 0;
}

void
hf_outbox_reset (hf_outbox_t *self)
{
    for (size_t i = 0; i < self->messages.count; i++)
        free (self->messages.list[i].bytes);
    for (size_t i = 0; i < self->lines.count; i++)
        free (self->lines.list[i].text);
    self->frames.count = self->messages.count = self->lines.count = 0;
    self->frames_end = 0;
    hf_pack_reset (&self->frame);
    hf_pack_trim (&self->frame);
}

void
hf_outbox_done (hf_outbox_t *self)
{
    hf_outbox_reset (self);
    hf_array_free (&self->frames);
    hf_array_free (&self->messages);
    hf_array_free (&self->lines);
    hf_pack_done (&self->frame);
    hf_pack_done (&self->message);
}

static hf_out_frame_t *
s_add_frame (hf_outbox_t *self)
{
    size_t end = hf_pack_size (&self->frame);
    assert (end > self->frames_end);
    hf_out_frame_t *frame = hf_array_add (&self->frames);
    *frame = (hf_out_frame_t){.at = self->frames_end, .size = (uint32_t)(end - self->frames_end)};
    self->frames_end = end;
    return frame;
}

void
hf_outbox_to_client (hf_outbox_t *self, const hf_route_t *route, uint64_t session)
{
    hf_out_frame_t *frame = s_add_frame (self);
    frame->route = *route;
    frame->session = session;
}

void
hf_outbox_to_peer (hf_outbox_t *self, uint32_t peer)
{
    s_add_frame (self)->peer = peer;
}

void
hf_outbox_to_actor (hf_outbox_t *self, hf_to_t to)
{
    assert (hf_pack_size (&self->message) > 0);
    hf_out_message_t *message = hf_array_add (&self->messages);
    message->to = to;
    message->bytes = hf_pack_take (&self->message, &message->size);
}

static hf_out_line_t *
s_say (hf_outbox_t *self, hf_level_t level, const char *format, va_list args)
{
    char text[LINE_SIZE];
    vsnprintf (text, sizeof text, format, args);
    size_t size = strlen (text) + 1;
    hf_out_line_t *line = hf_array_add (&self->lines);
    *line = (hf_out_line_t){.level = level, .text = hf_alloc (size)};
    memcpy (line->text, text, size);
    return line;
}

void
hf_outbox_say (hf_outbox_t *self, hf_level_t level, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_say (self, level, format, args);
    va_end (args);
}

void
hf_outbox_say_of (hf_outbox_t *self, const hf_route_t *route, hf_level_t level, const char *format,
                  ...)
{
    va_list args;
    va_start (args, format);
    s_say (self, level, format, args)->route = *route;
    va_end (args);
}

hf_span_t
hf_outbox_bytes (const hf_outbox_t *self, const hf_out_frame_t *frame)
{
    assert (frame->at + frame->size <= hf_pack_size (&self->frame));
    return hf_span (hf_pack_bytes (&self->frame) + frame->at, frame->size);
}
