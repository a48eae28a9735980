//  Who the members are, as clients ask for it; and what operators ask to change of them.
//
//  The roster is the election actor's. What is kept here is the last that it told. A change goes to
//  it as it came, and who asked waits for the verdict; a repetition has the same id, and is
//  answered where it came from last.

#include "msgs/hf_host.h"
#include "nodes/consensus/hf_core.h"
#include "nodes/services/hf_lock_private.h"

//  ---- the roster --------------------------------------------------------------------

/*  What compares tokens may have seen those of a cluster that was there before. The first command
 * of a leader, or the first at a level that has it, alone in its entry: as long as tokens are below
 * the floor. */
void
hf_lock_keep_floor (hf_lock_service_t *self)
{
    uint64_t last = hf_state_last_token (self->state), floor = self->config.token_floor;
    if (last >= floor || hf_lock_roster (self) == 0 || HF_MUTANT (floor_forgotten))
        return;
    hf_lock_close_entry (self, true);
    hf_cmd_skip_put (&self->commands, &(hf_cmd_skip_t){.by = floor - last});
    hf_lock_close_entry (self, true);
    hf_outbox_say (&self->out, HF_INFO, "tokens up to %" PRIu64 " are left out (--token-floor)",
                   floor);
}

void
hf_lock_take_roster (hf_lock_service_t *self, const hf_a_roster_t *in)
{
    hf_lock_members_t *members = &self->members;
    bool knew = hf_lock_roster (self) > 0;
    assert (in->index > 0 && in->roster.size <= sizeof members->bytes);
    members->index = in->index;
    memcpy (members->bytes, in->roster.at, in->roster.size);
    bool good = hf_roster_get (hf_span (members->bytes, in->roster.size), &members->roster);
    assert (good);
    if (!knew && self->leading && !HF_MUTANT (floor_left_out))
        hf_lock_keep_floor (self);
}

uint64_t
hf_lock_roster (const hf_lock_service_t *self)
{
    const hf_lock_members_t *members = &self->members;
    return members->roster.level > 0 && !HF_MUTANT (roster_index_untold) ? members->index : 0;
}

bool
hf_lock_is_stranger (const hf_lock_service_t *self)
{
    const hf_roster_t *roster = &self->members.roster;
    return roster->level > 0 && hf_roster_seat (roster, self->config.self) == NULL &&
           !HF_MUTANT (stranger_tells);
}

static void
s_result (hf_lock_service_t *self, const hf_route_t *route, const hf_query_result_t *result)
{
    hf_query_result_frame (&self->out.frame, result);
    hf_outbox_to_client (&self->out, route, 0);
}

void
hf_lock_query_members (hf_lock_service_t *self, const hf_reading_t *reading)
{
    const hf_roster_t *roster = &self->members.roster;
    hf_pack_reset (&self->rows);
    for (uint32_t i = 0; i < roster->count; i++) {
        const hf_seat_t *seat = &roster->members[i];
        hf_member_row_put (&self->rows,
                           &(hf_member_row_t){.node = seat->node,
                                              .host = seat->host,
                                              .client_port = seat->client_port,
                                              .node_port = seat->node_port,
                                              .votes = (seat->flags & HF_SEAT_VOTES) != 0,
                                              .joins = (seat->flags & HF_SEAT_JOINS) != 0,
                                              .leaves = (seat->flags & HF_SEAT_LEAVES) != 0,
                                              .incarnation = seat->incarnation,
                                              .drained = (seat->flags & HF_SEAT_DRAINED) != 0});
    }
    s_result (self, &reading->route,
              &(hf_query_result_t){.id = reading->id,
                                   .status = HF_OK,
                                   .index = self->members.index,
                                   .total = roster->count,
                                   .rows = hf_pack_list (&self->rows),
                                   .number = roster->level,
                                   .cluster = roster->cluster});
}

//  ---- changes ------------------------------------------------------------------------

static bool
s_port (uint32_t port)
{
    return port > 0 && port <= UINT16_MAX;
}

/*  Whether nodes will be able to read the place. HOST: as it goes into the log. */
static bool
s_place (const hf_change_request_t *change, char host[HF_HOST_MAX + 1])
{
    return (hf_host_read (change->host, host) == NULL || HF_MUTANT (any_host_taken)) &&
           s_port (change->client_port) && s_port (change->node_port) &&
           change->client_port != change->node_port;
}

/*  Whether the fields that its op needs are in their range. */
static hf_status_t
s_sound (const hf_change_request_t *change, char host[HF_HOST_MAX + 1])
{
    host[0] = 0;
    if (change->op < HF_CHANGE_ADD || change->op > HF_CHANGE_UNDRAIN || change->id == 0)
        return HF_BAD_REQUEST;
    if (change->op == HF_CHANGE_RAISE)
        return change->level > 0 ? HF_OK : HF_BAD_REQUEST;
    if (change->node == 0 || change->node > UINT16_MAX)
        return HF_BAD_REQUEST;
    if (change->op != HF_CHANGE_ADD && change->op != HF_CHANGE_MOVE)
        return HF_OK;
    return s_place (change, host) ? HF_OK : HF_BAD_PLACE;
}

/*  NULL: the election actor was not asked for it. */
static hf_changing_t *
s_changing (hf_lock_members_t *members, uint64_t id)
{
    for (uint32_t i = 0; i < members->changes_count; i++) {
        if (members->changes[i].id == id)
            return &members->changes[i];
    }
    return NULL;
}

static const char *const s_ops[] = {[HF_CHANGE_ADD] = "add node",
                                    [HF_CHANGE_REMOVE] = "remove node",
                                    [HF_CHANGE_MOVE] = "move node",
                                    [HF_CHANGE_PROMOTE] = "promote node",
                                    [HF_CHANGE_RAISE] = "raise the feature level to",
                                    [HF_CHANGE_LEAD] = "hand the lead to node",
                                    [HF_CHANGE_DRAIN] = "drain node",
                                    [HF_CHANGE_UNDRAIN] = "no longer drain node"};
static_assert (sizeof s_ops / sizeof *s_ops == HF_CHANGE_UNDRAIN + 1, "each has a name");

/*  What was asked, by whom as he says; what came of it is another line. */
static void
s_log (hf_lock_service_t *self, const hf_changing_t *changing, hf_span_t label)
{
    hf_span_t by = hf_state_label_valid (label) ? label : hf_span_text ("");
    hf_outbox_say (&self->out, HF_INFO, "asked to %s %" PRIu32 "%s%.*s (request %016" PRIx64 ")",
                   s_ops[changing->op], changing->number, by.size > 0 ? " by " : "", (int)by.size,
                   (const char *)by.at, changing->id);
}

void
hf_lock_change (hf_lock_service_t *self, const hf_route_t *route,
                const hf_change_request_t *message)
{
    hf_lock_members_t *members = &self->members;
    hf_changing_t *changing = s_changing (members, message->id);
    char host[HF_HOST_MAX + 1];
    hf_status_t status = s_sound (message, host);
    if (status != HF_OK) {
        s_result (self, route,
                  &(hf_query_result_t){
                      .id = message->id, .status = (uint32_t)status, .index = members->index});
        return;
    }
    if (!changing && members->changes_count == HF_CHANGES_MAX) {
        hf_lock_refuse_busy (self, route, true);
        return;
    }
    bool again = changing != NULL;
    if (!again)
        changing = &members->changes[members->changes_count++];
    bool raise = message->op == HF_CHANGE_RAISE;
    *changing = (hf_changing_t){.id = message->id,
                                .op = message->op,
                                .number = raise ? message->level : message->node,
                                .route = *route};
    if (!again)
        s_log (self, changing, message->by);
    hf_a_change_frame (&self->out.message, &(hf_a_change_t){.id = message->id,
                                                            .op = message->op,
                                                            .node = message->node,
                                                            .host = hf_span_text (host),
                                                            .client_port = message->client_port,
                                                            .node_port = message->node_port,
                                                            .learns = message->learns,
                                                            .force = message->force,
                                                            .level = message->level});
    hf_outbox_to_actor (&self->out, HF_TO_ELECTION);
}

static hf_status_t
s_status (uint32_t verdict)
{
    static const hf_status_t statuses[] = {[HF_VERDICT_DONE] = HF_OK,
                                           [HF_VERDICT_BUSY] = HF_CHANGING,
                                           [HF_VERDICT_NOT_LEADER] = HF_NOT_LEADER,
                                           [HF_VERDICT_LEVEL] = HF_LEVEL,
                                           [HF_VERDICT_NO_MEMBER] = HF_NO_MEMBER,
                                           [HF_VERDICT_ID_TAKEN] = HF_ID_TAKEN,
                                           [HF_VERDICT_PLACE_TAKEN] = HF_PLACE_TAKEN,
                                           [HF_VERDICT_FULL] = HF_MEMBERS_FULL,
                                           [HF_VERDICT_LAST] = HF_LAST_VOTER,
                                           [HF_VERDICT_NO_MAJORITY] = HF_NO_MAJORITY,
                                           [HF_VERDICT_NO_PLACE] = HF_NO_PLACE,
                                           [HF_VERDICT_CANNOT_LEAD] = HF_CANNOT_LEAD,
                                           [HF_VERDICT_ALL_DRAINED] = HF_ALL_DRAINED};
    assert (verdict >= HF_VERDICT_DONE && verdict <= HF_VERDICT_ALL_DRAINED);
    assert (verdict != HF_VERDICT_TAKEN);
    return statuses[verdict];
}

/*  The HTTP port says itself who asked for it there. */
static void
s_audit (hf_lock_service_t *self, const hf_changing_t *changing, hf_status_t status)
{
    if (hf_route_is_http (&changing->route) && !HF_MUTANT (http_told_twice))
        return;
    hf_outbox_say_of (&self->out, &changing->route, HF_INFO,
                      "audit: %s: %s %" PRIu32 ": %s, index %" PRIu64,
                      hf_lock_user (self, &changing->route), s_ops[changing->op], changing->number,
                      hf_status_text (status), self->members.index);
}

void
hf_lock_verdict (hf_lock_service_t *self, const hf_a_verdict_t *verdict)
{
    hf_lock_members_t *members = &self->members;
    hf_changing_t *changing = s_changing (members, verdict->id);
    if (!changing)
        return; //  of a leadership that is over
    hf_route_t route = changing->route;
    hf_status_t status = s_status (verdict->verdict);
    s_audit (self, changing, status);
    *changing = members->changes[--members->changes_count];
    if (status == HF_NOT_LEADER)
        hf_lock_send_away (self, &route);
    else
        s_result (self, &route,
                  &(hf_query_result_t){.id = verdict->id,
                                       .status = (uint32_t)status,
                                       .index = members->index,
                                       .number = members->roster.level});
}

void
hf_lock_drop_changes (hf_lock_service_t *self)
{
    hf_lock_members_t *members = &self->members;
    for (uint32_t i = 0; i < members->changes_count && !HF_MUTANT (change_left_waiting); i++) {
        const hf_changing_t *changing = &members->changes[i];
        if (!hf_route_is_http (&changing->route))
            hf_outbox_say_of (&self->out, &changing->route, HF_INFO,
                              "audit: %s: change of the members, request %016" PRIx64
                              ": this node leads no more, see the next leader's log",
                              hf_lock_user (self, &changing->route), changing->id);
        hf_lock_send_away (self, &changing->route);
    }
    members->changes_count = 0;
}
