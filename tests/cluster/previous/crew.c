//  Clients under whose hands the nodes change.

#include "tests/cluster/previous/crew.h"
#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/kit/hf_process.h"
#include "tests/kit/hf_wait.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL_MS    10000 //  a hand-over takes a second at most
#define STUCK_MS   20000
#define PHASE_MORE 3 //  lines of each, in every phase
#define PATH_SIZE  600

typedef struct hand {
    const char *name, *file;
    const char *endpoints;
    const atomic_bool *stop;
    pthread_t thread;
    atomic_uint_fast64_t count;
    atomic_uint_fast64_t gap_ms;  //  the longest since the last phase
    atomic_uint_fast64_t last_ms; //  of the last acknowledgement
    const char *failed;           //  the call
    hf_status_t status;
} hand_t;

enum { ALICE, BOB, TOOL, HANDS };

struct crew {
    hand_t hand[HANDS];
    atomic_bool stop;
    hf_process_t *process;
    char load[PATH_SIZE]; //  exists for as long as the tool is to go on
    char done[PATH_SIZE]; //  a byte for each line that it has appended
    char log[PATH_SIZE];
};

/*  COUNT lines of SELF are acknowledged. */
static void
s_note (hand_t *self, uint64_t count)
{
    uint64_t now_ms = hf_wait_now_ms ();
    if (now_ms - self->last_ms > self->gap_ms)
        self->gap_ms = now_ms - self->last_ms;
    if (count > self->count)
        self->last_ms = now_ms;
    self->count = count;
}

//  ---- the library -----------------------------------------------------------------

static bool
s_called (hand_t *self, const char *call, hf_status_t status)
{
    if (status == HF_OK)
        return true;
    self->failed = call;
    self->status = status;
    return false;
}

static bool
s_line (hand_t *self, hf_session_t *session)
{
    hf_grant_t grant;
    char line[64];
    size_t size = (size_t)snprintf (line, sizeof line, "%s %llu;", self->name,
                                    (unsigned long long)self->count + 1);
    if (!s_called (self, "acquire", hf_acquire (session, self->file, CALL_MS, &grant)) ||
        !s_called (self, "append",
                   hf_append (session, self->file, grant.token, self->file, line, size, CALL_MS)) ||
        !s_called (self, "release", hf_release (session, self->file, grant.token, CALL_MS)))
        return false;
    s_note (self, self->count + 1);
    return true;
}

static void *
s_work (void *arg)
{
    hand_t *self = arg;
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = self->endpoints;
    hf_session_t *session = NULL;
    hf_client_t *client = hf_client_new (&options, NULL);
    bool open = client && s_called (self, "open a session",
                                    hf_session_open (client, NULL, CALL_MS, &session));
    while (open && !*self->stop && s_line (self, session))
        ;
    if (session)
        hf_session_close (&session, CALL_MS);
    hf_client_destroy (&client);
    return NULL;
}

//  ---- the tool --------------------------------------------------------------------

static void
s_touch (const char *path)
{
    FILE *file = fopen (path, "w");
    if (file)
        fclose (file);
}

static void
s_start_tool (crew_t *self, const char *tool, const char *folder)
{
    const hand_t *hand = &self->hand[TOOL];
    snprintf (self->load, sizeof self->load, "%s/load", folder);
    snprintf (self->done, sizeof self->done, "%s/done", folder);
    snprintf (self->log, sizeof self->log, "%s/tool.log", folder);
    s_touch (self->load);
    s_touch (self->done);
    const char *argv[] = {"/bin/sh",
                          "-c",
                          "i=0; while [ -e \"$1\" ]; do i=$((i+1)); "
                          "\"$3\" append --alone --endpoints \"$4\" \"$5\" \"tool $i;\" || exit; "
                          "printf . >> \"$2\"; done",
                          "sh",
                          self->load,
                          self->done,
                          tool,
                          hand->endpoints,
                          hand->file,
                          NULL};
    hf_process_config_t config = {.argv = argv, .log_path = self->log};
    self->process = hf_process_new (&config);
}

static void
s_look_at_tool (crew_t *self)
{
    FILE *file = fopen (self->done, "r");
    if (file && fseek (file, 0, SEEK_END) == 0)
        s_note (&self->hand[TOOL], (uint64_t)ftell (file));
    if (file)
        fclose (file);
}

//  ---- all of them -----------------------------------------------------------------

crew_t *
crew_new (const char *endpoints, const char *tool, const char *folder)
{
    static const char *const names[][2] = {{"alice", "alice"}, {"bob", "both"}, {"tool", "both"}};
    crew_t *self = hf_alloc (sizeof *self);
    for (int i = 0; i < HANDS; i++) {
        hand_t *hand = &self->hand[i];
        hand->name = names[i][0];
        hand->file = names[i][1];
        hand->endpoints = endpoints;
        hand->stop = &self->stop;
        hand->last_ms = hf_wait_now_ms ();
    }
    pthread_create (&self->hand[ALICE].thread, NULL, s_work, &self->hand[ALICE]);
    pthread_create (&self->hand[BOB].thread, NULL, s_work, &self->hand[BOB]);
    s_start_tool (self, tool, folder);
    return self;
}

static bool
s_has_more (crew_t *self, int i, uint64_t count)
{
    if (i == TOOL)
        s_look_at_tool (self);
    return self->hand[i].count >= count || self->hand[i].failed;
}

bool
crew_phase (crew_t *self, const char *name)
{
    bool going = true;
    for (int i = 0; i < HANDS; i++) {
        uint64_t more = self->hand[i].count + PHASE_MORE;
        bool met = HF_WAIT (s_has_more (self, i, more), STUCK_MS);
        if (!met || self->hand[i].failed) {
            fprintf (stderr, "crew: %s: %s %s\n", name, self->hand[i].name,
                     met ? "has failed" : "gets nothing done");
            going = false;
        }
    }
    printf ("longest wait for an acknowledgement, %s: alice %u ms, bob %u ms, tool %u ms\n", name,
            (unsigned)self->hand[ALICE].gap_ms, (unsigned)self->hand[BOB].gap_ms,
            (unsigned)self->hand[TOOL].gap_ms);
    fflush (stdout);
    for (int i = 0; i < HANDS; i++)
        self->hand[i].gap_ms = 0;
    return going;
}

static void
s_join (crew_t *self)
{
    if (self->stop)
        return;
    self->stop = true;
    unlink (self->load);
    pthread_join (self->hand[ALICE].thread, NULL);
    pthread_join (self->hand[BOB].thread, NULL);
}

bool
crew_stop (crew_t *self)
{
    bool passed = true;
    s_join (self);
    int code = hf_process_wait (self->process, STUCK_MS);
    s_look_at_tool (self);
    for (int i = 0; i < HANDS; i++) {
        const hand_t *hand = &self->hand[i];
        if (hand->failed)
            fprintf (stderr, "crew: %s: %s, line %llu: %s\n", hand->name, hand->failed,
                     (unsigned long long)hand->count + 1, hf_status_name (hand->status));
        passed = passed && !hand->failed && hand->count > 0;
    }
    if (code != 0) {
        char text[2000] = "";
        FILE *file = fopen (self->log, "r");
        size_t size = file ? fread (text, 1, sizeof text - 1, file) : 0;
        if (file)
            fclose (file);
        fprintf (stderr, "crew: tool: exit code %d: %.*s\n", code, (int)size, text);
    }
    return passed && code == 0;
}

bool
crew_wrote (const crew_t *self, const char *file, const char *content)
{
    uint64_t found[HANDS] = {0};
    const char *at = content;
    while (*at) {
        char name[16];
        unsigned long long number;
        int size = 0, who = 0;
        if (sscanf (at, "%15[a-z] %llu;%n", name, &number, &size) != 2 || size == 0)
            break;
        while (who < HANDS && strcmp (self->hand[who].name, name) != 0)
            who++;
        if (who == HANDS || strcmp (self->hand[who].file, file) != 0 || number != found[who] + 1)
            break;
        found[who] = number;
        at += size;
    }
    if (*at) {
        fprintf (stderr, "crew: %s: byte %zu is not what comes next: %.40s\n", file,
                 (size_t)(at - content), at);
        return false;
    }
    bool all = true;
    for (int i = 0; i < HANDS; i++) {
        const hand_t *hand = &self->hand[i];
        if (strcmp (hand->file, file) != 0 || found[i] == hand->count)
            continue;
        fprintf (stderr, "crew: %s has %llu lines of %s, who was told of %llu\n", file,
                 (unsigned long long)found[i], hand->name, (unsigned long long)hand->count);
        all = false;
    }
    return all;
}

void
crew_destroy (crew_t **self_p)
{
    crew_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    s_join (self);
    hf_process_destroy (&self->process);
    free (self);
}
