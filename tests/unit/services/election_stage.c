//  An election service in virtual time, on a log in memory.

#include "tests/unit/services/election_stage.h"
#include "base/hf_mutant.h"

int hf_mutant = HF_MUTANT_none;

//  ---- the log -----------------------------------------------------------------------

static void
s_vote (void *arg, uint64_t term, hf_member_t voted_for)
{
    stage_t *self = arg;
    self->term = term;
    self->voted_for = voted_for;
    self->writes++;
}

static void
s_truncate (void *arg, uint64_t index)
{
    stage_t *self = arg;
    assert_true (index > self->base && index <= self->last);
    self->last = index - 1;
    self->writes++;
}

static void
s_append (void *arg, uint64_t index, const hf_entry_t *entry)
{
    stage_t *self = arg;
    assert_int_equal (index, self->last + 1);
    assert_true (index < LOG_MAX && entry->payload.size < sizeof self->entries->text);
    self->last = index;
    self->entries[index].term = entry->term;
    self->entries[index].type = entry->type;
    memset (self->entries[index].text, 0, sizeof self->entries->text);
    if (entry->payload.size > 0)
        memcpy (self->entries[index].text, entry->payload.at, entry->payload.size);
    self->writes++;
}

static uint32_t
s_prune (void *arg, uint64_t upto, uint64_t keep_bytes, uint32_t most)
{
    stage_t *self = arg;
    uint64_t keep = keep_bytes; //  an entry counts as a byte here
    uint64_t spare = self->last > keep ? self->last - keep : 0;
    uint64_t base = upto < spare ? upto : spare;
    if (base <= self->base)
        return 0;
    uint64_t count = base - self->base < most ? base - self->base : most;
    self->base += count;
    self->base_term = self->entries[self->base].term;
    self->writes++;
    return (uint32_t)count;
}

static uint32_t
s_read (void *arg, uint64_t first, uint64_t last, size_t bytes, hf_pack_t *pack)
{
    stage_t *self = arg;
    assert_true (first > self->base && first <= self->last);
    uint32_t count = 0;
    for (uint64_t i = first; i <= last && (count == 0 || hf_pack_size (pack) < bytes); i++) {
        assert_true (i <= self->last);
        hf_entry_put (pack, &(hf_entry_t){.term = self->entries[i].term,
                                          .type = self->entries[i].type,
                                          .payload = hf_span_text (self->entries[i].text)});
        count++;
    }
    return count;
}

//  ---- what leaves -------------------------------------------------------------------

static left_t *
s_left (stage_t *self, const void *bytes, size_t size)
{
    assert_true (self->left_count < OUT_MAX);
    left_t *left = &self->left[self->left_count++];
    *left = (left_t){.early = self->early, .bytes = malloc (size), .size = size};
    memcpy (left->bytes, bytes, size);
    hf_scan_t scan;
    if (hf_frame_open (bytes, size, &scan, &left->kind) != HF_OK)
        left->kind = 0; //  DONE
    hf_heartbeat_t beat;
    hf_a_committed_t committed;
    if (left->kind == HF_KIND_HEARTBEAT && hf_heartbeat_get (&scan, &beat))
        self->round = beat.round;
    if (left->kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed))
        self->delivered_bytes += committed.entries.size;
    return left;
}

static void
s_carry_out (stage_t *self)
{
    hf_outbox_t *out = hf_election_service_outbox (self->service);
    for (size_t i = 0; i < out->frames.count; i++) {
        hf_span_t bytes = hf_outbox_bytes (out, &out->frames.list[i]);
        s_left (self, bytes.at, bytes.size)->to = out->frames.list[i].peer;
    }
    for (size_t i = 0; i < out->messages.count; i++)
        s_left (self, out->messages.list[i].bytes, out->messages.list[i].size)->actor =
            out->messages.list[i].to;
    for (size_t i = 0; i < out->lines.count; i++) {
        size_t used = strlen (self->lines);
        snprintf (self->lines + used, sizeof self->lines - used, "%s\n", out->lines.list[i].text);
    }
    hf_outbox_reset (out);
}

size_t
stage_count (const stage_t *self, uint32_t kind)
{
    size_t count = 0;
    for (size_t i = 0; i < self->left_count; i++)
        count += self->left[i].kind == kind;
    return count;
}

const left_t *
stage_last (const stage_t *self, uint32_t kind, hf_scan_t *scan)
{
    for (size_t i = self->left_count; i > 0; i--) {
        const left_t *left = &self->left[i - 1];
        uint32_t found;
        if (left->kind != kind)
            continue;
        assert_int_equal (hf_frame_open (left->bytes, left->size, scan, &found), HF_OK);
        return left;
    }
    fail_msg ("no %s left", hf_kind_name (kind));
    return NULL;
}

void
stage_forget (stage_t *self)
{
    for (size_t i = 0; i < self->left_count; i++)
        free (self->left[i].bytes);
    self->left_count = 0;
    self->lines[0] = 0;
}

uint64_t
stage_delivered (const stage_t *self, uint64_t first)
{
    uint64_t index = first - 1;
    for (size_t i = 0; i < self->left_count; i++) {
        hf_scan_t scan;
        uint32_t kind;
        hf_a_committed_t committed;
        if (self->left[i].kind != HF_KIND_A_COMMITTED)
            continue;
        assert_int_equal (self->left[i].actor, HF_TO_LOCK);
        assert_int_equal (hf_frame_open (self->left[i].bytes, self->left[i].size, &scan, &kind),
                          HF_OK);
        assert_true (hf_a_committed_get (&scan, &committed));
        assert_int_equal (committed.first, index + 1);
        scan = hf_scan_list (committed.entries);
        for (uint32_t j = 0; j < committed.entries.count; j++) {
            hf_entry_t entry;
            assert_true (hf_entry_get (&scan, &entry));
            index++;
            assert_int_equal (entry.term, self->entries[index].term);
            assert_int_equal (entry.type, self->entries[index].type);
            assert_true (hf_span_equal (entry.payload, hf_span_text (self->entries[index].text)));
        }
    }
    return index;
}

//  ---- turns -------------------------------------------------------------------------

void
stage_init (stage_t *self, uint32_t members)
{
    memset (self, 0, sizeof *self);
    hf_pack_init (&self->frame);
    self->now_us = 1000000;
    hf_core_config_t *core = &self->config.core;
    hf_core_config_defaults (core);
    core->self = members == 1 ? 1 : 2;
    core->members_count = members;
    for (uint32_t i = 0; i < members; i++)
        core->members[i] = i + 1;
    core->prefer_lowest = false;
}

void
stage_start (stage_t *self, uint64_t applied)
{
    hf_term_span_t spans[LOG_MAX];
    size_t count = 0;
    for (uint64_t i = self->base + 1; i <= self->last; i++)
        if (count == 0 || spans[count - 1].term != self->entries[i].term)
            spans[count++] = (hf_term_span_t){.first_index = i, .term = self->entries[i].term};
    hf_restored_t restored = {.term = self->term,
                              .voted_for = self->voted_for,
                              .base_index = self->base,
                              .base_term = self->base_term,
                              .last_index = self->last,
                              .spans = spans,
                              .spans_count = count};
    hf_election_log_t log = {.arg = self,
                             .vote = s_vote,
                             .truncate = s_truncate,
                             .append = s_append,
                             .prune = s_prune,
                             .read = s_read};
    self->service = hf_election_service_new (&self->config, &restored, &log, self->now_us);
    assert_non_null (self->service);
    stage_begin (self, 0);
    hf_a_start_frame (&self->frame, &(hf_a_start_t){.applied = applied});
    stage_actor (self);
    stage_end (self);
}

void
stage_done (stage_t *self)
{
    stage_forget (self);
    hf_pack_done (&self->frame);
    hf_election_service_destroy (&self->service);
    assert_null (self->service);
}

void
stage_begin (stage_t *self, uint64_t after_us)
{
    assert_false (self->in_turn);
    self->in_turn = self->early = true;
    self->now_us += after_us;
    hf_election_service_begin (self->service, self->now_us);
}

void
stage_end (stage_t *self)
{
    hf_election_service_end (self->service, self->now_us);
    //  A turn that wrote nothing has nothing to be early for.
    self->early = hf_election_service_dirty (self->service);
    s_carry_out (self);
    for (int i = 0; hf_election_service_dirty (self->service); i++) {
        assert_true (i < 5 && self->writes > 0);
        self->commits++;
        self->writes = 0;
        self->now_us += self->sync_us;
        hf_election_service_committed (self->service, self->now_us);
        self->early = false;
        s_carry_out (self);
    }
    assert_int_equal (self->writes, 0);
    self->in_turn = false;
    hf_core_check (hf_election_service_core (self->service));
}

void
stage_turn (stage_t *self, uint64_t after_us)
{
    stage_begin (self, after_us);
    stage_end (self);
}

//  ---- inputs ------------------------------------------------------------------------

static void
s_input (stage_t *self)
{
    if (!self->in_turn)
        stage_begin (self, 1000);
}

void
stage_peer (stage_t *self)
{
    s_input (self);
    hf_election_service_from_peer (
        self->service, hf_span (hf_pack_bytes (&self->frame), hf_pack_size (&self->frame)),
        self->now_us);
    hf_pack_reset (&self->frame);
}

void
stage_actor (stage_t *self)
{
    s_input (self);
    uint32_t kind;
    hf_scan_t scan =
        hf_frame_own (hf_pack_bytes (&self->frame), hf_pack_size (&self->frame), &kind);
    hf_election_service_from_actor (self->service, &scan, kind, self->now_us);
    hf_pack_reset (&self->frame);
}

void
stage_ack (stage_t *self, uint32_t from, uint64_t index)
{
    hf_ack_frame (&self->frame, &(hf_ack_t){.from = from,
                                            .to = self->config.core.self,
                                            .term = hf_election_service_view (self->service).term,
                                            .index = index,
                                            .round = self->round,
                                            .hears = 7});
    stage_peer (self);
}

void
stage_flushed (stage_t *self, uint64_t index)
{
    hf_a_flushed_frame (&self->frame, &(hf_a_flushed_t){.index = index});
    stage_actor (self);
}

void
stage_propose (stage_t *self, const char *text)
{
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_entry_put (&entries,
                  &(hf_entry_t){.type = HF_ENTRY_COMMANDS, .payload = hf_span_text (text)});
    hf_a_propose_frame (&self->frame, &(hf_a_propose_t){.entries = hf_pack_list (&entries)});
    stage_actor (self);
    hf_pack_done (&entries);
}

void
stage_entries (stage_t *self, uint32_t leader, uint64_t term, uint64_t commit, uint64_t prev,
               uint64_t prev_term, const char *text)
{
    hf_pack_t entries;
    hf_pack_init (&entries);
    hf_entry_put (&entries, &(hf_entry_t){term, HF_ENTRY_COMMANDS, hf_span_text (text)});
    hf_entries_frame (&self->frame, &(hf_entries_t){.from = leader,
                                                    .term = term,
                                                    .commit = commit,
                                                    .prev_index = prev,
                                                    .prev_term = prev_term,
                                                    .entries = hf_pack_list (&entries)});
    stage_peer (self);
    hf_pack_done (&entries);
}

static void
s_grant (stage_t *self, bool pre)
{
    hf_scan_t scan;
    hf_vote_request_t request;
    stage_last (self, HF_KIND_VOTE_REQUEST, &scan);
    assert_true (hf_vote_request_get (&scan, &request));
    assert_int_equal (request.pre, pre);
    hf_vote_frame (&self->frame, &(hf_vote_t){.from = 3,
                                              .to = self->config.core.self,
                                              .term = request.term,
                                              .pre = pre,
                                              .granted = true,
                                              .candidate = request.incarnation});
    stage_peer (self);
    stage_end (self);
}

void
stage_lead (stage_t *self)
{
    if (!self->service)
        stage_start (self, 0);
    uint64_t wake_us = hf_election_service_wake_us (self->service);
    stage_turn (self, wake_us > self->now_us ? wake_us - self->now_us : 0);
    s_grant (self, true);
    s_grant (self, false);
    assert_int_equal (hf_election_service_view (self->service).role, HF_LEADER);
    stage_ack (self, 3, self->last);
    stage_end (self);
    assert_int_equal (stage_count (self, HF_KIND_A_LEADING), 1);
}

void
stage_follow (stage_t *self, uint32_t leader, uint64_t term)
{
    if (!self->service)
        stage_start (self, 0);
    hf_heartbeat_frame (&self->frame, &(hf_heartbeat_t){.from = leader, .term = term, .round = 1});
    stage_peer (self);
    stage_end (self);
    assert_int_equal (hf_election_service_view (self->service).leader, leader);
}
