/*  fixture.h - a client on fake nodes with real sockets, and what came of its requests.
 *
 *  A fake is a door and a thread. Everything it receives is recorded for the test to take. What it
 *  answers by itself is set by NODE bits; the rest the test sends. Thread-safe.
 */
#ifndef FIXTURE_H_INCLUDED
#define FIXTURE_H_INCLUDED

#include "base/hf_chain.h"
#include "client/holdfast.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/client/node.h"

//  ---- fakes ------------------------------------------------------------------------

typedef struct fake fake_t;

fake_t *fake_new (uint16_t port, unsigned autos);
void fake_destroy (fake_t **self_p);

void fake_set_autos (fake_t *self, unsigned autos);
void fake_set_pages (fake_t *self, const page_t *pages);
/*  As node_t says. */
void fake_tell (fake_t *self, uint64_t roster, const hf_member_row_t *members);
/*  Refuse everything with NOT_LEADER (leader, term); ON false: stop refusing. */
void fake_follow (fake_t *self, bool on, uint32_t leader, uint64_t term);

/*  A frame that was received; free with free. */
typedef struct fake_frame {
    hf_chain_t chain;
    uint32_t kind;
    hf_scan_t scan; //  at the record
    size_t size;
    uint8_t bytes[];
} fake_frame_t;

/*  The next frame of KIND that was not taken yet; NULL when none comes within LIMIT_MS. */
fake_frame_t *fake_take (fake_t *self, uint32_t kind, uint32_t limit_ms);
/*  How many of KIND were received so far, taken or not. */
uint32_t fake_count (fake_t *self, uint32_t kind);

//  To the client that was last heard.
void fake_send (fake_t *self, hf_pack_t *frame); //  and ends the pack
void fake_answer (fake_t *self, uint64_t session, uint64_t seq, hf_status_t status, uint64_t index,
                  uint64_t token, uint64_t position);

//  ---- the client -------------------------------------------------------------------

#define SOON_MS 3000 //  for what must happen without any time-out of the client
#define LONG_MS 8000

/*  Results and events as they came; thread-safe. */
typedef struct seen {
    hf_status_t status;
    int event; //  0: a result
    uint64_t token, position;
} seen_t;

#define FAKES_MAX 3

typedef struct fixture {
    char list[512]; //  of the fakes
    fake_t *fake[FAKES_MAX];
    hf_port_t port[FAKES_MAX];
    hf_client_t *client;
    hf_session_t *session;
    uint64_t id;
} fixture_t;

extern fixture_t g_x;

/*  COUNT fakes: the first leads, the others point at it; a session when TTL_MS is not 0. */
void fixture_open (uint32_t count, uint32_t ttl_ms);
/*  Closes what is left; a test may have destroyed fakes. */
int fixture_close (void **state);

#define FIXTURE_TEST(name, count, ttl_ms)                                                          \
    NODE_TEST (name, fixture_open (count, ttl_ms), fixture_close)

//  Callbacks.
void seen_result (void *arg, const hf_result_t *result);
void seen_event (void *arg, const hf_session_event_t *event);
/*  The next result or event; false when none comes within LIMIT_MS. */
bool seen_take (seen_t *seen, uint32_t limit_ms);

/*  The next REQUESTS of g_x.fake[NODE]; the test fails when none comes soon. */
const got_t *got_requests (int node);

#endif
