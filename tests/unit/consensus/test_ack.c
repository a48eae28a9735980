//  When a follower acknowledges: at once, or later when others make a majority.

#include "hf_bench.h"

int hf_mutant = HF_MUTANT_none;

/*  Node SELF of COUNT follows node 1 in term 1, with the links to all up, for longer than nobody's
 *  acknowledgements may wait after a start. */
static void
s_open (hf_bench_t *bench, uint32_t self, uint32_t count)
{
    hf_bench_open_log (bench, self, count, 1, "1x5", 0);
    for (uint32_t node = 1; node <= count; node++)
        if (node != self)
            hf_bench_link (bench, node, true);
    for (uint32_t round = 1; round <= 41; round++) {
        hf_bench_beat (bench, 1, 1, round, 5, 5, 1);
        hf_bench_commit (bench);
        hf_bench_tick_after (bench, 50000);
    }
    hf_bench_said (bench);
}

/*  One more entry, which comes with COMMIT, is on disk: the index that is acknowledged then, 0:
 *  nothing is. */
static uint64_t
s_take (hf_bench_t *bench, uint64_t commit)
{
    hf_bench_put (bench, 1, 1);
    hf_bench_append (bench, 1, 1, commit, bench->core->log.last_index, 1);
    assert_null (hf_bench_sent (bench, HF_KIND_ACK));
    hf_bench_commit (bench);
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_ACK);
    uint64_t index = out ? out->message.ack.index : 0;
    hf_bench_commit (bench);
    return index;
}

/*  The same after US. */
static uint64_t
s_wait (hf_bench_t *bench, uint64_t us)
{
    hf_bench_tick_after (bench, us);
    const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_ACK);
    uint64_t index = out ? out->message.ack.index : 0;
    hf_bench_commit (bench);
    return index;
}

/*  While the others are enough, nothing is acknowledged; when no more comes, all of it, 2 ms later.
 *  A heartbeat is answered at once. */
HF_BENCH_TEST (not_needed, s_open, 3, 3)
{
    assert_int_equal (s_take (bench, 5), 0);
    for (uint64_t commit = 6; commit <= 20; commit++) {
        assert_int_equal (s_wait (bench, 1500), 0);
        assert_int_equal (s_take (bench, commit), 0);
    }
    hf_bench_beat (bench, 1, 1, 42, 20, 21, 1);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 21);
    hf_bench_commit (bench);
    assert_int_equal (s_take (bench, 21), 0);
    hf_bench_append (bench, 1, 1, 22, 22, 1); //  that is committed, and nothing else comes
    assert_int_equal (s_wait (bench, 1999), 0);
    assert_int_equal (s_wait (bench, 1), 22);
    assert_int_equal (s_take (bench, 22), 0); //  the others were enough
}

/*  When the others are not enough, it is told 2 ms later, and for a while at once: 20 ms, 40 ms,
 *  and so on, until they were. */
HF_BENCH_TEST (needed, s_open, 3, 3)
{
    uint64_t next = 6;
    for (uint64_t us = 20000; us <= 80000; us *= 2) {
        assert_int_equal (s_take (bench, 5), 0);
        assert_int_equal (hf_bench_wake (bench), 2000);
        assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, next++);
        hf_bench_commit (bench);
        assert_int_equal (s_take (bench, 5), next++);
        assert_int_equal (s_wait (bench, us - 1), 0);
        assert_int_equal (s_take (bench, 5), next++);
        hf_bench_tick_after (bench, 1);
    }
    assert_int_equal (s_take (bench, next - 1), 0);
    assert_int_equal (s_take (bench, next), 0);
    assert_int_equal (s_wait (bench, 2000), next + 1);
    assert_int_equal (s_wait (bench, 19999), 0);
    assert_int_equal (s_take (bench, next), next + 2);
    assert_int_equal (s_wait (bench, 1), 0);
    assert_int_equal (s_take (bench, next + 2), 0);
}

/*  Whoever has a quick disk does not wait for slower ones as long as those may take: for two of its
 *  own syncs. The next takes no time here, and counts for a quarter. */
HF_BENCH_TEST (quick, s_open, 3, 3)
{
    HF_BENCH_EVENT (bench, DURABLE, .durable = {.index = 5, .term = 1, .took_us = 400});
    hf_bench_commit (bench);
    assert_int_equal (hf_core_view (bench->core).sync_us, 300);
    assert_int_equal (s_take (bench, 5), 0);
    assert_int_equal (s_wait (bench, 449), 0); //  225 us a sync, when it was on disk
    assert_int_equal (s_wait (bench, 1), 6);
}

/*  Turns of ten entries, which take 10 ms to write; every fifth ends with a heartbeat. At the next
 *  heartbeat the leader looks whether all is acknowledged that the last one called committed: how
 *  often it is. */
static unsigned
s_able (hf_bench_t *bench)
{
    uint64_t acked = 5, committed = 0;
    unsigned able = 0;
    for (uint64_t turn = 1; turn <= 100; turn++) {
        uint64_t prev = bench->core->log.last_index;
        hf_bench_put (bench, 1, 10);
        hf_bench_append (bench, 1, 1, prev, prev, 1);
        if (turn % 5 == 0) {
            able += acked >= committed;
            committed = prev + 9;
            hf_bench_beat (bench, 1, 1, 100 + turn, committed, prev + 10, 1);
        }
        const hf_outgoing_t *out = hf_bench_sent (bench, HF_KIND_ACK);
        acked = out ? out->message.ack.index : acked;
        bench->now_us += 10000;
        hf_bench_commit (bench);
        out = hf_bench_sent (bench, HF_KIND_ACK);
        acked = out ? out->message.ack.index : acked;
    }
    return able;
}

/*  Whoever is to be admitted, or to lead, lacks nothing at a heartbeat: spare or not. */
HF_BENCH_TEST (owed, s_open, 3, 3)
{
    assert_int_equal (s_able (bench), 20);
}

HF_BENCH_TEST (owes_nothing, s_open, 3, 3)
{
    hf_mutant = HF_MUTANT_spare_owes_nothing;
    unsigned able = s_able (bench);
    hf_mutant = HF_MUTANT_none;
    assert_in_range (able, 0, 2);
}

HF_BENCH_TEST (mutant, s_open, 3, 3)
{
    assert_int_equal (s_take (bench, 5), 0);
    hf_mutant = HF_MUTANT_spare_for_ever;
    assert_int_equal (s_wait (bench, 40000), 0);
    hf_mutant = HF_MUTANT_none;
    assert_int_equal (s_wait (bench, 0), 6);
}

/*  Whoever may be needed acknowledges at once: by its id, the links, or what it lacks. */
HF_TEST (who)
{
    static const struct {
        uint32_t self, count, down, lacks;
        bool waits;
    } cases[] = {{2, 3, 0, 0, false}, {3, 3, 0, 0, true},  {3, 3, 2, 0, false}, {3, 3, 0, 1, false},
                 {3, 5, 0, 0, false}, {4, 5, 0, 0, false}, {5, 5, 0, 0, true},  {5, 5, 3, 0, false},
                 {5, 7, 0, 0, false}, {6, 7, 0, 0, true},  {7, 7, 0, 0, true},  {7, 7, 6, 0, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_bench_t bench;
        s_open (&bench, cases[i].self, cases[i].count);
        if (cases[i].down != 0)
            hf_bench_link (&bench, cases[i].down, false);
        if (cases[i].lacks > 0)
            hf_bench_append (&bench, 1, 1, 5, 7, 1);
        hf_bench_commit (&bench);
        assert_int_equal (s_take (&bench, 5), cases[i].waits ? 0 : 6);
        hf_bench_close (&bench);
    }
}

/*  In a new term links say little yet; without a leader there is nobody to tell. */
HF_BENCH_TEST (new_term, s_open, 3, 3)
{
    assert_int_equal (s_take (bench, 5), 0);
    HF_BENCH_EVENT (bench, BROKEN, .link.node = 1);
    hf_bench_commit (bench);
    assert_true (bench->effects.wake_at_us > bench->now_us + 2000);
    assert_int_equal (s_wait (bench, 2000), 0);
    hf_bench_beat (bench, 2, 2, 1, 5, 6, 1);
    hf_bench_commit (bench);
    hf_bench_put (bench, 2, 1);
    hf_bench_append (bench, 2, 2, 5, 6, 1);
    hf_bench_commit (bench);
    assert_int_equal (hf_bench_sent (bench, HF_KIND_ACK)->message.ack.index, 7);
}

HF_TEST_MAIN (NULL, NULL)
