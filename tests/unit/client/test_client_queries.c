/*  Questions: pages, facts, reads; asked again after trouble, and never longer than allowed. */
#include "tests/unit/client/fixture.h"
#include <pthread.h>

//  ---- an answering thread: one page per query, in turn ---------------------------------

typedef struct page {
    hf_query_result_t result;
    hf_pack_t rows;
    uint32_t what; //  expected, as are the next three
    const char *name;
    uint64_t offset;
    bool skip; //  leave it unanswered
    bool wrong;
} page_t;

static page_t s_pages[4];
static size_t s_page_count;
static int s_node;

static void
s_pages_init (void)
{
    memset (s_pages, 0, sizeof s_pages);
    s_page_count = 0;
    s_node = 0;
    for (size_t i = 0; i < 4; i++)
        hf_pack_init (&s_pages[i].rows);
}

static page_t *
s_page (uint32_t what, const char *name, uint64_t offset)
{
    page_t *page = &s_pages[s_page_count++];
    page->what = what;
    page->name = name;
    page->offset = offset;
    return page;
}

static void *
s_answer_pages (void *arg)
{
    (void)arg;
    uint64_t answered = 0;
    for (size_t i = 0; i < s_page_count;) {
        fake_frame_t *frame = fake_take (g_x.fake[s_node], HF_KIND_QUERY, LONG_MS);
        if (!frame)
            break;
        hf_query_t query;
        bool good = hf_query_get (&frame->scan, &query);
        if (query.id == UINT64_MAX || query.id == answered) { //  a probe, or a repeat
            free (frame);
            continue;
        }
        page_t *page = &s_pages[i++];
        page->wrong = !good || query.what != page->what || query.offset != page->offset ||
                      !hf_span_equal (query.name, hf_span_text (page->name));
        page->result.id = query.id;
        page->result.rows = hf_pack_list (&page->rows);
        hf_pack_t pack;
        hf_pack_init (&pack);
        hf_query_result_frame (&pack, &page->result);
        answered = page->skip ? 0 : query.id;
        if (page->skip)
            hf_pack_done (&pack);
        else
            fake_send (g_x.fake[s_node], &pack);
        free (frame);
    }
    return NULL;
}

static pthread_t
s_start (void)
{
    pthread_t thread;
    pthread_create (&thread, NULL, s_answer_pages, NULL);
    return thread;
}

static void
s_finish (pthread_t thread)
{
    pthread_join (thread, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_false (s_pages[i].wrong);
        hf_pack_done (&s_pages[i].rows);
    }
}

//  ---- tests ------------------------------------------------------------------------

static char s_text[1024];

static void
s_note_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)arg;
    size_t end = strlen (s_text);
    if (place->position == 0)
        snprintf (s_text + end, 100, "%s:%d+%d/%d ", lock->lock, (int)place->token,
                  (int)place->staged, (int)lock->holders);
    else
        snprintf (s_text + end, 100, "%d@%d/%d ", (int)place->session, (int)place->position,
                  (int)lock->waiters);
}

/*  A lock with holders 1 to HOLDERS: tokens TOKEN and up. */
static void
s_put_lock (page_t *page, const char *lock, uint64_t token, uint64_t holders, uint64_t waiters)
{
    hf_lock_row_put (&page->rows, &(hf_lock_row_t){hf_span_text (lock), holders, waiters});
    for (uint64_t i = 0; i < holders; i++)
        hf_holder_row_put (&page->rows, &(hf_holder_row_t){1 + i, token + i, 0, 70 + i});
}

FIXTURE_TEST (test_locks_come_by_pages, 2, 0)
{
    s_pages_init ();
    page_t *page = s_page (HF_WHAT_LOCKS, "", 0);
    s_put_lock (page, "a", 11, 1, 0);
    s_put_lock (page, "b", 12, 2, 0);
    page->result.more = true;
    page = s_page (HF_WHAT_LOCKS, "b", 0);
    s_put_lock (page, "c", 14, 1, 0);
    page = s_page (HF_WHAT_LOCKS, "", 0);
    hf_holder_row_put (&page->rows, &(hf_holder_row_t){1, 1, 0, 0}); //  of no lock
    pthread_t thread = s_start ();
    s_text[0] = 0;
    assert_int_equal (hf_query_locks (g_x.client, s_note_place, NULL, LONG_MS), HF_OK);
    assert_string_equal (s_text, "a:11+70/1 b:12+70/2 b:13+71/2 c:14+70/1 ");
    assert_int_equal (hf_query_locks (g_x.client, s_note_place, NULL, LONG_MS), HF_MALFORMED);
    s_finish (thread);
}

FIXTURE_TEST (test_a_lock_with_its_holders_and_its_queue, 2, 0)
{
    s_pages_init ();
    page_t *page = s_page (HF_WHAT_LOCK, "a", 1);
    s_put_lock (page, "a", 11, 2, 2);
    hf_waiter_row_put (&page->rows, &(hf_waiter_row_t){6, 1, 0});
    page->result.more = true;
    page = s_page (HF_WHAT_LOCK, "a", 4);
    s_put_lock (page, "a", 11, 0, 2);
    hf_waiter_row_put (&page->rows, &(hf_waiter_row_t){7, 2, 0});
    page = s_page (HF_WHAT_LOCK, "a", 1);
    s_put_lock (page, "a", 0, 1, 0); //  a holder without a token
    pthread_t thread = s_start ();
    s_text[0] = 0;
    assert_int_equal (hf_query_lock (g_x.client, "a", s_note_place, NULL, LONG_MS), HF_OK);
    assert_string_equal (s_text, "a:11+70/2 a:12+71/2 6@1/2 7@2/2 ");
    assert_int_equal (hf_query_lock (g_x.client, "a", s_note_place, NULL, LONG_MS), HF_MALFORMED);
    s_finish (thread);
}

static void
s_note_file (void *arg, const hf_file_info_t *info)
{
    (void)arg;
    snprintf (s_text + strlen (s_text), 100, "%s=%d ", info->file, (int)info->length);
}

FIXTURE_TEST (test_files_and_rows_that_are_none, 2, 0)
{
    s_pages_init ();
    page_t *page = s_page (HF_WHAT_FILES, "", 0);
    hf_file_row_put (&page->rows, &(hf_file_row_t){hf_span_text ("f"), 9, 1});
    page = s_page (HF_WHAT_FILES, "", 0);
    hf_waiter_row_put (&page->rows, &(hf_waiter_row_t){1, 1, 0});
    page = s_page (HF_WHAT_FILES, "", 0);
    page->result.status = HF_BUSY;
    pthread_t thread = s_start ();
    s_text[0] = 0;
    assert_int_equal (hf_query_files (g_x.client, s_note_file, NULL, LONG_MS), HF_OK);
    assert_string_equal (s_text, "f=9 ");
    assert_int_equal (hf_query_files (g_x.client, s_note_file, NULL, LONG_MS), HF_MALFORMED);
    assert_int_equal (hf_query_files (g_x.client, s_note_file, NULL, LONG_MS), HF_BUSY);
    s_finish (thread);
}

FIXTURE_TEST (test_a_read_that_got_lost_is_asked_again, 2, 0)
{
    s_pages_init ();
    s_page (HF_WHAT_READ, "f", 3)->skip = true;
    page_t *page = s_page (HF_WHAT_READ, "f", 3);
    page->result.data = hf_span_text ("defg");
    page->result.total = 7;
    page = s_page (HF_WHAT_READ, "f", 0);
    page->result.status = HF_NOT_FOUND;
    pthread_t thread = s_start ();
    char buffer[16];
    size_t size = sizeof buffer;
    uint64_t total = 0;
    assert_int_equal (hf_read (g_x.client, "f", 3, buffer, &size, &total, LONG_MS), HF_OK);
    assert_int_equal (size, 4);
    assert_int_equal (total, 7);
    assert_memory_equal (buffer, "defg", 4);
    size = sizeof buffer;
    assert_int_equal (hf_read (g_x.client, "f", 0, buffer, &size, NULL, LONG_MS), HF_NOT_FOUND);
    s_finish (thread);
}

static void
s_note_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    (void)arg;
    snprintf (s_text + strlen (s_text), 100, "%s=%s/%d ", key, text ? text : "-", (int)number);
}

FIXTURE_TEST (test_status_is_asked_of_the_node_that_is_meant, 2, 0)
{
    fake_follow (g_x.fake[1], false, 0, 0);
    fake_set_autos (g_x.fake[1], 0);
    s_pages_init ();
    s_node = 1;
    page_t *page = s_page (HF_WHAT_STATUS, "", 0);
    hf_fact_row_put (&page->rows,
                     &(hf_fact_row_t){hf_span_text ("role"), hf_span_text ("follower"), 0});
    hf_fact_row_put (&page->rows, &(hf_fact_row_t){hf_span_text ("term"), hf_span_text (""), 4});
    pthread_t thread = s_start ();
    s_text[0] = 0;
    assert_int_equal (hf_query_status (g_x.client, 2, s_note_fact, NULL, LONG_MS), HF_OK);
    assert_string_equal (s_text, "role=follower/0 term=-/4 ");
    s_finish (thread);
    assert_int_equal (hf_query_status (g_x.client, 9, s_note_fact, NULL, LONG_MS), HF_INVALID);
}

FIXTURE_TEST (test_the_leader_and_the_nodes, 2, 0)
{
    fake_set_autos (g_x.fake[0], NODE_OPEN | NODE_ALIVE);
    fake_follow (g_x.fake[1], true, 1, 1);
    s_pages_init ();
    page_t *page = s_page (HF_WHAT_LEADER, "", 0);
    hf_fact_row_put (&page->rows, &(hf_fact_row_t){hf_span_text ("leader"), hf_span_text (""), 1});
    hf_fact_row_put (&page->rows, &(hf_fact_row_t){hf_span_text ("term"), hf_span_text (""), 8});
    hf_fact_row_put (&page->rows, &(hf_fact_row_t){hf_span_text ("endpoint"),
                                                   hf_span_text ("127.0.0.1:8080"), 0});
    pthread_t thread = s_start ();
    hf_leader_info_t info;
    assert_int_equal (hf_query_leader (g_x.client, &info, LONG_MS), HF_OK);
    assert_int_equal (info.id, 1);
    assert_int_equal (info.term, 8);
    assert_string_equal (info.endpoint, "127.0.0.1:8080");
    s_finish (thread);
    uint32_t ids[7];
    assert_int_equal (hf_client_nodes (g_x.client, ids), 2);
    assert_int_equal (ids[1], 2);
}

FIXTURE_TEST (test_what_is_refused_for_good_ends_at_once, 2, 0)
{
    //  The target is known before, so that the refusal is taken as the target's.
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
