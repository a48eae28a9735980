//  Clients and sessions that many threads open.

#include "bench/opening.h"
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define S_LIMIT_MS  30000 //  for one
#define S_THREADS   64
#define S_TELL_FROM 1000 //  so many are worth a line

typedef struct s_run {
    const hf_opening_t *opening;
    hf_session_options_t life;
    atomic_uint client;  //  the next: made, and given its first session
    atomic_uint session; //  then the next of the other sessions, in the order of clients
    atomic_uint done;
    atomic_uint status; //  of the first that failed
} s_run_t;

static uint32_t
s_sessions (const hf_opening_t *self)
{
    return self->clients_count * self->each;
}

/*  Session I, of a client that is there. */
static void
s_open (s_run_t *self, uint32_t i)
{
    const hf_opening_t *opening = self->opening;
    hf_client_t *client = opening->clients[i / opening->each];
    hf_status_t status = HF_LIMIT; //  there is no client, which was reported
    unsigned none = HF_OK;
    if (client)
        status = hf_session_open (client, &self->life, S_LIMIT_MS, &opening->sessions[i]);
    if (status != HF_OK)
        atomic_compare_exchange_strong (&self->status, &none, (unsigned)status);
    else
        atomic_fetch_add (&self->done, 1);
}

static void *
s_opener (void *arg)
{
    s_run_t *self = arg;
    const hf_opening_t *opening = self->opening;
    while (atomic_load (&self->status) == HF_OK) {
        uint32_t i = atomic_fetch_add (&self->client, 1);
        if (i >= opening->clients_count)
            break;
        if (!opening->clients[i])
            opening->clients[i] = hf_bench_client (opening->options->endpoints, opening->shared);
        s_open (self, i * opening->each);
    }
    return NULL;
}

static void *
s_filler (void *arg)
{
    s_run_t *self = arg;
    uint32_t each = self->opening->each, count = s_sessions (self->opening), i;
    while (atomic_load (&self->status) == HF_OK &&
           (i = atomic_fetch_add (&self->session, 1)) < count)
        if (i % each != 0)
            s_open (self, i);
    return NULL;
}

static bool
s_await (s_run_t *self, uint32_t count)
{
    while (atomic_load (&self->done) < count && atomic_load (&self->status) == HF_OK)
        if (!hf_bench_wait (self->opening->cluster, 5))
            return false;
    return atomic_load (&self->status) == HF_OK;
}

/*  With as many threads as there is work for, until COUNT sessions are open in all. */
static bool
s_together (s_run_t *self, void *(*fn) (void *), uint32_t count)
{
    pthread_t thread[S_THREADS];
    uint32_t threads = 0, more = count - atomic_load (&self->done);
    while (threads < S_THREADS && threads < more &&
           pthread_create (&thread[threads], NULL, fn, self) == 0)
        threads++;
    unsigned none = HF_OK;
    if (threads == 0 && more > 0)
        atomic_store (&self->status, HF_LIMIT);
    bool whole = s_await (self, count);
    if (!whole) //  so that they end
        atomic_compare_exchange_strong (&self->status, &none, HF_CLOSED);
    for (uint32_t i = 0; i < threads; i++)
        pthread_join (thread[i], NULL);
    return whole;
}

bool
hf_opening_run (const hf_opening_t *opening)
{
    assert (opening->each > 0);
    uint32_t count = s_sessions (opening);
    s_run_t self = {.opening = opening, .life = HF_SESSION_OPTIONS_INIT};
    self.life.ttl_ms = opening->options->ttl_ms;
    self.life.fn = opening->fn;
    self.life.arg = opening->arg;
    bool whole =
        s_together (&self, s_opener, opening->clients_count) && s_together (&self, s_filler, count);
    hf_status_t status = (hf_status_t)atomic_load (&self.status);
    if (!whole && status != HF_CLOSED)
        hf_bench_say ("%u of %u sessions are open: %s", atomic_load (&self.done), count,
                      hf_status_text (status));
    else if (whole && count >= S_TELL_FROM)
        fprintf (stderr, "%u sessions are open\n", count);
    return whole;
}
