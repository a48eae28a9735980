//  recv() with limits, and close(). They run on libzmq's I/O thread.

#include "broker-less/hf_intake.h"
#include "base/hf_array.h"
#include "broker-less/hf_door_rules.h"
#include "broker-less/hf_halves.h"
#include "broker-less/hf_inflow.h"
#include "broker-less/hf_socket.h"
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX (HF_CONNECTIONS_MAX + 1000) //  the gate accepts no connection beyond
#define LOOK_US   100000
#define PAUSE_US  500
#define CLEAR_US  3600000000 //  heartbeats need six hours to fill the room of one client

typedef struct connection {
    hf_inflow_t flow;
    bool open, held_back;
    uint8_t port;
    uint64_t waits_at;   //  bytes that had been passed on when it had to wait; 0: it does not
    uint64_t cleared_us; //  when it was opened, or cleared
} connection_t;

//  Of the I/O thread, and of no other.
static __thread bool s_is_mine;
static atomic_bool s_is_taken;
static struct {
    HF_ARRAY (connection_t) list; //  by descriptor
    size_t unended;               //  of all
    uint64_t look_us, paused_us;
    struct {
        hf_halves_t halves;
        uint32_t held_back; //  connections
    } port[HF_INTAKE_PORTS];
} s_own;

//  Bytes of messages that have ended: those of each connection that wait, and of all since the
//  start those that have come, that libzmq has passed on or dropped, and that were handled. libzmq
//  drops what it has read of a connection when it gives that up.
static atomic_size_t s_of_one[FILES_MAX], s_unended;
static atomic_uint_fast64_t s_come, s_passed, s_handled, s_cut, s_halves_cut;

static uint64_t
s_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static connection_t *
s_find (int fd)
{
    if (!s_is_mine || fd < 0 || (size_t)fd >= s_own.list.count || !s_own.list.list[fd].open)
        return NULL;
    return &s_own.list.list[fd];
}

static void
s_set_unended (size_t unended)
{
    s_own.unended = unended;
    atomic_store_explicit (&s_unended, unended, memory_order_relaxed);
}

static void
s_close (connection_t *connection)
{
    hf_halves_drop (&s_own.port[connection->port].halves, (int)(connection - s_own.list.list));
    if (connection->held_back) {
        s_set_unended (s_own.unended - connection->flow.unended);
        s_own.port[connection->port].held_back--;
    }
    *connection = (connection_t){.open = false};
}

static void
s_begin (void)
{
    if (s_is_mine)
        return;
    bool taken = atomic_exchange (&s_is_taken, true);
    assert (!taken);
    s_is_mine = true;
    for (unsigned i = 0; i < HF_INTAKE_PORTS; i++)
        hf_halves_init (&s_own.port[i].halves);
}

static connection_t *
s_slot (int fd)
{
    while (s_own.list.count <= (size_t)fd)
        *hf_array_add (&s_own.list) = (connection_t){.open = false};
    if (s_own.list.list[fd].open)
        s_close (&s_own.list.list[fd]);
    return &s_own.list.list[fd];
}

/*  Whether there is room for one more that has to shake hands. */
static bool
s_make_room (const hf_intake_port_t *port, uint64_t now_us)
{
    int oldest;
    hf_halves_t *halves = &s_own.port[port->number].halves;
    //  Other nodes are few, and come back whenever they are cut off.
    uint64_t young_us = port->held_back ? HF_HALF_YOUNG_US : 0;
    hf_half_step_t step = hf_halves_next (halves, port->halves, young_us, now_us, &oldest);
    if (step != HF_HALF_TAKE)
        atomic_fetch_add (&s_halves_cut, 1);
    if (step == HF_HALF_CUT) {
        hf_halves_drop (halves, oldest); //  libzmq closes it soon
        hf_socket_cut (oldest);
    }
    return step != HF_HALF_REFUSE;
}

hf_intake_step_t
hf_intake_open (int fd, const hf_intake_port_t *port)
{
    assert (port->number < HF_INTAKE_PORTS);
    s_begin ();
    if (fd < 0 || fd >= FILES_MAX)
        return HF_INTAKE_TAKEN;
    uint64_t now_us = s_now_us ();
    connection_t *connection = s_slot (fd);
    if (port->most > 0 && s_own.port[port->number].held_back >= port->most)
        return HF_INTAKE_FULL;
    if (!s_make_room (port, now_us))
        return HF_INTAKE_HALVES;
    *connection = (connection_t){.open = true,
                                 .held_back = port->held_back,
                                 .port = (uint8_t)port->number,
                                 .cleared_us = now_us};
    s_own.port[port->number].held_back += port->held_back;
    hf_halves_add (&s_own.port[port->number].halves, fd, now_us);
    atomic_store (&s_of_one[fd], 0);
    return HF_INTAKE_TAKEN;
}

void
hf_intake_handled (int fd, size_t cost)
{
    if (fd < 0 || fd >= FILES_MAX)
        return;
    size_t of_one = atomic_load (&s_of_one[fd]);
    do {
        if (of_one < cost)
            return; //  of the connection before, or not counted
    } while (!atomic_compare_exchange_weak (&s_of_one[fd], &of_one, of_one - cost));
    //  A part of a message that is not whole was handled already, when the door was empty: no more
    //  is handled than has come.
    uint64_t handled = atomic_load (&s_handled), more;
    do {
        uint64_t come = atomic_load (&s_come);
        more = handled + cost < come ? handled + cost : come;
    } while (!atomic_compare_exchange_weak (&s_handled, &handled, more));
}

uint64_t
hf_intake_passed (void)
{
    return atomic_load (&s_passed);
}

void
hf_intake_emptied (uint64_t passed)
{
    uint64_t handled = atomic_load (&s_handled);
    if (handled < passed)
        atomic_store (&s_handled, passed);
}

static size_t
s_of_all (void)
{
    uint64_t handled = atomic_load (&s_handled), come = atomic_load (&s_come);
    assert (handled <= come);
    return (size_t)(come - handled);
}

hf_intake_facts_t
hf_intake_facts (void)
{
    return (hf_intake_facts_t){.waiting = s_of_all () +
                                          atomic_load_explicit (&s_unended, memory_order_relaxed),
                               .cut = atomic_load (&s_cut),
                               .halves = atomic_load (&s_halves_cut)};
}

//  ---- reading ----------------------------------------------------------------------

static hf_inflow_step_t
s_step (int fd, const connection_t *connection, uint64_t now_us)
{
    return hf_inflow_next (&connection->flow, atomic_load (&s_of_one[fd]), s_of_all (),
                           s_own.unended, now_us);
}

/*  Who is to be cut off may send nothing more, and others wait for the room. */
static void
s_look_at_all (uint64_t now_us)
{
    if (now_us < s_own.look_us)
        return;
    s_own.look_us = now_us + LOOK_US;
    for (size_t fd = 0; fd < s_own.list.count; fd++)
        if (s_own.list.list[fd].open && s_own.list.list[fd].held_back &&
            s_step ((int)fd, &s_own.list.list[fd], now_us) == HF_INFLOW_CUT)
            shutdown ((int)fd, SHUT_RDWR); //  its end is read then
}

/*  A connection with CURVE has to wait: of what counts as its messages some were heartbeats. When
 * all that had come is over it is cleared, but not often: a message without an end, which cannot be
 *  told from them, shall not grow for ever. Whether it was. */
static bool
s_clear (int fd, connection_t *connection, uint64_t now_us)
{
    if (connection->waits_at == 0)
        connection->waits_at = atomic_load (&s_passed);
    if (atomic_load (&s_handled) < connection->waits_at ||
        now_us < connection->cleared_us + CLEAR_US)
        return false;
    atomic_store (&s_of_one[fd], 0);
    connection->waits_at = 0;
    connection->cleared_us = now_us;
    return true;
}

/*  The thread has other connections to read and to write, but it shall not spin. */
static void
s_pause (uint64_t now_us)
{
    if (now_us < s_own.paused_us + PAUSE_US)
        return;
    nanosleep (&(struct timespec){.tv_nsec = PAUSE_US * 1000}, NULL);
    s_own.paused_us = s_now_us ();
}

static hf_inflow_step_t
s_next (int fd, connection_t *connection)
{
    //  The clock is not read for nothing.
    hf_inflow_step_t step = s_step (fd, connection, 0);
    if (step == HF_INFLOW_READ && s_own.unended < HF_INFLOW_UNENDED_BYTES / 2)
        return step;
    uint64_t now_us = s_now_us ();
    s_look_at_all (now_us);
    step = s_step (fd, connection, now_us);
    if (step == HF_INFLOW_WAIT && connection->flow.curve && s_clear (fd, connection, now_us))
        step = s_step (fd, connection, now_us);
    if (step == HF_INFLOW_WAIT)
        s_pause (now_us);
    return step;
}

/*  Count what has come. False: cut the connection. */
static bool
s_take (int fd, connection_t *connection, const void *bytes, size_t size)
{
    hf_inflow_t *flow = &connection->flow;
    size_t ended = 0, before = flow->unended;
    bool good = hf_inflow_take (flow, bytes, size, &ended);
    if (flow->let_in)
        hf_halves_drop (&s_own.port[connection->port].halves, fd);
    if (flow->unended > 0 && flow->since_us == 0)
        flow->since_us = s_now_us ();
    s_set_unended (s_own.unended - before + flow->unended);
    if (!good)
        return false; //  libzmq sees nothing of it
    atomic_fetch_add (&s_of_one[fd], ended);
    atomic_fetch_add (&s_come, ended);
    return true;
}

/*  libzmq passes on what it has read before it reads again, or closes a connection. */
static void
s_pass (void)
{
    if (s_is_mine)
        atomic_store (&s_passed, atomic_load (&s_come));
}

static ssize_t
s_end (connection_t *connection, bool cut, ssize_t answer)
{
    int code = errno;
    atomic_fetch_add (&s_cut, cut);
    s_close (connection);
    errno = code;
    return answer;
}

/*  What comes from another node is nobody's concern when hands are shaken. Whether to go on. */
static bool
s_look_on (connection_t *connection, const void *bytes, size_t size)
{
    size_t ended = 0;
    bool good = hf_inflow_take (&connection->flow, bytes, size, &ended);
    if (!connection->flow.let_in)
        return good;
    s_close (connection); //  what came behind that, as subscriptions, is not judged
    return true;
}

ssize_t
recv (int fd, void *bytes, size_t size, int flags)
{
    connection_t *connection = s_find (fd);
    s_pass ();
    bool held_back = connection && connection->held_back;
    hf_inflow_step_t step = held_back ? s_next (fd, connection) : HF_INFLOW_READ;
    if (step == HF_INFLOW_CUT)
        return s_end (connection, true, 0);
    if (step == HF_INFLOW_WAIT) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t got = syscall (SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);
    if (!connection || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return got;
    if (got <= 0)
        return s_end (connection, false, got);
    bool good = held_back ? s_take (fd, connection, bytes, (size_t)got)
                          : s_look_on (connection, bytes, (size_t)got);
    return good ? got : s_end (connection, true, 0);
}

int
close (int fd)
{
    connection_t *connection = s_find (fd);
    if (connection)
        s_close (connection);
    s_pass ();
    return (int)syscall (SYS_close, fd);
}
