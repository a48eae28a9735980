//  The lists of effects: persists, messages, notices.

#include "nodes/consensus/hf_core_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
hf_effects_init (hf_effects_t *self)
{
    memset (self, 0, sizeof *self);
}

void
hf_effects_done (hf_effects_t *self)
{
    free (self->persists);
    free (self->messages);
    free (self->notices);
    hf_effects_init (self);
}

void
hf_effects_persisted (hf_effects_t *self)
{
    self->persists_count = 0;
}

void
hf_effects_reset (hf_effects_t *self)
{
    hf_effects_persisted (self);
    self->messages_count = 0;
    self->notices_count = 0;
}

/*  LIST with room for one more than COUNT. */
static void *
s_grow (void *list, size_t count, size_t *room, size_t size)
{
    assert (count <= *room);
    if (count < *room)
        return list;
    *room = *room > 0 ? 2 * *room : 16;
    list = realloc (list, *room * size);
    if (list == NULL) {
        fputs ("holdfast: out of memory\n", stderr);
        abort ();
    }
    return list;
}

hf_persist_t *
hf_core_persist (hf_effects_t *effects, hf_persist_type_t type)
{
    effects->persists = s_grow (effects->persists, effects->persists_count, &effects->persists_room,
                                sizeof *effects->persists);
    hf_persist_t *persist = &effects->persists[effects->persists_count++];
    *persist = (hf_persist_t){.type = type};
    return persist;
}

hf_outgoing_t *
hf_core_send (hf_effects_t *effects, uint32_t kind, uint32_t to)
{
    effects->messages = s_grow (effects->messages, effects->messages_count, &effects->messages_room,
                                sizeof *effects->messages);
    hf_outgoing_t *message = &effects->messages[effects->messages_count++];
    memset (message, 0, sizeof *message);
    message->message.kind = kind;
    message->to = to;
    return message;
}

hf_notice_t *
hf_core_notice (hf_effects_t *effects, hf_notice_type_t type)
{
    effects->notices = s_grow (effects->notices, effects->notices_count, &effects->notices_room,
                               sizeof *effects->notices);
    hf_notice_t *notice = &effects->notices[effects->notices_count++];
    *notice = (hf_notice_t){.type = type};
    return notice;
}

void
hf_core_persist_vote (hf_core_t *self, hf_effects_t *effects)
{
    //  A new term and the vote in it are one write.
    size_t count = effects->persists_count;
    bool again = count > 0 && effects->persists[count - 1].type == HF_PERSIST_VOTE;
    hf_persist_t *persist =
        again ? &effects->persists[count - 1] : hf_core_persist (effects, HF_PERSIST_VOTE);
    persist->term = self->term;
    persist->voted_for = self->voted_for;
}
