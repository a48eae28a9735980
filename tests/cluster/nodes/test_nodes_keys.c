/*  Nodes with keys: they form a cluster, serve, survive and take in another; who has no key, a
 * wrong one, or one that was removed, is kept out, and costs them next to nothing. Without keys a
 * node serves its own machine alone. */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS  10000
#define STRANGERS 1000
#define WAVES     3
//  Bytes: measured 12 MB, and 15 MB after any number of waves, without keys, too. A sanitizer keeps
//  freed memory for a while.
#ifdef __SANITIZE_ADDRESS__
#define GROWTH (512ULL << 20)
#else
#define GROWTH (32ULL << 20)
#endif

/*  The file of KIND ("nodes", "clients") and NAME in the folder. */
static void
s_public (const hf_cluster_t *cluster, const char *kind, const char *name, char path[512])
{
    snprintf (path, 512, "%s/%s/%s", hf_cluster_keys (cluster), kind, name);
}

static void
s_remove (const hf_cluster_t *cluster, const char *kind, const char *name)
{
    char path[512];
    s_public (cluster, kind, name, path);
    assert_int_equal (unlink (path), 0);
}

/*  The tool with these words, which end with NULL; its exit code, and what it says in TEXT. */
static int
s_tool (char text[8192], const char *const *words)
{
    const char *argv[24] = {HF_TEST_TOOL};
    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    return hf_process_run (argv, HF_CLUSTER_LIMIT_MS, text, 8192);
}
#define TOOL(text, ...) s_tool (text, (const char *const[]){__VA_ARGS__, NULL})

static hf_script_t *
s_client (hf_cluster_t *cluster, const char *name)
{
    return hf_script_new (name, hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
}

static void
s_write_as (hf_script_t *client, const char *text)
{
    MUST (client, "acquire L");
    MUST (client, "append L F %s", text);
    MUST (client, "release L");
}

//  ---- with keys -------------------------------------------------------------------------

HF_TEST_ON (a_cluster_with_keys_serves_and_survives, 3)
{
    char text[8192];
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client = s_client (cluster, "client");
    MUST (client, "open 10000");
    s_write_as (client, "A");
    hf_cluster_kill (cluster, 1);
    s_write_as (client, "B");
    assert_true (hf_cluster_start (cluster, 1));
    assert_int_equal (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS) > 0, 1);
    s_write_as (client, "C");
    MUST (client, "close");
    hf_script_destroy (&client);
    assert_true (hf_cluster_wait_file (cluster, "F", "ABC", HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    assert_int_equal (
        TOOL (text, "--endpoints", hf_cluster_endpoints (cluster), "status", "--json"), 0);
    assert_non_null (strstr (text, "\"encrypted\": 1"));
    assert_non_null (strstr (text, "\"insecure\": 0"));
    //  Asking for one's own place, at every start, is no trespass.
    for (uint32_t id = 1; id <= 3; id++) {
        assert_false (hf_cluster_log_has (cluster, id, "refuse"));
        assert_false (hf_cluster_log_has (cluster, id, "cuts off"));
    }
}

HF_TEST_ON (a_node_joins_with_its_key, 3)
{
    char text[8192], place[128];
    hf_cluster_add_spares (cluster, 1);
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_set_join (cluster, 4, 2);
    hf_cluster_launch (cluster, 4);
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 4, "waits to be added to the cluster"),
                          HF_CLUSTER_LIMIT_MS));
    snprintf (place, sizeof place, "4@%s", hf_cluster_place (cluster, 4));
    int code = TOOL (text, "--endpoints", hf_cluster_endpoints (cluster), "members", "add", place);
    if (code != 0)
        fail_msg ("%s", text);
    hf_cluster_set_apart (cluster, 4, false);
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    for (uint32_t id = 1; id <= 4; id++)
        assert_false (hf_cluster_log_has (cluster, id, "cuts off"));
}

//  Keys change one by one: a new one beside the old, the node with the new one, the old one gone.
HF_TEST_ON (a_node_gets_another_key_while_the_cluster_serves, 3)
{
    char from[512], to[512];
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client = s_client (cluster, "client");
    MUST (client, "open 10000");
    s_write_as (client, "A");
    for (uint32_t id = 1; id <= 3; id++) {
        char name[32], old[32];
        snprintf (old, sizeof old, "node-%u", id);
        snprintf (name, sizeof name, "node-%u-2", id);
        hf_cluster_make_key (cluster, name, id, true);
        snprintf (from, sizeof from, "%s", hf_cluster_key (cluster, name));
        snprintf (to, sizeof to, "%s", hf_cluster_key (cluster, old));
        assert_int_equal (rename (from, to), 0);
        assert_int_equal (hf_cluster_terminate (cluster, id, LIMIT_MS), 0);
        assert_true (hf_cluster_start (cluster, id));
        s_remove (cluster, "nodes", old);
        s_write_as (client, "B");
        assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
    }
    MUST (client, "close");
    hf_script_destroy (&client);
}

static bool
s_up (hf_cluster_t *cluster, uint32_t id, uint64_t links)
{
    hf_node_status_t status;
    return hf_cluster_status (cluster, id, &status) && status.links_up == links;
}

HF_TEST_ON (a_node_whose_key_is_removed_is_alone, 3)
{
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    s_remove (cluster, "nodes", "node-3");
    assert_true (HF_WAIT (s_up (cluster, 1, 1) && s_up (cluster, 2, 1) && s_up (cluster, 3, 0),
                          HF_CLUSTER_LIMIT_MS));
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "refuses a node from 127.0.0.1: its key"),
                          HF_CLUSTER_LIMIT_MS));
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 3, "node 1 does not admit the key of node 3"),
                 HF_CLUSTER_LIMIT_MS));
    //  The two others go on.
    hf_script_t *client = s_client (cluster, "client");
    MUST (client, "open 10000");
    s_write_as (client, "A");
    MUST (client, "close");
    hf_script_destroy (&client);
    hf_cluster_make_key (cluster, "node-3-2", 3, false);
    hf_cluster_set_apart (cluster, 3, true);
}

HF_TEST_ON (a_client_whose_key_is_removed_loses_its_session, 3)
{
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_make_key (cluster, "eve", 0, true);
    char tester[512];
    snprintf (tester, sizeof tester, "%s", getenv ("HOLDFAST_KEY"));
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, "eve"), 1);
    hf_script_t *eve = s_client (cluster, "eve");
    setenv ("HOLDFAST_KEY", tester, 1);
    //  Accepted a moment after it came.
    assert_true (HF_WAIT (hf_script_do (eve, "open 2000").status == HF_OK, HF_CLUSTER_LIMIT_MS));
    MUST (eve, "acquire L");
    MUST (eve, "append L F eve");
    hf_script_t *client = s_client (cluster, "client");
    MUST (client, "open 10000");
    hf_script_say (client, "acquire L");
    assert_true (hf_cluster_wait_waiters (cluster, "L", 1, HF_CLUSTER_LIMIT_MS));
    s_remove (cluster, "clients", "eve");
    assert_int_equal (hf_script_hear (client).status, HF_OK);
    assert_true (HF_WAIT (hf_script_losses (eve) == 1, HF_CLUSTER_LIMIT_MS));
    MUST (client, "append L F client");
    MUST (client, "release L");
    assert_true (hf_cluster_wait_file (cluster, "F", "client", HF_CLUSTER_LIMIT_MS));
    bool told = false;
    for (uint32_t id = 1; id <= 3; id++)
        told = told || hf_cluster_log_has (cluster, id, "cuts off client eve: its key is not in");
    assert_true (told);
    hf_script_destroy (&eve);
    hf_script_destroy (&client);
}

//  ---- strangers ---------------------------------------------------------------------------

/*  What a stranger says before it says nothing more: nothing; half a greeting; one with CURVE; that
 *  and the begin of a HELLO, of a size that is none; that and garbage in the place of a HELLO. */
static void
s_begin (int fd, unsigned kind)
{
    uint8_t bytes[64 + 202] = "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0CURVE";
    bytes[64] = 4;
    bytes[65] = 200;
    memcpy (bytes + 66, "\x05HELLO\x01\0", 8);
    static const size_t sizes[] = {0, 20, 64, 100, sizeof bytes};
    ssize_t rc = send (fd, bytes, sizes[kind % 5], MSG_NOSIGNAL);
    (void)rc;
}

/*  The node closes all of them within a while. */
static bool
s_all_closed (int *fds)
{
    unsigned left = 0;
    for (unsigned i = 0; i < STRANGERS; i++) {
        uint8_t bytes[256];
        ssize_t got = fds[i] < 0 ? 0 : recv (fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
        if (fds[i] >= 0 && (got == 0 || (got < 0 && errno == ECONNRESET))) {
            close (fds[i]);
            fds[i] = -1;
        }
        left += fds[i] >= 0;
    }
    return left == 0;
}

static bool
s_greeted (int fd)
{
    uint8_t byte;
    return recv (fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
}

/*  A thousand, at both ports. The node greets who is accepted: a crowd in its backlog would wait
 * for TCP to try again. */
static void
s_wave (hf_cluster_t *cluster)
{
    static int fds[STRANGERS];
    const uint16_t ports[] = {hf_cluster_client_port (cluster, 1),
                              hf_cluster_node_port (cluster, 1)};
    for (unsigned i = 0; i < STRANGERS; i++) {
        fds[i] = hf_port_connect (ports[i % 2], 0);
        assert_true (fds[i] >= 0);
        if (i % 50 >= 48)
            assert_true (HF_WAIT (s_greeted (fds[i]), HF_CLUSTER_LIMIT_MS));
        s_begin (fds[i], i / 2);
    }
    assert_true (HF_WAIT (s_all_closed (fds), HF_CLUSTER_LIMIT_MS));
}

HF_TEST_ON (a_thousand_strangers_cost_little, 1)
{
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_script_t *client = s_client (cluster, "client");
    MUST (client, "open 10000");
    s_write_as (client, "A");
    uint64_t before = hf_cluster_memory (cluster, 1);
    for (unsigned i = 0; i < WAVES; i++) {
        s_wave (cluster);
        s_write_as (client, "B");
    }
    uint64_t after = hf_cluster_memory (cluster, 1);
    if (after > before + GROWTH)
        fail_msg ("%llu KiB, then %llu", (unsigned long long)before / 1024,
                  (unsigned long long)after / 1024);
    MUST (client, "close");
    hf_script_destroy (&client);
    assert_true (hf_cluster_log_has (cluster, 1, "connections of clients without a key"));
    assert_true (hf_cluster_log_has (cluster, 1, "connections of nodes without a key"));
}

//  A lot of strangers whose keys are whole, but unknown: the log is not filled with them.
HF_TEST_ON (strangers_do_not_fill_the_log, 1)
{
    char text[8192];
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    hf_cluster_make_key (cluster, "eve", 0, false);
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, "eve"), 1);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal (TOOL (text, "--endpoints", hf_cluster_endpoints (cluster), "leader",
                                "--timeout", "100ms"),
                          69);
    FILE *log = fopen (hf_cluster_log_path (cluster, 1), "r");
    unsigned lines = 0;
    char line[1500];
    while (fgets (line, sizeof line, log))
        lines += strstr (line, "refuses a client") != NULL;
    fclose (log);
    assert_in_range (lines, 1, 20);
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 1, "more connections"), HF_CLUSTER_LIMIT_MS));
}

//  ---- the start -----------------------------------------------------------------------------

/*  holdfastd with these words, which end with NULL: it must end with CODE and one line with TEXT.
 */
static void
s_must_end (int code, const char *said, const char *const *words)
{
    const char *argv[24] = {hf_cluster_program ()};
    char text[8192];
    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    int ended = hf_process_run (argv, LIMIT_MS, text, sizeof text);
    if (ended != code || !strstr (text, said))
        fail_msg ("ended with %d, not %d: %s", ended, code, text);
    assert_ptr_equal (strchr (text, '\n') + 1, text + strlen (text));
}
#define MUST_END(code, text, ...) s_must_end (code, text, (const char *const[]){__VA_ARGS__, NULL})

HF_TEST_ON (without_keys_it_serves_its_machine_alone, 1)
{
    const char *dir = hf_cluster_node_dir (cluster, 1);
    static const char *const elsewhere[] = {"1@192.0.2.1:8080:8081", "1@[2001:db8::1]:8080:8081"};
    for (size_t i = 0; i < 2; i++)
        MUST_END (64, "and there are no keys: give --keys DIR and --key FILE", "--data", dir,
                  "--cluster", elsewhere[i]);
    MUST_END (64, "or --insecure to let everybody in", "--data", dir, "--listen", "*");
    MUST_END (64, "other machines reach [::]", "--data", dir, "--id", "1", "--join", "127.0.0.1:80",
              "--listen", "[::]");
    assert_int_equal (access (dir, F_OK), -1);     //  nothing was made
    hf_cluster_set_listen (cluster, 1, "0.0.0.0"); //  the harness gives it --insecure
    assert_true (hf_cluster_begin (cluster));
    assert_true (hf_cluster_log_has (cluster, 1, "INSECURE: whoever reaches its ports"));
    char text[8192];
    assert_int_equal (
        TOOL (text, "--endpoints", hf_cluster_endpoints (cluster), "status", "--json"), 0);
    assert_non_null (strstr (text, "\"insecure\": 1"));
    assert_non_null (strstr (text, "\"encrypted\": 0"));
}

HF_TEST_ON (keys_that_cannot_be_used_are_refused, 1)
{
    const char *dir = hf_cluster_node_dir (cluster, 1);
    char path[512];
    hf_cluster_use_keys (cluster);
    const char *keys = hf_cluster_keys (cluster), *list = hf_cluster_endpoints (cluster);
    MUST_END (64, "--keys and --key go together", "--data", dir, "--keys", keys);
    MUST_END (64, "--keys and --key go together", "--data", dir, "--key", keys);
    MUST_END (64, "--insecure is for a node without --keys", "--data", dir, "--keys", keys, "--key",
              keys, "--insecure");
    MUST_END (1, "is not the key of node 2: make one with 'holdfast keys new node-2 --node 2'",
              "--data", dir, "--cluster", "2@127.0.0.1", "--keys", keys, "--key",
              hf_cluster_key (cluster, "node-1"));
    MUST_END (1, "is not the key of node 1", "--data", dir, "--cluster", list, "--keys", keys,
              "--key", hf_cluster_key (cluster, "tester"));
    s_public (cluster, "nodes", "node-1", path);
    MUST_END (1, "has no secret key", "--data", dir, "--cluster", list, "--keys", keys, "--key",
              path);
    MUST_END (1, "cannot read the folder of keys /nowhere", "--data", dir, "--cluster", list,
              "--keys", "/nowhere", "--key", hf_cluster_key (cluster, "node-1"));
    assert_int_equal (access (dir, F_OK), -1);
}

HF_TEST_ON (a_hangup_ends_no_node, 1)
{
    assert_true (hf_cluster_begin (cluster));
    kill (hf_cluster_pid (cluster, 1), SIGHUP);
    assert_true (
        HF_WAIT (hf_cluster_log_has (cluster, 1, "goes on after a hangup"), HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_cluster_terminate (cluster, 1, LIMIT_MS), 0);
    hf_cluster_use_keys (cluster);
    assert_true (hf_cluster_begin (cluster));
    kill (hf_cluster_pid (cluster, 1), SIGHUP);
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "looks at the keys: hangup"),
                          HF_CLUSTER_LIMIT_MS));
}

HF_TEST_MAIN (NULL, NULL)
