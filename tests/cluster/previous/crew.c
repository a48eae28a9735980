//  Clients under whose hands the nodes change.

#include "tests/cluster/previous/crew.h"
#include "base/hf_alloc.h"
#include "bench/histogram.h"
#include "client/holdfast.h"
#include "tests/cluster/check/hf_history.h"
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
#define PHASE_MORE 3  //  lines of each, in every phase
#define STAMP_SIZE 17 //  microseconds since 1970, and the end of the line
#define PATH_SIZE  600

/*  What a hand waited from line to line in a phase. */
typedef struct figures {
    uint64_t lines, p50_us, p99_us, longest_us;
} figures_t;

typedef struct hand {
    const char *name, *file;
    const char *endpoints;
    const atomic_bool *stop;
    pthread_t thread;
    atomic_uint_fast64_t count;
    pthread_mutex_t mutex;
    hf_histogram_t *waits; //  from line to line since the last phase, in microseconds
    uint64_t last_us;      //  the last line was acknowledged
    figures_t base;        //  of the phase that others are compared to
    const char *failed;    //  the call
    hf_status_t status;
    hf_process_t *process; //  NULL: a thread
    char done[PATH_SIZE];  //  a stamp for each line that the tool has appended
    char log[PATH_SIZE];
} hand_t;

enum { ALICE, BOB, OLD, NEW, HANDS };

struct crew {
    hand_t hand[HANDS];
    atomic_bool stop;
    char load[PATH_SIZE]; //  exists for as long as the tools are to go on
};

/*  One more line is acknowledged, as of NOW_US. */
static void
s_note (hand_t *self, uint64_t now_us)
{
    pthread_mutex_lock (&self->mutex);
    if (self->count > 0)
        hf_histogram_add (self->waits, now_us > self->last_us ? now_us - self->last_us : 0);
    self->last_us = now_us;
    self->count++;
    pthread_mutex_unlock (&self->mutex);
}

/*  What was noted since the last call. */
static figures_t
s_figures (hand_t *self)
{
    hf_histogram_t *waits = hf_histogram_new ();
    pthread_mutex_lock (&self->mutex);
    hf_histogram_t *seen = self->waits;
    self->waits = waits;
    pthread_mutex_unlock (&self->mutex);
    figures_t figures = {.lines = hf_histogram_count (seen),
                         .p50_us = hf_histogram_quantile (seen, 0.5),
                         .p99_us = hf_histogram_quantile (seen, 0.99),
                         .longest_us = hf_histogram_quantile (seen, 1)};
    hf_histogram_destroy (&seen);
    return figures;
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
    s_note (self, hf_recorder_now_us ());
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

//  ---- the tools -------------------------------------------------------------------

static void
s_touch (const char *path)
{
    FILE *file = fopen (path, "w");
    if (file)
        fclose (file);
}

static void
s_start_tool (crew_t *self, hand_t *hand, const char *tool, const char *folder)
{
    snprintf (hand->done, sizeof hand->done, "%s/%s.done", folder, hand->name);
    snprintf (hand->log, sizeof hand->log, "%s/%s.log", folder, hand->name);
    s_touch (hand->done);
    const char *argv[] = {"/bin/sh",
                          "-c",
                          "i=0; while [ -e \"$1\" ]; do i=$((i+1)); "
                          "\"$3\" append --alone --endpoints \"$4\" \"$5\" \"$6 $i;\" || exit; "
                          "date +%s%6N >> \"$2\"; done",
                          "sh",
                          self->load,
                          hand->done,
                          tool,
                          hand->endpoints,
                          hand->file,
                          hand->name,
                          NULL};
    hf_process_config_t config = {.argv = argv, .log_path = hand->log};
    hand->process = hf_process_new (&config);
}

/*  What the tool has noted since the last look. */
static void
s_look_at_tool (hand_t *hand)
{
    FILE *file = fopen (hand->done, "r");
    unsigned long long now_us;
    if (file && fseek (file, (long)hand->count * STAMP_SIZE, SEEK_SET) == 0) {
        while (fscanf (file, "%16llu\n", &now_us) == 1)
            s_note (hand, now_us);
    }
    if (file)
        fclose (file);
}

//  ---- all of them -----------------------------------------------------------------

crew_t *
crew_new (const char *endpoints, const char *old_tool, const char *new_tool, const char *folder)
{
    static const char *const names[][2] = {
        {"alice", "alice"}, {"bob", "both"}, {"old", "both"}, {"new", "new"}};
    crew_t *self = hf_alloc (sizeof *self);
    for (int i = 0; i < HANDS; i++) {
        hand_t *hand = &self->hand[i];
        hand->name = names[i][0];
        hand->file = names[i][1];
        hand->endpoints = endpoints;
        hand->stop = &self->stop;
        pthread_mutex_init (&hand->mutex, NULL);
        hand->waits = hf_histogram_new ();
    }
    pthread_create (&self->hand[ALICE].thread, NULL, s_work, &self->hand[ALICE]);
    pthread_create (&self->hand[BOB].thread, NULL, s_work, &self->hand[BOB]);
    snprintf (self->load, sizeof self->load, "%s/load", folder);
    s_touch (self->load);
    s_start_tool (self, &self->hand[OLD], old_tool, folder);
    s_start_tool (self, &self->hand[NEW], new_tool, folder);
    return self;
}

static bool
s_has_more (hand_t *hand, uint64_t count)
{
    if (hand->process)
        s_look_at_tool (hand);
    return hand->count >= count || hand->failed;
}

/*  A value in milliseconds, and how many times that of BASE it is, if there is one. */
static void
s_print (const char *what, uint64_t us, uint64_t base_us)
{
    printf (", %s %.1f ms", what, (double)us / 1e3);
    if (base_us > 0)
        printf (" (x %.2f)", (double)us / (double)base_us);
}

static void
s_print_phase (crew_t *self, const char *name, bool is_base)
{
    printf ("from line to line, %s:\n", name);
    for (int i = 0; i < HANDS; i++) {
        hand_t *hand = &self->hand[i];
        figures_t is = s_figures (hand);
        printf ("    %-5s %6llu lines", hand->name, (unsigned long long)is.lines);
        s_print ("p50", is.p50_us, hand->base.p50_us);
        s_print ("p99", is.p99_us, hand->base.p99_us);
        s_print ("longest", is.longest_us, hand->base.longest_us);
        printf ("\n");
        if (is_base)
            hand->base = is;
    }
    fflush (stdout);
}

static bool
s_end_phase (crew_t *self, const char *name, bool is_base)
{
    bool going = true;
    for (int i = 0; i < HANDS; i++) {
        hand_t *hand = &self->hand[i];
        s_has_more (hand, 0); //  what it has now
        uint64_t more = hand->count + PHASE_MORE;
        bool met = HF_WAIT (s_has_more (hand, more), STUCK_MS);
        if (!met || hand->failed) {
            fprintf (stderr, "crew: %s: %s %s\n", name, hand->name,
                     met ? "has failed" : "gets nothing done");
            going = false;
        }
    }
    s_print_phase (self, name, is_base);
    return going;
}

bool
crew_phase (crew_t *self, const char *name)
{
    return s_end_phase (self, name, false);
}

bool
crew_base (crew_t *self, const char *name)
{
    return s_end_phase (self, name, true);
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

/*  The exit code of a tool that has failed, and what it said. */
static void
s_tell_tool (const hand_t *hand, int code)
{
    char text[2000] = "";
    FILE *file = fopen (hand->log, "r");
    size_t size = file ? fread (text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose (file);
    fprintf (stderr, "crew: %s, line %llu: exit code %d: %.*s\n", hand->name,
             (unsigned long long)hand->count + 1, code, (int)size, text);
}

bool
crew_stop (crew_t *self)
{
    bool passed = true;
    s_join (self);
    for (int i = 0; i < HANDS; i++) {
        hand_t *hand = &self->hand[i];
        int code = hand->process ? hf_process_wait (hand->process, STUCK_MS) : 0;
        if (hand->process)
            s_look_at_tool (hand);
        if (code != 0)
            s_tell_tool (hand, code);
        if (hand->failed)
            fprintf (stderr, "crew: %s, line %llu: %s: %s\n", hand->name,
                     (unsigned long long)hand->count + 1, hand->failed,
                     hf_status_name (hand->status));
        passed = passed && code == 0 && !hand->failed && hand->count > 0;
    }
    return passed;
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
    hf_process_destroy (&self->hand[OLD].process);
    hf_process_destroy (&self->hand[NEW].process);
    for (int i = 0; i < HANDS; i++) {
        hf_histogram_destroy (&self->hand[i].waits);
        pthread_mutex_destroy (&self->hand[i].mutex);
    }
    free (self);
}
