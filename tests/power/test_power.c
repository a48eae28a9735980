//  One life under power cuts, kills and failures at every operation (P7): test_power_* LIFE.

#include "tests/kit/hf_test.h"
#include "power_life.h"

static const struct life {
    const char *name;
    power_life_t *(*make) (uint64_t seed, unsigned commits);
    uint64_t seeds;                 //  of the cuts
    unsigned commits, commits_less; //  of a life for cuts, for all else
} s_lives[] = {
    {"log", life_log_new, 2, 24, 10},
    {"files", life_files_new, 2, 10, 6},
    {"state", life_state_new, 2, 14, 8},
    {"swap", life_swap_new, 1, 0, 0},
};
static const struct life *s_life = s_lives;

HF_TEST (test_P7_a_cut_at_every_operation)
{
    for (uint64_t seed = 1; seed <= s_life->seeds; seed++) {
        power_life_t *life = s_life->make (seed, s_life->commits);
        power_result_t result = power_cuts (life, 1, 1, NULL);
        power_expect_kept (life, "cuts", &result);
        power_life_destroy (&life);
    }
}

HF_TEST (test_P7_a_failure_of_every_operation)
{
    power_life_t *life = s_life->make (3, s_life->commits_less);
    const char *names[] = {"-", "-", "dead disk", "one failure", "full disk"};
    for (power_fault_t fault = POWER_DEAD; fault <= POWER_FULL; fault++) {
        power_result_t result = power_failures (life, fault);
        power_expect_kept (life, names[fault], &result);
    }
    power_life_destroy (&life);
}

HF_TEST (test_P7_a_kill_at_every_operation)
{
    power_life_t *life = s_life->make (4, s_life->commits_less);
    power_result_t result = power_kills (life, NULL);
    power_expect_kept (life, "kills", &result);
    power_life_destroy (&life);
}

int
main (int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof s_lives / sizeof *s_lives; i++)
        if (strcmp (s_lives[i].name, argv[1]) == 0)
            s_life = &s_lives[i];
    return hf_test_run (power_begin, power_end);
}
