//  The log kept short, the whole state for nodes that were away for longer than it goes back, and
//  log lines for people.

#include "nodes/services/hf_election_private.h"
#include "msgs/hf_facts.h"
#include <assert.h>

#define FORMING_US 2000000 //  between two lines about missing members
#define REPAIR_US  100000  //  between two looks at what a lagging member still needs

//  ---- pruning -------------------------------------------------------------------

/*  After a start the core learns only from the leader that what was flushed is committed. */
uint64_t
hf_election_prune_us (const hf_election_service_t *self)
{
    bool committed = self->effects.commit_index >= self->flushed;
    return self->started && committed ? self->prune_us : UINT64_MAX;
}

void
hf_election_prune (hf_election_service_t *self)
{
    if (self->now_us < hf_election_prune_us (self))
        return;
    //  No message may wait: it could name what goes.
    assert (self->effects.messages.count == 0 && self->effects.persists.count == 0);
    uint64_t upto = self->flushed;
    bool holds = self->now_us < self->held_until_us;
    if (holds && self->held_index < upto)
        upto = self->held_index;
    if (HF_MUTANT (pruned_past_flushed) && self->flushed < self->effects.commit_index)
        upto = self->flushed + 1;
    if (HF_MUTANT (pruned_before_flushed))
        upto = self->effects.commit_index;
    uint64_t lagging =
        HF_MUTANT (prune_under_repair) ? UINT64_MAX : hf_core_view (self->core).lagging;
    uint32_t step = self->config.prune_step;
    uint32_t count = 0;
    if (lagging < upto) {
        uint64_t keep = self->config.log_keep > self->config.repair_keep ? self->config.log_keep
                                                                         : self->config.repair_keep;
        count = self->log.prune (self->log.arg, upto, keep, step);
    }
    if (count == 0)
        count = self->log.prune (self->log.arg, lagging < upto ? lagging : upto,
                                 self->config.log_keep, step);
    assert (count <= step);
    //  A little time to listen between two steps; what is held goes when the hold ends.
    self->prune_us = count == step                               ? self->now_us + 1000
                     : lagging < upto                            ? self->now_us + REPAIR_US
                     : holds && self->held_index < self->flushed ? self->held_until_us
                                                                 : UINT64_MAX;
    if (count == 0)
        return;
    self->dirty = true;
    uint64_t base = hf_core_view (self->core).first_index - 1 + count;
    hf_election_event (self, (hf_event_t){.type = HF_EV_PRUNED, .pruned.index = base});
}

static void
s_hold (hf_election_service_t *self, uint64_t index)
{
    self->held_index = index;
    self->held_until_us = self->now_us + self->config.hold_us;
}

//  ---- members that do not catch up ---------------------------------------------------

void
hf_election_pace (hf_election_service_t *self)
{
    if (hf_core_brief (self->core).role != HF_LEADER) {
        hf_pace_clear (&self->pace, self->now_us);
        return;
    }
    if (self->now_us < self->pace.look_us)
        return; //  a look at all members, in each turn, for nothing
    hf_core_view_t view = hf_core_view (self->core);
    uint32_t node = self->pace.node;
    hf_pace_news_t news =
        hf_pace_look (&self->pace, view.behind, view.behind_index, view.commit_index, self->now_us);
    if (news == HF_PACE_SLOWS)
        hf_outbox_say (&self->out, HF_INFO,
                       "node %u does not catch up with this load: proposes more slowly for it",
                       view.behind);
    else if (news == HF_PACE_ENDS)
        hf_outbox_say (&self->out, HF_INFO,
                       "node %u has caught up, or is not heard: proposes at full speed again",
                       node);
    else if (news == HF_PACE_GIVES_UP)
        hf_outbox_say (&self->out, HF_WARN,
                       "node %u does not catch up even with a quarter of the load: goes on without "
                       "it for five minutes; is its disk slow?",
                       node);
}

//  ---- state transfer --------------------------------------------------------------

void
hf_election_needs_state (hf_election_service_t *self, uint64_t term, uint32_t leader)
{
    if (self->needs_state ? HF_MUTANT (needs_state_once) : leader == 0)
        return;
    self->needs_state = leader != 0;
    hf_a_needs_state_frame (&self->out.message,
                            &(hf_a_needs_state_t){.term = term, .leader = leader});
    hf_outbox_to_actor (&self->out, HF_TO_FILE);
}

static bool
s_is_peer (const hf_election_service_t *self, uint32_t node)
{
    bool member = false;
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++)
        member = member || hf_core_member (self->core, slot) == node;
    return member && node != 0 && node != self->config.core.self;
}

/*  Only a leader sends its state, which is the newest; what is applied is committed. It need not
 *  have opened its term: that may take the very node that asks. */
static bool
s_ask_is_good (const hf_election_service_t *self, const hf_state_ask_t *ask)
{
    hf_core_view_t view = hf_core_view (self->core);
    return s_is_peer (self, ask->from) && ask->to == self->config.core.self &&
           view.role == HF_LEADER && ask->term == view.term;
}

static bool
s_part_is_good (const hf_election_service_t *self, const hf_state_part_t *part)
{
    hf_core_view_t view = hf_core_view (self->core);
    return self->needs_state && part->from == view.leader && part->term == view.term &&
           part->to == self->config.core.self && part->id != 0 && part->total <= INT64_MAX &&
           part->offset <= part->total && part->data.size <= HF_STATE_PART_MAX &&
           part->data.size <= part->total - part->offset && part->data.size > 0;
}

bool
hf_election_state_from_peer (hf_election_service_t *self, hf_scan_t *scan, uint32_t kind)
{
    hf_state_ask_t ask;
    hf_state_part_t part;
    if (kind == HF_KIND_STATE_ASK) {
        if (!hf_state_ask_get (scan, &ask) || !s_ask_is_good (self, &ask))
            return false;
        //  The snapshot that is made for it is not older than what is flushed now. Until its first
        //  part shows how far it goes, nothing after that may be pruned.
        s_hold (self, self->now_us >= self->held_until_us ? self->flushed : self->held_index);
        hf_state_ask_frame (&self->out.message, &ask);
    } else {
        if (!hf_state_part_get (scan, &part) || !s_part_is_good (self, &part))
            return false;
        hf_state_part_frame (&self->out.message, &part);
    }
    hf_outbox_to_actor (&self->out, HF_TO_FILE);
    return true;
}

void
hf_election_state_ask (hf_election_service_t *self, const hf_state_ask_t *ask)
{
    hf_state_ask_frame (&self->out.frame, ask);
    hf_outbox_to_peer (&self->out, ask->to);
}

void
hf_election_state_part (hf_election_service_t *self, const hf_state_part_t *part)
{
    s_hold (self, part->index);
    hf_state_part_frame (&self->out.frame, part);
    hf_outbox_to_peer (&self->out, part->to);
}

//  ---- log lines and facts ----------------------------------------------------------

/*  The slots of all members but this node. */
static uint64_t
s_peers (const hf_election_service_t *self)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        uint32_t node = hf_core_member (self->core, i);
        mask |= node != 0 && node != self->config.core.self ? 1ULL << i : 0;
    }
    return mask;
}

uint64_t
hf_election_nodes_text (const hf_election_service_t *self, uint64_t mask, char *text, size_t size)
{
    uint64_t count = 0;
    uint32_t last = 0;
    text[0] = 0;
    for (;;) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
            uint32_t node = hf_core_member (self->core, i);
            if ((mask & 1ULL << i) != 0 && node > last && node < next)
                next = node;
        }
        if (next == UINT32_MAX)
            return count;
        size_t used = strlen (text);
        snprintf (text + used, size - used, "%s%u", count++ > 0 ? "," : "", next);
        last = next;
    }
}

/*  The payload of the roster at INDEX. */
static void
s_tell_roster (hf_election_service_t *self, uint64_t index, hf_span_t roster)
{
    hf_a_roster_frame (&self->out.message, &(hf_a_roster_t){.index = index, .roster = roster});
    hf_outbox_to_actor (&self->out, HF_TO_LOCK);
}

/*  Clients go by the index, so it must stand for one roster only: it is told when it is committed.
 *  The first is told at once, so that a node that hears nobody can say who the others are. */
void
hf_election_tell_roster (hf_election_service_t *self)
{
    uint64_t index;
    const hf_roster_t *roster = hf_core_members (self->core, &index);
    bool committed = index <= self->effects.commit_index;
    if (roster == NULL || index <= self->roster_told || (!committed && self->roster_shown))
        return;
    self->roster_shown = true;
    if (committed)
        self->roster_told = index;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_roster_put (&pack, roster);
    s_tell_roster (self, index, hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack)));
    hf_pack_done (&pack);
}

void
hf_election_heard_members (hf_election_service_t *self, const hf_members_t *m)
{
    uint64_t index;
    hf_roster_t roster;
    bool known = hf_core_members (self->core, &index) != NULL;
    if (known || hf_core_brief (self->core).leader != m->from || m->index == self->roster_told ||
        HF_MUTANT (stranger_unaware))
        return;
    self->roster_told = m->index;
    self->roster_shown = true;
    s_tell_roster (self, m->index, m->roster);
    bool good = hf_roster_get (m->roster, &roster);
    assert (good); //  the core has read it
    if (hf_roster_seat (&roster, self->config.core.self) == NULL)
        hf_outbox_say (&self->out, HF_WARN,
                       "this node is no member of the cluster that node %u leads, as of entry "
                       "%" PRIu64 ": it waits for holdfast members add; or end it",
                       m->from, m->index);
}

void
hf_election_members (hf_election_service_t *self)
{
    uint64_t index, votes = 0, learns = 0;
    const hf_roster_t *roster = hf_core_members (self->core, &index);
    char voters[HF_MEMBERS_MAX * 12], learners[HF_MEMBERS_MAX * 12];
    for (uint32_t i = 0; roster != NULL && i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        *((seat->flags & HF_SEAT_VOTES) != 0 ? &votes : &learns) |= 1ULL << seat->slot;
    }
    hf_election_nodes_text (self, votes, voters, sizeof voters);
    hf_election_nodes_text (self, learns, learners, sizeof learners);
    hf_outbox_say (&self->out, HF_INFO, "members: %s vote%s%s%s, by entry %" PRIu64, voters,
                   learns != 0 ? "; " : "", learners, learns != 0 ? " do not" : "", index);
}

/*  Forming a cluster needs every member once, so log which ones are missing. A node that lost its
 *  disk and hears nobody cannot tell whether the cluster was ever formed. */
void
hf_election_watch_forming (hf_election_service_t *self)
{
    if (self->missing == 0 || self->now_us < self->missing_told_us + FORMING_US)
        return;
    self->missing_told_us = self->now_us;
    char text[HF_MEMBERS_MAX * 12];
    hf_election_nodes_text (self, self->missing, text, sizeof text);
    hf_outbox_say (&self->out, HF_WARN,
                   "has no log and hears no leader. A new cluster forms once all of its nodes are "
                   "up; missing: %s",
                   text);
}

/*  They say nothing of it themselves: they do not know what a level is. */
void
hf_election_watch_levels (hf_election_service_t *self)
{
    uint32_t outdated = hf_core_outdated (self->core);
    char text[HF_MEMBERS_MAX * 12];
    if ((outdated & ~self->outdated) != 0) {
        hf_election_nodes_text (self, outdated, text, sizeof text);
        hf_outbox_say (&self->out, HF_WARN,
                       "runs an older release than the cluster's feature level needs, and can take "
                       "no part: node %s; start the newer release there",
                       text);
    }
    self->outdated = outdated;
}

uint64_t
hf_election_voters (const hf_election_service_t *self)
{
    uint64_t index, mask = 0;
    const hf_roster_t *roster = hf_core_members (self->core, &index);
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        mask |= roster == NULL && hf_core_member (self->core, i) != 0 ? 1ULL << i : 0;
    for (uint32_t i = 0; roster != NULL && i < roster->count; i++)
        mask |=
            (roster->members[i].flags & HF_SEAT_VOTES) != 0 ? 1ULL << roster->members[i].slot : 0;
    return mask;
}

/*  What each member is known to have of the log: "1:214 2:214 3:100!", by slot. */
static void
s_reached (const hf_election_service_t *self, uint64_t links, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (uint32_t slot = 0; slot < HF_MEMBERS_MAX; slot++) {
        uint32_t node = hf_core_member (self->core, slot);
        bool heard = node == self->config.core.self || (links & 1ULL << slot) != 0;
        if (node != 0)
            used += (size_t)snprintf (text + used, size - used, "%s%u:%" PRIu64 "%s",
                                      used > 0 ? " " : "", node, hf_core_reached (self->core, slot),
                                      heard ? "" : "!");
    }
}

void
hf_election_facts (hf_election_service_t *self, uint64_t id)
{
    static const char *const roles[] = {"follower", "candidate", "candidate", "leader"};
    hf_core_view_t view = hf_core_view (self->core);
    uint64_t index, all = hf_election_voters (self);
    const hf_roster_t *roster = hf_core_members (self->core, &index);
    char text[HF_MEMBERS_MAX * 36];
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_fact_put (&rows, HF_FACT_role, roles[view.role], 0);
    hf_fact_put (&rows, HF_FACT_leader, "", view.leader);
    hf_fact_put (&rows, HF_FACT_led_ms, "",
                 view.leader != 0 && self->led_us != 0 ? (self->now_us - self->led_us) / 1000 : 0);
    hf_fact_put (&rows, HF_FACT_term, "", view.term);
    hf_fact_put (&rows, HF_FACT_first_index, "", view.first_index);
    hf_fact_put (&rows, HF_FACT_last_index, "", view.last_index);
    hf_fact_put (&rows, HF_FACT_commit_index, "", view.commit_index);
    hf_fact_put (&rows, HF_FACT_flushed_index, "", self->flushed);
    hf_fact_put (&rows, HF_FACT_links_up, "",
                 hf_election_nodes_text (self, view.links & s_peers (self), text, sizeof text));
    s_reached (self, view.links, text, sizeof text);
    hf_fact_put (&rows, HF_FACT_reached, text, 0);
    uint64_t not_counted =
        hf_election_nodes_text (self, all & ~(uint64_t)view.counted, text, sizeof text);
    hf_fact_put (&rows, HF_FACT_not_counted, text, not_counted);
    hf_fact_put (&rows, HF_FACT_incarnation, "", self->config.core.incarnation);
    hf_fact_put (&rows, HF_FACT_level, "", roster != NULL ? roster->level : 0);
    hf_fact_put (&rows, HF_FACT_speaks, "", self->config.core.speaks);
    hf_fact_put (&rows, HF_FACT_names, self->names, 0);
    hf_fact_put (&rows, HF_FACT_sync_ms, "", view.sync_us / 1000);
    hf_fact_put (&rows, HF_FACT_slowed_ms, "",
                 hf_pace_slowed_us (&self->pace, self->now_us) / 1000);
    hf_fact_put_times (&rows, HF_FACT_sync_time, &self->sync);
    hf_fact_put_times (&rows, HF_FACT_commit_time, &self->commit);
    hf_fact_put (&rows, HF_FACT_dropped_peer_frames, "", self->dropped + self->mesh_dropped);
    hf_a_told_frame (&self->out.message, &(hf_a_told_t){.id = id, .rows = hf_pack_list (&rows)});
    hf_outbox_to_actor (&self->out, HF_TO_LOCK);
    hf_pack_done (&rows);
}
