/*  options.h - the command line of torture. */
#ifndef HF_OPTIONS_H_INCLUDED
#define HF_OPTIONS_H_INCLUDED

#include "tests/cluster/torture/links.h"

typedef struct hf_options {
    unsigned nodes, clients;
    uint32_t seconds;
    uint32_t rounds; //  0: by time
    uint32_t pause_ms;
    uint64_t seed;
    hf_links_kind_t net;
    bool keep, wipe;
    unsigned disk_mib;
    const char *holdfastd; //  NULL: the build's
    const char *log_keep;  //  of the nodes
} hf_options_t;

/*  False, with help or the mistake printed. */
bool hf_options_read (hf_options_t *self, int argc, char **argv);

#endif
