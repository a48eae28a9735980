/*  example.c - the whole of holdfast in one small program.
 *
 *  Takes a lock, reads a counter from a replicated file, appends the next number within
 *  the critical section, and releases. Start it as often as you like, on as many machines:
 *  no number is written twice.
 *
 *      holdfast-example [endpoints]        such as 1@127.0.0.1:8080:8081
 */
#include "client/holdfast.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MS   10000
#define LIMIT_MS 5000

static void
s_fail (const char *what, hf_status_t status)
{
    fprintf (stderr, "holdfast-example: %s: %s\n", what, hf_status_text (status));
    exit (EXIT_FAILURE);
}

//  Called on the library's thread. A lost lock is reported here before any other client can hold
//  it.
static void
s_event (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    if (event->type == HF_SESSION_LOST)
        fprintf (stderr, "lost lock %s\n", event->lock);
    else if (event->type == HF_SESSION_MOVED)
        fprintf (stderr, "waiting for %s, position %llu\n", event->lock,
                 (unsigned long long)event->position);
}

/*  The number on the last line of the file; 0 when there is no file yet. */
static long
s_last_number (hf_client_t *client)
{
    char tail[64] = "";
    size_t size = 0;
    uint64_t total = 0;
    hf_status_t status = hf_read (client, "numbers", 0, tail, &size, &total, LIMIT_MS);
    if (status == HF_NOT_FOUND || total == 0)
        return 0;
    if (status != HF_OK)
        s_fail ("read", status);
    size = sizeof tail - 1;
    uint64_t from = total > size ? total - size : 0;
    status = hf_read (client, "numbers", from, tail, &size, NULL, LIMIT_MS);
    if (status != HF_OK)
        s_fail ("read", status);
    tail[size] = 0;
    if (size > 0 && tail[size - 1] == '\n')
        tail[size - 1] = 0;
    const char *line = strrchr (tail, '\n');
    return strtol (line ? line + 1 : tail, NULL, 10);
}

int
main (int argc, char **argv)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = argc > 1 ? argv[1] : NULL;
    hf_client_t *client = hf_client_new (&options, error);
    if (!client) {
        fprintf (stderr, "holdfast-example: %s\n", error);
        return EXIT_FAILURE;
    }
    //  A session holds locks. It is kept alive in the background until it is closed.
    hf_session_t *session;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    life.ttl_ms = TTL_MS;
    life.fn = s_event;
    hf_status_t status = hf_session_open (client, &life, LIMIT_MS, &session);
    if (status != HF_OK)
        s_fail ("open", status);

    //  From the grant to the release nobody else is in this section.
    hf_grant_t grant;
    status = hf_acquire (session, "numbers", LIMIT_MS, &grant);
    if (status != HF_OK)
        s_fail ("acquire", status);

    //  Appends are staged: the file gets all of them at the release, or none.
    char line[32];
    int size = snprintf (line, sizeof line, "%ld\n", s_last_number (client) + 1);
    status = hf_append (session, "numbers", grant.token, "numbers", line, (size_t)size, LIMIT_MS);
    if (status == HF_OK)
        status = hf_release (session, "numbers", grant.token, LIMIT_MS);
    if (status != HF_OK)
        s_fail ("append and release", status);
    printf ("wrote %s", line);

    hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&client);
    return EXIT_SUCCESS;
}
