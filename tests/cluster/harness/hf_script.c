//  A client in a process of its own, driven line by line.

#include "tests/cluster/harness/hf_script.h"
#include "base/hf_alloc.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE   64
#define BUFFER_SIZE 65536

struct hf_script {
    char name[NAME_SIZE];
    hf_process_t *process;
    char buffer[BUFFER_SIZE]; //  received, and no whole line yet
    size_t size;
    bool waiting; //  a command is out
    bool heard;   //  its result came and was not taken
    hf_script_result_t result;
    unsigned losses, ends; //  reported so far
};

hf_script_t *
hf_script_new (const char *name, const char *endpoints, const char *dir)
{
    hf_script_t *self = hf_alloc (sizeof *self);
    assert (strlen (name) < NAME_SIZE);
    strcpy (self->name, name);
    char log[1024];
    snprintf (log, sizeof log, "%s/%s.log", dir, name);
    const char *argv[] = {HF_TEST_SCRIPT_CLIENT, endpoints, NULL};
    hf_process_config_t config = {.argv = argv, .log_path = log, .pipes = true};
    self->process = hf_process_new (&config);
    return self;
}

void
hf_script_destroy (hf_script_t **self_p)
{
    hf_script_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    hf_process_destroy (&self->process);
    free (self);
}

bool
hf_script_finish (hf_script_t *self)
{
    if (hf_process_stopped (self->process))
        hf_process_go_on (self->process);
    hf_process_close_in (self->process);
    int code = hf_process_wait (self->process, HF_CLUSTER_LIMIT_MS);
    if (code != 0)
        fprintf (stderr, "harness: client %s ended with code %d\n", self->name, code);
    return code == 0;
}

hf_process_t *
hf_script_process (const hf_script_t *self)
{
    return self->process;
}

//  ---- what it says -------------------------------------------------------------------

/*  "= STATUS TOKEN VALUE", "! LOST" or "! ENDED". */
static void
s_take_line (hf_script_t *self, const char *line)
{
    int status = 0;
    hf_script_result_t result = {0};
    if (sscanf (line, "= %d %" SCNu64 " %" SCNu64, &status, &result.token, &result.value) == 3) {
        assert (self->waiting && !self->heard);
        result.status = (hf_status_t)status;
        self->result = result;
        self->heard = true;
    } else if (strcmp (line, "! LOST") == 0)
        self->losses++;
    else if (strcmp (line, "! ENDED") == 0)
        self->ends++;
}

/*  Take in what has come, without waiting. */
static void
s_listen (hf_script_t *self)
{
    for (;;) {
        ssize_t got = read (hf_process_out (self->process), self->buffer + self->size,
                            BUFFER_SIZE - self->size - 1);
        if (got <= 0)
            return;
        self->size += (size_t)got;
        self->buffer[self->size] = 0;
        char *line = self->buffer;
        for (char *end = strchr (line, '\n'); end; end = strchr (line, '\n')) {
            *end = 0;
            s_take_line (self, line);
            line = end + 1;
        }
        self->size -= (size_t)(line - self->buffer);
        memmove (self->buffer, line, self->size);
        assert (self->size + 1 < BUFFER_SIZE);
    }
}

//  ---- commands and results ---------------------------------------------------------------

static void
s_say (hf_script_t *self, const char *format, va_list args)
{
    s_listen (self);
    assert (!self->waiting);
    char line[4096];
    int size = vsnprintf (line, sizeof line - 1, format, args);
    assert (size > 0 && (size_t)size < sizeof line - 1);
    line[size] = '\n';
    self->waiting = true;
    ssize_t put = write (hf_process_in (self->process), line, (size_t)size + 1);
    if (put != size + 1)
        fprintf (stderr, "harness: %s does not listen: %s\n", self->name, strerror (errno));
}

void
hf_script_say (hf_script_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_say (self, format, args);
    va_end (args);
}

static bool
s_has_heard_or_ended (hf_script_t *self)
{
    bool running = hf_process_running (self->process);
    s_listen (self);
    return self->heard || !running;
}

hf_script_result_t
hf_script_hear (hf_script_t *self)
{
    assert (self->waiting);
    HF_WAIT (s_has_heard_or_ended (self), HF_CLUSTER_LIMIT_MS);
    if (!self->heard) {
        fprintf (stderr, "harness: %s gave no result%s\n", self->name,
                 hf_process_running (self->process) ? "" : ": it has ended");
        return (hf_script_result_t){.status = HF_INVALID};
    }
    self->heard = false;
    self->waiting = false;
    return self->result;
}

bool
hf_script_has_result (hf_script_t *self)
{
    s_listen (self);
    return self->heard;
}

hf_script_result_t
hf_script_do (hf_script_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_say (self, format, args);
    va_end (args);
    return hf_script_hear (self);
}

//  ---- events ------------------------------------------------------------------------------

unsigned
hf_script_losses (hf_script_t *self)
{
    s_listen (self);
    return self->losses;
}

unsigned
hf_script_ends (hf_script_t *self)
{
    s_listen (self);
    return self->ends;
}
