//  `holdfast run` with a tree of processes that is hard to end (trial_tree.h).

#include "tests/unit/tool/trial_tree.h"
#include <stdio.h>
#include <string.h>

/*  A tree that SIGTERM does not end: the command, a child of it, and a daemon. Each says when it
 * was last alive. */
static const char s_tree[] =
    "beat() { while :; do date +%s%3N >> last-$1; sleep 0.05; done; }\n"
    "trap '' HUP INT; trap 'date +%s%3N > term' TERM\n"
    "(trap '' TERM; setsid sh -c '. $D/beats; echo $$ > daemon; beat 3' &)\n"
    "(trap '' TERM; exec sh -c '. $D/beats; echo $$ > child; beat 2') &\n"
    "echo $$ > main\n"
    "until [ -s daemon ] && [ -s child ]; do sleep 0.01; done\n"
    "echo up > up\n"
    "beat 1\n";

/*  It is another process each time that somebody looks. */
static const char s_runner[] = "f() { date +%s%3N >> last-1; f & exit; }\n"
                               "f &\n"
                               "echo up > up\n"
                               "exec sleep 60\n";

static int
s_write (const char *name, const char *text)
{
    FILE *file = fopen (name, "w");
    return file && fputs (text, file) >= 0 && fclose (file) == 0 ? 0 : -1;
}

int
trial_tree_setup (void **state)
{
    char beats[200];
    snprintf (beats, sizeof beats, "%.*s", (int)(strchr (s_tree, '\n') + 1 - s_tree), s_tree);
    return trial_setup (state) == 0 && s_write ("tree", s_tree) == 0 &&
                   s_write ("beats", beats) == 0 && s_write ("runner", s_runner) == 0
               ? 0
               : -1;
}
