//  A client on fake nodes.

#include "tests/kit/hf_test.h"
#include "tests/unit/client/fixture.h"
#include <pthread.h>
#include <time.h>

#define SEEN_MAX 8192

static pthread_mutex_t s_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t s_cond = PTHREAD_COND_INITIALIZER;
static seen_t s_seen[SEEN_MAX];
static size_t s_first, s_next;

uint64_t
now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
s_note (seen_t seen, const char *lock)
{
    if (lock)
        strncpy (seen.lock, lock, sizeof seen.lock - 1);
    pthread_mutex_lock (&s_mutex);
    s_seen[s_next++ % SEEN_MAX] = seen;
    pthread_cond_broadcast (&s_cond);
    pthread_mutex_unlock (&s_mutex);
}

void
seen_result (void *arg, const hf_result_t *result)
{
    s_note ((seen_t){.status = result->status,
                     .token = result->token,
                     .index = result->index,
                     .position = result->position,
                     .arg = arg},
            result->lock);
}

void
seen_event (void *arg, const hf_session_event_t *event)
{
    s_note ((seen_t){.event = (int)event->type,
                     .token = event->token,
                     .position = event->position,
                     .arg = arg},
            event->lock);
}

bool
seen_take (seen_t *seen, uint32_t limit_ms)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(limit_ms % 1000) * 1000000;
    until.tv_sec += limit_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock (&s_mutex);
    int rc = 0;
    while (s_first == s_next && rc == 0)
        rc = pthread_cond_timedwait (&s_cond, &s_mutex, &until);
    bool found = s_first != s_next;
    if (found)
        *seen = s_seen[s_first++ % SEEN_MAX];
    pthread_mutex_unlock (&s_mutex);
    return found;
}

void
fixture_open (fixture_t *self, uint32_t count, uint32_t ttl_ms)
{
    memset (self, 0, sizeof *self);
    pthread_mutex_lock (&s_mutex);
    s_first = s_next = 0;
    pthread_mutex_unlock (&s_mutex);
    for (uint32_t i = 0; i < count; i++) {
        self->port[i] = fake_port ();
        self->fake[i] = fake_new (self->port[i], FAKE_LEADS & ~(unsigned)FAKE_REQUESTS);
        if (i > 0)
            fake_follow (self->fake[i], true, 1, 1);
    }
    char list[512], error[HF_CLIENT_ERROR_SIZE];
    fake_list (list, self->port, count);
    hf_client_options_t options = {.size = sizeof options, .endpoints = list};
    self->client = hf_client_new (&options, error);
    assert_non_null (self->client);
    if (ttl_ms == 0)
        return;
    hf_session_options_t life = {.size = sizeof life, .ttl_ms = ttl_ms, .fn = seen_event};
    hf_status_t status = hf_session_open (self->client, &life, LONG_MS, &self->session);
    assert_int_equal (status, HF_OK);
    self->id = hf_session_id (self->session);
}

void
fixture_close (fixture_t *self)
{
    if (self->session)
        hf_session_leave (&self->session);
    hf_client_destroy (&self->client);
    for (int i = 0; i < FAKES_MAX; i++) {
        if (self->fake[i])
            fake_destroy (&self->fake[i]);
    }
}

const got_t *
got_requests (fake_t *fake, uint32_t limit_ms)
{
    static got_t got;
    fake_frame_t *frame = fake_take (fake, HF_KIND_REQUESTS, limit_ms);
    assert_non_null (frame);
    hf_requests_t requests;
    assert_true (hf_requests_get (&frame->scan, &requests));
    memset (&got, 0, sizeof got);
    got.session = requests.session;
    got.floor = requests.floor;
    got.count = requests.requests.count;
    hf_scan_t list = hf_scan_list (requests.requests);
    for (uint32_t i = 0; i < got.count; i++) {
        hf_request_t request;
        assert_true (hf_request_get (&list, &request));
        hf_span_t lock = request.acquire.lock; //  the second field of each kind
        got.request[i].kind = request.kind;
        got.request[i].seq = request.seq;
        memcpy (got.request[i].lock, lock.at, lock.size < 63 ? lock.size : 63);
    }
    assert_false (list.bad);
    free (frame);
    return &got;
}
