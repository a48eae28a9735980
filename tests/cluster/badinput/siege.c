//  A cluster with a well-behaved client, which must not notice the attack.

#include "tests/cluster/badinput/siege.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GROWTH_MAX (64ULL << 20)

/*  A sanitized node keeps freed memory for a while: not so much that growth cannot be told. */
static void
s_quarantine_little (void)
{
    const char *options = getenv ("ASAN_OPTIONS");
    char text[1024];
    if (options && strstr (options, "quarantine_size_mb"))
        return;
    snprintf (text, sizeof text, "%s%squarantine_size_mb=4", options ? options : "",
              options ? ":" : "");
    setenv ("ASAN_OPTIONS", text, 1);
}

static bool
s_node_1_leads (void *arg)
{
    siege_t *self = arg;
    hf_node_status_t status;
    for (uint32_t id = 1; id <= self->nodes; id++) {
        if (!hf_cluster_status (self->cluster, id, &status) || status.leader != 1)
            return false;
    }
    return true;
}

siege_t *
siege_new (unsigned count, uint32_t running)
{
    s_quarantine_little ();
    siege_t *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->cluster = hf_cluster_new (count);
    self->nodes = running;
    return self;
}

void
siege_destroy (siege_t **self_p)
{
    siege_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    hf_script_destroy (&self->client);
    hf_cluster_destroy (&self->cluster);
    free (self);
}

void
siege_begin (siege_t *self)
{
    //  A cluster forms with all of its nodes; those that do not belong to the siege leave then.
    assert_true (hf_cluster_start_all (self->cluster));
    assert_true (hf_wait_for (s_node_1_leads, self, HF_CLUSTER_LIMIT_MS));
    for (uint32_t id = self->nodes + 1; id <= hf_cluster_count (self->cluster); id++)
        hf_cluster_kill (self->cluster, id);
    self->client = hf_script_new ("client", hf_cluster_endpoints (self->cluster),
                                  hf_cluster_dir (self->cluster));
    hf_script_result_t result = hf_script_do (self->client, "open 60000");
    assert_int_equal (result.status, HF_OK);
    self->session = result.value;
    result = hf_script_do (self->client, "acquire W");
    assert_int_equal (result.status, HF_OK);
    self->token = result.token;
    assert_int_equal (hf_script_do (self->client, "append W W 1").status, HF_OK);
    assert_true (hf_cluster_status (self->cluster, 1, &self->before));
    for (uint32_t id = 1; id <= self->nodes; id++)
        self->memory[id] = hf_cluster_memory (self->cluster, id);
}

static bool
s_is_as_before (void *arg)
{
    siege_t *self = arg;
    hf_node_status_t now;
    hf_lock_view_t view;
    return hf_cluster_status (self->cluster, 1, &now) &&
           hf_cluster_lock (self->cluster, "W", &view) && view.holder == self->session &&
           view.token == self->token && view.waiters == 0 && view.staged == 1 &&
           now.sessions == self->before.sessions && now.locks == self->before.locks &&
           now.staged_bytes == self->before.staged_bytes && now.leader == 1 &&
           now.term == self->before.term;
}

void
siege_must_stand (siege_t *self)
{
    for (uint32_t id = 1; id <= self->nodes; id++)
        assert_true (hf_cluster_running (self->cluster, id));
    assert_true (hf_wait_for (s_is_as_before, self, HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_script_losses (self->client, "W"), 0);
    for (uint32_t id = 1; id <= self->nodes; id++) {
        uint64_t memory = hf_cluster_memory (self->cluster, id);
        if (memory > self->memory[id] + GROWTH_MAX)
            fail_msg ("node %u grew from %llu to %llu bytes", id,
                      (unsigned long long)self->memory[id], (unsigned long long)memory);
    }
}

void
siege_must_be_untouched (siege_t *self)
{
    siege_must_stand (self);
    hf_node_status_t now;
    assert_true (hf_cluster_status (self->cluster, 1, &now));
    assert_int_equal (now.state_hash, self->before.state_hash);
    assert_int_equal (now.command_index, self->before.command_index);
}

void
siege_end (siege_t *self)
{
    assert_int_equal (hf_script_do (self->client, "append W W 2").status, HF_OK);
    assert_int_equal (hf_script_do (self->client, "release W").status, HF_OK);
    assert_int_equal (hf_script_do (self->client, "close").status, HF_OK);
    assert_true (hf_script_finish (self->client, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_start_all (self->cluster));
    assert_true (hf_cluster_wait_file (self->cluster, "W", "12", HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_equal (self->cluster, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_passed (self->cluster));
}

uint64_t
siege_dropped (siege_t *self)
{
    hf_node_status_t now;
    assert_true (hf_cluster_status (self->cluster, 1, &now));
    return now.dropped_frames + now.dropped_peer_frames;
}
