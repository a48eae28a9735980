//  One core, fed by hand.

#include "hf_bench.h"
#include "msgs/hf_limits.h"

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

static uint32_t
s_chunk (void *arg, uint64_t first, uint32_t max)
{
    const hf_bench_t *bench = arg;
    assert_true (first > 0 && max > 0);
    return bench->chunk < max ? bench->chunk : max;
}

void
hf_bench_open_core (hf_bench_t *bench, const hf_core_config_t *config,
                    const hf_restored_t *restored)
{
    *bench = (hf_bench_t){
        .now_us = 1000000, .self = config->self, .incarnation = config->incarnation, .chunk = 1};
    hf_effects_init (&bench->effects);
    hf_pack_init (&bench->list);
    bench->core = hf_core_new (config, restored, bench->now_us, s_chunk, bench);
    assert_non_null (bench->core);
}

void
hf_bench_open_log (hf_bench_t *bench, uint32_t self, uint32_t count, uint64_t term, const char *log,
                   uint64_t base)
{
    hf_core_config_t config = hf_bench_config (self, count);
    hf_term_span_t spans[8];
    hf_restored_t restored = {.term = term, .base_index = base, .spans = spans};
    for (const char *at = log; *at != '\0'; at += strspn (at, " ")) {
        uint64_t of_term = strtoul (at, (char **)&at, 10);
        uint64_t first = restored.last_index + 1;
        restored.last_index += strtoul (at + 1, (char **)&at, 10);
        if (first <= base)
            restored.base_term = of_term;
        if (restored.last_index > base)
            spans[restored.spans_count++] =
                (hf_term_span_t){first > base ? first : base + 1, of_term};
    }
    hf_bench_open_core (bench, &config, &restored);
}

static void
s_open (hf_bench_t *bench, uint64_t incarnation, hf_restored_t restored)
{
    hf_core_config_t config = hf_bench_config (2, 3);
    hf_term_span_t span = {.first_index = restored.base_index + 1, .term = 1};
    config.incarnation = incarnation;
    restored.spans = &span;
    restored.spans_count = restored.last_index > restored.base_index ? 1 : 0;
    hf_bench_open_core (bench, &config, &restored);
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
    hf_roster_put (&payload, &(hf_roster_t){.count = 3,
                                            .members = {{.node = 1, .incarnation = first},
                                                        {.node = 2, .incarnation = second},
                                                        {.node = 3, .incarnation = third}}});
    hf_roster_at_t at = {.index = index, .size = (uint32_t)hf_pack_size (&payload)};
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
    assert_int_equal (bench->effects.commit_index, 0);
    hf_pack_done (&bench->list);
}

//  ---- the effects as text ----------------------------------------------------------------

/*  Add to TEXT, after a semicolon; what does not fit is cut off. */
static void __attribute__ ((format (printf, 2, 3))) s_add (char *text, const char *format, ...)
{
    va_list args;
    size_t used = strlen (text);
    snprintf (text + used, HF_BENCH_TEXT - used, "%s", used > 0 ? "; " : "");
    used = strlen (text);
    va_start (args, format);
    vsnprintf (text + used, HF_BENCH_TEXT - used, format, args);
    va_end (args);
}

static void
s_add_persist (char *text, const hf_persist_t *p)
{
    if (p->type == HF_PERSIST_VOTE)
        s_add (text, "disk: vote %u @%lu", p->voted_for.node, p->term);
    else if (p->type == HF_PERSIST_TRUNCATE)
        s_add (text, "disk: cut %lu", p->index);
    else if (p->type == HF_PERSIST_APPEND)
        s_add (text, "disk: %lu..%lu @%lu skip %u", p->index, p->index + p->count - 1, p->term,
               p->skip);
    else
        s_add (text, "disk: %lu %s @%lu", p->index,
               p->entry_type == HF_ENTRY_OPEN_TERM ? "opens" : "roster", p->term);
}

static void
s_add_message (const hf_bench_t *bench, char *text, const hf_outgoing_t *out)
{
    const hf_peer_message_t *m = &out->message;
    char fields[128] = "";
    size_t size = sizeof fields;
    assert_int_equal (m->head.from, bench->self);
    assert_int_equal (m->head.to, out->to);
    if (m->kind == HF_KIND_HEARTBEAT)
        snprintf (fields, size, " round %lu commit %lu last %lu/%lu", m->heartbeat.round,
                  m->heartbeat.commit, m->heartbeat.last_index, m->heartbeat.last_term);
    else if (m->kind == HF_KIND_ENTRIES)
        snprintf (fields, size, " commit %lu prev %lu/%lu +%u", m->entries.commit,
                  m->entries.prev_index, m->entries.prev_term, out->entries_count);
    else if (m->kind == HF_KIND_ACK)
        snprintf (fields, size, " index %lu round %lu", m->ack.index, m->ack.round);
    else if (m->kind == HF_KIND_NEED)
        snprintf (fields, size, " %lu/%lu", m->need.probe_index, m->need.probe_term);
    else if (m->kind == HF_KIND_VOTE_REQUEST)
        snprintf (fields, size, " last %lu/%lu%s", m->vote_request.last_index,
                  m->vote_request.last_term, m->vote_request.pre ? " pre" : "");
    else if (m->kind == HF_KIND_VOTE)
        snprintf (fields, size, " %s%s", m->vote.granted ? "yes" : "no", m->vote.pre ? " pre" : "");
    else if (m->kind == HF_KIND_TRANSFER)
        snprintf (fields, size, " last %lu/%lu", m->transfer.last_index, m->transfer.last_term);
    else if (m->kind == HF_KIND_STATE_OFFER)
        snprintf (fields, size, " first %lu", m->state_offer.first_index);
    s_add (text, "%u %s%s @%lu%s", out->to, out->early ? "early " : "", hf_kind_name (m->kind),
           m->head.term, fields);
}

static void
s_add_notice (char *text, const hf_notice_t *notice)
{
    static const char *names[] = {"",         "LEADING", "FOLLOWING", "PASSED",  "NEEDS_STATE",
                                  "ADMITTED", "WAITING", "ROSTER",    "VERDICT", "REMOVED",
                                  "OLD",      "JOINED"};
    s_add (text, "%s @%lu", names[notice->type], notice->term);
    if (notice->type == HF_NOTICE_FOLLOWING || notice->type == HF_NOTICE_NEEDS_STATE)
        snprintf (text + strlen (text), 32, " %u", notice->leader);
    else if (notice->type != HF_NOTICE_LEADING)
        snprintf (text + strlen (text), 32, " %lu at %lu", notice->id, notice->index);
}

const char *
hf_bench_said (hf_bench_t *bench)
{
    const hf_effects_t *effects = &bench->effects;
    memcpy (bench->said, bench->persisted, sizeof bench->said);
    for (size_t i = 0; i < effects->messages.count; i++)
        s_add_message (bench, bench->said, &effects->messages.list[i]);
    for (size_t i = 0; i < effects->notices.count; i++)
        s_add_notice (bench->said, &effects->notices.list[i]);
    if (effects->commit_index > bench->commit_said)
        s_add (bench->said, "commit %lu", bench->commit_said = effects->commit_index);
    bench->persisted[0] = '\0';
    hf_effects_reset (&bench->effects);
    return bench->said;
}

//  ---- events ------------------------------------------------------------------------------

void
hf_bench_step (hf_bench_t *bench, hf_event_t *event)
{
    event->now_us = bench->now_us;
    hf_effects_persisted (&bench->effects);
    hf_core_step (bench->core, event, &bench->effects);
    hf_core_check (bench->core);
    for (size_t i = 0; i < bench->effects.persists.count; i++)
        s_add_persist (bench->persisted, &bench->effects.persists.list[i]);
}

void
hf_bench_event (hf_bench_t *bench, hf_event_t event)
{
    hf_bench_step (bench, &event);
}

void
hf_bench_commit (hf_bench_t *bench)
{
    hf_core_view_t view = hf_core_view (bench->core);
    bench->persisted[0] = '\0';
    hf_effects_reset (&bench->effects);
    HF_BENCH_EVENT (bench, DURABLE, .durable = {.index = view.last_index, .term = view.last_term});
}

void
hf_bench_tick_after (hf_bench_t *bench, uint64_t us)
{
    bench->now_us += us;
    HF_BENCH_EVENT (bench, TICK);
}

uint64_t
hf_bench_wake (hf_bench_t *bench)
{
    if (bench->effects.wake_at_us == 0)
        hf_bench_tick_after (bench, 0);
    uint64_t us = bench->effects.wake_at_us - bench->now_us;
    hf_bench_tick_after (bench, us - 1); //  too early
    hf_bench_tick_after (bench, 1);
    return us;
}

void
hf_bench_beat (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t round, uint64_t commit,
               uint64_t last_index, uint64_t last_term)
{
    HF_BENCH_PEER (bench, HEARTBEAT, heartbeat, .from = from, .term = term, .round = round,
                   .commit = commit, .last_index = last_index, .last_term = last_term);
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
    hf_bench_event (
        bench, (hf_event_t){.type = HF_EV_PEER, .peer = {.kind = HF_KIND_ENTRIES, .entries = m}});
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
    hf_bench_event (bench,
                    (hf_event_t){.type = HF_EV_PEER, .peer = {.kind = HF_KIND_VOTE, .vote = m}});
}

void
hf_bench_granted (hf_bench_t *bench, uint32_t from, uint64_t term, bool pre, uint64_t incarnation)
{
    hf_bench_vote (bench, (hf_vote_t){.from = from,
                                      .term = term,
                                      .pre = pre,
                                      .granted = true,
                                      .speaks = HF_LEVEL_NEWEST,
                                      .incarnation = incarnation});
}

void
hf_bench_acked (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t index, uint64_t round)
{
    HF_BENCH_PEER (bench, ACK, ack, .from = from, .term = term, .index = index, .round = round);
}

void
hf_bench_link (hf_bench_t *bench, uint32_t node, bool up)
{
    HF_BENCH_EVENT (bench, LINK, .link = {.node = node, .up = up});
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
