/*  own_loop.c - a program with a loop of its own: everything comes to its one thread.
 *
 *  Waits for a lock, tells its place in the queue, and holds the lock for a moment.
 *
 *      holdfast-example-own_loop [endpoints]
 */
#include "client/holdfast.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_MS 20000
#define HOLD_MS  200

static uint64_t s_token; //  0: not granted yet
static bool s_over;

static void
s_granted (void *arg, const hf_result_t *result)
{
    (void)arg;
    s_token = result->token;
    s_over = result->status != HF_OK;
    puts (hf_status_text (result->status));
}

static void
s_event (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    if (event->type == HF_SESSION_MOVED)
        printf ("position %llu\n", (unsigned long long)event->position);
    s_over = s_over || event->type == HF_SESSION_ENDED;
}

int
main (int argc, char **argv)
{
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    hf_session_t *session;
    options.endpoints = argc > 1 ? argv[1] : NULL;
    options.dispatch = true;
    life.fn = s_event;
    hf_client_t *client = hf_client_new (&options, NULL);
    if (!client || hf_session_open (client, &life, LIMIT_MS, &session) != HF_OK)
        return EXIT_FAILURE;
    hf_status_t status = hf_submit_acquire (session, "loop", NULL, s_granted, NULL);
    while (status == HF_OK && !s_over) {
        //  The program's own descriptors go here, too.
        struct pollfd items[] = {{.fd = hf_client_fd (client), .events = POLLIN}};
        int ready = poll (items, 1, s_token > 0 ? HOLD_MS : -1);
        if (ready > 0)
            hf_client_dispatch (client);
        s_over = s_over || (ready == 0 && s_token > 0);
    }
    bool held = s_token > 0 && hf_session_remaining_ms (session) > 0;
    hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&client);
    return held ? EXIT_SUCCESS : EXIT_FAILURE;
}
