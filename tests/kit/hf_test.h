/*  hf_test.h - what every test program includes: cmocka, the C library that it needs, and tests
 * that register themselves. */
#ifndef HF_TEST_H_INCLUDED
#define HF_TEST_H_INCLUDED

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct hf_tests {
    size_t count;
    struct CMUnitTest test[64];
} hf_tests_t;

static inline hf_tests_t *
hf_tests (void)
{
    static hf_tests_t s_tests;
    return &s_tests;
}

static inline void
hf_test_add (struct CMUnitTest test)
{
    if (hf_tests ()->count == 64)
        abort ();
    hf_tests ()->test[hf_tests ()->count++] = test;
}

/*  HF_TEST (name) { ... } is a test. The tests of a file run in their order, which the
 * constructor's priority keeps; SETUP and TEARDOWN are cmocka's. */
#define HF_TEST_WITH(name, setup, teardown)                                                        \
    static void name (void **state);                                                               \
    static void __attribute__ ((constructor (1000 + __LINE__))) name##_add (void)                  \
    {                                                                                              \
        hf_test_add ((struct CMUnitTest){#name, name, setup, teardown, NULL});                     \
    }                                                                                              \
    static void name (void **state __attribute__ ((unused)))
#define HF_TEST(name) HF_TEST_WITH (name, NULL, NULL)

/*  Run them all, between SETUP and TEARDOWN; gives the exit code. */
static inline int
hf_test_run (CMFixtureFunction setup, CMFixtureFunction teardown)
{
    return _cmocka_run_group_tests ("tests", hf_tests ()->test, hf_tests ()->count, setup,
                                    teardown);
}

#define HF_TEST_MAIN(setup, teardown)                                                              \
    int main (void)                                                                                \
    {                                                                                              \
        return hf_test_run (setup, teardown);                                                      \
    }

#endif
