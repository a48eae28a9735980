//  The bell: a watch whose callback wakes who waits. It carries no news, so a gap in the watch
//  rings, too, and that is enough.

#include "client/recipes/hf_recipe.h"
#include <pthread.h>
#include <time.h>

struct hf_bell {
    const char *name, *also;
    uint32_t events;
    hf_watch_t *watch;
    pthread_mutex_t mutex; //  for the rest
    pthread_cond_t cond;
    bool rung;
    hf_status_t ended; //  HF_OK: it has not
};

static bool
s_concerns (const hf_bell_t *self, const hf_watch_event_t *event)
{
    if (event->what == HF_WATCH_GAP || event->what == HF_WATCH_ENDED)
        return true;
    return event->what < 32 && (self->events & 1U << event->what) != 0 &&
           (strcmp (event->name, self->name) == 0 ||
            (self->also && strcmp (event->name, self->also) == 0));
}

//  On the client's thread.
static void
s_watched (void *arg, const hf_watch_event_t *event)
{
    hf_bell_t *self = arg;
    if (!s_concerns (self, event))
        return;
    pthread_mutex_lock (&self->mutex);
    self->rung = true;
    if (event->what == HF_WATCH_ENDED)
        self->ended = event->status;
    pthread_cond_broadcast (&self->cond);
    pthread_mutex_unlock (&self->mutex);
}

hf_status_t
hf_bell_open (const hf_bell_config_t *config, uint32_t limit_ms, hf_bell_t **bell_p)
{
    if (hf_client_fd (config->client) >= 0)
        return HF_INVALID;
    hf_bell_t *self = hf_alloc (sizeof *self);
    self->name = config->name;
    self->also = config->also;
    self->events = config->events;
    pthread_condattr_t attr;
    pthread_condattr_init (&attr);
    pthread_condattr_setclock (&attr, CLOCK_MONOTONIC);
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->cond, &attr);
    pthread_condattr_destroy (&attr);
    hf_watch_options_t options = HF_WATCH_OPTIONS_INIT;
    options.what = config->what;
    options.prefix = config->name;
    options.fn = s_watched;
    options.arg = self;
    hf_status_t status = hf_watch_open (config->client, &options, limit_ms, &self->watch, NULL);
    if (status == HF_OK)
        *bell_p = self;
    else
        hf_bell_close (&self);
    return status;
}

void
hf_bell_close (hf_bell_t **self_p)
{
    hf_bell_t *self = *self_p;
    if (!self)
        return;
    hf_watch_close (&self->watch);
    pthread_cond_destroy (&self->cond);
    pthread_mutex_destroy (&self->mutex);
    free (self);
    *self_p = NULL;
}

/*  With the mutex held: wait for a signal; false when UNTIL_MS has passed. */
static bool
s_wait (hf_bell_t *self, uint64_t until_ms)
{
    if (until_ms == UINT64_MAX)
        return pthread_cond_wait (&self->cond, &self->mutex) == 0;
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000 * 1000000)};
    return pthread_cond_timedwait (&self->cond, &self->mutex, &until) == 0;
}

hf_status_t
hf_bell_wait (hf_bell_t *self, uint64_t until_ms)
{
    pthread_mutex_lock (&self->mutex);
    while (!self->rung && s_wait (self, until_ms))
        continue;
    hf_status_t status = self->rung ? self->ended : HF_TIMEOUT;
    self->rung = self->ended != HF_OK;
    pthread_mutex_unlock (&self->mutex);
    return status;
}
