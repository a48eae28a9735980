/*  links.h - the network between nodes and clients, and what can be wrong with it.
 *
 *  Two kinds, with one face. Ends are numbered: nodes 1..N, then clients N+1..N+K.
 *
 *  - Namespaces: each end lives in a network namespace of its own, with a TUN device as its only
 *    way out, and a thread of this process is the switch between the devices. So every packet
 *    passes here and any link, in either direction, can be cut, slow or lossy, and TCP
 *    does what TCP does. It needs neither tools nor kernel modules beyond TUN, and no name is
 *    left behind: namespaces and devices end with the process, however it ends.
 *  - Proxies, where namespaces cannot be had: all ends live on 127.0.0.1, and each link is a
 *    TCP port of this process. Clients are given a list of these; nodes, which all must have the
 *    same list, have shim.c loaded, which sends their connects to these ports. A loss is a pause,
 * as TCP would make of it.
 */
#ifndef HF_LINKS_H_INCLUDED
#define HF_LINKS_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"
#include <stdbool.h>
#include <stdint.h>

#define HF_CREW_MAX 24                    //  clients
#define HF_ENDS_MAX (7 + HF_CREW_MAX + 1) //  and the test itself; ends are numbered from 1
#define HF_WHY_SIZE 256

typedef struct hf_links hf_links_t;

/*  What is wrong in one direction; all zero: nothing. */
typedef struct hf_trouble {
    bool cut;
    uint8_t loss_percent;
    uint16_t jitter_ms;
    uint32_t delay_ms;
} hf_trouble_t;

//  What became of packets, or pieces of streams.
typedef enum hf_fate { HF_PASSED, HF_LATE, HF_LOST, HF_CUT, HF_FATES } hf_fate_t;

typedef enum hf_links_kind { HF_LINKS_AUTO, HF_LINKS_NAMESPACES, HF_LINKS_PROXIES } hf_links_kind_t;

/*  Make the network for so many nodes and clients, and the CLUSTER in it, which is the caller's.
 *  Call it before there is another thread: the process itself moves into a namespace. NULL, with
 *  the reason in WHY, when KIND cannot be had; with AUTO, WHY says why there are only proxies. */
hf_links_t *hf_links_new (hf_links_kind_t kind, unsigned nodes, unsigned clients, uint64_t seed,
                          char why[HF_WHY_SIZE], hf_cluster_t **cluster);
void hf_links_destroy (hf_links_t **self_p);

hf_links_kind_t hf_links_kind (const hf_links_t *self);

/*  What client number CLIENT (from 1) is given: its list of nodes, and its namespace (0: ours). */
typedef struct hf_place {
    const char *list;
    int network;
} hf_place_t;
hf_place_t hf_links_place (const hf_links_t *self, unsigned client);

/*  From the next start on, every client is given LIST. Not copied. */
void hf_links_set_list (hf_links_t *self, const char *list);

/*  What goes from FROM to TO has this trouble from now on. */
void hf_links_trouble (hf_links_t *self, unsigned from, unsigned to, hf_trouble_t trouble);
hf_trouble_t hf_links_trouble_of (const hf_links_t *self, unsigned from, unsigned to);

uint64_t hf_links_count (const hf_links_t *self, hf_fate_t fate);

#endif
