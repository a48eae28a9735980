//  P6, atomic sections: what is staged is released as a whole, once, or not at all.
#include "tests/unit/locks/check.h"
#include "nodes/locks/hf_section.h"

FEED_TEST (p6_a_release_commits_all_files_in_one_step, feed_with (4))
{
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    assert_int_equal (feed_do_append (feed, 1, "a", token, "f", "one "), HF_OK);
    assert_int_equal (feed_do_append (feed, 1, "a", token, "g", "uno "), HF_OK);
    assert_int_equal (feed_do_append (feed, 1, "a", token, "f", "two "), HF_OK);
    assert_int_equal (feed_do_append (feed, 1, "a", token, "g", "dos "), HF_OK);
    assert_int_equal (hf_state_staged_bytes (feed->state), 16 + 2 * HF_STAGED_FILE_COST);
    assert_string_equal (feed_file (feed, "f"), ""); //  nothing before the release
    assert_int_equal (feed_do_release (feed, 1, "a", token), HF_OK);
    assert_int_equal (feed_count (feed, HF_OUT_SECTION), 1);
    const hf_outcome_t *section = feed_outcome (feed, HF_OUT_SECTION, 0);
    assert_int_equal (section->index, hf_state_command_index (feed->state));
    assert_int_equal (section->index, feed_answer (feed, 0)->index);
    assert_int_equal (section->parts_list.count, 2);
    assert_string_equal (feed_file (feed, "f"), "one two ");
    assert_string_equal (feed_file (feed, "g"), "uno dos ");
    assert_int_equal (hf_state_staged_bytes (feed->state), 0);
    //  The next section starts with nothing.
    token = feed_do_acquire (feed, 1, "a", true).token;
    feed_do_append (feed, 1, "a", token, "f", "three");
    feed_do_release (feed, 1, "a", token);
    assert_string_equal (feed_file (feed, "f"), "one two three");
    assert_string_equal (feed_file (feed, "g"), "uno dos ");
}

FEED_TEST (p6_what_is_not_released_is_in_no_file, feed_with (4))
{
    for (int how = 0; how < 4; how++) {
        uint64_t session = 1 + (uint64_t)how;
        hf_answer_t hold = feed_do_acquire (feed, session, "a", true);
        assert_int_equal (hold.status, HF_OK);
        assert_int_equal (feed_do_append (feed, session, "a", hold.token, "f", "lost"), HF_OK);
        assert_int_equal (hf_state_staged_bytes (feed->state), 4 + HF_STAGED_FILE_COST);
        if (how == 0)
            assert_int_equal (feed_do_cancel (feed, session, "a", hold.token), HF_OK);
        if (how == 1)
            assert_int_equal (feed_do_abandon (feed, session, "a"), HF_OK);
        if (how == 2)
            feed_do_close (feed, session);
        if (how == 3) {
            feed_cmd_expire (feed, session, FEED_TERM);
            feed_apply (feed);
        }
        assert_int_equal (feed_count (feed, HF_OUT_SECTION), 0);
        assert_int_equal (hf_state_staged_bytes (feed->state), 0);
        assert_int_equal (hf_state_locks_count (feed->state), 0);
    }
    assert_int_equal (feed->files.count, 0);
}

FEED_TEST (file_names_are_checked, feed_with (4))
{
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    char longest[257];
    memset (longest, 'n', sizeof (longest));
    longest[256] = 0;
    assert_int_equal (feed_do_append (feed, 1, "a", token, longest, "x"), HF_BAD_NAME);
    assert_int_equal (feed_do_append (feed, 1, "a", token, "", "x"), HF_BAD_NAME);
    assert_int_equal (feed_do_append (feed, 1, "a", token, "\x80", "x"), HF_BAD_NAME);
    assert_int_equal (hf_state_staged_bytes (feed->state), 0);
    longest[255] = 0;
    assert_int_equal (feed_do_append (feed, 1, "a", token, longest, "x"), HF_OK);
    feed_do_release (feed, 1, "a", token);
    assert_string_equal (feed_file (feed, longest), "x");
}

static hf_status_t
s_append_bytes (feed_t *feed, uint64_t token, const char *file, const uint8_t *bytes, size_t size)
{
    feed_start (feed, 1);
    feed_append (feed, "a", token, 0, file, hf_span (bytes, size));
    feed_apply (feed);
    return (hf_status_t)feed_answer (feed, 0)->status;
}

FEED_TEST (caps_hold_at_the_exact_byte, feed_new (false))
{
    feed_open (feed, 1, 10000);
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    uint8_t *bytes = calloc (1, HF_DATA_MAX + 1);
    assert_int_equal (s_append_bytes (feed, token, "f", bytes, HF_DATA_MAX + 1), HF_TOO_LARGE);
    assert_int_equal (hf_state_staged_bytes (feed->state), 0);
    for (uint32_t i = 1; i < HF_SECTION_BYTES_MAX / HF_DATA_MAX; i++)
        assert_int_equal (s_append_bytes (feed, token, "f", bytes, HF_DATA_MAX), HF_OK);
    assert_int_equal (s_append_bytes (feed, token, "f", bytes, HF_DATA_MAX - 1), HF_OK);
    assert_int_equal (s_append_bytes (feed, token, "f", bytes, 2), HF_TOO_LARGE);
    assert_int_equal (s_append_bytes (feed, token, "g", bytes, 2), HF_TOO_LARGE);
    assert_int_equal (s_append_bytes (feed, token, "f", bytes, 1), HF_OK);
    assert_int_equal (s_append_bytes (feed, token, "f", bytes, 1), HF_TOO_LARGE);
    assert_int_equal (hf_state_staged_bytes (feed->state),
                      HF_SECTION_BYTES_MAX + HF_STAGED_FILE_COST);
    hf_state_check (feed->state);
    //  The section stayed as it was: it can still be released, whole.
    assert_int_equal (feed_do_release (feed, 1, "a", token), HF_OK);
    assert_int_equal (feed->files.count, 1);
    assert_int_equal (feed->files.list[0].size, HF_SECTION_BYTES_MAX);
    free (bytes);
}

FEED_TEST (a_section_has_at_most_so_many_files, feed_with (4))
{
    uint64_t token = feed_do_acquire (feed, 1, "a", true).token;
    char name[32];
    for (int i = 0; i < HF_SECTION_FILES_MAX; i++) {
        snprintf (name, sizeof (name), "file %d", i);
        assert_int_equal (feed_do_append (feed, 1, "a", token, name, "x"), HF_OK);
    }
    assert_int_equal (feed_do_append (feed, 1, "a", token, "one more", "x"), HF_TOO_LARGE);
    assert_int_equal (feed_do_append (feed, 1, "a", token, name, "y"), HF_OK);
    feed_do_release (feed, 1, "a", token);
    assert_int_equal (feed->files.count, HF_SECTION_FILES_MAX);
    assert_string_equal (feed_file (feed, name), "xy");
}

/*  The cap on all sections together, without filling half a gigabyte. */
HF_TEST (all_sections_together_are_capped)
{
    hf_rows_t rows;
    hf_rows_init (&rows);
    hf_section_t *section = hf_section_new (1, &rows);
    hf_span_t file = hf_span_text ("f");
    uint64_t staged = HF_STAGED_BYTES_MAX - 3 - HF_STAGED_FILE_COST;
    assert_int_equal (hf_section_append (section, file, hf_span_text ("four"), &staged),
                      HF_TOO_LARGE);
    assert_true (hf_section_empty (section));
    assert_int_equal (hf_section_append (section, file, hf_span_text ("xyz"), &staged), HF_OK);
    assert_int_equal (staged, HF_STAGED_BYTES_MAX);
    assert_int_equal (hf_section_append (section, file, hf_span_text ("x"), &staged), HF_TOO_LARGE);
    assert_int_equal (hf_section_append (section, hf_span_text ("g"), hf_span_text (""), &staged),
                      HF_TOO_LARGE);
    assert_int_equal (hf_section_append (section, file, hf_span_text (""), &staged), HF_OK);
    assert_int_equal (hf_section_bytes (section), 3);
    hf_section_check (section);
    hf_section_destroy (&section);
    assert_null (section);
    hf_rows_done (&rows);
}

HF_TEST_MAIN (NULL, NULL)
