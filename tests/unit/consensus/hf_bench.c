//  One core, fed by hand.

#include "hf_bench.h"

hf_core_config_t
hf_bench_config (uint32_t self, uint32_t count)
{
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    config.self = self;
    config.members_count = count;
    for (uint32_t i = 0; i < count && i < HF_MEMBERS_MAX; i++)
        config.members[i] = i + 1;
    return config;
}

bool
hf_bench_makes (const hf_core_config_t *config, const hf_restored_t *restored)
{
    hf_core_t *core = hf_core_new (config, restored, 1, NULL, NULL);
    bool makes = core != NULL;
    if (makes)
        hf_core_check (core);
    hf_core_destroy (&core);
    return makes;
}

void
hf_bench_open_at (hf_bench_t *bench, uint64_t incarnation, const hf_restored_t *restored)
{
    hf_core_config_t config = hf_bench_config (2, 3);
    config.incarnation = bench->incarnation = incarnation;
    bench->now_us = 1000000;
    hf_effects_init (&bench->effects);
    hf_pack_init (&bench->list);
    bench->core = hf_core_new (&config, restored, bench->now_us, NULL, NULL);
    assert_non_null (bench->core);
}

static void
s_open (hf_bench_t *bench, uint64_t incarnation, hf_restored_t restored)
{
    hf_term_span_t span = {.first_index = restored.base_index + 1, .term = 1};
    restored.spans = &span;
    restored.spans_count = restored.last_index > restored.base_index ? 1 : 0;
    hf_bench_open_at (bench, incarnation, &restored);
}

void
hf_bench_open (hf_bench_t *bench, uint64_t term, uint64_t last_index)
{
    s_open (bench, 0, (hf_restored_t){.term = term, .last_index = last_index});
}

void
hf_bench_open_voted (hf_bench_t *bench, uint64_t term, hf_member_t voted_for)
{
    s_open (bench, 0, (hf_restored_t){.term = term, .voted_for = voted_for, .last_index = 5});
}

hf_roster_at_t
hf_bench_roster (uint64_t index, uint64_t first, uint64_t second, uint64_t third)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload,
                   &(hf_roster_t){.count = 3, .members = {{1, first}, {2, second}, {3, third}}});
    hf_roster_at_t at = {.index = index, .size = (uint8_t)hf_pack_size (&payload)};
    memcpy (at.payload, hf_pack_bytes (&payload), at.size);
    hf_pack_done (&payload);
    return at;
}

hf_entry_t
hf_bench_roster_entry (uint64_t term, const hf_roster_at_t *at)
{
    return (hf_entry_t){term, HF_ENTRY_ROSTER, hf_span (at->payload, at->size)};
}

void
hf_bench_open_roster (hf_bench_t *bench, uint64_t incarnation, uint64_t term, uint64_t base,
                      uint64_t last_index)
{
    hf_roster_at_t roster = hf_bench_roster (base > 0 ? base : 1, 100, 200, 300);
    s_open (bench, incarnation,
            (hf_restored_t){.term = term,
                            .base_index = base,
                            .base_term = base > 0 ? 1 : 0,
                            .last_index = last_index,
                            .rosters = &roster,
                            .rosters_count = last_index > 0 ? 1 : 0});
}

void
hf_bench_prune (hf_bench_t *bench)
{
    hf_core_view_t view = hf_core_view (bench->core);
    bool durable = view.durable_index < view.commit_index;
    hf_event_t event = {.type = HF_EV_PRUNED};
    event.pruned.index = durable ? view.durable_index : view.commit_index;
    hf_bench_step (bench, &event);
    assert_true (hf_core_view (bench->core).first_index > event.pruned.index);
}

void
hf_bench_close (hf_bench_t *bench)
{
    hf_core_check (bench->core);
    hf_core_destroy (&bench->core);
    assert_null (bench->core);
    hf_core_destroy (&bench->core);
    hf_effects_done (&bench->effects);
    hf_pack_done (&bench->list);
}

void
hf_bench_step (hf_bench_t *bench, hf_event_t *event)
{
    event->now_us = bench->now_us;
    hf_effects_persisted (&bench->effects);
    hf_core_step (bench->core, event, &bench->effects);
    hf_core_check (bench->core);
}

void
hf_bench_commit (hf_bench_t *bench)
{
    hf_effects_reset (&bench->effects);
    hf_core_view_t view = hf_core_view (bench->core);
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = view.last_index;
    event.durable.term = view.last_term;
    hf_bench_step (bench, &event);
}

void
hf_bench_tick_after (hf_bench_t *bench, uint64_t us)
{
    bench->now_us += us;
    hf_event_t event = {.type = HF_EV_TICK};
    hf_bench_step (bench, &event);
}

static void
s_peer (hf_bench_t *bench, hf_peer_message_t message)
{
    hf_event_t event = {.type = HF_EV_PEER, .peer = message};
    hf_bench_step (bench, &event);
}

void
hf_bench_heartbeat (hf_bench_t *bench, hf_heartbeat_t m)
{
    s_peer (bench, (hf_peer_message_t){.kind = HF_KIND_HEARTBEAT, .heartbeat = m});
}

void
hf_bench_beat (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t round, uint64_t commit,
               uint64_t last_index, uint64_t last_term)
{
    hf_bench_heartbeat (bench,
                        (hf_heartbeat_t){from, 0, term, round, commit, last_index, last_term});
}

void
hf_bench_put (hf_bench_t *bench, uint64_t term, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        hf_entry_t entry = {.term = term, .type = HF_ENTRY_COMMANDS};
        hf_entry_put (&bench->list, &entry);
    }
}

void
hf_bench_entries (hf_bench_t *bench, hf_entries_t m)
{
    m.entries = hf_pack_list (&bench->list);
    s_peer (bench, (hf_peer_message_t){.kind = HF_KIND_ENTRIES, .entries = m});
    hf_pack_reset (&bench->list);
}

void
hf_bench_append (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t commit,
                 uint64_t prev_index, uint64_t prev_term)
{
    hf_bench_entries (bench, (hf_entries_t){.from = from,
                                            .term = term,
                                            .commit = commit,
                                            .prev_index = prev_index,
                                            .prev_term = prev_term});
}

void
hf_bench_vote (hf_bench_t *bench, hf_vote_t m)
{
    if (m.candidate == 0)
        m.candidate = bench->incarnation;
    s_peer (bench, (hf_peer_message_t){.kind = HF_KIND_VOTE, .vote = m});
}

void
hf_bench_granted (hf_bench_t *bench, uint32_t from, uint64_t term, bool pre, uint64_t incarnation)
{
    hf_bench_vote (bench, (hf_vote_t){from, 0, term, pre, true, incarnation, 0});
}

void
hf_bench_ack (hf_bench_t *bench, hf_ack_t m)
{
    s_peer (bench, (hf_peer_message_t){.kind = HF_KIND_ACK, .ack = m});
}

void
hf_bench_acked (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t index, uint64_t round)
{
    hf_bench_ack (bench, (hf_ack_t){.from = from, .term = term, .index = index, .round = round});
}

void
hf_bench_transfer (hf_bench_t *bench, hf_transfer_t m)
{
    s_peer (bench, (hf_peer_message_t){.kind = HF_KIND_TRANSFER, .transfer = m});
}

const hf_outgoing_t *
hf_bench_sent (const hf_bench_t *bench, uint32_t kind)
{
    for (size_t i = bench->effects.messages.count; i > 0; i--) {
        if (bench->effects.messages.list[i - 1].message.kind == kind)
            return &bench->effects.messages.list[i - 1];
    }
    return NULL;
}

const hf_persist_t *
hf_bench_persisted (const hf_bench_t *bench, hf_persist_type_t type)
{
    for (size_t i = bench->effects.persists.count; i > 0; i--) {
        if (bench->effects.persists.list[i - 1].type == type)
            return &bench->effects.persists.list[i - 1];
    }
    return NULL;
}

void
hf_bench_make_leader (hf_bench_t *bench)
{
    uint64_t term = hf_core_view (bench->core).term + 1;
    hf_bench_tick_after (bench, 600000);
    hf_bench_granted (bench, 3, term, true, 0);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 3, term, false, 0);
    assert_int_equal (hf_core_view (bench->core).role, HF_LEADER);
    hf_bench_commit (bench);
}
