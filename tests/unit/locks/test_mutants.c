/*  Each mutant of claims (HF_MUTANT_CLAIMS_TABLE) is noticed by random histories: the model, the
 *  invariants or a state loaded from rows disagree. Without a mutant they run through. And those of
 *  the marks that say how long a session has been silent. */
#include "base/hf_mutant.h"
#include "nodes/locks/hf_state_private.h"
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/play.h"
#include "tests/unit/locks/table.h"
#include <sys/wait.h>
#include <unistd.h>

int hf_mutant = HF_MUTANT_none;

enum { SEEDS = 500, ENTRIES = 150 };

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

//  ---- answers ------------------------------------------------------------------------

/*  Session 1 keeps all of its answers, when there is room for few more: how many before LIMIT. */
static uint32_t
s_answers_kept (int mutant)
{
    feed_t *feed = feed_new (false);
    feed_open (feed, 1, 10000);
    feed_open (feed, 2, 10000);
    feed->state->sessions.answers = HF_ANSWERS_TOTAL_MAX - 3 * HF_ANSWERS_PART;
    hf_mutant = mutant;
    uint32_t count = 0;
    for (; count < 100; count++) {
        feed_start (feed, 1);
        feed->floor = 0;
        feed_acquire (feed, "a", true);
        feed_apply (feed);
        if (feed_answer (feed, 0)->status == HF_LIMIT)
            break;
    }
    assert_int_equal (feed_do_acquire (feed, 2, "b", true).status, HF_OK);
    hf_mutant = HF_MUTANT_none;
    feed->state->sessions.answers -= HF_ANSWERS_TOTAL_MAX - 3 * HF_ANSWERS_PART;
    feed_destroy (&feed);
    return count;
}

HF_TEST (p12_answers_of_one_session_leave_room_for_others)
{
    assert_int_equal (s_answers_kept (HF_MUTANT_none), 3);
    assert_int_equal (s_answers_kept (HF_MUTANT_answers_take_all), 100);
}

//  ---- marks of silence ---------------------------------------------------------------

static void
s_silence (feed_t *feed, uint64_t session, uint32_t ran_ms, uint64_t term)
{
    hf_pack_t list;
    hf_pack_init (&list);
    hf_silence_put (&list, &(hf_silence_t){session, ran_ms});
    hf_cmd_silence_put (&feed->commands, &(hf_cmd_silence_t){term, hf_pack_list (&list)});
    hf_pack_done (&list);
    feed_apply (feed);
}

/*  How much of the TTL of session 1 has run as the state knows, after it was marked and then asked
 *  for something: its client counts the answer as a keepalive. */
static uint32_t
s_ran_after_request (int mutant)
{
    feed_t *feed = feed_with (2);
    s_silence (feed, 1, 700, FEED_TERM);
    assert_int_equal (hf_state_session_ran (feed->state, 1), 700);
    assert_int_equal (hf_state_session_ran (feed->state, 2), 0);
    hf_mutant = mutant;
    feed_do_acquire (feed, 1, "a", true);
    hf_mutant = HF_MUTANT_none;
    uint32_t ran_ms = hf_state_session_ran (feed->state, 1);
    feed_destroy (&feed);
    return ran_ms;
}

HF_TEST (p9_a_request_clears_the_mark)
{
    assert_int_equal (s_ran_after_request (HF_MUTANT_none), 0);
    assert_int_equal (s_ran_after_request (HF_MUTANT_mark_outlives_request), 700);
}

HF_TEST (p9_an_opening_that_is_repeated_clears_the_mark)
{
    feed_t *feed = feed_with (1);
    s_silence (feed, 1, 700, FEED_TERM);
    feed_cmd_open (feed, 101, 5000);
    feed_apply (feed);
    assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->session, 1);
    assert_int_equal (hf_state_session_ran (feed->state, 1), 0);
    feed_destroy (&feed);
}

/*  A later leader may have acknowledged the session since an earlier one wrote this. */
static uint32_t
s_ran_of_term (uint64_t term, int mutant)
{
    feed_t *feed = feed_with (1);
    hf_mutant = mutant;
    s_silence (feed, 1, 700, term);
    hf_mutant = HF_MUTANT_none;
    uint32_t ran_ms = hf_state_session_ran (feed->state, 1);
    feed_destroy (&feed);
    return ran_ms;
}

HF_TEST (p9_a_mark_of_another_term_does_nothing)
{
    assert_int_equal (s_ran_of_term (FEED_TERM, HF_MUTANT_none), 700);
    assert_int_equal (s_ran_of_term (FEED_TERM - 1, HF_MUTANT_none), 0);
    assert_int_equal (s_ran_of_term (FEED_TERM + 1, HF_MUTANT_none), 0);
    assert_int_equal (s_ran_of_term (FEED_TERM - 1, HF_MUTANT_mark_any_term), 700);
}

/*  Of sessions that there are not, and of more than a TTL: such a command changes nothing. */
HF_TEST (a_mark_that_cannot_be)
{
    feed_t *feed = feed_with (1);
    s_silence (feed, 2, 700, FEED_TERM);
    s_silence (feed, 1, HF_TTL_MAX_MS + 1, FEED_TERM);
    s_silence (feed, 1, UINT32_MAX, FEED_TERM);
    assert_int_equal (hf_state_session_ran (feed->state, 1), 0);
    feed_destroy (&feed);
}

HF_TEST_MAIN (NULL, NULL)
