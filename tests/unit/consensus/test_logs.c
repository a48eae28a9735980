//  Logs: the class against a slow twin; gaps asked for and repaired; states offered and needed.

#include "hf_bench.h"
#include "base/hf_random.h"

static hf_random_t s_seed = {7};

static uint64_t
s_random (uint64_t limit)
{
    return hf_random_below (&s_seed, limit);
}

static void
s_compare (const hf_core_log_t *log, const uint64_t *terms, uint64_t base, uint64_t last)
{
    assert_int_equal (log->first_index, base + 1);
    assert_int_equal (log->last_index, last);
    assert_int_equal (hf_core_log_last_term (log), terms[last]);
    hf_core_log_check (log);
    for (uint64_t index = 0; index <= last + 1; index++) {
        bool there = index >= base && index <= last;
        assert_int_equal (hf_core_log_term_at (log, index), there ? terms[index] : 0);
        uint64_t term = s_random (20);
        uint64_t point = index <= last ? index : last;
        while (point > base && terms[point] > term)
            point--;
        point = point < base || terms[point] > term ? 0 : point;
        assert_int_equal (hf_core_log_point_below (log, index, term), point);
        bool has = index == 0 ? term == 0 : index < base || (there && terms[index] == term);
        assert_int_equal (hf_core_log_has (log, index, term), has);
    }
}

HF_TEST (log_is_as_a_slow_twin)
{
    uint64_t terms[4096] = {0};
    for (int turn = 0; turn < 200; turn++) {
        hf_core_log_t log;
        hf_restored_t empty = {0};
        assert_true (hf_core_log_init (&log, &empty));
        uint64_t last = 0;
        uint64_t base = 0;
        for (int step = 0; step < 20; step++) {
            if (last > base && s_random (4) == 0) {
                base += s_random (last - base) + 1;
                hf_core_log_prune (&log, base);
            } else if (last > base && s_random (3) == 0) {
                uint64_t from = base + s_random (last - base) + 1;
                hf_core_log_truncate (&log, from);
                last = from - 1;
            } else {
                uint64_t term = terms[last] + s_random (3);
                term += term == 0;
                uint64_t count = s_random (5) + 1;
                hf_core_log_append (&log, term, count);
                while (count-- > 0)
                    terms[++last] = term;
            }
            s_compare (&log, terms, base, last);
        }
        hf_core_log_done (&log);
    }
}

//  ---- a follower asks ------------------------------------------------------------------------

/*  An answer of leader 3 in term 6, with the entries that were put. */
static void
s_answer (hf_bench_t *bench, uint64_t commit, uint64_t prev_index, uint64_t prev_term)
{
    hf_bench_entries (bench, (hf_entries_t){3, 2, 6, commit, prev_index, prev_term, {0}});
}

/*  Logs that differ over several terms: the search for the common point skips whole terms, and an
 *  entry stays until another comes in its place. */
HF_TEST (walk)
{
    hf_bench_t bench;
    hf_bench_open_log (&bench, 2, 3, 6, "1x3 2x4 4x2", 0);
    hf_bench_put (&bench, 6, 1);
    hf_bench_append (&bench, 3, 6, 0, 8, 5);
    HF_BENCH_SAYS (&bench, "3 early NEED @6 9/4; FOLLOWING @6 3");
    s_answer (&bench, 0, 6, 3);
    HF_BENCH_SAYS (&bench, "3 early NEED @6 6/2");
    s_answer (&bench, 0, 6, 3); //  once more: an answer to an older question
    HF_BENCH_SAYS (&bench, "");
    s_answer (&bench, 9, 3, 1);
    HF_BENCH_SAYS (&bench, "3 early NEED @6 3/1; 3 ACK @6 index 3 round 0; commit 3");
    s_answer (&bench, 9, 1, 1);
    HF_BENCH_SAYS (&bench, "");
    hf_bench_put (&bench, 3, 2);
    s_answer (&bench, 9, 3, 1);
    HF_BENCH_SAYS (&bench, "disk: cut 4; disk: 4..5 @6 skip 0; 3 early NEED @6 5/3; commit 5");
    hf_bench_commit (&bench);
    HF_BENCH_SAYS (&bench, "3 ACK @6 index 5 round 0");
    hf_bench_put (&bench, 5, 3);
    hf_bench_put (&bench, 6, 1);
    s_answer (&bench, 9, 5, 3);
    HF_BENCH_SAYS (&bench, "disk: 6..9 @6 skip 0; commit 9");
    hf_bench_close (&bench);
}

HF_TEST (nothing_in_common)
{
    hf_bench_t bench;
    hf_bench_open_log (&bench, 2, 3, 6, "2x3", 0);
    hf_bench_beat (&bench, 3, 6, 1, 4, 4, 6);
    HF_BENCH_SAYS (&bench, "3 early NEED @6 3/2; 3 ACK @6 index 0 round 1; FOLLOWING @6 3");
    s_answer (&bench, 4, 0, 0);
    HF_BENCH_SAYS (&bench, "3 early NEED @6 0/0");
    hf_bench_put (&bench, 6, 4);
    s_answer (&bench, 4, 0, 0);
    HF_BENCH_SAYS (&bench, "disk: cut 1; disk: 1..4 @6 skip 0; commit 4");
    hf_bench_close (&bench);
}

/*  A gap is asked for once, and again after a while; the answer asks for the next chunk. */
HF_BENCH_TEST (ask, hf_bench_open, 6, 5)
{
    hf_bench_beat (bench, 3, 6, 1, 5, 5, 1);
    HF_BENCH_SAYS (bench, "3 ACK @6 index 5 round 1; FOLLOWING @6 3; commit 5");
    hf_bench_put (bench, 6, 1);
    hf_bench_append (bench, 3, 6, 6, 6, 6); //  entry 6 is lost
    HF_BENCH_SAYS (bench, "3 early NEED @6 5/1");
    hf_bench_put (bench, 6, 1);
    hf_bench_append (bench, 3, 6, 6, 7, 6);
    HF_BENCH_SAYS (bench, "");
    for (uint64_t round = 2; round < 9; round++) {
        assert_in_range (hf_bench_wake (bench), 40000, 79999);
        HF_BENCH_SAYS (bench, "3 early NEED @6 5/1");
        hf_bench_beat (bench, 3, 6, round, 8, 8, 6);
        assert_null (strstr (hf_bench_said (bench), "NEED"));
    }
    hf_bench_put (bench, 6, 1);
    s_answer (bench, 8, 5, 1);
    HF_BENCH_SAYS (bench, "disk: 6..6 @6 skip 0; 3 early NEED @6 6/6; commit 6");
    hf_bench_put (bench, 6, 1);
    hf_bench_append (bench, 3, 6, 8, 6, 6); //  it comes once more, and not as the answer
    HF_BENCH_SAYS (bench, "disk: 7..7 @6 skip 0; commit 7");
    hf_bench_put (bench, 6, 2);
    s_answer (bench, 8, 6, 6);
    HF_BENCH_SAYS (bench, "disk: 8..8 @6 skip 1; commit 8");
    assert_true (hf_bench_wake (bench) >= 300000); //  nothing is asked for
}

//  ---- the leader answers ----------------------------------------------------------------------

HF_TEST (need)
{
    static const struct {
        uint64_t base, index, term;
        const char *says;
    } cases[] = {
        {0, 0, 0, "3 early ENTRIES @6 commit 0 prev 0/0 +2"},
        {0, 5, 3, "3 early ENTRIES @6 commit 0 prev 5/3 +2"},
        {0, 8, 5, "3 early ENTRIES @6 commit 0 prev 8/5 +1"},
        {0, 9, 6, "3 early ENTRIES @6 commit 0 prev 9/6 +0"},
        {0, 9, 4,
         "3 early ENTRIES @6 commit 0 prev 6/3 +0"}, //  the largest point that both may have
        {0, 6, 2, "3 early ENTRIES @6 commit 0 prev 3/1 +0"},
        {0, 20, 6, "3 early ENTRIES @6 commit 0 prev 9/6 +0"},
        {1, 0, 0, "3 STATE_OFFER @6 first 2"},
        {3, 0, 0, "3 STATE_OFFER @6 first 4"},
        {3, 2, 1, "3 STATE_OFFER @6 first 4"},
        {3, 3, 1, "3 early ENTRIES @6 commit 3 prev 3/1 +2"},
        {3, 9, 2, "3 early ENTRIES @6 commit 3 prev 3/1 +0"},
        {6, 6, 3, "3 early ENTRIES @6 commit 6 prev 6/3 +2"},
        {6, 6, 2, "3 STATE_OFFER @6 first 7"}, //  apart before the base
        {6, 9, 2, "3 STATE_OFFER @6 first 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_bench_t bench;
        hf_bench_open_log (&bench, 2, 3, 5, "1x3 3x3 5x2", cases[i].base);
        bench.chunk = 2;
        hf_bench_tick_after (&bench, 0);
        hf_bench_said (&bench);
        for (int leads = 0; leads < 2; leads++) {
            HF_BENCH_PEER (&bench, NEED, need, .from = 3, .to = 2,
                           .term = hf_core_view (bench.core).term, .probe_index = cases[i].index,
                           .probe_term = cases[i].term);
            HF_BENCH_SAYS (&bench, leads ? cases[i].says : "");
            if (!leads)
                hf_bench_make_leader (&bench);
            hf_bench_said (&bench);
        }
        hf_bench_close (&bench);
    }
}

/*  What is pruned before it was sent goes out without entries. */
HF_BENCH_TEST (pruned_unsent, hf_bench_open, 5, 5)
{
    hf_bench_make_leader (bench);
    hf_bench_acked (bench, 3, 6, 6, 1);
    hf_bench_said (bench);
    for (uint64_t index = 1; index <= 3; index++)
        HF_BENCH_PEER (bench, NEED, need, 3, 2, 6, .probe_index = index, .probe_term = 1);
    HF_BENCH_EVENT (bench, PRUNED, .pruned.index = 2);
    HF_BENCH_SAYS (
        bench, "3 early ENTRIES @6 commit 6 prev 1/1 +0; 3 early ENTRIES @6 commit 6 prev 2/1 +1; "
               "3 early ENTRIES @6 commit 6 prev 3/1 +1");
    HF_BENCH_EVENT (bench, PRUNED, .pruned.index = 2);
    assert_int_equal (hf_core_view (bench->core).first_index, 3);
}

//  ---- states ---------------------------------------------------------------------------------

/*  A node that needs the leader's state acknowledges rounds and no entries, and goes on asking. It
 *  lost the leader and hears it again in the same term: it needs the state again. */
HF_BENCH_TEST (needs_state, hf_bench_open, 6, 3)
{
    for (uint64_t round = 1; round <= 2; round++) {
        hf_bench_beat (bench, 3, 6, round, 9, 9, 2);
        assert_non_null (strstr (hf_bench_said (bench), "FOLLOWING @6 3"));
        for (uint32_t first = 7; first <= 9; first += 2) //  the second says nothing new
            HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 3, 2, 6, .first_index = first);
        HF_BENCH_SAYS (bench, "NEEDS_STATE @6 3");
        assert_true (hf_core_view (bench->core).needs_state);
        hf_bench_wake (bench);
        HF_BENCH_SAYS (bench, "3 early NEED @6 3/1");
        hf_bench_beat (bench, 3, 6, round, 9, 9, 2);
        assert_non_null (strstr (hf_bench_said (bench), "3 ACK @6 index 0 round"));
        hf_bench_tick_after (bench, 2000000);
        assert_non_null (strstr (hf_bench_said (bench), "FOLLOWING @6 0"));
        assert_false (hf_core_view (bench->core).needs_state);
        HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 3, 2, 6, .first_index = 7);
        assert_false (hf_core_view (bench->core).needs_state); //  it follows no leader
    }
    hf_bench_beat (bench, 3, 6, 3, 9, 9, 2);
    HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 1, 2, 6, .first_index = 7);
    assert_false (hf_core_view (bench->core).needs_state); //  node 1 does not lead
    HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 3, 2, 6, .first_index = 7);
    hf_bench_put (bench, 2, 2);
    s_answer (bench, 9, 3, 1); //  the next leader of the log could serve it
    assert_false (hf_core_view (bench->core).needs_state);
    HF_BENCH_PEER (bench, STATE_OFFER, state_offer, 3, 2, 6, .first_index = 6);
    assert_false (hf_core_view (bench->core).needs_state); //  of an older question
}

HF_TEST_MAIN (NULL, NULL)
