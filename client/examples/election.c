/*  election.c - one leads; the others know where it is.
 *
 *      holdfast-example-election [endpoints [address]]
 */
#include "client/examples/example.h"
#include "client/recipes/hf_election.h"
#include <string.h>

int
main (int argc, char **argv)
{
    const char *address = argc > 2 ? argv[2] : "here:1";
    example_begin (argc > 1 ? argv[1] : NULL, "service");
    hf_election_t *election = hf_election_new (g_session, "service");
    hf_grant_t reign;
    hf_elected_t leader;
    example_must ("campaign", hf_election_campaign (election, address, LIMIT_MS, &reign));
    //  What this process writes while it leads goes with the number of its reign.
    example_must ("proclaim", hf_election_proclaim (election, "ready", LIMIT_MS));
    example_must ("ask", hf_election_leader (g_client, "service", &leader, LIMIT_MS));
    printf ("%s leads: %s\n", address, leader.token == reign.token ? "yes" : "no");
    example_must ("resign", hf_election_resign (election, LIMIT_MS));
    hf_election_destroy (&election);
    return example_end ();
}
