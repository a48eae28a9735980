//  What has happened of late: by number, bounded, and never missed in silence.

#include "base/hf_random.h"
#include "nodes/services/hf_journal.h"
#include "tests/kit/hf_test.h"

#define MOST (300U << 10)

/*  What is told of NUMBER: all of it can be seen from the number. */
static hf_happened_t
s_made (uint64_t number, char *text)
{
    hf_random_t random = {.state = number};
    uint32_t size = (uint32_t)hf_random_below (&random, 1500);
    for (uint32_t i = 0; i < 2000; i++)
        text[i] = (char)('a' + (number + i) % 26);
    return (hf_happened_t){.number = number,
                           .index = 7 * number,
                           .what = HF_HAPPENED_QUEUED,
                           .name = hf_span (text, 1 + size % 255),
                           .session = number + 3,
                           .label = hf_span (text + 1, size % 200),
                           .note = hf_span (text + 2, size % 1024)};
}

static void
s_expect (const hf_happened_t *got, uint64_t number)
{
    char text[2000];
    hf_happened_t made = s_made (number, text);
    assert_int_equal (got->number, number);
    assert_int_equal (got->index, made.index);
    assert_int_equal (got->session, made.session);
    assert_true (hf_span_equal (got->name, made.name) && hf_span_equal (got->label, made.label) &&
                 hf_span_equal (got->note, made.note));
}

static void
s_add (hf_journal_t *journal, uint64_t count)
{
    char text[2000];
    for (uint64_t i = 0; i < count; i++) {
        hf_happened_t made = s_made (journal->last + 1, text);
        hf_journal_add (journal, &made);
    }
}

/*  Everything after NUMBER can be read, up to the last. */
static void
s_read_on (const hf_journal_t *journal, uint64_t number)
{
    hf_happened_t got;
    hf_spot_t spot = hf_journal_seek (journal, number);
    while (hf_journal_next (journal, &spot, &got))
        s_expect (&got, ++number);
    assert_int_equal (number, journal->last);
}

HF_TEST (all_that_is_kept_can_be_found)
{
    hf_journal_t journal;
    hf_journal_init (&journal, 40, MOST);
    assert_int_equal (hf_journal_before (&journal), 40);
    s_read_on (&journal, 40);
    for (uint64_t round = 0; round < 40; round++) {
        s_add (&journal, 1 + round * 3);
        for (uint64_t at = hf_journal_before (&journal); at <= journal.last; at += 1 + round)
            s_read_on (&journal, at);
    }
    //  Old ones have gone, and the memory is bounded.
    assert_true (hf_journal_before (&journal) > 1000);
    assert_true (journal.last - hf_journal_before (&journal) > 200);
    assert_true (journal.blocks.count <= MOST >> 16);
    hf_journal_done (&journal);
}

/*  A reader that waits at the end goes on there, also over the begin of another block. */
HF_TEST (a_reader_at_the_end_misses_nothing)
{
    hf_journal_t journal;
    hf_journal_init (&journal, 0, MOST);
    hf_spot_t spot = hf_journal_seek (&journal, 0);
    hf_happened_t got;
    uint64_t number = 0;
    for (uint64_t round = 0; round < 500; round++) {
        assert_false (hf_journal_next (&journal, &spot, &got));
        s_add (&journal, 1 + round % 5);
        assert_false (hf_journal_gone (&journal, spot));
        while (hf_journal_next (&journal, &spot, &got))
            s_expect (&got, ++number);
        assert_int_equal (number, journal.last);
    }
    hf_journal_done (&journal);
}

HF_TEST (a_reader_that_is_too_slow_is_told)
{
    hf_journal_t journal;
    hf_journal_init (&journal, 0, MOST);
    s_add (&journal, 10);
    hf_spot_t spot = hf_journal_seek (&journal, 5);
    while (!hf_journal_gone (&journal, spot)) {
        hf_spot_t at = spot;
        hf_happened_t got;
        assert_true (hf_journal_next (&journal, &at, &got));
        s_expect (&got, 6);
        s_add (&journal, 10);
    }
    assert_true (hf_journal_before (&journal) > 6);
    hf_journal_done (&journal);
}

/*  Numbers are left out: nothing before them is kept, whether or not there was anything. */
HF_TEST (who_waits_across_a_skip_has_missed_something)
{
    hf_journal_t journal;
    for (uint64_t added = 0; added < 3; added++) {
        hf_journal_init (&journal, 7, MOST);
        s_add (&journal, added);
        hf_spot_t next = hf_journal_seek (&journal, journal.last);
        hf_spot_t later = hf_journal_seek (&journal, journal.last + 50);
        hf_journal_skip (&journal, 1000);
        assert_true (hf_journal_gone (&journal, next) && hf_journal_gone (&journal, later));
        assert_int_equal (hf_journal_before (&journal), 1000);
        s_read_on (&journal, 1000);
        s_add (&journal, 500);
        s_read_on (&journal, 1499);
        assert_true (hf_journal_gone (&journal, next));
        hf_journal_done (&journal);
    }
}

HF_TEST_MAIN (NULL, NULL)
