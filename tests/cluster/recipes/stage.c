//  Nodes for the tests of the recipes, and calls that block.

#include "tests/cluster/recipes/stage.h"

stage_t g_stage;

static int
s_begin (unsigned nodes)
{
    g_stage.cluster = hf_cluster_new (nodes);
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (g_stage.cluster);
    g_stage.client = hf_client_new (&options, NULL);
    return g_stage.client && hf_cluster_begin (g_stage.cluster) ? 0 : -1;
}

int
stage_begin (void **state)
{
    (void)state;
    return s_begin (1);
}

int
stage_begin_three (void **state)
{
    (void)state;
    return s_begin (3);
}

int
stage_end (void **state)
{
    (void)state;
    hf_client_destroy (&g_stage.client);
    bool passed = hf_cluster_passed (g_stage.cluster);
    hf_cluster_destroy (&g_stage.cluster);
    return passed ? 0 : -1;
}

int
stage_open (void **state)
{
    (void)state;
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.ttl_ms = 60000;
    options.label = "party";
    for (int i = 0; i < PARTIES; i++)
        if (hf_session_open (g_stage.client, &options, LIMIT_MS, &g_stage.session[i]) != HF_OK)
            return -1;
    return 0;
}

int
stage_close (void **state)
{
    (void)state;
    for (int i = 0; i < PARTIES; i++)
        if (g_stage.session[i])
            hf_session_close (&g_stage.session[i], LIMIT_MS);
    return 0;
}

static void
s_count (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    hf_lock_info_t *info = arg;
    (void)place;
    *info = *lock;
}

static hf_lock_info_t
s_info (const char *lock)
{
    hf_lock_info_t info = {.lock = NULL};
    hf_query_lock (g_stage.client, lock, s_count, &info, LIMIT_MS);
    return info;
}

void
stage_wait_holders (const char *lock, uint64_t holders)
{
    assert_true (HF_WAIT (s_info (lock).holders == holders, LIMIT_MS));
}

void
stage_wait_waiters (const char *lock, uint64_t waiters)
{
    assert_true (HF_WAIT (s_info (lock).waiters == waiters, LIMIT_MS));
}

static void *
s_run (void *arg)
{
    call_t *self = arg;
    self->status = self->fn (self->recipe);
    return NULL;
}

void
call_begin (call_t *self, call_fn *fn, void *recipe)
{
    *self = (call_t){.fn = fn, .recipe = recipe};
    assert_int_equal (pthread_create (&self->thread, NULL, s_run, self), 0);
}

hf_status_t
call_end (call_t *self)
{
    pthread_join (self->thread, NULL);
    return self->status;
}
