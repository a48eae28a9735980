//  Messages of other nodes: which are taken at all, the rules of terms, and who handles which kind.

#include "nodes/consensus/hf_core_internal.h"

//  ---- reading -------------------------------------------------------------------------

/*  Whether (INDEX, TERM) can be a point of the log of a node in TERM_MAX. */
static bool
s_point_sane (uint64_t index, uint64_t term, uint64_t term_max)
{
    return index < HF_CORE_NUMBER_MAX && (index == 0) == (term == 0) && term <= term_max;
}

/*  Whether a node that says so in TERM can have opened its disk like that. */
#define OPENING_SANE(name, term)                                                                   \
    ((name).start < HF_CORE_AHEAD_MAX && (name).open_term <= (term) &&                             \
     (name).open_index < HF_CORE_NUMBER_MAX)

bool
hf_core_sane (const hf_peer_message_t *m)
{
    uint64_t term = m->head.term;
    switch (m->kind) {
    case HF_KIND_HEARTBEAT:
        return m->heartbeat.marks.count <= HF_MEMBERS_MAX &&
               s_point_sane (m->heartbeat.last_index, m->heartbeat.last_term, term) &&
               m->heartbeat.commit <= m->heartbeat.last_index &&
               m->heartbeat.keep <= m->heartbeat.last_index + 1 &&
               m->heartbeat.round < HF_CORE_NUMBER_MAX;
    case HF_KIND_ENTRIES:
        return s_point_sane (m->entries.prev_index, m->entries.prev_term, term) &&
               m->entries.commit < HF_CORE_NUMBER_MAX &&
               m->entries.entries.count <= HF_CORE_ENTRIES_MAX;
    case HF_KIND_ACK:
        return m->ack.index < HF_CORE_NUMBER_MAX && m->ack.round < HF_CORE_NUMBER_MAX &&
               OPENING_SANE (m->ack, term);
    case HF_KIND_NEED:
        return s_point_sane (m->need.probe_index, m->need.probe_term, term);
    case HF_KIND_VOTE_REQUEST:
        return s_point_sane (m->vote_request.last_index, m->vote_request.last_term, term) &&
               OPENING_SANE (m->vote_request, term);
    case HF_KIND_TRANSFER:
        return s_point_sane (m->transfer.last_index, m->transfer.last_term, term);
    case HF_KIND_STATE_OFFER:
        return m->state_offer.first_index > 1 && m->state_offer.first_index < HF_CORE_NUMBER_MAX;
    case HF_KIND_MEMBERS:
        return m->members.index > 0 && m->members.index < HF_CORE_NUMBER_MAX &&
               hf_roster_valid (m->members.roster);
    case HF_KIND_VOTE:
        return OPENING_SANE (m->vote, term);
    case HF_KIND_NEWER_TERM:
    case HF_KIND_OLD_COPY:
        return true;
    default:
        return false;
    }
}

bool
hf_core_read_peer (const hf_core_t *self, hf_scan_t *scan, uint32_t kind, hf_event_t *event)
{
    hf_peer_message_t *message = &event->peer;
    event->type = HF_EV_PEER;
    if (!hf_peer_get (scan, kind, message))
        return false;
    if (message->head.from == 0 || message->head.from == self->config.self)
        return false;
    if (message->head.to != 0 && message->head.to != self->config.self)
        return false;
    uint64_t term = message->head.term;
    //  A forged message must not use up the terms.
    bool reachable = term <= self->term + HF_CORE_AHEAD_MAX || HF_MUTANT (any_term);
    return term > 0 && term < HF_CORE_NUMBER_MAX && reachable && hf_core_sane (message);
}

//  ---- terms -----------------------------------------------------------------------------

/*  A pre-vote names a term that the candidate is not in yet, so no receiver moves to that term. */
static bool
s_of_future_term (const hf_peer_message_t *message)
{
    if (message->kind == HF_KIND_VOTE_REQUEST)
        return message->vote_request.pre;
    return message->kind == HF_KIND_VOTE && message->vote.pre && message->vote.granted;
}

/*  Only a leader or a candidate needs NEWER_TERM. A follower learns it from the
 *  leader, and an answer is not answered. */
static bool
s_from_leader_or_candidate (uint32_t kind)
{
    return kind == HF_KIND_HEARTBEAT || kind == HF_KIND_ENTRIES || kind == HF_KIND_TRANSFER ||
           kind == HF_KIND_VOTE_REQUEST || kind == HF_KIND_STATE_OFFER;
}

void
hf_core_on_peer (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects)
{
    const hf_peer_message_t *message = &event->peer;
    uint64_t term = message->head.term;
    assert (message->head.from != self->config.self);
    if (message->kind == HF_KIND_OLD_COPY) { //  it is of no term
        hf_core_on_old_copy (self, &message->old_copy, effects);
        return;
    }
    if (hf_core_refuses_copy (self, message, effects))
        return; //  before its term is taken over
    if (!s_of_future_term (message)) {
        if (term > self->term)
            hf_core_step_down (self, term, effects);
        if (term < self->term) {
            if (s_from_leader_or_candidate (message->kind))
                hf_core_tell_newer_term (self, message->head.from, effects);
            return;
        }
    }
    switch (message->kind) {
#define HANDLE(KIND, name)                                                                         \
    case HF_KIND_##KIND:                                                                           \
        hf_core_on_##name (self, &message->name, effects);                                         \
        break;
        HF_PEER_TABLE (HANDLE)
#undef HANDLE
    default:
        assert (false); //  hf_core_read_peer takes no others
    }
}
