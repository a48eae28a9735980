/*  observe.c - print who leads, whenever that changes.
 *
 *      holdfast-example-observe [endpoints [changes]]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_election.h"
#include <inttypes.h>

int
main (int argc, char **argv)
{
    hf_observer_t *observer;
    hf_elected_t leader;
    example_begin (argc > 1 ? argv[1] : NULL, "observer");
    example_must ("observe", hf_observer_open (g_client, "service", LIMIT_MS, &observer));
    for (long i = argc > 2 ? strtol (argv[2], NULL, 10) : 1000000; i > 0; i--) {
        example_must ("observe", hf_observer_next (observer, &leader, HF_FOREVER));
        if (leader.token > 0)
            printf ("session %" PRIu64 " leads %s\n", leader.session, leader.note);
        else
            puts ("nobody leads");
        fflush (stdout);
    }
    hf_observer_close (&observer);
    return example_end ();
}
