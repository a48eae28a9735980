/*  Whom the door counts and cuts off when a descriptor was one connection's, and is another's now.
 */
#include "tests/kit/hf_test.h"
#include "broker-less/hf_door_clients.h"
#include <sys/socket.h>
#include <unistd.h>

#define KIM 1
#define LEE 2

static hf_door_clients_t s_clients;
static int s_ends[2]; //  of a connection: the node's, the client's
static uint64_t s_now_us;

static int
s_open (void **state)
{
    (void)state;
    hf_door_clients_init (&s_clients);
    s_now_us = 1000000;
    hf_door_clients_sweep (&s_clients, s_now_us);
    if (socketpair (AF_UNIX, SOCK_STREAM, 0, s_ends) != 0)
        return -1;
    hf_door_clients_opened (&s_clients, s_ends[0]);
    return 0;
}

static int
s_close (void **state)
{
    (void)state;
    hf_door_clients_done (&s_clients);
    close (s_ends[0]);
    close (s_ends[1]);
    return 0;
}

#define TEST(name) HF_TEST_WITH (name, s_open, s_close)

static hf_route_t
s_route (uint8_t mark)
{
    return (hf_route_t){.size = 5, .id = {0, mark}};
}

static hf_door_client_t *
s_hear (uint8_t mark)
{
    hf_route_t route = s_route (mark);
    hf_key_t key = {.name = "somebody"};
    return hf_door_clients_add_keyed (&s_clients, &route, s_ends[0], &key, false);
}

static bool
s_knows (uint8_t mark)
{
    hf_route_t route = s_route (mark);
    return hf_door_clients_find (&s_clients, &route) != NULL;
}

static void
s_wait_ms (uint64_t ms)
{
    for (uint64_t end_us = s_now_us + ms * 1000; s_now_us < end_us; s_now_us += 50000)
        hf_door_clients_sweep (&s_clients, s_now_us);
}

static bool
s_is_cut (void)
{
    char byte;
    return recv (s_ends[1], &byte, 1, MSG_DONTWAIT) == 0;
}

TEST (a_connection_counts_once)
{
    hf_door_clients_serve (&s_clients, s_hear (1), KIM);
    assert_int_equal (hf_door_clients_of (&s_clients, KIM), 1);
    hf_door_client_t *newer = s_hear (2);
    //  Not for the former one while it is asked whether the newer one may be served.
    assert_int_equal (hf_door_clients_of (&s_clients, KIM), 0);
    hf_door_clients_serve (&s_clients, newer, KIM);
    assert_int_equal (hf_door_clients_of (&s_clients, KIM), 1);
    hf_door_clients_serve (&s_clients, s_hear (3), LEE);
    assert_int_equal (hf_door_clients_of (&s_clients, KIM), 0);
    assert_int_equal (hf_door_clients_of (&s_clients, LEE), 1);
    assert_true (s_knows (1) && s_knows (2) && s_knows (3));
    hf_door_clients_closed (&s_clients, s_ends[0]);
    assert_int_equal (hf_door_clients_of (&s_clients, KIM), 0);
    assert_int_equal (hf_door_clients_of (&s_clients, LEE), 0);
    assert_false (s_knows (1) || s_knows (2) || s_knows (3));
}

TEST (who_is_turned_away_is_cut_off)
{
    hf_door_clients_turn_away (&s_clients, s_hear (1));
    s_wait_ms (400);
    assert_true (s_knows (1) && !s_is_cut ());
    s_wait_ms (200);
    assert_true (!s_knows (1) && s_is_cut ());
}

TEST (nobody_is_cut_off_for_another)
{
    hf_door_clients_turn_away (&s_clients, s_hear (1));
    s_wait_ms (400);
    hf_door_clients_serve (&s_clients, s_hear (2), LEE);
    s_wait_ms (200);
    assert_true (!s_knows (1) && s_knows (2) && !s_is_cut ());
    //  A message of who has left, read after one of who is there.
    hf_door_clients_turn_away (&s_clients, s_hear (3));
    s_wait_ms (600);
    assert_true (!s_knows (3) && s_knows (2) && !s_is_cut ());
    hf_door_clients_forget (&s_clients, s_hear (3));
    assert_true (!s_knows (3) && s_knows (2) && !s_is_cut ());
    assert_int_equal (hf_door_clients_of (&s_clients, LEE), 1);
    //  The connection ends, and its descriptor is another's that has said nothing yet.
    hf_door_clients_turn_away (&s_clients, s_hear (4));
    hf_door_clients_closed (&s_clients, s_ends[0]);
    hf_door_clients_opened (&s_clients, s_ends[0]);
    s_wait_ms (600);
    assert_false (s_knows (4) || s_is_cut ());
}

HF_TEST_MAIN (NULL, NULL)
