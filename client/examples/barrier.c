/*  barrier.c - so many begin together, and end together.
 *
 *      holdfast-example-barrier [endpoints [parties]]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_barrier.h"

int
main (int argc, char **argv)
{
    long parties = argc > 2 ? strtol (argv[2], NULL, 10) : 2;
    example_begin (argc > 1 ? argv[1] : NULL, "party");
    hf_barrier_t *barrier = hf_barrier_new (g_client, g_session, "load test", (uint32_t)parties);
    if (!barrier) {
        fprintf (stderr, "1 to %d parties\n", HF_BARRIER_PARTIES_MAX);
        return EXIT_FAILURE;
    }
    example_must ("enter", hf_barrier_enter (barrier, LIMIT_MS));
    printf ("all %ld are here\n", parties);
    example_must ("leave", hf_barrier_leave (barrier, LIMIT_MS));
    printf ("all %ld have left\n", parties);
    hf_barrier_destroy (&barrier);
    return example_end ();
}
