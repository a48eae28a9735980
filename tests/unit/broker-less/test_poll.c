/*  The wait for several sockets: whatever waits in one of them is seen, also when no descriptor
 *  tells of it. */
#include "test_net.h"

#include "broker-less/hf_poll.h"
#include <pthread.h>

#define PAIRS 3
#define STEPS 20000

static void *s_near[PAIRS], *s_far[PAIRS];
static hf_poll_t s_poll;

static int
setup (void **state)
{
    static const hf_poll_use_t use[PAIRS] = {HF_POLL_TALKS, HF_POLL_HEARS, HF_POLL_TALKS};
    open_context (state);
    s_poll = (hf_poll_t){.count = 0};
    for (unsigned i = 0; i < PAIRS; i++) {
        char name[32];
        snprintf (name, sizeof name, "inproc://wait-%u", i);
        s_near[i] = zmq_socket (s_context, ZMQ_PAIR);
        s_far[i] = zmq_socket (s_context, ZMQ_PAIR);
        if (zmq_bind (s_near[i], name) != 0 || zmq_connect (s_far[i], name) != 0)
            return -1;
        hf_poll_add (&s_poll, s_near[i], use[i]);
    }
    return 0;
}

static int
teardown (void **state)
{
    for (unsigned i = 0; i < PAIRS; i++) {
        zmq_close (s_near[i]);
        zmq_close (s_far[i]);
    }
    return close_context (state);
}

#define TEST(name) HF_TEST_WITH (name, setup, teardown)

static void
s_say (void *socket)
{
    assert_int_equal (zmq_send (socket, "x", 1, ZMQ_DONTWAIT), 1);
}

static bool
s_hear (void *socket)
{
    char byte;
    return zmq_recv (socket, &byte, 1, ZMQ_DONTWAIT) == 1;
}

/*  Both took in what led to them, and then there is nothing. */
static void
s_settle (void)
{
    for (unsigned i = 0; i < PAIRS; i++)
        assert_false (s_hear (s_near[i]));
    hf_poll_wait (&s_poll, 0);
    for (unsigned i = 0; i < PAIRS; i++)
        assert_false (s_hear (s_near[i]));
    hf_poll_wait (&s_poll, 0);
}

/*  There is something: it does not wait for more. */
static void
s_wait_not (void)
{
    uint64_t end_us = test_now_us () + TEST_LIMIT_US;
    hf_poll_wait (&s_poll, TEST_LIMIT_US / 1000);
    assert_true (test_now_us () < end_us);
}

TEST (test_only_those_with_something_are_ready)
{
    for (unsigned i = 0; i < PAIRS; i++)
        assert_true (hf_poll_ready (&s_poll, i)); //  before the first wait
    s_settle ();
    for (unsigned i = 0; i < PAIRS; i++)
        assert_false (hf_poll_ready (&s_poll, i));
    s_say (s_far[1]);
    hf_poll_wait (&s_poll, 0);
    assert_false (hf_poll_ready (&s_poll, 0));
    assert_true (hf_poll_ready (&s_poll, 1));
    assert_false (hf_poll_ready (&s_poll, 2));
}

/*  Asking a socket, or sending on it, takes in what has come: its descriptor is quiet then. */
TEST (test_what_another_call_took_in_is_seen)
{
    int events;
    size_t size = sizeof events;
    s_settle ();
    s_say (s_far[0]);
    assert_int_equal (zmq_getsockopt (s_near[0], ZMQ_EVENTS, &events, &size), 0);
    struct pollfd quiet = {.fd = s_poll.item[0].fd, .events = POLLIN};
    assert_int_equal (poll (&quiet, 1, 0), 0);
    s_wait_not ();
    assert_true (hf_poll_ready (&s_poll, 0));
}

TEST (test_what_was_left_is_seen_by_the_next_wait)
{
    s_settle ();
    s_say (s_far[1]);
    s_say (s_far[1]);
    hf_poll_wait (&s_poll, 0);
    assert_true (s_hear (s_near[1]));
    s_wait_not ();
    assert_true (hf_poll_ready (&s_poll, 1));
    assert_true (s_hear (s_near[1]));
}

static void *
s_say_later (void *socket)
{
    s_say (socket);
    return NULL;
}

TEST (test_a_message_ends_the_wait)
{
    pthread_t thread;
    s_settle ();
    uint64_t end_us = test_now_us () + TEST_LIMIT_US;
    assert_int_equal (pthread_create (&thread, NULL, s_say_later, s_far[1]), 0);
    while (!hf_poll_ready (&s_poll, 1) && test_now_us () < end_us)
        hf_poll_wait (&s_poll, TEST_LIMIT_US / 1000);
    pthread_join (thread, NULL);
    assert_true (s_hear (s_near[1]));
    assert_true (test_now_us () < end_us);
}

/*  Anything, in any order, from a fixed seed; a socket that only hears is left alone else. */
TEST (test_nothing_is_ever_slept_over)
{
    hf_random_t random = {20261130};
    unsigned waiting[PAIRS] = {0};
    int events;
    size_t size = sizeof events;
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)hf_random_below (&random, PAIRS);
        switch (hf_random_below (&random, 5)) {
        case 0:
            s_say (s_far[i]);
            waiting[i]++;
            break;
        case 1:
            if (hf_poll_ready (&s_poll, i))
                waiting[i] -= s_hear (s_near[i]);
            break;
        case 2:
            if (s_poll.item[i].use == HF_POLL_TALKS)
                s_say (s_near[i]);
            break;
        case 3:
            if (s_poll.item[i].use == HF_POLL_TALKS)
                zmq_getsockopt (s_near[i], ZMQ_EVENTS, &events, &size);
            break;
        default:
            hf_poll_wait (&s_poll, 0);
            for (unsigned k = 0; k < PAIRS; k++)
                assert_true (hf_poll_ready (&s_poll, k) || waiting[k] == 0);
        }
        while (s_hear (s_far[i]))
            continue;
    }
}

HF_TEST_MAIN (NULL, NULL)
