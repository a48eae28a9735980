//  holdfastd --check.

#include "nodes/hf_check.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct check {
    unsigned wrong;
} check_t;

static void
s_say_key (void *arg, bool bad, const char *line)
{
    check_t *self = arg;
    if (!bad)
        return;
    fprintf (stderr, "holdfastd: %s\n", line);
    self->wrong++;
}

int
hf_check (hf_node_t *node, const hf_options_t *options)
{
    check_t self = {.wrong = options->wrong};
    hf_report_init (options->level, options->form, options->id);
    if (hf_node_find (node, options) != 0) {
        self.wrong++;
        node->id = options->id; //  its key can be checked all the same
    }
    self.wrong += hf_node_check_open (node, options) != 0;
    if (options->keys && options->key) //  else that was said
        self.wrong += hf_node_keys (node, options) != 0;
    if (node->keys)
        hf_keys_refresh (node->keys, s_say_key, &self);
    self.wrong += hf_node_rights (node, options) != 0;
    self.wrong += hf_node_admin (node, options) != 0;
    free (node->rights.text);
    hf_keys_destroy (&node->keys);
    if (self.wrong == 0)
        printf ("all is well: node %u, %s %s, %s\n", node->id, node->joins ? "joins" : "cluster",
                node->list, options->keys ? "with keys" : "without keys");
    return self.wrong == 0 ? 0 : -1;
}
