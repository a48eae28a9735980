/*  The busiest locks: who gets into the list, who leaves it, and what is told. */
#include "tests/kit/hf_test.h"
#include "base/hf_hash.h"
#include "base/hf_mutant.h"
#include "nodes/locks/hf_busy.h"

#define SECOND 1000000ULL

int hf_mutant = HF_MUTANT_none;

static void
s_held (hf_busy_t *busy, const char *name, uint64_t now_us)
{
    hf_span_t span = hf_span_text (name);
    hf_busy_held (busy, span, hf_hash (0, span.at, span.size), 3, now_us);
}

/*  The row of NAME, and how many rows there are. */
static bool
s_row (const hf_busy_t *busy, const char *name, hf_busy_row_t *row, uint32_t *count)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_busy_rows (busy, &rows);
    bool found = false;
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    *count = rows.count;
    for (uint32_t i = 0; i < rows.count && !found; i++) {
        assert_true (hf_busy_row_get (&scan, row));
        found = hf_span_equal (row->lock, hf_span_text (name));
    }
    hf_pack_done (&rows);
    return found;
}

/*  COUNT locks are held once each, over and over, and in the end "L" each tenth time; is it in the
 * list? */
static bool
s_finds (unsigned count, uint32_t *rows)
{
    hf_busy_t busy = {.halved_us = 1000 * SECOND};
    hf_busy_row_t row;
    char name[16];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf (name, sizeof name, "%u", i % count);
        s_held (&busy, i > 1000 && i % 10 == 0 ? "L" : name, 1000 * SECOND + i);
    }
    return s_row (&busy, "L", &row, rows);
}

HF_TEST (test_finds_the_busiest_of_many)
{
    uint32_t rows;
    assert_true (s_finds (10007, &rows));
    assert_int_equal (rows, 1); //  the others are there by chance
    assert_true (s_finds (11, &rows));
    assert_int_equal (rows, 12);
    hf_mutant = HF_MUTANT_newcomers_lose;
    assert_false (s_finds (10007, &rows));
    hf_mutant = HF_MUTANT_none;
}

HF_TEST (test_counts_from_when_it_came)
{
    hf_busy_t busy = {.halved_us = 1000 * SECOND};
    hf_busy_row_t row;
    uint32_t rows;
    hf_span_t name = hf_span_text ("L");
    for (unsigned i = 0; i < HF_BUSY_LEAST; i++) {
        assert_false (s_row (&busy, "L", &row, &rows));
        hf_busy_waited (&busy, hf_hash (0, name.at, name.size), 1000);
        s_held (&busy, "L", 1000 * SECOND);
    }
    assert_true (s_row (&busy, "L", &row, &rows));
    assert_int_equal (row.holds, HF_BUSY_LEAST);
    assert_int_equal (row.hold_us, 3 * HF_BUSY_LEAST);
    assert_int_equal (row.wait_us, 1000 * (HF_BUSY_LEAST - 1)); //  the first was not in the list
}

/*  It was held 100,000 times; in the half hour after that, each of many others once. */
static bool
s_stays (int mutant)
{
    hf_busy_t busy = {.halved_us = 1000 * SECOND};
    hf_busy_row_t row;
    uint32_t rows;
    char name[16];
    hf_mutant = mutant;
    for (unsigned i = 0; i < 100000; i++)
        s_held (&busy, "old", 1000 * SECOND);
    for (unsigned i = 0; i < 1800; i++) {
        snprintf (name, sizeof name, "new %u", i);
        s_held (&busy, name, (1000 + i) * SECOND);
    }
    hf_mutant = HF_MUTANT_none;
    return s_row (&busy, "old", &row, &rows);
}

HF_TEST (test_forgets_what_was_busy_once)
{
    assert_false (s_stays (HF_MUTANT_none));
    assert_true (s_stays (HF_MUTANT_busy_for_life));
}

HF_TEST_MAIN (NULL, NULL)
