//  Changes of the members (design 10), by hand: in and out, places, what is refused, once.

#include "base/hf_mutant.h"
#include "changes_stage.h"

int hf_mutant = HF_MUTANT_none;

//  ---- in and out -----------------------------------------------------------------------------

/*  It learns; when it has caught up it is made a voter, by two majorities; then by one. */
HF_BENCH_TEST (added, changes_open_three, 1)
{
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), 0);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    changes_ack_as (bench, 4, 5, 400); //  it does not vote, and lacks entries
    changes_beat (bench);
    assert_int_equal (changes_commit (bench), 6);
    changes_ack (bench, "2");
    assert_int_equal (changes_verdict (bench, 11), HF_VERDICT_DONE);
    assert_int_equal (changes_commit (bench), 7);
    changes_beat (bench);
    changes_ack_as (bench, 4, 5, 400);
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    changes_ack (bench, "4");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
    assert_int_equal (hf_core_view (bench->core).counted, 15);
    changes_ack (bench, "4"); //  two of four
    assert_int_equal (changes_commit (bench), 7);
    changes_ack (bench, "2"); //  two of three before, three of four now
    assert_int_equal (changes_commit (bench), 8);
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 Vv");
    assert_non_null (strstr (hf_bench_said (bench), "JOINED @2 4 at 8"));
    changes_ack (bench, "3");
    assert_int_equal (changes_commit (bench), 8);
    changes_ack (bench, "4");
    assert_int_equal (changes_commit (bench), 9);
}

/*  From the append of the joint roster on a majority of both is needed, of those before without who
 *  is new. */
HF_BENCH_TEST (both_majorities, changes_open_three, 1)
{
    changes_change (bench, 11, HF_CHANGE_ADD, 4);
    changes_ack (bench, "234");
    changes_beat (bench);
    changes_ack (bench, "234"); //  joint, committed
    changes_beat (bench);
    changes_ack (bench, "234");
    changes_change (bench, 12, HF_CHANGE_ADD, 5);
    changes_ack (bench, "2345");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 Vv, 5 V");
    uint64_t before = changes_commit (bench);
    changes_ack (bench, "25"); //  three of five now, two of four before
    assert_int_equal (changes_commit (bench), before);
    changes_ack (bench, "4");
    assert_int_equal (changes_commit (bench), before + 1);
}

/*  A member that was removed counts until that is committed, and not for it alone. */
HF_BENCH_TEST (removed, changes_open_three, 1)
{
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_REMOVE, 3), 0);
    changes_says (bench, "1 Vv, 2 Vv, 3 vl");
    changes_ack (bench, "3"); //  two of three before, one of two now
    assert_int_equal (changes_commit (bench), 6);
    changes_ack (bench, "2");
    assert_int_equal (changes_commit (bench), 7);
    assert_int_equal (changes_verdict (bench, 11), HF_VERDICT_DONE);
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv");
    assert_int_equal (hf_core_view (bench->core).counted, 3);
    changes_ack (bench, "3");
    assert_int_equal (changes_commit (bench), 7);
    changes_ack (bench, "2");
    assert_int_equal (changes_commit (bench), 8);
    assert_int_equal (changes_change (bench, 12, HF_CHANGE_REMOVE, 3),
                      HF_VERDICT_DONE); //  it is gone
    changes_change (bench, 13, HF_CHANGE_REMOVE, 2);
    changes_ack (bench, "2");
    changes_beat (bench);
    hf_bench_commit (bench);
    changes_says (bench, "1 Vv");
    assert_int_equal (changes_commit (bench), 10);
    assert_int_equal (changes_change (bench, 14, HF_CHANGE_REMOVE, 1), HF_VERDICT_LAST);
}

/*  A leader that is removed leads until that is committed, does not count itself, and hands over.
 */
HF_BENCH_TEST (leader_removed, changes_open_three, 1)
{
    changes_change (bench, 11, HF_CHANGE_REMOVE, 1);
    changes_ack (bench, "2");
    assert_int_equal (changes_commit (bench), 6); //  one of two
    changes_ack (bench, "3");
    assert_int_equal (changes_commit (bench), 7);
    changes_beat (bench);
    changes_says (bench, "2 Vv, 3 Vv");
    changes_ack (bench, "2");
    assert_int_equal (changes_commit (bench), 7);
    hf_bench_commit (bench);
    changes_ack_as (bench, 3, changes_last (bench), 300);
    assert_int_equal (changes_commit (bench), 8);
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_TRANSFER);
    assert_non_null (out);
    assert_int_equal (out->to, 2);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->message.entries.commit, 8);
    assert_false (hf_core_accepts (bench->core));
    hf_bench_tick_after (bench, 299000);
    changes_ack (bench, "23");
    assert_int_equal (changes_role (bench), HF_LEADER);
    hf_bench_tick_after (bench, 1000);
    assert_int_equal (changes_role (bench), HF_FOLLOWER);
    for (int i = 0; i < 5; i++) { //  and it never stands
        hf_bench_tick_after (bench, 600000);
        assert_int_equal (changes_role (bench), HF_FOLLOWER);
    }
}

static void
s_open_leaving (hf_bench_t *bench)
{
    hf_roster_t roster = {.count = 2, .level = 1, .cluster = 7};
    roster.members[0] = changes_seat (1, 0, HF_SEAT_VOTES | HF_SEAT_VOTED);
    roster.members[1] = changes_seat (3, 2, HF_SEAT_VOTED | HF_SEAT_LEAVES);
    changes_open (bench, 3, &roster);
    hf_bench_beat (bench, 1, 1, 1, 5, 5, 1);
    assert_int_equal (changes_commit (bench), 5);
    hf_bench_tick_after (bench, 900000);
    hf_bench_commit (bench);
}

HF_TEST (removed_never_stands_by_mistake)
{
    hf_bench_t bench;
    hf_mutant = HF_MUTANT_removed_never_stands;
    s_open_leaving (&bench);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (changes_role (&bench), HF_FOLLOWER);
    hf_bench_close (&bench);
}

/*  Nobody is there to hand over to: it takes no proposals while it waits. */
HF_BENCH_TEST (removed_leader_takes_nothing, changes_open_three, 1)
{
    changes_change (bench, 11, HF_CHANGE_REMOVE, 1);
    changes_ack (bench, "23");
    changes_beat (bench);
    hf_bench_link (bench, 2, false);
    hf_bench_link (bench, 3, false);
    changes_ack (bench, "23");
    assert_int_equal (changes_role (bench), HF_LEADER);
    assert_int_equal (hf_core_view (bench->core).transfer_to, 0);
    assert_false (hf_core_accepts (bench->core));
}

/*  One of two is removed, and has the longest log: the other needs its vote as long as it does not
 *  know that the joint roster is committed, and does not get it. So it stands, with no vote of its
 *  own, leads until it is out, and hands over. */
HF_TEST (removed_stands)
{
    hf_bench_t bench;
    s_open_leaving (&bench);
    assert_int_equal (changes_role (&bench), HF_PRE_CANDIDATE);
    hf_bench_granted (&bench, 1, 2, true, 100);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 1, 2, false, 100);
    assert_int_equal (changes_role (&bench), HF_LEADER);
    hf_bench_link (&bench, 1, true);
    changes_ack (&bench, "1");
    assert_int_equal (changes_commit (&bench), 6);
    changes_beat (&bench);
    changes_says (&bench, "1 Vv");
    hf_bench_commit (&bench);
    assert_int_equal (changes_commit (&bench), 6); //  it does not count
    changes_ack_as (&bench, 1, 7, 100);
    assert_int_equal (changes_commit (&bench), 7);
    assert_int_equal (hf_bench_sent (&bench, HF_KIND_TRANSFER)->to, 1);
    hf_bench_close (&bench);
}

/*  Who takes the slot of a removed member begins with nothing. */
HF_BENCH_TEST (slot_is_reused, changes_open_three, 1)
{
    changes_change (bench, 11, HF_CHANGE_REMOVE, 3);
    changes_ack (bench, "23");
    changes_beat (bench);
    changes_ack (bench, "23");
    changes_change (bench, 12, HF_CHANGE_ADD, 9);
    changes_says (bench, "1 Vv, 2 Vv, 9 j");
    assert_int_equal (hf_core_slot (bench->core, 9), 2);
    assert_int_equal (bench->core->peers[2].match, 0);
    changes_ack (bench, "2");
    changes_beat (bench);
    changes_ack (bench, "2");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 9 j"); //  it was never heard
}

/*  One that only learns is promoted when somebody asks for it, and can be removed in one step. */
HF_BENCH_TEST (learner, changes_open_three, 1)
{
    changes_ask (
        bench, (hf_change_t){
                   .id = 11, .op = HF_CHANGE_ADD, .place = changes_seat (4, 0, 0), .learns = true});
    changes_ack (bench, "234");
    changes_beat (bench);
    changes_ack (bench, "234");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 ");
    changes_ask (
        bench, (hf_change_t){
                   .id = 12, .op = HF_CHANGE_ADD, .place = changes_seat (5, 0, 0), .learns = true});
    changes_ack (bench, "2");
    assert_int_equal (changes_change (bench, 13, HF_CHANGE_REMOVE, 4), 0);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 ");
    changes_ack (bench, "2");
    assert_int_equal (changes_change (bench, 14, HF_CHANGE_PROMOTE, 4), HF_VERDICT_NO_MEMBER);
    assert_int_equal (changes_change (bench, 15, HF_CHANGE_PROMOTE, 2), HF_VERDICT_DONE);
    assert_int_equal (changes_change (bench, 16, HF_CHANGE_PROMOTE, 5), 0);
    changes_ack (bench, "25");
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 j");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 5 V");
}

//  ---- places ------------------------------------------------------------------------------

HF_BENCH_TEST (moved, changes_open_three, 1)
{
    hf_change_t change = {.id = 11, .op = HF_CHANGE_MOVE, .place = changes_seat (3, 0, 0)};
    assert_int_equal (changes_ask (bench, change), HF_VERDICT_DONE); //  it is there
    change.id = 12;
    change.place.host = hf_span_text ("elsewhere");
    assert_int_equal (changes_ask (bench, change), 0);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    changes_ack (bench, "2");
    assert_int_equal (changes_verdict (bench, 12), HF_VERDICT_DONE);
    uint64_t index;
    const hf_seat_t *seat = hf_roster_seat (hf_core_members (bench->core, &index), 3);
    assert_true (hf_span_equal (seat->host, hf_span_text ("elsewhere")));
    assert_int_equal (seat->incarnation, 300);
    change.id = 13;
    change.place.node = 4;
    assert_int_equal (changes_ask (bench, change), HF_VERDICT_NO_MEMBER);
    change.id = 14;
    change.place = changes_seat (2, 0, 0);
    change.place.node = 3;
    change.place.node_port = change.place.client_port; //  where node 2 has its client port
    assert_int_equal (changes_ask (bench, change), HF_VERDICT_PLACE_TAKEN);
}

/*  It comes with another disk: it is admitted when it has caught up, as a wiped one is. */
HF_BENCH_TEST (replaced, changes_open_three, 1)
{
    hf_change_t change = {.id = 11, .op = HF_CHANGE_MOVE, .place = changes_seat (3, 0, 0)};
    change.place.host = hf_span_text ("elsewhere");
    changes_ask (bench, change);
    changes_ack (bench, "2");
    changes_ack_as (bench, 3, changes_last (bench), 301);
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vvc");
    hf_bench_commit (bench);
    uint64_t commit = changes_commit (bench);
    changes_ack_as (bench, 3, changes_last (bench), 301);
    assert_int_equal (changes_commit (bench), commit); //  two of three now, one of three before
    changes_ack (bench, "2");
    assert_int_equal (changes_commit (bench), commit + 1);
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    assert_non_null (strstr (hf_bench_said (bench), "ADMITTED @2 3 at 8"));
}

//  ---- what is refused --------------------------------------------------------------------------

HF_BENCH_TEST (refused, changes_open_three, 1)
{
    hf_change_t add = {.id = 11, .op = HF_CHANGE_ADD, .place = changes_seat (3, 0, 0)};
    assert_int_equal (changes_ask (bench, add), HF_VERDICT_DONE);
    add.place.client_port = 77;
    add.id++;
    assert_int_equal (changes_ask (bench, add), HF_VERDICT_ID_TAKEN);
    add.place.node = 4;
    add.place.node_port = 2; //  the client port of node 1
    add.id++;
    assert_int_equal (changes_ask (bench, add), HF_VERDICT_PLACE_TAKEN);
    assert_int_equal (changes_last (bench), 6);
    for (uint32_t node = 4; node <= 7; node++) {
        assert_int_equal (changes_change (bench, 100 + node, HF_CHANGE_ADD, node), 0);
        assert_int_equal (changes_change (bench, 200, HF_CHANGE_ADD, 9), HF_VERDICT_BUSY);
        changes_ack (bench, "23");
    }
    assert_int_equal (changes_change (bench, 201, HF_CHANGE_ADD, 9), HF_VERDICT_FULL);
    //  A change that is on its way by itself.
    changes_ack (bench, "234");
    changes_beat (bench);
    assert_int_equal (changes_change (bench, 202, HF_CHANGE_MOVE, 2), HF_VERDICT_BUSY);
    hf_bench_beat (bench, 2, 9, 1, 0, 0, 0);
    assert_int_equal (changes_change (bench, 203, HF_CHANGE_MOVE, 2), HF_VERDICT_NOT_LEADER);
}

/*  Node 3 is down: without node 2 no majority of what is left is up, and there would be no way
 * back. When node 3 is up and only behind, force is enough. */
HF_BENCH_TEST (majority_must_be_up, changes_open_three, 1)
{
    for (int i = 0; i < 5; i++) {
        changes_beat (bench);
        changes_ack (bench, "2");
    }
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_REMOVE, 2), HF_VERDICT_NO_MAJORITY);
    assert_int_equal (changes_change (bench, 12, HF_CHANGE_REMOVE, 9), HF_VERDICT_DONE);
    hf_change_t force = {
        .id = 13, .op = HF_CHANGE_REMOVE, .place = changes_seat (2, 0, 0), .force = true};
    assert_int_equal (changes_ask (bench, force), HF_VERDICT_NO_MAJORITY);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    changes_ack (bench, "2");
    changes_beat (bench);
    changes_ack_as (bench, 3, 5, 300);
    changes_ack (bench, "2");
    assert_int_equal (changes_change (bench, 14, HF_CHANGE_REMOVE, 2), HF_VERDICT_NO_MAJORITY);
    assert_int_equal (changes_ask (bench, force), 0);
    changes_says (bench, "1 Vv, 2 vl, 3 Vv");
}

/*  Who moves is not heard for a while: of two voters neither can be moved but by force. */
HF_BENCH_TEST (others_must_be_enough, changes_open_three, 1)
{
    changes_change (bench, 11, HF_CHANGE_REMOVE, 3);
    changes_ack (bench, "23");
    changes_beat (bench);
    changes_ack (bench, "2");
    hf_change_t move = {.id = 12, .op = HF_CHANGE_MOVE, .place = changes_seat (2, 0, 0)};
    move.place.client_port = 99;
    assert_int_equal (changes_ask (bench, move), HF_VERDICT_NO_MAJORITY);
    move.force = true;
    assert_int_equal (changes_ask (bench, move), 0);
    changes_ack (bench, "2");
    changes_change (bench, 13, HF_CHANGE_REMOVE, 2);
    changes_ack (bench, "2");
    changes_beat (bench);
    hf_bench_commit (bench);
    changes_says (bench, "1 Vv");
    move = (hf_change_t){.id = 14, .op = HF_CHANGE_MOVE, .place = changes_seat (1, 0, 0)};
    move.place.client_port = 98;
    assert_int_equal (changes_ask (bench, move), 0); //  alone it hears itself
}

//  ---- once -------------------------------------------------------------------------------------

HF_BENCH_TEST (asked_again, changes_open_three, 1)
{
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), 0);
    uint64_t last = changes_last (bench);
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), 0); //  it is not committed
    changes_ack (bench, "2");
    assert_int_equal (changes_verdict (bench, 11), HF_VERDICT_DONE);
    assert_int_equal (changes_last (bench), last);
    changes_change (bench, 12, HF_CHANGE_REMOVE, 4);
    changes_ack (bench, "2");
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), HF_VERDICT_DONE);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    //  As many as fit are remembered.
    for (uint64_t id = 20; id < 20 + HF_ROSTER_DONE_MAX; id++) {
        hf_change_t change = {.id = id, .op = HF_CHANGE_MOVE, .place = changes_seat (3, 0, 0)};
        change.place.client_port = 1000 + (uint32_t)id;
        assert_int_equal (changes_ask (bench, change), 0);
        changes_ack (bench, "2");
    }
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_ADD, 4), HF_VERDICT_DONE);
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), 0);
}

/*  A leader that stood still takes what a member said before; since then that has lost its disk. */
static void
s_old_ack (hf_bench_t *bench)
{
    changes_change (bench, 11, HF_CHANGE_ADD, 4);
    changes_ack (bench, "23");
    hf_bench_link (bench, 4, true);
    changes_ack (bench, "234");
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    uint64_t round = bench->core->peers[hf_core_slot (bench->core, 4)].round;
    assert_true (round > 0);
    bench->core->peers[hf_core_slot (bench->core, 4)].round = round - 1; //  it came late
    changes_beat (bench);
}

HF_BENCH_TEST (what_was_said_before_promotes_nobody, changes_open_three, 1)
{
    changes_beat (bench);
    s_old_ack (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 j");
    changes_ack (bench, "234");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
}

HF_BENCH_TEST (mutant_promoted_by_old_ack, changes_open_three, 1)
{
    changes_beat (bench);
    hf_mutant = HF_MUTANT_promoted_by_old_ack;
    s_old_ack (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
    hf_mutant = HF_MUTANT_none;
}

//  ---- mutants --------------------------------------------------------------------------------

/*  The test would find them. */
HF_BENCH_TEST (mutant_promoted_early, changes_open_three, 1)
{
    hf_mutant = HF_MUTANT_promoted_early;
    changes_change (bench, 11, HF_CHANGE_ADD, 4);
    changes_ack_as (bench, 4, 5, 400);
    changes_ack (bench, "2");
    changes_beat (bench);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv, 4 V");
    hf_mutant = HF_MUTANT_none;
}

HF_BENCH_TEST (mutant_slot_inherited, changes_open_three, 1)
{
    hf_mutant = HF_MUTANT_slot_inherited;
    changes_change (bench, 11, HF_CHANGE_REMOVE, 3);
    changes_ack (bench, "23");
    changes_beat (bench);
    changes_ack (bench, "23");
    changes_change (bench, 12, HF_CHANGE_ADD, 9);
    assert_true (bench->core->peers[2].match > 0);
    hf_mutant = HF_MUTANT_none;
}

/*  Who forms a cluster counts the votes of the disks that gave the pre-votes: a newer one may have
 *  taken the place of one that has formed it. */
static hf_role_t
s_forms (int mutant)
{
    hf_bench_t bench;
    hf_core_config_t config = changes_config (2);
    hf_bench_open_core (&bench, &config, &(hf_restored_t){0});
    hf_bench_tick_after (&bench, 600000);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 1, 1, true, 100);
    hf_bench_granted (&bench, 3, 1, true, 300);
    hf_bench_commit (&bench);
    assert_int_equal (changes_role (&bench), HF_CANDIDATE);
    hf_bench_granted (&bench, 1, 1, false, 100);
    hf_mutant = mutant;
    hf_bench_granted (&bench, 3, 1, false, 301);
    hf_mutant = HF_MUTANT_none;
    hf_role_t role = changes_role (&bench);
    hf_bench_close (&bench);
    return role;
}

HF_TEST (formed_by_those_who_gave_the_pre_vote)
{
    assert_int_equal (s_forms (HF_MUTANT_none), HF_CANDIDATE);
    assert_int_equal (s_forms (HF_MUTANT_formed_by_new_disk), HF_LEADER);
}

/*  Node 3 wants to stand, and its log ends at LAST: whether node 2, which hears the leader, tells
 * it the roster at entry 1. */
static bool
s_passed_on (uint64_t last, int mutant)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 2, &roster);
    hf_bench_beat (&bench, 1, 2, 1, 5, 5, 1);
    hf_bench_commit (&bench);
    hf_mutant = mutant;
    HF_BENCH_PEER (&bench, VOTE_REQUEST, vote_request, .from = 3, .term = 3, .last_index = last,
                   .last_term = last > 0, .pre = true, .incarnation = 300);
    hf_mutant = HF_MUTANT_none;
    const hf_outgoing_t *sent = hf_bench_sent (&bench, HF_KIND_MEMBERS);
    assert_true (sent == NULL || (sent->to == 3 && sent->message.members.index == 1));
    hf_bench_close (&bench);
    return sent != NULL;
}

/*  It lacks the roster, and perhaps the place of the leader. */
HF_TEST (who_lacks_the_roster_is_told_it)
{
    assert_true (s_passed_on (0, HF_MUTANT_none));
    assert_false (s_passed_on (1, HF_MUTANT_none));
    assert_false (s_passed_on (0, HF_MUTANT_roster_kept_back));
}

HF_BENCH_TEST (mutant_majority_not_looked_at, changes_open_three, 1)
{
    for (int i = 0; i < 5; i++) {
        changes_beat (bench);
        changes_ack (bench, "2");
    }
    hf_mutant = HF_MUTANT_majority_not_looked_at;
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_REMOVE, 2), 0);
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
