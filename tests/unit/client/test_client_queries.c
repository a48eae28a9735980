/*  Questions: pages, facts, reads; asked again after trouble, and never longer than allowed. */
#include "tests/unit/client/fixture.h"

static char s_text[1024];

#define NOTE(...) snprintf (s_text + strlen (s_text), 400, __VA_ARGS__)

static void
s_note_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)arg;
    if (place->position == 0)
        NOTE ("%s:%d+%d/%d ", lock->lock, (int)place->token, (int)place->staged,
              (int)lock->holders);
    else
        NOTE ("%d@%d/%d ", (int)place->session, (int)place->position, (int)lock->waiters);
}

static void
s_note_file (void *arg, const hf_file_info_t *info)
{
    (void)arg;
    NOTE ("%s=%d ", info->file, (int)info->length);
}

static void
s_note_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    (void)arg;
    NOTE ("%s=%s/%d ", key, text ? text : "-", (int)number);
}

static hf_status_t
s_ask_leader (void)
{
    hf_leader_info_t info;
    hf_status_t status = hf_query_leader (g_x.client, &info, LONG_MS);
    NOTE ("%u in %d at %s", info.id, (int)info.term, info.endpoint);
    return status;
}

static hf_status_t
s_ask_locks (void)
{
    return hf_query_locks (g_x.client, s_note_place, NULL, LONG_MS);
}

static hf_status_t
s_ask_lock (void)
{
    return hf_query_lock (g_x.client, "a", s_note_place, NULL, LONG_MS);
}

static hf_status_t
s_ask_files (void)
{
    return hf_query_files (g_x.client, s_note_file, NULL, LONG_MS);
}

static hf_status_t
s_ask_read (void)
{
    char buffer[16];
    size_t size = sizeof buffer;
    uint64_t total = 0;
    hf_status_t status = hf_read (g_x.client, "f", 3, buffer, &size, &total, LONG_MS);
    NOTE ("%.*s of %d", (int)size, buffer, (int)total);
    return status;
}

static const struct question {
    hf_status_t (*ask) (void);
    hf_status_t status;
    const char *text; //  what is reported
    page_t pages[3];  //  the last one is empty
} s_questions[] = {
    {s_ask_locks,
     HF_OK,
     "a:11+70/1 b:12+70/2 b:13+71/2 c:14+70/1 ",
     {{HF_WHAT_LOCKS, "", .result.more = true,
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {1, 0}},
               {HF_KIND_HOLDER_ROW, .n = {1, 11, 70}},
               {HF_KIND_LOCK_ROW, "b", .n = {2, 0}},
               {HF_KIND_HOLDER_ROW, .n = {1, 12, 70}},
               {HF_KIND_HOLDER_ROW, .n = {2, 13, 71}}}},
      {HF_WHAT_LOCKS, "b",
       .row = {{HF_KIND_LOCK_ROW, "c", .n = {1, 0}}, {HF_KIND_HOLDER_ROW, .n = {1, 14, 70}}}}}},
    {s_ask_locks,
     HF_MALFORMED,
     "", //  a holder of no lock
     {{HF_WHAT_LOCKS, "", .row = {{HF_KIND_HOLDER_ROW, .n = {1, 1, 0}}}}}},
    {s_ask_lock,
     HF_OK,
     "a:11+70/2 a:12+71/2 6@1/2 7@2/2 ",
     {{HF_WHAT_LOCK, "a", 1, .result.more = true,
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {2, 2}},
               {HF_KIND_HOLDER_ROW, .n = {1, 11, 70}},
               {HF_KIND_HOLDER_ROW, .n = {2, 12, 71}},
               {HF_KIND_WAITER_ROW, .n = {6, 1}}}},
      {HF_WHAT_LOCK, "a", 4,
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {0, 2}}, {HF_KIND_WAITER_ROW, .n = {7, 2}}}}}},
    {s_ask_lock,
     HF_MALFORMED,
     "", //  a holder without a token
     {{HF_WHAT_LOCK, "a", 1,
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {1, 0}}, {HF_KIND_HOLDER_ROW, .n = {1, 0, 70}}}}}},
    {s_ask_files,
     HF_OK,
     "f=9 ",
     {{HF_WHAT_FILES, "", .row = {{HF_KIND_FILE_ROW, "f", .n = {9, 1}}}}}},
    {s_ask_files,
     HF_MALFORMED,
     "",
     {{HF_WHAT_FILES, "", .row = {{HF_KIND_WAITER_ROW, .n = {1, 1}}}}}},
    {s_ask_files, HF_BUSY, "", {{HF_WHAT_FILES, "", .result.status = HF_BUSY}}},
    //  A read that was lost is asked again.
    {s_ask_read,
     HF_OK,
     "defg of 7",
     {{HF_WHAT_READ, "f", 3, .skip = true},
      {HF_WHAT_READ, "f", 3, .result = {.data = {(const uint8_t *)"defg", 4}, .total = 7}}}},
    {s_ask_read, HF_NOT_FOUND, " of 0", {{HF_WHAT_READ, "f", 3, .result.status = HF_NOT_FOUND}}},
    {s_ask_leader,
     HF_OK,
     "1 in 8 at 127.0.0.1:8080",
     {{HF_WHAT_LEADER, "",
       .row = {{HF_KIND_FACT_ROW, "leader", .n = {1}},
               {HF_KIND_FACT_ROW, "term", .n = {8}},
               {HF_KIND_FACT_ROW, "endpoint", "127.0.0.1:8080", {0}}}}}},
};

FIXTURE_TEST (test_questions_of_the_leader, 2, 0)
{
    for (size_t i = 0; i < sizeof s_questions / sizeof *s_questions; i++) {
        const struct question *question = &s_questions[i];
        s_text[0] = 0;
        fake_set_pages (g_x.fake[0], question->pages);
        hf_status_t status = question->ask ();
        if (status != question->status || strcmp (s_text, question->text) != 0)
            fail_msg ("question %zu: %s: %s", i, hf_status_name (status), s_text);
    }
    uint32_t ids[7];
    assert_int_equal (hf_client_nodes (g_x.client, ids), 2);
    assert_int_equal (ids[1], 2);
}

FIXTURE_TEST (test_status_is_asked_of_the_node_that_is_meant, 2, 0)
{
    static const page_t pages[] = {{HF_WHAT_STATUS, "",
                                    .row = {{HF_KIND_FACT_ROW, "role", "follower", {0}},
                                            {HF_KIND_FACT_ROW, "term", .n = {4}}}},
                                   {0}};
    fake_follow (g_x.fake[1], false, 0, 0);
    fake_set_autos (g_x.fake[1], 0);
    fake_set_pages (g_x.fake[1], pages);
    s_text[0] = 0;
    assert_int_equal (hf_query_status (g_x.client, 2, s_note_fact, NULL, LONG_MS), HF_OK);
    assert_string_equal (s_text, "role=follower/0 term=-/4 ");
    assert_int_equal (hf_query_status (g_x.client, 9, s_note_fact, NULL, LONG_MS), HF_INVALID);
}

FIXTURE_TEST (test_what_is_refused_for_good_ends_at_once, 2, 0)
{
    //  There is a target before, so that the refusal is taken as the target's.
    assert_int_equal (hf_close_session_id (g_x.client, 5, LONG_MS), HF_OK);
    fake_set_autos (g_x.fake[0], 0);
    hf_submit_read (g_x.client, "f", 0, 10, LONG_MS, seen_result, NULL);
    hf_query_t query = {.id = UINT64_MAX};
    while (query.id == UINT64_MAX) {
        fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_QUERY, SOON_MS);
        assert_non_null (frame);
        assert_true (hf_query_get (&frame->scan, &query));
        free (frame);
    }
    hf_pack_t pack;
    hf_pack_init (&pack);
    node_refuse (&pack, HF_BAD_VERSION, 0, 0);
    fake_send (g_x.fake[0], &pack);
    seen_t seen;
    assert_true (seen_take (&seen, 900));
    assert_int_equal (seen.status, HF_BAD_VERSION);
}

HF_TEST_MAIN (NULL, NULL)
