/*  What is wrong with names: loopback among other machines, two nodes in one place, ports of the
 *  kernel. */
#include "broker-less/hf_names.h"
#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"

int hf_mutant = HF_MUTANT_none;

/*  Three nodes, alpha, beta and gamma, on these addresses ("": not known); node 1 judges. */
static const char *
s_judge (const char *one, const char *two, const char *three, bool chosen)
{
    static char text[HF_NAMES_TEXT_SIZE];
    const char *const all[] = {one, two, three};
    hf_addresses_t addresses[3] = {0};
    hf_endpoints_t list;
    char error[HF_ERROR_SIZE];
    assert_int_equal (hf_endpoints_parse (&list, "1@alpha,2@beta,3@gamma", error), 0);
    for (size_t i = 0; i < 3; i++) {
        addresses[i].count = all[i][0] != 0;
        snprintf (addresses[i].text[0], HF_ADDRESS_SIZE, "%s", all[i]);
    }
    hf_names_judge (&list, addresses, 0, chosen, text);
    return text;
}

#define OWN                                                                                        \
    "alpha, this node's own name, stands for 127.0.1.1, where other machines cannot reach it, "    \
    "and "                                                                                         \
    "node 2 is at 10.0.0.2: take the name out of the line \"127.0.1.1\" in /etc/hosts, or start "  \
    "this node with --listen ADDRESS"

HF_TEST (loopback_among_other_machines_is_seen)
{
    assert_string_equal (s_judge ("10.0.0.1", "10.0.0.2", "10.0.0.3", false), "");
    assert_string_equal (s_judge ("127.0.1.1", "", "", false), "");
    assert_string_equal (s_judge ("127.0.1.1", "127.0.1.1", "", false) + strlen ("nodes 1"),
                         " (alpha) and 2 (beta) are both at 127.0.1.1:8081");
    assert_string_equal (s_judge ("127.0.1.1", "10.0.0.2", "", false), OWN);
    assert_string_equal (s_judge ("127.0.0.1", "[fd00::2]", "", true),
                         "this node listens on 127.0.0.1, where other machines cannot reach it, "
                         "and node 2 is at [fd00::2]: start it with another --listen ADDRESS");
    hf_mutant = HF_MUTANT_loopback_unseen;
    const char *text = s_judge ("127.0.1.1", "10.0.0.2", "", false);
    hf_mutant = HF_MUTANT_none;
    assert_string_equal (text, "");
}

HF_TEST (a_peer_on_loopback_is_seen)
{
    const char *line =
        "beta, node 2, stands for [::1], which is this machine: look for the name in "
        "/etc/hosts";
    assert_string_equal (s_judge ("10.0.0.1", "[::1]", "", false), line);
    assert_string_equal (s_judge ("0.0.0.0", "[::1]", "10.0.0.3", true), line);
    assert_string_equal (s_judge ("", "[::1]", "", false), "");
}

HF_TEST (nodes_in_one_place_are_seen)
{
    assert_string_equal (s_judge ("10.0.0.1", "10.0.0.2", "10.0.0.2", false),
                         "nodes 2 (beta) and 3 (gamma) are both at 10.0.0.2:8081");
    assert_string_equal (s_judge ("0.0.0.0", "0.0.0.0", "", true), "");
}

HF_TEST (long_names_are_cut)
{
    hf_endpoints_t list = {.count = 7};
    hf_addresses_t addresses[7];
    char text[HF_NAMES_TEXT_SIZE];
    for (uint32_t i = 0; i < 7; i++) {
        list.node[i] = (hf_endpoint_t){.id = 65529 + i, .client_port = 1, .node_port = 2};
        memset (list.node[i].host, 'n', HF_HOST_MAX);
        addresses[i] = (hf_addresses_t){.count = 1, .text = {"[fd00::1:2:3:4:5]"}};
    }
    hf_names_judge (&list, addresses, 3, false, text);
    assert_int_equal (strlen (text), HF_NAMES_TEXT_SIZE - 1);
}

HF_TEST (ports_of_the_kernel_are_known)
{
    const char *range = "32768\t60999\n";
    assert_false (hf_port_is_ephemeral (8080, range, "\n"));
    assert_true (hf_port_is_ephemeral (32768, range, ""));
    assert_true (hf_port_is_ephemeral (60999, range, "\n"));
    assert_false (hf_port_is_ephemeral (61000, range, ""));
    assert_false (hf_port_is_ephemeral (40000, range, "8080,39999-40001\n"));
    assert_false (hf_port_is_ephemeral (40000, range, "40000,50000\n"));
    assert_true (hf_port_is_ephemeral (40002, range, "8080,39999-40001,40003\n"));
    assert_false (hf_port_is_ephemeral (40000, "", ""));
    hf_mutant = HF_MUTANT_reserved_unread;
    bool taken = hf_port_is_ephemeral (40000, range, "40000\n");
    hf_mutant = HF_MUTANT_none;
    assert_true (taken);
}

HF_TEST_MAIN (NULL, NULL)
