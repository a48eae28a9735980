//  A node of the floor: it commits what it gets and says so.

#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include "bench/floor/floor.h"
#include <assert.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define BATCH_MAX 8192

//  ---- the disk ------------------------------------------------------------------------

typedef struct disk {
    sqlite3 *db;
    sqlite3_stmt *insert;
} disk_t;

static void
s_must (int rc, const char *doing, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return;
    fprintf (stderr, "holdfast-floor: cannot %s: %s\n", doing, sqlite3_errmsg (db));
    _Exit (1);
}

static void
s_open (disk_t *self, const char *dir)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/log.db", dir);
    s_must (sqlite3_open (path, &self->db), "open the log", self->db);
    s_must (
        sqlite3_exec (self->db,
                      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA "
                      "journal_mode=WAL; CREATE TABLE log (seq INTEGER PRIMARY KEY, batch BLOB)",
                      NULL, NULL, NULL),
        "make the log", self->db);
    s_must (sqlite3_prepare_v2 (self->db, "INSERT INTO log VALUES (?, ?)", -1, &self->insert, NULL),
            "prepare", self->db);
}

/*  One row is one transaction. */
static void
s_commit (disk_t *self, uint64_t seq, const void *bytes, size_t size)
{
    sqlite3_bind_int64 (self->insert, 1, (sqlite3_int64)seq);
    sqlite3_bind_blob64 (self->insert, 2, bytes, size, SQLITE_STATIC);
    s_must (sqlite3_step (self->insert), "commit", self->db);
    sqlite3_reset (self->insert);
}

//  ---- sockets ------------------------------------------------------------------------

void *
floor_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    int none = 0;
    if (!socket) {
        fprintf (stderr, "holdfast-floor: no socket: %s\n", zmq_strerror (zmq_errno ()));
        _Exit (1);
    }
    zmq_setsockopt (socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt (socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

static void *
s_socket_at (void *context, int type, bool binds, uint16_t port)
{
    char place[32];
    void *socket = floor_socket (context, type);
    snprintf (place, sizeof place, "tcp://127.0.0.1:%u", port);
    if ((binds ? zmq_bind : zmq_connect) (socket, place) != 0) {
        fprintf (stderr, "holdfast-floor: %s: %s\n", place, zmq_strerror (zmq_errno ()));
        _Exit (1);
    }
    if (type == ZMQ_SUB)
        zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0);
    return socket;
}

//  ---- a follower -----------------------------------------------------------------------

/*  A batch: its sequence number, then the commands. An ack: the number, and whose it is. */
typedef struct ack {
    uint64_t seq;
    uint32_t node;
} ack_t;

static void
s_follow (void *context, const floor_places_t *places, uint32_t number, disk_t *disk)
{
    void *in = s_socket_at (context, ZMQ_SUB, false, places->nodes[0]);
    void *out = s_socket_at (context, ZMQ_PUB, true, places->nodes[number]);
    ack_t ack = {.node = number};
    for (;;) {
        zmq_msg_t batch;
        zmq_msg_init (&batch);
        if (zmq_msg_recv (&batch, in, 0) < (int)sizeof ack.seq)
            _Exit (1);
        memcpy (&ack.seq, zmq_msg_data (&batch), sizeof ack.seq);
        if (ack.seq > 0)
            s_commit (disk, ack.seq, zmq_msg_data (&batch), zmq_msg_size (&batch));
        zmq_msg_close (&batch);
        zmq_send (out, &ack, sizeof ack, 0);
    }
}

//  ---- the leader -------------------------------------------------------------------------

/*  A command that is not answered yet. */
typedef struct asked {
    uint64_t seq; //  of its batch
    uint8_t route[8];
    uint32_t route_size;
    uint64_t id;
} asked_t;

typedef struct leader {
    const floor_options_t *options;
    void *clients, *out, *in;
    HF_ARRAY (asked_t) asked;
    HF_ARRAY (uint8_t) batch;
    uint64_t seq, own;              //  the last batch; that this node has committed
    uint64_t acked[HF_MEMBERS_MAX]; //  by each follower
    bool heard[HF_MEMBERS_MAX];
} leader_t;

/*  What waits at the door, up to a batch. */
static uint32_t
s_gather (leader_t *self)
{
    uint32_t count = 0;
    self->batch.count = sizeof self->seq;
    while (count < BATCH_MAX) {
        asked_t *asked;
        zmq_msg_t route, command;
        zmq_msg_init (&route);
        zmq_msg_init (&command);
        if (zmq_msg_recv (&route, self->clients, ZMQ_DONTWAIT) < 0)
            return count;
        size_t size = (size_t)zmq_msg_recv (&command, self->clients, 0);
        asked = hf_array_add (&self->asked);
        asked->seq = self->seq + 1;
        asked->route_size = (uint32_t)zmq_msg_size (&route);
        assert (asked->route_size <= sizeof asked->route && size >= sizeof asked->id);
        memcpy (asked->route, zmq_msg_data (&route), asked->route_size);
        memcpy (&asked->id, zmq_msg_data (&command), sizeof asked->id);
        hf_array_reserve (&self->batch, size);
        memcpy (self->batch.list + self->batch.count, zmq_msg_data (&command), size);
        self->batch.count += size;
        count++;
        zmq_msg_close (&route);
        zmq_msg_close (&command);
    }
    return count;
}

static void
s_hear_acks (leader_t *self)
{
    ack_t ack;
    while (zmq_recv (self->in, &ack, sizeof ack, ZMQ_DONTWAIT) == sizeof ack) {
        self->heard[ack.node] = true;
        self->acked[ack.node] = ack.seq;
    }
}

/*  The batch that this node and half of the others have committed. */
static uint64_t
s_committed (const leader_t *self)
{
    for (uint64_t seq = self->own; seq > 0; seq--) {
        uint32_t count = 1;
        for (uint32_t i = 1; i < self->options->nodes; i++)
            count += self->acked[i] >= seq;
        if (count > self->options->nodes / 2)
            return seq;
    }
    return 0;
}

static void
s_answer (leader_t *self)
{
    uint64_t committed = s_committed (self);
    size_t done = 0;
    for (; done < self->asked.count && self->asked.list[done].seq <= committed; done++) {
        const asked_t *asked = &self->asked.list[done];
        zmq_send (self->clients, asked->route, asked->route_size, ZMQ_SNDMORE);
        zmq_send (self->clients, &asked->id, sizeof asked->id, 0);
    }
    hf_array_drop (&self->asked, done);
}

/*  A PUB drops what its subscribers are not there for yet: until all were heard, say nothing else.
 */
static void
s_await_followers (leader_t *self)
{
    for (;;) {
        uint64_t none = 0;
        uint32_t heard = 1;
        for (uint32_t i = 1; i < self->options->nodes; i++)
            heard += self->heard[i];
        if (heard == self->options->nodes)
            return;
        zmq_send (self->out, &none, sizeof none, 0);
        zmq_pollitem_t item = {.socket = self->in, .events = ZMQ_POLLIN};
        zmq_poll (&item, 1, 10);
        s_hear_acks (self);
    }
}

static void
s_lead (leader_t *self, void *context, const floor_places_t *places, disk_t *disk)
{
    self->out = s_socket_at (context, ZMQ_PUB, true, places->nodes[0]);
    self->in = s_socket_at (context, ZMQ_SUB, false, places->nodes[1 % self->options->nodes]);
    for (uint32_t i = 2; i < self->options->nodes; i++) {
        char place[32];
        snprintf (place, sizeof place, "tcp://127.0.0.1:%u", places->nodes[i]);
        zmq_connect (self->in, place);
    }
    s_await_followers (self);
    self->clients = s_socket_at (context, ZMQ_ROUTER, true, places->clients);
    hf_array_reserve (&self->batch, sizeof self->seq);
    zmq_pollitem_t items[] = {{.socket = self->clients, .events = ZMQ_POLLIN},
                              {.socket = self->in, .events = ZMQ_POLLIN}};
    for (;;) {
        zmq_poll (items, 2, -1);
        if (s_gather (self) > 0) {
            self->seq++;
            memcpy (self->batch.list, &self->seq, sizeof self->seq);
            zmq_send (self->out, self->batch.list, self->batch.count, 0); //  while the disk works
            s_commit (disk, self->seq, self->batch.list, self->batch.count);
            self->own = self->seq;
        }
        s_hear_acks (self);
        s_answer (self);
    }
}

void
floor_node (const floor_options_t *options, const floor_places_t *places, uint32_t number,
            const char *dir)
{
    void *context = zmq_ctx_new ();
    disk_t disk;
    s_open (&disk, dir);
    if (number == 0) {
        static leader_t leader;
        leader.options = options;
        s_lead (&leader, context, places, &disk);
    } else {
        s_follow (context, places, number, &disk);
    }
    _Exit (0);
}
