/*  Scenario 6d: a semaphore of 3 with ten workers, across the death of the leader: never more than
 *  three hold it, and three do whenever others wait; as the leader says, and as the workers see. */

#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_probe.h"
#include "tests/kit/hf_test.h"
#include <pthread.h>
#include <stdatomic.h>

enum { UNITS = 3, WORKERS = 10, GRANTS = 100, LOOKS = 5 };

typedef struct crowd {
    hf_client_t *client;
    atomic_int inside, most;
    atomic_uint granted, failed;
    atomic_bool stop;
} crowd_t;

//  ---- workers ------------------------------------------------------------------------------

/*  Once: true when it was granted and released. */
static bool
s_enter (crowd_t *self, hf_session_t *session)
{
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.mode = HF_MODE_SHARED;
    options.limit = UNITS;
    hf_grant_t grant;
    if (hf_acquire_as (session, "S", &options, HF_CLUSTER_LIMIT_MS, &grant) != HF_OK)
        return false;
    int inside = atomic_fetch_add (&self->inside, 1) + 1, most = atomic_load (&self->most);
    while (inside > most && !atomic_compare_exchange_weak (&self->most, &most, inside))
        ;
    atomic_fetch_add (&self->granted, 1);
    atomic_fetch_sub (&self->inside, 1);
    return hf_release (session, "S", grant.token, HF_CLUSTER_LIMIT_MS) == HF_OK;
}

static void *
s_work (void *arg)
{
    crowd_t *self = arg;
    hf_session_t *session = NULL;
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.ttl_ms = 20000;
    bool good = hf_session_open (self->client, &options, HF_CLUSTER_LIMIT_MS, &session) == HF_OK;
    while (good && !atomic_load (&self->stop))
        good = s_enter (self, session);
    atomic_fetch_add (&self->failed, !good);
    if (session)
        hf_session_close (&session, HF_CLUSTER_LIMIT_MS);
    return NULL;
}

//  ---- what the leader says -------------------------------------------------------------------

/*  Ask the node ID, when it leads. Gives whether there was demand. */
static bool
s_look (hf_cluster_t *cluster, uint32_t id)
{
    hf_probe_t *probe =
        hf_probe_new (hf_cluster_address (cluster, id), hf_cluster_client_port (cluster, id));
    hf_query_result_t result;
    hf_lock_row_t row = {.holders = 0};
    if (hf_probe_query (probe, HF_WHAT_LOCK, "S", &result, 1000) && result.status == HF_OK) {
        hf_scan_t scan = hf_scan_list (result.rows);
        assert_true (hf_lock_row_get (&scan, &row));
        assert_int_equal (row.limit, UNITS);
        assert_in_range (row.holders, row.waiters > 0 ? UNITS : 0, UNITS);
    }
    hf_probe_destroy (&probe);
    return row.waiters > 0;
}

/*  Until GRANTS more were granted, and it was looked at when there was demand. */
static void
s_observe (crowd_t *self, hf_cluster_t *cluster)
{
    unsigned demand = 0, granted = atomic_load (&self->granted) + GRANTS;
    uint64_t end_ms = hf_wait_now_ms () + HF_CLUSTER_LIMIT_MS;
    while ((atomic_load (&self->granted) < granted || demand < LOOKS) &&
           atomic_load (&self->failed) == 0 && hf_wait_now_ms () < end_ms)
        for (uint32_t id = 1; id <= 3; id++)
            demand += hf_cluster_running (cluster, id) && s_look (cluster, id);
    assert_true (atomic_load (&self->granted) >= granted && demand >= LOOKS);
}

HF_TEST_ON (test_6d_a_semaphore_of_three_with_ten_workers, 3)
{
    crowd_t crowd = {.client = NULL};
    pthread_t workers[WORKERS];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (cluster);
    assert_true (hf_cluster_begin (cluster));
    crowd.client = hf_client_new (&options, NULL);
    assert_non_null (crowd.client);
    for (unsigned i = 0; i < WORKERS; i++)
        assert_int_equal (pthread_create (&workers[i], NULL, s_work, &crowd), 0);
    s_observe (&crowd, cluster);
    hf_cluster_kill (cluster, 1);
    s_observe (&crowd, cluster);
    atomic_store (&crowd.stop, true);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join (workers[i], NULL);
    assert_int_equal (atomic_load (&crowd.failed), 0);
    assert_in_range (atomic_load (&crowd.most), 1, UNITS);
    hf_client_destroy (&crowd.client);
    assert_true (hf_cluster_start (cluster, 1));
    assert_true (hf_cluster_wait_equal (cluster, HF_CLUSTER_LIMIT_MS));
}

HF_TEST_MAIN (NULL, NULL)
