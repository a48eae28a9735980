/*  Links whose network is gone from one moment to the next: no FIN, no RST. Needs a network
 * namespace of its own. */
#include "test_net.h"

#include "broker-less/hf_door.h"
#include "broker-less/hf_link.h"
#include "test_space.h"

#define LINKS   2
#define SLOW_US 3000000 //  on a machine that is busy

static hf_link_t *s_link[LINKS];
static unsigned s_connected[LINKS], s_broken[LINKS];
static uint64_t s_broken_us[LINKS];

static void
s_step (void)
{
    hf_link_event_type_t event;
    hf_span_t bytes;
    zmq_poll (NULL, 0, 5);
    for (unsigned i = 0; i < LINKS; i++)
        while ((event = hf_link_next (s_link[i], test_now_us (), &bytes)) != HF_LINK_NONE) {
            s_connected[i] += event == HF_LINK_CONNECTED;
            s_broken[i] += event == HF_LINK_BROKEN;
            if (event == HF_LINK_BROKEN)
                s_broken_us[i] = test_now_us ();
        }
}

/*  One has something to send, and waits for the answer; one has not. */
HF_TEST_WITH (a_network_that_vanished_is_noticed, open_context, close_context)
{
    char error[HF_ERROR_SIZE];
    hf_endpoint_t endpoint = test_endpoints ("127.0.0.1", 1).node[0];
    hf_listen_t listen = test_listen (&endpoint);
    hf_door_t *door = hf_door_new (s_context, endpoint.host, &listen, error);
    if (!door)
        fail_msg ("%s", error);
    for (unsigned i = 0; i < LINKS; i++)
        s_link[i] = hf_link_new (s_context, &endpoint, NULL, 0);
    UNTIL_BY (s_step (), s_connected[0] == 1 && s_connected[1] == 1);
    assert_true (test_set_device (false));
    uint64_t from_us = test_now_us ();
    assert_true (hf_link_send (s_link[0], "?", 1));
    UNTIL_BY (s_step (), s_broken[0] == 1);
    assert_true (s_broken_us[0] < from_us + 4000000 + SLOW_US);
    UNTIL_BY (s_step (), s_broken[1] == 1);
    assert_true (s_broken_us[1] < from_us + 9000000 + SLOW_US);
    assert_true (test_set_device (true));
    UNTIL_BY (s_step (), s_connected[0] == 2 && s_connected[1] == 2);
    assert_true (test_now_us () < from_us + 9000000 + 2 * SLOW_US);
    for (unsigned i = 0; i < LINKS; i++)
        hf_link_destroy (&s_link[i]);
    hf_door_destroy (&door);
}

int
main (void)
{
    if (!test_enter_space ()) {
        print_message ("no network namespace here\n");
        return TEST_SKIPPED;
    }
    return hf_test_run (NULL, NULL);
}
