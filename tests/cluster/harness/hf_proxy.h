/*  hf_proxy.h - the network between one client and the cluster, with faults by rule.
 *
 *  A thread that stands between a client and the nodes: for each node a ROUTER that the
 *  client connects to (its endpoint list names these), and behind it, per connection, a DEALER to
 *  the node. Messages are seen whole, so a rule can say exactly which one is lost, late
 *  or repeated. Give each client its own proxy, and rules need not tell clients apart.
 *
 *  A message is shown to the rules in the order they were added. Each that matches counts it;
 *  DROP and HOLD end its way, REPEAT multiplies it and goes on.
 */
#ifndef HF_PROXY_H_INCLUDED
#define HF_PROXY_H_INCLUDED

#include "msgs/hf_msg.h"
#include "tests/cluster/harness/hf_cluster.h"

typedef struct hf_proxy hf_proxy_t;

hf_proxy_t *hf_proxy_new (const hf_cluster_t *cluster);
void hf_proxy_destroy (hf_proxy_t **self_p);

/*  The endpoint list for the client behind this proxy. */
const char *hf_proxy_endpoints (const hf_proxy_t *self);

typedef enum hf_way { HF_TO_NODE = 1, HF_TO_CLIENT = 2 } hf_way_t;

typedef enum hf_rule_action {
    HF_RULE_WATCH = 0, //  only count
    HF_RULE_DROP = 1,  //  it is lost
    HF_RULE_HOLD = 2,  //  it waits until the rule is lifted; then it goes on, in order
    HF_RULE_REPEAT = 3 //  it arrives REPEAT_MIN to REPEAT_MAX times, drawn from SEED
} hf_rule_action_t;

typedef struct hf_rule {
    hf_way_t way;
    uint32_t kind;       //  of the frame, HF_KIND_*; 0: any
    uint32_t inner;      //  a request in REQUESTS or item in ANSWERS must be of this kind; 0: any
    const char *data;    //  an APPEND in REQUESTS must carry this text; NULL: any
    uint32_t answers_of; //  an ANSWER must be to a request that this rule matched; 0: any
    uint32_t skip;       //  so many matches pass untouched
    uint32_t count;      //  then so many are acted on; 0: all that follow
    hf_rule_action_t action;
    uint32_t repeat_min, repeat_max;
    uint64_t seed;
} hf_rule_t;

/*  Gives the rule's number, 1 and up. Takes hold before this returns. */
uint32_t hf_proxy_add (hf_proxy_t *self, const hf_rule_t *rule);

/*  The rule acts no more; what it held goes on now. */
void hf_proxy_lift (hf_proxy_t *self, uint32_t rule);

/*  How often the rule has acted (WATCH: matched). */
uint64_t hf_proxy_fired (hf_proxy_t *self, uint32_t rule);
bool hf_proxy_wait_fired (hf_proxy_t *self, uint32_t rule, uint64_t times, uint32_t limit_ms);

/*  The status in the last ANSWER, to a request that RULE matched, that came from a node;
 *  -1: none yet. */
int hf_proxy_answer_to (hf_proxy_t *self, uint32_t rule);

#endif
