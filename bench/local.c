/*  A cluster on this machine for the time of a run: its folder, its ports, its processes. */

#include "bench/local.h"
#include "base/hf_alloc.h"
#include "bench/bench.h"
#include "msgs/hf_limits.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_process.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_STOP_LIMIT_MS 5000

struct hf_local {
    uint32_t count;
    hf_process_t *node[HF_MEMBERS_MAX + 1]; //  by id; NULL: not running
    hf_port_t ports[2 * HF_MEMBERS_MAX];
    char log_keep[64]; //  empty: the nodes' default
    char program[PATH_MAX];
    char folder[PATH_MAX];
    char endpoints[512];
};

//  ---- finding a place ----------------------------------------------------------

static void
s_choose_ports (hf_local_t *self)
{
    size_t used = 0;
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_port_t *port = &self->ports[2 * (id - 1)];
        port[0] = hf_port_take ();
        port[1] = hf_port_take ();
        int n =
            snprintf (self->endpoints + used, sizeof self->endpoints - used, "%s%u@127.0.0.1:%u:%u",
                      id > 1 ? "," : "", id, port[0].number, port[1].number);
        used += (size_t)n;
        assert (used < sizeof self->endpoints);
    }
}

/*  The node's program: as given, beside this one, or where the build puts it. */
static int
s_find_program (hf_local_t *self, const char *told)
{
    if (told)
        return realpath (told, self->program) && access (self->program, X_OK) == 0 ? 0 : -1;
    static const char *const places[] = {"holdfastd", "../nodes/holdfastd",
                                         "../nodes/actors/holdfastd"};
    char own[PATH_MAX];
    ssize_t n = readlink ("/proc/self/exe", own, sizeof own - 1);
    if (n < 0)
        return -1;
    own[n] = 0;
    char *slash = strrchr (own, '/');
    assert (slash);
    slash[1] = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char path[PATH_MAX + 64];
        snprintf (path, sizeof path, "%s%s", own, places[i]);
        if (realpath (path, self->program) && access (self->program, X_OK) == 0)
            return 0;
    }
    errno = ENOENT;
    return -1;
}

//  ---- processes ----------------------------------------------------------------

static void
s_start (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count && !self->node[id]);
    char number[16], data[PATH_MAX + 32], log[PATH_MAX + 32];
    snprintf (number, sizeof number, "%u", id);
    hf_local_data (self, id, data, sizeof data);
    snprintf (log, sizeof log, "%s/node-%u.log", self->folder, id);
    //  Without a size to keep, the list ends early.
    const char *argv[] = {self->program,   "--id",   number, "--cluster",
                          self->endpoints, "--data", data,   *self->log_keep ? "--log-keep" : NULL,
                          self->log_keep,  NULL};
    //  In a process group of its own: Ctrl-C is for the parent, which ends the nodes in order.
    hf_process_config_t config = {.argv = argv, .log_path = log, .own_group = true};
    self->node[id] = hf_process_new (&config);
}

void
hf_local_kill (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count);
    hf_process_destroy (&self->node[id]);
}

void
hf_local_restart (hf_local_t *self, uint32_t id)
{
    s_start (self, id);
}

int
hf_local_wipe (hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count && !self->node[id]);
    char data[PATH_MAX + 32];
    hf_local_data (self, id, data, sizeof data);
    return hf_folder_remove (data);
}

/*  The last line or two of a node's log. */
static void
s_log_end (const hf_local_t *self, uint32_t id, char *text, size_t size)
{
    char path[PATH_MAX + 32];
    snprintf (path, sizeof path, "%s/node-%u.log", self->folder, id);
    text[0] = 0;
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t end = lseek (fd, 0, SEEK_END);
    off_t from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t n = pread (fd, text, size - 1, from);
    close (fd);
    if (n < 0)
        n = 0;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    text[n] = 0;
}

bool
hf_local_check (hf_local_t *self)
{
    for (uint32_t id = 1; id <= self->count; id++) {
        if (!self->node[id] || hf_process_running (self->node[id]))
            continue;
        int code = hf_process_wait (self->node[id], 0);
        hf_process_destroy (&self->node[id]);
        char tail[300];
        s_log_end (self, id, tail, sizeof tail);
        hf_bench_say ("node %u ended by itself (%s %d); its log ends:\n%s", id,
                      code > 128 ? "signal" : "exit code", code > 128 ? code - 128 : code, tail);
        return false;
    }
    return true;
}

//  ---- the cluster --------------------------------------------------------------

hf_local_t *
hf_local_new (const hf_local_config_t *config)
{
    assert (config->count >= 1 && config->count <= HF_MEMBERS_MAX);
    hf_local_t *self = hf_alloc (sizeof *self);
    self->count = config->count;
    snprintf (self->log_keep, sizeof self->log_keep, "%s",
              config->log_keep ? config->log_keep : "");
    const char *what = NULL;
    if (s_find_program (self, config->holdfastd))
        what = config->holdfastd ? config->holdfastd
                                 : "holdfastd is not beside this program; give --holdfastd";
    else if (hf_folder_make (config->data_root, "holdfast-bench", self->folder))
        what = config->data_root ? config->data_root : "the folder for temporary files";
    if (what) {
        hf_bench_say ("%.200s: %s", what, strerror (errno));
        hf_local_destroy (&self);
        return NULL;
    }
    s_choose_ports (self);
    for (uint32_t id = 1; id <= self->count; id++)
        s_start (self, id);
    return self;
}

void
hf_local_destroy (hf_local_t **self_p)
{
    assert (self_p);
    hf_local_t *self = *self_p;
    if (!self)
        return;
    for (uint32_t id = 1; id <= self->count; id++)
        if (self->node[id])
            hf_process_signal (self->node[id], SIGTERM);
    for (uint32_t id = 1; id <= self->count; id++) {
        if (self->node[id])
            hf_process_wait (self->node[id], S_STOP_LIMIT_MS);
        hf_process_destroy (&self->node[id]);
    }
    for (uint32_t i = 0; i < 2 * self->count; i++)
        hf_port_give_back (&self->ports[i]);
    if (self->folder[0])
        hf_folder_remove (self->folder);
    free (self);
    *self_p = NULL;
}

const char *
hf_local_endpoints (const hf_local_t *self)
{
    return self->endpoints;
}

pid_t
hf_local_pid (const hf_local_t *self, uint32_t id)
{
    assert (id >= 1 && id <= self->count);
    return self->node[id] ? hf_process_pid (self->node[id]) : 0;
}

void
hf_local_data (const hf_local_t *self, uint32_t id, char *path, size_t size)
{
    assert (id >= 1 && id <= self->count);
    int n = snprintf (path, size, "%s/node-%u", self->folder, id);
    assert (n > 0 && (size_t)n < size);
}
