//  Changes of the members (design 10), by hand: node 1 leads 1, 2 and 3, whose roster is of
//  level 1.

#include "base/hf_mutant.h"
#include "hf_bench.h"

int hf_mutant = HF_MUTANT_none;

//  ---- the stage ---------------------------------------------------------------------------

static hf_seat_t
s_seat (uint32_t node, uint32_t slot, uint32_t flags)
{
    return (hf_seat_t){.node = node,
                       .incarnation = 100 * node,
                       .slot = slot,
                       .flags = flags,
                       .host = hf_span_text ("here"),
                       .client_port = 2 * node,
                       .node_port = 2 * node + 1};
}

static hf_roster_at_t
s_roster (uint64_t index, const hf_roster_t *roster)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload, roster);
    hf_roster_at_t at = {.index = index, .size = (uint32_t)hf_pack_size (&payload)};
    memcpy (at.payload, hf_pack_bytes (&payload), at.size);
    hf_pack_done (&payload);
    return at;
}

static hf_roster_t
s_three (uint32_t level)
{
    hf_roster_t roster = {.count = 3, .level = level, .cluster = level > 0 ? 7 : 0};
    for (uint32_t i = 0; i < 3; i++)
        roster.members[i] = s_seat (i + 1, i, HF_SEAT_VOTES | HF_SEAT_VOTED);
    return roster;
}

static hf_core_config_t
s_config (uint32_t self)
{
    hf_core_config_t config = hf_bench_config (self, 3);
    for (uint32_t i = 0; i < 3; i++) {
        strcpy (config.places[i].host, "there");
        config.places[i].client_port = (uint16_t)(2 * i + 2);
        config.places[i].node_port = (uint16_t)(2 * i + 3);
    }
    config.incarnation = 100 * self;
    return config;
}

/*  SELF, with five entries of term 1, of which the first is the roster. */
static void
s_open (hf_bench_t *bench, uint32_t self, const hf_roster_t *roster)
{
    hf_core_config_t config = s_config (self);
    hf_roster_at_t at = s_roster (1, roster);
    hf_bench_open_core (bench, &config,
                        &(hf_restored_t){.term = 1,
                                         .last_index = 5,
                                         .spans = &(hf_term_span_t){1, 1},
                                         .spans_count = 1,
                                         .rosters = &at,
                                         .rosters_count = 1});
}

static uint64_t
s_last (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).last_index;
}

static uint64_t
s_commit (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).commit_index;
}

static hf_role_t
s_role (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).role;
}

static void
s_ack_as (hf_bench_t *bench, uint32_t from, uint64_t index, uint64_t incarnation)
{
    HF_BENCH_PEER (bench, ACK, ack, .from = from, .term = hf_core_view (bench->core).term,
                   .index = index, .round = bench->core->round, .hears = 127,
                   .incarnation = incarnation, .speaks = HF_LEVEL_NEWEST);
}

/*  Each digit of NODES acknowledges all that there is. */
static void
s_ack (hf_bench_t *bench, const char *nodes)
{
    hf_bench_commit (bench);
    for (; *nodes != '\0'; nodes++) {
        uint32_t node = (uint32_t)(*nodes - '0');
        s_ack_as (bench, node, s_last (bench), 100 * node);
    }
}

static void
s_beat (hf_bench_t *bench)
{
    hf_bench_commit (bench);
    hf_bench_tick_after (bench, 50000);
}

static void
s_lead (hf_bench_t *bench)
{
    hf_bench_tick_after (bench, 600000);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, true, 200);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, false, 200);
    for (uint32_t node = 2; node <= 9; node++)
        hf_bench_link (bench, node, true);
    s_ack (bench, "23");
    assert_int_equal (s_role (bench), HF_LEADER);
    assert_int_equal (s_commit (bench), 6);
    s_beat (bench);
    s_ack (bench, "23");
}

static void
s_open_leading (hf_bench_t *bench, const hf_roster_t *roster)
{
    s_open (bench, 1, roster);
    s_lead (bench);
}

static void
s_open_three (hf_bench_t *bench, uint32_t level)
{
    hf_roster_t roster = s_three (level);
    s_open_leading (bench, &roster);
}

/*  What was told of the change with ID since the last commit of the driver; 0: nothing. */
static hf_verdict_t
s_verdict (const hf_bench_t *bench, uint64_t id)
{
    hf_verdict_t verdict = 0;
    for (size_t i = 0; i < bench->effects.notices.count; i++) {
        const hf_notice_t *notice = &bench->effects.notices.list[i];
        if (notice->type == HF_NOTICE_VERDICT && notice->id == id)
            verdict = (hf_verdict_t)notice->index;
    }
    return verdict;
}

static hf_verdict_t
s_ask (hf_bench_t *bench, hf_change_t change)
{
    hf_bench_commit (bench);
    HF_BENCH_EVENT (bench, CHANGE, .change = change);
    return s_verdict (bench, change.id);
}

static hf_verdict_t
s_change (hf_bench_t *bench, uint64_t id, hf_change_op_t op, uint32_t node)
{
    return s_ask (bench, (hf_change_t){.id = id, .op = op, .place = s_seat (node, 0, 0)});
}

/*  The roster in force: of each member V votes, v voted, c changed, j joins, l leaves. */
static void
s_says (const hf_bench_t *bench, const char *expected)
{
    uint64_t index;
    char text[200] = "";
    const hf_roster_t *roster = hf_core_members (bench->core, &index);
    assert_non_null (roster);
    for (uint32_t i = 0; i < roster->count; i++) {
        size_t used = strlen (text);
        snprintf (text + used, sizeof text - used, "%s%u ", i > 0 ? ", " : "",
                  roster->members[i].node);
        for (uint32_t bit = 0; bit < 5; bit++)
            if ((roster->members[i].flags >> bit & 1) != 0)
                strcat (text, (const char *[]){"V", "v", "c", "j", "l"}[bit]);
    }
    assert_string_equal (text, expected);
}

//  ---- in and out -----------------------------------------------------------------------------

/*  It learns; when it has caught up it is made a voter, by two majorities; then by one. */
HF_BENCH_TEST (added, s_open_three, 1)
{
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), 0);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    s_ack_as (bench, 4, 5, 400); //  it does not vote, and lacks entries
    s_beat (bench);
    assert_int_equal (s_commit (bench), 6);
    s_ack (bench, "2");
    assert_int_equal (s_verdict (bench, 11), HF_VERDICT_DONE);
    assert_int_equal (s_commit (bench), 7);
    s_beat (bench);
    s_ack_as (bench, 4, 5, 400);
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    s_ack (bench, "4");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
    assert_int_equal (hf_core_view (bench->core).counted, 15);
    s_ack (bench, "4"); //  two of four
    assert_int_equal (s_commit (bench), 7);
    s_ack (bench, "2"); //  two of three before, three of four now
    assert_int_equal (s_commit (bench), 8);
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 Vv");
    s_ack (bench, "3");
    assert_int_equal (s_commit (bench), 8);
    s_ack (bench, "4");
    assert_int_equal (s_commit (bench), 9);
}

/*  From the append of the joint roster on a majority of both is needed, of those before without who
 *  is new. */
HF_BENCH_TEST (both_majorities, s_open_three, 1)
{
    s_change (bench, 11, HF_CHANGE_ADD, 4);
    s_ack (bench, "234");
    s_beat (bench);
    s_ack (bench, "234"); //  joint, committed
    s_beat (bench);
    s_ack (bench, "234");
    s_change (bench, 12, HF_CHANGE_ADD, 5);
    s_ack (bench, "2345");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 Vv, 5 V");
    uint64_t before = s_commit (bench);
    s_ack (bench, "25"); //  three of five now, two of four before
    assert_int_equal (s_commit (bench), before);
    s_ack (bench, "4");
    assert_int_equal (s_commit (bench), before + 1);
}

/*  A member that was removed counts until that is committed, and not for it alone. */
HF_BENCH_TEST (removed, s_open_three, 1)
{
    assert_int_equal (s_change (bench, 11, HF_CHANGE_REMOVE, 3), 0);
    s_says (bench, "1 Vv, 2 Vv, 3 vl");
    s_ack (bench, "3"); //  two of three before, one of two now
    assert_int_equal (s_commit (bench), 6);
    s_ack (bench, "2");
    assert_int_equal (s_commit (bench), 7);
    assert_int_equal (s_verdict (bench, 11), HF_VERDICT_DONE);
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv");
    assert_int_equal (hf_core_view (bench->core).counted, 3);
    s_ack (bench, "3");
    assert_int_equal (s_commit (bench), 7);
    s_ack (bench, "2");
    assert_int_equal (s_commit (bench), 8);
    assert_int_equal (s_change (bench, 12, HF_CHANGE_REMOVE, 3), HF_VERDICT_DONE); //  it is gone
    s_change (bench, 13, HF_CHANGE_REMOVE, 2);
    s_ack (bench, "2");
    s_beat (bench);
    hf_bench_commit (bench);
    s_says (bench, "1 Vv");
    assert_int_equal (s_commit (bench), 10);
    assert_int_equal (s_change (bench, 14, HF_CHANGE_REMOVE, 1), HF_VERDICT_LAST);
}

/*  A leader that is removed leads until that is committed, does not count itself, and hands over.
 */
HF_BENCH_TEST (leader_removed, s_open_three, 1)
{
    s_change (bench, 11, HF_CHANGE_REMOVE, 1);
    s_ack (bench, "2");
    assert_int_equal (s_commit (bench), 6); //  one of two
    s_ack (bench, "3");
    assert_int_equal (s_commit (bench), 7);
    s_beat (bench);
    s_says (bench, "2 Vv, 3 Vv");
    s_ack (bench, "2");
    assert_int_equal (s_commit (bench), 7);
    hf_bench_commit (bench);
    s_ack_as (bench, 3, s_last (bench), 300);
    assert_int_equal (s_commit (bench), 8);
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_TRANSFER);
    assert_non_null (out);
    assert_int_equal (out->to, 2);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->message.entries.commit, 8);
    assert_false (hf_core_accepts (bench->core));
    hf_bench_tick_after (bench, 299000);
    s_ack (bench, "23");
    assert_int_equal (s_role (bench), HF_LEADER);
    hf_bench_tick_after (bench, 1000);
    assert_int_equal (s_role (bench), HF_FOLLOWER);
    for (int i = 0; i < 5; i++) { //  and it never stands
        hf_bench_tick_after (bench, 600000);
        assert_int_equal (s_role (bench), HF_FOLLOWER);
    }
}

/*  One of two is removed, and has the longest log: the other needs its vote as long as it does not
 *  know that the joint roster is committed, and does not get it. So it stands, with no vote of its
 *  own, leads until it is out, and hands over. */
HF_TEST (removed_stands)
{
    hf_bench_t bench;
    hf_roster_t roster = {.count = 2, .level = 1, .cluster = 7};
    roster.members[0] = s_seat (1, 0, HF_SEAT_VOTES | HF_SEAT_VOTED);
    roster.members[1] = s_seat (3, 2, HF_SEAT_VOTED | HF_SEAT_LEAVES);
    s_open (&bench, 3, &roster);
    hf_bench_beat (&bench, 1, 1, 1, 5, 5, 1);
    assert_int_equal (s_commit (&bench), 5);
    hf_bench_tick_after (&bench, 900000);
    hf_bench_commit (&bench);
    assert_int_equal (s_role (&bench), HF_PRE_CANDIDATE);
    hf_bench_granted (&bench, 1, 2, true, 100);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 1, 2, false, 100);
    assert_int_equal (s_role (&bench), HF_LEADER);
    hf_bench_link (&bench, 1, true);
    s_ack (&bench, "1");
    assert_int_equal (s_commit (&bench), 6);
    s_beat (&bench);
    s_says (&bench, "1 Vv");
    hf_bench_commit (&bench);
    assert_int_equal (s_commit (&bench), 6); //  it does not count
    s_ack_as (&bench, 1, 7, 100);
    assert_int_equal (s_commit (&bench), 7);
    assert_int_equal (hf_bench_sent (&bench, HF_KIND_TRANSFER)->to, 1);
    hf_bench_close (&bench);
}

/*  Who takes the slot of a removed member begins with nothing. */
HF_BENCH_TEST (slot_is_reused, s_open_three, 1)
{
    s_change (bench, 11, HF_CHANGE_REMOVE, 3);
    s_ack (bench, "23");
    s_beat (bench);
    s_ack (bench, "23");
    s_change (bench, 12, HF_CHANGE_ADD, 9);
    s_says (bench, "1 Vv, 2 Vv, 9 j");
    assert_int_equal (hf_core_slot (bench->core, 9), 2);
    assert_int_equal (bench->core->peers[2].match, 0);
    s_ack (bench, "2");
    s_beat (bench);
    s_ack (bench, "2");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 9 j"); //  it was never heard
}

/*  One that only learns is promoted when somebody asks for it, and can be removed in one step. */
HF_BENCH_TEST (learner, s_open_three, 1)
{
    s_ask (bench,
           (hf_change_t){.id = 11, .op = HF_CHANGE_ADD, .place = s_seat (4, 0, 0), .learns = true});
    s_ack (bench, "234");
    s_beat (bench);
    s_ack (bench, "234");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 ");
    s_ask (bench,
           (hf_change_t){.id = 12, .op = HF_CHANGE_ADD, .place = s_seat (5, 0, 0), .learns = true});
    s_ack (bench, "2");
    assert_int_equal (s_change (bench, 13, HF_CHANGE_REMOVE, 4), 0);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 ");
    s_ack (bench, "2");
    assert_int_equal (s_change (bench, 14, HF_CHANGE_PROMOTE, 4), HF_VERDICT_NO_MEMBER);
    assert_int_equal (s_change (bench, 15, HF_CHANGE_PROMOTE, 2), HF_VERDICT_DONE);
    assert_int_equal (s_change (bench, 16, HF_CHANGE_PROMOTE, 5), 0);
    s_ack (bench, "25");
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 j");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 V");
}

//  ---- places ------------------------------------------------------------------------------

HF_BENCH_TEST (moved, s_open_three, 1)
{
    hf_change_t change = {.id = 11, .op = HF_CHANGE_MOVE, .place = s_seat (3, 0, 0)};
    assert_int_equal (s_ask (bench, change), HF_VERDICT_DONE); //  it is there
    change.id = 12;
    change.place.host = hf_span_text ("elsewhere");
    assert_int_equal (s_ask (bench, change), 0);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv");
    s_ack (bench, "2");
    assert_int_equal (s_verdict (bench, 12), HF_VERDICT_DONE);
    uint64_t index;
    const hf_seat_t *seat = hf_roster_seat (hf_core_members (bench->core, &index), 3);
    assert_true (hf_span_equal (seat->host, hf_span_text ("elsewhere")));
    assert_int_equal (seat->incarnation, 300);
    change.id = 13;
    change.place.node = 4;
    assert_int_equal (s_ask (bench, change), HF_VERDICT_NO_MEMBER);
    change.id = 14;
    change.place = s_seat (2, 0, 0);
    change.place.node = 3;
    change.place.node_port = change.place.client_port; //  where node 2 has its client port
    assert_int_equal (s_ask (bench, change), HF_VERDICT_PLACE_TAKEN);
}

/*  It comes with another disk: it is admitted when it has caught up, as a wiped one is. */
HF_BENCH_TEST (replaced, s_open_three, 1)
{
    hf_change_t change = {.id = 11, .op = HF_CHANGE_MOVE, .place = s_seat (3, 0, 0)};
    change.place.host = hf_span_text ("elsewhere");
    s_ask (bench, change);
    s_ack (bench, "2");
    s_ack_as (bench, 3, s_last (bench), 301);
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vvc");
    hf_bench_commit (bench);
    uint64_t commit = s_commit (bench);
    s_ack_as (bench, 3, s_last (bench), 301);
    assert_int_equal (s_commit (bench), commit); //  two of three now, one of three before
    s_ack (bench, "2");
    assert_int_equal (s_commit (bench), commit + 1);
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv");
}

//  ---- what is refused --------------------------------------------------------------------------

HF_BENCH_TEST (refused, s_open_three, 1)
{
    hf_change_t add = {.id = 11, .op = HF_CHANGE_ADD, .place = s_seat (3, 0, 0)};
    assert_int_equal (s_ask (bench, add), HF_VERDICT_DONE);
    add.place.client_port = 77;
    add.id++;
    assert_int_equal (s_ask (bench, add), HF_VERDICT_ID_TAKEN);
    add.place.node = 4;
    add.place.node_port = 2; //  the client port of node 1
    add.id++;
    assert_int_equal (s_ask (bench, add), HF_VERDICT_PLACE_TAKEN);
    assert_int_equal (s_last (bench), 6);
    for (uint32_t node = 4; node <= 7; node++) {
        assert_int_equal (s_change (bench, 100 + node, HF_CHANGE_ADD, node), 0);
        assert_int_equal (s_change (bench, 200, HF_CHANGE_ADD, 9), HF_VERDICT_BUSY);
        s_ack (bench, "23");
    }
    assert_int_equal (s_change (bench, 201, HF_CHANGE_ADD, 9), HF_VERDICT_FULL);
    //  A change that is on its way by itself.
    s_ack (bench, "234");
    s_beat (bench);
    assert_int_equal (s_change (bench, 202, HF_CHANGE_MOVE, 2), HF_VERDICT_BUSY);
    hf_bench_beat (bench, 2, 9, 1, 0, 0, 0);
    assert_int_equal (s_change (bench, 203, HF_CHANGE_MOVE, 2), HF_VERDICT_NOT_LEADER);
}

/*  Node 3 is down: without node 2 no majority of what is left is up, and there would be no way
 * back. When node 3 is up and only behind, force is enough. */
HF_BENCH_TEST (majority_must_be_up, s_open_three, 1)
{
    for (int i = 0; i < 5; i++) {
        s_beat (bench);
        s_ack (bench, "2");
    }
    assert_int_equal (s_change (bench, 11, HF_CHANGE_REMOVE, 2), HF_VERDICT_NO_MAJORITY);
    assert_int_equal (s_change (bench, 12, HF_CHANGE_REMOVE, 9), HF_VERDICT_DONE);
    hf_change_t force = {
        .id = 13, .op = HF_CHANGE_REMOVE, .place = s_seat (2, 0, 0), .force = true};
    assert_int_equal (s_ask (bench, force), HF_VERDICT_NO_MAJORITY);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    s_ack (bench, "2");
    s_beat (bench);
    s_ack_as (bench, 3, 5, 300);
    s_ack (bench, "2");
    assert_int_equal (s_change (bench, 14, HF_CHANGE_REMOVE, 2), HF_VERDICT_NO_MAJORITY);
    assert_int_equal (s_ask (bench, force), 0);
    s_says (bench, "1 Vv, 2 vl, 3 Vv");
}

/*  Who moves is not heard for a while: of two voters neither can be moved but by force. */
HF_BENCH_TEST (others_must_be_enough, s_open_three, 1)
{
    s_change (bench, 11, HF_CHANGE_REMOVE, 3);
    s_ack (bench, "23");
    s_beat (bench);
    s_ack (bench, "2");
    hf_change_t move = {.id = 12, .op = HF_CHANGE_MOVE, .place = s_seat (2, 0, 0)};
    move.place.client_port = 99;
    assert_int_equal (s_ask (bench, move), HF_VERDICT_NO_MAJORITY);
    move.force = true;
    assert_int_equal (s_ask (bench, move), 0);
    s_ack (bench, "2");
    s_change (bench, 13, HF_CHANGE_REMOVE, 2);
    s_ack (bench, "2");
    s_beat (bench);
    hf_bench_commit (bench);
    s_says (bench, "1 Vv");
    move = (hf_change_t){.id = 14, .op = HF_CHANGE_MOVE, .place = s_seat (1, 0, 0)};
    move.place.client_port = 98;
    assert_int_equal (s_ask (bench, move), 0); //  alone it hears itself
}

//  ---- once -------------------------------------------------------------------------------------

HF_BENCH_TEST (asked_again, s_open_three, 1)
{
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), 0);
    uint64_t last = s_last (bench);
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), 0); //  it is not committed
    s_ack (bench, "2");
    assert_int_equal (s_verdict (bench, 11), HF_VERDICT_DONE);
    assert_int_equal (s_last (bench), last);
    s_change (bench, 12, HF_CHANGE_REMOVE, 4);
    s_ack (bench, "2");
    s_says (bench, "1 Vv, 2 Vv, 3 Vv");
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), HF_VERDICT_DONE);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv");
    //  As many as fit are remembered.
    for (uint64_t id = 20; id < 20 + HF_ROSTER_DONE_MAX; id++) {
        hf_change_t change = {.id = id, .op = HF_CHANGE_MOVE, .place = s_seat (3, 0, 0)};
        change.place.client_port = 1000 + (uint32_t)id;
        assert_int_equal (s_ask (bench, change), 0);
        s_ack (bench, "2");
    }
    assert_int_equal (s_change (bench, 20, HF_CHANGE_ADD, 4), HF_VERDICT_DONE);
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), 0);
}

//  ---- levels -----------------------------------------------------------------------------------

HF_BENCH_TEST (raised, s_open_three, 0)
{
    assert_int_equal (s_change (bench, 11, HF_CHANGE_ADD, 4), HF_VERDICT_LEVEL);
    hf_change_t raise = {.id = 12, .op = HF_CHANGE_RAISE, .level = 1};
    HF_BENCH_PEER (bench, ACK, ack, .from = 3, .term = 2, .index = 6, .round = 1,
                   .incarnation = 300); //  of an older release
    assert_int_equal (s_ask (bench, raise), HF_VERDICT_LEVEL);
    s_ack (bench, "3");
    raise.level = HF_LEVEL_NEWEST + 1;
    assert_int_equal (s_ask (bench, raise), HF_VERDICT_LEVEL);
    raise.level = 1;
    assert_int_equal (s_ask (bench, raise), 0);
    s_ack (bench, "2");
    assert_int_equal (s_verdict (bench, 12), HF_VERDICT_DONE);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv");
    uint64_t index;
    const hf_roster_t *roster = hf_core_members (bench->core, &index);
    assert_int_equal (roster->level, 1);
    assert_true (roster->cluster != 0);
    assert_true (hf_span_equal (roster->members[2].host, hf_span_text ("there")));
    assert_int_equal (roster->members[2].node_port, 7);
    raise.id++;
    assert_int_equal (s_ask (bench, raise), HF_VERDICT_DONE);
    assert_int_equal (s_change (bench, 14, HF_CHANGE_ADD, 9), 0);
}

/*  A roster of a level that this node does not speak is refused. */
HF_TEST (too_new)
{
    hf_bench_t bench;
    hf_roster_t roster = s_three (1);
    s_open (&bench, 2, &roster);
    roster.level = HF_LEVEL_NEWEST + 1;
    hf_roster_at_t at = s_roster (6, &roster);
    hf_entry_t entry = hf_bench_roster_entry (3, &at);
    hf_entry_put (&bench.list, &entry);
    hf_bench_append (&bench, 1, 3, 0, 5, 1);
    assert_int_equal (s_last (&bench), 5);
    hf_core_config_t config = s_config (2);
    assert_false (hf_bench_makes (&config, &(hf_restored_t){.term = 1,
                                                            .last_index = 6,
                                                            .spans = &(hf_term_span_t){1, 1},
                                                            .spans_count = 1,
                                                            .rosters = &at,
                                                            .rosters_count = 1}));
    hf_bench_close (&bench);
}

//  ---- who hears of it
//  ----------------------------------------------------------------------------

static void
s_told (hf_bench_t *bench, uint64_t index, const hf_roster_t *roster)
{
    hf_roster_at_t at = s_roster (index, roster);
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, MEMBERS, members, .from = 1, .term = 1, .index = index,
                   .roster = hf_span (at.payload, at.size));
}

static bool
s_was_removed (const hf_bench_t *bench)
{
    for (size_t i = 0; i < bench->effects.notices.count; i++)
        if (bench->effects.notices.list[i].type == HF_NOTICE_REMOVED)
            return true;
    return false;
}

/*  A leader tells the committed roster every tenth heartbeat, also when nobody is left to hear. */
HF_BENCH_TEST (roster_is_told, s_open_three, 1)
{
    int told = 0;
    for (int i = 0; i < 20; i++) {
        s_beat (bench);
        told += hf_bench_sent (bench, HF_KIND_MEMBERS) != NULL;
        s_ack (bench, "23");
    }
    assert_int_equal (told, 2);
}

HF_TEST (removed_while_away)
{
    hf_bench_t bench;
    hf_roster_t roster = s_three (1);
    s_open (&bench, 3, &roster);
    hf_roster_t without = {.count = 2, .level = 1, .cluster = 7};
    memcpy (without.members, roster.members, 2 * sizeof roster.members[0]);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    roster.members[2].incarnation = 301; //  another disk has its place
    s_told (&bench, 9, &roster);
    assert_true (s_was_removed (&bench));
    s_told (&bench, 10, &without); //  once
    assert_false (s_was_removed (&bench));
    hf_bench_close (&bench);

    roster = s_three (1);
    s_open (&bench, 3, &roster);
    roster.members[2].incarnation = 0; //  it was removed, and added again
    roster.members[2].flags = HF_SEAT_JOINS;
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    s_told (&bench, 10, &without);
    assert_true (s_was_removed (&bench));
    hf_bench_close (&bench);

    roster = s_three (1); //  it only learned
    roster.members[2].incarnation = 0;
    roster.members[2].flags = 0;
    s_open (&bench, 3, &roster);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    s_told (&bench, 10, &without);
    assert_true (s_was_removed (&bench));
    hf_bench_close (&bench);
}

/*  It has an empty list and an empty log: it waits for a leader, whoever that is, and stands for
 *  nothing. What it is told of members is not that it was removed. */
HF_TEST (joins)
{
    hf_bench_t bench;
    hf_core_config_t config = s_config (4);
    config.members_count = 0;
    hf_bench_open_core (&bench, &config, &(hf_restored_t){0});
    for (int i = 0; i < 5; i++) {
        hf_bench_tick_after (&bench, 600000);
        assert_int_equal (s_role (&bench), HF_FOLLOWER);
        assert_int_equal (bench.effects.messages.count, 0);
    }
    hf_roster_t roster = s_three (1);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    hf_roster_at_t at = s_roster (1, &roster);
    hf_entry_t entry = hf_bench_roster_entry (1, &at);
    hf_entry_put (&bench.list, &entry);
    hf_bench_append (&bench, 2, 1, 0, 0, 0);
    hf_bench_commit (&bench);
    assert_int_equal (s_last (&bench), 1);
    const hf_outgoing_t *ack = hf_bench_sent (&bench, HF_KIND_ACK);
    assert_int_equal (ack->to, 2);
    assert_int_equal (ack->message.ack.incarnation, 400);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    hf_bench_tick_after (&bench, 900000);
    assert_int_equal (s_role (&bench), HF_FOLLOWER);
    hf_bench_close (&bench);
}

/*  A leader sends the log to members only. */
HF_BENCH_TEST (strangers_get_nothing, s_open_three, 1)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, NEED, need, .from = 8, .to = 1, .term = 2, .probe_index = 0);
    assert_null (hf_bench_sent (bench, HF_KIND_ENTRIES));
    HF_BENCH_PEER (bench, NEED, need, .from = 3, .to = 1, .term = 2, .probe_index = 0);
    assert_non_null (hf_bench_sent (bench, HF_KIND_ENTRIES));
    s_ack_as (bench, 8, 6, 800);
    hf_bench_granted (bench, 8, 2, false, 800);
    assert_int_equal (s_commit (bench), 6);
}

//  ---- mutants --------------------------------------------------------------------------------

/*  The test would find them. */
HF_BENCH_TEST (mutant_promoted_early, s_open_three, 1)
{
    hf_mutant = HF_MUTANT_promoted_early;
    s_change (bench, 11, HF_CHANGE_ADD, 4);
    s_ack_as (bench, 4, 5, 400);
    s_ack (bench, "2");
    s_beat (bench);
    s_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
    hf_mutant = HF_MUTANT_none;
}

HF_BENCH_TEST (mutant_slot_inherited, s_open_three, 1)
{
    hf_mutant = HF_MUTANT_slot_inherited;
    s_change (bench, 11, HF_CHANGE_REMOVE, 3);
    s_ack (bench, "23");
    s_beat (bench);
    s_ack (bench, "23");
    s_change (bench, 12, HF_CHANGE_ADD, 9);
    assert_true (bench->core->peers[2].match > 0);
    hf_mutant = HF_MUTANT_none;
}

/*  Who forms a cluster counts the votes of the disks that gave the pre-votes: a newer one may have
 *  taken the place of one that has formed it. */
static hf_role_t
s_forms (int mutant)
{
    hf_bench_t bench;
    hf_core_config_t config = s_config (2);
    hf_bench_open_core (&bench, &config, &(hf_restored_t){0});
    hf_bench_tick_after (&bench, 600000);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 1, 1, true, 100);
    hf_bench_granted (&bench, 3, 1, true, 300);
    hf_bench_commit (&bench);
    assert_int_equal (s_role (&bench), HF_CANDIDATE);
    hf_bench_granted (&bench, 1, 1, false, 100);
    hf_mutant = mutant;
    hf_bench_granted (&bench, 3, 1, false, 301);
    hf_mutant = HF_MUTANT_none;
    hf_role_t role = s_role (&bench);
    hf_bench_close (&bench);
    return role;
}

HF_TEST (formed_by_those_who_gave_the_pre_vote)
{
    assert_int_equal (s_forms (HF_MUTANT_none), HF_CANDIDATE);
    assert_int_equal (s_forms (HF_MUTANT_formed_by_new_disk), HF_LEADER);
}

HF_BENCH_TEST (mutant_majority_not_looked_at, s_open_three, 1)
{
    for (int i = 0; i < 5; i++) {
        s_beat (bench);
        s_ack (bench, "2");
    }
    hf_mutant = HF_MUTANT_majority_not_looked_at;
    assert_int_equal (s_change (bench, 11, HF_CHANGE_REMOVE, 2), 0);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
