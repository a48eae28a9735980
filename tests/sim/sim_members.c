//  Who the members are, as far as was committed; and operators who change that.
//
//  Some lives have spare nodes, which wait to be added, and two operators. Some of these lives
//  begin with nodes of an older release, which a restart brings up to date. In some one of the
//  spare nodes never catches up: it never runs, or gets no entries; all else goes on without it, to
//  the end. The checks know nothing of how the core counts: an entry that is committed must be on
//  the disks of a majority of the voters that the last committed roster names, and a roster that
//  changes who votes also on those of a majority of the new ones.

#include "tests/sim/sim_internal.h"

#define TICK_US 50000

//  ---- the seed ---------------------------------------------------------------------------

void
sim_members_pick (sim_t *sim)
{
    odds_t *odds = &sim->odds;
    odds->founders = odds->members;
    bool changes = sim_random (sim, 4) != 0;
    if (!changes && sim_random (sim, 2) == 0)
        return; //  at level 0 for ever: no places are known
    uint32_t most = HF_MEMBERS_MAX - odds->founders;
    if (changes) {
        odds->members += (uint32_t)sim_random (sim, (most < 3 ? most : 3) + 1);
        odds->changes = 5 + (uint32_t)sim_random (sim, 100);
        //  Its own dice: lives without it are as they were.
        if (odds->members > odds->founders && hf_hash_u64 (5, sim->seed) % 3 == 0)
            odds->laggard = odds->members;
        odds->laggard_away = hf_hash_u64 (6, sim->seed) % 2 == 0;
        //  What is kept for it must show its end.
        if (odds->laggard != 0 && !odds->laggard_away)
            odds->election.repair_keep = 1000 + hf_hash_u64 (7, sim->seed) % 20000;
        odds->old_release = odds->past || sim_random (sim, 3) == 0;
    }
    hf_core_config_t *core = &odds->election.core;
    for (uint32_t i = 0; i < odds->founders; i++) {
        hf_core_place_t *place = &core->places[i];
        snprintf (place->host, sizeof place->host, "node%u", i + 1);
        place->client_port = 1;
        place->node_port = 2;
    }
}

bool
sim_lags (const sim_t *sim, uint32_t id)
{
    return id == sim->odds.laggard;
}

bool
sim_is_kept_back (const sim_t *sim, uint32_t id, hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    hf_entries_t entries;
    if (!sim_lags (sim, id) || hf_frame_open (frame.at, frame.size, &scan, &kind) != HF_OK)
        return false;
    return kind == HF_KIND_STATE_PART ||
           (kind == HF_KIND_ENTRIES && hf_entries_get (&scan, &entries) &&
            entries.entries.count > 0);
}

void
sim_members_config (const sim_t *sim, const node_t *node, hf_core_config_t *config)
{
    config->speaks = node->old_release ? 0 : HF_LEVEL_NEWEST;
    //  Once members change, who comes with an empty disk joins: by the list alone, those that it
    //  names could form another cluster.
    bool empty = node->durable.items.count == 0;
    if (node->id > sim->odds.founders ||
        (empty && sim->watch.formed && sim->watch.roster.level > 0))
        config->members_count = 0;
}

//  ---- what is committed --------------------------------------------------------------------

const hf_seat_t *
sim_seat (const sim_t *sim, uint32_t id)
{
    return hf_roster_seat (&sim->watch.roster, id);
}

bool
sim_votes (const sim_t *sim, uint32_t id)
{
    const hf_seat_t *seat = sim_seat (sim, id);
    return seat && (seat->flags & HF_SEAT_VOTES) != 0;
}

uint32_t
sim_voters (const sim_t *sim)
{
    uint32_t voters = 0;
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        voters += sim_votes (sim, id);
    return voters;
}

static bool
s_has (const disk_t *disk, uint64_t incarnation, uint64_t index, item_t item)
{
    if (disk->incarnation != incarnation)
        return false;
    return disk->base_index >= index ||
           (disk->items.count >= index && sim_same_item (sim_disk_at (disk, index), item));
}

/*  Whether that disk of NODE had the entry; also if it was lost since: the promise is about the
 *  others. */
static bool
s_had (const node_t *node, uint64_t incarnation, uint64_t index, item_t item)
{
    bool had = s_has (&node->durable, incarnation, index, item);
    for (size_t i = 0; i < node->lost.count && !had; i++)
        had = s_has (&node->lost.list[i], incarnation, index, item);
    return had;
}

/*  Whether a majority of the seats with FLAG in ROSTER has the entry. A disk that the roster itself
 *  changed is another one than voted before. */
static bool
s_majority_has (const sim_t *sim, const hf_roster_t *roster, uint32_t flag, uint64_t index,
                item_t item)
{
    uint32_t seats = 0, having = 0;
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        if ((seat->flags & flag) == 0)
            continue;
        seats++;
        bool lost = flag == HF_SEAT_VOTED && (seat->flags & HF_SEAT_CHANGED) != 0;
        having += !lost && s_had (&sim->nodes[seat->node], seat->incarnation, index, item);
    }
    return 2 * having > seats;
}

void
sim_members_check_disks (sim_t *sim, uint64_t index, item_t item)
{
    const watch_t *watch = &sim->watch;
    hf_roster_t roster;
    bool first = !watch->formed;
    bool is_roster =
        item.type == HF_ENTRY_ROSTER && hf_roster_get (sim_entry (&item).payload, &roster);
    bool good = first || s_majority_has (sim, &watch->roster, HF_SEAT_VOTES, index, item);
    if (is_roster)
        good = good && s_majority_has (sim, &roster, HF_SEAT_VOTES, index, item);
    if (!good)
        sim_fail (sim, SIM_BROKEN,
                  "P7: entry %" PRIu64 " is committed and not on the disks of a majority", index);
}

//  ---- one change at a time -----------------------------------------------------------------

/*  Which of its incarnations it is; SIZE_MAX: none. */
static size_t
s_which (const node_t *node, uint64_t incarnation)
{
    for (size_t i = 0; i < node->incarnations.count; i++)
        if (node->incarnations.list[i] == incarnation)
            return i;
    return SIZE_MAX;
}

static bool
s_flag (const hf_seat_t *seat, uint32_t flag)
{
    return seat && (seat->flags & flag) != 0;
}

static bool
s_incarnations_rise (sim_t *sim, uint64_t index, const hf_roster_t *next)
{
    for (uint32_t i = 0; i < next->count; i++) {
        const hf_seat_t *seat = &next->members[i];
        const hf_seat_t *before = sim_seat (sim, seat->node);
        if (seat->incarnation == 0)
            continue;
        const node_t *node = &sim->nodes[seat->node];
        size_t which = s_which (node, seat->incarnation);
        bool lost =
            before && before->incarnation != 0 && which < s_which (node, before->incarnation);
        if (which != SIZE_MAX && !lost)
            continue;
        sim_fail (sim, SIM_BROKEN,
                  "P7: entry %" PRIu64 " names an incarnation of node %u that it %s", index,
                  node->id, which == SIZE_MAX ? "never had" : "lost");
        return false;
    }
    return true;
}

/*  Who votes by NEXT voted before, with the same disk, by the roster that was committed before; and
 *  a joint one is followed by one that is closed. */
static bool
s_follows (const sim_t *sim, const hf_roster_t *next)
{
    const hf_roster_t *last = &sim->watch.roster;
    if (hf_roster_joint (last) && hf_roster_joint (next))
        return false;
    uint32_t changed = 0;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const hf_seat_t *was = hf_roster_seat (last, id), *is = hf_roster_seat (next, id);
        bool votes = s_flag (is, HF_SEAT_VOTES), voted = s_flag (is, HF_SEAT_VOTED);
        bool other = s_flag (is, HF_SEAT_CHANGED) ||
                     (votes && s_flag (was, HF_SEAT_VOTES) && is->incarnation != was->incarnation);
        if (voted != s_flag (was, HF_SEAT_VOTES))
            return false;
        changed += votes != voted || other;
    }
    return changed <= 1;
}

static void
s_admitted (sim_t *sim, uint64_t index, const hf_roster_t *last)
{
    for (uint32_t i = 0; i < last->count; i++) {
        const hf_seat_t *seat = &last->members[i];
        bool came = s_flag (seat, HF_SEAT_VOTES) &&
                    (!s_flag (seat, HF_SEAT_VOTED) || s_flag (seat, HF_SEAT_CHANGED));
        if (came)
            sim_tell (sim, "node %u is admitted at %" PRIu64, seat->node, index);
        sim->result->totals.admissions += came;
        sim->result->totals.removals += s_flag (seat, HF_SEAT_LEAVES);
    }
}

/*  Who came, and to do what. */
static void
s_count_changes (sim_t *sim, uint64_t index, const hf_roster_t *next)
{
    sim_totals_t *totals = &sim->result->totals;
    for (uint32_t i = 0; i < next->count; i++) {
        const hf_seat_t *seat = &next->members[i], *before = sim_seat (sim, seat->node);
        bool learns = (seat->flags & (HF_SEAT_VOTES | HF_SEAT_JOINS | HF_SEAT_LEAVES)) == 0;
        bool learned =
            before && (before->flags & (HF_SEAT_VOTES | HF_SEAT_JOINS | HF_SEAT_LEAVES)) == 0;
        totals->learners += !before && learns;
        totals->promotions += learned && s_flag (seat, HF_SEAT_JOINS);
        totals->laggards += !before && sim_lags (sim, seat->node);
        if (sim_lags (sim, seat->node) && s_flag (seat, HF_SEAT_VOTES))
            sim_fail (sim, SIM_BROKEN,
                      "P7: entry %" PRIu64 " makes node %u a voter, which has no entry", index,
                      seat->node);
    }
}

/*  What operators asked for is done once. */
static void
s_done_once (sim_t *sim, uint64_t index, const hf_roster_t *next)
{
    watch_t *watch = &sim->watch;
    const hf_roster_t *last = &watch->roster;
    if (next->done_count == 0 ||
        (next->done_count == last->done_count &&
         memcmp (next->done, last->done, next->done_count * sizeof *next->done) == 0))
        return;
    uint64_t id = next->done[next->done_count - 1];
    for (size_t i = 0; i < watch->changes.count; i++)
        if (watch->changes.list[i] == id)
            sim_fail (sim, SIM_BROKEN, "P9: entry %" PRIu64 " makes a change of the members again",
                      index);
    *hf_array_add (&watch->changes) = id;
    sim->result->totals.changes++;
}

/*  At the end all who are members are up: also one that was removed, ended, and was added again. */
static void
s_start_again (sim_t *sim, node_t *node)
{
    if (!sim->healed || !node->gone || !sim_seat (sim, node->id))
        return;
    node->gone = false;
    sim_start_later (sim, node, 1000000);
}

void
sim_roster_committed (sim_t *sim, uint64_t index, item_t item)
{
    watch_t *watch = &sim->watch;
    hf_roster_t roster;
    if (item.type != HF_ENTRY_ROSTER) {
        if (!watch->formed)
            sim_fail (sim, SIM_BROKEN, "P7: entry %" PRIu64 " is committed, and there is no roster",
                      index);
        return;
    }
    bool sound = hf_roster_get (sim_entry (&item).payload, &roster);
    for (uint32_t i = 0; i < roster.count; i++)
        sound = sound && roster.members[i].node <= sim->odds.members;
    if (watch->formed && sound)
        sound = s_follows (sim, &roster) && roster.level >= watch->roster.level &&
                (watch->roster.level == 0 || roster.cluster == watch->roster.cluster);
    else
        sound = sound && roster.count == sim->odds.founders && !hf_roster_joint (&roster);
    if (!sound || !s_incarnations_rise (sim, index, &roster)) {
        sim_fail (sim, SIM_BROKEN,
                  "P1: the roster of entry %" PRIu64 " does not follow from the one before", index);
        return;
    }
    s_done_once (sim, index, &roster);
    if (watch->formed)
        s_count_changes (sim, index, &roster);
    if (watch->formed && !hf_roster_joint (&roster))
        s_admitted (sim, index, &watch->roster);
    watch->roster = roster;
    watch->formed = true;
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        s_start_again (sim, &sim->nodes[id]);
    sim_formed (sim);
}

//  ---- what may be lost -----------------------------------------------------------------------

/*  Without NODE's disk: how many seats with FLAG are left in ROSTER with the disk that it names. */
static uint32_t
s_left (const sim_t *sim, const hf_roster_t *roster, uint32_t flag, const node_t *node,
        uint32_t *seats)
{
    uint32_t left = 0;
    *seats = 0;
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        const node_t *other = &sim->nodes[seat->node];
        if ((seat->flags & flag) == 0)
            continue;
        (*seats)++;
        left += other != node && other != sim->stale && !other->damaged &&
                !s_flag (seat, HF_SEAT_CHANGED) && other->durable.incarnation == seat->incarnation;
    }
    return left;
}

/*  Also if one more is made a voter: its disk may be lost before that is committed. */
static bool
s_enough_left (const sim_t *sim, const hf_roster_t *roster, const node_t *node)
{
    uint32_t votes, voted, joins = 0;
    uint32_t left = s_left (sim, roster, HF_SEAT_VOTES, node, &votes);
    uint32_t left_before = s_left (sim, roster, HF_SEAT_VOTED, node, &voted);
    for (uint32_t i = 0; i < roster->count; i++)
        joins +=
            s_flag (&roster->members[i], HF_SEAT_JOINS) && !sim_lags (sim, roster->members[i].node);
    return 2 * left > votes + (joins > 0) && 2 * left_before > voted;
}

/*  A roster that is on its way may still be committed. */
static bool
s_enough_for_logs (const sim_t *sim, const node_t *node)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *other = &sim->nodes[id];
        const disk_t *disk = other->up ? &other->written : &other->durable;
        uint64_t first = sim->watch.committed.count + 1;
        if (first <= disk->base_index)
            first = disk->base_index + 1;
        for (uint64_t index = first; index <= disk->items.count; index++) {
            item_t item = sim_disk_at (disk, index);
            hf_roster_t roster;
            if (item.type == HF_ENTRY_ROSTER &&
                hf_roster_get (sim_entry (&item).payload, &roster) &&
                !s_enough_left (sim, &roster, node))
                return false;
        }
    }
    return true;
}

/*  An operator asks that it votes. */
static bool
s_is_promoted (const sim_t *sim, uint32_t id)
{
    for (size_t i = 0; i < OPERATORS; i++) {
        const operator_t *person = &sim->operators[i];
        if (person->waits && person->change.op == HF_CHANGE_PROMOTE && person->change.node == id)
            return true;
    }
    return false;
}

bool
sim_may_lose (const sim_t *sim, const node_t *node)
{
    //  A voter that is being removed makes the others indispensable.
    return sim->watch.formed && sim->now_us >= sim->removing_until_us &&
           !s_is_promoted (sim, node->id) && s_enough_left (sim, &sim->watch.roster, node) &&
           s_enough_for_logs (sim, node);
}

//  ---- operators ------------------------------------------------------------------------------

static void
s_place (hf_a_change_t *change, const char *host, uint32_t port)
{
    change->host = hf_span_text (host);
    change->client_port = port;
    change->node_port = port + 1;
}

static bool
s_all_disks_there (const sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        if (sim_votes (sim, id) &&
            (node->damaged || node->durable.incarnation != sim_seat (sim, id)->incarnation))
            return false;
    }
    return true;
}

static bool
s_any_old (const sim_t *sim)
{
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        if (sim->nodes[id].old_release)
            return true;
    return false;
}

bool
sim_last_founder (const sim_t *sim, uint32_t id)
{
    for (uint32_t other = 1; other <= sim->odds.founders; other++)
        if (other != id && sim_votes (sim, other))
            return false;
    return id <= sim->odds.founders;
}

/*  Clients must not lose the last node that they were told of; another may be on its way out. */
static bool
s_may_leave (const sim_t *sim, uint32_t id)
{
    bool founder = id <= sim->odds.founders;
    return !founder || (sim->now_us >= sim->founder_leaves_us && !sim_last_founder (sim, id));
}

/*  What an operator wants next. False: nothing. */
static bool
s_wish (sim_t *sim, operator_t *person)
{
    static const char *const hosts[] = {"",      "node1", "node2", "node3",    "node4",
                                        "node5", "node6", "node7", "elsewhere"};
    hf_a_change_t *change = &person->change;
    *change = (hf_a_change_t){.id = sim_random (sim, UINT64_MAX - 1) + 1, .level = 1};
    if (sim->watch.roster.level == 0) {
        change->op = HF_CHANGE_RAISE;
        return sim_random (sim, s_any_old (sim) ? 8 : 1) == 0;
    }
    change->node = 1 + (uint32_t)sim_random (sim, sim->odds.members);
    const hf_seat_t *seat = sim_seat (sim, change->node);
    uint32_t voters = sim_voters (sim);
    uint64_t dice = sim_random (sim, 10);
    if (seat && sim_wish_lead (sim, change))
        return true;
    if (!seat) {
        change->op = HF_CHANGE_ADD;
        change->learns = sim_random (sim, 5) == 0;
        s_place (change, hosts[change->node], 1);
    } else if (!s_flag (seat, HF_SEAT_VOTES) && dice < 5) {
        //  The leader may take the disk for there that it heard a moment ago.
        const node_t *node = &sim->nodes[change->node];
        bool wiped = node->wiped_us != 0 && sim->now_us < node->wiped_us + 1000000;
        if (node->damaged || wiped)
            return false;
        change->op = HF_CHANGE_PROMOTE;
    } else if (dice < 7 && (voters > 2 || sim_random (sim, 8) == 0)) {
        if (!s_all_disks_there (sim) || !s_may_leave (sim, change->node))
            return false;
        change->op = HF_CHANGE_REMOVE;
        sim->removing_until_us = sim->now_us + 8000000;
        if (change->node <= sim->odds.founders)
            sim->founder_leaves_us = sim->now_us + 4000000;
    } else {
        change->op = HF_CHANGE_MOVE;
        s_place (change, hosts[sim_random (sim, 6) == 0 ? 8 : change->node],
                 1 + 2 * (uint32_t)sim_random (sim, 1000));
    }
    return true;
}

/*  To whoever leads, or believes to; now and then to anybody. */
static node_t *
s_asked (sim_t *sim)
{
    node_t *asked = NULL;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        node_t *node = &sim->nodes[id];
        if (node->up && (node->seen.role == HF_LEADER || sim_random (sim, 40) == 0))
            asked = !asked || sim_random (sim, 2) == 0 ? node : asked;
    }
    return asked;
}

static void
s_ask (sim_t *sim, operator_t *person)
{
    const node_t *node = s_asked (sim);
    person->again_us = sim->now_us + 200000 + sim_random (sim, 1500000);
    if (!node)
        return;
    sim_tell (sim, "an operator asks node %u for change %u of node %u", node->id, person->change.op,
              person->change.node);
    hf_pack_t message;
    hf_pack_init (&message);
    hf_a_change_frame (&message, &person->change);
    size_t size = hf_pack_size (&message);
    uint8_t *bytes = memcpy (hf_alloc (size), hf_pack_bytes (&message), size);
    sim_post (sim, sim_random (sim, 2000),
              (event_t){.type = EV_MESSAGE,
                        .to = node->id,
                        .life = node->life,
                        .actor = HF_TO_ELECTION,
                        .source = HF_TO_LOCK,
                        .message = bytes,
                        .size = size});
    hf_pack_done (&message);
}

static bool
s_names (item_t item, uint64_t id)
{
    hf_roster_t roster;
    if (item.type != HF_ENTRY_ROSTER || !hf_roster_get (sim_entry (&item).payload, &roster))
        return false;
    for (uint32_t i = 0; i < roster.done_count; i++)
        if (roster.done[i] == id)
            return true;
    return false;
}

/*  Whether the first roster in NODE's log that has the change is not committed. */
static bool
s_is_underway (const node_t *node, uint64_t id)
{
    const disk_t *disk = &node->written;
    uint64_t commit = hf_election_service_view (node->election).commit_index;
    if (disk->roster && s_names ((item_t){.type = HF_ENTRY_ROSTER, .payload = disk->roster}, id))
        return false;
    for (uint64_t index = disk->base_index + 1; index <= disk->items.count; index++)
        if (s_names (sim_disk_at (disk, index), id))
            return index > commit;
    return false;
}

void
sim_verdict (sim_t *sim, const node_t *node, const hf_a_verdict_t *verdict)
{
    sim_tell (sim, "node %u answers an operator: %u", node->id, verdict->verdict);
    if (verdict->verdict == HF_VERDICT_DONE && s_is_underway (node, verdict->id))
        sim_fail (sim, SIM_BROKEN,
                  "P7: node %u tells a change of the members as done before it is committed",
                  node->id);
    for (size_t i = 0; i < OPERATORS; i++) {
        operator_t *person = &sim->operators[i];
        if (!person->waits || person->change.id != verdict->id)
            continue;
        bool again = verdict->verdict == HF_VERDICT_BUSY ||
                     verdict->verdict == HF_VERDICT_NOT_LEADER || sim_random (sim, 4) == 0;
        person->waits = again; //  also what is done: it must not be done again
    }
}

/*  Nobody asks again for what was done before the change that comes: only so many are remembered.
 */
static void
s_let_go (sim_t *sim)
{
    for (size_t i = 0; i < OPERATORS; i++) {
        operator_t *person = &sim->operators[i];
        for (size_t k = 0; k < sim->watch.changes.count; k++)
            if (sim->watch.changes.list[k] == person->change.id)
                person->waits = false;
    }
}

static void
s_person (sim_t *sim, operator_t *person)
{
    if (person->waits && sim_random (sim, 100) == 0)
        person->waits = false; //  gives up
    if (!person->waits && sim_odds (sim, sim->odds.changes)) {
        s_let_go (sim);
        person->waits = s_wish (sim, person);
    } else if (!person->waits || sim->now_us < person->again_us)
        return;
    if (person->waits)
        s_ask (sim, person);
}

/*  One that was removed and ended comes back: as it was, or as new. */
static void
s_come_back (sim_t *sim, node_t *node)
{
    if (node->up || !node->gone || !sim_odds (sim, 10))
        return;
    sim_tell (sim, "node %u, which was removed, comes back", node->id);
    node->gone = false;
    if (sim_random (sim, 3) == 0 && sim_may_lose (sim, node))
        sim_wipe (sim, node);
    sim_start_later (sim, node, 100000);
}

void
sim_operate (sim_t *sim)
{
    if (sim->healed || sim->odds.changes == 0)
        return;
    for (size_t i = 0; i < OPERATORS && !sim->calm && sim->watch.formed; i++)
        s_person (sim, &sim->operators[i]);
    for (uint32_t id = 1; id <= sim->odds.members; id++)
        s_come_back (sim, &sim->nodes[id]);
    sim_post (sim, TICK_US, (event_t){.type = EV_OPERATE});
}

//  ---- who was removed -------------------------------------------------------------------------

/*  What is committed at INDEX, delivered or not. */
static item_t
s_committed (const sim_t *sim, uint64_t index)
{
    if (index <= sim->watch.committed.count)
        return sim->watch.committed.list[index - 1].item;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        if (node->up && index <= hf_election_service_view (node->election).commit_index &&
            index > node->written.base_index)
            return sim_disk_at (&node->written, index);
    }
    return (item_t){0};
}

/*  The last committed roster as of INDEX. False: there is none. */
static bool
s_roster_as_of (const sim_t *sim, uint64_t index, hf_roster_t *roster)
{
    for (; index > 0; index--) {
        item_t item = s_committed (sim, index);
        if (item.type == HF_ENTRY_ROSTER)
            return hf_roster_get (sim_entry (&item).payload, roster);
    }
    return false;
}

bool
sim_removed (sim_t *sim, node_t *node)
{
    uint64_t index = hf_election_service_removed (node->election);
    if (index == 0)
        return false;
    hf_roster_t roster;
    bool there = s_roster_as_of (sim, index, &roster);
    const hf_seat_t *seat = there ? hf_roster_seat (&roster, node->id) : NULL;
    if (!there ||
        (seat && (seat->incarnation == 0 || seat->incarnation == node->durable.incarnation))) {
        sim_fail (sim, SIM_BROKEN, "P11: node %u is told that it was removed, and was not",
                  node->id);
        return true;
    }
    sim_crash (sim, node, true);
    sim_tell (sim, "node %u was removed, and ends", node->id);
    node->gone = true;
    sim_copy_removed (sim, node);
    s_start_again (sim, node);
    return true;
}

/*  It believes to be a member, with the disk that it has. */
static bool
s_believes (const node_t *node)
{
    uint64_t index;
    const hf_roster_t *roster = hf_core_members (hf_election_service_core (node->election), &index);
    const hf_seat_t *seat = roster ? hf_roster_seat (roster, node->id) : NULL;
    return seat && (seat->incarnation == 0 || seat->incarnation == node->durable.incarnation);
}

bool
sim_members_settled (sim_t *sim)
{
    const hf_roster_t *roster = &sim->watch.roster;
    if (hf_roster_joint (roster))
        return false;
    for (uint32_t id = 1; id <= sim->odds.members; id++) {
        const node_t *node = &sim->nodes[id];
        const hf_seat_t *seat = hf_roster_seat (roster, id);
        if (!seat && node->up && s_believes (node))
            return false;
        if ((s_flag (seat, HF_SEAT_JOINS) && !sim_lags (sim, id)) ||
            (s_flag (seat, HF_SEAT_VOTES) && seat->incarnation != node->durable.incarnation))
            return false;
    }
    return true;
}
