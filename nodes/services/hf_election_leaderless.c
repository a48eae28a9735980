//  A cluster without a leader serves nobody: the log says so, who is missing, and when it is over.

#include "nodes/services/hf_election_private.h"
#include <inttypes.h>

#define QUIET_US 3000000  //  an election takes less
#define AGAIN_US 60000000 //  between two lines

static void
s_say_alone (hf_election_service_t *self, uint64_t for_us)
{
    char text[HF_MEMBERS_MAX * 12];
    uint64_t links = hf_core_view (self->core).links;
    uint64_t missing = hf_election_voters (self) & ~links;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++) {
        if (hf_core_member (self->core, i) == self->config.core.self)
            missing &= ~(1ULL << i);
    }
    uint64_t count = hf_election_nodes_text (self, missing, text, sizeof text);
    hf_outbox_say (&self->out, HF_ERROR, "nobody has led for %" PRIu64 " s: %s%s", for_us / 1000000,
                   count > 0 ? "no link to node " : "all voters are connected to this node", text);
}

void
hf_election_watch_leader (hf_election_service_t *self)
{
    hf_core_brief_t brief = hf_core_brief (self->core);
    uint32_t leader = brief.leader;
    if (leader != 0 && (leader != self->led_by || brief.term != self->led_term)) {
        self->led_by = leader;
        self->led_term = brief.term;
        self->led_us = self->now_us;
    }
    if (leader != 0) {
        if (self->leaderless_told_us != 0)
            hf_outbox_say (&self->out, HF_WARN,
                           "node %" PRIu32 " leads, after %" PRIu64 " s without a leader", leader,
                           (self->now_us - self->leaderless_us) / 1000000);
        self->leaderless_us = self->leaderless_told_us = 0;
        return;
    }
    if (self->leaderless_us == 0)
        self->leaderless_us = self->now_us;
    //  With an empty log it waits for a cluster to form: who is missing then is another line.
    bool due =
        self->now_us >= (self->leaderless_told_us == 0 ? self->leaderless_us + QUIET_US
                                                       : self->leaderless_told_us + AGAIN_US);
    if (!due || brief.last_index == 0)
        return;
    self->leaderless_told_us = self->now_us;
    s_say_alone (self, self->now_us - self->leaderless_us);
}
