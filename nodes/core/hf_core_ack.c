#include "nodes/core/hf_core_internal.h"

void
hf_core_on_ack (hf_core_t *self, const hf_ack_t *m)
{
    //  Nobody can have verified what we do not have, nor heard a round that we did not send.
    if (self->role != HF_LEADER || m->index > self->log.last_index || m->round > self->round)
        return;
    hf_core_peer_t *peer = &self->peers[hf_core_slot (self, m->from)];
    peer->heard_us = self->now_us;
    if (m->index > peer->match)
        peer->match = m->index;
    //  An older ack that was overtaken says nothing new.
    if (m->round >= peer->round) {
        peer->round = m->round;
        peer->hears = m->hears;
    }
}
