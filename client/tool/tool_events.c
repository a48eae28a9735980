//  Events of a watch, queued for the thread of a command (tool_events.h).

#include "client/tool/tool_events.h"
#include "base/hf_wait.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PACED_MAX 1000
#define PAUSE_MS  200

struct tool_events {
    hf_watch_t *watch;
    const char *exact; //  NULL: any
    bool paced;

    pthread_mutex_t mutex; //  for the rest
    pthread_cond_t cond;   //  something came, or went
    tool_event_t *first, **last;
    size_t count;
    bool closing;
};

//  ---- on the client's thread ---------------------------------------------------------

static char *
s_put (char **at, const char *text)
{
    char *copy = *at;
    *at = stpcpy (copy, text) + 1;
    return copy;
}

static tool_event_t *
s_copy (const hf_watch_event_t *event)
{
    size_t size = strlen (event->name) + strlen (event->label) + strlen (event->note) + 3;
    tool_event_t *copy = tool_alloc (sizeof *copy + size);
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    copy->time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    copy->event = *event;
    char *at = (char *)(copy + 1);
    copy->event.name = s_put (&at, event->name);
    copy->event.label = s_put (&at, event->label);
    copy->event.note = s_put (&at, event->note);
    return copy;
}

static void
s_told (void *arg, const hf_watch_event_t *event)
{
    tool_events_t *self = arg;
    bool ours = event->what >= HF_WATCH_GAP || !self->exact || !strcmp (event->name, self->exact);
    if (!ours)
        return;
    tool_event_t *copy = s_copy (event);
    pthread_mutex_lock (&self->mutex);
    while (self->paced && self->count >= PACED_MAX && !self->closing)
        pthread_cond_wait (&self->cond, &self->mutex);
    *self->last = copy;
    self->last = &copy->next;
    self->count++;
    pthread_cond_broadcast (&self->cond);
    pthread_mutex_unlock (&self->mutex);
}

//  ---- on the command's -----------------------------------------------------------------

tool_events_t *
tool_events_open (hf_client_t *client, const tool_options_t *options,
                  const hf_watch_options_t *watch, bool exact, bool paced, int *code)
{
    tool_events_t *self = tool_alloc (sizeof *self);
    hf_wait_init (&self->mutex, &self->cond);
    self->last = &self->first;
    self->exact = exact ? watch->prefix : NULL;
    self->paced = paced;
    hf_watch_options_t own = *watch;
    own.fn = s_told;
    own.arg = self;
    hf_status_t status = hf_watch_open (client, &own, options->timeout_ms, &self->watch, NULL);
    if (status == HF_OK)
        return self;
    *code = tool_fail (status, NULL, "cannot watch %s", watch->prefix ? watch->prefix : "");
    tool_events_close (&self);
    return NULL;
}

void
tool_events_close (tool_events_t **self_p)
{
    tool_events_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    self->closing = true;
    pthread_cond_broadcast (&self->cond);
    pthread_mutex_unlock (&self->mutex);
    hf_watch_close (&self->watch);
    tool_event_t *event;
    while ((event = tool_events_next (self, 0)))
        free (event);
    hf_wait_done (&self->mutex, &self->cond);
    free (self);
}

tool_event_t *
tool_events_next (tool_events_t *self, uint32_t limit_ms)
{
    struct timespec until = hf_wait_until (limit_ms);
    pthread_mutex_lock (&self->mutex);
    while (!self->first && hf_wait (&self->mutex, &self->cond, limit_ms, &until))
        continue;
    tool_event_t *event = self->first;
    if (event) {
        self->first = event->next;
        self->last = self->first ? self->last : &self->first;
        self->count--;
        pthread_cond_broadcast (&self->cond);
    }
    pthread_mutex_unlock (&self->mutex);
    return event;
}

//  ---- what commands do with them ---------------------------------------------------------

void
tool_time_text (uint64_t time_ms, bool iso, char text[TOOL_TIME_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (iso)
        gmtime_r (&seconds, &parts);
    else
        localtime_r (&seconds, &parts);
    size_t used =
        strftime (text, TOOL_TIME_SIZE, iso ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
    snprintf (text + used, TOOL_TIME_SIZE - used, ".%03u%s", (unsigned)(time_ms % 1000),
              iso ? "Z" : "");
}

int
tool_print_line (json_t *object)
{
    if (!object)
        return tool_error (TOOL_INTERNAL, "out of memory");
    int rc = json_dumpf (object, stdout, JSON_COMPACT);
    json_decref (object);
    if (rc != 0 && !ferror (stdout))
        return tool_error (TOOL_INTERNAL, "out of memory");
    putchar ('\n');
    return tool_flush (TOOL_OK);
}

/*  Take all that is there. Gives the code to end with, or 0. */
static int
s_take_all (tool_events_t *events, tool_event_t *event)
{
    int code = TOOL_OK;
    for (; event; event = tool_events_next (events, 0)) {
        if (event->event.what == HF_WATCH_ENDED)
            code = tool_fail (event->event.status, NULL, "the watch has ended");
        free (event);
    }
    return code;
}

int
tool_repeat (tool_options_t *options, hf_client_t *client, const char *prefix, bool exact,
             int (*list) (tool_options_t *options, hf_client_t *client))
{
    int code = TOOL_OK;
    hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
    watch.prefix = prefix;
    tool_events_t *events = tool_events_open (client, options, &watch, exact, false, &code);
    if (!events)
        return code;
    for (bool first = true; code == TOOL_OK; first = false) {
        if (!options->json && isatty (STDOUT_FILENO))
            fputs ("\033[H\033[2J", stdout); //  the terminal's home, and all behind it gone
        else if (!options->json && !first)
            putchar ('\n');
        code = list (options, client);
        if (code != TOOL_OK && code != TOOL_REFUSED)
            break;
        code = s_take_all (events, tool_events_next (events, HF_FOREVER));
        //  What comes at once is shown at once.
        for (uint64_t end_ms = tool_now_ms () + PAUSE_MS, now_ms;
             code == TOOL_OK && (now_ms = tool_now_ms ()) < end_ms;)
            code = s_take_all (events, tool_events_next (events, (uint32_t)(end_ms - now_ms)));
    }
    tool_events_close (&events);
    return code;
}
