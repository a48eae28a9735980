/*  Each mutant of claims (HF_MUTANT_CLAIMS_TABLE) is noticed by random histories: the model, the
 *  invariants or a state loaded from rows disagree. Without a mutant they run through. */
#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/play.h"
#include "tests/unit/locks/table.h"
#include <sys/wait.h>
#include <unistd.h>

int hf_mutant = HF_MUTANT_none;

enum { SEEDS = 100, ENTRIES = 150 };

/*  Now and then the twin is replaced by what the rows give. */
static void
s_history (uint64_t seed)
{
    hf_random_t random = {.state = seed};
    play_t play = play_at_random (seed);
    for (int i = 0; i < ENTRIES; i++) {
        play_entry (&play);
        if (hf_random_below (&random, 25) > 0)
            continue;
        table_t rows = {.count = 0};
        table_fill (&rows, play.feed->state);
        hf_state_destroy (&play.feed->twin);
        play.feed->twin = table_load (&rows, false);
        assert (play.feed->twin);
        table_done (&rows);
    }
    play_done (&play);
}

/*  In a child, as most mutants end in an assertion. Gives whether it ran through. */
static bool
s_runs (int mutant, uint64_t seeds)
{
    fflush (stdout);
    pid_t pid = fork ();
    if (pid == 0) {
        hf_mutant = mutant;
        alarm (120);
        if (!freopen ("/dev/null", "w", stderr))
            _exit (2);
        for (uint64_t seed = 1; seed <= seeds; seed++)
            s_history (seed);
        _exit (0);
    }
    int status;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_false (WIFEXITED (status) && WEXITSTATUS (status) == 2);
    return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

HF_TEST (without_a_mutant_histories_run_through)
{
    assert_true (s_runs (HF_MUTANT_none, 10));
}

HF_TEST (each_mutant_of_claims_is_noticed)
{
    int missed = 0;
#define TRY(name, promise, text)                                                                   \
    if (s_runs (HF_MUTANT_##name, SEEDS)) {                                                        \
        fprintf (stderr, "%s is missed\n", #name);                                                 \
        missed++;                                                                                  \
    }
    HF_MUTANT_CLAIMS_TABLE (TRY)
#undef TRY
    assert_int_equal (missed, 0);
}

HF_TEST_MAIN (NULL, NULL)
