//  The lock service: what it hands to the file actor, when, and what it tells the election actor.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

/*  One section of BYTES, released; three entries. */
static void
s_section (bench_t *self, uint64_t session, uint64_t seq, size_t bytes)
{
    bench_acquire (self, 1, session, seq, "L");
    uint64_t token = bench_answer (self, 1).token;
    bench_append (self, 1, session, seq + 1, token, 0, bytes);
    bench_settle (self);
    bench_release (self, 1, session, seq + 2, "L", token);
    bench_settle (self);
    bench_drop_frames (self);
}

/*  P12. Changed rows are handed over a second after the first change, one step at a time. */
BENCH_TEST (p12_rows_are_written_by_time_one_step_at_a_time, bench)
{
    bench->now_us += 5 * SECOND;
    bench_settle (bench);
    assert_int_equal (bench->steps, 0); //  nothing changed
    bench->no_rows = true;
    uint64_t session = bench_open (bench, 1, 1, 600000);
    uint64_t due_us = bench->now_us + SECOND;
    assert_int_equal (hf_lock_service_wake_us (bench->service), due_us);
    bench->now_us = due_us - 1;
    bench_settle (bench);
    assert_int_equal (bench->steps, 0);
    bench->now_us = due_us;
    bench_settle (bench);
    assert_int_equal (bench->steps, 1);
    assert_int_equal (bench->rows.index, 1);
    bench_acquire (bench, 1, session, 1, "L");
    bench_settle (bench);
    bench->now_us += 60 * SECOND;
    bench_settle (bench);
    assert_int_equal (bench->steps, 1); //  the first is under way
    bench->no_rows = false;
    hf_a_flushed_frame (&bench->pack, &(hf_a_flushed_t){.index = 1});
    bench_say (bench);
    bench_turn (bench, true);
    bench->now_us += SECOND;
    bench_settle (bench);
    assert_int_equal (bench->steps, 2);
    assert_int_equal (bench->rows.index, bench->index);
}

/*  By how much log would have to be replayed. */
BENCH_TEST_WITH (p12_rows_are_written_by_the_length_of_the_log, bench, true, .flush_bytes = 100000)
{
    uint64_t session = bench_open (bench, 1, 1, 600000);
    char lock[16];
    for (unsigned i = 0; i < 1200; i++) {
        snprintf (lock, sizeof lock, "%u", i);
        bench_acquire (bench, 1, session, 1 + i, lock);
    }
    bench_settle (bench);
    assert_in_range (hf_state_changed_rows (hf_lock_service_state (bench->service)), 1200, 1210);
    assert_int_equal (bench->steps, 0);
    bench_drop_frames (bench);
    s_section (bench, session, 1201, 100000);
    assert_int_equal (bench->steps, 1);
    assert_int_equal (bench->rows.index, bench->index - 1); //  with the APPEND
}

/*  P6. A step goes behind the sections that it has left behind, a snapshot and a question too. */
BENCH_TEST (p6_sections_go_first, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 600000);
    bench_acquire (bench, 1, session, 1, "L");
    uint64_t token = bench_answer (bench, 1).token;
    bench_append (bench, 1, session, 2, token, 0, 10);
    bench_settle (bench);
    bench_release (bench, 1, session, 3, "L", token);
    bench_query (bench, 1, 1, HF_WHAT_FILES, "");
    bench_turn (bench, true);
    bench->now_us += 2 * SECOND;
    bench->asked.count = 0;
    hf_a_want_state_frame (&bench->pack, &(hf_a_want_state_t){.node = 3});
    bench_say (bench); //  behind what was committed
    bench_settle (bench);
    uint32_t order[4] = {0};
    for (size_t i = 0, found = 0; i < bench->asked.count; i++) {
        uint32_t kind = bench->asked.list[i];
        if (kind != HF_KIND_A_FLUSHED && found < 4)
            order[found++] = kind;
    }
    assert_int_equal (order[0], HF_KIND_A_SECTIONS);
    assert_int_equal (order[1], HF_KIND_A_ROWS);
    assert_int_equal (order[2], HF_KIND_A_SNAPSHOT);
    assert_int_equal (order[3], HF_KIND_A_FILE_QUERY);
    assert_int_equal (bench->section,
                      hf_state_section_index (hf_lock_service_state (bench->service)));
    assert_int_equal (bench->snapshot.node, 3);
    assert_int_equal (bench->snapshot.index, bench->index);
    assert_int_equal (bench->snapshot.term, TERM);
    assert_int_equal (bench->snapshot.section, bench->section);
}

static void
s_want_state (bench_t *bench, uint32_t node)
{
    hf_a_want_state_frame (&bench->pack, &(hf_a_want_state_t){.node = node});
    bench_say (bench);
    bench_settle (bench);
}

/*  P4. A state that is sent comes with a step, however small, and one step at a time; when nothing
 *  has changed since the last one, with none. */
BENCH_TEST (p4_a_snapshot_is_as_of_the_rows_that_were_handed_over, bench)
{
    bench->no_rows = true;
    uint64_t session = bench_open (bench, 1, 1, 600000);
    s_want_state (bench, 3);
    assert_int_equal (bench->steps, 1);
    assert_int_equal (bench->snapshot.index, bench->index);
    assert_int_equal (bench->rows.index, bench->index);
    bench_acquire (bench, 1, session, 1, "L");
    s_want_state (bench, 0);
    uint64_t before = bench->rows.index;
    assert_int_equal (bench->steps, 1);
    assert_int_equal (bench->snapshot.node, 3); //  the first step is not written yet
    assert_true (bench->index > before);
    hf_a_flushed_frame (&bench->pack, &(hf_a_flushed_t){.index = before});
    bench_say (bench);
    bench_settle (bench);
    assert_int_equal (bench->steps, 2);
    assert_int_equal (bench->snapshot.node, 0);
    assert_int_equal (bench->snapshot.index, bench->rows.index);
    hf_a_flushed_frame (&bench->pack, &(hf_a_flushed_t){.index = bench->rows.index});
    bench_say (bench);
    bench_settle (bench);
    s_want_state (bench, 3);
    assert_int_equal (bench->steps, 2);
    assert_int_equal (bench->snapshot.node, 3);
    assert_int_equal (bench->snapshot.index, bench->rows.index);
}

/*  P6. Every node writes files, not the leader alone. */
BENCH_TEST (p6_a_follower_hands_sections_over, bench)
{
    uint64_t session = bench_open (bench, 1, 1, 600000);
    bench_acquire (bench, 1, session, 1, "L");
    bench_append (bench, 1, session, 2, bench_answer (bench, 1).token, 0, 10);
    bench_settle (bench);
    bench_release (bench, 1, session, 3, "L", 1);
    bench_drop_frames (bench);
    bench_turn (bench, true);
    //  It is committed once the node follows.
    hf_lock_service_begin (bench->service, bench->now_us);
    bench->in_turn = true;
    bench_follow (bench, TERM + 1, 2);
    bench_turn (bench, true);
    assert_int_equal (bench->section, 0);
    bench_settle (bench);
    assert_true (bench->section > 0);
    assert_int_equal (bench_refused (bench, 1).leader, 2);
    assert_int_equal (bench->frames.count, 0); //  and it answers no client
}

/*  P12. No credit while the files or the rows are too far behind; it comes when they catch up. */
static void
s_credit_waits (bench_t *bench, bool *stopped)
{
    uint64_t session = bench_open (bench, 1, 1, 600000);
    s_section (bench, session, 1, 300000);
    assert_int_equal (bench->credits, 1);
    assert_true (bench->credited > 300000);
    *stopped = true;
    for (uint64_t i = 0; i < 4; i++)
        s_section (bench, session, 4 + 3 * i, 400000);
    unsigned credits = bench->credits;
    s_section (bench, session, 16, 400000);
    assert_int_equal (bench->credits, credits);
    if (bench->no_rows) {
        assert_int_equal (bench->steps, 1);
        hf_a_flushed_frame (&bench->pack, &(hf_a_flushed_t){.index = bench->rows.index});
    } else
        hf_a_files_durable_frame (&bench->pack, &(hf_a_files_durable_t){.index = bench->section});
    *stopped = false;
    bench_say (bench);
    bench_settle (bench);
    assert_int_equal (bench->credits, credits + 1);
}

//  ---- many rows ----------------------------------------------------------------------

#define LOCKS 1000

/*  LOCKS locks are acquired in one turn after the other, the rows of which are written by 100 and
 * may wait by 300; the file actor stands still when STUCK. */
static void
s_lock_many (bench_t *bench, int mutant, bool stuck)
{
    bench_init (
        bench,
        (hf_lock_config_t){.self = 1, .flush_rows = 100, .unwritten_rows = 300, .credit_bytes = 1},
        true);
    uint64_t session = bench_open (bench, 1, 1, 600000);
    hf_mutant = mutant;
    bench->no_rows = stuck;
    for (uint64_t i = 1; i <= LOCKS; i++) {
        char name[16];
        snprintf (name, sizeof name, "lock%u", (unsigned)i);
        bench_acquire (bench, 1, session, i, name);
        bench_settle (bench);
    }
    hf_mutant = HF_MUTANT_none;
}

/*  How many steps there were within the first second. */
static unsigned
s_steps (int mutant)
{
    bench_t bench;
    s_lock_many (&bench, mutant, false);
    unsigned steps = bench.steps;
    assert_true (hf_state_changed_rows (hf_lock_service_state (bench.service)) <= 100 ||
                 mutant != HF_MUTANT_none);
    bench_done (&bench);
    return steps;
}

HF_TEST (p12_a_step_has_so_many_rows)
{
    assert_in_range (s_steps (HF_MUTANT_none), LOCKS / 100, LOCKS / 100 + 1);
    assert_int_equal (s_steps (HF_MUTANT_steps_unbounded), 0);
}

/*  How often credit is given while the file actor writes no rows. */
static unsigned
s_credits (int mutant)
{
    bench_t bench;
    s_lock_many (&bench, mutant, true);
    assert_int_equal (bench.steps, 1);
    unsigned credits = bench.credits;
    //  It comes when the step is written, as the next one takes all that waits.
    bench.no_rows = false;
    hf_a_flushed_frame (&bench.pack, &(hf_a_flushed_t){.index = bench.rows.index});
    bench_say (&bench);
    bench_settle (&bench);
    assert_int_equal (bench.steps, 2);
    assert_true (bench.credits > credits || mutant != HF_MUTANT_none);
    bench_done (&bench);
    return credits;
}

HF_TEST (p12_no_credit_while_too_many_rows_wait)
{
    assert_in_range (s_credits (HF_MUTANT_none), 300, 500);
    assert_true (s_credits (HF_MUTANT_rows_pile_up) >= LOCKS);
}

#define MIB (1U << 20)

BENCH_TEST_WITH (p12_credit_for_files, bench, true, .unwritten_max = MIB, .flush_bytes = MIB)
{
    s_credit_waits (bench, &bench->no_files);
}

BENCH_TEST_WITH (p12_credit_for_rows, bench, true, .unwritten_max = MIB, .flush_bytes = MIB)
{
    s_credit_waits (bench, &bench->no_rows);
}

/*  What another node or a restart starts from is what this one has. */
BENCH_TEST (p4_the_rows_of_steps_add_up_to_the_state, bench)
{
    assert_int_equal (bench->started, 0);
    uint64_t session = bench_open (bench, 1, 1, 600000);
    hf_pack_t rows;
    hf_pack_init (&rows);
    bench_acquire (bench, 1, session, 1, "L");
    bench_settle (bench);
    const hf_state_t *have = hf_lock_service_state (bench->service);
    hf_state_rows (have, &rows);
    hf_state_t *loaded = hf_state_new ();
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    for (uint32_t i = 0; i < rows.count; i++) {
        hf_state_row_t row;
        assert_true (hf_state_row_get (&scan, &row));
        assert_true (hf_state_load (loaded, row.key, row.value));
    }
    assert_true (hf_state_loaded (loaded));
    hf_lock_config_t config = {.self = 2, .endpoint = "", .version = ""};
    hf_lock_service_t *other = hf_lock_service_new (&config, loaded, 0);
    hf_outbox_t *out = hf_lock_service_outbox (other);
    assert_int_equal (out->messages.count, 1);
    uint32_t kind;
    hf_a_start_t start;
    scan = hf_frame_own (out->messages.list[0].bytes, out->messages.list[0].size, &kind);
    assert_true (hf_a_start_get (&scan, &start));
    assert_int_equal (start.applied, bench->index);
    assert_int_equal (hf_state_hash (hf_lock_service_state (other)), hf_state_hash (have));
    hf_lock_service_destroy (&other);
    hf_pack_done (&rows);
}

HF_TEST_MAIN (NULL, NULL)
