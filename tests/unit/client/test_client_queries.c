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

//  ---- as options say -----------------------------------------------------------------

static hf_query_options_t s_options = HF_QUERY_OPTIONS_INIT;
static uint64_t s_number;

static void
s_note_all (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)arg;
    NOTE ("%s/%u:%u '%s' '%s' ", lock->lock, lock->limit, place->units, place->label, place->note);
}

static void
s_note_session (void *arg, const hf_session_info_t *info)
{
    (void)arg;
    NOTE ("%d '%s' %u+%u %d%d %d-%d ", (int)info->session, info->label, info->ttl_ms,
          info->delay_ms, info->detect, info->gone, (int)info->held, (int)info->queued);
}

static hf_status_t
s_as_locks (void)
{
    return hf_query_locks_as (g_x.client, &s_options, s_note_all, NULL, LONG_MS);
}

static hf_status_t
s_as_lock (void)
{
    return hf_query_lock_as (g_x.client, "a", &s_options, s_note_all, NULL, LONG_MS);
}

static hf_status_t
s_as_sessions (void)
{
    return hf_query_sessions (g_x.client, &s_options, s_note_session, NULL, LONG_MS);
}

static hf_status_t
s_as_files (void)
{
    return hf_query_files_as (g_x.client, &s_options, s_note_file, NULL, LONG_MS);
}

static hf_status_t
s_as_read (void)
{
    char buffer[16];
    size_t size = sizeof buffer;
    hf_status_t status = hf_read_as (g_x.client, "f", &s_options, 3, buffer, &size, NULL, LONG_MS);
    NOTE ("%.*s", (int)size, buffer);
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

static void
s_try (size_t i, const struct question *question)
{
    s_text[0] = 0;
    fake_set_pages (g_x.fake[0], question->pages);
    hf_status_t status = question->ask ();
    if (status != question->status || strcmp (s_text, question->text) != 0)
        fail_msg ("question %zu: %s: %s", i, hf_status_name (status), s_text);
}

FIXTURE_TEST (test_questions_of_the_leader, 2, 0)
{
    for (size_t i = 0; i < sizeof s_questions / sizeof *s_questions; i++)
        s_try (i, &s_questions[i]);
    uint32_t ids[7];
    assert_int_equal (hf_client_nodes (g_x.client, ids), 2);
    assert_int_equal (ids[1], 2);
}

static const struct question s_stale[] = {
    //  The second page is of a node that is behind: a watch begins before what it does not know.
    {s_as_locks,
     HF_OK,
     "a/5:2 'kim' 'n' b/0:0 '' '' ",
     {{HF_WHAT_LOCKS, "", .stale = true, .result = {.more = true, .number = 50},
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {1, 0, 5}},
               {HF_KIND_HOLDER_ROW, "kim", "n", {1, 11, 0, 2}}}},
      {HF_WHAT_LOCKS, "a", .stale = true, .result.number = 30,
       .row = {{HF_KIND_LOCK_ROW, "b", .n = {1, 0}}, {HF_KIND_HOLDER_ROW, .n = {1, 12}}}}}},
    //  And of one that is ahead: what it knows is told again.
    {s_as_sessions,
     HF_OK,
     "7 'kim' 1000+0 10 3-2 9 '' 1000+500 01 1-2 ",
     {{HF_WHAT_SESSIONS, "", .stale = true, .result = {.more = true, .number = 30},
       .row = {{HF_KIND_SESSION_ROW, "kim", .n = {7, 0, 1, 3}}}},
      {HF_WHAT_SESSIONS, "", 7, .stale = true, .result.number = 40,
       .row = {{HF_KIND_SESSION_ROW, .n = {9, 500, 2, 1}}}}}},
    {s_as_lock,
     HF_OK,
     "a/5:2 'kim' '' a/5:3 'ann' 'later' ",
     {{HF_WHAT_LOCK, "a", 1, .stale = true, .result = {.more = true, .number = 40},
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {1, 1, 5}},
               {HF_KIND_HOLDER_ROW, "kim", .n = {1, 11, 0, 2}},
               {HF_KIND_WAITER_ROW, "ann", "later", {2, 1, 0, 3}}}},
      //  There, nobody has come yet.
      {HF_WHAT_LOCK, "a", 3, .stale = true, .result = {.status = HF_NOT_FOUND, .number = 30}}}},
    {s_as_lock,
     HF_NOT_FOUND,
     "",
     {{HF_WHAT_LOCK, "a", 1, .stale = true, .result = {.status = HF_NOT_FOUND, .number = 30}}}},
    {s_as_files,
     HF_OK,
     "f=9 ",
     {{HF_WHAT_FILES, "", .stale = true, .result.number = 30,
       .row = {{HF_KIND_FILE_ROW, "f", .n = {9, 1}}}}}},
    {s_as_read,
     HF_OK,
     "defg",
     {{HF_WHAT_READ, "f", 3, .stale = true,
       .result = {.data = {(const uint8_t *)"defg", 4}, .number = 30}}}},
};

//  What is no answer: then there is no number.
static const struct question s_bad[] = {
    {s_as_sessions,
     HF_MALFORMED,
     "7 'a' 1000+0 00 0-2 ", //  it would be asked for again and again
     {{HF_WHAT_SESSIONS, "", .stale = true, .result = {.more = true, .number = 30},
       .row = {{HF_KIND_SESSION_ROW, "a", .n = {7}}}},
      {HF_WHAT_SESSIONS, "", 7, .stale = true, .result = {.more = true, .number = 30},
       .row = {{HF_KIND_SESSION_ROW, "a", .n = {7}}}}}},
    {s_as_sessions,
     HF_MALFORMED,
     "",
     {{HF_WHAT_SESSIONS, "", .stale = true, .row = {{HF_KIND_SESSION_ROW, "a\033[2J", .n = {7}}}}}},
    {s_as_lock,
     HF_MALFORMED,
     "",
     {{HF_WHAT_LOCK, "a", 1, .stale = true,
       .row = {{HF_KIND_LOCK_ROW, "a", .n = {1}},
               {HF_KIND_HOLDER_ROW, "kim", "bell\a", {1, 11}}}}}},
};

/*  The only node is no leader, and is not asked whether it is. */
FIXTURE_TEST (test_stale_questions_need_no_leader, 1, 0)
{
    fake_set_autos (g_x.fake[0], 0);
    s_options = (hf_query_options_t)HF_QUERY_OPTIONS_INIT;
    s_options.stale = true;
    s_options.number = &s_number;
    for (size_t i = 0; i < sizeof s_stale / sizeof *s_stale; i++) {
        s_number = 0;
        s_try (i, &s_stale[i]);
        assert_int_equal (s_number, 30);
    }
    for (size_t i = 0; i < sizeof s_bad / sizeof *s_bad; i++) {
        s_number = 1;
        s_try (i, &s_bad[i]);
        assert_int_equal (s_number, 1);
    }
}

FIXTURE_TEST (test_bad_questions_are_not_asked, 1, 0)
{
    struct {
        hf_query_options_t known;
        uint64_t later;
    } newer = {HF_QUERY_OPTIONS_INIT, 1};
    newer.known.size = sizeof newer;
    const hf_query_options_t *options = &newer.known;
    assert_int_equal (hf_query_locks_as (g_x.client, options, s_note_all, NULL, 1), HF_INVALID);
    assert_int_equal (hf_query_sessions (g_x.client, options, s_note_session, NULL, 1), HF_INVALID);
    assert_int_equal (hf_query_sessions (g_x.client, NULL, NULL, NULL, 1), HF_INVALID);
    assert_int_equal (hf_query_lock_as (g_x.client, "", NULL, s_note_all, NULL, 1), HF_BAD_NAME);
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
