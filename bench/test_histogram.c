/*  The histogram against a sorted list of the same values. */
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "bench/histogram.h"
#include <math.h>

#define S_VALUES 20000

static int
s_compare (const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t
s_sorted_quantile (const uint64_t *values, size_t count, double q)
{
    size_t rank = (size_t)ceil (q * (double)count);
    return values[rank == 0 ? 0 : rank - 1];
}

static void
s_check_near (uint64_t got, uint64_t want)
{
    double error = fabs ((double)got - (double)want);
    if (error > 0.01 * (double)want)
        fail_msg ("%llu is not within 1 %% of %llu", (unsigned long long)got,
                  (unsigned long long)want);
}

/*  Values of every size up to 2^BITS, as many of each. */
static void
s_check_spread (uint32_t bits)
{
    uint64_t *values = malloc (S_VALUES * sizeof *values);
    hf_histogram_t *histogram = hf_histogram_new ();
    hf_random_t seed = {bits};
    assert_non_null (values);
    for (size_t i = 0; i < S_VALUES; i++) {
        values[i] = hf_random_next (&seed) >> (64 - 1 - hf_random_below (&seed, bits));
        hf_histogram_add (histogram, values[i]);
    }
    qsort (values, S_VALUES, sizeof *values, s_compare);
    assert_int_equal (hf_histogram_count (histogram), S_VALUES);
    assert_int_equal (hf_histogram_quantile (histogram, 1), values[S_VALUES - 1]);
    const double quantiles[] = {0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        s_check_near (hf_histogram_quantile (histogram, quantiles[i]),
                      s_sorted_quantile (values, S_VALUES, quantiles[i]));
    hf_histogram_destroy (&histogram);
    assert_null (histogram);
    free (values);
}

HF_TEST (test_quantiles)
{
    for (uint32_t bits = 1; bits <= 63; bits++)
        s_check_spread (bits);
}

HF_TEST (test_edges)
{
    hf_histogram_t *histogram = hf_histogram_new ();
    assert_int_equal (hf_histogram_quantile (histogram, 0.5), 0);
    assert_true (hf_histogram_mean (histogram) < 0.5);
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t value = 1ULL << bit;
        hf_histogram_t *one = hf_histogram_new ();
        hf_histogram_add (one, value);
        s_check_near (hf_histogram_quantile (one, 0.5), value);
        assert_int_equal (hf_histogram_quantile (one, 1), value);
        hf_histogram_destroy (&one);
        hf_histogram_add (histogram, value - 1);
    }
    hf_histogram_add (histogram, UINT64_MAX);
    assert_int_equal (hf_histogram_quantile (histogram, 1), UINT64_MAX);
    assert_int_equal (hf_histogram_count (histogram), 65);
    hf_histogram_destroy (&histogram);
}

HF_TEST (test_merge)
{
    hf_histogram_t *all = hf_histogram_new (), *low = hf_histogram_new (),
                   *high = hf_histogram_new ();
    for (uint64_t i = 1; i <= 1000; i++) {
        hf_histogram_add (i <= 500 ? low : high, i * 1000);
        hf_histogram_add (all, i * 1000);
    }
    hf_histogram_merge (low, high);
    assert_int_equal (hf_histogram_count (low), 1000);
    assert_int_equal (hf_histogram_quantile (low, 1), 1000000);
    assert_true (fabs (hf_histogram_mean (low) - 500500) < 1);
    for (uint32_t i = 0; i <= 100; i++)
        assert_int_equal (hf_histogram_quantile (low, i / 100.0),
                          hf_histogram_quantile (all, i / 100.0));
    hf_histogram_destroy (&all);
    hf_histogram_destroy (&low);
    hf_histogram_destroy (&high);
}

HF_TEST_MAIN (NULL, NULL)
