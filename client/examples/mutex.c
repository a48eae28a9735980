/*  mutex.c - functions that lock the same mutex may call each other.
 *
 *  Both steps of a transfer lock "accounts", by themselves or within the transfer. The file gets
 *  both lines together, with nobody else's between them.
 *
 *      holdfast-example-mutex [endpoints]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_mutex.h"
#include <inttypes.h>

static void
s_book (hf_mutex_t *accounts, const char *what)
{
    hf_grant_t grant;
    char line[64];
    example_must ("lock", hf_mutex_lock (accounts, LIMIT_MS, &grant));
    int size = snprintf (line, sizeof line, "%s %" PRIu64 "\n", what, grant.token);
    example_must ("append", hf_append (g_session, "accounts", grant.token, "accounts", line,
                                       (size_t)size, LIMIT_MS));
    example_must ("unlock", hf_mutex_unlock (accounts, LIMIT_MS));
}

int
main (int argc, char **argv)
{
    example_begin (argc > 1 ? argv[1] : NULL, "transfer");
    hf_mutex_t *accounts = hf_mutex_new (g_session, "accounts");
    example_must ("lock", hf_mutex_lock (accounts, LIMIT_MS, NULL));
    s_book (accounts, "out");
    s_book (accounts, "in");
    example_must ("unlock", hf_mutex_unlock (accounts, LIMIT_MS)); //  both lines, or none
    puts ("transferred");
    hf_mutex_destroy (&accounts);
    return example_end ();
}
