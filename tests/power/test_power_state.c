//  The lock state on disk under power cuts, kills and failures at every operation (P7).

#include "tests/kit/hf_test.h"
#include "life_state.h"

static void
test_P7_state_after_a_cut_at_every_operation (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        power_life_t *life = life_state_new (seed, 14);
        power_result_t result = power_cuts (life, 1, 1, NULL);
        power_expect_kept (life, "cuts", &result);
        life_state_destroy (&life);
    }
}

static void
test_P7_state_after_a_failure_of_every_operation (void **state)
{
    (void)state;
    power_life_t *life = life_state_new (3, 8);
    const char *names[] = {"-", "-", "dead disk", "one failure", "full disk"};
    for (power_fault_t fault = POWER_DEAD; fault <= POWER_FULL; fault++) {
        power_result_t result = power_failures (life, fault);
        power_expect_kept (life, names[fault], &result);
    }
    life_state_destroy (&life);
}

static void
test_P7_state_after_a_kill_at_every_operation (void **state)
{
    (void)state;
    power_life_t *life = life_state_new (4, 8);
    power_result_t result = power_kills (life, NULL);
    power_expect_kept (life, "kills", &result);
    life_state_destroy (&life);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_P7_state_after_a_cut_at_every_operation),
        cmocka_unit_test (test_P7_state_after_a_failure_of_every_operation),
        cmocka_unit_test (test_P7_state_after_a_kill_at_every_operation),
    };
    return cmocka_run_group_tests (tests, power_begin, power_end);
}
