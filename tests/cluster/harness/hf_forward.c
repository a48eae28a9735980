//  A port mapping: one thread that carries bytes between pairs of sockets.

#include "tests/cluster/harness/hf_forward.h"
#include "base/hf_alloc.h"
#include "tests/kit/hf_ports.h"
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define PAIRS_MAX  256
#define PIECE_SIZE 65536
#define LOOK_MS    5 //  for the end of the test

struct hf_forward {
    hf_mapping_t mapping[HF_MAPPINGS_MAX];
    int door[HF_MAPPINGS_MAX];
    unsigned doors;
    int pair[PAIRS_MAX][2];
    unsigned pairs;
    pthread_t thread;
    atomic_bool stop;
};

static void
s_close (const int pair[2])
{
    close (pair[0]);
    close (pair[1]);
}

static void
s_accept (hf_forward_t *self, unsigned door)
{
    int pair[2] = {accept (self->door[door], NULL, NULL), -1};
    if (pair[0] < 0)
        return;
    pair[1] = hf_port_connect (self->mapping[door].to, 0);
    if (pair[1] < 0) {
        close (pair[0]);
        return;
    }
    assert (self->pairs < PAIRS_MAX);
    self->pair[self->pairs][0] = pair[0];
    self->pair[self->pairs++][1] = pair[1];
}

/*  Pass on what waits at FROM; false: one of the two ends has closed. */
static bool
s_carry (int from, int to)
{
    static uint8_t bytes[PIECE_SIZE]; //  of the one thread
    ssize_t got = recv (from, bytes, sizeof bytes, 0);
    ssize_t sent = 0;
    while (got > 0 && sent < got) {
        ssize_t more = send (to, bytes + sent, (size_t)(got - sent), MSG_NOSIGNAL);
        if (more < 0)
            return false;
        sent += more;
    }
    return got > 0;
}

static void *
s_run (void *arg)
{
    hf_forward_t *self = arg;
    while (!atomic_load (&self->stop)) {
        struct pollfd items[HF_MAPPINGS_MAX + 2 * PAIRS_MAX];
        nfds_t count = 0;
        for (unsigned i = 0; i < self->doors; i++)
            items[count++] = (struct pollfd){.fd = self->door[i], .events = POLLIN};
        unsigned pairs = self->pairs;
        for (unsigned i = 0; i < 2 * pairs; i++)
            items[count++] = (struct pollfd){.fd = self->pair[i / 2][i % 2], .events = POLLIN};
        if (poll (items, count, LOOK_MS) <= 0)
            continue;
        //  From the end, so that the last pair can take the place of one that is over.
        for (unsigned i = pairs; i-- > 0;) {
            const struct pollfd *item = &items[self->doors + 2 * i];
            int *pair = self->pair[i];
            if ((!item[0].revents || s_carry (pair[0], pair[1])) &&
                (!item[1].revents || s_carry (pair[1], pair[0])))
                continue;
            s_close (pair);
            self->pairs--;
            pair[0] = self->pair[self->pairs][0];
            pair[1] = self->pair[self->pairs][1];
        }
        for (unsigned i = 0; i < self->doors; i++)
            if (items[i].revents)
                s_accept (self, i);
    }
    return NULL;
}

hf_forward_t *
hf_forward_new (const hf_mapping_t *mappings, unsigned count)
{
    assert (count <= HF_MAPPINGS_MAX);
    hf_forward_t *self = hf_alloc (sizeof *self);
    for (; self->doors < count; self->doors++) {
        self->mapping[self->doors] = mappings[self->doors];
        self->door[self->doors] = hf_port_listen (mappings[self->doors].from, 0);
        assert (self->door[self->doors] >= 0);
    }
    int rc = pthread_create (&self->thread, NULL, s_run, self);
    assert (rc == 0);
    return self;
}

void
hf_forward_destroy (hf_forward_t **self_p)
{
    hf_forward_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    atomic_store (&self->stop, true);
    pthread_join (self->thread, NULL);
    for (unsigned i = 0; i < self->pairs; i++)
        s_close (self->pair[i]);
    for (unsigned i = 0; i < self->doors; i++)
        close (self->door[i]);
    free (self);
}
