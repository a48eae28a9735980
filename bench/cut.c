//  A node cut off from everybody.

#include "bench/cut.h"
#include "tests/cluster/torture/links.h"
#include <assert.h>
#include <stdlib.h>

static_assert (HF_CUT_WHY_SIZE == HF_WHY_SIZE, "the reason fits");

static hf_links_t *s_links;
static uint32_t s_ends; //  the nodes, and this process

hf_cluster_t *
hf_cut_cluster (const char *root, uint32_t nodes, char why[HF_CUT_WHY_SIZE])
{
    hf_cluster_t *cluster;
    assert (!s_links);
    if (root) //  links make their cluster's folder where temporary files are
        setenv ("TMPDIR", root, 1);
    s_links = hf_links_new (HF_LINKS_NAMESPACES, nodes, 0, 1, why, &cluster);
    s_ends = nodes + 1;
    return cluster;
}

void
hf_cut (uint32_t id, bool cut)
{
    assert (s_links && id >= 1 && id < s_ends);
    for (uint32_t end = 1; end <= s_ends; end++) {
        if (end == id)
            continue;
        hf_links_trouble (s_links, id, end, (hf_trouble_t){.cut = cut});
        hf_links_trouble (s_links, end, id, (hf_trouble_t){.cut = cut});
    }
}

void
hf_cut_done (void)
{
    hf_links_destroy (&s_links);
}
