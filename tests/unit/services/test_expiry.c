//  P9, no early expiry: the leader's clock, with the time in the test's hand.
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "nodes/services/hf_expiry.h"

#define SECOND 1000000ULL

/*  The next one whose TTL has run out; what is to be logged before is passed over. */
static uint64_t
s_take (hf_expiry_t *expiry, uint64_t now_us)
{
    uint32_t ran_ms;
    uint64_t session;
    do
        session = hf_expiry_take (expiry, now_us, 1, &ran_ms);
    while (session != 0 && ran_ms > 0);
    return session;
}

HF_TEST (p9_due_when_the_ttl_has_passed_and_not_before)
{
    hf_expiry_t *expiry = hf_expiry_new ();
    assert_int_equal (hf_expiry_next_us (expiry, 0), UINT64_MAX);
    assert_int_equal (s_take (expiry, UINT64_MAX), 0);
    hf_expiry_heard (expiry, 7, 2000, 5 * SECOND);
    hf_expiry_heard (expiry, 7, 2000, 4 * SECOND); //  late: the end does not come nearer
    assert_int_equal (hf_expiry_next_us (expiry, 5 * SECOND),
                      6 * SECOND); //  half of the TTL is to be logged
    assert_int_equal (s_take (expiry, 7 * SECOND - 1), 0);
    assert_false (hf_expiry_ending (expiry, 7));
    assert_int_equal (s_take (expiry, 7 * SECOND), 7);
    hf_expiry_heard (expiry, 7, 2000, 8 * SECOND); //  nor is it put off any more
    assert_true (hf_expiry_ending (expiry, 7));
    assert_int_equal (s_take (expiry, 100 * SECOND), 0);
    hf_expiry_destroy (&expiry);
    assert_null (expiry);
}

HF_TEST (what_has_run_is_logged_and_counts_for_the_next_leader)
{
    hf_expiry_t *expiry = hf_expiry_new ();
    uint32_t ran_ms;
    hf_expiry_start (expiry, 7, 8000, 3000, false, 10 * SECOND); //  not heard yet: at a quarter
    assert_int_equal (hf_expiry_take (expiry, 12 * SECOND - 1, 5, &ran_ms), 0);
    assert_int_equal (hf_expiry_take (expiry, 12 * SECOND, 5, &ran_ms), 7);
    assert_int_equal (ran_ms, 5000);
    assert_int_equal (hf_expiry_mark (expiry, 7), 5);
    assert_true (hf_expiry_clears (expiry, 7));
    assert_false (hf_expiry_clears (expiry, 7)); //  once
    assert_int_equal (hf_expiry_take (expiry, 13 * SECOND - 1, 6, &ran_ms), 0);
    assert_int_equal (hf_expiry_take (expiry, 13 * SECOND, 6, &ran_ms), 7); //  each eighth
    assert_int_equal (ran_ms, 6000);
    assert_true (hf_expiry_clears (expiry, 7));
    hf_expiry_heard (expiry, 7, 8000, 14 * SECOND); //  heard: at half
    assert_int_equal (hf_expiry_take (expiry, 18 * SECOND - 1, 7, &ran_ms), 0);
    assert_int_equal (hf_expiry_take (expiry, 18 * SECOND, 7, &ran_ms), 7);
    assert_int_equal (ran_ms, 4000);
    assert_int_equal (hf_expiry_take (expiry, 22 * SECOND, 8, &ran_ms), 7);
    assert_int_equal (ran_ms, 0); //  all has run
    assert_true (hf_expiry_ending (expiry, 7));
    hf_expiry_destroy (&expiry);
}

//  ---- against a slow obvious twin ----------------------------------------------------

#define TWIN 50

typedef struct twin {
    bool watched, ending;
    uint64_t due_us;
} twin_t;

static uint64_t
s_twin_next (const twin_t *twin)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 1; i < TWIN; i++)
        if (twin[i].watched && !twin[i].ending && twin[i].due_us < next)
            next = twin[i].due_us;
    return next;
}

static void
s_take_all (hf_expiry_t *expiry, twin_t *twin, uint64_t now)
{
    uint64_t session = 0;
    while ((session = s_take (expiry, now)) != 0) {
        assert_true (session < TWIN && twin[session].watched && !twin[session].ending);
        assert_true (twin[session].due_us <= now);
        assert_int_equal (twin[session].due_us, s_twin_next (twin)); //  the soonest first
        twin[session].ending = true;
    }
    assert_true (s_twin_next (twin) > now);
}

HF_TEST (the_heap_is_as_its_slow_twin)
{
    for (uint64_t start = 1; start <= 100; start++) {
        hf_random_t seed = {start};
        hf_expiry_t *expiry = hf_expiry_new ();
        twin_t twin[TWIN] = {{.watched = false}};
        uint64_t now = 0;
        for (int step = 0; step < 1000; step++) {
            uint64_t session = 1 + hf_random_below (&seed, TWIN - 1);
            uint32_t ttl_ms = (uint32_t)(1000 * (1 + session % 7));
            now += hf_random_below (&seed, SECOND / 4);
            switch (hf_random_below (&seed, step % 100 == 0 ? 20 : 10)) {
            case 19: //  another node leads
                hf_expiry_clear (expiry);
                memset (twin, 0, sizeof twin);
                break;
            case 0:
                hf_expiry_forget (expiry, session);
                twin[session] = (twin_t){.watched = false};
                break;
            case 1:
            case 2:
                s_take_all (expiry, twin, now);
                break;
            default: {
                uint64_t heard_us = now - hf_random_below (&seed, now < SECOND ? 1 : SECOND);
                uint64_t due_us = heard_us + (uint64_t)ttl_ms * 1000;
                hf_expiry_heard (expiry, session, ttl_ms, heard_us);
                twin[session].watched = true;
                if (!twin[session].ending && twin[session].due_us < due_us)
                    twin[session].due_us = due_us;
            }
            }
            assert_int_equal (hf_expiry_ending (expiry, session), twin[session].ending);
            if (step % 3 == 0)
                assert_true (hf_expiry_next_us (expiry, now) <= s_twin_next (twin));
        }
        hf_expiry_destroy (&expiry);
    }
}

HF_TEST_MAIN (NULL, NULL)
