//  The client processes of torture, and the history that they write.

#include "tests/cluster/torture/crew.h"
#include "base/hf_alloc.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_process.h"
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define S_LINE_MAX   8192
#define S_BUFFER_MAX 65536
#define S_SHARED     2 //  locks that all share, beside the first

typedef struct s_member {
    uint64_t life;
    hf_process_t *process; //  NULL: killed
    char buffer[S_BUFFER_MAX];
    size_t size;
    //  What it has begun: written to the history when a later line ends it, or when it dies.
    char acquire[S_LINE_MAX];
    char other[S_LINE_MAX];
} s_member_t;

struct hf_crew {
    hf_crew_config_t config;
    char path[600];
    FILE *history;
    hf_crew_counts_t counts;
    s_member_t member[HF_CREW_MAX + 1]; //  from 1
};

//  ---- lines ----------------------------------------------------------------------

static uint64_t
s_number (const char *line, const char *key)
{
    const char *at = strstr (line, key);
    return at ? strtoull (at + strlen (key), NULL, 10) : 0;
}

static bool
s_is (const char *line, const char *op)
{
    static const char start[] = "{\"op\":\"";
    size_t size = strlen (op);
    return strncmp (line, start, 7) == 0 && strncmp (line + 7, op, size) == 0 &&
           line[7 + size] == '"';
}

static void
s_flush (hf_crew_t *self, char slot[S_LINE_MAX])
{
    if (slot[0])
        fprintf (self->history, "%s\n", slot);
    slot[0] = 0;
}

static void
s_count (hf_crew_t *self, const char *line)
{
    bool good = strstr (line, "\"status\":\"OK\"") != NULL;
    self->counts.operations++;
    self->counts.grants += good && s_is (line, "acquire");
    self->counts.sections += good && s_is (line, "release");
}

/*  An acquire comes as often as there is news of it; of the rest, first without an end, then with
 *  it. */
static void
s_take (hf_crew_t *self, s_member_t *member, const char *line)
{
    static const char start[] = "\"start\":";
    if (s_is (line, "lost") || s_is (line, "ended")) {
        self->counts.lost += s_is (line, "lost");
        fprintf (self->history, "%s\n", line);
        return;
    }
    bool acquire = s_is (line, "acquire");
    bool over = strstr (line, "\"end\":") != NULL;
    char *slot = acquire ? member->acquire : member->other;
    bool same = slot[0] && s_number (slot, start) == s_number (line, start);
    if (!same)
        s_flush (self, slot);
    if (over && (!acquire || !strstr (slot, "\"end\":") || !same))
        s_count (self, line);
    strcpy (slot, line);
    if (over && !acquire)
        s_flush (self, slot);
}

/*  True while there may be more. */
static bool
s_read (hf_crew_t *self, s_member_t *member)
{
    ssize_t got = read (hf_process_out (member->process), member->buffer + member->size,
                        sizeof member->buffer - member->size);
    if (got <= 0)
        return false;
    member->size += (size_t)got;
    char *line = member->buffer, *end = line + member->size;
    for (char *stop; (stop = memchr (line, '\n', (size_t)(end - line))); line = stop + 1) {
        *stop = 0;
        assert (stop - line < S_LINE_MAX);
        s_take (self, member, line);
    }
    member->size = (size_t)(end - line);
    assert (member->size < sizeof member->buffer);
    memmove (member->buffer, line, member->size);
    return true;
}

/*  It has ended: what it began stays undecided. */
static void
s_bury (hf_crew_t *self, s_member_t *member)
{
    while (s_read (self, member)) {
    }
    member->size = 0;
    s_flush (self, member->acquire);
    s_flush (self, member->other);
    hf_process_destroy (&member->process);
}

//  ---- processes ------------------------------------------------------------------

static s_member_t *
s_member (hf_crew_t *self, unsigned i)
{
    assert (i >= 1 && i <= self->config.clients);
    return &self->member[i];
}

void
hf_crew_start (hf_crew_t *self, unsigned i)
{
    s_member_t *member = s_member (self, i);
    assert (!member->process);
    char own[128], log[700];
    snprintf (own, sizeof own, "%u %" PRIu64 " %" PRIu64 " %u %d %d", i, member->life,
              self->config.seed + i + (member->life << 20), S_SHARED, self->config.gated,
              self->config.follows);
    snprintf (log, sizeof log, "%s/client-%u.log", self->config.folder, i);
    hf_place_t place = hf_links_place (self->config.links, i);
    const char *argv[] = {self->config.program, own, place.list, NULL};
    hf_process_config_t config = {
        .argv = argv, .log_path = log, .pipes = true, .network = place.network};
    member->process = hf_process_new (&config);
    member->life++;
}

hf_crew_t *
hf_crew_new (const hf_crew_config_t *config)
{
    assert (config->clients >= 1 && config->clients <= HF_CREW_MAX);
    hf_crew_t *self = hf_alloc (sizeof *self);
    self->config = *config;
    snprintf (self->path, sizeof self->path, "%s/history.jsonl", config->folder);
    self->history = fopen (self->path, "we");
    assert (self->history);
    for (unsigned i = 1; i <= config->clients; i++)
        hf_crew_start (self, i);
    return self;
}

void
hf_crew_destroy (hf_crew_t **self_p)
{
    hf_crew_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    for (unsigned i = 1; i <= self->config.clients; i++)
        hf_process_destroy (&self->member[i].process);
    fclose (self->history);
    free (self);
}

static bool
s_listen (hf_crew_t *self, uint32_t wait_ms)
{
    struct pollfd wait[HF_CREW_MAX];
    s_member_t *member_of[HF_CREW_MAX];
    nfds_t count = 0;
    for (unsigned i = 1; i <= self->config.clients; i++) {
        s_member_t *member = &self->member[i];
        if (!member->process)
            continue;
        member_of[count] = member;
        wait[count++] = (struct pollfd){.fd = hf_process_out (member->process), .events = POLLIN};
    }
    if (poll (wait, count, (int)wait_ms) <= 0)
        return false;
    for (nfds_t i = 0; i < count; i++) {
        if (wait[i].revents)
            s_read (self, member_of[i]);
    }
    return true;
}

bool
hf_crew_listen (hf_crew_t *self, uint32_t wait_ms)
{
    uint64_t end_ms = hf_wait_now_ms () + wait_ms;
    uint64_t now_ms;
    while ((now_ms = hf_wait_now_ms ()) < end_ms)
        s_listen (self, (uint32_t)(end_ms - now_ms));
    bool well = true;
    for (unsigned i = 1; i <= self->config.clients; i++) {
        hf_process_t *process = self->member[i].process;
        if (process && !hf_process_running (process)) {
            fprintf (stderr, "torture: client %u ended by itself with code %d\n", i,
                     hf_process_wait (process, 0));
            s_bury (self, &self->member[i]);
            well = false;
        }
    }
    return well;
}

void
hf_crew_step (hf_crew_t *self, unsigned i)
{
    s_member_t *member = s_member (self, i);
    if (member->process) {
        ssize_t ignored = write (hf_process_in (member->process), "s", 1);
        (void)ignored;
    }
}

void
hf_crew_kill (hf_crew_t *self, unsigned i)
{
    s_member_t *member = s_member (self, i);
    assert (member->process);
    hf_process_kill (member->process);
    s_bury (self, member);
}

void
hf_crew_freeze (hf_crew_t *self, unsigned i, bool frozen)
{
    (frozen ? hf_process_stop : hf_process_go_on) (s_member (self, i)->process);
}

//  ---- the end --------------------------------------------------------------------

bool
hf_crew_finish (hf_crew_t *self, uint32_t limit_ms)
{
    uint64_t end_ms = hf_wait_now_ms () + limit_ms;
    bool well = true;
    unsigned left = self->config.clients;
    for (unsigned i = 1; i <= self->config.clients; i++)
        hf_process_close_in (self->member[i].process);
    while (left > 0 && hf_wait_now_ms () < end_ms) {
        s_listen (self, 20);
        for (unsigned i = 1; i <= self->config.clients; i++) {
            s_member_t *member = &self->member[i];
            if (!member->process || hf_process_running (member->process))
                continue;
            int code = hf_process_wait (member->process, 0);
            if (code != 0)
                fprintf (stderr, "violation: client %u ended with code %d%s\n", i, code,
                         code == 3 ? ": its last section failed with all nodes up" : "");
            well = well && code == 0;
            s_bury (self, member);
            left--;
        }
    }
    for (unsigned i = 1; i <= self->config.clients; i++) {
        if (self->member[i].process) {
            fprintf (stderr, "violation: client %u did not end within %u ms\n", i, limit_ms);
            hf_crew_kill (self, i);
        }
    }
    return well && left == 0;
}

hf_crew_counts_t
hf_crew_counts (const hf_crew_t *self)
{
    return self->counts;
}

const char *
hf_crew_history (hf_crew_t *self)
{
    fflush (self->history);
    return self->path;
}
