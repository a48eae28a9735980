//  What nodes say of themselves and of the locks, asked with a bare socket.

#include "tests/cluster/harness/hf_cluster_internal.h"
#include "tests/cluster/harness/hf_probe.h"
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define ASK_LIMIT_MS 5000 //  a disk under load may hold a node up for a second or two
#define ASK_SLOW_MS  1000 //  worth a line for people

//  ---- status of one node ---------------------------------------------------------

/*  Where the number of a fact goes. */
static const struct {
    const char *key;
    size_t offset;
} s_numbers[] = {
#define NUMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(hf_node_status_t, name)                                                    \
    }
    NUMBER (term),         NUMBER (last_index),
    NUMBER (commit_index), NUMBER (applied_index),
    NUMBER (state_hash),   NUMBER (command_index),
    NUMBER (sessions),     NUMBER (locks),
    NUMBER (clients),      NUMBER (staged_bytes),
    NUMBER (links_up),     NUMBER (dropped_frames),
    NUMBER (uptime_ms),    NUMBER (dropped_peer_frames),
    NUMBER (first_index),  NUMBER (flushed_index),
    NUMBER (not_counted),
#undef NUMBER
};

static void
s_take_fact (hf_node_status_t *status, const hf_fact_row_t *fact)
{
    if (hf_span_equal (fact->key, hf_span_text ("node")))
        status->node = (uint32_t)fact->number;
    if (hf_span_equal (fact->key, hf_span_text ("leader")))
        status->leader = (uint32_t)fact->number;
    if (hf_span_equal (fact->key, hf_span_text ("role")))
        snprintf (status->role, sizeof status->role, "%.*s", (int)fact->text.size,
                  (const char *)fact->text.at);
    for (size_t i = 0; i < sizeof s_numbers / sizeof s_numbers[0]; i++) {
        if (hf_span_equal (fact->key, hf_span_text (s_numbers[i].key)))
            memcpy ((char *)status + s_numbers[i].offset, &fact->number, sizeof fact->number);
    }
}

/*  Whether the node can be asked at all: a stopped one would let us wait in vain. */
static bool
s_can_answer (hf_cluster_t *self, uint32_t id)
{
    return hf_cluster_running (self, id) &&
           !hf_process_stopped (hf_cluster_node (self, id)->process);
}

/*  One query to one node, on a connection of its own; for people, a line when that was slow. */
static bool
s_ask (hf_cluster_t *self, hf_probe_t *probe, uint32_t id, uint32_t what, const char *name,
       hf_query_result_t *result)
{
    uint64_t start_ms = hf_wait_now_ms ();
    bool told = hf_probe_query (probe, what, name, result, ASK_LIMIT_MS);
    uint64_t took_ms = hf_wait_now_ms () - start_ms;
    if (took_ms > ASK_SLOW_MS && hf_cluster_running (self, id))
        fprintf (stderr, "harness: node %u %s a query %u after %u ms\n", id,
                 told ? "answered" : "did not answer", what, (unsigned)took_ms);
    return told;
}

bool
hf_cluster_status (hf_cluster_t *self, uint32_t id, hf_node_status_t *status)
{
    *status = (hf_node_status_t){0};
    if (!s_can_answer (self, id))
        return false;
    hf_probe_t *probe =
        hf_probe_new_to (hf_cluster_address (self, id), hf_cluster_client_port (self, id));
    hf_query_result_t result;
    bool told = s_ask (self, probe, id, HF_WHAT_STATUS, "", &result) && result.status == HF_OK;
    if (told) {
        hf_scan_t scan = hf_scan_list (result.rows);
        hf_fact_row_t fact;
        while (!hf_scan_at_end (&scan) && hf_fact_row_get (&scan, &fact))
            s_take_fact (status, &fact);
    }
    hf_probe_destroy (&probe);
    return told;
}

//  ---- the leader ---------------------------------------------------------------------

uint32_t
hf_cluster_leader (hf_cluster_t *self)
{
    uint32_t leader = 0;
    uint64_t term = 0;
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_node_status_t status;
        if (hf_cluster_status (self, id, &status) && strcmp (status.role, "leader") == 0 &&
            status.term > term) {
            leader = id;
            term = status.term;
        }
    }
    return leader;
}

typedef struct leader_wait {
    hf_cluster_t *cluster;
    uint32_t wanted; //  0: any
    uint32_t found;
} leader_wait_t;

static bool
s_has_leader (void *arg)
{
    leader_wait_t *wait = arg;
    wait->found = hf_cluster_leader (wait->cluster);
    if (wait->found == 0 || (wait->wanted != 0 && wait->wanted != wait->found))
        return false;
    for (uint32_t id = 1; id <= wait->cluster->count; id++) {
        hf_node_status_t status;
        if (s_can_answer (wait->cluster, id) &&
            (!hf_cluster_status (wait->cluster, id, &status) || status.leader != wait->found))
            return false;
    }
    return true;
}

uint32_t
hf_cluster_wait_leader (hf_cluster_t *self, uint32_t limit_ms)
{
    leader_wait_t wait = {.cluster = self};
    return hf_wait_for (s_has_leader, &wait, limit_ms) ? wait.found : 0;
}

bool
hf_cluster_wait_leader_is (hf_cluster_t *self, uint32_t id, uint32_t limit_ms)
{
    leader_wait_t wait = {.cluster = self, .wanted = id};
    return hf_wait_for (s_has_leader, &wait, limit_ms);
}

//  ---- equal state ----------------------------------------------------------------------

static bool
s_all_equal (void *arg)
{
    hf_cluster_t *self = arg;
    hf_node_status_t first;
    for (uint32_t id = 1; id <= self->count; id++) {
        hf_node_status_t status;
        if (!hf_cluster_status (self, id, &status))
            return false;
        if (id == 1)
            first = status;
        if (status.applied_index != first.applied_index || status.state_hash != first.state_hash)
            return false;
    }
    return true;
}

bool
hf_cluster_wait_equal (hf_cluster_t *self, uint32_t limit_ms)
{
    return hf_wait_for (s_all_equal, self, limit_ms);
}

//  ---- locks ------------------------------------------------------------------------------

static bool
s_ask_lock (hf_cluster_t *self, uint32_t id, const char *lock, hf_lock_view_t *view)
{
    hf_probe_t *probe =
        hf_probe_new_to (hf_cluster_address (self, id), hf_cluster_client_port (self, id));
    hf_query_result_t result;
    bool told = s_ask (self, probe, id, HF_WHAT_LOCK, lock, &result) &&
                (result.status == HF_OK || result.status == HF_NOT_FOUND);
    if (told && result.status == HF_OK) {
        hf_scan_t scan = hf_scan_list (result.rows);
        hf_lock_row_t row;
        hf_holder_row_t hold;
        told = hf_lock_row_get (&scan, &row) && hf_holder_row_get (&scan, &hold);
        if (told)
            *view = (hf_lock_view_t){.holder = hold.session,
                                     .token = hold.token,
                                     .waiters = row.waiters,
                                     .staged = hold.staged};
    }
    hf_probe_destroy (&probe);
    return told;
}

bool
hf_cluster_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view)
{
    *view = (hf_lock_view_t){0};
    for (uint32_t id = 1; id <= self->count; id++) {
        if (s_can_answer (self, id) && s_ask_lock (self, id, lock, view))
            return true;
    }
    return false;
}

typedef struct lock_wait {
    hf_cluster_t *cluster;
    const char *lock;
    hf_lock_view_t *view;
} lock_wait_t;

static bool
s_has_view (void *arg)
{
    lock_wait_t *wait = arg;
    return hf_cluster_lock (wait->cluster, wait->lock, wait->view);
}

bool
hf_cluster_wait_lock (hf_cluster_t *self, const char *lock, hf_lock_view_t *view, uint32_t limit_ms)
{
    lock_wait_t wait = {.cluster = self, .lock = lock, .view = view};
    return hf_wait_for (s_has_view, &wait, limit_ms);
}

typedef struct waiters_wait {
    hf_cluster_t *cluster;
    const char *lock;
    uint64_t waiters;
} waiters_wait_t;

static bool
s_has_waiters (void *arg)
{
    waiters_wait_t *wait = arg;
    hf_lock_view_t view;
    return hf_cluster_lock (wait->cluster, wait->lock, &view) && view.waiters == wait->waiters;
}

bool
hf_cluster_wait_waiters (hf_cluster_t *self, const char *lock, uint64_t waiters, uint32_t limit_ms)
{
    waiters_wait_t wait = {.cluster = self, .lock = lock, .waiters = waiters};
    return hf_wait_for (s_has_waiters, &wait, limit_ms);
}
