/*  fixture.h - a client, its fakes, and what came of its requests. */
#ifndef FIXTURE_H_INCLUDED
#define FIXTURE_H_INCLUDED

#include "client/holdfast.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/client/fake.h"

#define SOON_MS 3000 //  for what must happen without any time-out of the client
#define LONG_MS 8000

/*  Results and events as they came; thread-safe. */
typedef struct seen {
    hf_status_t status;
    uint64_t token;
    uint64_t index;
    int event; //  0: a result
    uint64_t position;
    char lock[256];
    void *arg;
} seen_t;

#define FAKES_MAX 3

typedef struct fixture {
    fake_t *fake[FAKES_MAX];
    hf_port_t port[FAKES_MAX];
    hf_client_t *client;
    hf_session_t *session;
    uint64_t id;
} fixture_t;

extern fixture_t g_x;

/*  COUNT fakes: the first leads, the others point at it; a session when TTL_MS is not 0. */
void fixture_open (uint32_t count, uint32_t ttl_ms);
/*  Closes what is left; the fakes may be gone. */
int fixture_close (void **state);

#define FIXTURE_TEST(name, count, ttl_ms)                                                          \
    static int name##_open (void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        fixture_open (count, ttl_ms);                                                              \
        return 0;                                                                                  \
    }                                                                                              \
    HF_TEST_WITH (name, name##_open, fixture_close)

//  Callbacks: ARG may be anything, it is recorded.
void seen_result (void *arg, const hf_result_t *result);
void seen_event (void *arg, const hf_session_event_t *event);
/*  The next result or event; false when none comes within LIMIT_MS. */
bool seen_take (seen_t *seen, uint32_t limit_ms);

/*  The next REQUESTS of g_x.fake[NODE]; the test fails when none comes soon. */
const got_t *got_requests (int node);

#endif
