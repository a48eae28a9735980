//  One real core on the stage.

#include "stage.h"
#include "papers.h"

//  Long after everything that a core may wait for.
#define NOW_US (1ULL << 40)

static hf_core_t *s_cores[NODES];
static hf_core_config_t s_configs[NODES];
static hf_effects_t s_effects;
static hf_pack_t s_list;

static hf_core_config_t
s_config (uint8_t place, uint8_t joiners)
{
    bool listed = (joiners >> place & 1) == 0;
    hf_core_config_t config;
    hf_core_config_defaults (&config);
    //  The last place is that of a new id, or of another disk of a node that is on the list.
    config.self = listed && place >= 3 ? 1 : place + 1U;
    config.prefer_lowest = false;
    config.incarnation = world_incarnation (place + 1);
    //  The list names those of the first three that have one.
    for (uint32_t i = 0; i < 3 && listed; i++) {
        if ((joiners >> i & 1) != 0)
            continue;
        config.places[config.members_count] =
            (hf_core_place_t){.host = "h",
                              .client_port = (uint16_t)(10 * i + 10),
                              .node_port = (uint16_t)(10 * i + 11)};
        config.members[config.members_count++] = i + 1;
    }
    return config;
}

void
stage_open (uint8_t joiners)
{
    hf_effects_init (&s_effects);
    hf_pack_init (&s_list);
    for (uint8_t i = 0; i < NODES; i++) {
        s_configs[i] = s_config (i, joiners);
        s_cores[i] = hf_core_new (&s_configs[i], &(hf_restored_t){.term = 0}, 1, NULL, NULL);
        assert (s_cores[i] != NULL);
    }
}

void
stage_close (void)
{
    for (size_t i = 0; i < NODES; i++)
        hf_core_destroy (&s_cores[i]);
    hf_effects_done (&s_effects);
    hf_pack_done (&s_list);
}

//  ---- from the state ------------------------------------------------------------------------

static void
s_enter_log (hf_core_t *core, const node_t *node)
{
    core->log.spans.count = 0;
    core->log.first_index = 1;
    core->log.base_term = 0;
    core->log.last_index = 0;
    for (size_t i = 0; i < node->length; i++)
        hf_core_log_append (&core->log, node->log[i].term, 1);
    for (size_t i = 0; i < core->rosters.count; i++)
        free (core->rosters.list[i].payload);
    core->rosters.count = 0;
    for (size_t i = 0; i < node->rosters; i++) {
        hf_core_roster_t *roster = hf_array_add (&core->rosters);
        *roster = *papers_roster (node->roster[i].what);
        roster->index = node->roster[i].index;
        roster->payload = memcpy (hf_alloc (roster->size), roster->payload, roster->size);
    }
}

/*  All links are up, and everybody was heard just now. */
static void
s_enter_peers (hf_core_t *core)
{
    memset (core->nodes, 0, sizeof core->nodes);
    memset (core->voters, 0, sizeof core->voters);
    core->was_member = false;
    core->removed = true; //  whoever is removed was told
    core->linked_count = 0;
    for (uint32_t id = 1; id <= NODES; id++) {
        if (id != core->config.self)
            core->linked[core->linked_count++] = id;
    }
    hf_core_sit (core);
    for (size_t i = 0; i < HF_MEMBERS_MAX; i++)
        core->peers[i] = (hf_core_peer_t){.heard_us = NOW_US};
}

static void
s_enter_time (hf_core_t *core)
{
    core->random.state = 1;
    core->now_us = NOW_US;
    core->heard_us = core->broken_us = core->keep_us = 0;
    core->stand_at_us = 2 * NOW_US;
    core->sync_us = core->sync_at_us = 0;
    core->abstain_until_us = core->leaves_at_us = 0;
    memset (core->newer_sent_us, 0, sizeof core->newer_sent_us);
    core->newer_sent_term = 0;
    core->given_us = core->regret_until_us = 0;
    core->regrets = 0;
    core->beat_at_us = core->tell_at_us = 0;
    core->beats = HF_CORE_TELL_ROSTER;
}

static void
s_enter_role (hf_core_t *core, const node_t *node)
{
    bool leads = node->role == HF_LEADER;
    core->role = (hf_role_t)node->role;
    core->leader = core->term_leader = leads ? core->config.self : 0;
    core->round = 1;
    core->vote_pending = false;
    core->broken = 0;
    core->leader_keep = 0;
    core->leader_commit = core->leader_last = core->acked_index = 0;
    core->ack_due = core->needs_state = core->offer_noted = false;
    hf_core_repair_reset (core);
    core->granted = node->granted;
    core->refused = core->waiting_noted = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        core->voters[i] = (node->granted >> i & 1) != 0 ? core->config.incarnation : 0;
    for (uint8_t i = 0; i < NODES; i++) {
        uint8_t disk = (uint8_t)(i + 1 + ((node->promised >> i & 1) != 0 ? NODES : 0));
        core->promised[i] = world_incarnation (disk);
    }
    core->voters_speak = core->config.speaks;
    core->open_index = node->open;
    core->announced = leads && node->commit >= node->open;
    core->beat_commit = core->beat_round = 0; //  late acks count as those of today
    core->told_commit = node->commit;
    core->barriers.count = 0;
    core->transfer_to = core->transfer_backoff = 0;
    core->transfer_sent = core->wished = false;
    core->asked_id = core->kept_term = 0;
    core->change_id = core->change_index = 0;
    core->notice_due = false;
    core->noted_term = node->term;
    core->noted_leader = core->leader;
}

static hf_member_t
s_member (uint8_t disk)
{
    return disk > 0 ? (hf_member_t){world_id (disk), world_incarnation (disk)}
                    : (hf_member_t){.node = 0};
}

static stage_t
s_stage (hf_core_t *core, node_t *node)
{
    hf_effects_reset (&s_effects);
    hf_pack_reset (&s_list);
    s_effects.commit_index = 0;
    return (stage_t){.core = core, .node = node, .effects = &s_effects, .list = &s_list};
}

void
stage_enter (stage_t *stage, node_t *node, size_t place)
{
    hf_core_t *core = s_cores[place];
    *stage = s_stage (core, node);
    core->config.self = world_id (node->disk);
    core->config.incarnation = world_incarnation (node->disk);
    core->term = node->term;
    core->voted_for = s_member (node->voted);
    s_enter_log (core, node);
    core->durable_index = node->durable;
    core->commit_index = node->commit;
    core->verified_index = node->verified;
    s_enter_time (core);
    s_enter_peers (core);
    s_enter_role (core, node);
    hf_core_members (core, &core->roster_noted);
    hf_core_check (core);
}

//  ---- the driver ----------------------------------------------------------------------------

static void
s_persist (stage_t *stage, const hf_persist_t *persist)
{
    node_t *node = stage->node;
    switch (persist->type) {
    case HF_PERSIST_VOTE:
        node->saved_term = (uint8_t)persist->term;
        node->saved_voted = world_disk (persist->voted_for.incarnation);
        break;
    case HF_PERSIST_TRUNCATE:
        assert (persist->index > 0 && persist->index <= node->length);
        node->length = (uint8_t)(persist->index - 1);
        memset (node->log + node->length, 0, (LENGTH - node->length) * sizeof node->log[0]);
        if (node->durable > node->length)
            node->durable = node->length;
        break;
    case HF_PERSIST_APPEND:
        assert (persist->index == node->length + 1U && persist->skip == node->length);
        for (uint32_t i = 0; i < persist->count; i++, node->length++)
            node->log[node->length] = stage->from[node->length];
        break;
    case HF_PERSIST_OWN:
        assert (persist->index == node->length + 1U && node->length < LENGTH);
        node->log[node->length++] = (entry_t){
            (uint8_t)persist->term,
            persist->entry_type == HF_ENTRY_ROSTER ? papers_number (persist->payload) : 0};
        break;
    }
}

static void
s_message (stage_t *stage, const hf_peer_message_t *message)
{
    if (message->kind == HF_KIND_VOTE && message->vote.granted && message->vote.pre)
        stage->pre_voted = true;
    else if (message->kind == HF_KIND_VOTE && message->vote.granted)
        stage->voted_incarnation = message->vote.candidate;
    else if (message->kind == HF_KIND_ACK && message->ack.index > stage->acked)
        stage->acked = message->ack.index;
}

void
stage_settle (stage_t *stage)
{
    for (size_t i = 0; i < stage->effects->persists.count; i++)
        s_persist (stage, &stage->effects->persists.list[i]);
    for (size_t i = 0; i < stage->effects->messages.count; i++)
        s_message (stage, &stage->effects->messages.list[i].message);
    hf_effects_reset (stage->effects);
}

void
stage_step (stage_t *stage, const hf_event_t *event)
{
    hf_event_t now = *event;
    now.now_us = NOW_US;
    hf_core_step (stage->core, &now, stage->effects);
    stage_settle (stage);
}

void
stage_durable (stage_t *stage)
{
    node_t *node = stage->node;
    if (node->durable == node->length)
        return;
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = node->length;
    event.durable.term = node->log[node->length - 1].term;
    node->durable = node->length;
    stage_step (stage, &event);
}

//  ---- back into the state ---------------------------------------------------------------------

static uint8_t
s_paper (const node_t *node, const hf_core_roster_t *roster)
{
    hf_span_t payload = hf_span (roster->payload, roster->size);
    uint8_t there = roster->index <= node->length ? node->log[roster->index - 1].what : 0;
    if (there > 0 && hf_span_equal (papers_payload (there), payload))
        return there;
    return papers_number (payload);
}

static void
s_leave_rosters (const hf_core_t *core, node_t *node)
{
    assert (core->rosters.count <= ROSTERS);
    memset (node->roster, 0, sizeof node->roster);
    node->rosters = (uint8_t)core->rosters.count;
    for (size_t i = 0; i < core->rosters.count; i++) {
        const hf_core_roster_t *roster = &core->rosters.list[i];
        node->roster[i] = (roster_at_t){(uint8_t)roster->index, s_paper (node, roster)};
    }
}

void
stage_leave (stage_t *stage)
{
    hf_core_t *core = stage->core;
    node_t *node = stage->node;
    if (core->role != HF_LEADER)
        stage_durable (stage);
    hf_core_check (core);
    hf_core_roster_forget (core);
    //  What the driver wrote is what the core believes.
    assert (node->length == core->log.last_index && node->durable == core->durable_index);
    for (size_t i = 0; i < node->length; i++)
        assert (hf_core_log_term_at (&core->log, i + 1) == node->log[i].term);
    assert (core->term < TERMS && core->role != HF_PRE_CANDIDATE);
    node->term = (uint8_t)core->term;
    node->voted = world_disk (core->voted_for.incarnation);
    node->role = (uint8_t)core->role;
    node->commit = (uint8_t)core->commit_index;
    node->verified = (uint8_t)core->verified_index;
    node->open = core->role == HF_LEADER ? (uint8_t)core->open_index : 0;
    node->granted = core->role == HF_CANDIDATE ? (uint8_t)core->granted : 0;
    node->promised = 0;
    for (uint32_t i = 0; i < NODES && node->granted != 0 && core->rosters.count == 0; i++)
        node->promised |= (uint8_t)((world_disk (core->promised[i]) > NODES ? 1U : 0) << i);
    s_leave_rosters (core, node);
}

//  ---- a start ---------------------------------------------------------------------------------

void
stage_start (node_t *node, size_t place)
{
    static hf_roster_at_t rosters[LENGTH];
    hf_term_span_t spans[LENGTH];
    hf_restored_t restored = {.term = node->saved_term,
                              .voted_for = s_member (node->saved_voted),
                              .last_index = node->durable,
                              .spans = spans,
                              .rosters = rosters};
    for (size_t i = 0; i < node->durable; i++) {
        entry_t entry = node->log[i];
        if (i == 0 || entry.term != node->log[i - 1].term)
            spans[restored.spans_count++] = (hf_term_span_t){i + 1, entry.term};
        if (entry.what == 0)
            continue;
        hf_roster_at_t *at = &rosters[restored.rosters_count++];
        hf_span_t payload = papers_payload (entry.what);
        at->index = i + 1;
        at->size = (uint32_t)payload.size;
        memcpy (at->payload, payload.at, payload.size);
    }
    hf_core_config_t config = s_configs[place];
    config.self = world_id (node->disk);
    config.incarnation = world_incarnation (node->disk);
    stage_t stage = s_stage (hf_core_new (&config, &restored, NOW_US, NULL, NULL), node);
    assert (stage.core != NULL);
    node->length = node->durable;
    memset (node->log + node->length, 0, (LENGTH - node->length) * sizeof node->log[0]);
    stage_leave (&stage);
    hf_core_destroy (&stage.core);
}
