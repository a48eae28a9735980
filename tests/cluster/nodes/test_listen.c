//  A node that listens elsewhere than where the list says that it is called: in a container, behind
//  a port mapping.

#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_forward.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include <unistd.h>

#define LIMIT_MS 10000

/*  Node ID listens on two ports of its own, at ADDRESS; the mappings from those of the list. */
static void
s_bind_elsewhere (hf_cluster_t *cluster, uint32_t id, const char *address, hf_port_t ports[2],
                  hf_mapping_t mappings[2])
{
    char listen[64];
    for (unsigned i = 0; i < 2; i++)
        ports[i] = hf_port_take ();
    snprintf (listen, sizeof listen, "%s:%u:%u", address, ports[0].number, ports[1].number);
    hf_cluster_set_listen (cluster, id, listen);
    mappings[0] = (hf_mapping_t){hf_cluster_client_port (cluster, id), ports[0].number};
    mappings[1] = (hf_mapping_t){hf_cluster_node_port (cluster, id), ports[1].number};
}

static bool
s_answers (uint16_t port)
{
    int fd = hf_port_connect (port, 0);
    if (fd >= 0)
        close (fd);
    return fd >= 0;
}

HF_TEST_ON (three_nodes_behind_a_port_mapping_serve, 3)
{
    hf_port_t ports[6];
    hf_mapping_t mappings[6];
    for (uint32_t id = 1; id <= 3; id++)
        s_bind_elsewhere (cluster, id, id == 1 ? "*" : "127.0.0.1", &ports[2 * (id - 1)],
                          &mappings[2 * (id - 1)]);
    hf_forward_t *forward = hf_forward_new (mappings, 6);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client =
        hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open 10000");
    MUST (client, "acquire L");
    MUST (client, "append L F A");
    MUST (client, "release L");
    MUST (client, "close");
    hf_script_destroy (&client);
    assert_true (hf_cluster_wait_file (cluster, "F", "A", HF_CLUSTER_LIMIT_MS));
    char line[128];
    snprintf (line, sizeof line, "listens on 0.0.0.0, port %u for clients and port %u for nodes",
              ports[0].number, ports[1].number);
    assert_true (hf_cluster_log_has (cluster, 1, line));
    //  The ports of the list were those of the mapping alone.
    hf_forward_destroy (&forward);
    for (unsigned i = 0; i < 6; i++) {
        assert_true (s_answers (mappings[i].to));
        assert_false (s_answers (mappings[i].from));
        hf_port_give_back (&ports[i]);
    }
}

//  Ports above 32768 in the list, which the kernel gives away by default, are no concern of a node
//  that binds others.
HF_TEST_ON (a_node_warns_of_bound_ports_only, 1)
{
    char listen[64];
    snprintf (listen, sizeof listen, "127.0.0.1:%u:%u", hf_cluster_client_port (cluster, 1),
              hf_cluster_node_port (cluster, 1));
    hf_cluster_set_list (cluster, 1, "1@127.0.0.1:45001:45002");
    hf_cluster_set_listen (cluster, 1, listen);
    assert_true (hf_cluster_begin (cluster));
    assert_false (hf_cluster_log_has (cluster, 1, "outgoing connections"));
}

//  --listen with one port, which the list has for the nodes.
HF_TEST_ON (one_port_for_clients_and_nodes_is_refused, 1)
{
    char listen[64], text[4096];
    snprintf (listen, sizeof listen, "127.0.0.1:%u", hf_cluster_node_port (cluster, 1));
    const char *argv[] = {hf_cluster_program (),
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, 1),
                          "--listen",
                          listen,
                          NULL};
    assert_int_equal (hf_process_run (argv, LIMIT_MS, text, sizeof text), 1);
    assert_non_null (strstr (text, "clients and nodes cannot share port"));
    assert_ptr_equal (strchr (text, '\n') + 1, text + strlen (text));
}

HF_TEST_MAIN (NULL, NULL)
