//  A node that cannot start says why in one line and ends with a code that is not zero. SIGTERM
//  ends a node cleanly, and a leader hands over first.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "msgs/hf_limits.h"
#include "nodes/store/hf_log_store.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_ports.h"
#include <signal.h>
#include <unistd.h>

#define LIMIT_MS  10000
#define TEXT_SIZE 8192

static unsigned
s_lines (const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

/*  A node with these options must refuse to start: one line, with WORD in it. */
static void
s_must_refuse (const char *id, const char *list, const char *dir, const char *word)
{
    const char *argv[] = {
        hf_cluster_program (), "--id", id, "--cluster", list, "--data", dir, NULL};
    char text[TEXT_SIZE];
    int code = hf_process_run (argv, LIMIT_MS, text, sizeof text);
    if (code <= 0 || code >= 128 || s_lines (text) != 1 || !strstr (text, word))
        fail_msg ("--id %s --cluster %s --data %s: code %d, not one line with \"%s\":\n%s", id,
                  list, dir, code, word, text);
}

HF_TEST_ON (test_bad_list, 3)
{
    const char *dir = hf_cluster_node_dir (cluster, 1);
    s_must_refuse ("1", "", dir, "endpoint");
    s_must_refuse ("1", "nonsense", dir, "nonsense");
    s_must_refuse ("1", "1@127.0.0.1:0:1", dir, "port");
    s_must_refuse ("1", "1@127.0.0.1:70000", dir, "port");
    s_must_refuse ("1", "1@127.0.0.1:20001:20001", dir, "port");
    s_must_refuse ("1", "0@127.0.0.1", dir, "id");
    s_must_refuse ("1", "1@127.0.0.1,,", dir, "endpoint 2");
    s_must_refuse ("1", "1@a,1@b,2@c", dir, "twice");
    s_must_refuse ("1", "1@a,2@b", dir, "1, 3, 5 or 7");
    s_must_refuse ("1", "1@a,2@b,3@c,4@d,5@e,6@f,7@g,8@h", dir, "7");
    s_must_refuse ("1", "1@256.0.0.1", dir, "address");
    s_must_refuse ("9", hf_cluster_endpoints (cluster), dir, "9");
    s_must_refuse ("x", hf_cluster_endpoints (cluster), dir, "--id");
    //  Nothing was left behind by any of them.
    assert_int_not_equal (access (dir, F_OK), 0);
}

HF_TEST_ON (test_wrong_usage, 3)
{
    static const char *const usages[][2] = {{"--nonsense", "option"},
                                            {"nonsense", "nonsense"},
                                            {"--log-level=loud", "loud"},
                                            {"--listen=alpha:80", "--listen must be ADDRESS[:"},
                                            {"--id", "option"}};
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        const char *argv[] = {hf_cluster_program (), usages[i][0], NULL};
        char text[TEXT_SIZE];
        int code = hf_process_run (argv, LIMIT_MS, text, sizeof text);
        assert_in_range (code, 1, 127);
        assert_non_null (strstr (text, usages[i][1]));
    }
    const char *argv[] = {hf_cluster_program (), "--cluster", hf_cluster_endpoints (cluster), NULL};
    char text[TEXT_SIZE];
    assert_in_range (hf_process_run (argv, LIMIT_MS, text, sizeof text), 1, 127);
    assert_non_null (strstr (text, "--id"));
    assert_int_equal (s_lines (text), 1);
}

/*  `ulimit -f`: a line that says so, not a signal. */
HF_TEST_ON (test_files_may_not_grow, 1)
{
    const char *argv[] = {"/usr/bin/env",
                          "prlimit",
                          "--fsize=20000",
                          hf_cluster_program (),
                          "--cluster",
                          hf_cluster_endpoints (cluster),
                          "--data",
                          hf_cluster_node_dir (cluster, 1),
                          NULL};
    char text[TEXT_SIZE];
    assert_int_equal (hf_process_run (argv, LIMIT_MS, text, sizeof text), 1);
    assert_non_null (strstr (text, "log.db: "));
}

HF_TEST_ON (test_port_in_use, 1)
{
    uint16_t ports[] = {hf_cluster_client_port (cluster, 1), hf_cluster_node_port (cluster, 1)};
    for (size_t i = 0; i < 2; i++) {
        int fd = hf_port_listen (ports[i], 0);
        assert_true (fd >= 0);
        char number[16];
        snprintf (number, sizeof number, "%u", ports[i]);
        s_must_refuse ("1", hf_cluster_endpoints (cluster), hf_cluster_node_dir (cluster, 1),
                       number);
        close (fd);
    }
    assert_true (hf_cluster_start (cluster, 1));
}

HF_TEST_ON (test_data_folder_not_writable, 1)
{
    char path[1024];
    snprintf (path, sizeof path, "%s/a-file", hf_cluster_dir (cluster));
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fclose (file);
    const char *list = hf_cluster_endpoints (cluster);
    s_must_refuse ("1", list, path, "a-file");
    strcat (path, "/below");
    s_must_refuse ("1", list, path, "a-file");
    s_must_refuse ("1", list, "/proc/holdfast", "/proc/holdfast");
    s_must_refuse ("1", list, "", "folder");
}

//  A second process on the same data is kept out, and the first does not notice.
HF_TEST_ON (test_data_folder_in_use, 1)
{
    assert_true (hf_cluster_start (cluster, 1));
    char pid[16];
    snprintf (pid, sizeof pid, "%d", (int)hf_cluster_pid (cluster, 1));
    s_must_refuse ("1", hf_cluster_endpoints (cluster), hf_cluster_node_dir (cluster, 1), pid);
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 1);
}

//  A folder belongs to one node. Who its cluster's members are its log says, whatever the list.
HF_TEST_ON (test_data_of_another_node_or_list, 1)
{
    assert_true (hf_cluster_begin (cluster));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_port_t other = hf_port_take ();
    char list[64];
    snprintf (list, sizeof list, "1@127.0.0.1:%u:%u", other.number,
              hf_cluster_node_port (cluster, 1));
    list[0] = '2';
    s_must_refuse ("2", list, hf_cluster_node_dir (cluster, 1), "belongs to node 1");
    list[0] = '1';
    hf_cluster_set_list (cluster, 1, list);
    assert_true (hf_cluster_begin (cluster));
    assert_true (
        hf_cluster_log_has (cluster, 1, "goes by the members in its log, not by the list"));
    hf_port_give_back (&other);
}

//  A log that a later release of holdfast has gone on with, in a form that this one can read.
HF_TEST_ON (test_log_of_a_level_that_it_does_not_speak, 1)
{
    char error[HF_ERROR_SIZE];
    hf_pack_t roster;
    const char *dir = hf_cluster_node_dir (cluster, 1);
    assert_true (hf_cluster_begin (cluster));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_log_store_t *store = hf_log_store_open (dir, error);
    assert_non_null (store);
    hf_pack_init (&roster);
    hf_roster_put (&roster, &(hf_roster_t){.count = 1,
                                           .level = HF_LEVEL_NEWEST + 1,
                                           .cluster = 5,
                                           .members = {{.node = 1,
                                                        .incarnation = 77,
                                                        .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                                                        .host = hf_span_text ("127.0.0.1"),
                                                        .client_port = 1,
                                                        .node_port = 2}}});
    hf_entry_t entry = {.term = 9,
                        .type = HF_ENTRY_ROSTER,
                        .payload = hf_span (hf_pack_bytes (&roster), hf_pack_size (&roster))};
    uint64_t next = hf_log_store_state (store)->last_index + 1;
    assert_int_equal (hf_log_store_append (store, next, &entry), 0);
    assert_int_equal (hf_log_store_commit (store), 0);
    hf_log_store_close (&store);
    hf_pack_done (&roster);
    s_must_refuse ("1", hf_cluster_endpoints (cluster), dir,
                   "/log.db is of a cluster of feature level 2; this holdfastd speaks level 1: "
                   "start the release that the other nodes run, the data are sound");
}

//  Files without the log that counts their sections: the next sections would be skipped as old.
HF_TEST_ON (test_log_lost_and_files_kept, 1)
{
    assert_true (hf_cluster_start (cluster, 1));
    hf_script_t *client =
        hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open 10000");
    MUST (client, "acquire L");
    MUST (client, "append L F A");
    MUST (client, "release L");
    MUST (client, "close");
    hf_script_destroy (&client);
    assert_true (hf_cluster_wait_file (cluster, "F", "A", HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    char path[1024];
    snprintf (path, sizeof path, "%s/log.db", hf_cluster_node_dir (cluster, 1));
    assert_int_equal (remove (path), 0);
    s_must_refuse ("1", hf_cluster_endpoints (cluster), hf_cluster_node_dir (cluster, 1),
                   "the log was lost");
}

//  ---- another list than the peers' ---------------------------------------------------

#define OTHER_LIST "was started with another cluster list"

static bool
s_all_have_logged (hf_cluster_t *cluster)
{
    return hf_cluster_log_has (cluster, 1, "node 3 " OTHER_LIST) &&
           hf_cluster_log_has (cluster, 2, "node 3 " OTHER_LIST) &&
           hf_cluster_log_has (cluster, 3, "node 1 " OTHER_LIST) &&
           hf_cluster_log_has (cluster, 3, "node 2 " OTHER_LIST);
}

/*  How often a node's log reports another list. */
static unsigned
s_times_logged (const hf_cluster_t *cluster, uint32_t id)
{
    FILE *log = fopen (hf_cluster_log_path (cluster, id), "r");
    assert_non_null (log);
    char line[4096];
    unsigned times = 0;
    while (fgets (line, sizeof line, log))
        times += strstr (line, OTHER_LIST) != NULL;
    fclose (log);
    return times;
}

HF_TEST_ON (test_other_list_than_the_peers, 3)
{
    //  The same addresses by another name: it could talk to the others, but must not.
    char list[1024] = "";
    for (uint32_t id = 1; id <= 3; id++)
        snprintf (list + strlen (list), sizeof list - strlen (list), "%s%u@%s:%u:%u",
                  id > 1 ? "," : "", id, id == 3 ? "localhost" : "127.0.0.1",
                  hf_cluster_client_port (cluster, id), hf_cluster_node_port (cluster, id));
    //  Node 3 was a member with the old list; its folder would refuse the new one.
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_kill (cluster, 3);
    assert_int_equal (hf_folder_remove (hf_cluster_node_dir (cluster, 3)), 0);
    hf_cluster_set_list (cluster, 3, list);
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (HF_WAIT (s_all_have_logged (cluster), HF_CLUSTER_LIMIT_MS));
    //  The other two are a majority.
    hf_node_status_t one, three;
    assert_true (
        HF_WAIT (hf_cluster_status (cluster, 1, &one) && one.leader == 1, HF_CLUSTER_LIMIT_MS));
    assert_true (HF_WAIT_NEVER (hf_cluster_status (cluster, 3, &three) && three.leader != 0, 1500));
    assert_int_equal (s_times_logged (cluster, 1), 1);
    assert_int_equal (s_times_logged (cluster, 2), 1);
    assert_int_equal (s_times_logged (cluster, 3), 2);
}

//  ---- the end --------------------------------------------------------------------

//  SIGINT is what a terminal sends.
HF_TEST_ON (test_one_node_ends, 1)
{
    assert_true (hf_cluster_begin (cluster));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    assert_true (hf_cluster_begin (cluster));
    kill (hf_cluster_pid (cluster, 1), SIGINT);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
}

HF_TEST_ON (test_node_alone_of_three_ends, 3)
{
    assert_true (hf_cluster_start (cluster, 2));
    assert_int_equal (hf_cluster_terminate (cluster, 2, LIMIT_MS), 0);
}

//  The end of a follower changes nothing; the new leader leads before the old one has ended: no
//  election timeout passes.
HF_TEST_ON (test_follower_ends_and_leader_hands_over, 3)
{
    assert_true (hf_cluster_begin (cluster));
    hf_node_status_t before, after;
    assert_true (hf_cluster_status (cluster, 1, &before));
    assert_int_equal (hf_cluster_terminate (cluster, 3, LIMIT_MS), 0);
    assert_true (hf_cluster_start (cluster, 3));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_status (cluster, 1, &after));
    assert_string_equal (after.role, "leader");
    assert_int_equal (after.term, before.term);
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS), 1);
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    uint32_t leader = hf_cluster_leader (cluster);
    assert_in_range (leader, 2, 3);
    assert_true (hf_cluster_status (cluster, leader, &after));
    assert_int_equal (after.term, before.term + 1);
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
}

HF_TEST_MAIN (NULL, NULL)
