//  Node messages: an election service as follower, candidate or leader gets anything a peer can
//  send, in between what its own node does. It never crashes, hf_core_check holds after every step,
//  what it writes is what a log may take (nothing committed is taken back), what it sends is what
//  peers read, and what it delivers is committed and has no gap.

#include "nodes/services/hf_election_service.h"
#include "tests/fuzz/fuzz.h"

#define LOG_MAX   8192 //  more entries than the steps of one input can make
#define STEPS_MAX 400

typedef struct peer {
    hf_election_service_t *service;
    hf_core_t *other; //  of another member, which must take what this node sends
    uint64_t now_us;
    uint64_t terms[LOG_MAX + 1]; //  the log
    uint64_t base;               //  pruned up to here
    uint64_t last_index;
    uint64_t restored_index; //  of the last entry that was there at the start
    uint64_t commit_index, delivered, flushed;
    uint64_t term;
    hf_member_t voted_for;
    uint64_t round; //  of the last heartbeat it sent
    uint32_t self_id;
    uint32_t members;
    uint64_t incarnation;
    bool tracks; //  incarnations: that of node N is 100 * N, as long as it has its disk
} peer_t;

//  ---- the log ----------------------------------------------------------------------------

static void
s_vote (void *arg, uint64_t term, hf_member_t voted_for)
{
    peer_t *self = arg;
    assert (term >= self->term);
    assert (term > self->term || self->voted_for.node == 0 ||
            (voted_for.node == self->voted_for.node &&
             voted_for.incarnation == self->voted_for.incarnation));
    self->term = term;
    self->voted_for = voted_for;
}

static void
s_truncate (void *arg, uint64_t index)
{
    peer_t *self = arg;
    assert (index > self->commit_index && index > self->base && index <= self->last_index);
    self->last_index = index - 1;
}

static void
s_append (void *arg, uint64_t index, const hf_entry_t *entry)
{
    peer_t *self = arg;
    assert (index == self->last_index + 1 && index <= LOG_MAX);
    assert (entry->term >= self->terms[self->last_index]);
    self->terms[index] = entry->term;
    self->last_index = index;
}

static uint32_t
s_prune (void *arg, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    peer_t *self = arg;
    assert (upto <= self->flushed);
    if (keep_bytes > 0)
        return 0; //  for a member that lags: more than there is
    uint64_t count = upto > self->base ? upto - self->base : 0;
    count = count < most ? count : most;
    self->base += count;
    return (uint32_t)count;
}

/*  Everything newer is in the tail. */
static uint32_t
s_read (void *arg, uint64_t first, uint64_t last, size_t bytes, hf_pack_t *pack)
{
    const peer_t *self = arg;
    assert (first > self->base && first <= last && first <= self->restored_index && bytes > 0);
    hf_entry_put (pack, &(hf_entry_t){.term = self->terms[first], .type = HF_ENTRY_COMMANDS});
    return 1;
}

//  ---- what leaves ------------------------------------------------------------------------

/*  What it sends must be what its peers read. */
static void
s_check_frame (peer_t *self, const hf_out_frame_t *frame, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_status_t status = hf_frame_open (bytes.at, bytes.size, &scan, &kind);
    assert (status == HF_OK);
    hf_scan_t copy = scan;
    hf_heartbeat_t beat;
    if (kind == HF_KIND_HEARTBEAT && hf_heartbeat_get (&copy, &beat))
        self->round = beat.round;
    uint32_t other = self->self_id == 1 ? 2U : 1U;
    if (self->members == 1 || (frame->peer != 0 && frame->peer != other))
        return;
    hf_event_t event;
    bool taken = hf_core_read_peer (self->other, &scan, kind, &event);
    //  Terms end at 2^62, and nobody gets there but by a forged message.
    assert (taken || self->term >= (1ULL << 62) - 2);
}

static void
s_carry_out (peer_t *self)
{
    hf_outbox_t *out = hf_election_service_outbox (self->service);
    for (size_t i = 0; i < out->frames.count; i++)
        s_check_frame (self, &out->frames.list[i], hf_outbox_bytes (out, &out->frames.list[i]));
    for (size_t i = 0; i < out->messages.count; i++) {
        const hf_out_message_t *message = &out->messages.list[i];
        hf_a_committed_t committed;
        uint32_t kind = 0;
        if (message->to == HF_TO_MAIN)
            continue; //  DONE
        hf_scan_t scan = hf_frame_own (message->bytes, message->size, &kind);
        if (kind != HF_KIND_A_COMMITTED)
            continue;
        bool good = hf_a_committed_get (&scan, &committed);
        assert (good && committed.first == self->delivered + 1);
        self->delivered += committed.entries.count;
        assert (self->delivered <= hf_election_service_view (self->service).commit_index);
    }
    hf_outbox_reset (out);
}

static void
s_check (peer_t *self)
{
    const hf_core_t *core = hf_election_service_core (self->service);
    hf_core_check (core);
    hf_core_view_t view = hf_core_view (core);
    assert (view.term == self->term && view.voted_for == self->voted_for.node);
    assert (view.commit_index >= self->commit_index);
    self->commit_index = view.commit_index;
    assert (view.last_index == self->last_index && view.first_index == self->base + 1);
    for (uint64_t i = 0; i < 8 && i < self->last_index - self->base; i++)
        assert (hf_core_term_at (core, self->last_index - i) == self->terms[self->last_index - i]);
    s_carry_out (self);
}

/*  The end of a turn, its commits, and the begin of the next. */
static void
s_turn (peer_t *self)
{
    hf_election_service_end (self->service, self->now_us);
    s_check (self);
    for (int i = 0; hf_election_service_dirty (self->service); i++) {
        assert (i < 5);
        hf_election_service_committed (self->service, self->now_us);
        s_check (self);
    }
    hf_election_service_begin (self->service, self->now_us);
    s_check (self);
}

//  ---- what comes in ------------------------------------------------------------------------

static void
s_frame (peer_t *self, const void *bytes, size_t size)
{
    hf_election_service_from_peer (self->service, hf_span (bytes, size), self->now_us);
    s_check (self);
}

/*  Bytes as they come off a socket. */
static void
s_raw_frame (peer_t *self, fuzz_bytes_t *bytes)
{
    size_t size;
    uint8_t *frame = fuzz_take (bytes, fuzz_u16 (bytes) % 512, &size);
    s_frame (self, frame, size);
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
        hf_roster_t roster = {.count = self->members - (what >> 5 & 1), .joins = what >> 4 & 1};
        for (uint32_t i = 0; i < self->members; i++)
            roster.members[i] = (hf_seat_t){.node = i + 1 + (what >> 7),
                                            .incarnation = s_incarnation (bytes, i + 1)};
        entry.type = HF_ENTRY_ROSTER;
        hf_roster_put (&payload, &roster);
        size_t size = hf_pack_size (&payload) - (what >> 6 & 1);
        entry.payload = hf_span (hf_pack_bytes (&payload), size);
    }
    hf_entry_put (list, &entry);
    hf_pack_done (&payload);
}

static void
s_fill (peer_t *self, fuzz_bytes_t *bytes, uint32_t kind, hf_pack_t *pack, hf_pack_t *list)
{
    hf_core_view_t view = hf_election_service_view (self->service);
    const hf_core_t *core = hf_election_service_core (self->service);
    uint32_t from = fuzz_u8 (bytes);
    bool leader = from < 128 && view.leader != 0 && view.leader != self->self_id;
    from = leader ? view.leader : 1 + from % (self->members + 1);
    uint32_t to = fuzz_u8 (bytes) % 4 == 3 ? 3 : fuzz_u8 (bytes) % 2 ? self->self_id : 0;
    uint64_t term = s_near (bytes, view.term);
    uint64_t index = s_near (bytes, fuzz_u8 (bytes) % 2 ? view.last_index : view.commit_index);
    uint64_t at = fuzz_u8 (bytes) % 4 ? hf_core_term_at (core, index) : s_near (bytes, term);
    uint64_t number = fuzz_number (bytes);
    uint8_t flags = fuzz_u8 (bytes);
    static const uint8_t data[64];
    switch (kind) {
    case HF_KIND_HEARTBEAT:
        for (uint8_t node = 1; node <= self->members && flags % 4 == 3; node++)
            hf_mark_put (list,
                         &(hf_mark_t){node, s_incarnation (bytes, node), flags >> 2 & 3, number,
                                      s_near (bytes, term), flags & 16, s_near (bytes, index)});
        hf_heartbeat_frame (pack,
                            &(hf_heartbeat_t){from, to, term, number,
                                              s_near (bytes, view.commit_index), index, at,
                                              flags % 8 ? flags % 8 : number, hf_pack_list (list)});
        break;
    case HF_KIND_ENTRIES:
        for (uint8_t left = flags % 16; left > 0; left--) {
            at += fuzz_u8 (bytes) % 8 == 7;
            s_put_entry (self, bytes, list, at);
        }
        at = fuzz_u8 (bytes) % 8 ? hf_core_term_at (core, index) : at;
        hf_entries_frame (pack, &(hf_entries_t){from, to, term, s_near (bytes, view.last_index),
                                                index, at, hf_pack_list (list)});
        break;
    case HF_KIND_ACK:
        hf_ack_frame (pack,
                      &(hf_ack_t){from, to, term, index, s_near (bytes, self->round), flags,
                                  s_incarnation (bytes, from), flags, flags, flags & 3, number,
                                  s_near (bytes, term), flags & 4, s_near (bytes, index)});
        break;
    case HF_KIND_NEED:
        hf_need_frame (pack, &(hf_need_t){from, to, term, index, at});
        break;
    case HF_KIND_VOTE_REQUEST:
        hf_vote_request_frame (pack, &(hf_vote_request_t){from, to, term, index, at, flags & 1,
                                                          s_incarnation (bytes, from), flags & 3,
                                                          number, s_near (bytes, term), flags & 4,
                                                          s_near (bytes, index)});
        break;
    case HF_KIND_VOTE:
        hf_vote_frame (
            pack, &(hf_vote_t){from, to, term, flags & 1, flags & 2, s_incarnation (bytes, from),
                               s_incarnation (bytes, self->self_id), flags, flags & 3, number,
                               s_near (bytes, term), flags & 4, s_near (bytes, index)});
        break;
    case HF_KIND_OLD_COPY:
        hf_old_copy_frame (pack,
                           &(hf_old_copy_t){from, to, term, s_incarnation (bytes, self->self_id),
                                            flags & 3, number});
        break;
    case HF_KIND_TRANSFER:
        hf_transfer_frame (pack, &(hf_transfer_t){from, to, term, index, at, (at & 1) != 0});
        break;
    case HF_KIND_STATE_OFFER:
        hf_state_offer_frame (pack, &(hf_state_offer_t){from, to, term, index});
        break;
    case HF_KIND_STATE_ASK:
        hf_state_ask_frame (pack, &(hf_state_ask_t){from, to, term, number, index, 0});
        break;
    case HF_KIND_STATE_PART:
        hf_state_part_frame (pack, &(hf_state_part_t){from, to, term, flags, index, at, number,
                                                      s_near (bytes, number),
                                                      hf_span (data, flags % 64)});
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
    static const uint32_t kinds[] = {HF_KIND_HEARTBEAT, HF_KIND_ENTRIES,      HF_KIND_ACK,
                                     HF_KIND_NEED,      HF_KIND_VOTE_REQUEST, HF_KIND_VOTE,
                                     HF_KIND_TRANSFER,  HF_KIND_NEWER_TERM,   HF_KIND_STATE_OFFER,
                                     HF_KIND_STATE_ASK, HF_KIND_STATE_PART,   HF_KIND_OLD_COPY};
    s_fill (self, bytes, kinds[fuzz_u8 (bytes) % (sizeof kinds / sizeof *kinds)], &pack, &list);
    s_frame (self, hf_pack_bytes (&pack), hf_pack_size (&pack));
    hf_pack_done (&list);
    hf_pack_done (&pack);
}

/*  A message of the node's own actors; PACK is reset. */
static void
s_message (peer_t *self, hf_pack_t *pack)
{
    uint32_t kind;
    hf_scan_t scan = hf_frame_own (hf_pack_bytes (pack), hf_pack_size (pack), &kind);
    hf_election_service_from_actor (self->service, &scan, kind, self->now_us);
    hf_pack_reset (pack);
}

static void
s_actor (peer_t *self, fuzz_bytes_t *bytes, hf_pack_t *pack)
{
    hf_pack_t list;
    hf_pack_init (&list);
    switch (fuzz_u8 (bytes) % 4) {
    case 0:
        for (uint32_t i = fuzz_u8 (bytes) % 8; i < 8; i++)
            hf_entry_put (&list, &(hf_entry_t){.type = HF_ENTRY_COMMANDS});
        hf_a_propose_frame (pack, &(hf_a_propose_t){.entries = hf_pack_list (&list)});
        break;
    case 1:
        hf_a_barrier_frame (pack, &(hf_a_barrier_t){.id = fuzz_u8 (bytes)});
        break;
    case 2:
        hf_a_facts_frame (pack, &(hf_a_facts_t){.id = fuzz_u8 (bytes)});
        break;
    default:
        if (self->delivered > self->flushed)
            self->flushed += 1 + fuzz_u8 (bytes) % (self->delivered - self->flushed);
        hf_a_flushed_frame (pack, &(hf_a_flushed_t){.index = self->flushed});
        break;
    }
    s_message (self, pack);
    hf_pack_done (&list);
}

/*  What the node itself does. */
static void
s_own (peer_t *self, fuzz_bytes_t *bytes, uint8_t what)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    uint64_t ms;
    switch (what) {
    case 0:
    case 1:
        s_actor (self, bytes, &pack);
        break;
    case 2:
        hf_election_service_link (self->service, fuzz_u8 (bytes) % 9, fuzz_u8 (bytes) % 2,
                                  self->now_us);
        break;
    case 3:
        hf_election_service_broken (self->service, fuzz_u8 (bytes) % 9, self->now_us);
        break;
    case 4:
        hf_election_service_handover (self->service, self->now_us);
        break;
    default:
        ms = fuzz_u8 (bytes); //  mostly within a heartbeat or two
        self->now_us += 1000 * (ms < 240 ? ms / 4 : 100 * (ms - 239));
        break;
    }
    s_check (self);
    hf_pack_done (&pack);
}

//  ---- a whole life ---------------------------------------------------------------------------

static hf_core_config_t
s_config (uint32_t self_id, uint32_t members, uint64_t incarnation)
{
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = self_id;
    config.members_count = members;
    config.incarnation = incarnation;
    for (uint32_t i = 0; i < members; i++)
        config.members[i] = i + 1;
    return config;
}

/*  Make it a candidate, or the leader when enough of the others say yes. */
static void
s_elect (peer_t *self, uint32_t voters)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    self->now_us += 900000;
    s_turn (self);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t from = 1; from <= self->members && from <= voters + 1; from++) {
            uint64_t term = hf_election_service_view (self->service).term + (round == 0);
            hf_vote_frame (&pack, &(hf_vote_t){.from = from,
                                               .to = self->self_id,
                                               .term = term,
                                               .pre = round == 0,
                                               .granted = true,
                                               .incarnation = 100 * (uint64_t)from,
                                               .candidate = self->incarnation});
            s_frame (self, hf_pack_bytes (&pack), hf_pack_size (&pack));
            hf_pack_reset (&pack);
        }
        s_turn (self);
    }
    hf_pack_done (&pack);
}

/*  A roster of everybody, or no entry at all; at or before the base when there is one. */
static void
s_roster (const peer_t *self, uint32_t level, hf_roster_at_t *at)
{
    hf_roster_t roster = {.count = self->members, .level = level, .cluster = level};
    hf_pack_t payload;
    hf_pack_init (&payload);
    for (uint32_t i = 0; i < self->members; i++)
        roster.members[i] = (hf_seat_t){.node = i + 1,
                                        .incarnation = 100 * ((uint64_t)i + 1),
                                        .slot = i,
                                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                        .host = hf_span_text ("host"),
                                        .client_port = 2 * i + 1,
                                        .node_port = 2 * i + 2};
    hf_roster_put (&payload, &roster);
    *at = (hf_roster_at_t){.index = self->base > 0 ? self->base : 1,
                           .size = (uint32_t)hf_pack_size (&payload)};
    memcpy (at->payload, hf_pack_bytes (&payload), at->size);
    hf_pack_done (&payload);
}

/*  What is on its disk: entries of terms 2 and 4 after the base, and a roster. */
static void
s_restore (peer_t *self, uint8_t more)
{
    hf_roster_at_t roster;
    self->tracks = more & 1;
    self->base = self->last_index > 0 && (more >> 1 & 1) ? (more >> 2) % (self->last_index + 1) : 0;
    self->restored_index = self->last_index;
    self->commit_index = self->delivered = self->flushed = self->base;
    uint64_t count = self->last_index - self->base;
    hf_term_span_t spans[2] = {{self->base + 1, 2}, {self->base + (count + 1) / 2 + 1, 4}};
    for (uint64_t i = self->base; i <= self->last_index; i++)
        self->terms[i] = i == 0 ? 0 : count > 1 && i >= spans[1].first_index ? 4 : 2;
    s_roster (self, more >> 3 & 1, &roster);
    hf_restored_t restored = {.term = self->term,
                              .base_index = self->base,
                              .base_term = self->terms[self->base],
                              .last_index = self->last_index,
                              .spans = spans,
                              .spans_count = count < 2 ? count : 2,
                              .rosters = &roster,
                              .rosters_count = self->last_index > 0 && more < 192 ? 1 : 0};
    if (self->tracks)
        self->incarnation = 100 * (uint64_t)self->self_id + (more % 16 == 15); //  its disk is new
    hf_election_config_t config = {.core =
                                       s_config (self->self_id, self->members, self->incarnation),
                                   .prune_step = 1 + more % 4,
                                   .deliver_bytes = 40};
    hf_election_log_t log = {.arg = self,
                             .vote = s_vote,
                             .truncate = s_truncate,
                             .append = s_append,
                             .prune = s_prune,
                             .read = s_read};
    self->service = hf_election_service_new (&config, &restored, &log, self->now_us);
    assert (self->service);
    if (self->members == 1)
        return;
    hf_core_config_t other = s_config (self->self_id == 1 ? 2 : 1, self->members, 0);
    self->other = hf_core_new (&other, &restored, self->now_us, NULL, NULL);
}

static void
s_begin (peer_t *self)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_election_service_begin (self->service, self->now_us);
    hf_a_start_frame (&pack, &(hf_a_start_t){.applied = self->base});
    s_message (self, &pack);
    hf_pack_done (&pack);
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
    s_begin (&self);
    if (how >> 4 & 1)
        s_elect (&self, how >> 5 & 1 ? self.members : 2);
    for (uint32_t node = 1; node <= self.members && (how >> 6 & 1); node++)
        hf_election_service_link (self.service, node, true, self.now_us);
    for (unsigned i = 0; i < STEPS_MAX && fuzz_left (&bytes) > 0; i++) {
        uint8_t what = fuzz_u8 (&bytes);
        if (what < 32)
            s_raw_frame (&self, &bytes);
        else if (what < 160)
            s_forged (&self, &bytes);
        else if (what < 200)
            s_turn (&self);
        else
            s_own (&self, &bytes, what % 8);
    }
    hf_election_service_destroy (&self.service);
    hf_core_destroy (&self.other);
    return 0;
}
