//  A node that answers to order.

#include "tests/unit/client/fake.h"
#include <arpa/inet.h>
#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

struct fake {
    pthread_t thread;
    void *context;
    hf_door_t *door;
    int wake_fd;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop;
    unsigned autos;
    bool refusing;
    uint32_t leader;
    uint64_t term;
    uint64_t next_session;
    uint64_t next_token;
    hf_route_t route; //  of the client last heard
    fake_frame_t *first;
    fake_frame_t **last;
    fake_frame_t *out_first;
    fake_frame_t **out_last;
    uint32_t counts[256];
};

uint16_t
fake_port (void)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int rc = bind (fd, (struct sockaddr *)&address, size);
    assert (rc == 0);
    rc = getsockname (fd, (struct sockaddr *)&address, &size);
    assert (rc == 0);
    (void)rc;
    close (fd);
    return ntohs (address.sin_port);
}

void
fake_list (char *text, const uint16_t *ports, uint32_t count)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        at += (size_t)snprintf (text + at, 512 - at, "%s%u@127.0.0.1:%u:%u", i ? "," : "", i + 1,
                                ports[i], 1 + i);
}

//  ---- answering ----------------------------------------------------------------

static void
s_put (fake_t *self, hf_pack_t *pack)
{
    if (self->route.size > 0)
        hf_door_send (self->door, &self->route, hf_pack_bytes (pack), hf_pack_size (pack));
    hf_pack_reset (pack);
}

static void
s_auto_requests (fake_t *self, hf_scan_t scan, hf_pack_t *pack)
{
    hf_requests_t requests;
    if (!hf_requests_get (&scan, &requests))
        return;
    hf_pack_t items;
    hf_pack_init (&items);
    hf_scan_t list = hf_scan_list (requests.requests);
    for (uint32_t i = 0; i < requests.requests.count; i++) {
        hf_request_t request;
        hf_request_get (&list, &request);
        uint64_t token = request.kind == HF_KIND_ACQUIRE ? ++self->next_token : 0;
        hf_answer_put (&items, &(hf_answer_t){request.seq, HF_OK, request.seq + 1000, token, 0});
    }
    hf_answers_frame (pack, &(hf_answers_t){requests.session, hf_pack_list (&items)});
    hf_pack_done (&items);
    s_put (self, pack);
}

static void
s_auto_others (fake_t *self, uint32_t kind, hf_scan_t scan, hf_pack_t *pack)
{
    hf_open_t open;
    hf_keepalive_t keepalive;
    hf_close_t closing;
    hf_query_t query;
    if (kind == HF_KIND_OPEN && self->autos & FAKE_OPEN && hf_open_get (&scan, &open)) {
        hf_opened_frame (
            pack, &(hf_opened_t){open.nonce, HF_OK, ++self->next_session + 100, open.ttl_ms});
    } else if (kind == HF_KIND_KEEPALIVE && self->autos & FAKE_ALIVE &&
               hf_keepalive_get (&scan, &keepalive)) {
        hf_alive_frame (pack, &(hf_alive_t){.session = keepalive.session, .echo = keepalive.echo});
    } else if (kind == HF_KIND_CLOSE && self->autos & FAKE_CLOSE &&
               hf_close_get (&scan, &closing)) {
        hf_closed_frame (pack, &(hf_closed_t){closing.session, closing.echo, HF_OK});
    } else if (kind == HF_KIND_QUERY && self->autos & FAKE_LEADER && hf_query_get (&scan, &query) &&
               query.what == HF_WHAT_LEADER) {
        hf_query_result_frame (pack, &(hf_query_result_t){.id = query.id});
    }
    if (hf_pack_size (pack) > 0)
        s_put (self, pack);
}

static void
s_received (fake_t *self, hf_span_t bytes, hf_pack_t *pack)
{
    fake_frame_t *frame = malloc (sizeof *frame + bytes.size);
    assert (frame);
    frame->next = NULL;
    frame->size = bytes.size;
    memcpy (frame->bytes, bytes.at, bytes.size);
    hf_status_t status = hf_frame_open (frame->bytes, frame->size, &frame->scan, &frame->kind);
    assert (status == HF_OK && frame->kind < 256);
    (void)status;
    self->counts[frame->kind]++;
    *self->last = frame;
    self->last = &frame->next;
    if (self->refusing) {
        hf_refused_frame (pack, &(hf_refused_t){HF_NOT_LEADER, hf_span_text ("not me"),
                                                self->leader, self->term});
        s_put (self, pack);
    } else if (frame->kind == HF_KIND_REQUESTS && self->autos & FAKE_REQUESTS) {
        s_auto_requests (self, frame->scan, pack);
    } else {
        s_auto_others (self, frame->kind, frame->scan, pack);
    }
    pthread_cond_broadcast (&self->cond);
}

static void *
s_run (void *arg)
{
    fake_t *self = arg;
    hf_pack_t pack;
    hf_pack_init (&pack);
    bool stop = false;
    while (!stop) {
        zmq_pollitem_t items[] = {{.fd = self->wake_fd, .events = ZMQ_POLLIN},
                                  {.socket = hf_door_socket (self->door), .events = ZMQ_POLLIN}};
        zmq_poll (items, 2, 1000);
        uint64_t count;
        if (read (self->wake_fd, &count, sizeof count) < 0)
            count = 0;
        hf_route_t route;
        hf_span_t bytes;
        pthread_mutex_lock (&self->mutex);
        while (hf_door_next (self->door, &route, &bytes)) {
            self->route = route;
            s_received (self, bytes, &pack);
        }
        fake_frame_t *out;
        while ((out = self->out_first)) {
            self->out_first = out->next;
            if (self->route.size > 0)
                hf_door_send (self->door, &self->route, out->bytes, out->size);
            free (out);
        }
        self->out_last = &self->out_first;
        stop = self->stop;
        pthread_mutex_unlock (&self->mutex);
    }
    hf_pack_done (&pack);
    return NULL;
}

//  ---- life -----------------------------------------------------------------------

fake_t *
fake_new (uint16_t port, unsigned autos)
{
    fake_t *self = calloc (1, sizeof *self);
    assert (self);
    self->context = zmq_ctx_new ();
    hf_endpoint_t endpoint = {.id = 1, .host = "127.0.0.1", .client_port = port};
    char error[HF_ERROR_SIZE] = "";
    self->door = hf_door_new (self->context, &endpoint, error);
    if (!self->door)
        fprintf (stderr, "fake: %s\n", error);
    assert (self->door);
    self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->autos = autos;
    self->last = &self->first;
    self->out_last = &self->out_first;
    pthread_mutex_init (&self->mutex, NULL);
    pthread_cond_init (&self->cond, NULL);
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    (void)rc;
    return self;
}

static void
s_wake (fake_t *self)
{
    uint64_t one = 1;
    ssize_t rc = write (self->wake_fd, &one, sizeof one);
    assert (rc == sizeof one);
    (void)rc;
}

void
fake_destroy (fake_t **self_p)
{
    fake_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_mutex_lock (&self->mutex);
    self->stop = true;
    pthread_mutex_unlock (&self->mutex);
    s_wake (self);
    pthread_join (self->thread, NULL);
    hf_door_destroy (&self->door);
    zmq_ctx_term (self->context);
    close (self->wake_fd);
    while (self->first) {
        fake_frame_t *frame = self->first;
        self->first = frame->next;
        free (frame);
    }
    pthread_cond_destroy (&self->cond);
    pthread_mutex_destroy (&self->mutex);
    free (self);
}

void
fake_set_autos (fake_t *self, unsigned autos)
{
    pthread_mutex_lock (&self->mutex);
    self->autos = autos;
    pthread_mutex_unlock (&self->mutex);
}

void
fake_follow (fake_t *self, bool on, uint32_t leader, uint64_t term)
{
    pthread_mutex_lock (&self->mutex);
    self->refusing = on;
    self->leader = leader;
    self->term = term;
    pthread_mutex_unlock (&self->mutex);
}

//  ---- what came, what goes ---------------------------------------------------------

fake_frame_t *
fake_take (fake_t *self, uint32_t kind, uint32_t limit_ms)
{
    struct timespec until;
    clock_gettime (CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(limit_ms % 1000) * 1000000;
    until.tv_sec += limit_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    fake_frame_t *found = NULL;
    pthread_mutex_lock (&self->mutex);
    for (int rc = 0; !found;) {
        fake_frame_t **at = &self->first;
        while (*at && (*at)->kind != kind)
            at = &(*at)->next;
        found = *at;
        if (found) {
            *at = found->next;
            if (self->last == &found->next)
                self->last = at;
        } else if (rc != 0) {
            break;
        } else {
            rc = pthread_cond_timedwait (&self->cond, &self->mutex, &until);
        }
    }
    pthread_mutex_unlock (&self->mutex);
    return found;
}

uint32_t
fake_count (fake_t *self, uint32_t kind)
{
    pthread_mutex_lock (&self->mutex);
    uint32_t count = self->counts[kind];
    pthread_mutex_unlock (&self->mutex);
    return count;
}

void
fake_send_bytes (fake_t *self, const void *bytes, size_t size)
{
    fake_frame_t *frame = malloc (sizeof *frame + size);
    assert (frame);
    frame->next = NULL;
    frame->size = size;
    if (size > 0)
        memcpy (frame->bytes, bytes, size);
    pthread_mutex_lock (&self->mutex);
    *self->out_last = frame;
    self->out_last = &frame->next;
    pthread_mutex_unlock (&self->mutex);
    s_wake (self);
}

void
fake_send (fake_t *self, const hf_pack_t *frame)
{
    fake_send_bytes (self, hf_pack_bytes (frame), hf_pack_size (frame));
}

void
fake_answer (fake_t *self, uint64_t session, uint64_t seq, hf_status_t status, uint64_t index,
             uint64_t token, uint64_t position)
{
    hf_pack_t item, pack;
    hf_pack_init (&item);
    hf_pack_init (&pack);
    hf_answer_put (&item, &(hf_answer_t){seq, status, index, token, position});
    hf_answers_frame (&pack, &(hf_answers_t){session, hf_pack_list (&item)});
    fake_send (self, &pack);
    hf_pack_done (&pack);
    hf_pack_done (&item);
}

void
fake_refuse (fake_t *self, hf_status_t status, uint32_t leader, uint64_t term)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_refused_frame (&pack, &(hf_refused_t){status, hf_span_text ("no"), leader, term});
    fake_send (self, &pack);
    hf_pack_done (&pack);
}
