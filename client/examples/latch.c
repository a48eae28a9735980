/*  latch.c - a step that begins when so many others are done.
 *
 *      holdfast-example-latch endpoints name count done    //  one of them is done
 *      holdfast-example-latch endpoints name count         //  wait for all
 */
#include "client/examples/example.h"
#include "client/recipes/hf_latch.h"

int
main (int argc, char **argv)
{
    if (argc < 4)
        return EXIT_FAILURE;
    example_begin (argv[1], "migration");
    hf_latch_t *latch = hf_latch_new (g_client, g_session, argv[2], strtoull (argv[3], NULL, 10));
    if (!latch)
        return EXIT_FAILURE;
    if (argc > 4)
        example_must ("count", hf_latch_count_down (latch, LIMIT_MS));
    else
        example_must ("wait", hf_latch_wait (latch, LIMIT_MS));
    puts (argc > 4 ? "done" : "all are done");
    hf_latch_destroy (&latch);
    return example_end ();
}
