//  hf_script_client ENDPOINTS: executes the commands on stdin; see hf_script.h.

#include "client/holdfast.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MS  120000 //  the test's own limits are shorter
#define WORDS_MAX 6

typedef struct script {
    hf_client_t *client;
    hf_session_t *session;
    uint64_t token;    //  of the last grant
    uint64_t out;      //  submitted appends without an answer
    uint64_t done;     //  answered with OK since the last drain
    hf_status_t worst; //  the first status since then that was not OK
} script_t;

static void
s_say (hf_status_t status, uint64_t token, uint64_t value)
{
    printf ("= %d %" PRIu64 " %" PRIu64 "\n", (int)status, token, value);
}

static void
s_on_event (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    if (event->type == HF_SESSION_LOST)
        printf ("! LOST\n");
    if (event->type == HF_SESSION_ENDED)
        printf ("! ENDED\n");
}

//  ---- commands ---------------------------------------------------------------------------

static void
s_acquire (script_t *self, const char *lock)
{
    hf_grant_t grant = {0};
    hf_status_t status = hf_acquire (self->session, lock, LIMIT_MS, &grant);
    if (status == HF_OK)
        self->token = grant.token;
    s_say (status, grant.token, 0);
}

/*  A WORD: "a" is the lock a, EXCLUSIVE; "a:2" two units of it, "a:2:3" of three that it has. */
static hf_want_t
s_want (char *word)
{
    hf_want_t want = {.lock = word, .mode = HF_MODE_EXCLUSIVE};
    char *units = strchr (word, ':');
    if (!units)
        return want;
    *units++ = 0;
    char *limit = strchr (units, ':');
    want.mode = HF_MODE_SHARED;
    want.units = (uint32_t)strtoul (units, NULL, 10);
    want.limit = limit ? (uint32_t)strtoul (limit + 1, NULL, 10) : 0;
    return want;
}

static void
s_claim (script_t *self, char **words, unsigned count)
{
    hf_want_t wants[WORDS_MAX];
    for (unsigned i = 0; i < count; i++)
        wants[i] = s_want (words[i]);
    hf_grant_t grant = {0};
    hf_status_t status = hf_acquire_set (self->session, wants, count, NULL, LIMIT_MS, &grant);
    if (status == HF_OK)
        self->token = grant.token;
    s_say (status, grant.token, 0);
}

static void
s_submit (script_t *self, const char *lock, const char *file, const char *text, unsigned count)
{
    hf_status_t status = HF_OK;
    for (unsigned i = 0; i < count && status == HF_OK; i++) {
        status = hf_submit_append (self->session, lock, self->token, file, text, strlen (text),
                                   NULL, NULL);
        self->out += status == HF_OK;
    }
    s_say (status, 0, count);
}

static void
s_drain (script_t *self)
{
    hf_result_t result;
    for (; self->out > 0 && hf_client_poll (self->client, &result, LIMIT_MS); self->out--) {
        self->done += result.status == HF_OK;
        if (self->worst == HF_OK)
            self->worst = result.status;
    }
    s_say (self->out > 0 ? HF_TIMEOUT : self->worst, 0, self->done);
    self->worst = HF_OK;
    self->done = 0;
}

static void
s_open (script_t *self, uint32_t ttl_ms, const char *label)
{
    if (self->session)
        hf_session_leave (&self->session);
    hf_session_options_t options = {
        .size = sizeof options, .ttl_ms = ttl_ms, .fn = s_on_event, .arg = self};
    if (*label) {
        options.label = label;
        options.detect = true;
    }
    hf_status_t status = hf_session_open (self->client, &options, LIMIT_MS, &self->session);
    s_say (status, 0, status == HF_OK ? hf_session_id (self->session) : 0);
}

static void
s_do (script_t *self, char *words[WORDS_MAX], unsigned count)
{
    const char *verb = words[0];
    const char *lock = words[1];
    if (strcmp (verb, "open") == 0)
        s_open (self, (uint32_t)strtoul (words[1], NULL, 10), words[2]);
    else if (!self->session)
        s_say (HF_INVALID, 0, 0);
    else if (strcmp (verb, "acquire") == 0)
        s_acquire (self, lock);
    else if (strcmp (verb, "claim") == 0)
        s_claim (self, words + 1, count - 1);
    else if (strcmp (verb, "append") == 0 && count == 4)
        s_say (hf_append (self->session, lock, self->token, words[2], words[3], strlen (words[3]),
                          LIMIT_MS),
               0, 0);
    else if (strcmp (verb, "submit") == 0 && count == 5)
        s_submit (self, lock, words[2], words[3], (unsigned)strtoul (words[4], NULL, 10));
    else if (strcmp (verb, "drain") == 0)
        s_drain (self);
    else if (strcmp (verb, "release") == 0)
        s_say (hf_release (self->session, lock, self->token, LIMIT_MS), 0, 0);
    else if (strcmp (verb, "close") == 0)
        s_say (hf_session_close (&self->session, LIMIT_MS), 0, 0);
    else
        s_say (HF_INVALID, 0, 0);
}

int
main (int argc, char **argv)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_options_t options = {
        .size = sizeof options, .endpoints = argc > 1 ? argv[1] : NULL, .fixed = true};
    script_t self = {.client = hf_client_new (&options, error)};
    if (!self.client) {
        fprintf (stderr, "%s\n", error);
        return 1;
    }
    char line[4096];
    while (fgets (line, sizeof line, stdin)) {
        char *words[WORDS_MAX] = {"", "", "", "", "", ""};
        unsigned count = 0;
        char *rest = NULL;
        for (char *word = strtok_r (line, " \n", &rest); word && count < WORDS_MAX;
             word = strtok_r (NULL, " \n", &rest))
            words[count++] = word;
        s_do (&self, words, count);
    }
    if (self.session)
        hf_session_leave (&self.session);
    hf_client_destroy (&self.client);
    return 0;
}
