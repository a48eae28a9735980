//  The rules of design 4, by hand: durable first, elections, barriers.

#include "hf_bench.h"

//  ---- durable first -------------------------------------------------------------------------

HF_BENCH_TEST (ack_durable, hf_bench_open, 5, 5)
{
    hf_bench_put (bench, 5, 4);
    hf_bench_append (bench, 1, 5, 9, 5, 1);
    HF_BENCH_SAYS (bench,
                   "disk: 6..9 @5 skip 0; 1 ACK @5 index 5 round 0; FOLLOWING @5 1; commit 9");
    assert_int_equal (hf_core_view (bench->core).verified_index, 9);
    //  What was durable and is cut off since says nothing.
    HF_BENCH_EVENT (bench, DURABLE, .durable = {.index = 7, .term = 4});
    assert_int_equal (hf_core_view (bench->core).durable_index, 5);
    HF_BENCH_EVENT (bench, DURABLE, .durable = {.index = 7, .term = 5});
    HF_BENCH_SAYS (bench, "1 ACK @5 index 7 round 0");
}

/*  The end of our log is durable, and not of this leader's log. */
HF_BENCH_TEST (ack_verified, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 1, 5, 4, 7, 7, 4);
    HF_BENCH_SAYS (bench, "1 early NEED @5 5/1; 1 ACK @5 index 0 round 4; FOLLOWING @5 1");
    hf_bench_put (bench, 1, 1);
    hf_bench_entries (bench, (hf_entries_t){1, 2, 5, 7, .prev_index = 2, .prev_term = 1, {0}});
    HF_BENCH_SAYS (bench, "1 early NEED @5 3/1; 1 ACK @5 index 3 round 4; commit 3");
}

/*  Nothing that one leader said is held against the next. */
HF_BENCH_TEST (new_term, hf_bench_open, 5, 5)
{
    hf_bench_beat (bench, 1, 5, 9, 5, 90, 5); //  commit 5 is clamped to what is verified: nothing
    hf_bench_put (bench, 5, 3);
    hf_bench_append (bench, 1, 5, 0, 5, 1);
    hf_bench_commit (bench);
    HF_BENCH_SAYS (bench, "1 ACK @5 index 8 round 9; commit 5");
    //  The next leader has only our first five; what it adds is acknowledged once durable. Nobody
    //  has 90 entries now.
    hf_bench_put (bench, 6, 1);
    hf_bench_append (bench, 3, 6, 7, 5, 1);
    HF_BENCH_SAYS (bench, "disk: vote 0 @6; disk: cut 6; disk: 6..6 @6 skip 0; "
                          "3 ACK @6 index 5 round 0; FOLLOWING @6 3; commit 6");
    hf_bench_commit (bench);
    HF_BENCH_SAYS (bench, "3 ACK @6 index 6 round 0");
    hf_bench_beat (bench, 3, 6, 1, 6, 6, 6);
    HF_BENCH_SAYS (bench, "3 ACK @6 index 6 round 1");
}

HF_BENCH_TEST (acks_overtaken, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_bench_acked (bench, 3, 6, 6, 1);
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    hf_bench_acked (bench, 3, 6, 7, 1);
    hf_bench_acked (bench, 3, 6, 5, 0);
    hf_bench_commit (bench);
    HF_BENCH_SAYS (bench, "commit 7");
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 1);
    hf_bench_said (bench);
    hf_bench_acked (bench, 3, 6, 7, 1);
    HF_BENCH_SAYS (bench, ""); //  of the round before
    hf_bench_acked (bench, 3, 6, 5, 2);
    HF_BENCH_SAYS (bench, "PASSED @6 1 at 7");
}

HF_BENCH_TEST (skips_what_is_there, hf_bench_open, 5, 5)
{
    hf_bench_put (bench, 1, 2);
    hf_bench_put (bench, 5, 3);
    hf_bench_append (bench, 1, 5, 0, 3, 1);
    HF_BENCH_SAYS (bench, "disk: 6..8 @5 skip 2; 1 ACK @5 index 5 round 0; FOLLOWING @5 1");
}

HF_BENCH_TEST (early, hf_bench_open, 5, 5)
{
    hf_bench_tick_after (bench, 600000);
    hf_bench_said (bench);
    hf_bench_granted (bench, 3, 6, true, 0);
    //  A vote comes before ours is on disk: no sound peer sends it, but nothing may leave.
    hf_bench_granted (bench, 3, 6, false, 0);
    HF_BENCH_SAYS (bench, "disk: vote 2 @6; disk: 6 opens @6; "
                          "0 VOTE_REQUEST @6 last 5/1; 0 ENTRIES @6 commit 0 prev 5/1 +1; "
                          "0 HEARTBEAT @6 round 1 commit 0 last 6/6; FOLLOWING @6 0");
    hf_bench_commit (bench);
    assert_false (hf_core_accepts (bench->core)); //  the term is not open
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 2);
    HF_BENCH_SAYS (bench, "");
    hf_bench_acked (bench, 3, 6, 6, 1);
    assert_true (hf_core_accepts (bench->core));
    HF_BENCH_SAYS (bench, "LEADING @6; commit 6");
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 2);
    HF_BENCH_SAYS (bench, "disk: 7..8 @6 skip 0; 0 early ENTRIES @6 commit 6 prev 6/6 +2");
}

HF_BENCH_TEST (unsent_entries, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    HF_BENCH_PEER (bench, NEED, need, 3, 2, 6, .probe_index = 4, .probe_term = 1);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->entries_count, 1);
    //  A higher term in the same batch: its leader may replace what the message was to carry.
    hf_bench_beat (bench, 1, 7, 0, 0, 0, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->entries_count, 0);
}

HF_BENCH_TEST (commit_own_term, hf_bench_open, 5, 5)
{
    static const struct {
        uint32_t from;
        uint64_t term, index, round;
        const char *says;
    } acks[] = {
        {1, 6, 5, 1, ""},
        {3, 6, 5, 1, ""}, //  of an earlier term, on all disks (3.6.2)
        {3, 6, 99, 1, ""},
        {3, 6, 6, 99, ""}, //  what we never sent
        {3, 5, 6, 1, ""},  //  of another term
        {3, 6, 6, 1, "LEADING @6; commit 6"},
    };
    hf_bench_make_leader (bench);
    hf_bench_said (bench);
    for (size_t i = 0; i < sizeof acks / sizeof *acks; i++) {
        hf_bench_acked (bench, acks[i].from, acks[i].term, acks[i].index, acks[i].round);
        HF_BENCH_SAYS (bench, acks[i].says);
    }
}

//  ---- elections -----------------------------------------------------------------------------

static hf_role_t
s_transfer (hf_bench_t *bench, uint32_t from, uint64_t last_index, uint64_t last_term)
{
    HF_BENCH_PEER (bench, TRANSFER, transfer, from, 2, 5, last_index, last_term, false);
    return hf_core_view (bench->core).role;
}

HF_BENCH_TEST (transfer_void, hf_bench_open, 5, 5)
{
    assert_int_equal (s_transfer (bench, 1, 5, 1), HF_FOLLOWER); //  was not heard to lead
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1);
    assert_int_equal (s_transfer (bench, 1, 6, 1), HF_FOLLOWER);
    assert_int_equal (s_transfer (bench, 1, 4, 1), HF_FOLLOWER);
    assert_int_equal (s_transfer (bench, 1, 5, 2), HF_FOLLOWER);
    assert_int_equal (s_transfer (bench, 3, 5, 1), HF_FOLLOWER);
    hf_bench_put (bench, 1, 1);
    hf_bench_append (bench, 1, 5, 0, 5, 1);
    assert_int_equal (s_transfer (bench, 1, 5, 1), HF_FOLLOWER); //  the log is longer now
    hf_bench_put (bench, 5, 1);
    hf_bench_append (bench, 1, 5, 0, 6, 1);
    assert_int_equal (s_transfer (bench, 1, 7, 5), HF_FOLLOWER); //  not on disk yet
    hf_bench_commit (bench);
    assert_int_equal (hf_core_view (bench->core).term, 5);
    assert_int_equal (s_transfer (bench, 1, 7, 5), HF_CANDIDATE);
    assert_int_equal (hf_core_view (bench->core).term, 6);
}

/*  What node 2 answers to a request; its effects are forgotten before. */
static hf_vote_t
s_asked (hf_bench_t *bench, hf_vote_request_t m)
{
    hf_effects_reset (&bench->effects);
    hf_bench_event (bench, (hf_event_t){.type = HF_EV_PEER,
                                        .peer = {.kind = HF_KIND_VOTE_REQUEST, .vote_request = m}});
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_VOTE);
    assert_true (out == NULL || (!out->early && out->to == m.from));
    return out != NULL ? out->message.vote : (hf_vote_t){0};
}

HF_BENCH_TEST (votes, hf_bench_open, 5, 5)
{
    hf_vote_request_t good = {.from = 3, .term = 6, .last_index = 5, .last_term = 1};
    hf_vote_request_t m = good;
    m.last_index = 4;
    assert_false (s_asked (bench, m).granted); //  a shorter log
    assert_int_equal (hf_core_view (bench->core).term, 6);
    assert_int_equal (hf_core_view (bench->core).voted_for, 0);
    assert_true (s_asked (bench, good).granted);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->voted_for.node, 3);
    assert_true (s_asked (bench, good).granted); //  the same again
    m = good;
    m.from = 1;
    m.last_index = 9;
    assert_false (s_asked (bench, m).granted); //  one vote in a term
    hf_bench_tick_after (bench, 900000);
    assert_int_equal (hf_core_view (bench->core).role, HF_PRE_CANDIDATE);
    assert_true (s_asked (bench, good).granted); //  still the same, and it gives way
    assert_int_equal (hf_core_view (bench->core).role, HF_FOLLOWER);
    assert_true (bench->effects.wake_at_us >= bench->now_us + 360000);
    m.term = 7;
    m.last_index = 1;
    m.last_term = 2;
    assert_true (s_asked (bench, m).granted); //  a later term beats a longer log
    assert_int_equal (s_asked (bench, good).term, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_NEWER_TERM)->message.newer_term.term, 7);
}

/*  A node that came back with another disk is another candidate. */
HF_BENCH_TEST (votes_name_the_incarnation, hf_bench_open, 5, 5)
{
    static const struct {
        uint64_t term, incarnation;
        bool pre, granted;
    } cases[] = {{6, 300, false, true},
                 {6, 301, false, false},
                 {6, 300, false, true},
                 {7, 301, false, true},
                 {8, 302, true, true}};
    hf_vote_request_t m = {.from = 3, .last_index = 5, .last_term = 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        m.term = cases[i].term;
        m.incarnation = cases[i].incarnation;
        m.pre = cases[i].pre;
        hf_vote_t vote = s_asked (bench, m);
        assert_int_equal (vote.granted, cases[i].granted);
        assert_int_equal (vote.candidate, m.incarnation);
        if (i == 0)
            assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->voted_for.incarnation,
                              300);
    }
    hf_bench_close (bench);
    //  The vote is found again on disk with its incarnation.
    hf_bench_open_voted (bench, 6, (hf_member_t){3, 300});
    m = (hf_vote_request_t){3, 0, 6, .last_index = 5, .last_term = 1, .incarnation = 301};
    assert_false (s_asked (bench, m).granted);
    m.incarnation = 300;
    assert_true (s_asked (bench, m).granted);
}

HF_BENCH_TEST (first_vote, hf_bench_open, 0, 0)
{
    assert_int_equal (s_asked (bench, (hf_vote_request_t){1, 0, 1, .pre = true}).term, 1);
    assert_true (s_asked (bench, (hf_vote_request_t){1, 0, 1, .pre = false}).granted);
}

HF_BENCH_TEST (pre_votes, hf_bench_open, 5, 5)
{
    hf_vote_request_t good = {.from = 3, .term = 6, .last_index = 5, .last_term = 1, .pre = true};
    hf_vote_t vote = s_asked (bench, good);
    assert_true (vote.granted && vote.pre && vote.term == 6);
    assert_int_equal (hf_core_view (bench->core).term, 5); //  the terms stay
    assert_int_equal (hf_core_view (bench->core).voted_for, 0);
    good.term = 5;
    assert_false (s_asked (bench, good).granted); //  not for a term that has begun
    good.term = 6;
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1);
    vote = s_asked (bench, good);
    assert_true (!vote.granted && vote.term == 5); //  the leader is heard
    bench->now_us += 299999;
    assert_false (s_asked (bench, good).granted);
    bench->now_us += 1;
    assert_true (s_asked (bench, good).granted);
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1);
    HF_BENCH_EVENT (bench, BROKEN, .link.node = 1);
    assert_true (s_asked (bench, good).granted); //  its connection broke
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1);     //  from a queue of before
    assert_true (s_asked (bench, good).granted);
    bench->now_us += 50000;
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1); //  it lives
    assert_false (s_asked (bench, good).granted);
}

HF_BENCH_TEST (lost_vote, hf_bench_open, 5, 5)
{
    //  With no link up yet, every member may still vote.
    hf_bench_tick_after (bench, 600000);
    hf_bench_granted (bench, 3, 6, true, 0);
    assert_true (bench->effects.wake_at_us >= bench->now_us + 360000);
    hf_bench_close (bench);
    hf_bench_open (bench, 5, 5);
    hf_bench_link (bench, 1, true);
    hf_bench_link (bench, 3, true);
    hf_bench_tick_after (bench, 600000);
    hf_bench_granted (bench, 3, 9, true, 0);
    hf_bench_granted (bench, 3, 5, false, 0);
    assert_int_equal (hf_core_view (bench->core).role, HF_PRE_CANDIDATE); //  for other questions
    hf_bench_granted (bench, 3, 6, true, 0);
    hf_bench_commit (bench);
    assert_int_equal (hf_core_view (bench->core).role, HF_CANDIDATE);
    uint64_t timeout_us = bench->effects.wake_at_us;
    assert_true (timeout_us >= bench->now_us + 360000);
    hf_bench_vote (bench, (hf_vote_t){.from = 3, .term = 6});
    assert_int_equal (bench->effects.wake_at_us, timeout_us); //  node 1 may still vote for us
    hf_bench_link (bench, 1, false);
    hf_bench_vote (bench, (hf_vote_t){.from = 3, .term = 6});
    assert_true (bench->effects.wake_at_us <= bench->now_us + 50000);
    hf_bench_tick_after (bench, 50000);
    assert_int_equal (hf_core_view (bench->core).role, HF_PRE_CANDIDATE);
    assert_int_equal (hf_core_view (bench->core).term, 6);
}

HF_BENCH_TEST (newer_term, hf_bench_open, 5, 5)
{
    hf_bench_acked (bench, 3, 4, 0, 0);
    hf_bench_granted (bench, 3, 4, false, 0);
    HF_BENCH_PEER (bench, NEWER_TERM, newer_term, .from = 3, .to = 2, .term = 4);
    HF_BENCH_SAYS (bench, "FOLLOWING @5 0"); //  answers are not answered
    for (int i = 0; i < 10; i++)
        hf_bench_beat (bench, 3, 4, 0, 0, 0, 0);
    HF_BENCH_SAYS (bench, "3 NEWER_TERM @5"); //  nor is all answered at once
    bench->now_us += 50000;
    hf_bench_beat (bench, 3, 4, 0, 0, 0, 0);
    HF_BENCH_SAYS (bench, "3 NEWER_TERM @5");
    HF_BENCH_PEER (bench, NEWER_TERM, newer_term, .from = 3, .to = 2, .term = 8);
    HF_BENCH_SAYS (bench, "disk: vote 0 @8; FOLLOWING @8 0");
    hf_bench_vote (bench, (hf_vote_t){.from = 3, .term = 9, .pre = true});
    HF_BENCH_SAYS (bench, "disk: vote 0 @9; FOLLOWING @9 0");
    hf_bench_granted (bench, 3, 10, false, 0);
    HF_BENCH_SAYS (bench, "disk: vote 0 @10; FOLLOWING @10 0");
}

HF_BENCH_TEST (barriers_bounded, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_effects_reset (&bench->effects);
    for (uint64_t id = 1; id <= 100; id++)
        HF_BENCH_EVENT (bench, BARRIER, .barrier.id = id);
    assert_int_equal (bench->effects.notices.count, 0);
    hf_bench_acked (bench, 3, 6, 5, 101);
    assert_int_equal (bench->effects.notices.count, 0); //  the term is not open
    hf_bench_acked (bench, 3, 6, 6, 50);
    assert_int_equal (bench->effects.notices.count, 1 + HF_CORE_BARRIERS_MAX);
    assert_int_equal (bench->effects.notices.list[0].type, HF_NOTICE_LEADING);
    assert_int_equal (bench->effects.notices.list[1].id, 37);
    assert_int_equal (bench->effects.notices.list[HF_CORE_BARRIERS_MAX].id, 100);
    assert_int_equal (bench->effects.notices.list[HF_CORE_BARRIERS_MAX].index, 6);
}

HF_TEST_MAIN (NULL, NULL)
