//  Scenarios 2a and 2b: a client process that stands still past its TTL. Three nodes.

#include "tests/scenarios/stage.h"

/*  Client 1 is granted, may have appended an A, and stalls. */
static void
s_play (stage_t *stage, bool edit_before_stall)
{
    stage_cluster (stage, 3);
    hf_script_t *one = stage_client (stage, 1, SHORT_MS);
    hf_script_t *two = stage_client (stage, 2, LONG_MS);
    uint64_t token = must_acquire (one);
    if (edit_before_stall)
        must_append (one, "F", "A");
    hf_process_stop (hf_script_process (one));
    silence_start_t silence = stage_silence_begins (stage);

    hf_script_say (two, "acquire L");
    assert_true (must_hear_in_time (stage, two, silence, SHORT_MS).token > token);
    must_write (two, "F", "BB");

    hf_process_go_on (hf_script_process (one));
    must_find_lost (one, "F");
    must_open (one, LONG_MS);
    must_acquire (one);
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
