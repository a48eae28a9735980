/*  hf_proxy_internal.h - rules apart from sockets: what becomes of one message. */
#ifndef HF_PROXY_INTERNAL_H_INCLUDED
#define HF_PROXY_INTERNAL_H_INCLUDED

#include "tests/cluster/harness/hf_proxy.h"
#include "base/hf_random.h"

#define HF_RULES_MAX 32
#define HF_SEQS_MAX  256

/*  A rule in force. */
typedef struct hf_rule_state {
    hf_rule_t rule;
    bool lifted;
    uint64_t matched;
    uint64_t fired;
    hf_random_t random;
    uint64_t seqs[HF_SEQS_MAX]; //  of the requests that it matched
    size_t seqs_count;
    int answer; //  status of the last ANSWER to one of them; -1: none
} hf_rule_state_t;

typedef struct hf_rules {
    hf_rule_state_t list[HF_RULES_MAX]; //  list[number - 1]
    uint32_t count;
} hf_rules_t;

/*  What to do with a message. */
typedef struct hf_verdict {
    uint32_t copies;  //  0: it is lost
    uint32_t held_by; //  number of a rule; 0: it goes on
} hf_verdict_t;

hf_verdict_t hf_rules_judge (hf_rules_t *self, hf_way_t way, const void *bytes, size_t size);

#endif
