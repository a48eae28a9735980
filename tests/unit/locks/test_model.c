/*  Random histories: the state against its slow and obvious twin (P4, P5a, P6, P8, exactly once).
 *  The seed of a failure is printed; run it alone with: test_state_model SEED. */
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/play.h"

static uint64_t s_only_seed, s_seeds = 300;
//  By status and by type: a test that never gets there proves nothing.
static size_t s_answers_seen[256], s_outcomes_seen[16];

static void
s_run (uint64_t seed)
{
    play_t play = play_at_random (seed);
    for (int entry = 0; entry < 250; entry++) {
        play_entry (&play);
        for (size_t i = 0; i < play.feed->out.count; i++) {
            const hf_outcome_t *out = &play.feed->out.list[i];
            s_outcomes_seen[out->type]++;
            s_answers_seen[out->answer.status] += out->type == HF_OUT_ANSWER;
        }
    }
    assert_true (play.model->last_token > 20);
    play_done (&play);
}

HF_TEST (random_histories_are_as_the_model_says)
{
    uint64_t first = s_only_seed != 0 ? s_only_seed : 1;
    uint64_t last = s_only_seed != 0 ? s_only_seed : s_seeds;
    for (uint64_t seed = first; seed <= last; seed++) {
        //  The last line shows it when the run ends in a failure or a crash.
        fprintf (stderr, "\rseed %d ", (int)seed);
        s_run (seed);
    }
    fprintf (stderr, "\n");
    if (s_only_seed != 0)
        return;
    const hf_status_t statuses[] = {
        HF_OK,    HF_QUEUED, HF_NOT_GRANTED,     HF_NOT_HOLDER, HF_BAD_NAME, HF_BAD_REQUEST,
        HF_STALE, HF_LIMIT,  HF_SESSION_EXPIRED, HF_CONFLICT,   HF_DEADLOCK, HF_OVERLAP};
    for (size_t i = 0; i < sizeof (statuses) / sizeof (*statuses); i++)
        assert_true (s_answers_seen[statuses[i]] > (statuses[i] == HF_DEADLOCK ? 10 : 100));
    for (size_t type = HF_OUT_OPENED; type <= HF_OUT_TOUCHED; type++)
        assert_true (s_outcomes_seen[type] > 100);
}

int
main (int argc, char **argv)
{
    if (argc == 2)
        s_only_seed = strtoull (argv[1], NULL, 10);
    if (argc == 3) //  --seeds COUNT
        s_seeds = strtoull (argv[2], NULL, 10);
    return hf_test_run (NULL, NULL);
}
