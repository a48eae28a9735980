/*  Locks of ZooKeeper by its recipe: an ephemeral node with a sequence number under the lock's
 * node; who has the least one holds the lock, everybody else watches the one before his.
 *
 *  All workers share one connection, as those of holdfast-bench do.
 */
#include "base/hf_alloc.h"
#include "bench/peers/peer.h"
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define THREADED
#include <zookeeper/zookeeper.h>

#define S_CONNECT_LIMIT_S 15
#define S_WAIT_LIMIT_S    60
#define S_PATH_MAX        160

struct peer_worker {
    char parent[S_PATH_MAX / 2];
    char place[S_PATH_MAX]; //  the node that this worker made
    sem_t changed;          //  what it watches has changed
};

static zhandle_t *s_handle; //  the one of all workers
static uint32_t s_users;
static sem_t s_connected;

static void
s_session_event (zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle, (void)path, (void)context;
    if (type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE)
        sem_post (&s_connected);
}

static void
s_changed (zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle, (void)type, (void)state, (void)path;
    sem_post (&((peer_worker_t *)context)->changed);
}

static bool
s_wait (sem_t *semaphore, int limit_s)
{
    struct timespec end;
    clock_gettime (CLOCK_REALTIME, &end);
    end.tv_sec += limit_s;
    int rc;
    do
        rc = sem_timedwait (semaphore, &end);
    while (rc != 0 && errno == EINTR);
    return rc == 0;
}

static bool
s_check (int rc, const char *what, const char *path)
{
    if (rc != ZOK)
        peer_say ("zookeeper: %s %s: %s", what, path, zerror (rc));
    return rc == ZOK;
}

static bool
s_connect (const peer_options_t *options)
{
    if (s_handle)
        return true;
    zoo_set_debug_level (ZOO_LOG_LEVEL_ERROR);
    sem_init (&s_connected, 0, 0);
    s_handle =
        zookeeper_init (options->places, s_session_event, (int)options->ttl_ms, NULL, NULL, 0);
    if (s_handle && s_wait (&s_connected, S_CONNECT_LIMIT_S))
        return true;
    peer_say ("zookeeper: nobody at %s answers", options->places);
    return false;
}

peer_worker_t *
peer_open (const peer_options_t *options, uint32_t number, const char *lock)
{
    (void)number;
    peer_worker_t *self = hf_alloc (sizeof *self);
    sem_init (&self->changed, 0, 0);
    s_users++;
    snprintf (self->parent, sizeof self->parent, "/%s", lock);
    int rc = ZOK;
    if (s_connect (options))
        rc = zoo_create (s_handle, self->parent, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    else
        rc = ZCONNECTIONLOSS;
    if (rc != ZNODEEXISTS && !s_check (rc, "make", self->parent))
        peer_close (&self);
    return self;
}

static const char *
s_number (const char *name)
{
    const char *dash = strrchr (name, '-');
    return dash ? dash + 1 : name;
}

/*  The one just before this worker's place into BEFORE; empty: this one is the first. */
static bool
s_before (const peer_worker_t *self, char before[S_PATH_MAX])
{
    struct String_vector children = {.count = 0};
    if (!s_check (zoo_get_children (s_handle, self->parent, 0, &children), "list", self->parent))
        return false;
    const char *mine = s_number (self->place), *best = NULL;
    for (int i = 0; i < children.count; i++) {
        const char *number = s_number (children.data[i]);
        if (strcmp (number, mine) < 0 && (!best || strcmp (number, s_number (best)) > 0))
            best = children.data[i];
    }
    *before = 0;
    if (best)
        snprintf (before, S_PATH_MAX, "%s/%s", self->parent, best);
    deallocate_String_vector (&children);
    return true;
}

bool
peer_acquire (peer_worker_t *self)
{
    char path[S_PATH_MAX], before[S_PATH_MAX];
    snprintf (path, sizeof path, "%s/lock-", self->parent);
    int rc = zoo_create (s_handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL,
                         self->place, sizeof self->place);
    if (!s_check (rc, "make", path))
        return false;
    for (;;) {
        if (!s_before (self, before))
            return false;
        if (!*before)
            return true;
        //  A read sets no watch on a node that is not there, where "exists" would.
        char data[1];
        int size = sizeof data;
        rc = zoo_wget (s_handle, before, s_changed, self, data, &size, NULL);
        if (rc == ZNONODE)
            continue;
        if (!s_check (rc, "watch", before))
            return false;
        if (!s_wait (&self->changed, S_WAIT_LIMIT_S)) {
            peer_say ("zookeeper: nothing was told of %s for %u s", before, S_WAIT_LIMIT_S);
            return false;
        }
    }
}

bool
peer_release (peer_worker_t *self)
{
    return s_check (zoo_delete (s_handle, self->place, -1), "delete", self->place);
}

void
peer_close (peer_worker_t **self_p)
{
    peer_worker_t *self = *self_p;
    if (!self)
        return;
    if (--s_users == 0 && s_handle) {
        zookeeper_close (s_handle); //  no watch is told after this
        s_handle = NULL;
    }
    //  With others open, a watch of this one cannot be pending: it was told before the acquire
    //  ended.
    sem_destroy (&self->changed);
    free (self);
    *self_p = NULL;
}
