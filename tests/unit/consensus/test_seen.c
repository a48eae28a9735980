//  Old copies of a node's folder, by hand: node 1 of 1, 2 and 3, and what node 3 promises, forgets
//  and says. The comparison alone is in test_seen_twin.c.

#include "base/hf_mutant.h"
#include "changes_stage.h"

int hf_mutant = HF_MUTANT_none;

/*  An opening of a folder: its number, its life, and what it held. */
typedef struct opening {
    uint64_t start, life, term;
    bool voted;
    uint64_t index;
} opening_t;

static const opening_t s_first = {5, 55, 1, false, 5};

#define OPENING(o)                                                                                 \
    .start = (o).start, .life = (o).life, .open_term = (o).term, .open_voted = (o).voted,          \
    .open_index = (o).index

static void
s_ack (hf_bench_t *bench, uint64_t index, opening_t o)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, ACK, ack, .from = 3, .to = bench->self,
                   .term = hf_core_view (bench->core).term, .index = index,
                   .round = bench->core->round, .incarnation = 300, .speaks = HF_LEVEL_NEWEST,
                   OPENING (o));
}

static void
s_vote (hf_bench_t *bench, uint64_t term, bool pre, opening_t o)
{
    hf_bench_commit (bench);
    hf_bench_vote (bench, (hf_vote_t){.from = 3,
                                      .term = term,
                                      .pre = pre,
                                      .granted = true,
                                      .incarnation = 300,
                                      .speaks = HF_LEVEL_NEWEST,
                                      OPENING (o)});
}

static void
s_stands (hf_bench_t *bench, uint64_t term, bool pre, opening_t o)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, VOTE_REQUEST, vote_request, .from = 3, .term = term, .last_index = 99,
                   .last_term = 1, .pre = pre, .incarnation = 300, OPENING (o));
}

/*  Whether it was told, and no one else, that opening O is of an old copy. */
static bool
s_refused (const hf_bench_t *bench, opening_t o)
{
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_OLD_COPY);
    if (out == NULL)
        return false;
    const hf_old_copy_t *m = &out->message.old_copy;
    assert_false (out->early);
    assert_true (m->to == 3 && m->incarnation == 300 && m->start == o.start && m->life == o.life);
    return true;
}

static void
s_propose (hf_bench_t *bench)
{
    hf_bench_commit (bench);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    hf_bench_commit (bench);
}

/*  Node 1 leads term 2; what its peers acknowledged they said without an opening. Node 3 has all
 *  seven entries in its opening S_FIRST. */
static void
s_open (hf_bench_t *bench, uint32_t level)
{
    changes_open_three (bench, level);
    s_propose (bench);
    s_ack (bench, 7, s_first);
    assert_int_equal (changes_commit (bench), 7);
}

//  ---- acks ---------------------------------------------------------------------------------

/*  The copy of opening 5 opens as 6 with a lower index: its ack commits nothing. */
static uint64_t
s_commit_of_copy (void)
{
    hf_bench_t bench;
    s_open (&bench, 1);
    s_propose (&bench);
    s_ack (&bench, 8, (opening_t){6, 66, 2, false, 6});
    bool refused = s_refused (&bench, (opening_t){.start = 6, .life = 66});
    uint64_t commit = changes_commit (&bench);
    assert_int_equal (commit, refused ? 7 : 8);
    hf_bench_close (&bench);
    return commit;
}

HF_TEST (copy_commits_nothing)
{
    assert_int_equal (s_commit_of_copy (), 7);
    hf_mutant = HF_MUTANT_copy_acks;
    assert_int_equal (s_commit_of_copy (), 8);
    hf_mutant = HF_MUTANT_none;
}

/*  It is not heard either: two such are no majority. */
HF_BENCH_TEST (copy_is_not_heard, s_open, 1)
{
    for (int i = 0; i < 10 && changes_role (bench) == HF_LEADER; i++) {
        changes_beat (bench);
        s_ack (bench, 7, (opening_t){6, 66, 1, false, 5});
    }
    assert_int_equal (changes_role (bench), HF_FOLLOWER);
}

/*  A restart that lost nothing counts at once: as it was; in a later term, where its log may have
 *  been truncated; with more than it had acknowledged. */
static bool
s_counts (opening_t o)
{
    hf_bench_t bench;
    s_open (&bench, 1);
    s_propose (&bench);
    s_ack (&bench, 8, o);
    bool counts = changes_commit (&bench) == 8;
    assert_int_equal (counts, !s_refused (&bench, o));
    hf_bench_close (&bench);
    return counts;
}

HF_TEST (restart_counts)
{
    assert_true (s_counts ((opening_t){6, 66, 2, false, 7}));
    assert_true (s_counts ((opening_t){60, 66, 2, true, 70}));
    assert_true (s_counts ((opening_t){6, 66, 3, false, 3}));
    assert_true (s_counts (s_first));
    hf_mutant = HF_MUTANT_shorter_is_old;
    assert_false (s_counts ((opening_t){6, 66, 3, false, 3}));
    hf_mutant = HF_MUTANT_none;
}

HF_TEST (copies_do_not_count)
{
    assert_false (s_counts ((opening_t){6, 66, 1, false, 7}));
    assert_false (s_counts ((opening_t){6, 66, 1, true, 9}));
    assert_false (s_counts ((opening_t){6, 66, 2, false, 6}));
    assert_false (s_counts ((opening_t){4, 44, 2, true, 9}));
}

/*  Two processes of one copy: the second one is old, whatever it has. */
HF_TEST (two_of_one_number)
{
    const opening_t other = {5, 56, 2, true, 9};
    assert_false (s_counts (other));
    hf_mutant = HF_MUTANT_life_unread;
    assert_true (s_counts (other));
    hf_mutant = HF_MUTANT_none;
}

/*  What was under way from the life before changes nothing. */
HF_TEST (late_ack)
{
    for (int mutant = 0; mutant < 2; mutant++) {
        hf_bench_t bench;
        hf_mutant = mutant == 1 ? HF_MUTANT_earlier_start_taken : HF_MUTANT_none;
        s_open (&bench, 1);
        s_propose (&bench);
        s_ack (&bench, 7, (opening_t){6, 66, 2, false, 7});
        s_ack (&bench, 8, s_first);
        assert_int_equal (changes_commit (&bench), mutant == 1 ? 8 : 7);
        s_ack (&bench, 8, (opening_t){6, 66, 2, false, 7});
        assert_int_equal (changes_commit (&bench), 8);
        hf_bench_close (&bench);
    }
    hf_mutant = HF_MUTANT_none;
}

/*  Who does not say how often it was opened, a node of level 0, and another disk are judged by
 *  nothing; what another disk says is not remembered. */
HF_TEST (who_is_not_judged)
{
    assert_true (s_counts ((opening_t){.start = 0}));
    hf_bench_t bench;
    s_open (&bench, 0);
    s_propose (&bench);
    s_ack (&bench, 8, (opening_t){6, 66, 1, false, 5});
    assert_int_equal (changes_commit (&bench), 8);
    hf_bench_close (&bench);
    s_open (&bench, 1);
    s_propose (&bench);
    HF_BENCH_PEER (&bench, ACK, ack, .from = 3, .term = 2, .index = 8, .incarnation = 301,
                   OPENING (((opening_t){9, 99, 2, true, 90})));
    assert_null (hf_bench_sent (&bench, HF_KIND_OLD_COPY));
    assert_int_equal (changes_commit (&bench), 7);
    s_ack (&bench, 8, (opening_t){6, 66, 2, false, 7});
    assert_int_equal (changes_commit (&bench), 8);
    hf_bench_close (&bench);
}

//  ---- elections -------------------------------------------------------------------------------

/*  Node 1, which knows what node 3 promised in term 2, stands in term 4 with the pre-vote of 2. */
static hf_role_t
s_elected_by (opening_t o)
{
    hf_bench_t bench;
    s_open (&bench, 1);
    HF_BENCH_PEER (&bench, NEWER_TERM, newer_term, .from = 2, .to = 1, .term = 3);
    hf_bench_tick_after (&bench, 600000);
    s_vote (&bench, 4, true, o);
    bool refused = s_refused (&bench, o);
    assert_int_equal (changes_role (&bench), refused ? HF_PRE_CANDIDATE : HF_CANDIDATE);
    hf_bench_commit (&bench);
    if (refused)
        hf_bench_granted (&bench, 2, 4, true, 200);
    s_vote (&bench, 4, false, o);
    hf_role_t role = changes_role (&bench);
    hf_bench_close (&bench);
    return role;
}

HF_TEST (copy_elects_nobody)
{
    const opening_t copy = {6, 66, 1, false, 5};
    assert_int_equal (s_elected_by (copy), HF_CANDIDATE);
    assert_int_equal (s_elected_by ((opening_t){6, 66, 2, false, 7}), HF_LEADER);
    hf_mutant = HF_MUTANT_copy_votes;
    assert_int_equal (s_elected_by (copy), HF_LEADER);
    hf_mutant = HF_MUTANT_none;
}

/*  Node 3 has voted for node 1 in term 2, and acknowledged nothing. A copy of that term without the
 *  vote could give a second one. */
static bool
s_lost_vote_is_noticed (void)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 1, &roster);
    hf_bench_tick_after (&bench, 600000);
    s_vote (&bench, 2, true, s_first);
    s_vote (&bench, 2, false, s_first);
    assert_int_equal (changes_role (&bench), HF_LEADER);
    s_ack (&bench, 5, (opening_t){6, 66, 2, true, 5});
    assert_null (hf_bench_sent (&bench, HF_KIND_OLD_COPY));
    const opening_t copy = {7, 77, 2, false, 5};
    s_ack (&bench, 5, copy);
    bool refused = s_refused (&bench, copy);
    hf_bench_close (&bench);
    return refused;
}

HF_TEST (lost_vote)
{
    assert_true (s_lost_vote_is_noticed ());
    hf_mutant = HF_MUTANT_lost_vote_unseen;
    assert_false (s_lost_vote_is_noticed ());
    hf_mutant = HF_MUTANT_none;
}

/*  A copy that stands is refused, and no term rises. What it asked for in its own opening is a vote
 *  of its own. */
static uint64_t
s_term_after (opening_t o)
{
    hf_bench_t bench;
    s_open (&bench, 1);
    s_stands (&bench, 9, true, o);
    s_stands (&bench, 9, false, o);
    uint64_t term = hf_core_view (bench.core).term;
    assert_int_equal (term, s_refused (&bench, o) ? 2 : 9);
    hf_bench_close (&bench);
    return term;
}

HF_TEST (copy_stands)
{
    const opening_t copy = {6, 66, 1, false, 5};
    assert_int_equal (s_term_after (copy), 2);
    assert_int_equal (s_term_after ((opening_t){6, 66, 2, false, 7}), 9);
    hf_mutant = HF_MUTANT_copy_raises_term;
    assert_int_equal (s_term_after (copy), 9);
    hf_mutant = HF_MUTANT_none;
}

HF_BENCH_TEST (candidate_has_voted, s_open, 1)
{
    s_stands (bench, 3, false, s_first);
    s_stands (bench, 4, true, (opening_t){6, 66, 3, true, 7});
    assert_null (hf_bench_sent (bench, HF_KIND_OLD_COPY));
    s_stands (bench, 4, true, (opening_t){7, 77, 3, false, 7});
    assert_non_null (hf_bench_sent (bench, HF_KIND_OLD_COPY));
}

//  ---- what leaders tell ----------------------------------------------------------------------

/*  The last heartbeat's mark of NODE. */
static hf_mark_t
s_told (const hf_bench_t *bench, uint32_t node)
{
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_HEARTBEAT);
    assert_non_null (out);
    hf_scan_t scan = hf_scan_list (out->message.heartbeat.marks);
    hf_mark_t mark, found = {.node = 0};
    for (uint32_t i = 0; i < out->message.heartbeat.marks.count; i++) {
        assert_true (hf_mark_get (&scan, &mark));
        found = mark.node == node ? mark : found;
    }
    return found;
}

HF_BENCH_TEST (marks_are_told, s_open, 1)
{
    s_vote (bench, 2, false, s_first);
    bench->core->config.start = 3;
    bench->core->config.life = 33;
    changes_beat (bench);
    hf_mark_t mark = s_told (bench, 3);
    assert_true (mark.incarnation == 300 && mark.start == 5 && mark.life == 55);
    assert_true (mark.term == 2 && mark.voted && mark.index == 7);
    mark = s_told (bench, 1); //  what is durable
    assert_true (mark.incarnation == 100 && mark.start == 3 && mark.life == 33);
    assert_true (mark.term == 2 && mark.voted && mark.index == 7);
    assert_int_equal (s_told (bench, 2).node, 0);
    //  What it promised before its restart is told, too.
    s_ack (bench, 7, (opening_t){6, 66, 2, true, 7});
    changes_beat (bench);
    mark = s_told (bench, 3);
    assert_true (mark.start == 6 && mark.voted && mark.index == 7);
}

HF_BENCH_TEST (no_marks_at_level_0, s_open, 0)
{
    bench->core->config.start = 3;
    changes_beat (bench);
    assert_int_equal (s_told (bench, 3).node, 0);
    assert_int_equal (s_told (bench, 1).node, 0);
}

/*  Node 1 leads term 2 and tells that node 3, or itself, promised that. */
static void
s_hear (hf_bench_t *bench, hf_mark_t mark)
{
    hf_pack_t marks;
    hf_pack_init (&marks);
    hf_mark_put (&marks, &mark);
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, HEARTBEAT, heartbeat, .from = 1, .term = 2, .round = 1, .commit = 5,
                   .last_index = 5, .last_term = 1,
                   .marks = {hf_pack_bytes (&marks), (uint32_t)hf_pack_size (&marks), 1});
    hf_pack_done (&marks);
}

/*  Node 2, which follows, has heard nothing of node 3 itself. */
static bool
s_told_refuses (hf_mark_t mark, opening_t o)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 2, &roster);
    s_hear (&bench, mark);
    s_stands (&bench, 9, true, o);
    bool refused = s_refused (&bench, o);
    hf_bench_close (&bench);
    return refused;
}

HF_TEST (told_marks_count)
{
    const hf_mark_t mark = {3, 300, 5, 55, 2, true, 5};
    const opening_t copy = {6, 66, 2, false, 5};
    assert_true (s_told_refuses (mark, copy));
    assert_true (s_told_refuses (mark, (opening_t){6, 66, 2, true, 4}));
    assert_true (s_told_refuses (mark, (opening_t){4, 44, 2, true, 5}));
    assert_true (s_told_refuses (mark, (opening_t){5, 56, 2, true, 5}));
    assert_false (s_told_refuses (mark, (opening_t){6, 66, 2, true, 5}));
    assert_false (s_told_refuses (mark, (opening_t){5, 55, 1, false, 0})); //  its own promise
    assert_false (s_told_refuses ((hf_mark_t){3, 301, 5, 55, 2, true, 5}, copy));
    assert_false (s_told_refuses ((hf_mark_t){4, 300, 5, 55, 2, true, 5}, copy));
    //  What no honest leader can tell.
    assert_false (s_told_refuses ((hf_mark_t){3, 300, 5, 55, 3, true, 5}, copy));
    assert_false (s_told_refuses ((hf_mark_t){3, 300, UINT64_MAX, 55, 2, true, 5}, copy));
    assert_false (s_told_refuses ((hf_mark_t){3, 300, 5, 55, 2, true, UINT64_MAX}, copy));
    hf_mutant = HF_MUTANT_marks_not_told;
    assert_false (s_told_refuses (mark, copy));
    hf_mutant = HF_MUTANT_none;
}

/*  Who took the copy for sound is told better by a leader. */
HF_TEST (told_late)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    const opening_t copy = {6, 66, 1, false, 5};
    changes_open (&bench, 2, &roster);
    s_stands (&bench, 2, true, copy);
    assert_false (s_refused (&bench, copy));
    s_hear (&bench, (hf_mark_t){3, 300, 5, 55, 1, false, 5});
    s_stands (&bench, 9, true, copy);
    assert_false (s_refused (&bench, copy));
    s_hear (&bench, (hf_mark_t){3, 300, 5, 55, 2, false, 1});
    s_stands (&bench, 9, true, copy);
    assert_true (s_refused (&bench, copy));
    hf_bench_close (&bench);
}

//  ---- our own folder ----------------------------------------------------------------------------

static bool
s_gives_up (const hf_bench_t *bench)
{
    for (size_t i = 0; i < bench->effects.notices.count; i++)
        if (bench->effects.notices.list[i].type == HF_NOTICE_OLD) {
            assert_in_range (bench->effects.notices.list[i].id, 1, 2); //  who says so
            return true;
        }
    return false;
}

static void
s_open_said (hf_bench_t *bench, uint64_t start)
{
    hf_core_config_t config = changes_config (3);
    hf_roster_t roster = changes_three (1);
    hf_roster_at_t at = changes_roster (1, &roster);
    config.start = start;
    config.life = 66;
    hf_bench_open_core (bench, &config,
                        &(hf_restored_t){.term = 4,
                                         .voted_for = {2, 200},
                                         .last_index = 5,
                                         .spans = &(hf_term_span_t){1, 1},
                                         .spans_count = 1,
                                         .rosters = &at,
                                         .rosters_count = 1});
}

static void
s_told_old (hf_bench_t *bench, uint64_t term, uint64_t incarnation, uint64_t start, uint64_t life)
{
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, OLD_COPY, old_copy, .from = 1, .to = 3, .term = term,
                   .incarnation = incarnation, .start = start, .life = life);
}

/*  Acks, votes and requests say how the folder was opened. */
HF_BENCH_TEST (opening_is_said, s_open_said, 6)
{
#define SAYS(m)                                                                                    \
    assert_true ((m).start == 6 && (m).life == 66 && (m).open_term == 4 && (m).open_voted &&       \
                 (m).open_index == 5)
    hf_bench_beat (bench, 1, 5, 1, 5, 5, 1);
    SAYS (hf_bench_sent (bench, HF_KIND_ACK)->message.ack);
    HF_BENCH_PEER (bench, VOTE_REQUEST, vote_request, .from = 2, .term = 6, .last_index = 9,
                   .last_term = 5, .incarnation = 200);
    SAYS (hf_bench_sent (bench, HF_KIND_VOTE)->message.vote);
    hf_bench_commit (bench);
    hf_bench_tick_after (bench, 2000000);
    SAYS (hf_bench_sent (bench, HF_KIND_VOTE_REQUEST)->message.vote_request);
#undef SAYS
}

/*  Another disk, an earlier opening, another process of the same number: not this one. */
HF_BENCH_TEST (not_this_life, s_open_said, 6)
{
    s_told_old (bench, 4, 301, 6, 66);
    assert_false (s_gives_up (bench));
    s_told_old (bench, 4, 300, 5, 55);
    assert_false (s_gives_up (bench));
    s_told_old (bench, 4, 300, 6, 67);
    assert_false (s_gives_up (bench));
    hf_bench_beat (bench, 1, 5, 1, 5, 5, 1);
    assert_non_null (hf_bench_sent (bench, HF_KIND_ACK));
    hf_mutant = HF_MUTANT_any_life_renews;
    s_told_old (bench, 4, 300, 5, 55);
    assert_true (s_gives_up (bench));
    hf_mutant = HF_MUTANT_none;
}

HF_BENCH_TEST (one_that_says_nothing, s_open_said, 0)
{
    s_told_old (bench, 4, 300, 0, 66);
    assert_false (s_gives_up (bench));
}

/*  Whatever term the peer is in: once, and then nothing. */
HF_TEST (gives_up)
{
    for (uint64_t term = 1; term < 9; term++) {
        hf_bench_t bench;
        s_open_said (&bench, 6);
        hf_bench_beat (&bench, 2, 5, 1, 5, 5, 1);
        s_told_old (&bench, term, 300, 6, 66);
        assert_true (s_gives_up (&bench));
        assert_int_equal (hf_core_view (bench.core).term, 5);
        s_told_old (&bench, term, 300, 6, 66);
        assert_false (s_gives_up (&bench));
        hf_bench_beat (&bench, 2, 6, 2, 5, 5, 1);
        hf_bench_tick_after (&bench, 2000000);
        s_stands (&bench, 9, false, s_first);
        assert_int_equal (bench.effects.messages.count, 0);
        assert_int_equal (hf_core_view (bench.core).term, 5);
        hf_bench_close (&bench);
    }
}

/*  A leader that was elected by who did not know better stops. */
HF_BENCH_TEST (leader_gives_up, changes_open_three, 1)
{
    bench->core->config.start = 6;
    hf_bench_commit (bench);
    HF_BENCH_PEER (bench, OLD_COPY, old_copy, .from = 2, .to = 1, .term = 9, .incarnation = 100,
                   .start = 6, .life = 0);
    assert_true (s_gives_up (bench));
    assert_int_equal (changes_role (bench), HF_FOLLOWER);
}

//  ---- the next disk -------------------------------------------------------------------------

/*  The copy has drawn another incarnation, has caught up and is admitted: it counts. What the disk
 *  before promised is no business of it. */
HF_BENCH_TEST (renewed, s_open, 1)
{
    const opening_t next = {7, 77, 1, false, 5};
    for (int i = 0; i < 3; i++) {
        hf_bench_commit (bench);
        changes_ack (bench, "2");
        HF_BENCH_PEER (bench, ACK, ack, .from = 3, .to = 1, .term = 2,
                       .index = changes_last (bench), .round = bench->core->round, .hears = 127,
                       .incarnation = 301, .speaks = HF_LEVEL_NEWEST, OPENING (next));
        assert_null (hf_bench_sent (bench, HF_KIND_OLD_COPY));
        changes_beat (bench);
    }
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv");
    assert_int_equal (hf_core_view (bench->core).counted, 7);
    //  The joint roster and the next one. The disk before is not the one on record any more.
    assert_int_equal (changes_last (bench), 9);
    s_ack (bench, 9, s_first);
    assert_null (hf_bench_sent (bench, HF_KIND_OLD_COPY));
}

HF_TEST_MAIN (NULL, NULL)
