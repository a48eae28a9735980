//  A cluster whose members change, an operator, and clients that write all the time.

#include "tests/cluster/members/field.h"
#include "tests/cluster/lostfound/verdict.h"
#include "tests/kit/hf_test.h"
#include <stdarg.h>

#define WORDS_MAX  8
#define COMMAND_MS 40000

void
field_begin (field_t *self, unsigned founders, unsigned spares)
{
    self->cluster = hf_cluster_new (founders);
    hf_cluster_add_spares (self->cluster, spares);
    assert_true (hf_cluster_begin (self->cluster));
    snprintf (self->history, sizeof self->history, "%.480s/history.jsonl",
              hf_cluster_dir (self->cluster));
    self->recorder = hf_recorder_new (self->history);
    assert_non_null (self->recorder);
}

//  ---- clients ------------------------------------------------------------------------

void
field_client (field_t *self, const char *list)
{
    assert_in_range (self->clients, 0, FIELD_CLIENTS - 1);
    hf_test_client_t *client = &self->client[self->clients];
    snprintf (self->list[self->clients], sizeof self->list[0], "%s", list);
    client->number = self->clients + 1;
    client->endpoints = self->list[self->clients++];
    client->follows = true;
    client->ttl_ms = self->ttl_ms;
    client->seed = (hf_random_t){client->number};
    client->stop = &self->stop;
    client->recorder = self->recorder;
    hf_test_client_start (client);
}

const char *
field_one (const field_t *self, uint32_t id)
{
    static char text[80];
    snprintf (text, sizeof text, "%s", field_named (self, id));
    return text;
}

static bool
s_all_did (const field_t *self, const uint64_t before[FIELD_CLIENTS])
{
    for (uint32_t i = 0; i < self->clients; i++)
        if (atomic_load (&self->client[i].sections) <= before[i])
            return false;
    return true;
}

void
field_flow (field_t *self)
{
    uint64_t before[FIELD_CLIENTS];
    for (uint32_t i = 0; i < self->clients; i++)
        before[i] = atomic_load (&self->client[i].sections);
    bool flows = HF_WAIT (s_all_did (self, before), FIELD_LIMIT_MS);
    for (uint32_t i = 0; i < self->clients && !flows; i++)
        if (atomic_load (&self->client[i].sections) <= before[i])
            print_error ("client %u, which began with %s, got no section\n", i + 1, self->list[i]);
    assert_true (flows);
}

static void
s_stop_clients (field_t *self)
{
    atomic_store (&self->stop, true);
    for (uint32_t i = 0; i < self->clients; i++)
        pthread_join (self->client[i].thread, NULL);
}

//  ---- the end -----------------------------------------------------------------------

/*  The files on the disks follow the log within a moment: they are to be what a client reads. */
static void
s_settle (const field_t *self)
{
    static char bytes[1 << 22];
    for (unsigned i = 0; i < HF_FILES; i++) {
        uint32_t one = 1;
        while (hf_cluster_apart (self->cluster, one))
            one++;
        const char *argv[] = {HF_TEST_TOOL,     "cat", "--endpoints", field_one (self, one),
                              hf_file_names[i], NULL};
        int code = hf_process_run (argv, COMMAND_MS, bytes, sizeof bytes);
        if (code == 0)
            assert_true (
                hf_cluster_wait_file (self->cluster, hf_file_names[i], bytes, FIELD_LIMIT_MS));
    }
}

uint64_t
field_stop (field_t *self)
{
    uint64_t sections = 0, failures = 0;
    s_stop_clients (self);
    for (uint32_t i = 0; i < self->clients; i++) {
        sections += atomic_load (&self->client[i].sections);
        failures += atomic_load (&self->client[i].failures);
        if (!self->client[i].finished)
            print_error ("client %u could not finish\n", i + 1);
        assert_true (self->client[i].finished);
    }
    if (self->clients > 0)
        print_message ("%llu sections; %llu calls failed or locks were lost\n",
                       (unsigned long long)sections, (unsigned long long)failures);
    self->clients = 0;
    return failures;
}

void
field_end (field_t *self)
{
    uint32_t nodes = hf_cluster_count (self->cluster);
    field_stop (self);
    assert_true (hf_recorder_destroy (&self->recorder));
    assert_true (hf_cluster_wait_equal (self->cluster, FIELD_LIMIT_MS));
    s_settle (self);
    assert_int_equal (hf_verdict (self->cluster, nodes, self->history, FIELD_LIMIT_MS), 0);
    assert_true (hf_restart_all (self->cluster, FIELD_LIMIT_MS));
    s_settle (self);
    assert_int_equal (hf_verdict (self->cluster, nodes, self->history, FIELD_LIMIT_MS), 0);
    assert_true (hf_cluster_passed (self->cluster));
}

void
field_clear (field_t *self)
{
    s_stop_clients (self);
    hf_recorder_destroy (&self->recorder);
    hf_cluster_destroy (&self->cluster);
    *self = (field_t){.cluster = NULL};
}

//  ---- the operator --------------------------------------------------------------------

/*  The words behind `holdfast members --endpoints LIST`. */
static void
s_command (const char *argv[WORDS_MAX + 5], const char *list, va_list words)
{
    size_t size = 0;
    argv[size++] = HF_TEST_TOOL;
    argv[size++] = "members";
    argv[size++] = "--endpoints";
    argv[size++] = list;
    do {
        assert_in_range (size, 0, WORDS_MAX + 4);
        argv[size] = va_arg (words, const char *);
    } while (argv[size++]);
}

static void
s_print (const char *const *argv)
{
    for (; *argv; argv++)
        print_error (" %s", *argv);
    print_error ("\n");
}

/*  Not while too few of the others have caught up: one may have been killed a moment before. */
static bool
s_decided (field_t *self, const char *const *argv, int *code)
{
    *code = hf_process_run (argv, COMMAND_MS, self->output, sizeof self->output);
    return *code != 2 || !strstr (self->output, "too few of the members");
}

void
field_members (field_t *self, const char *list, int code, const char *text, ...)
{
    const char *argv[WORDS_MAX + 5];
    va_list words;
    va_start (words, text);
    s_command (argv, list, words);
    va_end (words);
    int got = -1;
    HF_WAIT (s_decided (self, argv, &got) || code != 0, FIELD_LIMIT_MS);
    if (got == code && (!text || strstr (self->output, text)))
        return;
    s_print (argv);
    fail_msg ("exit code %d, not %d, or not \"%s\": %s", got, code, text ? text : "", self->output);
}

hf_process_t *
field_members_start (field_t *self, const char *list, ...)
{
    const char *argv[WORDS_MAX + 5];
    char log[512];
    va_list words;
    va_start (words, list);
    s_command (argv, list, words);
    va_end (words);
    snprintf (log, sizeof log, "%.480s/operator.log", hf_cluster_dir (self->cluster));
    return hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = log});
}

void
field_wait (hf_process_t **process, int code)
{
    int got = hf_process_wait (*process, COMMAND_MS);
    hf_process_destroy (process);
    assert_int_equal (got, code);
}

void
field_lead (field_t *self, const char *list, uint32_t id)
{
    char number[16];
    snprintf (number, sizeof number, "%u", id);
    const char *argv[] = {HF_TEST_TOOL, "lead", "--endpoints", list, number, NULL};
    int code = -1;
    HF_WAIT ((code = hf_process_run (argv, COMMAND_MS, self->output, sizeof self->output)) == 0,
             FIELD_LIMIT_MS);
    if (code != 0)
        fail_msg ("lead %u: exit code %d: %s", id, code, self->output);
    assert_int_equal (hf_cluster_wait_leader (self->cluster, FIELD_LIMIT_MS), id);
}

const char *
field_named (const field_t *self, uint32_t id)
{
    static char text[80];
    snprintf (text, sizeof text, "%u@%s", id, hf_cluster_place (self->cluster, id));
    return text;
}

void
field_add (field_t *self, const char *list, uint32_t id, uint32_t via)
{
    char text[32];
    hf_cluster_set_join (self->cluster, id, via);
    hf_cluster_launch (self->cluster, id);
    snprintf (text, sizeof text, "node %u votes", id);
    field_members (self, list, 0, text, "add", field_named (self, id), NULL);
    hf_cluster_set_apart (self->cluster, id, false);
}

void
field_remove (field_t *self, const char *list, uint32_t id)
{
    char text[16];
    snprintf (text, sizeof text, "%u", id);
    field_members (self, list, 0, "is no member", "remove", text, NULL);
    field_gone (self, id);
}

void
field_gone (field_t *self, uint32_t id)
{
    int code = -1;
    hf_cluster_set_apart (self->cluster, id, true);
    HF_WAIT ((code = hf_cluster_take_end (self->cluster, id)) >= 0, FIELD_LIMIT_MS);
    assert_int_equal (code, 0);
    assert_true (hf_cluster_log_has (self->cluster, id, "was removed from the cluster"));
}

bool
field_votes (field_t *self, const char *list, uint32_t id)
{
    const char *argv[] = {HF_TEST_TOOL, "members", "--endpoints", list, NULL};
    char place[96];
    if (hf_process_run (argv, COMMAND_MS, self->output, sizeof self->output) != 0)
        return false;
    snprintf (place, sizeof place, " %u  %s ", id, hf_cluster_place (self->cluster, id));
    const char *row = strstr (self->output, place);
    if (!row)
        return false;
    row += strlen (place);
    row += strspn (row, " ");
    return strncmp (row, "votes\n", 6) == 0;
}

uint32_t
field_kill_leader (field_t *self)
{
    uint32_t leader = hf_cluster_wait_leader (self->cluster, FIELD_LIMIT_MS);
    assert_int_not_equal (leader, 0);
    hf_cluster_kill (self->cluster, leader);
    assert_true (hf_cluster_start (self->cluster, leader));
    return leader;
}
