//  A message from another node: what is taken at all, and the rules of terms.

#include "nodes/consensus/hf_core_internal.h"

//  ---- reading -------------------------------------------------------------------------

/*  What every message of a peer has. */
typedef struct head {
    uint32_t from;
    uint32_t to;
    uint64_t term;
} head_t;

#define HEAD(m) ((head_t){.from = (m).from, .to = (m).to, .term = (m).term})

static head_t
s_head (const hf_event_t *event)
{
    switch (event->peer.kind) {
    case HF_KIND_HEARTBEAT:
        return HEAD (event->peer.heartbeat);
    case HF_KIND_ENTRIES:
        return HEAD (event->peer.entries);
    case HF_KIND_ACK:
        return HEAD (event->peer.ack);
    case HF_KIND_NEED:
        return HEAD (event->peer.need);
    case HF_KIND_VOTE_REQUEST:
        return HEAD (event->peer.vote_request);
    case HF_KIND_VOTE:
        return HEAD (event->peer.vote);
    case HF_KIND_TRANSFER:
        return HEAD (event->peer.transfer);
    case HF_KIND_NEWER_TERM:
        return HEAD (event->peer.newer_term);
    case HF_KIND_STATE_OFFER:
        return HEAD (event->peer.state_offer);
    default:
        return (head_t){0};
    }
}

static bool
s_get (hf_scan_t *scan, uint32_t kind, hf_event_t *event)
{
    event->type = HF_EV_PEER;
    event->peer.kind = kind;
    switch (kind) {
    case HF_KIND_HEARTBEAT:
        return hf_heartbeat_get (scan, &event->peer.heartbeat);
    case HF_KIND_ENTRIES:
        return hf_entries_get (scan, &event->peer.entries);
    case HF_KIND_ACK:
        return hf_ack_get (scan, &event->peer.ack);
    case HF_KIND_NEED:
        return hf_need_get (scan, &event->peer.need);
    case HF_KIND_VOTE_REQUEST:
        return hf_vote_request_get (scan, &event->peer.vote_request);
    case HF_KIND_VOTE:
        return hf_vote_get (scan, &event->peer.vote);
    case HF_KIND_TRANSFER:
        return hf_transfer_get (scan, &event->peer.transfer);
    case HF_KIND_NEWER_TERM:
        return hf_newer_term_get (scan, &event->peer.newer_term);
    case HF_KIND_STATE_OFFER:
        return hf_state_offer_get (scan, &event->peer.state_offer);
    default:
        return false;
    }
}

/*  Whether (INDEX, TERM) can be a point of the log of a node in TERM_MAX. */
static bool
s_point_sane (uint64_t index, uint64_t term, uint64_t term_max)
{
    return index < HF_CORE_NUMBER_MAX && (index == 0) == (term == 0) && term <= term_max;
}

static bool
s_fields_sane (const hf_event_t *event)
{
    const hf_heartbeat_t *beat = &event->peer.heartbeat;
    const hf_entries_t *entries = &event->peer.entries;
    const hf_ack_t *ack = &event->peer.ack;
    const hf_need_t *need = &event->peer.need;
    const hf_vote_request_t *request = &event->peer.vote_request;
    const hf_transfer_t *transfer = &event->peer.transfer;
    switch (event->peer.kind) {
    case HF_KIND_HEARTBEAT:
        return s_point_sane (beat->last_index, beat->last_term, beat->term) &&
               beat->commit <= beat->last_index && beat->round < HF_CORE_NUMBER_MAX;
    case HF_KIND_ENTRIES:
        return s_point_sane (entries->prev_index, entries->prev_term, entries->term) &&
               entries->commit < HF_CORE_NUMBER_MAX &&
               entries->entries.count <= HF_CORE_ENTRIES_MAX;
    case HF_KIND_ACK:
        return ack->index < HF_CORE_NUMBER_MAX && ack->round < HF_CORE_NUMBER_MAX;
    case HF_KIND_NEED:
        return s_point_sane (need->probe_index, need->probe_term, need->term);
    case HF_KIND_VOTE_REQUEST:
        return s_point_sane (request->last_index, request->last_term, request->term);
    case HF_KIND_TRANSFER:
        return s_point_sane (transfer->last_index, transfer->last_term, transfer->term);
    case HF_KIND_STATE_OFFER:
        return event->peer.state_offer.first_index > 1 &&
               event->peer.state_offer.first_index < HF_CORE_NUMBER_MAX;
    default:
        return true;
    }
}

bool
hf_core_read_peer (const hf_core_t *self, hf_scan_t *scan, uint32_t kind, hf_event_t *event)
{
    if (!s_get (scan, kind, event))
        return false;
    head_t head = s_head (event);
    bool member = hf_core_slot (self, head.from) < self->config.members_count;
    if (!member || head.from == self->config.self)
        return false;
    if (head.to != 0 && head.to != self->config.self)
        return false;
    return head.term > 0 && head.term < HF_CORE_NUMBER_MAX && s_fields_sane (event);
}

//  ---- terms -----------------------------------------------------------------------------

/*  Pre-votes speak of a term that nobody is in yet: they move nobody to it. */
static bool
s_of_future_term (const hf_event_t *event)
{
    if (event->peer.kind == HF_KIND_VOTE_REQUEST)
        return event->peer.vote_request.pre;
    if (event->peer.kind == HF_KIND_VOTE)
        return event->peer.vote.pre && event->peer.vote.granted;
    return false;
}

/*  Only those who lead or stand must learn that their term is over. The others
 *  learn it from the leader; and nobody answers an answer. */
static bool
s_from_one_who_leads_or_stands (uint32_t kind)
{
    return kind == HF_KIND_HEARTBEAT || kind == HF_KIND_ENTRIES || kind == HF_KIND_TRANSFER ||
           kind == HF_KIND_VOTE_REQUEST || kind == HF_KIND_STATE_OFFER;
}

void
hf_core_on_peer (hf_core_t *self, const hf_event_t *event, hf_effects_t *effects)
{
    uint32_t kind = event->peer.kind;
    head_t head = s_head (event);
    assert (head.from != self->config.self);
    assert (hf_core_slot (self, head.from) < self->config.members_count);
    if (!s_of_future_term (event)) {
        if (head.term > self->term)
            hf_core_step_down (self, head.term, effects);
        if (head.term < self->term) {
            if (s_from_one_who_leads_or_stands (kind))
                hf_core_tell_newer_term (self, head.from, effects);
            return;
        }
    }
    if (kind == HF_KIND_HEARTBEAT)
        hf_core_on_heartbeat (self, &event->peer.heartbeat, effects);
    else if (kind == HF_KIND_ENTRIES)
        hf_core_on_entries (self, &event->peer.entries, effects);
    else if (kind == HF_KIND_ACK)
        hf_core_on_ack (self, &event->peer.ack);
    else if (kind == HF_KIND_NEED)
        hf_core_on_need (self, &event->peer.need, effects);
    else if (kind == HF_KIND_VOTE_REQUEST)
        hf_core_on_vote_request (self, &event->peer.vote_request, effects);
    else if (kind == HF_KIND_VOTE)
        hf_core_on_vote (self, &event->peer.vote, effects);
    else if (kind == HF_KIND_TRANSFER)
        hf_core_on_transfer (self, &event->peer.transfer, effects);
    else if (kind == HF_KIND_STATE_OFFER)
        hf_core_on_offer (self, &event->peer.state_offer, effects);
    else
        assert (kind == HF_KIND_NEWER_TERM); //  its term has said it all
}
