//  Who leads when an operator says so, by hand: a lead that is asked for, and members that are
//  drained.

#include "base/hf_mutant.h"
#include "changes_stage.h"

int hf_mutant = HF_MUTANT_none;

static void
s_beats (hf_bench_t *bench, uint32_t count, const char *acks)
{
    for (uint32_t i = 0; i < count && hf_core_view (bench->core).transfer_to == 0; i++) {
        changes_beat (bench);
        changes_ack (bench, acks);
    }
}

static uint32_t
s_transfer_to (const hf_bench_t *bench)
{
    return hf_core_view (bench->core).transfer_to;
}

/*  Three of level 1, of which those in DRAINED (bits by slot) are. */
static hf_roster_t
s_three (uint32_t drained)
{
    hf_roster_t roster = changes_three (1);
    for (uint32_t i = 0; i < 3; i++)
        roster.members[i].flags |= (drained >> i & 1) != 0 ? HF_SEAT_DRAINED : 0;
    return roster;
}

static void
s_open_drained (hf_bench_t *bench, uint32_t drained)
{
    hf_roster_t roster = s_three (drained);
    changes_open_leading (bench, &roster);
}

//  ---- a lead that is asked for ---------------------------------------------------------------

HF_BENCH_TEST (a_lead_is_asked_for, changes_open_three, 0)
{
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_LEAD, 2), 0);
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_TRANSFER);
    assert_int_equal (out->to, 2);
    assert_true (out->message.transfer.asked);
    assert_int_equal (changes_last (bench), 6);                          //  no roster is made
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_LEAD, 2), 0); //  again
    assert_int_equal (changes_change (bench, 21, HF_CHANGE_LEAD, 3), HF_VERDICT_BUSY);
    hf_bench_commit (bench);
    hf_bench_tick_after (bench, 299000);
    assert_int_equal (changes_verdict (bench, 20), 0);
    changes_ack (bench, "23");
    hf_bench_tick_after (bench, 1000); //  it did not come
    assert_int_equal (changes_verdict (bench, 20), HF_VERDICT_CANNOT_LEAD);
    assert_true (hf_core_accepts (bench->core));
    assert_int_equal (changes_change (bench, 22, HF_CHANGE_LEAD, 1), HF_VERDICT_DONE);
    assert_int_equal (changes_change (bench, 23, HF_CHANGE_LEAD, 9), HF_VERDICT_NO_MEMBER);
    hf_bench_link (bench, 3, false);
    assert_int_equal (changes_change (bench, 24, HF_CHANGE_LEAD, 3), HF_VERDICT_CANNOT_LEAD);
}

HF_BENCH_TEST (a_learner_and_a_drained_one_cannot_lead, s_open_drained, 2)
{
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_LEAD, 2), HF_VERDICT_CANNOT_LEAD);
    hf_change_t learner = {.id = 21, .op = HF_CHANGE_ADD, .learns = true};
    learner.place = changes_seat (4, 3, 0);
    assert_int_equal (changes_ask (bench, learner), 0);
    changes_ack (bench, "23");
    changes_ack_as (bench, 4, changes_last (bench), 400);
    assert_int_equal (changes_change (bench, 22, HF_CHANGE_LEAD, 4), HF_VERDICT_CANNOT_LEAD);
    assert_int_equal (s_transfer_to (bench), 0);
}

/*  Node 2 got the lead from node 1. Gives to whom it hands it within five seconds. */
static uint32_t
s_hands_on (bool asked, int mutant)
{
    hf_bench_t bench;
    hf_roster_t roster = changes_three (1);
    changes_open (&bench, 2, &roster);
    hf_bench_beat (&bench, 1, 1, 1, 5, 5, 1);
    hf_bench_commit (&bench);
    HF_BENCH_PEER (&bench, TRANSFER, transfer, .from = 1, .to = 2, .term = 1, .last_index = 5,
                   .last_term = 1, .asked = asked);
    hf_bench_commit (&bench);
    hf_bench_granted (&bench, 1, 2, false, 100);
    hf_bench_link (&bench, 1, true);
    hf_bench_link (&bench, 3, true);
    changes_ack (&bench, "13");
    assert_int_equal (changes_role (&bench), HF_LEADER);
    hf_mutant = mutant;
    s_beats (&bench, 100, "13");
    hf_mutant = HF_MUTANT_none;
    uint32_t to = s_transfer_to (&bench);
    if (to == 0) { //  it goes when that is asked for
        assert_int_equal (changes_change (&bench, 20, HF_CHANGE_LEAD, 1), 0);
        assert_int_equal (s_transfer_to (&bench), 1);
    }
    hf_bench_close (&bench);
    return to;
}

HF_TEST (a_lead_that_was_asked_for_is_kept)
{
    assert_int_equal (s_hands_on (false, HF_MUTANT_none), 1);
    assert_int_equal (s_hands_on (true, HF_MUTANT_none), 0);
    assert_int_equal (s_hands_on (true, HF_MUTANT_lead_not_kept), 1);
}

//  ---- drained members --------------------------------------------------------------------------

HF_BENCH_TEST (drain_needs_a_level, changes_open_three, 0)
{
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_DRAIN, 2), HF_VERDICT_LEVEL);
}

HF_BENCH_TEST (members_are_drained, changes_open_three, 1)
{
    assert_int_equal (changes_change (bench, 20, HF_CHANGE_DRAIN, 9), HF_VERDICT_NO_MEMBER);
    assert_int_equal (changes_change (bench, 21, HF_CHANGE_UNDRAIN, 2), HF_VERDICT_DONE);
    for (uint32_t node = 2; node <= 3; node++) {
        assert_int_equal (changes_change (bench, 20 + node, HF_CHANGE_DRAIN, node), 0);
        changes_ack (bench, "23");
        assert_int_equal (changes_verdict (bench, 20 + node), HF_VERDICT_DONE);
    }
    assert_int_equal (changes_change (bench, 24, HF_CHANGE_DRAIN, 3), HF_VERDICT_DONE);
    assert_int_equal (changes_change (bench, 25, HF_CHANGE_DRAIN, 1), HF_VERDICT_ALL_DRAINED);
    assert_int_equal (hf_core_drained (bench->core), 6);
    assert_int_equal (changes_change (bench, 26, HF_CHANGE_UNDRAIN, 3), 0);
    changes_ack (bench, "23");
    assert_int_equal (hf_core_drained (bench->core), 2);
    changes_says (bench, "1 Vv, 2 Vv, 3 Vv"); //  they vote as before
}

/*  To whom node 1 hands over, when these are drained. */
static uint32_t
s_goes_to (uint32_t drained, int mutant)
{
    hf_bench_t bench;
    hf_mutant = mutant;
    s_open_drained (&bench, drained);
    s_beats (&bench, 4, "23"); //  at once, not after the time for a lower id
    uint32_t to = s_transfer_to (&bench);
    if (to != 0) //  given up: not before the backoff has passed
        hf_bench_tick_after (&bench, 300000);
    assert_int_equal (s_transfer_to (&bench), 0);
    s_beats (&bench, 20, "23");
    assert_int_equal (s_transfer_to (&bench), 0);
    hf_mutant = HF_MUTANT_none;
    hf_bench_close (&bench);
    return to;
}

HF_TEST (a_drained_leader_hands_over)
{
    assert_int_equal (s_goes_to (0, HF_MUTANT_none), 0);
    assert_int_equal (s_goes_to (1, HF_MUTANT_none), 2);
    assert_int_equal (s_goes_to (3, HF_MUTANT_none), 3);
    assert_int_equal (s_goes_to (7, HF_MUTANT_none), 0);
    assert_int_equal (s_goes_to (1, HF_MUTANT_drained_leads), 0);
    assert_int_equal (s_goes_to (3, HF_MUTANT_handed_to_drained), 2);
}

/*  A leader that stops hands over to one that is drained only when there is no other. */
HF_TEST (a_drained_one_is_the_last_choice)
{
    for (uint32_t drained = 2; drained <= 6; drained += 4) {
        hf_bench_t bench;
        s_open_drained (&bench, drained);
        HF_BENCH_EVENT (&bench, HANDOVER);
        assert_int_equal (s_transfer_to (&bench), drained == 2 ? 3 : 2);
        hf_bench_close (&bench);
    }
}

/*  How long node 1 waits before it stands. */
static uint64_t
s_waits_us (uint32_t drained, int mutant)
{
    hf_bench_t bench;
    hf_roster_t roster = s_three (drained);
    changes_open (&bench, 1, &roster);
    hf_mutant = mutant;
    hf_bench_beat (&bench, 2, 1, 1, 5, 5, 1);
    hf_mutant = HF_MUTANT_none;
    uint64_t waits_us = bench.effects.wake_at_us - bench.now_us;
    hf_bench_close (&bench);
    return waits_us;
}

HF_TEST (a_drained_one_stands_after_all_others)
{
    uint64_t all_us = 300000 + 2 * 60000 + 60000; //  the last of three, at most
    assert_true (s_waits_us (0, HF_MUTANT_none) < 300000 + 60000);
    assert_true (s_waits_us (6, HF_MUTANT_none) < 300000 + 60000);
    assert_true (s_waits_us (1, HF_MUTANT_none) > all_us);
    assert_true (s_waits_us (1, HF_MUTANT_drained_stands_first) < 300000 + 60000);
}

/*  Its disk was lost, and the new one is admitted: it is drained still. */
static bool
s_stays_drained (int mutant)
{
    hf_bench_t bench;
    s_open_drained (&bench, 2);
    hf_mutant = mutant;
    for (int i = 0; i < 4; i++) {
        changes_beat (&bench);
        changes_ack (&bench, "3");
        changes_ack_as (&bench, 2, changes_last (&bench), 201);
    }
    hf_mutant = HF_MUTANT_none;
    uint64_t index;
    assert_int_equal (hf_core_members (bench.core, &index)->members[1].incarnation, 201);
    bool drained = hf_core_drained (bench.core) == 2;
    hf_bench_close (&bench);
    return drained;
}

HF_TEST (a_new_disk_is_drained_as_the_old_one)
{
    assert_true (s_stays_drained (HF_MUTANT_none));
    assert_false (s_stays_drained (HF_MUTANT_drain_lost));
}

HF_TEST_MAIN (NULL, NULL)
