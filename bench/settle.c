//  The nodes' own facts, and waiting until the cluster is healthy.

#include "bench/settle.h"
#include <stdlib.h>
#include <string.h>

#define S_STABLE_LIMIT_MS 60000
#define S_STABLE_MS       500  //  so long must nothing change
#define S_HANDBACK_MS     8000 //  so long the lowest id is waited for to lead again

/*  "2,3" */
static void
s_take_not_counted (hf_facts_t *facts, const char *text)
{
    facts->counts_told = true;
    while (text && *text) {
        char *end;
        unsigned long id = strtoul (text, &end, 10);
        if (id <= HF_MEMBERS_MAX)
            facts->not_counted |= 1U << id;
        text = *end == ',' ? end + 1 : "";
    }
}

static void
s_take_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    hf_facts_t *facts = arg;
    if (strcmp (key, "role") == 0)
        facts->leads = text && strcmp (text, "leader") == 0;
    else if (strcmp (key, "leader") == 0)
        facts->leader = number;
    else if (strcmp (key, "term") == 0)
        facts->term = number;
    else if (strcmp (key, "first_index") == 0)
        facts->first = number;
    else if (strcmp (key, "commit_index") == 0)
        facts->commit = number;
    else if (strcmp (key, "applied_index") == 0)
        facts->applied = number;
    else if (strcmp (key, "links_up") == 0)
        facts->links = number;
    else if (strcmp (key, "not_counted") == 0)
        s_take_not_counted (facts, text);
}

bool
hf_facts_ask (hf_client_t *client, uint32_t id, hf_facts_t *facts, uint32_t limit_ms)
{
    *facts = (hf_facts_t){0};
    return hf_query_status (client, id, s_take_fact, facts, limit_ms) == HF_OK;
}

/*  Whether all COUNT nodes agree at this moment. */
static bool
s_agree (hf_client_t *client, uint32_t count, uint32_t *leader, uint64_t *term)
{
    hf_leader_info_t info;
    if (hf_query_leader (client, &info, 1000) != HF_OK)
        return false;
    *leader = info.id;
    *term = info.term;
    hf_facts_t first;
    if (info.id == 0 || info.id > count || !hf_facts_ask (client, info.id, &first, 1000) ||
        first.not_counted != 0)
        return false;
    for (uint32_t id = 1; id <= count; id++) {
        hf_facts_t node;
        if (!hf_facts_ask (client, id, &node, 1000))
            return false;
        if (node.leader != info.id || node.term != info.term || node.links != count - 1 ||
            node.leads != (id == info.id) || node.applied < first.commit)
            return false;
    }
    return true;
}

bool
hf_settle (hf_client_t *client, hf_local_t *local, uint32_t count, uint32_t *leader)
{
    uint64_t start_ns = hf_bench_now_ns (), since_ns = 0, term_then = 0;
    uint32_t leader_then = 0;
    while (hf_bench_now_ns () - start_ns < (uint64_t)S_STABLE_LIMIT_MS * 1000000) {
        uint64_t term = 0, now_ns = hf_bench_now_ns ();
        bool agree = s_agree (client, count, leader, &term);
        if (!agree || *leader != leader_then || term != term_then)
            since_ns = now_ns;
        leader_then = agree ? *leader : 0;
        term_then = term;
        bool handed_back = *leader == 1 || now_ns - start_ns >= (uint64_t)S_HANDBACK_MS * 1000000;
        if (agree && handed_back && now_ns - since_ns >= (uint64_t)S_STABLE_MS * 1000000)
            return true;
        if (!hf_local_check (local) || hf_bench_interrupted (50))
            return false;
    }
    hf_bench_say ("the cluster did not settle within %u s", S_STABLE_LIMIT_MS / 1000);
    return false;
}
