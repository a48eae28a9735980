//  hf_script_client ENDPOINTS: executes the commands on stdin; see hf_script.h.

#include "client/holdfast.h"
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCKS_MAX 64
#define NAME_SIZE 256
#define LIMIT_MS  120000 //  the test's own limits are shorter

typedef struct grant {
    char lock[NAME_SIZE];
    uint64_t token;
} grant_t;

typedef struct script {
    hf_client_t *client;
    hf_session_t *session;
    grant_t grant[LOCKS_MAX];
    unsigned grants;
    //  Of submitted appends; under the mutex.
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t out;
    uint64_t done;
    hf_status_t worst; //  the first status that was not OK
} script_t;

static void
s_tell (hf_status_t status, uint64_t token, uint64_t index, uint64_t value)
{
    printf ("= %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (int)status, token, index, value);
}

static void
s_on_event (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    if (event->type == HF_SESSION_LOST)
        printf ("! LOST %s\n", event->lock);
    if (event->type == HF_SESSION_ENDED)
        printf ("! ENDED\n");
}

//  ---- grants ------------------------------------------------------------------------

static uint64_t *
s_token (script_t *self, const char *lock)
{
    for (unsigned i = 0; i < self->grants; i++) {
        if (strcmp (self->grant[i].lock, lock) == 0)
            return &self->grant[i].token;
    }
    assert (self->grants < LOCKS_MAX && strlen (lock) < NAME_SIZE);
    grant_t *grant = &self->grant[self->grants++];
    strcpy (grant->lock, lock);
    return &grant->token;
}

static void
s_acquire (script_t *self, const char *lock, uint32_t limit_ms)
{
    hf_grant_t grant = {0};
    hf_status_t status = hf_acquire (self->session, lock, limit_ms, &grant);
    if (status == HF_OK)
        *s_token (self, lock) = grant.token;
    s_tell (status, grant.token, grant.index, 0);
}

//  ---- appends without waiting ------------------------------------------------------------

static void
s_on_done (void *arg, const hf_result_t *result)
{
    script_t *self = arg;
    pthread_mutex_lock (&self->mutex);
    self->out--;
    if (result->status == HF_OK)
        self->done++;
    else if (self->worst == HF_OK)
        self->worst = result->status;
    pthread_cond_signal (&self->changed);
    pthread_mutex_unlock (&self->mutex);
}

static void
s_submit (script_t *self, const char *lock, const char *file, const char *text, unsigned count)
{
    hf_status_t status = HF_OK;
    for (unsigned i = 0; i < count && status == HF_OK; i++) {
        pthread_mutex_lock (&self->mutex);
        self->out++;
        pthread_mutex_unlock (&self->mutex);
        status = hf_submit_append (self->session, lock, *s_token (self, lock), file, text,
                                   strlen (text), s_on_done, self);
        if (status != HF_OK) {
            pthread_mutex_lock (&self->mutex);
            self->out--;
            pthread_mutex_unlock (&self->mutex);
        }
    }
    s_tell (status, 0, 0, count);
}

static void
s_drain (script_t *self)
{
    pthread_mutex_lock (&self->mutex);
    while (self->out > 0)
        pthread_cond_wait (&self->changed, &self->mutex);
    s_tell (self->worst, 0, 0, self->done);
    self->worst = HF_OK;
    self->done = 0;
    pthread_mutex_unlock (&self->mutex);
}

//  ---- commands ---------------------------------------------------------------------------

static void
s_open (script_t *self, uint32_t ttl_ms)
{
    if (self->session)
        hf_session_leave (&self->session);
    hf_session_options_t options = {
        .size = sizeof options, .ttl_ms = ttl_ms, .fn = s_on_event, .arg = self};
    hf_status_t status = hf_session_open (self->client, &options, LIMIT_MS, &self->session);
    s_tell (status, 0, 0, status == HF_OK ? hf_session_id (self->session) : 0);
}

static void
s_do (script_t *self, char *words[6], unsigned count)
{
    const char *verb = words[0];
    const char *lock = words[1];
    if (strcmp (verb, "open") == 0)
        s_open (self, (uint32_t)strtoul (words[1], NULL, 10));
    else if (!self->session)
        s_tell (HF_INVALID, 0, 0, 0);
    else if (strcmp (verb, "acquire") == 0)
        s_acquire (self, lock, count > 2 ? (uint32_t)strtoul (words[2], NULL, 10) : LIMIT_MS);
    else if (strcmp (verb, "try") == 0)
        s_acquire (self, lock, 0);
    else if (strcmp (verb, "append") == 0 && count == 4)
        s_tell (hf_append (self->session, lock, *s_token (self, lock), words[2], words[3],
                           strlen (words[3]), LIMIT_MS),
                0, 0, 0);
    else if (strcmp (verb, "submit") == 0 && count == 5)
        s_submit (self, lock, words[2], words[3], (unsigned)strtoul (words[4], NULL, 10));
    else if (strcmp (verb, "drain") == 0)
        s_drain (self);
    else if (strcmp (verb, "release") == 0)
        s_tell (hf_release (self->session, lock, *s_token (self, lock), LIMIT_MS), 0, 0, 0);
    else if (strcmp (verb, "cancel") == 0)
        s_tell (hf_cancel (self->session, lock, *s_token (self, lock), LIMIT_MS), 0, 0, 0);
    else if (strcmp (verb, "close") == 0)
        s_tell (hf_session_close (&self->session, LIMIT_MS), 0, 0, 0);
    else if (strcmp (verb, "remaining") == 0)
        s_tell (HF_OK, 0, 0, hf_session_remaining_ms (self->session));
    else
        s_tell (HF_INVALID, 0, 0, 0);
}

int
main (int argc, char **argv)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_options_t options = {.size = sizeof options, .endpoints = argc > 1 ? argv[1] : NULL};
    script_t self = {.client = hf_client_new (&options, error)};
    if (!self.client) {
        fprintf (stderr, "%s\n", error);
        return 1;
    }
    pthread_mutex_init (&self.mutex, NULL);
    pthread_cond_init (&self.changed, NULL);
    char line[4096];
    while (fgets (line, sizeof line, stdin)) {
        char *words[6] = {"", "", "", "", "", ""};
        unsigned count = 0;
        char *rest = NULL;
        for (char *word = strtok_r (line, " \n", &rest); word && count < 6;
             word = strtok_r (NULL, " \n", &rest))
            words[count++] = word;
        s_do (&self, words, count);
    }
    if (self.session)
        hf_session_leave (&self.session);
    hf_client_destroy (&self.client);
    return 0;
}
