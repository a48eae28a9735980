/*  semaphore.c - at most two at a time.
 *
 *      holdfast-example-semaphore [endpoints]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_semaphore.h"
#include <inttypes.h>

static void
s_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    (void)place;
    *(uint64_t *)arg = lock->holders;
}

int
main (int argc, char **argv)
{
    uint64_t holders = 0;
    example_begin (argc > 1 ? argv[1] : NULL, "restart");
    hf_semaphore_t *restart = hf_semaphore_new (g_session, "restart", 2);
    example_must ("take", hf_semaphore_take (restart, 1, LIMIT_MS, NULL));
    example_must ("ask", hf_query_lock (g_client, "restart", s_place, &holders, LIMIT_MS));
    printf ("restarts now: %" PRIu64 "\n", holders);
    example_must ("give", hf_semaphore_give (restart, LIMIT_MS));
    hf_semaphore_destroy (&restart);
    return example_end ();
}
