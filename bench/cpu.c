//  Processor time of nodes and of this program.
#include "bench/cpu.h"
#include <stdio.h>
#include <time.h>

static uint64_t
s_clock_ns (clockid_t clock)
{
    struct timespec spent;
    if (clock_gettime (clock, &spent) != 0)
        return 0;
    return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

void
hf_cpu_take (hf_cpu_t *self, hf_cluster_t *cluster)
{
    *self = (hf_cpu_t){.client_ns = s_clock_ns (CLOCK_PROCESS_CPUTIME_ID)};
    if (!cluster)
        return;
    self->nodes = hf_cluster_count (cluster);
    for (uint32_t id = 1; id <= self->nodes; id++) {
        clockid_t clock;
        if (hf_cluster_running (cluster, id) &&
            clock_getcpuclockid (hf_cluster_pid (cluster, id), &clock) == 0)
            self->node_ns[id - 1] = s_clock_ns (clock);
    }
    self->leader = hf_cluster_leader (cluster);
}

hf_cpu_each_t
hf_cpu_each (const hf_cpu_t *from, const hf_cpu_t *to, uint64_t requests)
{
    double per = requests > 0 ? 1e3 * (double)requests : 1e3;
    hf_cpu_each_t each = {.client_us = (double)(to->client_ns - from->client_ns) / per};
    each.nodes = to->nodes > 0 && to->leader != 0 && to->leader == from->leader;
    uint64_t leader_ns = 0, followers_ns = 0;
    for (uint32_t id = 1; each.nodes && id <= to->nodes; id++) {
        uint64_t before_ns = from->node_ns[id - 1], after_ns = to->node_ns[id - 1];
        each.nodes = before_ns > 0 && after_ns >= before_ns; //  the same process, and there
        *(id == to->leader ? &leader_ns : &followers_ns) += after_ns - before_ns;
    }
    each.leader_us = (double)leader_ns / per;
    if (to->nodes > 1)
        each.follower_us = (double)followers_ns / per / (to->nodes - 1);
    return each;
}

json_t *
hf_cpu_json (const hf_cpu_each_t *self)
{
    if (!self->nodes)
        return json_pack ("{s:f}", "client", self->client_us);
    return json_pack ("{s:f, s:f, s:f}", "leader", self->leader_us, "follower", self->follower_us,
                      "client", self->client_us);
}

void
hf_cpu_print (const hf_cpu_each_t *self)
{
    if (self->nodes)
        printf ("processor time for each request: leader %.2f us, a follower %.2f us, client %.2f "
                "us\n",
                self->leader_us, self->follower_us, self->client_us);
    else
        printf ("processor time for each request: client %.2f us\n", self->client_us);
}
