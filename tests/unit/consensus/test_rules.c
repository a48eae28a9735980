//  The rules of design 4, by hand: durable first, elections, barriers.

#include "hf_bench.h"

//  ---- durable first -------------------------------------------------------------------------

HF_BENCH_TEST (ack_durable, hf_bench_open, 5, 5)
{
    hf_bench_put (bench, 5, 4);
    hf_bench_append (bench, 1, 5, 9, 5, 1);
    assert_int_equal (hf_core_view (bench->core).verified_index, 9);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 5);
    assert_false (hf_bench_sent (bench, HF_KIND_ACK)->early);
    //  What was durable and is cut off since says nothing.
    hf_event_t event = {.type = HF_EV_DURABLE};
    event.durable.index = 7;
    event.durable.term = 4;
    hf_bench_step (bench, &event);
    assert_int_equal (hf_core_view (bench->core).durable_index, 5);
    hf_effects_reset (&bench->effects);
    event.durable.term = 5;
    hf_bench_step (bench, &event);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 7);
}

HF_BENCH_TEST (ack_verified, hf_bench_open, 5, 5)
{
    //  The end of our log is durable, and not of this leader's log.
    hf_heartbeat_t beat = {
        .from = 1, .term = 5, .round = 4, .commit = 7, .last_index = 7, .last_term = 4};
    hf_bench_heartbeat (bench, beat);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.round, 4);
    assert_int_equal (bench->effects.commit_index, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_NEED)->message.need.probe_index, 5);
    hf_bench_put (bench, 1, 1);
    hf_entries_t m = {.from = 1, .to = 2, .term = 5, .commit = 7, .prev_index = 2, .prev_term = 1};
    hf_bench_entries (bench, m);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 3);
    assert_int_equal (bench->effects.commit_index, 3);
}

/*  Nothing that one leader said is held against the next. */
HF_BENCH_TEST (new_term, hf_bench_open, 5, 5)
{
    hf_heartbeat_t beat = {
        .from = 1, .term = 5, .round = 9, .commit = 5, .last_index = 90, .last_term = 5};
    hf_bench_heartbeat (bench, beat); //  commit 5 is clamped to what is verified: nothing
    assert_int_equal (bench->effects.commit_index, 0);
    hf_bench_put (bench, 5, 3);
    hf_bench_append (bench, 1, 5, 0, 5, 1);
    hf_bench_commit (bench);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 8);
    hf_bench_commit (bench);
    //  The next leader has only our first five; what it adds is acknowledged once durable.
    hf_bench_put (bench, 6, 1);
    hf_bench_append (bench, 3, 6, 7, 5, 1);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_TRUNCATE)->index, 6);
    assert_int_equal (bench->effects.commit_index, 6);
    assert_null (hf_bench_sent (bench, HF_KIND_NEED)); //  nobody has 90 entries now
    hf_bench_commit (bench);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 6);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.round, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->to, 3);
    hf_effects_reset (&bench->effects);
    beat = (hf_heartbeat_t){
        .from = 3, .term = 6, .round = 1, .commit = 6, .last_index = 6, .last_term = 6};
    hf_bench_heartbeat (bench, beat);
    assert_null (hf_bench_sent (bench, HF_KIND_NEED)); //  it has no more than we have
}

HF_BENCH_TEST (acks_overtaken, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_event_t barrier = {.type = HF_EV_BARRIER, .barrier = {.id = 1}};
    hf_bench_acked (bench, 3, 6, 6, 1);
    hf_event_t event = {.type = HF_EV_PROPOSE, .propose = {.count = 1}};
    hf_bench_step (bench, &event);
    hf_bench_acked (bench, 3, 6, 7, 1);
    hf_bench_acked (bench, 3, 6, 5, 0);
    hf_bench_commit (bench);
    assert_int_equal (bench->effects.commit_index, 7);
    hf_effects_reset (&bench->effects);
    hf_bench_step (bench, &barrier);
    hf_bench_acked (bench, 3, 6, 7, 1);
    assert_int_equal (bench->effects.notices.count, 0); //  of the round before
    hf_bench_acked (bench, 3, 6, 5, 2);
    assert_int_equal (bench->effects.notices.list[0].type, HF_NOTICE_PASSED);
    assert_int_equal (bench->effects.notices.list[0].index, 7);
}

HF_BENCH_TEST (skips_what_is_there, hf_bench_open, 5, 5)
{
    hf_bench_put (bench, 1, 2);
    hf_bench_put (bench, 5, 3);
    hf_bench_append (bench, 1, 5, 0, 3, 1);
    const hf_persist_t *append = hf_bench_persisted (bench, HF_PERSIST_APPEND);
    assert_int_equal (append->index, 6);
    assert_int_equal (append->skip, 2);
    assert_int_equal (append->count, 3);
    assert_null (hf_bench_persisted (bench, HF_PERSIST_TRUNCATE));
}

HF_BENCH_TEST (early, hf_bench_open, 5, 5)
{
    hf_bench_tick_after (bench, 600000);
    hf_bench_granted (bench, 3, 6, true, 0);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->term, 6);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->voted_for.node, 2);
    assert_false (hf_bench_sent (bench, HF_KIND_VOTE_REQUEST)->early);
    //  A vote comes before ours is on disk: nobody honest sends it, but nothing may leave.
    hf_bench_granted (bench, 3, 6, false, 0);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_OWN)->index, 6);
    assert_false (hf_bench_sent (bench, HF_KIND_ENTRIES)->early);
    assert_false (hf_bench_sent (bench, HF_KIND_HEARTBEAT)->early);
    hf_bench_commit (bench);
    hf_event_t event = {.type = HF_EV_PROPOSE, .propose = {.count = 2}};
    assert_false (hf_core_accepts (bench->core)); //  the term is not open
    hf_bench_step (bench, &event);
    assert_int_equal (bench->effects.persists.count, 0);
    assert_int_equal (hf_core_view (bench->core).last_index, 6);
    hf_bench_acked (bench, 3, 6, 6, 1);
    assert_true (hf_core_accepts (bench->core));
    hf_bench_step (bench, &event);
    assert_true (hf_bench_sent (bench, HF_KIND_ENTRIES)->early);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->entries_count, 2);
}

HF_BENCH_TEST (unsent_entries, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_event_t event = {
        .type = HF_EV_PEER,
        .peer = {.kind = HF_KIND_NEED,
                 .need = {.from = 3, .to = 2, .term = 6, .probe_index = 4, .probe_term = 1}}};
    hf_bench_step (bench, &event);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->entries_count, 1);
    //  A higher term in the same batch: its leader may replace what the message was to carry.
    hf_bench_beat (bench, 1, 7, 0, 0, 0, 0);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ENTRIES)->entries_count, 0);
}

HF_BENCH_TEST (commit_own_term, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_bench_acked (bench, 1, 6, 5, 1);
    hf_bench_acked (bench, 3, 6, 5, 1);
    assert_int_equal (bench->effects.commit_index, 0); //  of an earlier term, on all disks (3.6.2)
    hf_bench_acked (bench, 3, 6, 99, 1);
    hf_bench_acked (bench, 3, 6, 6, 99);
    assert_int_equal (bench->effects.commit_index, 0); //  what we never sent
    hf_bench_acked (bench, 3, 5, 6, 1);
    assert_int_equal (bench->effects.commit_index, 0); //  of another term
    hf_bench_acked (bench, 3, 6, 6, 1);
    assert_int_equal (bench->effects.commit_index, 6);
}

//  ---- elections
//  ----------------------------------------------------------------------------------

HF_BENCH_TEST (transfer_void, hf_bench_open, 5, 5)
{
    hf_transfer_t m = {.from = 1, .to = 2, .term = 5, .last_index = 5, .last_term = 1};
    hf_bench_transfer (bench, m); //  from one who was not heard to lead
    assert_int_equal (hf_core_view (bench->core).term, 5);
    hf_bench_beat (bench, 1, 5, 0, 0, 5, 1);
    hf_transfer_t other = m;
    other.last_index = 6;
    hf_bench_transfer (bench, other);
    other.last_index = 4;
    hf_bench_transfer (bench, other);
    other = m;
    other.last_term = 2;
    hf_bench_transfer (bench, other);
    other = m;
    other.from = 3;
    hf_bench_transfer (bench, other);
    assert_int_equal (hf_core_view (bench->core).term, 5);
    hf_bench_put (bench, 1, 1);
    hf_bench_append (bench, 1, 5, 0, 5, 1);
    hf_bench_transfer (bench, m); //  the log has gone on
    assert_int_equal (hf_core_view (bench->core).term, 5);
    hf_bench_put (bench, 5, 1);
    hf_bench_append (bench, 1, 5, 0, 6, 1);
    other = m;
    other.last_index = 7;
    other.last_term = 5;
    hf_bench_transfer (bench, other); //  not on disk yet
    assert_int_equal (hf_core_view (bench->core).term, 5);
    hf_bench_commit (bench);
    hf_bench_transfer (bench, other);
    assert_int_equal (hf_core_view (bench->core).term, 6);
    assert_int_equal (hf_core_view (bench->core).role, HF_CANDIDATE);
}

/*  What node 2 answers to a request; its effects are forgotten before. */
static hf_vote_t
s_asked (hf_bench_t *bench, hf_vote_request_t m)
{
    hf_effects_reset (&bench->effects);
    hf_event_t event = {.type = HF_EV_PEER,
                        .peer = {.kind = HF_KIND_VOTE_REQUEST, .vote_request = m}};
    hf_bench_step (bench, &event);
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
    hf_vote_request_t m = {
        .from = 3, .term = 6, .last_index = 5, .last_term = 1, .incarnation = 300};
    hf_vote_t vote = s_asked (bench, m);
    assert_true (vote.granted);
    assert_int_equal (vote.candidate, 300);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->voted_for.incarnation, 300);
    m.incarnation = 301;
    vote = s_asked (bench, m);
    assert_false (vote.granted);
    assert_int_equal (vote.candidate, 301);
    m.incarnation = 300;
    assert_true (s_asked (bench, m).granted);
    m.incarnation = 301;
    m.term = 7;
    assert_true (s_asked (bench, m).granted);
    m.pre = true;
    m.term = 8;
    m.incarnation = 302;
    assert_int_equal (s_asked (bench, m).candidate, 302);
    hf_bench_close (bench);
    //  The vote is found again on disk with its incarnation.
    hf_bench_open_voted (bench, 6, (hf_member_t){3, 300});
    m = (hf_vote_request_t){
        .from = 3, .term = 6, .last_index = 5, .last_term = 1, .incarnation = 301};
    assert_false (s_asked (bench, m).granted);
    m.incarnation = 300;
    assert_true (s_asked (bench, m).granted);
}

HF_BENCH_TEST (pre_votes, hf_bench_open, 5, 5)
{
    hf_vote_request_t good = {.from = 3, .term = 6, .last_index = 5, .last_term = 1, .pre = true};
    hf_vote_t vote = s_asked (bench, good);
    assert_true (vote.granted && vote.pre && vote.term == 6);
    assert_int_equal (hf_core_view (bench->core).term, 5); //  it moves nobody
    assert_int_equal (hf_core_view (bench->core).voted_for, 0);
    hf_heartbeat_t beat = {.from = 1, .term = 5, .last_index = 5, .last_term = 1};
    hf_bench_heartbeat (bench, beat);
    vote = s_asked (bench, good);
    assert_true (!vote.granted && vote.term == 5); //  the leader is heard
    bench->now_us += 299999;
    assert_false (s_asked (bench, good).granted);
    bench->now_us += 1;
    assert_true (s_asked (bench, good).granted);
    hf_bench_heartbeat (bench, beat);
    hf_event_t broken = {.type = HF_EV_BROKEN, .link = {.node = 1}};
    hf_bench_step (bench, &broken);
    assert_true (s_asked (bench, good).granted); //  its connection broke
    hf_bench_heartbeat (bench, beat);            //  from a queue of before
    assert_true (s_asked (bench, good).granted);
    bench->now_us += 50000;
    hf_bench_heartbeat (bench, beat); //  it lives
    assert_false (s_asked (bench, good).granted);
}

HF_BENCH_TEST (lost_vote, hf_bench_open, 5, 5)
{
    //  With no link up yet, nothing is known of anybody.
    hf_bench_tick_after (bench, 600000);
    hf_bench_granted (bench, 3, 6, true, 0);
    assert_true (bench->effects.wake_at_us >= bench->now_us + 360000);
    hf_bench_close (bench);
    hf_bench_open (bench, 5, 5);
    hf_event_t link = {.type = HF_EV_LINK, .link = {.node = 1, .up = true}};
    hf_bench_step (bench, &link);
    link.link.node = 3;
    hf_bench_step (bench, &link);
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
    link.link.node = 1;
    link.link.up = false;
    hf_bench_step (bench, &link);
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
    hf_event_t event = {
        .type = HF_EV_PEER,
        .peer = {.kind = HF_KIND_NEWER_TERM, .newer_term = {.from = 3, .to = 2, .term = 4}}};
    hf_bench_step (bench, &event);
    assert_int_equal (bench->effects.messages.count, 0); //  answers are not answered
    for (int i = 0; i < 10; i++)
        hf_bench_beat (bench, 3, 4, 0, 0, 0, 0);
    assert_int_equal (bench->effects.messages.count, 1); //  nor is all answered at once
    assert_int_equal (bench->effects.messages.list[0].message.newer_term.term, 5);
    assert_int_equal (bench->effects.messages.list[0].to, 3);
    assert_false (bench->effects.messages.list[0].early);
    bench->now_us += 50000;
    hf_bench_beat (bench, 3, 4, 0, 0, 0, 0);
    assert_int_equal (bench->effects.messages.count, 2);
    event.peer.newer_term.term = 8;
    hf_bench_step (bench, &event);
    assert_int_equal (hf_core_view (bench->core).term, 8);
    assert_int_equal (hf_bench_persisted (bench, HF_PERSIST_VOTE)->term, 8);
}

HF_BENCH_TEST (barriers_bounded, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_effects_reset (&bench->effects);
    hf_event_t event = {.type = HF_EV_BARRIER};
    for (uint64_t id = 1; id <= 100; id++) {
        event.barrier.id = id;
        hf_bench_step (bench, &event);
    }
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
