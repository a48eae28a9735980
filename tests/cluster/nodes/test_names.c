//  Nodes and clients whose list has names: a name server that does not answer delays nobody who is
//  connected.

#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_test.h"

#define TTL_MS  2000
#define LONG_MS 4200 //  more than twice the TTL
#define SLOW_MS 1000 //  no acquire or release may take longer

/*  Acquire and release for LONG_MS; the slowest, in milliseconds. */
static uint64_t
s_slowest (hf_script_t *client)
{
    uint64_t slowest = 0, start = hf_wait_now_ms ();
    for (uint64_t now = start; now < start + LONG_MS;) {
        MUST (client, "acquire L");
        MUST (client, "release L");
        uint64_t took = hf_wait_now_ms () - now;
        slowest = took > slowest ? took : slowest;
        now += took;
    }
    return slowest;
}

HF_TEST_ON (nodes_serve_while_the_name_of_a_dead_one_hangs, 3)
{
    hf_cluster_use_names (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client =
        hf_script_new ("numbers", hf_cluster_numbers (cluster), hf_cluster_dir (cluster));
    MUST (client, "open %d", TTL_MS);
    hf_cluster_set_name (cluster, 3, "hang");
    hf_cluster_kill (cluster, 3);
    uint64_t slowest = s_slowest (client);
    print_message ("the slowest acquire and release: %llu ms, sessions ended: %u\n",
                   (unsigned long long)slowest, hf_script_ends (client));
    assert_int_equal (hf_script_ends (client), 0);
    assert_in_range (slowest, 0, SLOW_MS);
    MUST (client, "close");
    hf_script_destroy (&client);
}

HF_TEST_ON (a_client_keeps_its_lock_while_a_name_hangs, 3)
{
    assert_true (hf_cluster_begin (cluster)); //  its nodes have a list of numbers
    hf_cluster_use_names (cluster);
    hf_script_t *client =
        hf_script_new ("names", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open %d", TTL_MS);
    MUST (client, "acquire K");
    hf_cluster_set_name (cluster, 3, "hang");
    hf_cluster_kill (cluster, 3);
    assert_in_range (s_slowest (client), 0, SLOW_MS);
    assert_int_equal (hf_script_losses (client) + hf_script_ends (client), 0);
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (cluster, "K", &view, HF_CLUSTER_LIMIT_MS));
    assert_int_not_equal (view.holder, 0);
    MUST (client, "close");
    hf_script_destroy (&client);
}

HF_TEST_MAIN (NULL, NULL)
