//  A cluster of real nodes: start, stop, kill, and check how they ended.

#include "tests/cluster/harness/hf_cluster_internal.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TERMINATE_LIMIT_MS 20000

//  ---- made and ended -----------------------------------------------------------

hf_cluster_t *
hf_cluster_new (unsigned count)
{
    hf_cluster_t *self = hf_cluster_new_on (NULL, NULL, count);
    if (!self) {
        perror ("cluster");
        abort ();
    }
    return self;
}

/*  One more node, on HOST. */
static void
s_add (hf_cluster_t *self, const hf_host_t *host)
{
    assert (self->count < HF_MEMBERS_MAX);
    hf_cluster_node_t *node = &self->node[self->count++];
    assert (strlen (host->address) < sizeof node->address);
    strcpy (node->address, host->address);
    node->network = host->network;
    node->client_port = hf_port_take ();
    node->node_port = hf_port_take ();
    snprintf (node->dir, sizeof node->dir, "%.480s/node-%u", self->dir, self->count);
    snprintf (node->log, sizeof node->log, "%.480s/node-%u.log", self->dir, self->count);
}

hf_cluster_t *
hf_cluster_new_on (const char *root, const hf_host_t *hosts, unsigned count)
{
    assert (count >= 1 && count <= HF_MEMBERS_MAX);
    char dir[PATH_MAX];
    if (hf_folder_make (root, "holdfast-cluster", dir) != 0)
        return NULL;
    hf_cluster_t *self = hf_alloc (sizeof *self);
    if (snprintf (self->dir, sizeof self->dir, "%.511s", dir) > 480) { //  nodes add to it
        hf_folder_remove (dir);
        free (self);
        errno = ENAMETOOLONG;
        return NULL;
    }
    size_t length = 0;
    for (unsigned i = 0; i < count; i++) {
        s_add (self, hosts ? &hosts[i] : &(hf_host_t){.address = "127.0.0.1"});
        length += (size_t)snprintf (self->list + length, sizeof self->list - length, "%s%u@%s",
                                    i > 0 ? "," : "", i + 1, hf_cluster_place (self, i + 1));
    }
    return self;
}

void
hf_cluster_add_spares (hf_cluster_t *self, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        s_add (self, &(hf_host_t){.address = "127.0.0.1"});
        hf_cluster_set_apart (self, self->count, true);
    }
}

void
hf_cluster_keep (hf_cluster_t *self)
{
    self->keep = true;
}

void
hf_cluster_forget (hf_cluster_t *self)
{
    self->passed = true;
    self->keep = false;
}

void
hf_cluster_destroy (hf_cluster_t **self_p)
{
    hf_cluster_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (unsigned i = 0; i < self->count; i++) {
        hf_process_destroy (&self->node[i].process);
        hf_port_give_back (&self->node[i].client_port);
        hf_port_give_back (&self->node[i].node_port);
        if (self->node[i].http_port.number != 0)
            hf_port_give_back (&self->node[i].http_port);
        if (!self->passed)
            hf_cluster_print_tail (self, i + 1);
    }
    for (unsigned i = 0; i < self->left_count; i++)
        hf_port_give_back (&self->left[i]);
    if (self->keys[0])
        hf_cluster_forget_keys ();
    if (self->passed && !self->keep)
        hf_folder_remove (self->dir);
    else
        fprintf (stderr, "cluster: all of it is in %s\n", self->dir);
    free (self);
}

int
hf_cluster_tear_down (void **state)
{
    hf_cluster_destroy ((hf_cluster_t **)state);
    return 0;
}

bool
hf_cluster_passed (hf_cluster_t *self)
{
    bool passed = !self->ended;
    if (self->ended)
        fprintf (stderr, "cluster: a node had ended by itself and was started again\n");
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_process_t *process = hf_cluster_node (self, id)->process;
        if (process && hf_process_stopped (process))
            hf_process_go_on (process);
        if (process && !hf_process_running (process)) {
            fprintf (stderr, "cluster: node %u ended by itself with code %d\n", id,
                     hf_process_wait (process, 0));
            passed = false;
        } else if (process)
            hf_process_signal (process, SIGTERM);
    }
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_process_t *process = hf_cluster_node (self, id)->process;
        int code = process ? hf_process_wait (process, TERMINATE_LIMIT_MS) : 0;
        if (code != 0) {
            fprintf (stderr, "cluster: node %u: exit code %d after SIGTERM\n", id, code);
            passed = false;
        }
        hf_process_destroy (&hf_cluster_node (self, id)->process);
        passed = hf_cluster_log_is_clean (self, id) && passed;
    }
    self->passed = passed;
    return passed;
}

//  ---- names and places --------------------------------------------------------

hf_cluster_node_t *
hf_cluster_node (const hf_cluster_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count);
    return (hf_cluster_node_t *)&self->node[id - 1];
}

unsigned
hf_cluster_count (const hf_cluster_t *self)
{
    return self->count;
}

const char *
hf_cluster_endpoints (const hf_cluster_t *self)
{
    return self->list;
}

const char *
hf_cluster_dir (const hf_cluster_t *self)
{
    return self->dir;
}

const char *
hf_cluster_node_dir (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->dir;
}

const char *
hf_cluster_log_path (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->log;
}

const char *
hf_cluster_address (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->address;
}

uint16_t
hf_cluster_client_port (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->client_port.number;
}

uint16_t
hf_cluster_node_port (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->node_port.number;
}

static const char *s_program = HF_TEST_HOLDFASTD;

const char *
hf_cluster_program (void)
{
    return s_program;
}

void
hf_cluster_set_program (const char *path)
{
    s_program = path;
}

void
hf_cluster_set_list (hf_cluster_t *self, uint32_t id, const char *list)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    assert (strlen (list) < sizeof node->list);
    strcpy (node->list, list);
}

void
hf_cluster_set_join (hf_cluster_t *self, uint32_t id, uint32_t via)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    snprintf (node->join, sizeof node->join, "%s:%u", hf_cluster_address (self, via),
              hf_cluster_client_port (self, via));
}

void
hf_cluster_move (hf_cluster_t *self, uint32_t id)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    assert (self->left_count + 2 <= HF_LEFT_MAX);
    self->left[self->left_count++] = node->client_port;
    self->left[self->left_count++] = node->node_port;
    node->client_port = hf_port_take ();
    node->node_port = hf_port_take ();
}

const char *
hf_cluster_place (const hf_cluster_t *self, uint32_t id)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    snprintf (node->place, sizeof node->place, "%s:%u:%u", node->address,
              (unsigned)node->client_port.number, (unsigned)node->node_port.number);
    return node->place;
}

void
hf_cluster_set_apart (hf_cluster_t *self, uint32_t id, bool apart)
{
    hf_cluster_node (self, id)->apart = apart;
}

bool
hf_cluster_apart (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->apart;
}

void
hf_cluster_set_listen (hf_cluster_t *self, uint32_t id, const char *listen)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    assert (strlen (listen) < sizeof node->listen);
    strcpy (node->listen, listen);
}

void
hf_cluster_add_argument (hf_cluster_t *self, const char *argument)
{
    size_t i = 0;
    while (self->argument[i])
        i++;
    assert (i + 1 < sizeof self->argument / sizeof self->argument[0]);
    self->argument[i] = argument;
}

void
hf_cluster_serve_http (hf_cluster_t *self)
{
    for (unsigned i = 0; i < self->count; i++)
        if (self->node[i].http_port.number == 0)
            self->node[i].http_port = hf_port_take ();
}

uint16_t
hf_cluster_http_port (const hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_node (self, id)->http_port.number;
}

void
hf_cluster_set_environment (hf_cluster_t *self, uint32_t id, const char *const *variables)
{
    hf_cluster_node (self, id)->variables = variables;
}

void
hf_cluster_slow_disk (hf_cluster_t *self, uint32_t id)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    snprintf (node->sync_file, sizeof node->sync_file, "%.480s/sync-ms-%u", self->dir, id);
    snprintf (node->slow_disk, sizeof node->slow_disk, "HF_SLOW_DISK=%s", node->sync_file);
    node->slow_variables[0] = "LD_PRELOAD=" HF_TEST_SLOW_DISK;
    //  The address sanitizer wants to be loaded first; the object does nothing that it would miss.
    node->slow_variables[1] = "ASAN_OPTIONS=verify_asan_link_order=0";
    node->slow_variables[2] = node->slow_disk;
    node->variables = node->slow_variables;
}

void
hf_cluster_set_sync (hf_cluster_t *self, uint32_t id, uint32_t sync_ms)
{
    const char *path = hf_cluster_node (self, id)->sync_file;
    assert (path[0] != 0 && "hf_cluster_slow_disk comes first");
    FILE *file = fopen (path, "w");
    bool written = file && fprintf (file, "%u\n", sync_ms) > 0;
    bool closed = file && fclose (file) == 0;
    assert (written && closed);
}

static void
s_names_path (const hf_cluster_t *self, char path[HF_PATH_SIZE])
{
    snprintf (path, HF_PATH_SIZE, "%.480s/names", self->dir);
}

void
hf_cluster_use_names (hf_cluster_t *self)
{
    char path[HF_PATH_SIZE];
    size_t length = 0;
    memcpy (self->numbers, self->list, sizeof self->numbers);
    for (uint32_t id = 1; id <= self->count; id++) {
        length +=
            (size_t)snprintf (self->list + length, sizeof self->list - length,
                              "%s%u@node-%u.test:%u:%u", id > 1 ? "," : "", id, id,
                              hf_cluster_client_port (self, id), hf_cluster_node_port (self, id));
        hf_cluster_set_name (self, id, "127.0.0.1");
    }
    s_names_path (self, path);
    setenv ("HF_NAMES", path, 1);
    setenv ("LD_PRELOAD", HF_TEST_FAKE_NAMES, 1);
    setenv ("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
}

const char *
hf_cluster_numbers (const hf_cluster_t *self)
{
    return self->numbers;
}

void
hf_cluster_set_name (hf_cluster_t *self, uint32_t id, const char *answer)
{
    char path[HF_PATH_SIZE], fresh[HF_PATH_SIZE + 8];
    s_names_path (self, path);
    snprintf (fresh, sizeof fresh, "%s.new", path);
    strncpy (hf_cluster_node (self, id)->answer, answer, sizeof self->node->answer - 1);
    FILE *file = fopen (fresh, "w");
    for (uint32_t at = 1; file && at <= self->count; at++)
        if (self->node[at - 1].answer[0])
            fprintf (file, "node-%u.test %s\n", at, self->node[at - 1].answer);
    bool closed = file && fclose (file) == 0;
    int rc = rename (fresh, path);
    assert (closed && rc == 0);
}

//  ---- processes ---------------------------------------------------------------

/*  Put a list that ends with NULL behind the SIZE words of ARGV. */
static size_t
s_append_all (const char **argv, size_t size, const char *const *more)
{
    for (; *more; more++)
        argv[size++] = *more;
    argv[size] = NULL;
    return size;
}

static bool
s_is_loopback (const char *address)
{
    return strncmp (address, "127.", 4) == 0 || strncmp (address, "[::1]", 5) == 0;
}

void
hf_cluster_launch (hf_cluster_t *self, uint32_t id)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    assert (!hf_cluster_running (self, id));
    hf_process_destroy (&node->process);
    char id_text[16];
    snprintf (id_text, sizeof id_text, "%u", id);
    const char *list = node->join[0] ? node->join : node->list[0] ? node->list : self->list;
    const char *way = node->join[0] ? "--join" : "--cluster";
    const char *plain[] = {s_program, "--id", id_text, way, list, "--data", node->dir, NULL};
    const char *argv[40] = {"/usr/bin/env"};
    size_t size = 0;
    if (node->variables)
        size = s_append_all (argv, 1, node->variables);
    size = s_append_all (argv, size, plain);
    const char *listen[] = {"--listen", node->listen, NULL};
    if (node->listen[0])
        size = s_append_all (argv, size, listen);
    char key[HF_PATH_SIZE + 32];
    snprintf (key, sizeof key, "%s/node-%u_secret", self->dir, id);
    const char *keys[] = {"--keys", self->keys, "--key", key, NULL};
    const char *insecure[] = {"--insecure", NULL};
    if (self->keys[0])
        size = s_append_all (argv, size, keys);
    else if (self->numbers[0] || !s_is_loopback (node->listen[0] ? node->listen : node->address))
        size = s_append_all (argv, size, insecure);
    char http[64];
    snprintf (http, sizeof http, "--http=%s:%u", node->address, node->http_port.number);
    if (node->http_port.number != 0)
        size = s_append_all (argv, size, (const char *[]){http, NULL});
    size = s_append_all (argv, size, self->argument);
    assert (size < sizeof argv / sizeof argv[0]);
    hf_process_config_t config = {.argv = argv, .log_path = node->log, .network = node->network};
    node->process = hf_process_new (&config);
}

static bool
s_wait_answers (hf_cluster_t *self, uint32_t id)
{
    hf_node_status_t status;
    bool settled = HF_WAIT (!hf_cluster_running (self, id) || hf_cluster_status (self, id, &status),
                            HF_CLUSTER_LIMIT_MS);
    if (!hf_cluster_running (self, id))
        fprintf (stderr, "cluster: node %u ended at its start with code %d\n", id,
                 hf_process_wait (hf_cluster_node (self, id)->process, 0));
    return settled && hf_cluster_running (self, id);
}

bool
hf_cluster_start (hf_cluster_t *self, uint32_t id)
{
    hf_cluster_launch (self, id);
    return s_wait_answers (self, id);
}

bool
hf_cluster_start_all (hf_cluster_t *self)
{
    for (uint32_t id = 1; id <= self->count; id++) {
        if (hf_cluster_running (self, id) || hf_cluster_apart (self, id))
            continue;
        self->ended = self->ended || self->node[id - 1].process;
        hf_cluster_launch (self, id);
    }
    for (uint32_t id = 1; id <= self->count; id++) {
        if (!hf_cluster_apart (self, id) && !s_wait_answers (self, id))
            return false;
    }
    return true;
}

bool
hf_cluster_running (hf_cluster_t *self, uint32_t id)
{
    hf_process_t *process = hf_cluster_node (self, id)->process;
    return process && hf_process_running (process);
}

pid_t
hf_cluster_pid (const hf_cluster_t *self, uint32_t id)
{
    assert (hf_cluster_node (self, id)->process);
    return hf_process_pid (hf_cluster_node (self, id)->process);
}

void
hf_cluster_kill (hf_cluster_t *self, uint32_t id)
{
    //  One that ended by itself stays, so that hf_cluster_passed finds it.
    if (hf_cluster_running (self, id))
        hf_process_destroy (&hf_cluster_node (self, id)->process);
}

void
hf_cluster_stop (hf_cluster_t *self, uint32_t id)
{
    assert (hf_cluster_running (self, id));
    hf_process_stop (hf_cluster_node (self, id)->process);
}

void
hf_cluster_go_on (hf_cluster_t *self, uint32_t id)
{
    hf_process_go_on (hf_cluster_node (self, id)->process);
}

bool
hf_cluster_stopped (const hf_cluster_t *self, uint32_t id)
{
    const hf_cluster_node_t *node = hf_cluster_node (self, id);
    return node->process && hf_process_stopped (node->process);
}

int
hf_cluster_take_end (hf_cluster_t *self, uint32_t id)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    if (!node->process || hf_process_running (node->process))
        return -1;
    int code = hf_process_wait (node->process, 0);
    hf_process_destroy (&node->process);
    return code;
}

int
hf_cluster_terminate (hf_cluster_t *self, uint32_t id, uint32_t limit_ms)
{
    hf_cluster_node_t *node = hf_cluster_node (self, id);
    assert (node->process);
    hf_process_signal (node->process, SIGTERM);
    int code = hf_process_wait (node->process, limit_ms);
    if (code >= 0)
        hf_process_destroy (&node->process);
    return code;
}
