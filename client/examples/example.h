/*  example.h - how the examples begin and end: a client of the cluster and a session, or a message.
 */
#ifndef EXAMPLE_H_INCLUDED
#define EXAMPLE_H_INCLUDED

#include "client/holdfast.h"
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_MS 20000

static hf_client_t *g_client;
static hf_session_t *g_session;

/*  Ends the program unless STATUS is HF_OK. */
static inline void
example_must (const char *what, hf_status_t status)
{
    if (status == HF_OK)
        return;
    fprintf (stderr, "%s: %s\n", what, hf_status_text (status));
    exit (EXIT_FAILURE);
}

/*  ENDPOINTS such as 1@127.0.0.1:8080:8081; NULL: HOLDFAST_ENDPOINTS, or one node on this machine.
 *  */
static inline void
example_begin (const char *endpoints, const char *label)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = endpoints;
    g_client = hf_client_new (&options, error);
    if (!g_client) {
        fprintf (stderr, "%s\n", error);
        exit (EXIT_FAILURE);
    }
    hf_session_options_t life = HF_SESSION_OPTIONS_INIT;
    life.label = label;
    example_must ("open", hf_session_open (g_client, &life, LIMIT_MS, &g_session));
}

static inline int
example_end (void)
{
    hf_session_close (&g_session, LIMIT_MS);
    hf_client_destroy (&g_client);
    return EXIT_SUCCESS;
}

#endif
