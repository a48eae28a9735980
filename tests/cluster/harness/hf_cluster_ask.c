//  Status of nodes and locks, asked with a bare socket.

#include "tests/cluster/harness/hf_cluster_internal.h"
#include "tests/cluster/harness/hf_probe.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ASK_LIMIT_MS 5000 //  a disk under load may hold a node up for a second or two
#define ASK_SLOW_MS  1000 //  reported on stderr

//  ---- status of one node ---------------------------------------------------------

static void
s_take_fact (hf_node_status_t *status, const hf_fact_row_t *fact)
{
#define NUMBER(name)                                                                               \
    if (hf_span_equal (fact->key, hf_span_text (#name)))                                           \
        status->name = (__typeof__ (status->name))fact->number;
    NUMBER (node)
    NUMBER (leader)
    NUMBER (term)
    NUMBER (first_index)
    NUMBER (flushed_index)
    NUMBER (last_index)
    NUMBER (commit_index)
    NUMBER (applied_index)
    NUMBER (command_index)
    NUMBER (state_hash)
    NUMBER (sessions)
    NUMBER (locks)
    NUMBER (staged_bytes)
    NUMBER (links_up)
    NUMBER (not_counted)
    NUMBER (level)
    NUMBER (speaks)
    NUMBER (dropped_frames)
    NUMBER (dropped_peer_frames)
#undef NUMBER
    if (hf_span_equal (fact->key, hf_span_text ("role")))
        snprintf (status->role, sizeof status->role, "%.*s", (int)fact->text.size,
                  (const char *)fact->text.at);
}

/*  Whether the node can be asked at all: a stopped node never answers. */
static bool
s_can_answer (hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_running (self, id) &&
           !hf_process_stopped (hf_cluster_node (self, id)->process);
}

/*  A line on stderr when node ID took long to answer. */
static void
s_report_slow (hf_cluster_t *self, uint32_t id, uint64_t start_ms, bool answered)
{
    uint64_t took_ms = hf_wait_now_ms () - start_ms;
    if (took_ms > ASK_SLOW_MS && hf_cluster_running (self, id))
        fprintf (stderr, "cluster: node %u %s a query after %u ms\n", id,
                 answered ? "answered" : "did not answer", (unsigned)took_ms);
}

bool
hf_status_ask (const char *address, uint16_t port, hf_node_status_t *status, uint32_t limit_ms)
{
    *status = (hf_node_status_t){0};
    hf_probe_t *probe = hf_probe_new (address, port);
    hf_query_result_t result;
    bool answered =
        hf_probe_query (probe, HF_WHAT_STATUS, "", &result, limit_ms) && result.status == HF_OK;
    hf_scan_t scan = answered ? hf_scan_list (result.rows) : (hf_scan_t){0};
    hf_fact_row_t fact;
    while (answered && !hf_scan_at_end (&scan) && hf_fact_row_get (&scan, &fact))
        s_take_fact (status, &fact);
    hf_probe_destroy (&probe);
    return answered;
}

bool
hf_cluster_status (hf_cluster_t *self, uint32_t id, hf_node_status_t *status)
{
    *status = (hf_node_status_t){0};
    if (!s_can_answer (self, id))
        return false;
    uint64_t start_ms = hf_wait_now_ms ();
    bool answered = hf_status_ask (hf_cluster_address (self, id), hf_cluster_client_port (self, id),
                                   status, ASK_LIMIT_MS);
    s_report_slow (self, id, start_ms, answered);
    return answered;
}

//  ---- the leader ---------------------------------------------------------------------

uint32_t
hf_cluster_leader (hf_cluster_t *self)
{
    uint32_t leader = 0;
    uint64_t term = 0;
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_node_status_t status;
        if (!hf_cluster_apart (self, id) && hf_cluster_status (self, id, &status) &&
            strcmp (status.role, "leader") == 0 && status.term > term) {
            leader = id;
            term = status.term;
        }
    }
    return leader;
}

/*  The leader, as the leader and all nodes that can answer say; 0: they do not agree. */
static uint32_t
s_agreed_leader (hf_cluster_t *self)
{
    uint32_t leader = hf_cluster_leader (self);
    for (uint32_t id = 1; leader != 0 && id <= self->count; id++) {
        hf_node_status_t status;
        if (!hf_cluster_apart (self, id) && s_can_answer (self, id) &&
            (!hf_cluster_status (self, id, &status) || status.leader != leader))
            return 0;
    }
    return leader;
}

uint32_t
hf_cluster_wait_leader (hf_cluster_t *self, uint32_t limit_ms)
{
    uint32_t leader;
    return HF_WAIT ((leader = s_agreed_leader (self)) != 0, limit_ms) ? leader : 0;
}

bool
hf_cluster_begin (hf_cluster_t *self)
{
    return hf_cluster_start_all (self) &&
           HF_WAIT (s_agreed_leader (self) == 1, HF_CLUSTER_LIMIT_MS);
}

//  ---- equal state ----------------------------------------------------------------------

static bool
s_all_equal (hf_cluster_t *self)
{
    hf_node_status_t first;
    bool any = false;
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_node_status_t status;
        if (hf_cluster_apart (self, id))
            continue;
        if (!hf_cluster_status (self, id, &status))
            return false;
        first = any ? first : status;
        any = true;
        if (status.applied_index != first.applied_index || status.state_hash != first.state_hash)
            return false;
    }
    return true;
}

bool
hf_cluster_wait_equal (hf_cluster_t *self, uint32_t limit_ms)
{
    return HF_WAIT (s_all_equal (self), limit_ms);
}

//  ---- locks ------------------------------------------------------------------------------

static bool
s_ask_lock (hf_cluster_t *self, uint32_t id, const char *lock, hf_lock_view_t *view)
{
    hf_probe_t *probe =
        hf_probe_new (hf_cluster_address (self, id), hf_cluster_client_port (self, id));
    hf_query_result_t result;
    uint64_t start_ms = hf_wait_now_ms ();
    bool answered = hf_probe_query (probe, HF_WHAT_LOCK, lock, &result, ASK_LIMIT_MS);
    s_report_slow (self, id, start_ms, answered);
    answered = answered && (result.status == HF_OK || result.status == HF_NOT_FOUND);
    if (answered && result.status == HF_OK) {
        hf_scan_t scan = hf_scan_list (result.rows);
        hf_lock_row_t row;
        hf_holder_row_t hold;
        answered = hf_lock_row_get (&scan, &row) && hf_holder_row_get (&scan, &hold);
        if (answered)
            *view = (hf_lock_view_t){.holder = hold.session,
                                     .token = hold.token,
                                     .waiters = row.waiters,
                                     .staged = hold.staged};
    }
    hf_probe_destroy (&probe);
    return answered;
}

bool
hf_cluster_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view)
{
    *view = (hf_lock_view_t){0};
    for (uint32_t id = 1; id <= self->count; id++) {
        if (!hf_cluster_apart (self, id) && s_can_answer (self, id) &&
            s_ask_lock (self, id, lock, view))
            return true;
    }
    return false;
}

bool
hf_cluster_wait_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view, uint32_t limit_ms)
{
    return HF_WAIT (hf_cluster_lock (self, lock, view), limit_ms);
}

bool
hf_cluster_wait_waiters (hf_cluster_t *self, const char *lock, uint64_t waiters, uint32_t limit_ms)
{
    hf_lock_view_t view;
    return HF_WAIT (hf_cluster_lock (self, lock, &view) && view.waiters == waiters, limit_ms);
}
