//  Watches through the library: opened, told on the client's thread, closed.

#include "tests/unit/client/fixture.h"
#include <pthread.h>

/*  What was told, as seen_t: the event's WHAT, number, token. */
static void
s_note (void *arg, const hf_watch_event_t *event)
{
    (void)arg;
    assert_non_null (event->name);
    assert_non_null (event->label);
    assert_non_null (event->note);
    if (event->what == HF_HAPPENED_GRANTED) {
        assert_string_equal (event->name, "a/b");
        assert_string_equal (event->label, "kim");
        assert_string_equal (event->note, "nightly");
        assert_int_equal (event->session, 7);
        assert_int_equal (event->units, 2);
        assert_int_equal (event->size, 3);
        assert_int_equal (event->index, 99);
    }
    hf_result_t result = {.status = event->status, .token = event->number, .position = event->what};
    seen_result (NULL, &result);
}

#define EXPECT(the_status, what, number)                                                           \
    do {                                                                                           \
        seen_t seen;                                                                               \
        assert_true (seen_take (&seen, SOON_MS));                                                  \
        assert_int_equal (seen.status, the_status);                                                \
        assert_int_equal (seen.position, what);                                                    \
        assert_int_equal (seen.token, number);                                                     \
    } while (0)

static const hf_watch_options_t s_options = {
    .size = sizeof s_options, .what = HF_WATCH_LOCKS, .after = HF_WATCH_NOW, .fn = s_note};

typedef struct opening {
    pthread_t thread;
    hf_client_t *client;
    hf_watch_options_t options;
    uint32_t limit_ms;
    hf_status_t status;
    hf_watch_t *watch;
    uint64_t number;
} opening_t;

static void *
s_run (void *arg)
{
    opening_t *self = arg;
    self->status =
        hf_watch_open (self->client, &self->options, self->limit_ms, &self->watch, &self->number);
    return NULL;
}

static hf_watch_request_t
s_begin (opening_t *self, const hf_watch_options_t *options, uint32_t limit_ms)
{
    *self = (opening_t){.client = g_x.client, .options = *options, .limit_ms = limit_ms};
    assert_int_equal (pthread_create (&self->thread, NULL, s_run, self), 0);
    fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_WATCH, SOON_MS);
    assert_non_null (frame);
    hf_watch_request_t message;
    assert_true (hf_watch_request_get (&frame->scan, &message));
    message.prefix = hf_span (NULL, 0);
    free (frame);
    return message;
}

static void
s_events (uint64_t id, hf_status_t status, uint64_t after, uint64_t upto, bool one)
{
    hf_pack_t list, pack;
    hf_pack_init (&list);
    hf_pack_init (&pack);
    if (one)
        hf_happened_put (&list, &(hf_happened_t){.number = upto,
                                                 .index = 99,
                                                 .what = HF_HAPPENED_GRANTED,
                                                 .name = hf_span_text ("a/b"),
                                                 .session = 7,
                                                 .token = 8,
                                                 .units = 2,
                                                 .size = 3,
                                                 .label = hf_span_text ("kim"),
                                                 .note = hf_span_text ("nightly")});
    hf_events_frame (&pack, &(hf_events_t){.id = id,
                                           .status = (uint32_t)status,
                                           .after = after,
                                           .upto = upto,
                                           .events = hf_pack_list (&list)});
    fake_send (g_x.fake[0], &pack);
    hf_pack_done (&list);
}

FIXTURE_TEST (what_happens_is_told_until_the_close, 1, 0)
{
    opening_t opening;
    hf_watch_request_t asked = s_begin (&opening, &s_options, LONG_MS);
    assert_true (asked.after == HF_WATCH_NOW && asked.what == HF_WATCH_LOCKS);
    s_events (asked.id, HF_OK, 40, 40, false);
    pthread_join (opening.thread, NULL);
    assert_int_equal (opening.status, HF_OK);
    assert_int_equal (opening.number, 40);
    s_events (asked.id, HF_OK, 40, 42, true);
    s_events (asked.id, HF_OK, 42, 43, true);
    EXPECT (HF_OK, HF_HAPPENED_GRANTED, 42);
    EXPECT (HF_OK, HF_HAPPENED_GRANTED, 43);
    s_events (asked.id, HF_GAP, 43, 60, false);
    EXPECT (HF_OK, HF_WATCH_GAP, 60);
    s_events (asked.id, HF_UNKNOWN, 60, 60, false);
    EXPECT (HF_UNKNOWN, HF_WATCH_ENDED, 60);
    hf_watch_close (&opening.watch);
    assert_null (opening.watch);
    hf_watch_close (&opening.watch);
}

FIXTURE_TEST (a_close_ends_it_at_the_node, 1, 0)
{
    opening_t opening;
    hf_watch_request_t asked = s_begin (&opening, &s_options, LONG_MS);
    s_events (asked.id, HF_OK, 40, 40, false);
    pthread_join (opening.thread, NULL);
    hf_watch_close (&opening.watch);
    s_events (asked.id, HF_OK, 40, 42, true);
    fake_frame_t *frame = fake_take (g_x.fake[0], HF_KIND_WATCH, SOON_MS);
    assert_non_null (frame);
    assert_true (hf_watch_request_get (&frame->scan, &asked));
    assert_int_equal (asked.room, 0);
    free (frame);
    seen_t seen;
    assert_false (seen_take (&seen, 0));
}

FIXTURE_TEST (an_opening_that_is_refused_or_late, 1, 0)
{
    opening_t opening;
    hf_watch_request_t asked = s_begin (&opening, &s_options, LONG_MS);
    s_events (asked.id, HF_LIMIT, asked.after, asked.after, false);
    pthread_join (opening.thread, NULL);
    assert_int_equal (opening.status, HF_LIMIT);
    assert_null (opening.watch);
    asked = s_begin (&opening, &s_options, 50);
    pthread_join (opening.thread, NULL);
    assert_int_equal (opening.status, HF_TIMEOUT);
    s_events (asked.id, HF_OK, 40, 40, false); //  to nobody
}

FIXTURE_TEST (watches_are_left_to_the_client, 1, 0)
{
    opening_t opening;
    hf_watch_request_t asked = s_begin (&opening, &s_options, LONG_MS);
    s_events (asked.id, HF_OK, 40, 40, false);
    pthread_join (opening.thread, NULL);
    s_begin (&opening, &s_options, LONG_MS);
    hf_client_destroy (&g_x.client);
    pthread_join (opening.thread, NULL);
    assert_int_equal (opening.status, HF_CLOSED);
}

FIXTURE_TEST (what_cannot_be_watched, 1, 0)
{
    hf_watch_t *watch = NULL;
    static const struct {
        uint32_t what;
        const char *prefix;
        hf_watch_fn *fn;
        hf_status_t status;
    } rows[] = {{HF_WATCH_LOCKS, NULL, NULL, HF_INVALID},
                {0, NULL, s_note, HF_INVALID},
                {3, NULL, s_note, HF_INVALID},
                {HF_WATCH_FILES, "a\n", s_note, HF_BAD_NAME},
                {HF_WATCH_FILES, "\xff", s_note, HF_BAD_NAME}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hf_watch_options_t options = s_options;
        options.what = rows[i].what;
        options.prefix = rows[i].prefix;
        options.fn = rows[i].fn;
        assert_int_equal (hf_watch_open (g_x.client, &options, 0, &watch, NULL), rows[i].status);
    }
    char longer[300];
    memset (longer, 'a', sizeof longer);
    longer[256] = 0;
    hf_watch_options_t options = s_options;
    options.prefix = longer;
    assert_int_equal (hf_watch_open (g_x.client, &options, 0, &watch, NULL), HF_BAD_NAME);
    assert_int_equal (hf_watch_open (g_x.client, NULL, 0, &watch, NULL), HF_INVALID);
    assert_int_equal (hf_watch_open (g_x.client, &s_options, 0, NULL, NULL), HF_INVALID);
    assert_int_equal (hf_watch_open (NULL, &s_options, 0, &watch, NULL), HF_INVALID);
    assert_null (watch);
}

HF_TEST_MAIN (NULL, NULL)
