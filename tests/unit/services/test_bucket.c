/*  How often somebody may ask: a token bucket against a count of what it gave. */
#include "tests/kit/hf_test.h"
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "nodes/services/hf_bucket.h"

#define SECOND 1000000ULL

int hf_mutant = HF_MUTANT_none;

/*  How many of COUNT single requests are taken at one moment. */
static unsigned
s_at_once (hf_bucket_t *bucket, uint32_t rate, unsigned count, bool lent, uint64_t now_us)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < count; i++)
        taken += hf_bucket_take (bucket, rate, 1, lent, now_us);
    return taken;
}

HF_TEST (test_a_second_at_once_then_the_rate)
{
    hf_bucket_t bucket = {0};
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 1000 * SECOND), 10);
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 1000 * SECOND + 99999), 0);
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 1000 * SECOND + 100000), 1);
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 1001 * SECOND), 9);
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 5000 * SECOND), 10);
}

/*  The slowest and the fastest. */
HF_TEST (test_rates_at_their_ends)
{
    hf_bucket_t slow = {0}, fast = {0};
    assert_int_equal (s_at_once (&slow, 1, 5, false, 7 * SECOND), 1);
    assert_int_equal (s_at_once (&slow, 1, 5, false, 8 * SECOND - 1), 0);
    assert_int_equal (s_at_once (&slow, 1, 5, false, 8 * SECOND), 1);
    assert_int_equal (s_at_once (&fast, HF_BUCKET_RATE_MAX, 1500000, false, 7 * SECOND), 1000000);
    assert_int_equal (s_at_once (&fast, HF_BUCKET_RATE_MAX, 5, false, 7 * SECOND + 1), 1);
}

/*  What is larger than the bucket is taken when it is not empty, and owed then. */
HF_TEST (test_more_than_it_holds)
{
    hf_bucket_t bucket = {0};
    assert_true (hf_bucket_take (&bucket, 10, 50, false, 100 * SECOND));
    assert_false (hf_bucket_take (&bucket, 10, 1, false, 104 * SECOND));
    assert_true (hf_bucket_take (&bucket, 10, 1, false, 104 * SECOND + 100000));
}

HF_TEST (test_lent)
{
    hf_bucket_t bucket = {0};
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 100 * SECOND), 10);
    assert_int_equal (s_at_once (&bucket, 10, 100, true, 100 * SECOND), 10);
    assert_int_equal (s_at_once (&bucket, 10, 100, false, 101 * SECOND), 0);
    assert_int_equal (s_at_once (&bucket, 10, 100, true, 101 * SECOND), 10);
}

/*  However much is owed, who gives back waits two seconds at most. */
HF_TEST (test_lent_whatever_is_owed)
{
    hf_bucket_t bucket = {0};
    assert_true (hf_bucket_take (&bucket, 100, 4096, false, 100 * SECOND));
    assert_true (hf_bucket_take (&bucket, 100, 1, true, 100 * SECOND));
    assert_true (hf_bucket_take (&bucket, 100, 4096, true, 100 * SECOND));
    assert_false (hf_bucket_take (&bucket, 100, 1, true, 101 * SECOND));
    assert_true (hf_bucket_take (&bucket, 100, 4096, true, 102 * SECOND));
    //  What was lent for large frames is not added to what is owed.
    assert_false (hf_bucket_take (&bucket, 100, 1, false, 139 * SECOND));
    assert_true (hf_bucket_take (&bucket, 100, 1, false, 141 * SECOND));
    //  At the slowest rate, too.
    bucket = (hf_bucket_t){0};
    assert_true (hf_bucket_take (&bucket, 1, 4096, true, 200 * SECOND));
    assert_true (hf_bucket_take (&bucket, 1, 4096, true, 200 * SECOND));
    assert_false (hf_bucket_take (&bucket, 1, 1, true, 202 * SECOND - 1));
    assert_true (hf_bucket_take (&bucket, 1, 1, true, 202 * SECOND));
}

/*  Whatever is asked, and when: in no span of time more is given than its rate, a second's worth,
 *  and what one of them was over. */
HF_TEST (test_random)
{
    hf_random_t random = {.state = 7};
    for (unsigned round = 0; round < 50; round++) {
        uint32_t rate = 1 + (uint32_t)hf_random_below (&random, 2000);
        hf_bucket_t bucket = {0};
        uint64_t from_us = 500 * SECOND, now_us = from_us, given = 0;
        for (unsigned i = 0; i < 2000; i++) {
            now_us += hf_random_below (&random, 20000);
            uint32_t count = 1 + (uint32_t)hf_random_below (&random, 5);
            given += hf_bucket_take (&bucket, rate, count, false, now_us) ? count : 0;
            assert_true (given <= (now_us - from_us) * rate / SECOND + rate + 6);
        }
    }
}

HF_TEST (test_mutants)
{
    hf_bucket_t bucket = {0};
    hf_mutant = HF_MUTANT_rate_without_end;
    unsigned without_end = s_at_once (&bucket, 10, 100, false, 1000 * SECOND);
    hf_mutant = HF_MUTANT_silence_saved;
    bucket = (hf_bucket_t){0};
    unsigned saved = s_at_once (&bucket, 10, 100, false, 1000 * SECOND);
    hf_mutant = HF_MUTANT_nothing_lent;
    bucket = (hf_bucket_t){0};
    unsigned lent = s_at_once (&bucket, 10, 100, true, 1000 * SECOND);
    hf_mutant = HF_MUTANT_debt_ends_credit;
    bucket = (hf_bucket_t){0};
    bool indebted = hf_bucket_take (&bucket, 10, 50, false, 1000 * SECOND) &&
                    hf_bucket_take (&bucket, 10, 1, true, 1000 * SECOND);
    hf_mutant = HF_MUTANT_lent_without_bound;
    bucket = (hf_bucket_t){.full_ns = 2000 * SECOND * 1000};
    bool unbounded = hf_bucket_take (&bucket, 10, 4096, true, 1000 * SECOND) &&
                     !hf_bucket_take (&bucket, 10, 1, true, 1002 * SECOND);
    hf_mutant = HF_MUTANT_none;
    assert_false (indebted);
    assert_true (unbounded);
    assert_int_equal (without_end, 100);
    assert_int_equal (saved, 100);
    assert_int_equal (lent, 10);
}

HF_TEST_MAIN (NULL, NULL)
