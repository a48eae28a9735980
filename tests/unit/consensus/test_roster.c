//  Which members count (design 4.6), by hand: node 2 with the roster 100, 200, 300.

#include "hf_bench.h"

static void
s_stand (hf_bench_t *bench)
{
    hf_bench_tick_after (bench, 600000);
    hf_bench_commit (bench);
}

static void
s_vote (hf_bench_t *bench, uint32_t from, bool pre, uint64_t incarnation)
{
    uint64_t term = hf_core_view (bench->core).term + pre;
    hf_bench_granted (bench, from, term, pre, incarnation);
    hf_bench_commit (bench);
}

static void
s_ack (hf_bench_t *bench, uint32_t from, uint64_t index, uint64_t round, uint64_t incarnation)
{
    HF_BENCH_PEER (bench, ACK, ack, from, 0, hf_core_view (bench->core).term, index, round, 7,
                   incarnation, .speaks = HF_LEVEL_NEWEST);
    hf_bench_commit (bench);
}

/*  Members 1 and 3 vote for node 2 with that incarnation; the refusal of one counts as little. */
static void
s_vote_for (hf_bench_t *bench, uint64_t candidate)
{
    hf_core_view_t view = hf_core_view (bench->core);
    bool pre = view.role == HF_PRE_CANDIDATE;
    uint64_t wake_at_us = bench->effects.wake_at_us;
    for (uint32_t from = 1; from <= 3; from += 2) {
        hf_vote_t m = {.from = from,
                       .term = view.term + pre,
                       .pre = pre,
                       .granted = true,
                       .incarnation = 100 * from,
                       .candidate = candidate};
        hf_bench_vote (bench, m);
        m.granted = false;
        m.term = view.term;
        hf_bench_vote (bench, m);
    }
    assert_int_equal (hf_core_view (bench->core).role, view.role);
    assert_int_equal (bench->effects.wake_at_us, wake_at_us);
}

static hf_role_t
s_role (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).role;
}

static void
s_lead (hf_bench_t *bench)
{
    s_stand (bench);
    s_vote (bench, 3, true, 300);
    s_vote (bench, 3, false, 300);
    assert_int_equal (s_role (bench), HF_LEADER);
    for (uint32_t node = 1; node <= 3; node++)
        hf_bench_link (bench, node, true);
    hf_bench_commit (bench);
}

HF_BENCH_TEST (votes, hf_bench_open_roster, 200, 3, 0, 5)
{
    assert_int_equal (hf_core_view (bench->core).counted, 7);
    s_stand (bench);
    s_vote_for (bench, 199); //  what this node was before
    s_vote (bench, 3, true, 301);
    s_vote (bench, 1, true, 0);
    assert_int_equal (s_role (bench), HF_PRE_CANDIDATE);
    s_vote (bench, 1, true, 100);
    assert_int_equal (s_role (bench), HF_CANDIDATE);
    s_vote_for (bench, 199);
    s_vote (bench, 1, false, 101);
    s_vote (bench, 3, false, 301);
    assert_int_equal (s_role (bench), HF_CANDIDATE);
    s_vote (bench, 3, false, 300);
    assert_int_equal (s_role (bench), HF_LEADER);
}

/*  Neither at its time, nor when the leader's connection breaks, nor on a TRANSFER. */
HF_BENCH_TEST (unknown_never_stands, hf_bench_open_roster, 201, 3, 2, 5)
{
    assert_int_equal (hf_core_view (bench->core).counted, 5);
    hf_bench_tick_after (bench, 600000);
    assert_int_equal (s_role (bench), HF_FOLLOWER);
    assert_int_equal (bench->effects.messages.count, 0);
    assert_true (bench->effects.wake_at_us > bench->now_us);
    hf_bench_beat (bench, 1, 3, 1, 0, 5, 1);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.incarnation, 201);
    HF_BENCH_PEER (bench, TRANSFER, transfer, 1, 2, 3, .last_index = 5, .last_term = 1);
    assert_int_equal (s_role (bench), HF_FOLLOWER);
    HF_BENCH_EVENT (bench, BROKEN, .link.node = 1);
    hf_bench_tick_after (bench, 600000);
    assert_int_equal (s_role (bench), HF_FOLLOWER);
    assert_int_equal (hf_core_view (bench->core).term, 3);
}

HF_BENCH_TEST (commit, hf_bench_open_roster, 200, 3, 0, 5)
{
    s_lead (bench);
    s_ack (bench, 3, 6, 1, 301);
    assert_int_equal (bench->effects.commit_index, 0);
    assert_int_equal (hf_core_view (bench->core).counted, 2);
    s_ack (bench, 3, 6, 1, 300);
    assert_int_equal (bench->effects.commit_index, 6);
    //  A new disk has nothing of what the old one had.
    s_ack (bench, 1, 6, 1, 101);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    s_ack (bench, 1, 7, 1, 101);
    s_ack (bench, 1, 0, 1, 100);
    assert_int_equal (bench->effects.commit_index, 6);
    s_ack (bench, 1, 7, 1, 100);
    assert_int_equal (bench->effects.commit_index, 7);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    HF_BENCH_PEER (bench, ACK, ack, 3, 0, 4, .index = 8, .round = 1, .incarnation = 300);
    s_ack (bench, 3, 7, 1, 300); //  overtaken
    assert_int_equal (bench->effects.commit_index, 8);
}

/*  Barriers and check-quorum do not count it either. */
HF_BENCH_TEST (rounds, hf_bench_open_roster, 200, 3, 0, 5)
{
    s_lead (bench);
    hf_bench_tick_after (bench, 250000);
    assert_int_equal (s_role (bench), HF_LEADER); //  others may still turn out to count
    s_ack (bench, 3, 6, 1, 300);
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 1);
    hf_bench_said (bench);
    HF_BENCH_PEER (bench, ACK, ack, 1, 0, 4, .index = 6, .round = 2, .incarnation = 101);
    HF_BENCH_SAYS (bench, "");
    for (int i = 0; i < 5; i++) {
        hf_bench_tick_after (bench, 50000);
        s_ack (bench, 1, 5, 2, 101);
        assert_int_equal (s_role (bench), HF_LEADER);
    }
    hf_bench_tick_after (bench, 60000); //  300 ms since 3 was heard
    assert_int_equal (s_role (bench), HF_FOLLOWER);
    s_lead (bench);
    for (int i = 0; i < 6; i++) {
        assert_int_equal (s_role (bench), HF_LEADER); //  3 may still turn out to count
        hf_bench_tick_after (bench, 50000);
        s_ack (bench, 1, 5, 1, 101);
    }
    assert_int_equal (s_role (bench), HF_FOLLOWER);
}

/*  The roster that was persisted last, and which member it admits. */
static void
s_rosters (const hf_bench_t *bench, uint64_t first, uint64_t second, uint64_t third, uint32_t joins)
{
    const hf_persist_t *own = hf_bench_persisted (bench, HF_PERSIST_OWN);
    hf_roster_t roster;
    assert_non_null (own);
    assert_int_equal (own->entry_type, HF_ENTRY_ROSTER);
    assert_true (hf_roster_get (own->payload, &roster));
    assert_int_equal (roster.count, 3);
    assert_int_equal (roster.members[0].incarnation, first);
    assert_int_equal (roster.members[1].incarnation, second);
    assert_int_equal (roster.members[2].incarnation, third);
    assert_int_equal (roster.joins, joins);
}

/*  The next heartbeat: what it says besides. */
static void
s_beat (hf_bench_t *bench, const char *says)
{
    hf_bench_commit (bench);
    hf_bench_said (bench);
    hf_bench_tick_after (bench, 50000);
    const char *said = hf_bench_said (bench);
    if (says == NULL)
        assert_int_equal (strncmp (said, "0 early HEARTBEAT", 17), 0);
    else
        assert_int_equal (strncmp (said, says, strlen (says)), 0);
}

/*  Every member is admitted by the others, one at a time, and counts from then on. */
HF_BENCH_TEST (admission, hf_bench_open_roster, 200, 3, 0, 5)
{
    s_lead (bench);
    s_ack (bench, 3, 6, 1, 300);
    s_ack (bench, 1, 5, 1, 101);
    s_beat (bench, NULL); //  what was committed counts from the heartbeat on
    s_ack (bench, 3, 6, 2, 300);
    s_ack (bench, 1, 5, 2, 101);
    s_beat (bench, NULL); //  it lacks entry 6
    s_ack (bench, 1, 6, 3, 101);
    hf_bench_tick_after (bench, 50000);
    s_rosters (bench, 101, 200, 300, 1);
    hf_bench_commit (bench);
    s_ack (bench, 1, 7, 2, 101);
    assert_int_equal (bench->effects.commit_index, 6); //  not by the member that it admits
    s_beat (bench, NULL);                              //  one at a time
    s_ack (bench, 3, 7, 3, 300);
    assert_int_equal (bench->effects.commit_index, 7);
    assert_int_equal (hf_core_view (bench->core).counted, 7);
    s_ack (bench, 3, 7, 4, 301); //  the next disk is lost
    s_beat (bench, "disk: 8 roster @4; 0 early ENTRIES @4 commit 7 prev 7/4 +1; 0 early HEARTBEAT "
                   "@4 round 6 commit 7 last 8/4; ADMITTED @4 1 at 7");
    hf_bench_commit (bench);
    s_ack (bench, 1, 8, 3, 101);
    assert_int_equal (bench->effects.commit_index, 8); //  now it counts
    s_ack (bench, 3, 7, 6, 301);
    hf_bench_tick_after (bench, 50000);
    s_rosters (bench, 101, 200, 301, 3);
}

/*  The log begins with the entry that admits node 1, so the entry before it is lost: this
 *  leader makes the second entry, once. */
HF_TEST (admission_at_base)
{
    hf_bench_t bench;
    hf_core_config_t config = hf_bench_config (2, 3);
    hf_roster_at_t roster = hf_bench_roster (2, 101, 200, 300);
    roster.payload[roster.size - 1] = 1; //  joins
    config.incarnation = 200;
    hf_bench_open_core (&bench, &config,
                        &(hf_restored_t){.term = 3,
                                         .base_index = 2,
                                         .base_term = 1,
                                         .last_index = 5,
                                         .spans = &(hf_term_span_t){3, 1},
                                         .spans_count = 1,
                                         .rosters = &roster,
                                         .rosters_count = 1});
    s_lead (&bench);
    s_ack (&bench, 3, 6, 1, 300);
    hf_bench_tick_after (&bench, 50000);
    s_rosters (&bench, 101, 200, 300, 0);
    hf_bench_commit (&bench);
    s_ack (&bench, 3, 7, 2, 300);
    s_beat (&bench, NULL);
    hf_bench_close (&bench);
}

/*  The vote of the old disk may still be under way when the new one is being admitted: the new
 *  one's does not count before the entry is known to be committed. */
HF_TEST (vote_while_pending)
{
    hf_bench_t bench;
    hf_roster_at_t roster = hf_bench_roster (6, 100, 200, 301);
    hf_entry_t entry = hf_bench_roster_entry (3, &roster);
    hf_bench_open_roster (&bench, 200, 3, 0, 5);
    hf_entry_put (&bench.list, &entry);
    hf_bench_append (&bench, 1, 3, 0, 5, 1);
    hf_bench_commit (&bench);
    assert_int_equal (hf_core_view (bench.core).counted, 3);
    s_stand (&bench);
    s_vote (&bench, 3, true, 301);
    s_vote (&bench, 3, true, 300);
    assert_int_equal (s_role (&bench), HF_PRE_CANDIDATE);
    hf_bench_beat (&bench, 1, 3, 1, 6, 6, 3);
    assert_int_equal (hf_core_view (bench.core).counted, 7);
    s_stand (&bench);
    s_vote (&bench, 3, true, 301);
    s_vote (&bench, 3, false, 301);
    assert_int_equal (s_role (&bench), HF_LEADER);
    hf_bench_close (&bench);
}

/*  Never formed: all must vote, and what they said they are is the first entry. */
HF_BENCH_TEST (forming, hf_bench_open_roster, 200, 0, 0, 0)
{
    s_stand (bench);
    s_vote (bench, 3, true, 300);
    assert_int_equal (s_role (bench), HF_PRE_CANDIDATE);
    hf_bench_tick_after (bench, 100000);
    assert_int_equal (bench->effects.notices.list[0].type, HF_NOTICE_WAITING);
    assert_int_equal (bench->effects.notices.list[0].id, 1);
    hf_bench_commit (bench);
    s_vote (bench, 3, true, 300);
    hf_bench_tick_after (bench, 100000);
    assert_int_equal (bench->effects.notices.count, 0); //  the same
    s_vote (bench, 1, true, 100);
    s_vote (bench, 3, true, 300);
    assert_int_equal (s_role (bench), HF_CANDIDATE);
    s_vote (bench, 3, false, 301); //  another disk than gave the pre-vote
    //  A refusal is tried again soon, and not at once.
    uint64_t now_us = bench->now_us;
    hf_bench_vote (bench, (hf_vote_t){.from = 1, .term = 1, .incarnation = 100});
    assert_in_range (bench->effects.wake_at_us, now_us + 30000, now_us + 60000);
    hf_bench_commit (bench);
    hf_bench_granted (bench, 1, 1, false, 100);
    assert_int_equal (s_role (bench), HF_CANDIDATE);
    hf_bench_granted (bench, 3, 1, false, 300);
    s_rosters (bench, 100, 200, 300, 0);
}

HF_TEST_MAIN (NULL, NULL)
