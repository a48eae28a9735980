/*  CMD_SKIP: a cluster that begins with the one disk that is left of another gives out no token and
 *  no session id that the old one may have given. */
#include "base/hf_mutant.h"
#include "msgs/hf_limits.h"
#include "nodes/locks/hf_state_private.h"
#include "tests/unit/locks/check.h"
#include "tests/unit/locks/table.h"

int hf_mutant = HF_MUTANT_none;

static void
s_put (feed_t *feed, uint64_t by)
{
    hf_cmd_skip_put (&feed->commands, &(hf_cmd_skip_t){.by = by});
}

static void
s_skip (feed_t *feed, int mutant)
{
    hf_mutant = mutant;
    s_put (feed, HF_SKIP_MAX);
    feed_apply (feed);
    hf_mutant = HF_MUTANT_none;
}

static uint64_t
s_happened_after (int mutant)
{
    feed_t *feed = feed_with (1);
    feed_do_acquire (feed, 1, "a", true);
    s_skip (feed, mutant);
    uint64_t happened = hf_state_happened (feed->state);
    feed_destroy (&feed);
    return happened;
}

static uint64_t
s_token_after (int mutant)
{
    feed_t *feed = feed_with (1);
    feed_do_acquire (feed, 1, "a", true);
    s_skip (feed, mutant);
    uint64_t token = feed_do_acquire (feed, 1, "b", true).token;
    assert_int_equal (hf_state_last_token (feed->state), token);
    feed_destroy (&feed);
    return token;
}

static uint64_t
s_session_after (int mutant)
{
    feed_t *feed = feed_new (false);
    feed_open (feed, 1, 5000);
    s_skip (feed, mutant);
    feed_cmd_open (feed, 2, 5000);
    feed_apply (feed);
    uint64_t session = feed_outcome (feed, HF_OUT_OPENED, 0)->session;
    feed_destroy (&feed);
    return session;
}

HF_TEST (p5_no_number_is_given_out_again)
{
    assert_int_equal (s_token_after (HF_MUTANT_none), HF_SKIP_MAX + 2);
    assert_int_equal (s_token_after (HF_MUTANT_tokens_given_again), 2);
    assert_int_equal (s_session_after (HF_MUTANT_none), HF_SKIP_MAX + 2);
    assert_int_equal (s_session_after (HF_MUTANT_sessions_given_again), 2);
    assert_int_equal (s_happened_after (HF_MUTANT_none), HF_SKIP_MAX + 1);
    assert_int_equal (s_happened_after (HF_MUTANT_numbers_told_again), 1);
}

/*  What was held and waited for stays, with its token; so do sections, and a loaded state is equal.
 */
FEED_TEST (what_there_is_stays, feed_with (2))
{
    feed_do_acquire (feed, 1, "a", true);
    feed_do_acquire (feed, 2, "a", true);
    assert_int_equal (feed_do_append (feed, 1, "a", 1, "file", "text"), HF_OK);
    uint64_t commands = hf_state_command_index (feed->state), token;
    s_skip (feed, HF_MUTANT_none);
    assert_int_equal (feed->out.count, 1);
    assert_int_equal (feed->out.list[0].type, HF_OUT_SKIPPED);
    assert_int_equal (hf_state_command_index (feed->state), commands + 2 * HF_SKIP_MAX);
    assert_int_equal (feed_holder (feed, "a", &token), 1);
    assert_int_equal (token, 1);
    table_t rows = {.count = 0};
    table_fill (&rows, feed->state);
    hf_state_destroy (&feed->twin);
    feed->twin = table_load (&rows, false);
    assert_non_null (feed->twin);
    table_done (&rows);
    assert_int_equal (feed_do_release (feed, 1, "a", 1), HF_OK);
    assert_int_equal (feed_outcome (feed, HF_OUT_SECTION, 0)->number, HF_SKIP_MAX + 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_GRANTED, 0)->answer.token, HF_SKIP_MAX + 2);
    assert_string_equal (feed_file (feed, "file"), "text");
}

/*  Only what is written for it: alone in its entry, of no more than there is room for. */
FEED_TEST (any_other_changes_nothing, feed_with (1))
{
    s_put (feed, HF_SKIP_MAX + 1);
    feed_apply (feed);
    s_put (feed, UINT64_MAX);
    feed_apply (feed);
    s_put (feed, 1);
    s_put (feed, 1);
    feed_apply (feed);
    assert_int_equal (feed->out.count, 0);
    assert_int_equal (feed_do_acquire (feed, 1, "a", true).token, 1);
}

/*  However often it comes, a state can be loaded again and goes on. */
FEED_TEST (counters_never_overflow, feed_with (1))
{
    const uint64_t most = HF_STATE_COUNTER_MAX / 2;
    feed->state->command_index = feed->twin->command_index = most;
    s_skip (feed, HF_MUTANT_none);
    assert_int_equal (hf_state_command_index (feed->state), most + 2 * HF_SKIP_MAX);
    table_t rows = {.count = 0};
    table_fill (&rows, feed->state);
    hf_state_destroy (&feed->twin);
    feed->twin = table_load (&rows, false);
    assert_non_null (feed->twin);
    table_done (&rows);
    s_skip (feed, HF_MUTANT_none);
    assert_int_equal (feed->out.count, 0);
    assert_int_equal (feed_do_acquire (feed, 1, "a", true).token, HF_SKIP_MAX + 1);
}

HF_TEST_MAIN (NULL, NULL)
