//  The bell: a watch whose callback wakes who waits. It carries no news, so a gap in the watch
//  rings, too, and that is enough.

#include "base/hf_wait.h"
#include "client/recipes/hf_recipe.h"

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
    hf_wait_init (&self->mutex, &self->cond);
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
    hf_wait_done (&self->mutex, &self->cond);
    free (self);
    *self_p = NULL;
}

hf_status_t
hf_bell_wait (hf_bell_t *self, uint64_t until_ms)
{
    uint32_t limit_ms = hf_recipe_left_ms (until_ms);
    struct timespec until = hf_wait_until (limit_ms);
    pthread_mutex_lock (&self->mutex);
    while (!self->rung && hf_wait (&self->mutex, &self->cond, limit_ms, &until))
        continue;
    hf_status_t status = self->rung ? self->ended : HF_TIMEOUT;
    self->rung = self->ended != HF_OK;
    pthread_mutex_unlock (&self->mutex);
    return status;
}
