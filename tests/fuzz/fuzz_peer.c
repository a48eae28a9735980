//  Node messages: a core as follower, candidate or leader gets anything a peer can send, in
//  between what its own driver does. It never crashes, hf_core_check holds after every step, and
//  what it wants persisted is what a driver may do: nothing committed or durable is taken back.

#include "nodes/consensus/hf_core.h"
#include "tests/fuzz/fuzz.h"

#define LOG_MAX   4096 //  entries the shadow of the log holds
#define STEPS_MAX 400

typedef struct peer {
    hf_core_t *core;
    hf_core_t *other; //  another member, which must take what we send it
    hf_effects_t effects;
    uint64_t now_us;
    uint64_t terms[LOG_MAX + 1]; //  the log as the driver writes it
    uint64_t base;               //  pruned up to here
    uint64_t last_index;
    uint64_t commit_index;
    uint64_t term;
    uint32_t voted_for;
    uint64_t round; //  of the last heartbeat it sent
    uint32_t self_id;
    uint32_t members;
    bool tracks; //  who is known: the incarnation of node N is 100 * N, as long as it has its disk
    bool full;
} peer_t;

//  ---- the driver -------------------------------------------------------------------------

static void
s_append (peer_t *self, uint64_t index, uint64_t term)
{
    assert (index == self->last_index + 1);
    if (index > LOG_MAX) {
        self->full = true;
        return;
    }
    self->terms[index] = term;
    self->last_index = index;
}

/*  The terms come from the event just stepped: of ENTRIES those after the first SKIP. */
static void
s_persist (peer_t *self, const hf_persist_t *persist, const hf_event_t *event)
{
    hf_scan_t scan = {.bad = false};
    switch (persist->type) {
    case HF_PERSIST_VOTE:
        assert (persist->term >= self->term);
        assert (persist->term > self->term || self->voted_for == 0 ||
                persist->voted_for == self->voted_for); //  one vote a term
        self->term = persist->term;
        self->voted_for = persist->voted_for;
        break;
    case HF_PERSIST_TRUNCATE:
        assert (persist->index > self->commit_index && persist->index <= self->last_index);
        assert (persist->index > self->base);
        self->last_index = persist->index - 1;
        break;
    case HF_PERSIST_APPEND:
        if (event->type == HF_EV_PEER) {
            assert (event->peer.kind == HF_KIND_ENTRIES);
            scan = hf_scan_list (event->peer.entries.entries);
            assert (persist->skip + persist->count == event->peer.entries.entries.count);
            hf_scan_skip (&scan, persist->skip);
        }
        for (uint32_t i = 0; i < persist->count && !self->full; i++) {
            hf_entry_t entry = {.term = persist->term};
            if (event->type == HF_EV_PEER) {
                bool read = hf_entry_get (&scan, &entry);
                assert (read);
            }
            s_append (self, persist->index + i, entry.term);
        }
        break;
    case HF_PERSIST_OWN:
        assert (persist->entry_type == HF_ENTRY_ROSTER ? self->tracks : persist->payload_size == 0);
        s_append (self, persist->index, persist->term);
        break;
    }
}

#define PUT(KIND, name)                                                                            \
    case HF_KIND_##KIND:                                                                           \
        hf_##name##_put (&pack, &out->name);                                                       \
        break;

/*  What it sends must be what its peers read. */
static void
s_check_sent (peer_t *self, const hf_outgoing_t *out)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    if (out->kind == HF_KIND_HEARTBEAT)
        self->round = out->heartbeat.round;
    switch (out->kind) {
        PUT (HEARTBEAT, heartbeat)
        PUT (ENTRIES, entries)
        PUT (ACK, ack)
        PUT (NEED, need)
        PUT (VOTE_REQUEST, vote_request)
        PUT (VOTE, vote)
        PUT (TRANSFER, transfer)
        PUT (NEWER_TERM, newer_term)
        PUT (STATE_OFFER, state_offer)
    default:
        assert (false);
    }
    hf_scan_t scan = hf_scan (hf_pack_bytes (&pack), hf_pack_size (&pack));
    hf_event_t event;
    bool taken = hf_core_read_peer (self->other, &scan, out->kind, &event);
    bool to_other = out->to == 0 || out->to == (self->self_id == 1 ? 2U : 1U);
    //  Terms end at 2^62, and nobody gets there but by a forged message.
    assert (taken || !to_other || self->term >= (1ULL << 62) - 2);
    hf_pack_done (&pack);
}

static void
s_check (peer_t *self)
{
    hf_core_check (self->core);
    hf_core_view_t view = hf_core_view (self->core);
    assert (view.term == self->term && view.voted_for == self->voted_for);
    assert (view.commit_index >= self->commit_index);
    self->commit_index = view.commit_index;
    assert (self->full || view.last_index == self->last_index);
    assert (view.first_index == self->base + 1);
    for (uint64_t i = 0; i < 8 && i < self->last_index - self->base && !self->full; i++)
        assert (hf_core_term_at (self->core, self->last_index - i) ==
                self->terms[self->last_index - i]);
}

static void
s_step (peer_t *self, hf_event_t *event)
{
    event->now_us = self->now_us;
    size_t sent = self->effects.messages_count;
    hf_core_step (self->core, event, &self->effects);
    for (size_t i = 0; i < self->effects.persists_count; i++)
        s_persist (self, &self->effects.persists[i], event);
    hf_effects_persisted (&self->effects);
    for (size_t i = sent; i < self->effects.messages_count; i++) {
        const hf_outgoing_t *out = &self->effects.messages[i];
        assert (out->kind != HF_KIND_ENTRIES || out->entries_count == 0 ||
                out->entries.prev_index >= self->base);
    }
    for (size_t i = sent; self->members > 1 && i < self->effects.messages_count; i++)
        s_check_sent (self, &self->effects.messages[i]);
    assert (self->effects.commit_index <= hf_core_view (self->core).last_index);
    if (!self->full)
        s_check (self);
}

/*  The transaction is committed, everything sent, and what is durable reported. */
static void
s_commit (peer_t *self)
{
    hf_effects_reset (&self->effects);
    if (self->last_index == 0)
        return;
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = self->last_index;
    event.durable.term = self->terms[self->last_index];
    s_step (self, &event);
}

//  ---- what comes in ------------------------------------------------------------------------

/*  Bytes as they come off a socket. */
static void
s_raw_frame (peer_t *self, fuzz_bytes_t *bytes)
{
    size_t size;
    uint8_t *frame = fuzz_take (bytes, fuzz_u16 (bytes) % 512, &size);
    hf_scan_t scan;
    uint32_t kind;
    hf_event_t event;
    if (hf_frame_open (frame, size, &scan, &kind) == HF_OK &&
        hf_core_read_peer (self->core, &scan, kind, &event))
        s_step (self, &event);
    free (frame);
}

/*  A number near one that matters here: a forger's best guess. */
static uint64_t
s_near (fuzz_bytes_t *bytes, uint64_t value)
{
    uint8_t byte = fuzz_u8 (bytes);
    if (byte < 8)
        return fuzz_number (bytes);
    if (byte < 160)
        return value;
    return value + (byte % 8) - (byte % 8 < 4 ? 0 : 8);
}

static uint64_t
s_incarnation (fuzz_bytes_t *bytes, uint32_t node)
{
    uint8_t byte = fuzz_u8 (bytes);
    return byte < 32 ? byte : 100 * (uint64_t)node;
}

/*  An entry as another leader makes them, or of any type, or a roster, sound or not. */
static void
s_put_entry (const peer_t *self, fuzz_bytes_t *bytes, hf_pack_t *list, uint64_t term)
{
    uint8_t what = fuzz_u8 (bytes);
    hf_entry_t entry = {.term = term, .type = what % 8 == 6 ? what >> 3 : HF_ENTRY_COMMANDS};
    hf_pack_t payload;
    hf_pack_init (&payload);
    if (what % 8 == 7) {
        hf_member_t members[HF_MEMBERS_MAX];
        for (uint32_t i = 0; i < self->members; i++)
            members[i] = (hf_member_t){i + 1 + (what >> 7), s_incarnation (bytes, i + 1)};
        entry.type = HF_ENTRY_ROSTER;
        hf_roster_put (&payload, members, self->members - (what >> 5 & 1));
        size_t size = hf_pack_size (&payload) - (what >> 6 & 1);
        entry.payload = hf_span (hf_pack_bytes (&payload), size);
    }
    hf_entry_put (list, &entry);
    hf_pack_done (&payload);
}

static void
s_fill (peer_t *self, fuzz_bytes_t *bytes, uint32_t kind, hf_pack_t *pack, hf_pack_t *list)
{
    hf_core_view_t view = hf_core_view (self->core);
    uint32_t from = fuzz_u8 (bytes);
    bool leader = from < 128 && view.leader != 0 && view.leader != self->self_id;
    from = leader ? view.leader : 1 + from % (self->members + 1);
    uint32_t to = fuzz_u8 (bytes) % 4 == 3 ? 3 : fuzz_u8 (bytes) % 2 ? self->self_id : 0;
    uint64_t term = s_near (bytes, view.term);
    uint64_t index = s_near (bytes, fuzz_u8 (bytes) % 2 ? view.last_index : view.commit_index);
    uint64_t at = fuzz_u8 (bytes) % 4 ? hf_core_term_at (self->core, index) : s_near (bytes, term);
    uint64_t number = fuzz_number (bytes);
    uint8_t flags = fuzz_u8 (bytes);
    switch (kind) {
    case HF_KIND_HEARTBEAT:
        hf_heartbeat_frame (pack, &(hf_heartbeat_t){from, to, term, number,
                                                    s_near (bytes, view.commit_index), index, at});
        break;
    case HF_KIND_ENTRIES:
        for (uint8_t left = flags % 16; left > 0; left--) {
            at += fuzz_u8 (bytes) % 8 == 7;
            s_put_entry (self, bytes, list, at);
        }
        at = fuzz_u8 (bytes) % 8 ? hf_core_term_at (self->core, index) : at;
        hf_entries_frame (pack, &(hf_entries_t){from, to, term, s_near (bytes, view.last_index),
                                                index, at, hf_pack_list (list)});
        break;
    case HF_KIND_ACK:
        hf_ack_frame (pack, &(hf_ack_t){from, to, term, index, s_near (bytes, self->round), flags,
                                        s_incarnation (bytes, from)});
        break;
    case HF_KIND_NEED:
        hf_need_frame (pack, &(hf_need_t){from, to, term, index, at});
        break;
    case HF_KIND_VOTE_REQUEST:
        hf_vote_request_frame (pack, &(hf_vote_request_t){from, to, term, index, at, flags & 1});
        break;
    case HF_KIND_VOTE:
        hf_vote_frame (
            pack, &(hf_vote_t){from, to, term, flags & 1, flags & 2, s_incarnation (bytes, from)});
        break;
    case HF_KIND_TRANSFER:
        hf_transfer_frame (pack, &(hf_transfer_t){from, to, term, index, at});
        break;
    case HF_KIND_STATE_OFFER:
        hf_state_offer_frame (pack, &(hf_state_offer_t){from, to, term, index});
        break;
    default:
        hf_newer_term_frame (pack, &(hf_newer_term_t){from, to, term});
    }
}

/*  A well-formed message with numbers that come close. */
static void
s_forged (peer_t *self, fuzz_bytes_t *bytes)
{
    hf_pack_t pack, list;
    hf_pack_init (&pack);
    hf_pack_init (&list);
    uint32_t which = fuzz_u8 (bytes) % 9;
    s_fill (self, bytes, which < 8 ? HF_KIND_HEARTBEAT + which : HF_KIND_STATE_OFFER, &pack, &list);
    hf_scan_t scan;
    uint32_t kind;
    hf_event_t event;
    hf_status_t status = hf_frame_open (hf_pack_bytes (&pack), hf_pack_size (&pack), &scan, &kind);
    assert (status == HF_OK);
    if (hf_core_read_peer (self->core, &scan, kind, &event))
        s_step (self, &event);
    hf_pack_done (&list);
    hf_pack_done (&pack);
}

/*  Some of what is committed and durable is pruned; the driver did not say yet what is durable. */
static void
s_prune (peer_t *self, fuzz_bytes_t *bytes)
{
    hf_core_view_t view = hf_core_view (self->core);
    uint64_t most = view.commit_index < view.durable_index ? view.commit_index : view.durable_index;
    if (most <= self->base)
        return;
    hf_event_t event = {.type = HF_EV_PRUNED};
    event.pruned.index = self->base + 1 + fuzz_u8 (bytes) % (most - self->base);
    self->base = event.pruned.index;
    s_step (self, &event);
}

/*  What the node itself does. */
static void
s_own (peer_t *self, fuzz_bytes_t *bytes, uint8_t what)
{
    hf_event_t event = {.type = HF_EV_TICK};
    switch (what) {
    case 0:
        event.type = HF_EV_PROPOSE;
        event.propose.count = 1 + fuzz_u8 (bytes) % 8;
        break;
    case 1:
        event.type = HF_EV_BARRIER;
        event.barrier.id = fuzz_u8 (bytes);
        break;
    case 2:
        event.type = HF_EV_LINK;
        event.link.node = fuzz_u8 (bytes) % 9;
        event.link.up = fuzz_u8 (bytes) % 2;
        break;
    case 3:
        event.type = HF_EV_BROKEN;
        event.link.node = fuzz_u8 (bytes) % 9;
        break;
    case 4:
        event.type = HF_EV_HANDOVER;
        break;
    case 5:
        event.type = HF_EV_STALL;
        event.stall.for_us = 1000 * (uint64_t)fuzz_u16 (bytes);
        break;
    default:
        event.now_us = fuzz_u8 (bytes); //  mostly within a heartbeat or two
        self->now_us += 1000 * (event.now_us < 240 ? event.now_us / 4 : 100 * (event.now_us - 239));
        break;
    }
    s_step (self, &event);
}

//  ---- a whole life ---------------------------------------------------------------------------

static hf_core_t *
s_core (uint32_t self_id, uint32_t members, uint64_t incarnation, const hf_restored_t *restored)
{
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = self_id;
    config.members_count = members;
    config.incarnation = incarnation;
    for (uint32_t i = 0; i < members; i++)
        config.members[i] = i + 1;
    return hf_core_new (&config, restored, 1000000, NULL, NULL);
}

static void
s_links_up (peer_t *self)
{
    for (uint32_t node = 1; node <= self->members; node++) {
        hf_event_t event = {.type = HF_EV_LINK, .link = {.node = node, .up = true}};
        s_step (self, &event);
    }
}

/*  Make it a candidate, or the leader when enough of the others say yes. */
static void
s_elect (peer_t *self, uint32_t voters)
{
    hf_event_t tick = {.type = HF_EV_TICK};
    self->now_us += 900000;
    s_step (self, &tick);
    s_commit (self);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t from = 1; from <= self->members && from <= voters + 1; from++) {
            hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_VOTE}};
            uint64_t term = hf_core_view (self->core).term + (round == 0);
            event.peer.vote =
                (hf_vote_t){from, self->self_id, term, round == 0, true, 100 * (uint64_t)from};
            if (from != self->self_id)
                s_step (self, &event);
        }
        s_commit (self);
    }
}

/*  A roster of everybody, or no entry at all; at or before the base when there is one. */
static void
s_roster (const peer_t *self, hf_roster_at_t *at)
{
    hf_member_t members[HF_MEMBERS_MAX];
    hf_pack_t payload;
    hf_pack_init (&payload);
    for (uint32_t i = 0; i < self->members; i++)
        members[i] = (hf_member_t){i + 1, 100 * ((uint64_t)i + 1)};
    hf_roster_put (&payload, members, self->members);
    *at = (hf_roster_at_t){.index = self->base > 0 ? self->base : 1,
                           .size = (uint8_t)hf_pack_size (&payload)};
    memcpy (at->payload, hf_pack_bytes (&payload), at->size);
    hf_pack_done (&payload);
}

/*  What is on its disk: entries of terms 2 and 4 behind the base, and a roster. */
static void
s_restore (peer_t *self, uint8_t more)
{
    hf_roster_at_t roster;
    self->tracks = more & 1;
    self->base = self->last_index > 0 && (more >> 1 & 1) ? (more >> 2) % (self->last_index + 1) : 0;
    uint64_t count = self->last_index - self->base;
    hf_term_span_t spans[2] = {{self->base + 1, 2}, {self->base + (count + 1) / 2 + 1, 4}};
    for (uint64_t i = self->base; i <= self->last_index; i++)
        self->terms[i] = i == 0 ? 0 : count > 1 && i >= spans[1].first_index ? 4 : 2;
    s_roster (self, &roster);
    hf_restored_t restored = {.term = self->term,
                              .base_index = self->base,
                              .base_term = self->terms[self->base],
                              .last_index = self->last_index,
                              .spans = spans,
                              .spans_count = count < 2 ? count : 2,
                              .rosters = &roster,
                              .rosters_count = self->last_index > 0 && more < 192 ? 1 : 0};
    uint64_t incarnation = 100 * (uint64_t)self->self_id + (more % 16 == 15); //  its disk is new
    self->commit_index = self->base;
    self->core = s_core (self->self_id, self->members, self->tracks ? incarnation : 0, &restored);
    self->other =
        self->members > 1 ? s_core (self->self_id == 1 ? 2 : 1, self->members, 0, &restored) : NULL;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const uint32_t counts[] = {3, 1, 5, 7};
    static peer_t self;
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    uint8_t how = fuzz_u8 (&bytes);
    memset (&self, 0, sizeof self);
    self.members = counts[how % 4];
    self.self_id = self.members == 1 ? 1 : 1 + (how >> 2) % 2;
    self.last_index = fuzz_u8 (&bytes) % 16;
    self.term = self.last_index > 0 ? 5 : 0;
    self.now_us = 1000000;
    s_restore (&self, fuzz_u8 (&bytes));
    assert (self.core);
    hf_effects_init (&self.effects);
    if (how >> 4 & 1)
        s_elect (&self, how >> 5 & 1 ? self.members : 2);
    if (how >> 6 & 1)
        s_links_up (&self);
    for (unsigned i = 0; i < STEPS_MAX && fuzz_left (&bytes) > 0 && !self.full; i++) {
        uint8_t what = fuzz_u8 (&bytes);
        if (what < 4)
            s_prune (&self, &bytes);
        else if (what < 32)
            s_raw_frame (&self, &bytes);
        else if (what < 160)
            s_forged (&self, &bytes);
        else if (what < 200)
            s_commit (&self);
        else
            s_own (&self, &bytes, what % 8);
    }
    hf_effects_done (&self.effects);
    hf_core_destroy (&self.core);
    hf_core_destroy (&self.other);
    return 0;
}
