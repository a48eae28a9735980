//  Elections in full, and the leader by hand: check-quorum, barriers, hand-over to a lower id.

#include "hf_bench.h"

int hf_mutant = HF_MUTANT_none;

//  ---- elections ---------------------------------------------------------------------------

/*  The lowest id stands first: each rank waits 60 ms longer, with up to 30 ms of jitter. */
HF_TEST (election)
{
    uint64_t jitter_us[4] = {0};
    for (uint32_t self = 1; self <= 3; self++) {
        hf_bench_t bench;
        hf_bench_open_log (&bench, self, 3, 0, "", 0);
        uint64_t rank_us = (self - 1) * 60000;
        jitter_us[self] = hf_bench_wake (&bench) - 300000 - rank_us;
        assert_in_range (jitter_us[self], 0, 29999);
        assert_true (jitter_us[self] != jitter_us[self - 1]);
        HF_BENCH_SAYS (&bench, "0 VOTE_REQUEST @1 last 0/0 pre; FOLLOWING @0 0");
        uint64_t retry_us = (self - 1) * 10000;
        uint64_t before_us = 0;
        for (int i = 0; i < 3; i++) { //  without answers its term does not rise
            uint64_t us = hf_bench_wake (&bench);
            assert_in_range (us, 30000 + retry_us, 39999 + retry_us);
            assert_true (us != before_us);
            before_us = us;
            HF_BENCH_SAYS (&bench, "0 VOTE_REQUEST @1 last 0/0 pre");
        }
        hf_bench_close (&bench);
    }
}

HF_TEST (elected)
{
    hf_bench_t bench;
    hf_bench_open_log (&bench, 1, 5, 4, "1x3 3x2", 0);
    hf_bench_wake (&bench);
    HF_BENCH_SAYS (&bench, "0 VOTE_REQUEST @5 last 5/3 pre; FOLLOWING @4 0");
    hf_bench_granted (&bench, 5, 5, true, 0);
    hf_bench_wake (&bench);
    HF_BENCH_SAYS (&bench, "0 VOTE_REQUEST @5 last 5/3 pre");
    hf_bench_granted (&bench, 3, 5, true, 0); //  the vote of 5 was for the question before
    hf_bench_granted (&bench, 3, 5, true, 0);
    HF_BENCH_SAYS (&bench, "");
    hf_bench_granted (&bench, 4, 5, true, 0);
    HF_BENCH_SAYS (&bench, "disk: vote 1 @5; 0 VOTE_REQUEST @5 last 5/3; FOLLOWING @5 0");
    hf_bench_granted (&bench, 2, 5, false, 0);
    hf_bench_granted (&bench, 2, 5, false, 0); //  twice is once
    HF_BENCH_SAYS (&bench, "");
    hf_bench_granted (&bench, 3, 5, false, 0);
    HF_BENCH_SAYS (&bench, "disk: 6 opens @5; 0 early ENTRIES @5 commit 0 prev 5/3 +1; "
                           "0 early HEARTBEAT @5 round 1 commit 0 last 6/5");
    hf_bench_acked (&bench, 4, 5, 6, 1);
    hf_bench_acked (&bench, 5, 5, 6, 1);
    HF_BENCH_SAYS (&bench, ""); //  its own disk does not have it
    hf_bench_commit (&bench);
    HF_BENCH_SAYS (&bench, "LEADING @5; commit 6");
    assert_int_equal (hf_bench_wake (&bench), 5000);
    HF_BENCH_SAYS (&bench, "0 early ENTRIES @5 commit 6 prev 6/5 +0");
    assert_int_equal (hf_bench_wake (&bench), 45000);
    HF_BENCH_SAYS (&bench, "0 early HEARTBEAT @5 round 2 commit 6 last 6/5");
    hf_bench_close (&bench);
}

HF_TEST (one_member)
{
    for (uint64_t incarnation = 0; incarnation <= 7; incarnation += 7) {
        hf_core_config_t config = hf_bench_config (1, 1);
        hf_bench_t bench;
        config.incarnation = incarnation;
        hf_bench_open_core (&bench, &config, &(hf_restored_t){0});
        hf_bench_tick_after (&bench, 0);
        HF_BENCH_SAYS (&bench, incarnation ? "disk: vote 1 @1; disk: 1 roster @1; ROSTER @1 0 at 1"
                                           : "disk: vote 1 @1; disk: 1 opens @1");
        assert_int_equal (hf_core_view (bench.core).counted, 1);
        hf_bench_commit (&bench);
        HF_BENCH_EVENT (&bench, PROPOSE, .propose.count = 2);
        HF_BENCH_EVENT (&bench, BARRIER, .barrier.id = 7);
        HF_BENCH_EVENT (&bench, HANDOVER);
        HF_BENCH_SAYS (&bench, "disk: 2..3 @1 skip 0; LEADING @1; PASSED @1 7 at 1; commit 1");
        hf_bench_commit (&bench);
        hf_bench_tick_after (&bench, 400000);
        HF_BENCH_SAYS (&bench, "commit 3");
        hf_bench_close (&bench);
    }
}

/*  When the leader's connection breaks, those that are left stand one after the other. */
HF_TEST (broken_leader)
{
    static const struct {
        uint32_t self, leader, broken;
        uint64_t wait_us; //  0: at once
    } cases[] = {{2, 1, 1, 0},     {1, 3, 3, 0},      {1, 2, 2, 0},
                 {3, 1, 1, 15000}, {3, 2, 2, 15000},  {5, 1, 1, 45000},
                 {4, 5, 5, 45000}, {2, 1, 3, 300000}, {2, 0, 1, 300000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_bench_t bench;
        hf_bench_open_log (&bench, cases[i].self, 5, 3, "1x1", 0);
        if (cases[i].leader != 0)
            hf_bench_beat (&bench, cases[i].leader, 3, 1, 0, 1, 1);
        for (uint32_t node = 1; node <= 5; node++)
            hf_bench_link (&bench, node, true);
        HF_BENCH_EVENT (&bench, DURABLE, .durable = {.index = 1, .term = 1});
        assert_int_equal (hf_core_view (bench.core).links, 31U & ~(1U << (cases[i].self - 1)));
        hf_bench_said (&bench);
        hf_bench_link (&bench, cases[i].broken, false); //  may come back
        HF_BENCH_SAYS (&bench, "");
        HF_BENCH_EVENT (&bench, BROKEN, .link.node = cases[i].broken);
        if (cases[i].wait_us == 300000)
            assert_true (hf_bench_wake (&bench) >= 300000);
        else if (cases[i].wait_us > 0) {
            HF_BENCH_SAYS (&bench, "FOLLOWING @3 0");
            assert_in_range (hf_bench_wake (&bench), cases[i].wait_us, cases[i].wait_us + 3000);
        }
        assert_non_null (strstr (hf_bench_said (&bench), "0 VOTE_REQUEST @4 last 1/1 pre"));
        assert_in_range (hf_bench_wake (&bench), 30000, 80000);
        hf_bench_close (&bench);
    }
}

//  ---- the commit index -------------------------------------------------------------------------

/*  Propose one, which is durable here then; gives what that said. */
static const char *
s_propose (hf_bench_t *bench)
{
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    const char *said = hf_bench_said (bench);
    hf_bench_commit (bench);
    return said;
}

/*  Peers are told soon what is committed: with the next entries or the next heartbeat if that is
 *  soon, otherwise alone, and once. */
HF_TEST (commit_is_told)
{
    hf_bench_t bench;
    hf_bench_open (&bench, 1, 5);
    hf_bench_make_leader (&bench);
    hf_bench_acked (&bench, 3, 2, 6, 1);
    hf_bench_tick_after (&bench, 5000);
    hf_bench_said (&bench);
    assert_int_equal (hf_bench_wake (&bench), 45000);
    HF_BENCH_SAYS (&bench, "0 early HEARTBEAT @2 round 2 commit 6 last 6/2");

    assert_string_equal (s_propose (&bench),
                         "disk: 7..7 @2 skip 0; 0 early ENTRIES @2 commit 6 prev 6/2 +1");
    hf_bench_acked (&bench, 3, 2, 7, 2);
    HF_BENCH_SAYS (&bench, "commit 7");
    hf_bench_tick_after (&bench, 1000);
    HF_BENCH_SAYS (&bench, "");
    assert_string_equal (s_propose (&bench),
                         "disk: 8..8 @2 skip 0; 0 early ENTRIES @2 commit 7 prev 7/2 +1");
    hf_bench_tick_after (&bench, 1500); //  that told it
    HF_BENCH_SAYS (&bench, "");

    hf_bench_acked (&bench, 3, 2, 8, 2);
    assert_int_equal (hf_bench_wake (&bench), 5000);
    HF_BENCH_SAYS (&bench, "0 early ENTRIES @2 commit 8 prev 8/2 +0; commit 8");
    assert_int_equal (hf_bench_wake (&bench), 50000 - 7500);
    HF_BENCH_SAYS (&bench, "0 early HEARTBEAT @2 round 3 commit 8 last 8/2");

    s_propose (&bench);
    hf_bench_tick_after (&bench, 49000);
    hf_bench_acked (&bench, 3, 2, 9, 3);
    hf_bench_said (&bench);
    assert_int_equal (hf_bench_wake (&bench), 1000); //  a heartbeat tells it sooner
    HF_BENCH_SAYS (&bench, "0 early HEARTBEAT @2 round 4 commit 9 last 9/2");
    assert_int_equal (hf_bench_wake (&bench), 50000);
    hf_bench_close (&bench);
}

/*  A follower commits what it is told so. */
HF_TEST (commit_is_heard)
{
    hf_bench_t bench;
    hf_bench_open (&bench, 1, 5);
    hf_bench_beat (&bench, 1, 1, 1, 3, 5, 1);
    hf_bench_said (&bench);
    hf_bench_append (&bench, 1, 1, 5, 5, 1);
    HF_BENCH_SAYS (&bench, "commit 5");
    hf_bench_close (&bench);
}

//  ---- check-quorum and barriers -------------------------------------------------------------

/*  Node 2 leads term 6 of COUNT members, and the entry that opens it, 6, is committed. */
static void
s_lead (hf_bench_t *bench, uint32_t count)
{
    hf_bench_open_log (bench, 2, count, 5, "1x5", 0);
    for (uint32_t node = 1; node <= count; node++)
        hf_bench_link (bench, node, true);
    hf_bench_wake (bench);
    for (uint32_t from = count; from > count / 2 + 1; from--)
        hf_bench_granted (bench, from, 6, true, 0);
    hf_bench_commit (bench);
    for (uint32_t from = count; from > count / 2 + 1; from--)
        hf_bench_granted (bench, from, 6, false, 0);
    hf_bench_commit (bench);
    for (uint32_t from = count; from > count / 2 + 1; from--)
        hf_bench_acked (bench, from, 6, 6, 1);
    assert_non_null (strstr (hf_bench_said (bench), "LEADING @6; commit 6"));
}

/*  FROM acknowledges all but LACKS entries, and hears those members. */
static void
s_ack (hf_bench_t *bench, uint32_t from, uint64_t lacks, uint32_t hears)
{
    HF_BENCH_PEER (bench, ACK, ack, .from = from, .term = 6, .hears = hears,
                   .index = bench->core->log.last_index - lacks, .round = bench->core->round);
}

/*  BEATS heartbeats, each of which the members in MASK (by id) acknowledge. */
static void
s_run (hf_bench_t *bench, uint32_t beats, uint32_t mask)
{
    for (; beats > 0; beats--) {
        hf_bench_tick_after (bench, 50000);
        for (uint32_t from = 1; from <= 5; from++)
            if ((mask >> from & 1) != 0)
                s_ack (bench, from, 0, 7);
        hf_bench_commit (bench);
    }
}

#define MASK(a, b) (1U << (a) | 1U << (b))

/*  A leader that hears no majority for an election timeout steps down; what was asked is void. */
HF_BENCH_TEST (check_quorum, s_lead, 5)
{
    s_run (bench, 20, MASK (4, 5));
    s_run (bench, 5, MASK (4, 4)); //  one of four peers is no majority
    hf_bench_said (bench);
    hf_bench_link (bench, 5, false);
    HF_BENCH_EVENT (bench, BROKEN, .link.node = 2);
    HF_BENCH_PEER (bench, VOTE_REQUEST, vote_request, 1, 0, 7, 6, 6, .pre = true);
    HF_BENCH_SAYS (bench, "1 VOTE @6 no pre"); //  while it leads
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 3);
    uint64_t round = bench->core->round;
    assert_int_equal (hf_bench_wake (bench), 50000);
    HF_BENCH_SAYS (bench, "0 early HEARTBEAT @6 round 27 commit 6 last 6/6; FOLLOWING @6 0");
    for (uint32_t from = 1; from <= 5; from += 2)
        hf_bench_acked (bench, from, 6, 6, round);
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 4); //  on a follower it has no effect
    HF_BENCH_SAYS (bench, "");
    assert_in_range (hf_bench_wake (bench), 360000, 390000);
}

/*  A majority must acknowledge a round that began after the barrier came; a later one serves. */
HF_BENCH_TEST (barriers, s_lead, 5)
{
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 1);
    HF_BENCH_SAYS (bench, "0 early HEARTBEAT @6 round 2 commit 6 last 6/6");
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 2);
    HF_BENCH_EVENT (bench, BARRIER, .barrier.id = 3);
    hf_bench_said (bench);
    hf_bench_acked (bench, 1, 6, 6, 3);
    hf_bench_acked (bench, 4, 6, 6, 1);
    HF_BENCH_SAYS (bench, "");
    hf_bench_acked (bench, 5, 6, 6, 4);
    HF_BENCH_SAYS (bench, "PASSED @6 1 at 6; PASSED @6 2 at 6");
    hf_bench_acked (bench, 1, 6, 6, 4);
    HF_BENCH_SAYS (bench, "PASSED @6 3 at 6");
}

/*  The time in which this node did not run is no silence of the others. */
HF_TEST (stalled)
{
    hf_bench_t bench;
    s_lead (&bench, 3);
    bench.now_us += 400000;
    HF_BENCH_EVENT (&bench, STALL, .stall.for_us = 150000);
    HF_BENCH_EVENT (&bench, STALL, .stall.for_us = UINT64_MAX); //  longer than it has run
    hf_bench_tick_after (&bench, 49999);
    assert_int_equal (hf_core_view (bench.core).role, HF_LEADER);
    hf_bench_tick_after (&bench, 1);
    assert_int_equal (hf_core_view (bench.core).role, HF_FOLLOWER);
    hf_bench_beat (&bench, 1, 7, 1, 6, 6, 6);
    uint64_t wake_us = bench.effects.wake_at_us;
    HF_BENCH_EVENT (&bench, STALL, .stall.for_us = 100000);
    assert_int_equal (bench.effects.wake_at_us, wake_us + 100000);
    hf_bench_close (&bench);
}

//  ---- hand-over to a lower id ------------------------------------------------------------------

/*  The lowest id that has been fit for two seconds is handed the lead, not before. */
HF_TEST (fitness)
{
    static const struct {
        const char *name;
        uint32_t id, hears;
        bool no_link, no_other_link, stays, given, alone;
        uint64_t lacks;
        uint32_t silent_from, silent_to; //  beats
    } cases[] = {{"fit", 1, 7, .given = true},
                 {"hears itself and the leader", 1, 3, .given = false},
                 {"and the leader hears no other", 1, 3, .given = true, .alone = true},
                 {"and the leader's link to the other is not up yet", 1, 3, .no_other_link = true},
                 {"hears itself alone", 1, 1, .given = false},
                 {"a higher id", 3, 7, .given = false},
                 {"the link is down", 1, 7, .no_link = true},
                 {"lacks an entry", 1, 7, .lacks = 1},
                 {"silent for two heartbeats", 1, 7, .given = true, .silent_from = 20, 21},
                 {"silent for three heartbeats", 1, 7, .silent_from = 20, 22},
                 {"is not heard", 1, 7, .silent_to = 99},
                 {"switched off", 1, 7, .stays = true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_bench_t bench;
        s_lead (&bench, 3);
        bench.core->config.prefer_lowest = !cases[i].stays;
        if (cases[i].no_link)
            hf_bench_link (&bench, 1, false);
        if (cases[i].alone || cases[i].no_other_link)
            hf_bench_link (&bench, 3, false);
        for (uint32_t beat = 1; beat <= 46; beat++) {
            s_run (&bench, 1, cases[i].alone ? 0 : MASK (3, 3));
            if (beat < cases[i].silent_from || beat > cases[i].silent_to)
                s_ack (&bench, cases[i].id, cases[i].lacks, cases[i].hears);
            //  What was heard at first counts for three heartbeats.
            bool given = cases[i].given && beat >= (cases[i].alone ? 44 : 42);
            if ((hf_core_view (bench.core).transfer_to != 0) != given)
                fail_msg ("%s: beat %u", cases[i].name, beat);
        }
        hf_bench_close (&bench);
    }
}

/*  The beat at which the lead is handed over when this node stands still for FOR_US at beat 41,
 *  the last but one of the two seconds; by what node 1 said before. 0: it is not. */
static uint32_t
s_given_at (uint64_t for_us)
{
    hf_bench_t bench;
    uint32_t given = 0;
    s_lead (&bench, 3);
    for (uint32_t beat = 1; beat <= 90 && given == 0; beat++) {
        s_run (&bench, 1, MASK (3, 3));
        s_ack (&bench, 1, 0, 7);
        if (beat == 41) {
            bench.now_us += for_us;
            HF_BENCH_EVENT (&bench, STALL, .stall.for_us = for_us);
        }
        given = hf_core_view (bench.core).transfer_to != 0 ? beat : 0;
    }
    hf_bench_close (&bench);
    return given;
}

/*  P11. What was said before a standstill is old: who is fit must be so for two seconds anew. A
 *  short one changes nothing. */
HF_TEST (fit_since_the_standstill)
{
    assert_int_equal (s_given_at (0), 42);
    assert_int_equal (s_given_at (299999), 42);
    assert_int_equal (s_given_at (300000), 42 + 40);
    hf_mutant = HF_MUTANT_fit_before_stall;
    assert_int_equal (s_given_at (300000), 42);
    hf_mutant = HF_MUTANT_none;
}

/*  It leads with less than the leader before it had kept; peers refuse a heartbeat that keeps what
 *  lies beyond its end. */
HF_TEST (keep)
{
    hf_bench_t bench;
    hf_bench_open_log (&bench, 2, 3, 4, "1x4", 0);
    HF_BENCH_PEER (&bench, HEARTBEAT, heartbeat, .from = 3, .term = 4, .round = 9,
                   .last_index = 100, .last_term = 4, .keep = 91);
    hf_bench_make_leader (&bench);
    hf_bench_tick_after (&bench, 50000);
    const hf_outgoing_t *sent = hf_bench_sent (&bench, HF_KIND_HEARTBEAT);
    assert_int_equal (sent->message.heartbeat.last_index, 5);
    assert_int_equal (sent->message.heartbeat.keep, 6);
    hf_bench_close (&bench);
}

/*  The target first gets the entries that it lacks, and nothing new is taken meanwhile. A transfer
 *  that brings nothing is given up after an election timeout, and the next one waits twice as long.
 */
HF_BENCH_TEST (transfer, s_lead, 3)
{
    s_run (bench, 41, MASK (1, 3));
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 2);
    hf_bench_commit (bench);
    s_ack (bench, 3, 0, 7);
    hf_bench_said (bench);
    hf_bench_tick_after (bench, 50000);
    HF_BENCH_SAYS (bench, "0 early HEARTBEAT @6 round 43 commit 8 last 8/6");
    HF_BENCH_EVENT (bench, PROPOSE, .propose.count = 1);
    HF_BENCH_SAYS (bench, "");
    s_ack (bench, 1, 0, 7);
    HF_BENCH_SAYS (bench, "1 TRANSFER @6 last 8/6");
    s_ack (bench, 1, 0, 7);
    HF_BENCH_SAYS (bench, "");
    hf_bench_tick_after (bench, 50000);
    HF_BENCH_SAYS (bench,
                   "0 early HEARTBEAT @6 round 44 commit 8 last 8/6; 1 TRANSFER @6 last 8/6");
    s_run (bench, 4, MASK (1, 3));
    assert_false (hf_core_accepts (bench->core));
    for (uint32_t again = 1; again <= 8; again++) {
        uint32_t beats = 40U << (again < 6 ? again : 6);
        s_run (bench, 1, MASK (1, 3));
        assert_true (hf_core_accepts (bench->core));
        s_run (bench, beats - 1, MASK (1, 3));
        assert_int_equal (hf_core_view (bench->core).transfer_to, 0);
        s_run (bench, 1, MASK (1, 3));
        assert_int_equal (hf_core_view (bench->core).transfer_to, 1);
        s_run (bench, 5, MASK (1, 3));
    }
    //  Deposed, with a transfer under way; and when it leads again, all begins anew.
    hf_bench_beat (bench, 1, 7, 1, 8, 8, 6);
    assert_int_equal (hf_core_view (bench->core).transfer_to, 0);
    hf_bench_make_leader (bench);
    hf_bench_said (bench);
    hf_bench_acked (bench, 3, 8, 8, 0);
    HF_BENCH_SAYS (bench, "");
    hf_bench_acked (bench, 3, 8, 9, 1);
    HF_BENCH_SAYS (bench, "LEADING @8; commit 9");
}

/*  A leader that is about to stop hands over at once: to the lowest id that is fit, else to the
 *  reachable node with the most entries. */
HF_TEST (handover)
{
    static const struct {
        uint32_t links, hears[2]; //  of nodes 1 and 3
        uint64_t lacks[2];
        uint32_t to;
    } cases[] = {{7, {7, 7}, {0, 0}, 1}, {7, {7, 7}, {1, 0}, 3}, {6, {7, 7}, {0, 0}, 3},
                 {7, {1, 4}, {0, 1}, 1}, {7, {1, 4}, {1, 0}, 3}, {7, {1, 4}, {0, 0}, 1},
                 {3, {1, 4}, {1, 0}, 1}, {2, {7, 7}, {0, 0}, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_bench_t bench;
        s_lead (&bench, 3);
        for (uint32_t node = 1; node <= 3; node++)
            hf_bench_link (&bench, node, (cases[i].links >> (node - 1) & 1) != 0);
        s_run (&bench, 1, 0);
        for (uint32_t node = 1; node <= 3; node += 2)
            s_ack (&bench, node, cases[i].lacks[node / 2], cases[i].hears[node / 2]);
        hf_bench_said (&bench);
        HF_BENCH_EVENT (&bench, HANDOVER);
        assert_int_equal (bench.core->transfer_to, cases[i].to);
        const hf_outgoing_t *out = hf_bench_sent (&bench, HF_KIND_TRANSFER);
        bool whole = cases[i].to != 0 && cases[i].lacks[cases[i].to / 2] == 0;
        assert_true (whole ? out->to == cases[i].to : out == NULL);
        HF_BENCH_EVENT (&bench, HANDOVER);
        assert_int_equal (bench.core->transfer_to, cases[i].to);
        hf_bench_close (&bench);
    }
}

/*  And it does not stand again soon: not in time, not at once, not when it is handed the lead. */
HF_BENCH_TEST (abstains, hf_bench_open, 5, 5)
{
    HF_BENCH_EVENT (bench, HANDOVER);
    uint64_t until_us = bench->now_us + 3000000;
    hf_bench_beat (bench, 1, 5, 1, 0, 5, 1);
    HF_BENCH_PEER (bench, TRANSFER, transfer, 1, 2, 5, .last_index = 5, .last_term = 1);
    HF_BENCH_EVENT (bench, BROKEN, .link.node = 1);
    hf_bench_commit (bench);
    while (bench->effects.wake_at_us < until_us) {
        hf_bench_wake (bench);
        assert_int_equal (hf_core_view (bench->core).role, HF_FOLLOWER);
    }
    assert_int_equal (bench->effects.wake_at_us, until_us);
    hf_bench_wake (bench);
    assert_int_equal (hf_core_view (bench->core).role, HF_PRE_CANDIDATE);
}

HF_TEST_MAIN (NULL, NULL)
