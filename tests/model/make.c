//  Moves are made: the real core of one node takes the event.

#include "moves.h"
#include "papers.h"
#include "stage.h"

static uint8_t
s_bit (uint8_t disk)
{
    return (uint8_t)(1U << (disk - 1));
}

/*  The core of WHO wants something that its next messages say: a vote, an ack. */
static void
s_note (world_t *world, const stage_t *stage)
{
    const node_t *node = stage->node;
    mail_t *mail = &world->mail[node->disk];
    if (stage->voted_incarnation > 0)
        mail->votes[node->term] |= s_bit (world_disk (stage->voted_incarnation));
    if (stage->acked > mail->acks[node->term])
        mail->acks[node->term] = (uint8_t)stage->acked;
}

/*  A leader of an earlier term sends no more, but what it sent may be on its way. */
static void
s_keep_sent (world_t *world, const bounds_t *bounds, const node_t *before, bool lost)
{
    if (before->role != HF_LEADER || !(lost || bounds->keeps_all))
        return;
    sent_t *sent = &world->sent[before->term];
    *sent = (sent_t){.disk = before->disk, .length = before->length, .commit = before->commit};
    memcpy (sent->log, before->log, sizeof sent->log);
}

//  ---- elections -----------------------------------------------------------------------------

static void
s_ask (stage_t *stage, const node_t *from, uint64_t term, bool pre)
{
    hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_VOTE_REQUEST}};
    event.peer.vote_request =
        (hf_vote_request_t){.from = world_id (from->disk),
                            .term = term,
                            .last_index = from->length,
                            .last_term = from->length > 0 ? from->log[from->length - 1].term : 0,
                            .pre = pre,
                            .incarnation = world_incarnation (from->disk)};
    stage_step (stage, &event);
}

static void
s_vote (stage_t *stage, uint64_t term, bool pre, uint8_t disk, uint8_t candidate)
{
    hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_VOTE}};
    event.peer.vote = (hf_vote_t){.from = world_id (disk),
                                  .to = stage->core->config.self,
                                  .term = term,
                                  .pre = pre,
                                  .granted = true,
                                  .incarnation = world_incarnation (disk),
                                  .candidate = world_incarnation (candidate),
                                  .speaks = stage->core->config.speaks};
    stage_step (stage, &event);
}

/*  A node that forms a cluster stands when all members have granted it the pre-vote: those that run
 *  now. */
static void
s_pre_stand (const world_t *world, stage_t *stage, size_t who)
{
    const node_t candidate = *stage->node;
    uint64_t term = candidate.term + 1U;
    hf_core_pre_stand (stage->core, stage->effects);
    hf_core_settle (stage->core, stage->effects);
    stage_settle (stage);
    for (size_t i = 0; i < NODES && stage->core->role == HF_PRE_CANDIDATE; i++) {
        node_t voter = world->nodes[i]; //  a pre-vote changes nothing
        if (i == who || voter.disk == 0 || world_id (voter.disk) == world_id (candidate.disk))
            continue;
        stage_t asked;
        stage_enter (&asked, &voter, i);
        s_ask (&asked, &candidate, term, true);
        stage->effects->commit_index = 0; //  the stage is one, and that was the voter's
        if (asked.pre_voted)
            s_vote (stage, term, true, voter.disk, candidate.disk);
    }
    if (stage->core->role == HF_PRE_CANDIDATE)
        hf_core_step_down (stage->core, stage->core->term, stage->effects);
}

/*  As when nobody was heard for an election timeout. In a cluster that was formed without the
 *  pre-vote, which only makes standing rarer. */
static void
s_stand (const world_t *world, stage_t *stage, move_t move)
{
    hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_NEWER_TERM}};
    event.peer.newer_term = (hf_newer_term_t){.from = UINT8_MAX, .term = move.by - 1U};
    if (event.peer.newer_term.term > stage->core->term)
        stage_step (stage, &event);
    if (stage->core->role == HF_LEADER)
        hf_core_step_down (stage->core, stage->core->term, stage->effects);
    if (hf_core_may_stand (stage->core) && hf_core_roster (stage->core) == NULL)
        s_pre_stand (world, stage, move.who);
    else if (hf_core_may_stand (stage->core))
        hf_core_stand (stage->core, stage->effects);
    hf_core_settle (stage->core, stage->effects);
    stage_settle (stage);
}

/*  Whether DISK is not the one of its node whose message is to arrive. */
static bool
s_other_disk (uint8_t disk, uint8_t how, const uint8_t *sent)
{
    uint8_t twin = (uint8_t)(disk > NODES ? disk - NODES : disk + NODES);
    bool both = sent[disk] != 0 && sent[twin] != 0;
    return both && (how & MOVE_LOST) != (disk > NODES ? 0 : MOVE_LOST);
}

/*  Gives how many votes there were when it won, or in all. */
static size_t
s_win (const world_t *world, stage_t *stage, move_t move)
{
    size_t count = 0;
    node_t before = *stage->node;
    uint8_t given[DISKS + 1] = {0};
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        for (uint8_t to = 1; to <= DISKS; to++) {
            bool named = (world->mail[disk].votes[before.term] & s_bit (to)) != 0;
            if (named && world_id (to) == world_id (before.disk) &&
                world_id (disk) != world_id (before.disk))
                given[disk] = to;
        }
    }
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        if (given[disk] == 0 || s_other_disk (disk, move.how, given) ||
            stage->core->role == HF_LEADER)
            continue;
        s_vote (stage, before.term, false, disk, given[disk]);
        count++;
    }
    return count;
}

//  ---- entries and acks ----------------------------------------------------------------------

static void
s_entries (const world_t *world, stage_t *stage, move_t move)
{
    size_t leader = world_leader (world, move.by);
    const node_t *node = leader < NODES ? &world->nodes[leader] : NULL;
    const sent_t *sent = &world->sent[move.by];
    uint8_t commit = node != NULL ? node->commit : sent->commit;
    stage->from = node != NULL ? node->log : sent->log;
    for (size_t i = 0; i < move.how >> 1; i++) {
        hf_entry_t entry = {.term = stage->from[i].term, .type = HF_ENTRY_OPEN_TERM};
        if (stage->from[i].what > 0) {
            entry.type = HF_ENTRY_ROSTER;
            entry.payload = papers_payload (stage->from[i].what);
        }
        hf_entry_put (stage->list, &entry);
    }
    hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_ENTRIES}};
    event.peer.entries = (hf_entries_t){.from = world_id (node != NULL ? node->disk : sent->disk),
                                        .term = move.by,
                                        .commit = (move.how & MOVE_TOLD) != 0 ? commit : 0,
                                        .entries = hf_pack_list (stage->list)};
    stage_step (stage, &event);
    stage_durable (stage);
}

static void
s_ack (const world_t *world, stage_t *stage, uint8_t term, uint8_t disk)
{
    hf_event_t event = {.type = HF_EV_PEER, .peer = {.kind = HF_KIND_ACK}};
    event.peer.ack = (hf_ack_t){.from = world_id (disk),
                                .to = stage->core->config.self,
                                .term = term,
                                .index = world->mail[disk].acks[term],
                                .round = 1,
                                .incarnation = world_incarnation (disk),
                                .speaks = stage->core->config.speaks};
    stage_step (stage, &event);
}

static void
s_commit (const world_t *world, stage_t *stage, move_t move)
{
    node_t before = *stage->node;
    uint8_t sent[DISKS + 1] = {0};
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        if (world_id (disk) != world_id (before.disk))
            sent[disk] = world->mail[disk].acks[before.term];
    }
    for (uint8_t disk = 1; disk <= DISKS; disk++) {
        if (sent[disk] > 0 && !s_other_disk (disk, move.how, sent))
            s_ack (world, stage, before.term, disk);
    }
}

/*  A heartbeat is due. */
static void
s_tick (const world_t *world, stage_t *stage, move_t move)
{
    if (move.by > 0)
        s_ack (world, stage, stage->node->term, move.by);
    stage_step (stage, &(hf_event_t){.type = HF_EV_TICK});
}

//  ---- the node itself -----------------------------------------------------------------------

static void
s_restart (world_t *world, const bounds_t *bounds, move_t move)
{
    node_t *node = &world->nodes[move.who];
    node_t before = *node;
    bool lost = move.kind == MOVE_WIPE;
    s_keep_sent (world, bounds, &before, lost);
    if (lost) {
        *node = (node_t){.disk = (uint8_t)(before.disk + NODES)};
        world->wipes--;
    } else
        world->crashes--;
    stage_start (node, move.who);
}

/*  Terms follow each other: whoever led or stood in an earlier one gives up, as when it hears no
 *  majority. */
static void
s_give_up (world_t *world)
{
    for (size_t i = 0; i < NODES; i++) {
        node_t *node = &world->nodes[i];
        if (node->disk > 0 && node->term > world->highest)
            world->highest = node->term;
    }
    for (size_t i = 0; i < NODES; i++) {
        node_t *node = &world->nodes[i];
        if (node->disk == 0 || node->term == world->highest || node->role == HF_FOLLOWER)
            continue;
        stage_t stage;
        stage_enter (&stage, node, i);
        hf_core_step_down (stage.core, stage.core->term, stage.effects);
        hf_core_settle (stage.core, stage.effects);
        stage_settle (&stage);
        stage_leave (&stage);
    }
}

/*  Whether a move did what it is there for. If not, other moves lead to the same state. */
static bool
s_counts (const node_t *before, const node_t *node, move_t move)
{
    switch ((move_kind_t)move.kind) {
    case MOVE_STAND:
        return node->term == move.by;
    case MOVE_WIN:
        return node->role == HF_LEADER;
    case MOVE_COMMIT:
        return node->commit > before->commit;
    case MOVE_TICK:
    case MOVE_CHANGE:
        return node->length > before->length;
    default:
        return memcmp (before, node, sizeof *before) != 0;
    }
}

static void
s_act (world_t *world, const bounds_t *bounds, stage_t *stage, move_t move)
{
    hf_event_t event = {.type = HF_EV_CHANGE};
    switch ((move_kind_t)move.kind) {
    case MOVE_STAND:
        s_stand (world, stage, move);
        break;
    case MOVE_ASK:
        s_ask (stage, &world->nodes[move.by], world->nodes[move.by].term, false);
        break;
    case MOVE_WIN:
        s_win (world, stage, move);
        break;
    case MOVE_ENTRIES:
        s_entries (world, stage, move);
        break;
    case MOVE_COMMIT:
        s_commit (world, stage, move);
        break;
    case MOVE_TICK:
        s_tick (world, stage, move);
        break;
    case MOVE_CHANGE: //  who was not heard is not up
        s_commit (world, stage, move);
        event.change = bounds->changes[move.by];
        stage_step (stage, &event);
        break;
    default: //  MOVE_DURABLE
        stage_durable (stage);
    }
}

/*  A whole election, with these votes and no more than it takes. */
static bool
s_elect (world_t *world, move_t move)
{
    node_t *node = &world->nodes[move.who];
    stage_t stage;
    stage_enter (&stage, node, move.who);
    s_stand (world, &stage, move);
    stage_leave (&stage);
    size_t asked = 0, heard = 0;
    for (size_t i = 0; i < NODES && node->term == move.by; i++) {
        if ((move.how >> i & 1) == 0)
            continue;
        stage_enter (&stage, &world->nodes[i], i);
        s_ask (&stage, node, node->term, false);
        stage_leave (&stage);
        s_note (world, &stage);
        asked++;
        if (stage.voted_incarnation == 0)
            return false;
    }
    if (node->role == HF_CANDIDATE) {
        stage_enter (&stage, node, move.who);
        heard = s_win (world, &stage, (move_t){.how = 0});
        if (world->crashes == 0)
            stage_durable (&stage);
        stage_leave (&stage);
    }
    return node->role == HF_LEADER && node->term == move.by && heard == asked;
}

bool
moves_make (world_t *world, const bounds_t *bounds, move_t move)
{
    node_t *node = &world->nodes[move.who];
    node_t before = *node;
    if (move.kind == MOVE_CRASH || move.kind == MOVE_WIPE) {
        s_restart (world, bounds, move);
        return true;
    }
    if (move.kind == MOVE_ELECT) {
        bool won = s_elect (world, move);
        s_give_up (world);
        return won;
    }
    stage_t stage;
    stage_enter (&stage, node, move.who);
    s_act (world, bounds, &stage, move);
    //  Nobody crashes any more: no need to tell apart what is on disk.
    if (world->crashes == 0)
        stage_durable (&stage);
    stage_leave (&stage);
    s_note (world, &stage);
    if (move.kind == MOVE_TICK && move.by > 0 && node->length > before.length)
        world->admissions--;
    if (node->term > before.term)
        s_keep_sent (world, bounds, &before, false);
    if (bounds->in_order)
        s_give_up (world);
    return s_counts (&before, node, move) || (move.kind == MOVE_ENTRIES && stage.acked > 0) ||
           (move.kind == MOVE_ASK && stage.voted_incarnation > 0);
}
