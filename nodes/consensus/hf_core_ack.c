#include "nodes/consensus/hf_core_internal.h"

void
hf_core_on_ack (hf_core_t *self, const hf_ack_t *m)
{
    //  Nobody can have verified what we do not have, nor heard a round that we did not send.
    if (self->role != HF_LEADER || m->index > self->log.last_index || m->round > self->round)
        return;
    hf_core_peer_t *peer = &self->peers[hf_core_slot (self, m->from)];
    //  Another disk than that of its last ack: what the one had, the other has not. The old
    //  one's ack may be overtaken by the new one's; then it is forgotten once more, at no cost.
    if (hf_core_tracks (self) && m->incarnation != peer->incarnation) {
        *peer = (hf_core_peer_t){0};
        peer->incarnation = m->incarnation;
    }
    peer->heard_us = self->now_us;
    if (m->index > peer->match)
        peer->match = m->index;
    //  An older ack that was overtaken says nothing new.
    if (m->round >= peer->round) {
        peer->round = m->round;
        peer->hears = m->hears;
    }
}
