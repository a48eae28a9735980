//  Names that come, change, or stand for the wrong address: a cluster follows them, and says what
//  is wrong.

#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_test.h"

static bool
s_log_has (const hf_cluster_t *cluster, uint32_t id, const char *text)
{
    return HF_WAIT (hf_cluster_log_has (cluster, id, text), HF_CLUSTER_LIMIT_MS);
}

/*  What the tool says of the cluster. */
static int
s_tool (const char *list, const char *command, char *text, size_t size)
{
    const char *argv[] = {HF_TEST_TOOL, "--endpoints", list, command, NULL};
    return hf_process_run (argv, HF_CLUSTER_LIMIT_MS, text, size);
}

HF_TEST_ON (a_cluster_forms_when_its_names_come, 3)
{
    char text[4096];
    hf_cluster_use_names (cluster);
    hf_cluster_set_name (cluster, 2, "hang");
    hf_cluster_set_name (cluster, 3, "fail");
    for (uint32_t id = 1; id <= 3; id++)
        hf_cluster_launch (cluster, id);
    assert_true (s_log_has (cluster, 3,
                            "cannot resolve node-3.test: Temporary failure in name "
                            "resolution; that is this node's own name"));
    assert_true (s_log_has (cluster, 1, "cannot resolve node-2.test: no answer yet"));
    assert_true (s_log_has (cluster, 1, "cannot resolve node-3.test: Temporary failure"));
    assert_int_equal (s_tool (hf_cluster_numbers (cluster), "status", text, sizeof text), 69);
    assert_non_null (strstr (text, "node 1: cannot resolve node-2.test: no answer yet; cannot "
                                   "resolve node-3.test: Temporary failure"));
    hf_cluster_set_name (cluster, 2, "127.0.0.1");
    hf_cluster_set_name (cluster, 3, "192.0.2.3,127.0.0.1"); //  the first is of no machine
    assert_int_not_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 0);
    assert_true (s_log_has (cluster, 1, "the names in the cluster list are well now"));
}

static bool
s_links (hf_cluster_t *cluster, uint32_t id, uint64_t links)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, id, &status) && status.links_up == links;
}

HF_TEST_ON (a_machine_that_is_replaced_under_its_name_is_found, 3)
{
    hf_cluster_use_names (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_kill (cluster, 3);
    hf_cluster_set_name (cluster, 3, "127.0.0.3");
    hf_cluster_launch (cluster, 3); //  it listens there
    assert_true (HF_WAIT (s_links (cluster, 1, 2), HF_CLUSTER_LIMIT_MS));
    assert_true (HF_WAIT (s_links (cluster, 2, 2), HF_CLUSTER_LIMIT_MS));
}

HF_TEST_ON (the_tool_says_which_name_it_cannot_resolve, 3)
{
    char text[4096];
    hf_cluster_use_names (cluster);
    hf_cluster_set_name (cluster, 1, "hang");
    hf_cluster_set_name (cluster, 2, "fail");
    hf_cluster_set_name (cluster, 3, "fail");
    assert_int_equal (s_tool (hf_cluster_endpoints (cluster), "status", text, sizeof text), 69);
    assert_non_null (strstr (text, "cannot resolve node-1.test: no answer yet; cannot resolve "
                                   "node-2.test: Temporary failure in name resolution"));
}

//  ---- loopback -----------------------------------------------------------------------------

HF_TEST_ON (a_name_on_loopback_among_others_is_reported, 3)
{
    char text[4096];
    hf_cluster_use_names (cluster);
    hf_cluster_set_name (cluster, 1, "127.0.1.1"); //  as Debian's installer writes it
    hf_cluster_set_name (cluster, 2, "192.0.2.2");
    hf_cluster_set_name (cluster, 3, "192.0.2.3");
    hf_cluster_launch (cluster, 1);
    assert_true (s_log_has (cluster, 1, "node-1.test, this node's own name, stands for 127.0.1.1"));
    assert_int_equal (hf_cluster_terminate (cluster, 1, HF_CLUSTER_LIMIT_MS), 0);
    //  With the option it can be reached; to the test 127.0.0.1 is as good as any address.
    hf_cluster_add_argument (cluster, "--listen=*");
    hf_cluster_set_name (cluster, 2, "127.0.0.2");
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (
        s_log_has (cluster, 1, "node-2.test, node 2, stands for 127.0.0.2, which is this"));
    assert_int_equal (s_tool (hf_cluster_numbers (cluster), "status", text, sizeof text), 69);
    assert_non_null (strstr (text, "node 1: node-2.test, node 2, stands for 127.0.0.2"));
}

HF_TEST_MAIN (NULL, NULL)
