/*  The tail of the log: what it gives, what it forgets, against a plain array. */
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "nodes/services/hf_tail.h"

static void
s_append (hf_tail_t *tail, uint64_t term, const char *text)
{
    hf_tail_append (tail, &(hf_entry_t){.term = term, .payload = hf_span_text (text)});
}

static void
s_expect (const hf_list_t *list, const char *const *texts, uint32_t count)
{
    assert_int_equal (list->count, count);
    hf_scan_t scan = hf_scan_list (*list);
    for (uint32_t i = 0; i < count; i++) {
        hf_entry_t entry;
        assert_true (hf_entry_get (&scan, &entry));
        assert_true (hf_span_equal (entry.payload, hf_span_text (texts[i])));
    }
    assert_true (hf_scan_at_end (&scan));
}

HF_TEST (test_gives_ranges)
{
    hf_tail_t *tail = hf_tail_new (7, 1000);
    hf_list_t list;
    assert_false (hf_tail_range (tail, 7, 9, 100, &list));
    assert_false (hf_tail_range (tail, 8, 9, 100, &list));
    s_append (tail, 1, "eight");
    s_append (tail, 1, "nine");
    s_append (tail, 2, "ten");
    assert_false (hf_tail_range (tail, 7, 9, 100, &list));
    assert_true (hf_tail_range (tail, 8, 9, 100, &list));
    s_expect (&list, (const char *const[]){"eight", "nine"}, 2);
    assert_true (hf_tail_range (tail, 9, 99, 100, &list));
    s_expect (&list, (const char *const[]){"nine", "ten"}, 2);
    assert_false (hf_tail_range (tail, 11, 11, 100, &list));
    assert_false (hf_tail_range (tail, 10, 9, 100, &list));
    hf_tail_destroy (&tail);
    assert_null (tail);
}

HF_TEST (test_keeps_to_the_size_but_gives_one)
{
    hf_tail_t *tail = hf_tail_new (0, 1000);
    s_append (tail, 1, "a");
    s_append (tail, 1, "b");
    s_append (tail, 1, "c");
    hf_list_t all, list;
    assert_true (hf_tail_range (tail, 1, 3, 1000, &all));
    assert_true (hf_tail_range (tail, 1, 3, 1, &list));
    s_expect (&list, (const char *const[]){"a"}, 1);
    assert_true (hf_tail_range (tail, 1, 3, all.size - 1, &list));
    s_expect (&list, (const char *const[]){"a", "b"}, 2);
    assert_true (hf_tail_range (tail, 1, 3, all.size, &list));
    s_expect (&list, (const char *const[]){"a", "b", "c"}, 3);
    hf_tail_destroy (&tail);
}

HF_TEST (test_truncates_and_goes_on)
{
    hf_tail_t *tail = hf_tail_new (4, 1000);
    s_append (tail, 1, "five");
    s_append (tail, 1, "six");
    s_append (tail, 1, "seven");
    hf_tail_truncate (tail, 6);
    s_append (tail, 2, "other six");
    hf_list_t list;
    assert_true (hf_tail_range (tail, 5, 9, 1000, &list));
    s_expect (&list, (const char *const[]){"five", "other six"}, 2);
    hf_tail_truncate (tail, 3); //  behind what is here: the log itself was cut
    assert_false (hf_tail_range (tail, 3, 9, 1000, &list));
    s_append (tail, 3, "three");
    assert_true (hf_tail_range (tail, 3, 9, 1000, &list));
    s_expect (&list, (const char *const[]){"three"}, 1);
    hf_tail_destroy (&tail);
}

/*  P12: bounded; and what it still has is right, after any number of appends and cuts. */
HF_TEST (test_is_bounded_and_right_at_random)
{
    enum { ENTRIES = 20000, LIMIT = 4096 };
    static uint32_t payloads[ENTRIES + 2];
    hf_tail_t *tail = hf_tail_new (0, LIMIT);
    hf_random_t seed = {11};
    uint64_t next = 1;
    for (int step = 0; step < ENTRIES; step++) {
        if (hf_random_below (&seed, 50) == 0 && next > 20) {
            next -= hf_random_below (&seed, 20);
            hf_tail_truncate (tail, next);
        }
        char text[64];
        payloads[next] = (uint32_t)hf_random_below (&seed, 1000);
        snprintf (text, sizeof text, "%u", payloads[next]);
        s_append (tail, 1, text);
        next++;
        hf_list_t list;
        assert_true (hf_tail_range (tail, next - 1, next - 1, 100, &list));
        uint64_t first = next > 40 ? next - 1 - hf_random_below (&seed, 40) : 1;
        if (!hf_tail_range (tail, first, next - 1, SIZE_MAX, &list))
            continue; //  forgotten
        assert_int_equal (list.count, next - first);
        assert_true (list.size <= LIMIT + 128);
        hf_scan_t scan = hf_scan_list (list);
        for (uint64_t i = first; i < next; i++) {
            hf_entry_t entry;
            assert_true (hf_entry_get (&scan, &entry));
            snprintf (text, sizeof text, "%u", payloads[i]);
            assert_true (hf_span_equal (entry.payload, hf_span_text (text)));
        }
    }
    hf_list_t list;
    assert_false (hf_tail_range (tail, 1, 1, 100, &list));
    hf_tail_destroy (&tail);
}

HF_TEST_MAIN (NULL, NULL)
