//  A thread that drives clients: its own one, or all that share it.

#include "client/io/hf_io.h"
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 64

struct hf_loop {
    pthread_t thread;
    int wait_fd; //  the epoll set of its clients' sets, and of STOP_FD
    int stop_fd;
    hf_heap_t timers; //  of the clients; the thread's alone

    pthread_mutex_t mutex; //  for the rest
    pthread_cond_t ended;  //  a client was
    bool stop;
};

//  The loop whose thread this is; NULL: none.
static _Thread_local const hf_loop_t *s_here;

bool
hf_loop_here (const hf_loop_t *self)
{
    return s_here == self;
}

void
hf_loop_mind (const hf_client_t *client, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = (void *)client};
    int rc = epoll_ctl (client->loop->wait_fd, EPOLL_CTL_MOD, client->wait_fd, &event);
    assert (rc == 0);
    (void)rc;
}

//  ---- the thread ---------------------------------------------------------------

/*  The client is not the loop's any more. */
static void
s_let_go (hf_loop_t *self, hf_client_t *client)
{
    hf_heap_remove (&self->timers, &client->timer);
    epoll_ctl (self->wait_fd, EPOLL_CTL_DEL, client->wait_fd, NULL);
    pthread_mutex_lock (&self->mutex);
    client->ended = true;
    pthread_cond_broadcast (&self->ended);
    pthread_mutex_unlock (&self->mutex);
}

/*  Become the driver. False: a call is, and sees to it that the loop comes back if it has to. */
static bool
s_take (hf_loop_t *self, hf_client_t *client, bool *stop)
{
    pthread_mutex_lock (&client->mutex);
    bool free = client->driver == HF_DRIVER_NONE;
    if (free) {
        client->driver = HF_DRIVER_LOOP;
        client->driving = pthread_self ();
    } else
        client->loop_due_us = HF_NEVER;
    *stop = client->stop;
    pthread_mutex_unlock (&client->mutex);
    if (!free)
        hf_heap_remove (&self->timers, &client->timer);
    return free;
}

static void
s_drive (hf_loop_t *self, hf_client_t *client)
{
    bool stop;
    if (!s_take (self, client, &stop))
        return;
    hf_io_wait (client, 0);
    hf_turn_late (client);
    if (stop) {
        hf_turn_end (client);
        s_let_go (self, client);
        return;
    }
    hf_turn (client);
    pthread_mutex_lock (&client->mutex);
    uint64_t due_us = client->loop_due_us = hf_turn_due_us (client);
    client->driver = HF_DRIVER_NONE;
    pthread_mutex_unlock (&client->mutex);
    //  One that is always due waits for its turn behind the others.
    uint64_t now_us = hf_io_now_us ();
    hf_heap_set (&self->timers, &client->timer, due_us > now_us ? due_us : now_us);
}

static bool
s_stopped (hf_loop_t *self)
{
    pthread_mutex_lock (&self->mutex);
    bool stop = self->stop;
    pthread_mutex_unlock (&self->mutex);
    return stop;
}

static void *
s_run (void *arg)
{
    hf_loop_t *self = arg;
    struct epoll_event events[EVENTS_MAX];
    s_here = self;
    while (!s_stopped (self)) {
        int limit_ms = hf_turn_wait_ms (hf_heap_key (&self->timers));
        int count = epoll_wait (self->wait_fd, events, EVENTS_MAX, limit_ms);
        assert (count >= 0 || errno == EINTR);
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr) //  else the loop ends
                s_drive (self, events[i].data.ptr);
        //  Those that were due by now; what is due again meanwhile comes after the others' news.
        hf_heap_node_t *timer;
        uint64_t now_us = hf_io_now_us ();
        while ((timer = hf_heap_take (&self->timers, now_us)))
            s_drive (self, HF_AROUND (timer, hf_client_t, timer));
    }
    return NULL;
}

//  ---- life -----------------------------------------------------------------------

/*  With all signals blocked: they are the program's, not ours. */
static int
s_start (hf_loop_t *self)
{
    struct epoll_event event = {.events = EPOLLIN};
    self->wait_fd = epoll_create1 (EPOLL_CLOEXEC);
    self->stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->wait_fd < 0 || self->stop_fd < 0 ||
        epoll_ctl (self->wait_fd, EPOLL_CTL_ADD, self->stop_fd, &event) != 0)
        return -1;
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int code = pthread_create (&self->thread, NULL, s_run, self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    errno = code;
    return code == 0 ? 0 : -1;
}

static void
s_free (hf_loop_t *self)
{
    if (self->wait_fd >= 0)
        close (self->wait_fd);
    if (self->stop_fd >= 0)
        close (self->stop_fd);
    hf_heap_done (&self->timers);
    hf_wait_done (&self->mutex, &self->ended);
    free (self);
}

hf_loop_t *
hf_loop_new (void)
{
    hf_loop_t *self = hf_alloc (sizeof *self);
    self->wait_fd = self->stop_fd = -1;
    hf_wait_init (&self->mutex, &self->ended);
    if (s_start (self) == 0)
        return self;
    int code = errno;
    s_free (self);
    errno = code;
    return NULL;
}

void
hf_loop_destroy (hf_loop_t **self_p)
{
    hf_loop_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    uint64_t one = 1;
    pthread_mutex_lock (&self->mutex);
    self->stop = true;
    pthread_mutex_unlock (&self->mutex);
    ssize_t rc = write (self->stop_fd, &one, sizeof one);
    assert (rc == sizeof one);
    (void)rc;
    pthread_join (self->thread, NULL);
    s_free (self);
}

int
hf_loop_join (hf_loop_t *self, hf_client_t *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    pthread_mutex_lock (&client->mutex);
    client->loop = self;
    client->loop_due_us = HF_NEVER;
    int rc = epoll_ctl (self->wait_fd, EPOLL_CTL_ADD, client->wait_fd, &event);
    if (rc == 0)
        hf_io_wake (client); //  for its first turn
    pthread_mutex_unlock (&client->mutex);
    return rc;
}

void
hf_loop_leave (hf_client_t *client)
{
    hf_loop_t *self = client->loop;
    pthread_mutex_lock (&client->mutex);
    client->stop = true;
    hf_io_wake (client);
    pthread_mutex_unlock (&client->mutex);
    pthread_mutex_lock (&self->mutex);
    while (!client->ended)
        pthread_cond_wait (&self->ended, &self->mutex);
    pthread_mutex_unlock (&self->mutex);
}
