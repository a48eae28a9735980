/*  load.h - what the load programs share: options, a cluster of three nodes, many sessions.
 */
#ifndef LOAD_H_INCLUDED
#define LOAD_H_INCLUDED

#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <stdatomic.h>

/*  An option --NAME with a number; *value is its default until it is read. */
typedef struct load_option {
    const char *name;
    uint32_t *value;
} load_option_t;

/*  Exits with 64 and the usage on what is no option. OPTIONS end with a NULL name. */
void load_options (int argc, char **argv, const load_option_t *options);

/*  Three nodes that serve. Exits when there are none. */
hf_cluster_t *load_begin (void);
/*  End the cluster; gives the program's exit code: 0 when GOOD and the cluster is. */
int load_end (hf_cluster_t *cluster, bool good);

hf_client_t *load_client (hf_cluster_t *cluster);

/*  Sessions of several clients, opened by as many threads as are of use. */
typedef struct load_sessions {
    hf_client_t *clients[16];
    uint32_t clients_count;
    hf_session_t **list;
    uint32_t count, ttl_ms;
    atomic_uint next, ended; //  ENDED: that ended by themselves
} load_sessions_t;

/*  False: a session could not be opened. */
bool load_sessions_open (load_sessions_t *self, hf_cluster_t *cluster, uint32_t clients,
                         uint32_t count, uint32_t ttl_ms);
/*  Leave them all and destroy the clients. */
void load_sessions_leave (load_sessions_t *self);
/*  How many may not rely on their locks now. */
uint32_t load_sessions_lost (load_sessions_t *self);

#endif
