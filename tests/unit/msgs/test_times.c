/*  Histograms of times: buckets, percentiles, and the text on the wire, also a hostile one. */
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "msgs/hf_times.h"

HF_TEST (test_a_bound_belongs_to_its_bucket)
{
    hf_times_t times = {.sum_us = 0};
    for (size_t i = 0; i < HF_TIMES_BOUNDS; i++) {
        assert_true (i == 0 || hf_times_bounds_us[i] > hf_times_bounds_us[i - 1]);
        hf_times_add (&times, hf_times_bounds_us[i], 2);
        hf_times_add (&times, hf_times_bounds_us[i] + 1, 3);
    }
    assert_int_equal (times.counts[0], 2);
    for (size_t i = 1; i < HF_TIMES_BOUNDS; i++)
        assert_int_equal (times.counts[i], 5);
    assert_int_equal (times.counts[HF_TIMES_BOUNDS], 3);
    assert_int_equal (hf_times_count (&times), 5 * HF_TIMES_BOUNDS);
}

HF_TEST (test_percentiles)
{
    hf_times_t times = {.sum_us = 0};
    assert_int_equal (hf_times_percentile_us (&times, 99), 0);
    hf_times_add (&times, 1500, 98); //  between 1 and 2 ms
    hf_times_add (&times, 90000, 2);
    assert_in_range (hf_times_percentile_us (&times, 50), 1500, 1520);
    assert_in_range (hf_times_percentile_us (&times, 99), 74000, 76000);
    assert_int_equal (hf_times_percentile_us (&times, 100), 100000);
    assert_int_equal (times.sum_us, 98 * 1500 + 2 * 90000);
    hf_times_t slow = {.sum_us = 0};
    hf_times_add (&slow, 7200000000, 1); //  behind the last bound
    assert_int_equal (hf_times_percentile_us (&slow, 50), 1800000000);
}

HF_TEST (test_text_and_back)
{
    char text[HF_TIMES_TEXT];
    hf_random_t random = {.state = 3};
    for (int round = 0; round < 1000; round++) {
        hf_times_t times = {.sum_us = 0}, again;
        for (uint64_t n = hf_random_below (&random, 5); n > 0; n--)
            hf_times_add (&times, hf_random_below (&random, 10000000000),
                          hf_random_below (&random, 1000000000000));
        hf_times_text (&times, text);
        assert_true (hf_times_get (&again, hf_span_text (text), times.sum_us));
        assert_memory_equal (&times, &again, sizeof times);
    }
    hf_times_text (&(hf_times_t){.sum_us = 0}, text);
    assert_string_equal (text, "0");
}

HF_TEST (test_other_texts_are_refused)
{
    static const char *const bad[] = {
        "", " ", "x", "1 ", " 1", "1  2", "1,2", "-1", "1234567890123456789", "1 2\n"};
    hf_times_t times;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false (hf_times_get (&times, hf_span_text (bad[i]), 0));
    char text[4 * HF_TIMES_BOUNDS] = "0";
    for (size_t i = 0; i < HF_TIMES_BOUNDS; i++)
        strcat (text, " 1");
    assert_true (hf_times_get (&times, hf_span_text (text), 0));
    strcat (text, " 1"); //  one more than there are buckets
    assert_false (hf_times_get (&times, hf_span_text (text), 0));
}

HF_TEST_MAIN (NULL, NULL)
