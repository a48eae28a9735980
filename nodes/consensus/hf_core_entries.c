//  Entries from the leader: to everybody when they are new, to us when we asked.

#include "nodes/consensus/hf_core_internal.h"

/*  Read the terms. False when the list is not what a leader sends. *fresh: the first index
 *  whose entry is not in our log; behind the last when all are. */
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
            hf_core_repair_walk (self, m->prev_index, m->prev_term, effects);
        else
            hf_core_repair_ask (self, effects);
        return;
    }
    if (fresh <= end) {
        //  No leader contradicts what was committed, nor what it has shown itself.
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
