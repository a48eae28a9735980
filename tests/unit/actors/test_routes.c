/*  Who is where: sessions, openings, closings and watchers, over a real door. */
#include "tests/kit/hf_test.h"
#include "broker-less/hf_link.h"
#include "nodes/actors/hf_lock_internal.h"
#include <arpa/inet.h>
#include <sys/socket.h>

typedef struct fixture {
    void *context;
    hf_endpoint_t endpoint;
    hf_door_t *door;
    hf_link_t *link;
    hf_routes_t *routes;
    hf_route_t route; //  of the link, as the door sees it
} fixture_t;

static void
s_wait (void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    assert_int_equal (zmq_poll (&item, 1, 10000), 1);
}

/*  A port that nobody listens on; the probe is closed when this returns. */
static uint16_t
s_free_port (void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    int probe = socket (AF_INET, SOCK_STREAM, 0);
    assert_int_equal (bind (probe, (struct sockaddr *)&address, size), 0);
    assert_int_equal (getsockname (probe, (struct sockaddr *)&address, &size), 0);
    close (probe);
    return ntohs (address.sin_port);
}

static int
s_setup (void **state)
{
    static fixture_t self;
    char error[HF_ERROR_SIZE];
    self.context = zmq_ctx_new ();
    self.endpoint = (hf_endpoint_t){.id = 1, .host = "127.0.0.1"};
    //  Somebody else may take the port in between: take another then.
    for (int tries = 0; tries < 100 && !self.door; tries++) {
        self.endpoint.client_port = s_free_port ();
        self.door = hf_door_new (self.context, &self.endpoint, error);
    }
    assert_non_null (self.door);
    self.link = hf_link_new (self.context, &self.endpoint);
    self.routes = hf_routes_new ();
    void *sockets[HF_LINK_SOCKETS];
    hf_link_sockets (self.link, sockets);
    hf_span_t bytes;
    while (!hf_link_connected (self.link)) {
        s_wait (sockets[1]);
        hf_link_next (self.link, &bytes);
    }
    assert_true (hf_link_send (self.link, "hello", 5));
    do
        s_wait (hf_door_socket (self.door));
    while (!hf_door_next (self.door, &self.route, &bytes));
    *state = &self;
    return 0;
}

static int
s_teardown (void **state)
{
    fixture_t *self = *state;
    hf_routes_destroy (&self->routes);
    hf_link_destroy (&self->link);
    hf_door_destroy (&self->door);
    zmq_ctx_term (self->context);
    return 0;
}

/*  The next frame at the client. */
static uint32_t
s_receive (fixture_t *self, hf_scan_t *scan)
{
    void *sockets[HF_LINK_SOCKETS];
    hf_link_sockets (self->link, sockets);
    hf_span_t bytes;
    uint32_t kind;
    while (hf_link_next (self->link, &bytes) != HF_LINK_FRAME)
        s_wait (sockets[0]);
    assert_int_equal (hf_frame_open (bytes.at, bytes.size, scan, &kind), HF_OK);
    return kind;
}

static void
test_items_of_a_session_go_in_one_frame (void **state)
{
    fixture_t *self = *state;
    assert_null (hf_routes_find (self->routes, 7));
    hf_caller_t *caller = hf_routes_caller (self->routes, 7, &self->route);
    assert_ptr_equal (hf_routes_find (self->routes, 7), caller);
    hf_answer_put (&caller->items, &(hf_answer_t){.seq = 1});
    hf_routes_dirty (self->routes, caller);
    hf_answer_put (&caller->items, &(hf_answer_t){.seq = 2});
    hf_routes_dirty (self->routes, caller);
    hf_routes_flush (self->routes, self->door);
    hf_routes_flush (self->routes, self->door); //  nothing is left
    hf_scan_t scan;
    assert_int_equal (s_receive (self, &scan), HF_KIND_ANSWERS);
    hf_answers_t answers;
    assert_true (hf_answers_get (&scan, &answers));
    assert_int_equal (answers.session, 7);
    assert_int_equal (answers.items.count, 2);
    assert_int_equal (hf_routes_count (self->routes), 1);
    caller->gone = true;
    hf_routes_dirty (self->routes, caller);
    hf_routes_flush (self->routes, self->door);
    assert_int_equal (hf_routes_count (self->routes), 0);
}

static void
test_a_route_that_is_gone_is_forgotten (void **state)
{
    fixture_t *self = *state;
    hf_route_t nowhere = {.size = 5, .id = {0, 9, 9, 9, 9}};
    hf_caller_t *caller = hf_routes_caller (self->routes, 8, &nowhere);
    hf_answer_put (&caller->items, &(hf_answer_t){.seq = 1});
    hf_routes_dirty (self->routes, caller);
    hf_routes_flush (self->routes, self->door);
    assert_null (hf_routes_find (self->routes, 8));
}

static void
test_openings_and_closings_are_told_once (void **state)
{
    fixture_t *self = *state;
    uint8_t nonce[HF_NONCE_SIZE] = "fifteen letters";
    hf_route_t route;
    uint64_t echo;
    assert_false (hf_routes_opened (self->routes, nonce, &route));
    assert_true (hf_routes_opening (self->routes, hf_span (nonce, sizeof nonce), &self->route));
    assert_true (hf_routes_opening (self->routes, hf_span (nonce, sizeof nonce), &self->route));
    assert_true (hf_routes_opened (self->routes, nonce, &route));
    assert_true (hf_route_equal (&route, &self->route));
    assert_false (hf_routes_opened (self->routes, nonce, &route));
    assert_true (hf_routes_closing (self->routes, 5, 77, &self->route));
    assert_true (hf_routes_closed (self->routes, 5, &echo, &route));
    assert_int_equal (echo, 77);
    assert_false (hf_routes_closed (self->routes, 5, &echo, &route));
}

/*  When the lead moves, everybody who waited is told once, whatever they waited for. */
static void
test_who_waits_becomes_a_watcher (void **state)
{
    fixture_t *self = *state;
    uint8_t nonce[HF_NONCE_SIZE] = {1};
    hf_routes_caller (self->routes, 9, &self->route);
    hf_routes_opening (self->routes, hf_span (nonce, sizeof nonce), &self->route);
    hf_routes_closing (self->routes, 9, 1, &self->route);
    hf_routes_unlead (self->routes);
    assert_int_equal (hf_routes_count (self->routes), 0);
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_refused_frame (&frame, &(hf_refused_t){.status = HF_NOT_LEADER, .leader = 3});
    hf_routes_tell (self->routes, self->door, &frame, true);
    hf_routes_tell (self->routes, self->door, &frame, true); //  nobody watches any more
    hf_pack_reset (&frame);
    hf_closed_frame (&frame, &(hf_closed_t){.session = 1});
    assert_true (
        hf_door_send (self->door, &self->route, hf_pack_bytes (&frame), hf_pack_size (&frame)));
    hf_scan_t scan;
    assert_int_equal (s_receive (self, &scan), HF_KIND_REFUSED);
    assert_int_equal (s_receive (self, &scan), HF_KIND_CLOSED_REPLY);
    hf_pack_done (&frame);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_items_of_a_session_go_in_one_frame, s_setup,
                                         s_teardown),
        cmocka_unit_test_setup_teardown (test_a_route_that_is_gone_is_forgotten, s_setup,
                                         s_teardown),
        cmocka_unit_test_setup_teardown (test_openings_and_closings_are_told_once, s_setup,
                                         s_teardown),
        cmocka_unit_test_setup_teardown (test_who_waits_becomes_a_watcher, s_setup, s_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
