//  A cluster with a well-behaved client, and the checks after an attack.

#include "tests/cluster/badinput/siege.h"
#include "base/hf_alloc.h"

#define GROWTH_MAX (64ULL << 20)
/*  A sanitized node keeps freed memory for a while: little enough that growth still shows. */
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

static void
s_begin (siege_t *self, unsigned nodes)
{
    s_quarantine_little ();
    self->cluster = hf_cluster_new (nodes);
    //  A cluster forms with all of its nodes; those that do not belong to the siege leave then.
    assert_true (hf_cluster_begin (self->cluster));
    for (uint32_t id = self->running + 1; id <= nodes; id++)
        hf_cluster_kill (self->cluster, id);
    self->client = hf_script_new ("client", hf_cluster_endpoints (self->cluster),
                                  hf_cluster_dir (self->cluster));
    self->session = MUST (self->client, "open 60000").value;
    self->token = MUST (self->client, "acquire W").token;
    MUST (self->client, "append W W 1");
    assert_true (hf_cluster_status (self->cluster, 1, &self->before));
    for (uint32_t id = 1; id <= self->running; id++)
        self->memory[id] = hf_cluster_memory (self->cluster, id);
}

static bool
s_is_as_before (siege_t *self)
{
    hf_node_status_t now;
    hf_lock_view_t view;
    return hf_cluster_status (self->cluster, 1, &now) &&
           hf_cluster_lock (self->cluster, "W", &view) && view.holder == self->session &&
           view.token == self->token && view.waiters == 0 && view.staged == 1 &&
           now.sessions == self->before.sessions && now.locks == self->before.locks &&
           now.staged_bytes == self->before.staged_bytes && now.leader == 1 &&
           now.term == self->before.term;
}

static void
s_must_stand (siege_t *self)
{
    for (uint32_t id = 1; id <= self->running; id++)
        assert_true (hf_cluster_running (self->cluster, id));
    assert_true (HF_WAIT (s_is_as_before (self), HF_CLUSTER_LIMIT_MS));
    assert_int_equal (hf_script_losses (self->client), 0);
    for (uint32_t id = 1; id <= self->running; id++) {
        uint64_t memory = hf_cluster_memory (self->cluster, id);
        if (memory > self->memory[id] + GROWTH_MAX)
            fail_msg ("node %u grew from %llu to %llu bytes", id,
                      (unsigned long long)self->memory[id], (unsigned long long)memory);
    }
}

void
siege_must_be_untouched (siege_t *self)
{
    s_must_stand (self);
    hf_node_status_t now;
    assert_true (hf_cluster_status (self->cluster, 1, &now));
    assert_int_equal (now.state_hash, self->before.state_hash);
    assert_int_equal (now.command_index, self->before.command_index);
}

/*  The client ends its section, all nodes have it, and stop cleanly. */
static void
s_end (siege_t *self)
{
    MUST (self->client, "append W W 2");
    MUST (self->client, "release W");
    MUST (self->client, "close");
    assert_true (hf_script_finish (self->client));
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

hf_probe_t *
siege_probe (siege_t *self, uint32_t id)
{
    return hf_probe_new ("127.0.0.1", hf_cluster_client_port (self->cluster, id));
}

//  ---- tests ------------------------------------------------------------------------------

int
siege_tear_down (void **state)
{
    siege_t *self = *state;
    hf_script_destroy (&self->client);
    hf_cluster_destroy (&self->cluster);
    free (self);
    return 0;
}

void
siege_play (void **state, unsigned nodes, uint32_t running, bool executes,
            void (*attack) (siege_t *))
{
    siege_t *self = *state = hf_alloc (sizeof *self);
    self->running = running;
    s_begin (self, nodes);
    attack (self);
    if (executes)
        s_must_stand (self);
    else
        siege_must_be_untouched (self);
    s_end (self);
}
