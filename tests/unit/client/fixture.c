//  A client on fake nodes.

#include "client/io/hf_io.h"
#include "tests/unit/client/fixture.h"

#define SEEN_MAX 8192

fixture_t g_x;

static pthread_mutex_t s_mutex;
static pthread_cond_t s_cond;
static seen_t s_seen[SEEN_MAX];
static size_t s_first, s_next;

static void
s_note (seen_t seen)
{
    pthread_mutex_lock (&s_mutex);
    s_seen[s_next++ % SEEN_MAX] = seen;
    pthread_cond_broadcast (&s_cond);
    pthread_mutex_unlock (&s_mutex);
}

void
seen_result (void *arg, const hf_result_t *result)
{
    (void)arg;
    s_note ((seen_t){result->status, 0, result->token, result->position});
}

void
seen_event (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    s_note ((seen_t){HF_OK, (int)event->type, event->token, event->position});
}

bool
seen_take (seen_t *seen, uint32_t limit_ms)
{
    struct timespec until = hf_wait_until (limit_ms);
    pthread_mutex_lock (&s_mutex);
    while (s_first == s_next && hf_wait (&s_mutex, &s_cond, limit_ms, &until))
        continue;
    bool found = s_first != s_next;
    if (found)
        *seen = s_seen[s_first++ % SEEN_MAX];
    pthread_mutex_unlock (&s_mutex);
    return found;
}

void
fixture_open (uint32_t count, uint32_t ttl_ms)
{
    memset (&g_x, 0, sizeof g_x);
    hf_wait_init (&s_mutex, &s_cond);
    s_first = s_next = 0;
    char *list = g_x.list, error[HF_CLIENT_ERROR_SIZE];
    for (uint32_t i = 0; i < count; i++) {
        g_x.port[i] = hf_port_take ();
        g_x.fake[i] = fake_new (g_x.port[i].number, NODE_LEADS | NODE_CLOSE);
        if (i > 0)
            fake_follow (g_x.fake[i], true, 1, 1);
        snprintf (list + strlen (list), 64, "%s%u@127.0.0.1:%u:%u", i ? "," : "", i + 1,
                  g_x.port[i].number, 1 + i);
    }
    hf_client_options_t options = {.size = sizeof options, .endpoints = list};
    g_x.client = hf_client_new (&options, error);
    assert_non_null (g_x.client);
    if (ttl_ms == 0)
        return;
    hf_session_options_t life = {.size = sizeof life, .ttl_ms = ttl_ms, .fn = seen_event};
    hf_status_t status = hf_session_open (g_x.client, &life, LONG_MS, &g_x.session);
    assert_int_equal (status, HF_OK);
    g_x.id = hf_session_id (g_x.session);
}

int
fixture_close (void **state)
{
    (void)state;
    if (g_x.session)
        hf_session_leave (&g_x.session);
    hf_client_destroy (&g_x.client);
    for (int i = 0; i < FAKES_MAX; i++) {
        fake_destroy (&g_x.fake[i]);
        hf_port_give_back (&g_x.port[i]);
    }
    pthread_cond_destroy (&s_cond);
    pthread_mutex_destroy (&s_mutex);
    return 0;
}

const got_t *
got_requests (int node)
{
    fake_frame_t *frame = fake_take (g_x.fake[node], HF_KIND_REQUESTS, SOON_MS);
    assert_non_null (frame);
    const got_t *got = node_read ((uint32_t)node, frame->bytes, frame->size);
    free (frame);
    return got;
}
