//  Scenarios 2a and 2b: a client process that stands still past its TTL. Three nodes.

#include "tests/scenarios/stage.h"

/*  Client 1 is granted, may have appended an A, and stalls. */
static void
s_play (void *state, bool edit_before_stall)
{
    stage_t *stage = stage_begin (state, 3, 0, TTLS (SHORT_MS, LONG_MS));
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    uint64_t token = MUST (one, "acquire L").token;
    if (edit_before_stall)
        MUST (one, "append L F A");
    hf_process_stop (hf_script_process (one));
    silence_start_t silence = stage_silence_begins (stage);

    hf_script_say (two, "acquire L");
    assert_true (must_hear_in_time (stage, two, silence, SHORT_MS).token > token);
    must_write (two, "F", "BB");

    hf_process_go_on (hf_script_process (one));
    must_find_lost (one, "F");
    MUST (one, "open %u", LONG_MS);
    MUST (one, "acquire L");
    must_write (one, "F", "AA");
    stage_end (stage, "F", "BBAA");
}

//  2a: client 1 stalls before it has edited anything.
SCENE (test_2a_stall_before_the_edit)
{
    s_play (*state, false);
}

//  2b: it stalls after an edit: the A of the lost section is nowhere.
SCENE (test_2b_stall_after_the_edit)
{
    s_play (*state, true);
}

HF_TEST_MAIN (NULL, NULL)
