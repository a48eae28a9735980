/*  TODO */
#include "explore.h"
#include "papers.h"
#include "scenarios.h"
#include "stage.h"
#include <stdio.h>

int hf_mutant = HF_MUTANT_none;

static const char *s_mutants[] = {
#define NAME(name, promise, text) #name,
    "none", HF_MUTANT_TABLE (NAME)
#undef NAME
};

static explored_t
s_explore (const scenario_t *scenario, size_t most)
{
    papers_reset ();
    stage_open (scenario->bounds.joiner);
    world_t first = scenario_first (scenario);
    explored_t is = explore (&first, &scenario->bounds, most);
    stage_close ();
    printf ("%s (%s): %zu states, %zu moves, depth %zu, cut %zu, widest %zu, %.1f s, %s\n",
            scenario->name, scenario->what, is.states, is.moves, is.depth, is.cut, is.widest,
            is.seconds, is.wrong ? is.wrong : is.whole ? "no violation" : "not to the end");
    fflush (stdout);
    return is;
}

int
main (int argc, char **argv)
{
    size_t most = argc > 2 ? strtoul (argv[2], NULL, 10) : 5000000;
    if (argc > 3)
        for (size_t i = 0; i < sizeof s_mutants / sizeof *s_mutants; i++)
            if (strcmp (s_mutants[i], argv[3]) == 0)
                hf_mutant = (int)i;
    if (argc > 1) {
        scenario_t s = *scenario_named (argv[1]);
        if (argc > 4)
            s.bounds.terms = (uint8_t)atoi (argv[4]);
        if (argc > 5)
            s.bounds.in_order = atoi (argv[5]);
        if (argc > 6)
            s.bounds.crashes = (uint8_t)atoi (argv[6]);
        if (argc > 7)
            s.bounds.admissions = (uint8_t)atoi (argv[7]);
        if (argc > 8)
            s.bounds.keeps_all = atoi (argv[8]);
        s_explore (&s, most);
    }
    return 0;
}
