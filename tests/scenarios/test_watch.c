//  Watchers on three real nodes: told everything once, in order, whatever dies.

#include "client/holdfast.h"
#include "tests/scenarios/stage.h"
#include <pthread.h>

#define WATCHERS 6 //  they are spread over the nodes; the last watches files

//  ---- watchers -------------------------------------------------------------------------

typedef struct watcher {
    hf_watch_t *watch;
    pthread_mutex_t mutex;
    uint64_t count, token; //  events; of the last
    const char *wrong;
} watcher_t;

static hf_client_t *s_client;
static watcher_t s_watchers[WATCHERS];

/*  Locks: GRANTED and RELEASED with one token, and again; files: each section. No number is missing
 *  and none comes twice. */
static void
s_told (void *arg, const hf_watch_event_t *event)
{
    watcher_t *self = arg;
    bool file = self == &s_watchers[WATCHERS - 1];
    uint32_t what = file                   ? HF_HAPPENED_APPENDED
                    : self->count % 2 == 0 ? HF_HAPPENED_GRANTED
                                           : HF_HAPPENED_RELEASED;
    pthread_mutex_lock (&self->mutex);
    self->count++;
    if (event->what != what)
        self->wrong = "something else happened";
    else if (event->number != self->count)
        self->wrong = "a number is missing, or came twice";
    else if (strcmp (event->name, file ? "F" : "L") != 0)
        self->wrong = "another name";
    else if (what == HF_HAPPENED_GRANTED ? event->token <= self->token
                                         : !file && event->token != self->token)
        self->wrong = "another token";
    self->token = event->token;
    pthread_mutex_unlock (&self->mutex);
}

static uint64_t
s_count (watcher_t *self)
{
    pthread_mutex_lock (&self->mutex);
    if (self->wrong)
        fail_msg ("watcher %d at event %d: %s", (int)(self - s_watchers), (int)self->count,
                  self->wrong);
    uint64_t count = self->count;
    pthread_mutex_unlock (&self->mutex);
    return count;
}

static void
s_watch (stage_t *stage)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (stage->cluster);
    s_client = hf_client_new (&options, error);
    assert_non_null (s_client);
    for (int i = 0; i < WATCHERS; i++) {
        s_watchers[i] = (watcher_t){.token = 0};
        pthread_mutex_init (&s_watchers[i].mutex, NULL);
        hf_watch_options_t watch = HF_WATCH_OPTIONS_INIT;
        watch.what = i == WATCHERS - 1 ? HF_WATCH_FILES : HF_WATCH_LOCKS;
        watch.after = 0;
        watch.fn = s_told;
        watch.arg = &s_watchers[i];
        assert_int_equal (
            hf_watch_open (s_client, &watch, HF_CLUSTER_LIMIT_MS, &s_watchers[i].watch, NULL),
            HF_OK);
    }
}

/*  Every watcher was told of so many sections. */
static void
s_must_be_told (uint64_t sections)
{
    for (int i = 0; i < WATCHERS; i++)
        assert_true (
            HF_WAIT (s_count (&s_watchers[i]) == (i == WATCHERS - 1 ? sections : 2 * sections),
                     HF_CLUSTER_LIMIT_MS));
}

static void
s_leave (void)
{
    for (int i = 0; i < WATCHERS; i++) {
        hf_watch_close (&s_watchers[i].watch);
        pthread_mutex_destroy (&s_watchers[i].mutex);
    }
    hf_client_destroy (&s_client);
}

static void
s_sections (hf_script_t *client, int count)
{
    for (int i = 0; i < count; i++) {
        MUST (client, "acquire L");
        must_write (client, "F", "A");
    }
}

//  ---- scenes ---------------------------------------------------------------------------

//  Leaders die, one in the middle of a section, and come back.
SCENE (watchers_outlive_leaders)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS));
    hf_script_t *one = stage->client[1];
    s_watch (stage);
    s_sections (one, 5);
    MUST (one, "acquire L");
    hf_cluster_kill (stage->cluster, 1);
    must_write (one, "F", "A");
    s_sections (one, 5);
    s_must_be_told (11);
    uint32_t leader = hf_cluster_wait_leader (stage->cluster, HF_CLUSTER_LIMIT_MS);
    assert_true (leader > 1);
    assert_true (hf_cluster_start (stage->cluster, 1));
    hf_cluster_kill (stage->cluster, leader);
    s_sections (one, 5);
    s_must_be_told (16);
    assert_true (hf_cluster_start (stage->cluster, leader));
    s_sections (one, 4);
    s_must_be_told (20);
    s_leave ();
    stage_end (stage, "F", "AAAAAAAAAAAAAAAAAAAA");
}

//  A node stands still: its connections stay, and nothing comes over them.
SCENE (watchers_leave_nodes_that_say_nothing)
{
    stage_t *stage = stage_begin (*state, 3, 0, TTLS (LONG_MS));
    hf_script_t *one = stage->client[1];
    s_watch (stage);
    s_sections (one, 3);
    hf_cluster_stop (stage->cluster, 1);
    s_sections (one, 3);
    s_must_be_told (6);
    hf_cluster_go_on (stage->cluster, 1);
    s_sections (one, 3);
    s_must_be_told (9);
    s_leave ();
    stage_end (stage, "F", "AAAAAAAAA");
}

HF_TEST_MAIN (NULL, NULL)
