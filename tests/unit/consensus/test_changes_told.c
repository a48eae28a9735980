//  Changes of the members (design 10), by hand: levels, and who hears of a change.

#include "changes_stage.h"
#include "base/hf_mutant.h"

int hf_mutant = HF_MUTANT_none;

//  ---- levels -----------------------------------------------------------------------------------

HF_BENCH_TEST (raised, changes_open_three, 0)
{
    assert_int_equal (changes_change (bench, 11, HF_CHANGE_ADD, 4), HF_VERDICT_LEVEL);
    hf_change_t raise = {.id = 12, .op = HF_CHANGE_RAISE, .level = 1};
    HF_BENCH_PEER (bench, ACK, ack, .from = 3, .term = 2, .index = 6, .round = 1,
                   .incarnation = 300); //  of an older release
    assert_int_equal (changes_ask (bench, raise), HF_VERDICT_LEVEL);
    changes_ack (bench, "3");
    raise.level = HF_LEVEL_NEWEST + 1;
    assert_int_equal (changes_ask (bench, raise), HF_VERDICT_LEVEL);
    raise.level = 1;
    assert_int_equal (changes_ask (bench, raise), 0);
    changes_ack (bench, "2");
    assert_int_equal (changes_verdict (bench, 12), HF_VERDICT_DONE);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    uint64_t index;
    const hf_roster_t *roster = hf_core_members (bench->core, &index);
    assert_int_equal (roster->level, 1);
    assert_true (roster->cluster != 0);
    assert_true (hf_span_equal (roster->members[2].host, hf_span_text ("there")));
    assert_int_equal (roster->members[2].node_port, 7);
    raise.id++;
    assert_int_equal (changes_ask (bench, raise), HF_VERDICT_DONE);
    assert_int_equal (changes_change (bench, 14, HF_CHANGE_ADD, 9), 0);
}

static void
s_ack_of_level (hf_bench_t *bench, uint32_t speaks)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, ACK, ack, .from = 3, .term = hf_core_view (bench->core).term,
                   .index = changes_last (bench), .round = bench->core->round, .hears = 127,
                   .incarnation = 300, .speaks = speaks);
}

/*  Who is put back to an older release than the level in force needs: as far as it has spoken, to a
 *  leader. */
HF_BENCH_TEST (outdated, changes_open_three, 1)
{
    assert_int_equal (hf_core_view (bench->core).outdated, 0);
    s_ack_of_level (bench, 0);
    assert_int_equal (hf_core_view (bench->core).outdated, 1 << 2);
    s_ack_of_level (bench, HF_LEVEL_NEWEST + 1);
    assert_int_equal (hf_core_view (bench->core).outdated, 0);
    s_ack_of_level (bench, 0);
    HF_BENCH_PEER (bench, NEWER_TERM, newer_term, .from = 2, .term = 9);
    assert_int_equal (hf_core_view (bench->core).outdated, 0); //  it does not lead
    hf_bench_close (bench);
    hf_roster_t roster = changes_three (1); //  one that nobody has heard may be of any level
    changes_open (bench, 1, &roster);
    hf_bench_tick_after (bench, 600000);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, true, 200);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 2, 2, false, 200);
    assert_int_equal (changes_role (bench), HF_LEADER);
    assert_int_equal (hf_core_view (bench->core).outdated, 0);
}

/*  Whether three nodes of level 1 have a leader and what it appends is committed, with votes and
 *  acks of a node that speaks SPEAKS. */
static bool
s_counts (uint32_t speaks)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 1, &roster);
    hf_bench_tick_after (&bench, 600000);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 2, 2, true, 200);
    hf_bench_commit (&bench);
    hf_bench_vote (
        &bench,
        (hf_vote_t){.from = 3, .term = 2, .granted = true, .incarnation = 300, .speaks = speaks});
    bool counts = changes_role (&bench) == HF_LEADER;
    if (!counts) //  with the other's vote
        hf_bench_granted (&bench, 2, 2, false, 200);
    assert_int_equal (changes_role (&bench), HF_LEADER);
    uint64_t before = hf_core_view (bench.core).commit_index;
    s_ack_of_level (&bench, speaks);
    assert_int_equal (hf_core_view (bench.core).commit_index > before, counts);
    hf_bench_close (&bench);
    return counts;
}

/*  Its folder was put back as it was before the release that the level needs, with that release. */
HF_TEST (an_older_release_does_not_count)
{
    assert_true (s_counts (1));
    assert_false (s_counts (0));
    hf_mutant = HF_MUTANT_outdated_counts;
    assert_true (s_counts (0));
    hf_mutant = HF_MUTANT_none;
}

/*  At level 0 everybody may be of an older release. */
HF_BENCH_TEST (nobody_outdated_at_level_0, changes_open_three, 0)
{
    s_ack_of_level (bench, 0);
    assert_int_equal (hf_core_view (bench->core).outdated, 0);
}

/*  A roster of a level that this node does not speak is refused. */
HF_TEST (too_new)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 2, &roster);
    roster.level = HF_LEVEL_NEWEST + 1;
    hf_roster_at_t at = changes_roster (6, &roster);
    hf_entry_t entry = hf_bench_roster_entry (3, &at);
    hf_entry_put (&bench.list, &entry);
    hf_bench_append (&bench, 1, 3, 0, 5, 1);
    assert_int_equal (changes_last (&bench), 5);
    hf_core_config_t config = changes_config (2);
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
    hf_roster_at_t at = changes_roster (index, roster);
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
HF_BENCH_TEST (roster_is_told, changes_open_three, 1)
{
    int told = 0;
    for (int i = 0; i < 20; i++) {
        changes_beat (bench);
        told += hf_bench_sent (bench, HF_KIND_MEMBERS) != NULL;
        changes_ack (bench, "23");
    }
    assert_int_equal (told, 2);
}

/*  Before its term is open a leader may know an older roster than the one that is committed: it
 * tells none, as a healthy member could take itself for removed. */
HF_TEST (roster_is_not_told_early)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 1, &roster);
    hf_bench_beat (&bench, 2, 1, 1, 5, 5, 1);
    hf_bench_tick_after (&bench, 600000);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 2, 2, true, 200);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 2, 2, false, 200);
    assert_int_equal (changes_role (&bench), HF_LEADER);
    assert_int_equal (changes_commit (&bench), 5);
    changes_beat (&bench);
    assert_null (hf_bench_sent (&bench, HF_KIND_MEMBERS));
    changes_ack (&bench, "2");
    for (int i = 0; i < 10 && hf_bench_sent (&bench, HF_KIND_MEMBERS) == NULL; i++) {
        changes_beat (&bench);
        if (hf_bench_sent (&bench, HF_KIND_MEMBERS) == NULL)
            changes_ack (&bench, "2");
    }
    assert_non_null (hf_bench_sent (&bench, HF_KIND_MEMBERS));
    hf_bench_close (&bench);
}

/*  Whoever raises the level of the same members gives the cluster the same id; of other disks it is
 *  another one. */
HF_BENCH_TEST (cluster_id, changes_open_three, 0)
{
    hf_change_t raise = {.id = 12, .op = HF_CHANGE_RAISE, .level = 1};
    hf_roster_t roster = changes_three (0);
    uint64_t index, id = hf_core_cluster_id (&roster);
    assert_int_equal (changes_ask (bench, raise), 0);
    assert_true (hf_core_members (bench->core, &index)->cluster == id);
    roster.members[2].incarnation++;
    assert_true (hf_core_cluster_id (&roster) != id);
}

/*  Who was not heard a moment ago may have been put back to an older release. */
HF_BENCH_TEST (silent_may_be_older, changes_open_three, 0)
{
    hf_change_t raise = {.id = 12, .op = HF_CHANGE_RAISE, .level = 1};
    for (int i = 0; i < 4; i++) {
        changes_beat (bench);
        changes_ack (bench, "2");
    }
    assert_int_equal (changes_ask (bench, raise), HF_VERDICT_LEVEL);
    changes_ack (bench, "3");
    assert_int_equal (changes_ask (bench, raise), 0);
}

/*  An older leader's entry, of a roster that names us, is at the end of our log and not verified.
 */
HF_TEST (removed_with_a_stale_tail)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1), without = changes_three (1);
    hf_roster_at_t at[] = {changes_roster (1, &roster), changes_roster (8, &roster)};
    hf_core_config_t config = changes_config (3);
    without.count = 2;
    hf_bench_open_core (&bench, &config,
                        &(hf_restored_t){.term = 1,
                                         .last_index = 8,
                                         .spans = &(hf_term_span_t){1, 1},
                                         .spans_count = 1,
                                         .rosters = at,
                                         .rosters_count = 2});
    s_told (&bench, 7, &without);
    assert_true (s_was_removed (&bench));
    hf_bench_close (&bench);
}

/*  A roster takes the place of another at the same index, in one step: that is news. */
HF_TEST (roster_in_the_place_of_another)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    hf_roster_at_t at = changes_roster (6, &roster);
    changes_open (&bench, 2, &roster);
    for (uint64_t term = 2; term <= 3; term++) {
        hf_entry_t entry = hf_bench_roster_entry (term, &at);
        hf_bench_commit (&bench);
        hf_bench_said (&bench);
        hf_entry_put (&bench.list, &entry);
        hf_bench_append (&bench, term == 2 ? 1 : 3, term, 0, 5, 1);
        unsigned news = 0;
        for (size_t i = 0; i < bench.effects.notices.count; i++)
            news += bench.effects.notices.list[i].type == HF_NOTICE_ROSTER;
        assert_int_equal (news, 1);
    }
    hf_bench_close (&bench);
}

static uint64_t
s_told_index (const hf_bench_t *bench)
{
    uint64_t index;
    hf_roster_t roster;
    hf_span_t told = hf_core_told (bench->core, &index);
    assert_true ((index == 0) == (told.size == 0));
    assert_true (index == 0 || hf_roster_get (told, &roster));
    return index;
}

/*  Rosters that are not in the log yet say where members are. */
HF_TEST (told_where_members_are)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1), old = changes_three (0);
    hf_roster_at_t at = changes_roster (9, &roster);
    changes_open (&bench, 3, &roster);
    assert_int_equal (s_told_index (&bench), 0);
    s_told (&bench, 1, &roster);
    assert_int_equal (s_told_index (&bench), 0);
    s_told (&bench, 12, &old); //  it names no places
    assert_int_equal (s_told_index (&bench), 0);
    s_told (&bench, 9, &roster);
    s_told (&bench, 7, &roster);
    assert_int_equal (s_told_index (&bench), 9);
    hf_bench_commit (&bench);
    for (uint64_t i = 6; i <= 9; i++) {
        hf_entry_t entry = {.term = 2, .type = HF_ENTRY_COMMANDS};
        if (i == 9)
            entry = hf_bench_roster_entry (2, &at);
        hf_entry_put (&bench.list, &entry);
    }
    hf_bench_append (&bench, 1, 2, 0, 5, 1);
    assert_int_equal (changes_last (&bench), 9);
    assert_int_equal (s_told_index (&bench), 0);
    hf_bench_close (&bench);
}

/*  The log names disk RECORDED of node 3, whose own is 300, and node 3 is told of a roster that
 * names disk NAMED: whether its places count for it. */
static bool
s_takes_places (uint64_t recorded, uint64_t named)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    roster.members[2].incarnation = recorded;
    if (recorded == 0)
        roster.members[2].flags = HF_SEAT_JOINS;
    changes_open (&bench, 3, &roster);
    roster.members[2].incarnation = named;
    roster.members[2].flags = named == 0 ? HF_SEAT_JOINS : HF_SEAT_VOTES | HF_SEAT_VOTED;
    s_told (&bench, 9, &roster);
    bool takes = s_told_index (&bench) == 9;
    hf_bench_close (&bench);
    return takes;
}

/*  A disk that is to take another's place is moved with it, until a third one has that place. */
HF_TEST (told_where_this_disk_is)
{
    assert_true (s_takes_places (300, 300));
    assert_true (s_takes_places (200, 200));
    assert_true (s_takes_places (200, 300));
    assert_true (s_takes_places (0, 0));
    assert_false (s_takes_places (200, 100));
    assert_false (s_takes_places (0, 100));
    assert_false (s_takes_places (300, 100)); //  it was replaced
    assert_false (s_takes_places (300, 0));   //  it was removed, and another one is to come
}

HF_TEST (removed_while_away)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 3, &roster);
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

    roster = changes_three (1);
    changes_open (&bench, 3, &roster);
    roster.members[2].incarnation = 0; //  it was removed, and added again
    roster.members[2].flags = HF_SEAT_JOINS;
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    s_told (&bench, 10, &without);
    assert_true (s_was_removed (&bench));
    hf_bench_close (&bench);

    roster = changes_three (1); //  it only learned
    roster.members[2].incarnation = 0;
    roster.members[2].flags = 0;
    changes_open (&bench, 3, &roster);
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
    hf_core_config_t config = changes_config (4);
    config.members_count = 0;
    hf_bench_open_core (&bench, &config, &(hf_restored_t){0});
    for (int i = 0; i < 5; i++) {
        hf_bench_tick_after (&bench, 600000);
        assert_int_equal (changes_role (&bench), HF_FOLLOWER);
        assert_int_equal (bench.effects.messages.count, 0);
    }
    hf_roster_t roster = changes_three (1);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    hf_roster_at_t at = changes_roster (1, &roster);
    hf_entry_t entry = hf_bench_roster_entry (1, &at);
    hf_entry_put (&bench.list, &entry);
    hf_bench_append (&bench, 2, 1, 0, 0, 0);
    hf_bench_commit (&bench);
    assert_int_equal (changes_last (&bench), 1);
    const hf_outgoing_t *ack = hf_bench_sent (&bench, HF_KIND_ACK);
    assert_int_equal (ack->to, 2);
    assert_int_equal (ack->message.ack.incarnation, 400);
    s_told (&bench, 9, &roster);
    assert_false (s_was_removed (&bench));
    hf_bench_tick_after (&bench, 900000);
    assert_int_equal (changes_role (&bench), HF_FOLLOWER);
    hf_bench_close (&bench);
}

/*  A leader sends the log to members only. */
HF_BENCH_TEST (strangers_get_nothing, changes_open_three, 1)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, NEED, need, .from = 8, .to = 1, .term = 2, .probe_index = 0);
    assert_null (hf_bench_sent (bench, HF_KIND_ENTRIES));
    HF_BENCH_PEER (bench, NEED, need, .from = 3, .to = 1, .term = 2, .probe_index = 0);
    assert_non_null (hf_bench_sent (bench, HF_KIND_ENTRIES));
    changes_ack_as (bench, 8, 6, 800);
    hf_bench_granted (bench, 8, 2, false, 800);
    assert_int_equal (changes_commit (bench), 6);
}

HF_TEST_MAIN (NULL, NULL)
