//  A cluster, up to four clients and their networks.

#include "tests/scenarios/stage.h"
#include "base/hf_alloc.h"

//  ---- set up, clear away ---------------------------------------------------------------

int
stage_setup (void **state)
{
    *state = hf_alloc (sizeof (stage_t));
    return 0;
}

int
stage_teardown (void **state)
{
    stage_t *self = *state;
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        hf_script_destroy (&self->client[i]);
        hf_proxy_destroy (&self->network[i]);
    }
    hf_cluster_destroy (&self->cluster);
    free (self);
    return 0;
}

stage_t *
stage_begin (void *state, unsigned nodes, unsigned networks, const uint32_t *ttl_ms)
{
    stage_t *self = state;
    self->cluster = hf_cluster_new (nodes);
    assert_true (hf_cluster_begin (self->cluster));
    for (unsigned i = 1; i <= networks; i++)
        self->network[i] = hf_proxy_new (self->cluster);
    for (unsigned i = 1; i <= CLIENTS_MAX && ttl_ms[i - 1]; i++)
        stage_client (self, i, ttl_ms[i - 1]);
    return self;
}

hf_script_t *
stage_client (stage_t *self, unsigned i, uint32_t ttl_ms)
{
    assert_in_range (i, 1, CLIENTS_MAX);
    const char *names[] = {"", "client-1", "client-2", "client-3", "client-4"};
    const char *list = self->network[i] ? hf_proxy_endpoints (self->network[i])
                                        : hf_cluster_endpoints (self->cluster);
    self->client[i] = hf_script_new (names[i], list, hf_cluster_dir (self->cluster));
    MUST (self->client[i], "open %u", ttl_ms);
    return self->client[i];
}

void
stage_end (stage_t *self, const char *files, const char *content)
{
    char file[16];
    for (int used = 0; sscanf (files, "%15s%n", file, &used) == 1; files += used)
        assert_true (hf_cluster_wait_file (self->cluster, file, content, HF_CLUSTER_LIMIT_MS));
    assert_true (hf_cluster_wait_equal (self->cluster, HF_CLUSTER_LIMIT_MS));
    for (unsigned i = 1; i <= CLIENTS_MAX; i++) {
        if (self->client[i])
            assert_true (hf_script_finish (self->client[i]));
    }
    assert_true (hf_cluster_passed (self->cluster));
}

//  ---- steps ----------------------------------------------------------------------------------

void
must_write (hf_script_t *client, const char *file, const char *letters)
{
    for (; *letters; letters++)
        MUST (client, "append L %s %c", file, *letters);
    MUST (client, "release L");
}

void
must_queue (stage_t *self, hf_script_t *client)
{
    hf_script_say (client, "acquire L");
    assert_true (hf_cluster_wait_waiters (self->cluster, "L", 1, HF_CLUSTER_LIMIT_MS));
}

hf_script_result_t
must_hear (hf_script_t *client)
{
    hf_script_result_t result = hf_script_hear (client);
    assert_int_equal (result.status, HF_OK);
    return result;
}

hf_lock_view_t
stage_lock (stage_t *self)
{
    hf_lock_view_t view;
    assert_true (hf_cluster_wait_lock (self->cluster, "L", &view, HF_CLUSTER_LIMIT_MS));
    return view;
}

uint64_t
stage_term (stage_t *self)
{
    uint64_t term = 0;
    for (uint32_t id = 1; id <= hf_cluster_count (self->cluster); id++) {
        hf_node_status_t status;
        if (hf_cluster_status (self->cluster, id, &status) && status.term > term)
            term = status.term;
    }
    assert_true (term > 0);
    return term;
}

silence_start_t
stage_silence_begins (stage_t *self)
{
    uint64_t term = stage_term (self);
    return (silence_start_t){.at_ms = hf_wait_now_ms (), .term = term};
}

hf_script_result_t
must_hear_in_time (stage_t *self, hf_script_t *client, silence_start_t start, uint32_t ttl_ms)
{
    hf_script_result_t result = must_hear (client);
    uint64_t took_ms = hf_wait_now_ms () - start.at_ms;
    uint64_t leaders = 1 + stage_term (self) - start.term;
    assert_in_range (took_ms, 0, leaders * (ttl_ms + 1000));
    return result;
}

bool
says_not_holder (hf_status_t status)
{
    return status == HF_LOST || status == HF_NOT_HOLDER || status == HF_SESSION_EXPIRED;
}

void
must_find_lost (hf_script_t *client, const char *file)
{
    hf_script_result_t result = hf_script_do (client, "append L %s A", file);
    if (!says_not_holder (result.status))
        fail_msg ("an append without the lock was answered %s", hf_status_name (result.status));
    assert_true (HF_WAIT (hf_script_losses (client) > 0, HF_CLUSTER_LIMIT_MS));
}
