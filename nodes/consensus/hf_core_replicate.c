//  Replication: entries received, gaps asked for and repaired, state offered where the log begins
//  too late.

#include "nodes/consensus/hf_core_internal.h"

//  ---- repair --------------------------------------------------------------------

//  A NEED names a point of our log. If the leader's log has the same point, the leader answers with
//  the entries behind it, one chunk for each NEED: that is the credit. If not, it answers with no
//  entries and with its own largest point that is, in index and in term, at most ours. If we do not
//  have that point either, we ask from our largest point that is at most this one. Index and term
//  never rise and one of them falls each time, so the search ends, at the latest at the commit
//  index, which every leader has. It skips whole terms, not single entries. The first NEED of a
//  term names the end of our log, since that is mostly a part of the leader's; later ones name the
//  verified index.

void
hf_core_repair_reset (hf_core_t *self)
{
    self->walking = true;
    self->probe_index = UINT64_MAX; //  the end of the log, wherever that is when we ask
    self->asked = false;
}

static void
s_send_need (hf_core_t *self, hf_effects_t *effects)
{
    if (self->probe_index > self->log.last_index)
        self->probe_index = self->log.last_index;
    if (self->probe_index <= self->verified_index)
        self->walking = false;
    uint64_t index = self->walking ? self->probe_index : self->verified_index;
    //  It promises nothing, so it need not wait for our disk: the next chunk travels meanwhile.
    hf_outgoing_t *out = hf_core_send (self, HF_KIND_NEED, self->leader, effects);
    out->early = !HF_MUTANT (repair_waits);
    hf_need_t *m = &out->message.need;
    m->probe_index = index;
    m->probe_term = hf_core_log_term_at (&self->log, index);
    uint64_t least_us = self->config.heartbeat_us * 4 / 5;
    self->asked = true;
    self->ask_again_us = self->now_us + least_us + hf_random_below (&self->random, least_us);
}

void
hf_core_repair_ask (hf_core_t *self, hf_effects_t *effects)
{
    assert (self->role != HF_LEADER);
    if (self->asked || self->leader == 0 || self->verified_index >= self->leader_last)
        return;
    if (HF_MUTANT (never_repairs))
        return;
    s_send_need (self, effects);
}

/*  The leader answered that (INDEX, TERM) is its largest point below our probe, and our log does
 * not have that point. */
static void
s_repair_walk (hf_core_t *self, uint64_t index, uint64_t term, hf_effects_t *effects)
{
    //  An answer to an older question, which we are past.
    if (!self->asked || !self->walking)
        return;
    uint64_t point = hf_core_log_point_below (&self->log, index, term);
    if (point >= self->probe_index)
        return;
    self->probe_index = point;
    s_send_need (self, effects);
}

void
hf_core_repair_progress (hf_core_t *self, bool answer, hf_effects_t *effects)
{
    if (self->verified_index >= self->leader_last) {
        self->walking = false;
        self->asked = false;
        return;
    }
    if (answer) {
        self->walking = false;
        self->asked = false;
    }
    hf_core_repair_ask (self, effects);
}

//  ---- entries -------------------------------------------------------------------

/*  Check the list; false when no leader sends such. *fresh is the first index whose entry is not in
 *  our log, or the index after the last when all are. */
static bool
s_scan (const hf_core_t *self, const hf_entries_t *m, uint64_t *fresh)
{
    hf_scan_t scan = hf_scan_list (m->entries);
    uint64_t term = m->prev_term;
    bool same = true;
    *fresh = m->prev_index + 1;
    if (m->entries.count > HF_CORE_ENTRIES_MAX)
        return false;
    for (uint32_t i = 0; i < m->entries.count; i++) {
        hf_entry_t entry;
        if (!hf_entry_get (&scan, &entry) || entry.term == 0 || entry.term < term ||
            entry.term > m->term || !hf_core_roster_sane (self, &entry))
            return false;
        term = entry.term;
        same = same && hf_core_log_has (&self->log, *fresh, term);
        *fresh += same ? 1 : 0;
    }
    return true;
}

/*  Take the entries after the first SKIP into the log. */
static void
s_append (hf_core_t *self, const hf_entries_t *m, uint32_t skip, hf_effects_t *effects)
{
    uint64_t index = m->prev_index + 1 + skip;
    assert (index > self->verified_index && index > self->commit_index);
    if (index <= self->log.last_index) {
        hf_core_persist (effects, HF_PERSIST_TRUNCATE)->index = index;
        hf_core_log_truncate (&self->log, index);
        hf_core_roster_truncate (self, index);
        if (self->durable_index >= index)
            self->durable_index = index - 1;
    }
    assert (self->log.last_index == index - 1);
    hf_persist_t *persist = hf_core_persist (effects, HF_PERSIST_APPEND);
    persist->term = m->term;
    persist->index = index;
    persist->count = m->entries.count - skip;
    persist->skip = skip;
    hf_scan_t scan = hf_scan_list (m->entries);
    hf_scan_skip (&scan, skip);
    for (uint32_t i = skip; i < m->entries.count; i++) {
        hf_entry_t entry;
        bool read = hf_entry_get (&scan, &entry);
        assert (read);
        hf_core_log_append (&self->log, entry.term, 1);
        hf_core_roster_append (self, self->log.last_index, &entry);
    }
}

void
hf_core_on_entries (hf_core_t *self, const hf_entries_t *m, hf_effects_t *effects)
{
    uint64_t fresh;
    if (!s_scan (self, m, &fresh) || !hf_core_hear_leader (self, m->from))
        return;
    uint64_t end = m->prev_index + m->entries.count;
    if (end > self->leader_last)
        self->leader_last = end;
    if (m->commit > self->leader_commit)
        self->leader_commit = m->commit;
    bool answer = m->to == self->config.self;
    bool unchecked = HF_MUTANT (prev_unchecked) && m->prev_index <= self->log.last_index;
    if (!hf_core_log_has (&self->log, m->prev_index, m->prev_term) && !unchecked) {
        if (answer && m->entries.count == 0)
            s_repair_walk (self, m->prev_index, m->prev_term, effects);
        else
            hf_core_repair_ask (self, effects);
        return;
    }
    if (fresh <= end) {
        //  No honest leader contradicts what is committed or what it has already shown us.
        if (fresh <= self->verified_index)
            return;
        s_append (self, m, (uint32_t)(fresh - m->prev_index - 1), effects);
    }
    if (end > self->verified_index) {
        self->verified_index = end;
        self->needs_state = false;
        hf_core_repair_progress (self, answer, effects);
    } else if (answer && self->walking)
        hf_core_repair_progress (self, answer, effects);
}

//  ---- gaps ----------------------------------------------------------------------

/*  Our log has no point in common with that node's, or the entries after it were pruned: only the
 *  whole state can help it. */
static void
s_offer (const hf_core_t *self, uint32_t to, hf_effects_t *effects)
{
    hf_outgoing_t *out = hf_core_send (self, HF_KIND_STATE_OFFER, to, effects);
    out->message.state_offer.first_index = self->log.first_index;
}

void
hf_core_on_need (hf_core_t *self, const hf_need_t *m, hf_effects_t *effects)
{
    //  One that is no member gets nothing.
    if (self->role != HF_LEADER || hf_core_slot (self, m->from) == HF_MEMBERS_MAX)
        return;
    uint64_t index = m->probe_index;
    uint64_t term = m->probe_term;
    uint32_t count = 0;
    if (index + 1 < self->log.first_index) {
        s_offer (self, m->from, effects);
        return;
    }
    bool ours = hf_core_log_term_at (&self->log, index) == term;
    if (ours && index < self->log.last_index) {
        uint64_t left = self->log.last_index - index;
        uint32_t most = left < HF_CORE_ENTRIES_MAX ? (uint32_t)left : HF_CORE_ENTRIES_MAX;
        count = self->chunk != NULL ? self->chunk (self->chunk_arg, index + 1, most) : 1;
        assert (count > 0 && count <= most);
    }
    if (!ours) {
        index = hf_core_log_point_below (&self->log, index, term);
        if (index + 1 < self->log.first_index) {
            s_offer (self, m->from, effects);
            return;
        }
        term = hf_core_log_term_at (&self->log, index);
    }
    //  Early, as what is published: a chunk that waited for our commit would come after the entries
    //  that are published before it. The asker could not use those, would ask again, and so on for
    //  as long as the load lasts.
    hf_core_send_entries (self, m->from, index, term, count, effects)->early =
        !self->vote_pending && !HF_MUTANT (repair_waits);
}

//  ---- offers of the whole state -------------------------------------------------

//  The leader's log begins after the point we asked from, so only its whole state helps; receiving
//  it is the driver's business. We go on acknowledging rounds and asking, to recover when this
//  leader or the next one can serve us.

void
hf_core_on_state_offer (hf_core_t *self, const hf_state_offer_t *m, hf_effects_t *effects)
{
    if (self->role != HF_FOLLOWER || self->leader == 0 || self->leader != m->from)
        return;
    //  An answer to an older question: the leader has the entry after our last verified one.
    if (m->first_index <= self->verified_index + 1)
        return;
    //  A log begins at most behind its end.
    if (m->first_index > self->leader_last + 1)
        return;
    self->needs_state = true;
    if (self->offer_noted)
        return;
    self->offer_noted = true;
    hf_core_notice (self, HF_NOTICE_NEEDS_STATE, 0, m->first_index, effects);
}
