//  The client of the floor, the echo and the bare sync.

#include "base/hf_alloc.h"
#include "bench/floor/floor.h"
#include "tests/kit/hf_folder.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define PAGE 4096

uint64_t
floor_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

//  ---- a client ---------------------------------------------------------------------------

typedef struct load {
    const floor_options_t *options;
    floor_result_t *result;
    uint8_t *command;
    uint64_t *sent_ns; //  by worker
    uint64_t start_ns; //  of what counts
} load_t;

static void
s_send (load_t *self, void *socket, uint64_t worker)
{
    memcpy (self->command, &worker, sizeof worker);
    self->sent_ns[worker] = floor_now_ns ();
    if (zmq_send (socket, self->command, self->options->bytes, 0) < 0)
        _Exit (1);
}

/*  Take the answers at hand; each worker asks again at once. */
static void
s_take (load_t *self, void *socket)
{
    uint64_t worker;
    while (zmq_recv (socket, &worker, sizeof worker, ZMQ_DONTWAIT) >= (int)sizeof worker) {
        uint64_t now_ns = floor_now_ns ();
        if (now_ns >= self->start_ns) {
            self->result->count++;
            hf_histogram_add (self->result->latency, now_ns - self->sent_ns[worker]);
        }
        s_send (self, socket, worker);
    }
}

void
floor_load (const floor_options_t *options, uint16_t port, uint32_t sockets, floor_result_t *result)
{
    char place[32];
    void *context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int)sockets + 8);
    zmq_pollitem_t *items = hf_alloc (sockets * sizeof *items);
    load_t load = {.options = options,
                   .result = result,
                   .command = hf_alloc (options->bytes),
                   .sent_ns = hf_alloc (options->workers * sizeof *load.sent_ns),
                   .start_ns = floor_now_ns () + 1000000000};
    uint64_t end_ns = load.start_ns + options->seconds * 1000000000ULL;
    snprintf (place, sizeof place, "tcp://127.0.0.1:%u", port);
    for (uint32_t i = 0; i < sockets; i++) {
        items[i] =
            (zmq_pollitem_t){.socket = floor_socket (context, ZMQ_DEALER), .events = ZMQ_POLLIN};
        zmq_connect (items[i].socket, place);
    }
    for (uint32_t worker = 0; worker < options->workers; worker++)
        s_send (&load, items[worker % sockets].socket, worker);
    while (floor_now_ns () < end_ns) {
        zmq_poll (items, (int)sockets, 100);
        for (uint32_t i = 0; i < sockets; i++)
            if (items[i].revents != 0)
                s_take (&load, items[i].socket);
    }
    result->elapsed_ns = floor_now_ns () - load.start_ns;
    for (uint32_t i = 0; i < sockets; i++)
        zmq_close (items[i].socket);
    zmq_ctx_term (context);
    free (load.command);
    free (load.sent_ns);
    free (items);
}

//  ---- the echo -----------------------------------------------------------------------------

void
floor_echo (uint16_t port)
{
    char place[32];
    void *socket = floor_socket (zmq_ctx_new (), ZMQ_ROUTER);
    snprintf (place, sizeof place, "tcp://127.0.0.1:%u", port);
    if (zmq_bind (socket, place) != 0)
        _Exit (1);
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        if (zmq_msg_recv (&part, socket, 0) < 0)
            _Exit (1);
        int more = zmq_msg_more (&part);
        if (zmq_msg_send (&part, socket, more ? ZMQ_SNDMORE : 0) < 0)
            zmq_msg_close (&part);
    }
}

//  ---- the disk -------------------------------------------------------------------------------

bool
floor_sync (const floor_options_t *options, floor_result_t *result)
{
    static uint8_t page[PAGE];
    char dir[PATH_MAX], path[PATH_MAX + 8];
    if (hf_folder_make (options->root, "holdfast-floor-", dir) != 0) {
        perror ("holdfast-floor: the folder");
        return false;
    }
    snprintf (path, sizeof path, "%s/file", dir);
    int fd = open (path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    uint64_t start_ns = floor_now_ns (), at_ns = start_ns;
    bool good = fd >= 0;
    while (good && at_ns < start_ns + options->seconds * 1000000000ULL) {
        good = write (fd, page, sizeof page) == (ssize_t)sizeof page && fdatasync (fd) == 0;
        uint64_t now_ns = floor_now_ns ();
        hf_histogram_add (result->latency, now_ns - at_ns);
        at_ns = now_ns;
        result->count++;
    }
    result->elapsed_ns = at_ns - start_ns;
    if (!good)
        perror ("holdfast-floor: the file");
    if (fd >= 0)
        close (fd);
    hf_folder_remove (dir);
    return good;
}
