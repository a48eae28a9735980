//  Checks of what a node owes: to its clients in time (P9, P11), and the bounds that it keeps
//  (P12).

#include "tests/sim/sim_internal.h"
#include "nodes/consensus/hf_core_internal.h"

//  ---- frames of clients ------------------------------------------------------------------

/*  SESSION speaks in the frame of EVENT. */
static void
s_spoken (node_t *node, const event_t *event, uint64_t session, bool keepalive)
{
    if (session == 0 || session >= SESSIONS_MAX)
        return;
    spoken_t *spoken = &node->duty.spoken[session];
    *(keepalive ? &spoken->keepalive : &spoken->requests) = event->a;
    spoken->turn = node->duty.turn;
}

void
sim_duty_taken (node_t *node, const event_t *event)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_keepalive_t keepalive;
    hf_keep_t keep;
    hf_requests_t requests;
    if (hf_frame_open (event->frame->bytes, event->frame->size, &scan, &kind) != HF_OK)
        return;
    if (kind == HF_KIND_REQUESTS) {
        while (!hf_scan_at_end (&scan) && hf_requests_get (&scan, &requests))
            s_spoken (node, event, requests.session, false);
    } else if (kind == HF_KIND_KEEPALIVE && hf_keepalive_get (&scan, &keepalive)) {
        hf_scan_t list = hf_scan_list (keepalive.sessions);
        while (hf_keep_get (&list, &keep))
            s_spoken (node, event, keep.session, true);
    }
}

static void
s_unaware (duty_t *duty, uint64_t route, bool unaware)
{
    for (size_t i = 0; i < duty->unaware.count; i++)
        if (duty->unaware.list[i] == route)
            duty->unaware.list[i--] = duty->unaware.list[--duty->unaware.count];
    if (unaware)
        *hf_array_add (&duty->unaware) = route;
}

/*  Answers go to where the session speaks, and come before its end. */
static void
s_answers (sim_t *sim, const node_t *node, uint64_t route, const hf_answers_t *answers)
{
    hf_answer_t answer;
    if (answers->session >= SESSIONS_MAX)
        return;
    const spoken_t *spoken = &node->duty.spoken[answers->session];
    const connection_t *now = &sim->connections[route & 255][node->id];
    //  An answer may be made before the session speaks from elsewhere, in one turn.
    bool left =
        route < spoken->requests && route < spoken->keepalive && spoken->turn < node->duty.turn;
    if (left && now->up && now->route == spoken->keepalive)
        sim_fail (sim, SIM_BROKEN,
                  "P11: node %u answers session %" PRIu64 " over a connection that it has left",
                  node->id, answers->session);
    hf_scan_t items = hf_scan_list (answers->items);
    for (uint32_t i = 0; i < answers->items.count && spoken->ended; i++)
        if (hf_scan_kind (&items) != HF_KIND_ANSWER)
            hf_scan_skip (&items, 1);
        else if (hf_answer_get (&items, &answer) && answer.status <= HF_NOT_HOLDER)
            sim_fail (sim, SIM_BROKEN,
                      "once: node %u answers session %" PRIu64 " after it has told of its end",
                      node->id, answers->session);
}

static void
s_ended (node_t *node, uint64_t session)
{
    if (session < SESSIONS_MAX)
        node->duty.spoken[session].ended = true;
}

static void
s_alive (sim_t *sim, node_t *node, const hf_alive_t *alive)
{
    hf_scan_t list = hf_scan_list (alive->sessions);
    hf_kept_t kept;
    while (hf_kept_get (&list, &kept)) {
        if (kept.status == HF_OK)
            sim_belief_kept (sim, kept.session, alive->echo);
        else if (kept.status == HF_SESSION_EXPIRED)
            s_ended (node, kept.session);
    }
}

void
sim_duty_sent (sim_t *sim, node_t *node, uint64_t route, bool sent, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_refused_t refused;
    hf_alive_t alive;
    hf_closed_t closed;
    hf_events_t events;
    hf_answers_t answers;
    if (!sent)
        s_unaware (&node->duty, route, false);
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK)
        return;
    while (kind == HF_KIND_ANSWERS && !hf_scan_at_end (&scan) && hf_answers_get (&scan, &answers))
        s_answers (sim, node, route, &answers);
    if (!sent || kind == HF_KIND_ANSWERS)
        return;
    if (kind == HF_KIND_REFUSED && hf_refused_get (&scan, &refused) &&
        refused.status == HF_NOT_LEADER)
        s_unaware (&node->duty, route, refused.leader == 0);
    else if (kind == HF_KIND_ALIVE && hf_alive_get (&scan, &alive))
        s_alive (sim, node, &alive);
    else if (kind == HF_KIND_CLOSED_REPLY && hf_closed_get (&scan, &closed))
        s_ended (node, closed.session);
    else if (kind == HF_KIND_EVENTS && hf_events_get (&scan, &events))
        sim_told_sent (sim, node, &events);
}

//  ---- messages of the lock actor ------------------------------------------------------------

static void
s_decided (duty_t *duty, hf_list_t entries)
{
    hf_scan_t scan = hf_scan_list (entries);
    hf_entry_t entry;
    for (uint32_t i = 0; i < entries.count && hf_entry_get (&scan, &entry); i++) {
        uint64_t size = entry.payload.size;
        if (entry.term == duty->term)
            duty->undecided -= size < duty->undecided ? size : duty->undecided;
    }
}

void
sim_duty_message (node_t *node, hf_scan_t scan, uint32_t kind)
{
    duty_t *duty = &node->duty;
    hf_a_committed_t committed;
    hf_a_leading_t leading;
    hf_a_following_t following;
    if (kind == HF_KIND_A_COMMITTED && hf_a_committed_get (&scan, &committed)) {
        duty->handled += committed.entries.size;
        if (duty->term != 0)
            s_decided (duty, committed.entries);
    } else if (kind == HF_KIND_A_LEADING && hf_a_leading_get (&scan, &leading)) {
        duty->term = leading.term;
        duty->undecided = 0;
        duty->knows = false;
    } else if (kind == HF_KIND_A_FOLLOWING && hf_a_following_get (&scan, &following)) {
        duty->term = duty->undecided = 0;
        duty->knows = following.leader != 0;
    }
}

/*  Whether the frame of a client is one of SESSION. */
static bool
s_speaks (const event_t *event, uint64_t session)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_keepalive_t keepalive;
    hf_keep_t keep;
    hf_requests_t requests;
    if (hf_frame_open (event->frame->bytes, event->frame->size, &scan, &kind) != HF_OK)
        return false;
    while (kind == HF_KIND_REQUESTS && !hf_scan_at_end (&scan) &&
           hf_requests_get (&scan, &requests))
        if (requests.session == session)
            return true;
    if (kind != HF_KIND_KEEPALIVE || !hf_keepalive_get (&scan, &keepalive))
        return false;
    hf_scan_t list = hf_scan_list (keepalive.sessions);
    while (hf_keep_get (&list, &keep))
        if (keep.session == session)
            return true;
    return false;
}

/*  What was sent in time counts before anybody is judged: not while it waits at the door. */
static void
s_expire (sim_t *sim, const node_t *node, uint64_t session)
{
    const duty_t *duty = &node->duty;
    uint64_t flood_us = duty->flood_us == 0 ? 0 : duty->turn_us - duty->flood_us;
    for (const event_t *event = node->actors[HF_TO_LOCK].boxes[0].first; event;
         event = event->next) {
        if (s_speaks (event, session) && flood_us < 900000)
            sim_fail (sim, SIM_BROKEN,
                      "P9: node %u finds session %" PRIu64 " silent while its message waits",
                      node->id, session);
    }
}

/*  Gives whether there is a command of a client. */
static bool
s_commands (sim_t *sim, const node_t *node, hf_span_t payload)
{
    hf_list_t commands;
    bool client = false;
    hf_status_t status = hf_payload_get (payload, &commands);
    assert (status == HF_OK);
    hf_scan_t scan = hf_scan_list (commands);
    for (uint32_t i = 0; i < commands.count; i++) {
        hf_cmd_expire_t expire;
        if (hf_scan_kind (&scan) != HF_KIND_CMD_EXPIRE) {
            client = client || hf_scan_kind (&scan) != HF_KIND_CMD_SILENCE;
            hf_scan_skip (&scan, 1);
        } else if (hf_cmd_expire_get (&scan, &expire))
            s_expire (sim, node, expire.session);
    }
    return client;
}

void
sim_duty_proposed (sim_t *sim, node_t *node, hf_list_t entries)
{
    duty_t *duty = &node->duty;
    uint64_t before = duty->undecided;
    hf_scan_t scan = hf_scan_list (entries);
    hf_entry_t entry;
    for (uint32_t i = 0; i < entries.count && hf_entry_get (&scan, &entry); i++) {
        if (s_commands (sim, node, entry.payload) && before > sim->odds.lock.undecided_max)
            sim_fail (sim, SIM_BROKEN,
                      "P12: node %u proposes more, and %" PRIu64 " bytes are not decided", node->id,
                      before);
        duty->undecided += entry.payload.size;
    }
}

void
sim_duty_turned (sim_t *sim, node_t *node)
{
    duty_t *duty = &node->duty;
    if (node->actors[HF_TO_LOCK].boxes[0].count == 0)
        duty->flood_us = 0;
    else if (duty->flood_us == 0)
        duty->flood_us = duty->turn_us;
    if (duty->knows && duty->unaware.count > 0)
        sim_fail (sim, SIM_BROKEN,
                  "P11: node %u knows the leader but sends no REFUSED to a client that "
                  "asked",
                  node->id);
}

//  ---- the election actor ---------------------------------------------------------------------

/*  The log that a restart would replay is bounded: there is credit for no more. */
void
sim_duty_delivers (sim_t *sim, node_t *node, uint64_t bytes)
{
    duty_t *duty = &node->duty;
    uint64_t most = sim->odds.lock.unwritten_max + sim->odds.election.deliver_ahead;
    if (duty->delivered >= duty->flushed + most)
        sim_fail (sim, SIM_BROKEN,
                  "P12: node %u delivers more, and %" PRIu64 " bytes of log are not in its rows",
                  node->id, duty->delivered - duty->flushed);
    duty->delivered += bytes;
}

/*  Whether it is a member as far as NODE knows: others are sent nothing. */
static bool
s_member (const node_t *node, uint32_t id)
{
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++)
        if (hf_core_member (hf_election_service_core (node->election), slot) == id)
            return true;
    return false;
}

void
sim_duty_peer (sim_t *sim, node_t *node, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_state_ask_t ask;
    hf_ack_t ack;
    uint64_t now_us = sim_node_local (sim, node);
    if (hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK || node->seen.role != HF_LEADER)
        return;
    if (kind == HF_KIND_ACK && hf_ack_get (&scan, &ack)) {
        if (ack.term == node->seen.term && ack.round > 0 && ack.round < SIM_ABSURD) {
            node->duty.ack_us[ack.from] = sim->now_us;
            if (!s_member (node, ack.from))
                node->duty.strange_us[ack.from] = sim->now_us;
        }
        return;
    }
    if (kind != HF_KIND_STATE_ASK || !hf_state_ask_get (&scan, &ask) || ask.to != node->id ||
        ask.term != node->seen.term || !s_member (node, ask.from))
        return;
    if (now_us >= node->duty.hold_until_us)
        node->duty.sent_index = 0; //  of a transfer before
    node->duty.hold_until_us = now_us + sim->odds.election.hold_us;
}

/*  A node that does not stop hands over to no node that has not heard for a second a member, one
 * for as long, that it hears itself: that member would be left behind. But an operator who wants it
 * is obeyed. */
void
sim_duty_transfers (sim_t *sim, const node_t *node, uint32_t to)
{
    bool leaves = !s_member (node, node->id); //  it was removed
    const hf_core_t *core = hf_election_service_core (node->election);
    bool told = core->asked_id != 0 || (hf_core_drained (core) >> core->slot & 1) != 0;
    if (node->stops_us != 0 || leaves || told || !sim_long_cut (sim, node->id, to, false))
        return;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        bool heard = s_member (node, id) && sim->now_us < node->duty.ack_us[id] + 100000 &&
                     sim->now_us > node->duty.strange_us[id] + 1000000;
        if (id != node->id && id != to && heard && sim_long_cut (sim, node->id, id, false) &&
            sim_long_cut (sim, to, id, true))
            sim_fail (sim, SIM_BROKEN,
                      "P11: node %u hands over to node %u, which does not hear node %u", node->id,
                      to, id);
    }
}

/*  A node that takes a state over must find the log that goes on from it. */
void
sim_duty_prunes (sim_t *sim, const node_t *node, uint64_t upto)
{
    const duty_t *duty = &node->duty;
    if (duty->sent_index != 0 && upto > duty->sent_index &&
        sim_node_local (sim, node) < duty->hold_until_us)
        sim_fail (sim, SIM_BROKEN,
                  "P11: node %u prunes its log up to %" PRIu64 ", and a state of %" PRIu64
                  " is on its way",
                  node->id, upto, duty->sent_index);
}
