//  The ZAP handler: a thread that answers libzmq, and looks after the folder of keys.

#include "broker-less/hf_zap.h"
#include "broker-less/hf_socket.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS   1000
#define SAY_EACH  10000 //  milliseconds, in which ...
#define SAY_MOST  10    //  ... so many refusals are told
#define PARTS     16    //  of a request: more are none of libzmq's
#define BINARY    32    //  bytes of a key
#define TEXT_SIZE 64

struct hf_zap {
    void *handler; //  ROUTER, the thread's
    hf_keys_t *keys;
    hf_keys_say_fn *say;
    void *arg;
    pthread_t thread;
    int wake_fd;
    atomic_bool stop;
    uint64_t told_ms; //  since then ...
    unsigned told, untold;
};

/*  A request in its parts: who asks, a delimiter, and the fields of the specification. */
typedef struct request {
    zmq_msg_t part[PARTS];
    unsigned count;
    bool whole; //  there are not more
} request_t;

enum { FROM, EMPTY, VERSION, ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIAL, FIELDS };

//  ---- saying it ---------------------------------------------------------------------------

static uint64_t
s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*  A crowd of strangers does not fill the log. */
static void
s_say_untold (hf_zap_t *self)
{
    char line[HF_ERROR_SIZE];
    if (s_now_ms () < self->told_ms + SAY_EACH)
        return;
    if (self->untold > 0) {
        snprintf (line, sizeof line, "refused %u more connections", self->untold);
        self->say (self->arg, true, line);
    }
    self->told_ms = s_now_ms ();
    self->told = self->untold = 0;
}

static void
s_say_refused (hf_zap_t *self, const char *line)
{
    s_say_untold (self);
    if (self->told < SAY_MOST)
        self->say (self->arg, true, line);
    self->untold += self->told >= SAY_MOST;
    self->told++;
}

//  ---- requests ------------------------------------------------------------------------------

static bool
s_receive (hf_zap_t *self, request_t *request)
{
    *request = (request_t){.whole = true};
    bool more = true;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        if (zmq_msg_recv (&part, self->handler, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close (&part);
            break;
        }
        more = zmq_msg_more (&part);
        if (request->count < PARTS) {
            zmq_msg_init (&request->part[request->count]);
            zmq_msg_move (&request->part[request->count++], &part);
        } else
            request->whole = false;
        zmq_msg_close (&part);
    }
    return request->count > 0;
}

static hf_span_t
s_field (request_t *request, unsigned at)
{
    return hf_span (zmq_msg_data (&request->part[at]), zmq_msg_size (&request->part[at]));
}

static bool
s_is (request_t *request, unsigned at, const char *text)
{
    return hf_span_equal (s_field (request, at), hf_span_text (text));
}

/*  Whose key it is, and why it is refused, in WHY; "": it is not. */
static void
s_judge (hf_zap_t *self, request_t *request, hf_key_t *whose, char *why)
{
    bool nodes = s_is (request, DOMAIN, hf_key_folder (HF_KEY_OF_NODE));
    char key[HF_KEY_TEXT + 1];
    hf_key_t other;
    why[0] = 0;
    zmq_z85_encode (key, zmq_msg_data (&request->part[CREDENTIAL]), BINARY);
    if (hf_keys_admit (self->keys, nodes ? HF_KEY_OF_NODE : HF_KEY_OF_CLIENT, key, whose) ||
        (!nodes && hf_keys_admit (self->keys, HF_KEY_OF_NODE, key, whose)))
        memcpy (whose->public_text, key, sizeof key);
    else if (nodes && hf_keys_admit (self->keys, HF_KEY_OF_CLIENT, key, &other))
        hf_error_set (why, "its key is that of client %s, not that of a node", other.name);
    else
        hf_error_set (why, "its key %s is not in %s/%s", key, hf_keys_dir (self->keys),
                      hf_key_folder (nodes ? HF_KEY_OF_NODE : HF_KEY_OF_CLIENT));
    if (whose->node != 0 && !nodes)
        whose->name[0] = 0; //  a guest
}

/*  The metadata of a reply: the name of a property, its value. Gives their size. */
static size_t
s_metadata (const char *name, const char *value, uint8_t *at)
{
    size_t name_size = strlen (name), value_size = strlen (value);
    assert (1 + name_size + 4 + value_size <= TEXT_SIZE);
    at[0] = (uint8_t)name_size;
    memcpy (at + 1, name, name_size);
    memset (at + 1 + name_size, 0, 3);
    at[4 + name_size] = (uint8_t)value_size;
    memcpy (at + 5 + name_size, value, value_size);
    return 5 + name_size + value_size;
}

static void
s_send (hf_zap_t *self, const void *bytes, size_t size, bool more)
{
    int rc = zmq_send (self->handler, bytes, size, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
    (void)rc; //  the connection that asked may be gone
}

static void
s_reply (hf_zap_t *self, request_t *request, const char *status, const char *text,
         const hf_key_t *whose)
{
    uint8_t metadata[TEXT_SIZE];
    size_t size = whose ? s_metadata (HF_ZAP_KEY, whose->public_text, metadata) : 0;
    for (unsigned at = FROM; at <= ID; at++)
        s_send (self, zmq_msg_data (&request->part[at]), zmq_msg_size (&request->part[at]), true);
    s_send (self, status, 3, true);
    s_send (self, text, strlen (text), true);
    s_send (self, whose ? whose->name : "", whose ? strlen (whose->name) : 0, true);
    s_send (self, metadata, size, false);
}

static void
s_answer (hf_zap_t *self, request_t *request)
{
    hf_key_t whose = {.node = 0};
    char why[HF_ERROR_SIZE], line[HF_ERROR_SIZE];
    if (request->count < FIELDS - 1 || !s_is (request, VERSION, "1.0"))
        return; //  not to be answered
    if (!request->whole || request->count != FIELDS || !s_is (request, MECHANISM, "CURVE") ||
        zmq_msg_size (&request->part[CREDENTIAL]) != BINARY) {
        s_reply (self, request, "400", "CURVE is needed", NULL);
        return;
    }
    s_judge (self, request, &whose, why);
    //  Of 300, which says that it is for now, libzmq tells the other end nothing.
    bool crowded = why[0] == 0 && whose.name[0] != 0 && hf_keys_turn_away (self->keys, whose.name);
    if (crowded)
        hf_error_set (why, "%s has as many connections as a user may have (--user-connections)",
                      whose.name);
    s_reply (self, request,
             crowded  ? "500"
             : why[0] ? "400"
                      : "200",
             why[0] ? "not admitted" : "OK", why[0] ? NULL : &whose);
    if (why[0] == 0)
        return;
    hf_span_t address = s_field (request, ADDRESS);
    snprintf (line, sizeof line, "refuses a %s from %.*s: %.400s",
              s_is (request, DOMAIN, hf_key_folder (HF_KEY_OF_NODE)) ? "node" : "client",
              address.size < TEXT_SIZE ? (int)address.size : TEXT_SIZE, (const char *)address.at,
              why);
    s_say_refused (self, line);
}

//  ---- the thread ----------------------------------------------------------------------------

static void *
s_run (void *arg)
{
    hf_zap_t *self = arg;
    zmq_pollitem_t items[] = {{.fd = self->wake_fd, .events = ZMQ_POLLIN},
                              {.socket = self->handler, .events = ZMQ_POLLIN}};
    uint64_t look_ms = 0;
    while (!atomic_load (&self->stop)) {
        zmq_poll (items, 2, LOOK_MS);
        uint64_t count;
        if (read (self->wake_fd, &count, sizeof count) == sizeof count)
            look_ms = 0;
        if (s_now_ms () >= look_ms) {
            hf_keys_refresh (self->keys, self->say, self->arg);
            look_ms = s_now_ms () + LOOK_MS;
            s_say_untold (self);
        }
        request_t request;
        while (!atomic_load (&self->stop) && s_receive (self, &request)) {
            s_answer (self, &request);
            for (unsigned i = 0; i < request.count; i++)
                zmq_msg_close (&request.part[i]);
            if (s_now_ms () >= look_ms)
                break;
        }
    }
    return NULL;
}

static int
s_start (hf_zap_t *self, void *context)
{
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->handler = zmq_socket (context, ZMQ_ROUTER);
    if (self->wake_fd < 0 || !self->handler)
        return -1;
    hf_socket_set (self->handler, ZMQ_LINGER, 0);
    //  An answer that is not taken would hold up all others.
    hf_socket_set (self->handler, ZMQ_SNDHWM, 0);
    hf_socket_set (self->handler, ZMQ_RCVHWM, 0);
    if (zmq_bind (self->handler, "inproc://zeromq.zap.01") != 0)
        return -1;
    sigset_t all, before;
    sigfillset (&all);
    pthread_sigmask (SIG_SETMASK, &all, &before);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    errno = rc;
    return rc == 0 ? 0 : -1;
}

hf_zap_t *
hf_zap_new (void *context, hf_keys_t *keys, hf_keys_say_fn *say, void *arg, char *error)
{
    assert (context && keys && say && error);
    hf_zap_t *self = hf_alloc (sizeof *self);
    self->keys = keys;
    self->say = say;
    self->arg = arg;
    if (s_start (self, context) == 0)
        return self;
    hf_error_set (error, "cannot start the thread that looks at keys: %s", zmq_strerror (errno));
    if (self->handler)
        zmq_close (self->handler);
    if (self->wake_fd >= 0)
        close (self->wake_fd);
    free (self);
    return NULL;
}

void
hf_zap_look (hf_zap_t *self)
{
    uint64_t one = 1;
    ssize_t rc = write (self->wake_fd, &one, sizeof one);
    (void)rc; //  full: it will look
}

void
hf_zap_destroy (hf_zap_t **self_p)
{
    hf_zap_t *self = *self_p;
    if (!self)
        return;
    atomic_store (&self->stop, true);
    hf_zap_look (self);
    pthread_join (self->thread, NULL);
    zmq_close (self->handler);
    close (self->wake_fd);
    free (self);
    *self_p = NULL;
}
