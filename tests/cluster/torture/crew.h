/*  crew.h - the clients of the torture, each a process, and the history they make.
 *
 *  Used from the main thread only.
 */
#ifndef HF_TORTURE_CREW_H_INCLUDED
#define HF_TORTURE_CREW_H_INCLUDED

#include "tests/cluster/torture/links.h"

typedef struct hf_crew hf_crew_t;

typedef struct hf_crew_config {
    const char *program; //  torture-client
    hf_links_t *links;
    const char *folder; //  for logs and the history
    unsigned clients;
    uint64_t seed;
    bool gated;   //  they step on hf_crew_step only
    bool follows; //  they go where the cluster says that the members are
} hf_crew_config_t;

typedef struct hf_crew_counts {
    uint64_t operations; //  answered, or given up
    uint64_t grants;
    uint64_t sections; //  released, and that was acknowledged
    uint64_t lost;     //  events: a lock was lost
} hf_crew_counts_t;

/*  All start at once. */
hf_crew_t *hf_crew_new (const hf_crew_config_t *config);
/*  Kills what runs. */
void hf_crew_destroy (hf_crew_t **self_p);

/*  Take what they write, for WAIT_MS. False: one of them ended by itself (reported on stderr). */
bool hf_crew_listen (hf_crew_t *self, uint32_t wait_ms);

//  Client I is 1 to CLIENTS.
void hf_crew_step (hf_crew_t *self, unsigned i);
void hf_crew_kill (hf_crew_t *self, unsigned i);
void hf_crew_start (hf_crew_t *self, unsigned i);               //  after a kill
void hf_crew_freeze (hf_crew_t *self, unsigned i, bool frozen); //  SIGSTOP, SIGCONT

/*  With all of them running: each ends its last section and itself. False after LIMIT_MS, with
 * those that did not on stderr. */
bool hf_crew_finish (hf_crew_t *self, uint32_t limit_ms);

hf_crew_counts_t hf_crew_counts (const hf_crew_t *self);
/*  The history so far, for the checker; all of it once all clients have ended. */
const char *hf_crew_history (hf_crew_t *self);

#endif
