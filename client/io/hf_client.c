//  A client's life, and the door through which other threads hand it work.

#include "base/hf_error.h"
#include "base/hf_files.h"
#include "base/hf_std.h"
#include "client/io/hf_io.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

_Static_assert(HF_CLIENT_ERROR_SIZE == HF_ERROR_SIZE, "the error's size is part of the interface");

uint64_t
hf_io_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
hf_io_until_us (uint32_t limit_ms)
{
    return limit_ms == HF_FOREVER ? HF_NEVER : hf_io_now_us () + (uint64_t)limit_ms * 1000;
}

bool
hf_io_on_thread (const hf_client_t *self)
{
    return !hf_io_inherited (self) && (hf_loop_here (self->loop) || hf_io_dispatching (self));
}

bool
hf_io_inherited (const hf_client_t *self)
{
    return self->forks != hf_shared_forks ();
}

//  ---- handing over -----------------------------------------------------------

void
hf_io_wake (hf_client_t *self)
{
    bool here = self->driver != HF_DRIVER_NONE && pthread_equal (pthread_self (), self->driving);
    if (self->woken || here)
        return;
    self->woken = true;
    uint64_t one = 1;
    ssize_t rc = write (self->wake_fd, &one, sizeof one);
    assert (rc == sizeof one);
    (void)rc;
}

/*  As hf_io_post. DRIVES, unless it is NULL: whether the caller may drive, and then does. */
static bool
s_post (hf_client_t *self, hf_session_t *session, hf_op_t *op, bool *drives)
{
    if (hf_io_inherited (self)) {
        hf_op_free (op);
        return false;
    }
    pthread_mutex_lock (&self->mutex);
    bool open = !self->stop && !(session && session->closing);
    if (open) {
        if (session && op->kind == HF_OP_LEAVE)
            session->closing = true;
        hf_chain_append (&self->inbox, &op->chain);
        if (drives)
            *drives = hf_drive_begin (self);
        if (!drives || !*drives)
            hf_io_wake (self);
    }
    pthread_mutex_unlock (&self->mutex);
    if (!open)
        hf_op_free (op);
    return open;
}

bool
hf_io_post (hf_client_t *self, hf_session_t *session, hf_op_t *op)
{
    return s_post (self, session, op, NULL);
}

/*  What is left of LIMIT_MS, which began at START_US. */
static uint32_t
s_rest_ms (uint32_t limit_ms, uint64_t start_us)
{
    uint64_t gone_ms = (hf_io_now_us () - start_us) / 1000;
    if (limit_ms == HF_FOREVER)
        return limit_ms;
    return gone_ms < limit_ms ? limit_ms - (uint32_t)gone_ms : 0;
}

static hf_status_t
s_ask (hf_client_t *self, hf_session_t *session, hf_op_t *op, uint32_t limit_ms, hf_op_t **op_p)
{
    uint64_t start_us = hf_io_now_us ();
    uint32_t node = op->node == HF_NODE_ANY ? 0 : op->node;
    hf_waiter_t *waiter = op->waiter = hf_waiter_new ();
    bool drives = false;
    if (op_p)
        *op_p = NULL;
    if (!s_post (self, session, op, &drives)) {
        hf_waiter_drop (waiter);
        hf_waiter_drop (waiter);
        return HF_CLOSED;
    }
    if (drives) {
        hf_drive (self, waiter, limit_ms);
        if (hf_io_inherited (self))
            return HF_CLOSED; //  a child, forked by a signal's handler; the waiter is its parent's
        limit_ms = s_rest_ms (limit_ms, start_us);
    }
    op = hf_waiter_take (waiter, limit_ms);
    if (op_p)
        *op_p = op;
    if (!op)
        return session ? HF_TIMEOUT : hf_client_core_silence (self->core, node, start_us);
    hf_status_t status = op->result.status;
    if (!op_p)
        hf_op_free (op);
    return status;
}

hf_status_t
hf_io_ask (hf_client_t *self, hf_session_t *session, hf_op_t *op, uint32_t limit_ms, hf_op_t **op_p)
{
    //  A driver that was cancelled would leave the client without one, and a waiter its mutex.
    int before;
    pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, &before);
    hf_status_t status = s_ask (self, session, op, limit_ms, op_p);
    pthread_setcancelstate (before, NULL);
    return status;
}

//  ---- life -------------------------------------------------------------------

bool
hf_options_take (void *ours, size_t size, const void *theirs)
{
    size_t their_size;
    if (!theirs)
        return true;
    memcpy (&their_size, theirs, sizeof their_size);
    if (their_size < sizeof their_size)
        return false;
    for (size_t i = size; i < their_size; i++)
        if (((const unsigned char *)theirs)[i] != 0)
            return false;
    memcpy (ours, theirs, their_size < size ? their_size : size);
    return true;
}

static void
s_init (hf_client_t *self, const hf_endpoints_t *endpoints, const hf_client_options_t *options)
{
    hf_wait_init (&self->mutex, &self->polled_cond);
    hf_chain_init (&self->sessions);
    hf_chain_init (&self->watches);
    hf_chain_init (&self->inbox);
    hf_chain_init (&self->called);
    hf_chain_init (&self->polled);
    hf_client_config_t config = {.count = endpoints->count,
                                 .fixed = options->fixed,
                                 .request_us = (uint64_t)options->request_ms * 1000};
    for (uint32_t i = 0; i < config.count; i++) {
        const hf_endpoint_t *node = &endpoints->node[i];
        config.ids[i] = node->id;
        config.addresses[i].port = node->client_port;
        strcpy (config.addresses[i].host, node->host);
    }
    if (getrandom (&config.seed, sizeof config.seed, 0) != sizeof config.seed)
        abort ();
    self->core = hf_client_core_new (&config);
}

static void
s_give_loop (const hf_client_t *self, hf_loop_t *loop)
{
    if (self->shares)
        hf_shared_give_loop (loop);
    else
        hf_loop_destroy (&loop);
}

static void
s_free (hf_client_t *self)
{
    hf_io_links_destroy (self);
    if (self->context)
        hf_shared_give_context (self->context);
    hf_keys_destroy (&self->keys);
    if (self->wait_fd >= 0)
        close (self->wait_fd);
    if (self->wake_fd >= 0)
        close (self->wake_fd);
    if (self->ready_fd >= 0)
        close (self->ready_fd);
    if (self->polled_last)
        hf_op_free (self->polled_last);
    HF_CHAIN_EACH_SAFE (&self->polled, at)
    {
        hf_op_free (HF_AROUND (at, hf_op_t, chain));
    }
    HF_CHAIN_EACH_SAFE (&self->sessions, at)
    {
        free (HF_AROUND (at, hf_session_t, chain));
    }
    HF_CHAIN_EACH_SAFE (&self->watches, at)
    {
        free (HF_AROUND (at, hf_watch_t, chain));
    }
    hf_client_core_destroy (&self->core);
    hf_wait_done (&self->mutex, &self->polled_cond);
    free (self);
}

/*  libzmq aborts the process when it has no descriptor for its threads. In use: 5 by libzmq itself,
 *  2 of the client's own, 2 of its loop, 3 by each link, 1 by its connection; and some that the
 *  program may open in this moment. */
static int
s_check_files (const hf_endpoints_t *endpoints, char *error)
{
    return hf_files_check (18 + 4 * endpoints->count, "a client of holdfast", error);
}

/*  The links, and the loop. */
static int
s_start (hf_client_t *self, const hf_endpoints_t *endpoints, const hf_client_options_t *options)
{
    self->shares = options->shared;
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (options->dispatch)
        self->ready_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->context = hf_shared_context ();
    if (self->wake_fd < 0 || (options->dispatch && self->ready_fd < 0) || !self->context)
        return -1;
    if (hf_io_wait_start (self) != 0 || hf_io_links_start (self, endpoints) != 0)
        return -1;
    hf_loop_t *loop = self->shares ? hf_shared_loop () : hf_loop_new ();
    if (!loop)
        return -1;
    if (hf_loop_join (loop, self) == 0)
        return 0;
    s_give_loop (self, loop);
    return -1;
}

static const char *
s_given (const char *option, const char *variable)
{
    const char *text = option ? option : getenv (variable);
    return text && *text ? text : NULL;
}

/*  The keys that OPTIONS or the environment name; NULL, and an empty ERROR: none. */
static hf_keys_t *
s_keys (const hf_client_options_t *options, char *error)
{
    const char *key = s_given (options->key, "HOLDFAST_KEY");
    const char *folder = s_given (options->keys, "HOLDFAST_KEYS");
    error[0] = 0;
    if (!key && !folder)
        return NULL;
    if (!key || !folder) {
        hf_error_set (error,
                      "%s is given and %s is not: a client needs its own key and the folder "
                      "with those of the nodes",
                      key ? "a key" : "a folder of keys", key ? "a folder of keys" : "a key");
        return NULL;
    }
    hf_keys_t *keys = hf_keys_new (key, folder, error);
    if (keys && hf_keys_own (keys)->node != 0 && hf_keys_own (keys)->name[0] == 0) {
        hf_error_set (error,
                      "%s is the key of node %u: a client needs one of its own (holdfast "
                      "keys new)",
                      key, hf_keys_own (keys)->node);
        hf_keys_destroy (&keys);
    }
    return keys;
}

hf_client_t *
hf_client_new (const hf_client_options_t *options, char *error)
{
    hf_client_options_t own = HF_CLIENT_OPTIONS_INIT;
    char line[HF_ERROR_SIZE] = "";
    char *text = error ? error : line;
    if (!hf_options_take (&own, sizeof own, options)) {
        hf_error_set (text, "these client options are for a newer library");
        errno = EINVAL;
        return NULL;
    }
    const char *list = own.endpoints ? own.endpoints : getenv ("HOLDFAST_ENDPOINTS");
    hf_endpoints_t endpoints;
    if (hf_endpoints_parse (&endpoints, list && *list ? list : HF_ENDPOINTS_DEFAULT, text) != 0) {
        errno = EINVAL;
        return NULL;
    }
    char wrong[HF_ERROR_SIZE];
    hf_keys_t *keys = s_keys (&own, wrong);
    if (wrong[0] != 0) {
        strcpy (text, wrong);
        errno = EACCES;
        return NULL;
    }
    hf_client_t *self = hf_alloc (sizeof *self);
    self->keys = keys;
    const char *fixed = getenv ("HOLDFAST_FIXED");
    own.fixed = own.fixed || (fixed && *fixed);
    //  A socket of ours in the place of a closed stderr would get what the program writes there.
    hf_std_open ();
    self->wait_fd = self->wake_fd = self->ready_fd = -1;
    self->forks = hf_shared_forks ();
    s_init (self, &endpoints, &own);
    int code = s_check_files (&endpoints, text) != 0 ? EMFILE : 0;
    if (code == 0 && s_start (self, &endpoints, &own) != 0) {
        hf_error_set (text, "cannot make sockets or a thread");
        code = EAGAIN;
    }
    if (code != 0) {
        s_free (self);
        errno = code;
        return NULL;
    }
    return self;
}

void
hf_client_destroy (hf_client_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    hf_client_t *self = *self_p;
    assert (!hf_io_on_thread (self));
    *self_p = NULL;
    if (hf_io_inherited (self))
        return; //  the fork may have caught its thread in the middle of any change
    hf_loop_leave (self);
    hf_loop_t *loop = self->loop;
    hf_client_dispatch (self);
    s_give_loop (self, loop);
    s_free (self);
}

//  ---- nodes ------------------------------------------------------------------

size_t
hf_client_nodes (const hf_client_t *client, uint32_t ids[7])
{
    return hf_client_core_nodes (client->core, ids);
}

static bool
s_tell (hf_client_t *self, const char *what, char text[HF_CLIENT_ERROR_SIZE])
{
    if (hf_io_inherited (self)) {
        hf_error_set (text, "this client belongs to the process that made it, not to its child");
        return true;
    }
    pthread_mutex_lock (&self->mutex);
    strcpy (text, what);
    pthread_mutex_unlock (&self->mutex);
    return text[0] != 0;
}

bool
hf_client_trouble (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE])
{
    return s_tell (self, self->trouble, text);
}

bool
hf_client_denied (hf_client_t *self, char text[HF_CLIENT_ERROR_SIZE])
{
    return s_tell (self, self->denied, text);
}
