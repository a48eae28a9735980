//  When memory goes back to the machine: after a flood, and not again and again.

#include "base/hf_mutant.h"
#include "nodes/services/hf_give_back.h"
#include "tests/kit/hf_test.h"

#define MIB ((size_t)1 << 20)

int hf_mutant = HF_MUTANT_none;

static bool
s_look (hf_give_back_t *self, size_t resident_mib, size_t used_mib)
{
    return hf_give_back_look (self, resident_mib * MIB, used_mib * MIB);
}

HF_TEST (what_was_freed_after_a_flood_is_given_back)
{
    hf_give_back_t self = {.wait = 0};
    assert_false (s_look (&self, 20, 5));
    assert_false (s_look (&self, 600, 590)); //  it is in use
    assert_true (s_look (&self, 600, 5));
    assert_false (s_look (&self, 20, 5));
    assert_true (s_look (&self, 100, 5)); //  and again after the next one
    assert_false (s_look (&self, 4, 5));  //  the two numbers are not of one moment
}

/*  What is in use may lie on every page. It is tried again, less and less often. */
HF_TEST (what_cannot_be_given_back_now_is_tried_later)
{
    hf_give_back_t self = {.wait = 0};
    unsigned tries = 0;
    for (unsigned look = 0; look < 100; look++) {
        bool tried = s_look (&self, 100, 5);
        assert_true (tried || look > 1);
        tries += tried;
    }
    assert_in_range (tries, 100 / HF_GIVE_BACK_WAIT, 100 / HF_GIVE_BACK_WAIT + 4);
    assert_false (s_look (&self, 20, 5));
    assert_true (s_look (&self, 100, 5)); //  another flood
}

/*  A node with a large state frees and allocates all the time. */
HF_TEST (a_quarter_of_what_is_in_use_is_kept)
{
    hf_give_back_t self = {.wait = 0};
    assert_false (s_look (&self, 520, 400));
    assert_true (s_look (&self, 530, 400));
}

HF_TEST (mutant_kept_after_flood)
{
    hf_give_back_t self = {.wait = 0};
    hf_mutant = HF_MUTANT_kept_after_flood;
    assert_false (s_look (&self, 600, 5));
    hf_mutant = HF_MUTANT_none;
}

HF_TEST_MAIN (NULL, NULL)
