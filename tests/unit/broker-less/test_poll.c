/*  The wait for several sockets: whatever waits in one of them is seen, also when no descriptor
 *  tells of it. */
#include "test_net.h"

#include "broker-less/hf_poll.h"
#include <pthread.h>

#define PAIRS 3
#define STEPS 20000

//  What else than receiving is done with each.
static const bool s_talks[PAIRS] = {true, false, true};

static void *s_near[PAIRS], *s_far[PAIRS];
static hf_poll_t s_poll;

static int
setup (void **state)
{
    open_context (state);
    s_poll = (hf_poll_t){.count = 0};
    for (unsigned i = 0; i < PAIRS; i++) {
        char name[32];
        snprintf (name, sizeof name, "inproc://wait-%u", i);
        s_near[i] = zmq_socket (s_context, ZMQ_PAIR);
        s_far[i] = zmq_socket (s_context, ZMQ_PAIR);
        if (zmq_bind (s_near[i], name) != 0 || zmq_connect (s_far[i], name) != 0)
            return -1;
        hf_poll_add (&s_poll, s_near[i]);
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

/*  As a send may do: what has come is taken in, and the descriptor is quiet. */
static void
s_take_in (unsigned i)
{
    int events;
    size_t size = sizeof events;
    assert_int_equal (zmq_getsockopt (s_near[i], ZMQ_EVENTS, &events, &size), 0);
    struct pollfd quiet = {.fd = s_poll.item[i].fd, .events = POLLIN};
    assert_int_equal (poll (&quiet, 1, 0), 0);
}

TEST (test_what_another_call_took_in_is_seen)
{
    s_settle ();
    s_say (s_far[0]);
    s_take_in (0);
    hf_poll_used (&s_poll, 0);
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

/*  One that was used is asked once; and one that is known to be empty not at all: so what a call
 *  took in is not seen if nobody says that there was one. */
TEST (test_only_those_that_were_used_are_asked)
{
    s_settle ();
    hf_poll_used (&s_poll, 0);
    hf_poll_wait (&s_poll, 0);
    s_say (s_far[0]);
    s_take_in (0);
    hf_poll_wait (&s_poll, 0);
    assert_false (hf_poll_ready (&s_poll, 0));
    s_say (s_far[1]);
    hf_poll_wait (&s_poll, 0);
    assert_true (s_hear (s_near[1]));
    assert_false (s_hear (s_near[1]));
    hf_poll_emptied (&s_poll, 1);
    assert_false (hf_poll_ready (&s_poll, 1));
    s_say (s_far[1]);
    s_take_in (1);
    hf_poll_wait (&s_poll, 0);
    assert_false (hf_poll_ready (&s_poll, 1));
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

/*  All that waits in one: it was ready, or it is received from by the way. */
static unsigned
s_drain (unsigned i)
{
    unsigned count = 0;
    while (s_hear (s_near[i]))
        count++;
    hf_poll_emptied (&s_poll, i);
    return count;
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
        switch (hf_random_below (&random, 6)) {
        case 0:
            s_say (s_far[i]);
            waiting[i]++;
            break;
        case 1:
            if (hf_poll_ready (&s_poll, i))
                waiting[i] -= s_hear (s_near[i]);
            break;
        case 2:
            if (s_talks[i])
                s_say (s_near[i]);
            if (s_talks[i])
                hf_poll_used (&s_poll, i);
            break;
        case 3:
            if (s_talks[i])
                zmq_getsockopt (s_near[i], ZMQ_EVENTS, &events, &size);
            if (s_talks[i])
                hf_poll_used (&s_poll, i);
            break;
        case 4:
            waiting[i] -= s_drain (i);
            assert_int_equal (waiting[i], 0);
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
