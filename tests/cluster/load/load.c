//  What the load programs share.

#include "tests/cluster/load/load.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENERS   128 //  sessions that are being opened at once
#define OPEN_MS   30000
#define USAGE_END 64

void
load_options (int argc, char **argv, const load_option_t *options)
{
    for (int i = 1; i < argc; i += 2) {
        const load_option_t *option = options;
        while (option->name && (strncmp (argv[i], "--", 2) != 0 || i + 1 == argc ||
                                strcmp (argv[i] + 2, option->name) != 0))
            option++;
        if (option->name) {
            *option->value = (uint32_t)strtoul (argv[i + 1], NULL, 10);
            continue;
        }
        fprintf (stderr, "usage: %s", argv[0]);
        for (option = options; option->name; option++)
            fprintf (stderr, " [--%s %u]", option->name, *option->value);
        fprintf (stderr, "\n");
        exit (USAGE_END);
    }
    setvbuf (stdout, NULL, _IOLBF, 0);
}

hf_cluster_t *
load_begin (void)
{
    hf_cluster_t *cluster = hf_cluster_new (3);
    if (hf_cluster_begin (cluster))
        return cluster;
    hf_cluster_destroy (&cluster);
    exit (1);
}

int
load_end (hf_cluster_t *cluster, bool good)
{
    good = good && hf_cluster_passed (cluster);
    hf_cluster_destroy (&cluster);
    printf ("%s\n", good ? "good" : "FAILED");
    return good ? 0 : 1;
}

hf_client_t *
load_client (hf_cluster_t *cluster)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (cluster);
    hf_client_t *client = hf_client_new (&options, error);
    if (client)
        return client;
    fprintf (stderr, "no client: %s\n", error);
    exit (1);
}

//  ---- sessions -------------------------------------------------------------------

static void
s_event (void *arg, const hf_session_event_t *event)
{
    load_sessions_t *self = arg;
    if (event->type == HF_SESSION_ENDED)
        atomic_fetch_add (&self->ended, 1);
}

static void *
s_open (void *arg)
{
    load_sessions_t *self = arg;
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.ttl_ms = self->ttl_ms;
    options.fn = s_event;
    options.arg = self;
    uint32_t i;
    while ((i = atomic_fetch_add (&self->next, 1)) < self->count) {
        hf_client_t *client = self->clients[i % self->clients_count];
        hf_status_t status = hf_session_open (client, &options, OPEN_MS, &self->list[i]);
        if (status != HF_OK) {
            fprintf (stderr, "session %u is not opened: %s\n", i + 1, hf_status_name (status));
            return self;
        }
    }
    return NULL;
}

bool
load_sessions_open (load_sessions_t *self, hf_cluster_t *cluster, uint32_t clients, uint32_t count,
                    uint32_t ttl_ms)
{
    if (clients == 0 || clients > 16 || count == 0)
        exit (USAGE_END);
    memset (self, 0, sizeof *self);
    self->list = hf_alloc (count * sizeof (hf_session_t *));
    self->clients_count = clients;
    self->count = count;
    self->ttl_ms = ttl_ms;
    for (uint32_t i = 0; i < clients; i++)
        self->clients[i] = load_client (cluster);
    pthread_t threads[OPENERS];
    bool good = true;
    for (int i = 0; i < OPENERS; i++)
        if (pthread_create (&threads[i], NULL, s_open, self) != 0)
            exit (1);
    for (int i = 0; i < OPENERS; i++) {
        void *failed;
        pthread_join (threads[i], &failed);
        good = good && !failed;
    }
    return good;
}

uint32_t
load_sessions_lost (load_sessions_t *self)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < self->count; i++)
        lost += !self->list[i] || hf_session_remaining_ms (self->list[i]) == 0;
    return lost;
}

void
load_sessions_leave (load_sessions_t *self)
{
    for (uint32_t i = 0; i < self->count; i++)
        hf_session_leave (&self->list[i]);
    for (uint32_t i = 0; i < self->clients_count; i++)
        hf_client_destroy (&self->clients[i]);
    free (self->list);
}
