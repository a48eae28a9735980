//  The log kept short, and the whole state for nodes that were away for longer than it goes back.

#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_election_internal.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/actors/hf_report.h"
#include "nodes/actors/hf_takeover.h"
#include <assert.h>

#define PRUNE_STEP      256      //  entries deleted in one transaction
#define HOLD_US         60000000 //  pruning waits so long for a node that took the state over
#define FORMING_TOLD_US 2000000  //  between two lines about who is missing
#define FILE_MESSAGES   64       //  of the file actor in a turn

void
hf_election_prune (hf_election_t *self)
{
    if (!self->prunes || !self->started)
        return;
    assert (self->effects.messages_count == 0 && self->effects.persists_count == 0);
    uint64_t upto = self->flushed;
    if (hf_clock_us () < self->held_until_us && self->held_index < upto)
        upto = self->held_index;
    hf_log_store_t *store = self->args->store;
    int count = hf_log_store_prune (store, upto, self->args->log_keep, PRUNE_STEP);
    if (count < 0)
        hf_die ("cannot write the log: %s", hf_log_store_error (store));
    self->prunes = count == PRUNE_STEP;
    if (count == 0)
        return;
    hf_event_t event = {.type = HF_EV_PRUNED, .pruned.index = hf_log_store_first_index (store) - 1};
    hf_election_step (self, &event);
}

void
hf_election_needs_state (hf_election_t *self, uint64_t term, uint32_t leader)
{
    if (leader == 0 && !self->needs_state)
        return;
    self->needs_state = leader != 0;
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_a_needs_state_frame (&frame, &(hf_a_needs_state_t){.term = term, .leader = leader});
    hf_pipe_send (self->args->file, &frame);
    hf_pack_done (&frame);
}

/*  A cluster forms once, with everybody: who is missing is what somebody will want to know. A node
 *  that lost its disk and hears nobody cannot tell the one from the other. */
void
hf_election_watch_forming (hf_election_t *self, uint64_t now_us)
{
    if (self->missing == 0 || now_us < self->missing_told_us + FORMING_TOLD_US)
        return;
    self->missing_told_us = now_us;
    const hf_core_config_t *config = &self->args->config;
    char text[HF_MEMBERS_MAX * 12] = "";
    for (uint32_t i = 0; i < config->members_count; i++) {
        size_t used = strlen (text);
        if (self->missing >> i & 1)
            snprintf (text + used, sizeof text - used, " %u", config->members[i]);
    }
    hf_report (HF_WARN,
               "has no log and hears no leader. A new cluster forms once all of its nodes are up; "
               "missing:%s",
               text);
}

static bool
s_is_peer (const hf_election_t *self, uint32_t node)
{
    const hf_core_config_t *config = &self->args->config;
    for (uint32_t i = 0; i < config->members_count; i++)
        if (config->members[i] == node)
            return node != config->self;
    return false;
}

/*  Only a leader sends its state, which is the newest; what is applied is committed. Also before
 * its term is open: that may need the very node that asks. */
static bool
s_ask_is_good (const hf_election_t *self, const hf_state_ask_t *ask)
{
    hf_core_view_t view = hf_core_view (self->core);
    return s_is_peer (self, ask->from) && ask->to == self->args->config.self &&
           view.role == HF_LEADER && ask->term == view.term;
}

static bool
s_part_is_good (const hf_election_t *self, const hf_state_part_t *part)
{
    hf_core_view_t view = hf_core_view (self->core);
    return self->needs_state && part->from == view.leader && part->term == view.term &&
           part->to == self->args->config.self && part->id != 0 && part->total <= INT64_MAX &&
           part->offset <= part->total && part->data.size <= HF_TAKEOVER_PART &&
           part->data.size <= part->total - part->offset && part->data.size > 0;
}

bool
hf_election_state_from_peer (hf_election_t *self, hf_span_t bytes)
{
    hf_scan_t scan;
    uint32_t kind;
    if (hf_frame_open (bytes.at, bytes.size, &scan, &kind) != HF_OK ||
        (kind != HF_KIND_STATE_ASK && kind != HF_KIND_STATE_PART))
        return false;
    hf_state_ask_t ask;
    hf_state_part_t part;
    bool good = kind == HF_KIND_STATE_ASK
                    ? hf_state_ask_get (&scan, &ask) && s_ask_is_good (self, &ask)
                    : hf_state_part_get (&scan, &part) && s_part_is_good (self, &part);
    if (!good) {
        self->dropped++;
        return true;
    }
    hf_pack_t frame;
    hf_pack_init (&frame);
    //  The snapshot that is made now is not older than what is flushed: until its first part tells
    //  how far it goes, nothing behind that may be pruned.
    if (kind == HF_KIND_STATE_ASK) {
        if (hf_clock_us () >= self->held_until_us)
            self->held_index = self->flushed;
        self->held_until_us = hf_clock_us () + HOLD_US;
        hf_state_ask_frame (&frame, &ask);
    } else
        hf_state_part_frame (&frame, &part);
    hf_pipe_send (self->args->file, &frame);
    hf_pack_done (&frame);
    return true;
}

void
hf_election_drain_file (hf_election_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind;
    for (int i = 0; i < FILE_MESSAGES && hf_pipe_next (self->args->file, &message, &scan, &kind);
         i++) {
        hf_state_ask_t ask;
        hf_state_part_t part;
        hf_a_flushed_t flushed;
        uint32_t to = 0;
        if (kind == HF_KIND_A_FLUSHED && hf_a_flushed_get (&scan, &flushed)) {
            self->flushed = flushed.index;
            self->prunes = true;
            continue;
        }
        if (kind == HF_KIND_STATE_ASK && hf_state_ask_get (&scan, &ask))
            to = ask.to;
        if (kind == HF_KIND_STATE_PART && hf_state_part_get (&scan, &part)) {
            to = part.to;
            self->held_index = part.index;
            self->held_until_us = hf_clock_us () + HOLD_US;
        }
        assert (to != 0);
        hf_mesh_send (self->args->mesh, to, zmq_msg_data (&message), zmq_msg_size (&message));
    }
    zmq_msg_close (&message);
}
