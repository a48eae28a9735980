/*  senders - clients that send without pause and wait for nothing.
 *
 *      senders [--clients 4] [--seconds 10] [--bytes 1] [--parts 1] [--most-mib 200]
 *
 *  Each of CLIENTS raw connections to the leader sends messages of PARTS parts of BYTES as fast as
 *  they are taken; with --parts 0 one message that never ends. The leader grows by less than MOST
 *  MiB and gives that back, and a client that holds a lock beside them keeps it and is served. Exit
 *  code 1: something did not hold, its line says what.
 */
#include "tests/cluster/crowd/crowd.h"
#include "base/hf_alloc.h"
#include "base/hf_std.h"
#include "client/holdfast.h"
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS     30000
#define SERVED_MS    5000 //  an acquire and a release
#define CLIENTS_MOST 1000
#define BYTES_MOST   (2U << 20)
#define PIECE        (64U << 10) //  sent at once, about
#define BACK_MIB     48
#define MIB(bytes)   ((unsigned)((bytes) >> 20))

#ifdef __SANITIZE_ADDRESS__
#define EXACT 0 //  the sanitizer takes more, and keeps what was freed for a while
#else
#define EXACT 1
#endif

static struct {
    unsigned clients, seconds, bytes, parts, most_mib;
    hf_cluster_t *cluster;
    int fds[CLIENTS_MOST];
    uint8_t *bytes_of_all; //  whole messages, or parts of one
    size_t size, count;    //  of that; messages in it
    atomic_uint_fast64_t sent;
    atomic_bool over;
} s_run = {.clients = 4, .seconds = 10, .bytes = 1, .parts = 1, .most_mib = 200};

static bool
s_read_options (int argc, char **argv)
{
    static const struct option options[] = {
        {"clients", required_argument, NULL, 'c'},  {"seconds", required_argument, NULL, 's'},
        {"bytes", required_argument, NULL, 'b'},    {"parts", required_argument, NULL, 'p'},
        {"most-mib", required_argument, NULL, 'm'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        unsigned number = optarg ? (unsigned)strtoul (optarg, NULL, 10) : 0;
        if (option == 'c')
            s_run.clients = number;
        else if (option == 's')
            s_run.seconds = number;
        else if (option == 'b')
            s_run.bytes = number;
        else if (option == 'p')
            s_run.parts = number;
        else if (option == 'm')
            s_run.most_mib = number;
        else
            return false;
    }
    return optind == argc && s_run.clients > 0 && s_run.clients <= CLIENTS_MOST &&
           s_run.bytes <= BYTES_MOST;
}

//  ---- those who send -----------------------------------------------------------------

static void
s_put_frame (unsigned flags)
{
    uint8_t *at = s_run.bytes_of_all + s_run.size;
    if (s_run.bytes <= 255) {
        at[0] = (uint8_t)flags;
        at[1] = (uint8_t)s_run.bytes;
        s_run.size += 2 + s_run.bytes;
        return;
    }
    at[0] = (uint8_t)(flags | 2);
    for (unsigned i = 0; i < 8; i++)
        at[1 + i] = (uint8_t)((uint64_t)s_run.bytes >> 8 * (7 - i));
    s_run.size += 9 + s_run.bytes;
}

static void
s_make_messages (void)
{
    unsigned parts = s_run.parts > 0 ? s_run.parts : 1;
    size_t one = (size_t)parts * (9 + s_run.bytes);
    s_run.bytes_of_all = hf_alloc (PIECE + one);
    while (s_run.size < PIECE) {
        for (unsigned i = 1; i <= parts; i++)
            s_put_frame (s_run.parts == 0 || i < parts);
        s_run.count++;
    }
}

/*  As much as the connections take. One that is cut off is made again. */
static void *
s_send_all (void *arg)
{
    struct pollfd items[CLIENTS_MOST];
    size_t at[CLIENTS_MOST] = {0};
    for (unsigned i = 0; i < s_run.clients; i++)
        items[i] = (struct pollfd){.fd = s_run.fds[i], .events = POLLOUT};
    while (!atomic_load (&s_run.over)) {
        if (poll (items, s_run.clients, 100) <= 0)
            continue;
        for (unsigned i = 0; i < s_run.clients; i++) {
            if (items[i].revents == 0)
                continue;
            ssize_t sent = send (items[i].fd, s_run.bytes_of_all + at[i], s_run.size - at[i],
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent > 0)
                at[i] = (at[i] + (size_t)sent) % s_run.size;
            if (sent > 0 && at[i] == 0)
                atomic_fetch_add (&s_run.sent, s_run.count);
            if (sent < 0 && (items[i].revents & (POLLHUP | POLLERR)))
                items[i].fd = -1;
        }
    }
    return arg;
}

//  ---- the client beside them -----------------------------------------------------------

static uint64_t
s_be_served (hf_session_t *session)
{
    uint64_t start_ms = hf_wait_now_ms ();
    hf_grant_t grant;
    hf_status_t status = hf_acquire (session, "a", LIMIT_MS, &grant);
    if (status == HF_OK)
        status = hf_release (session, "a", grant.token, LIMIT_MS);
    CROWD_MUST (status == HF_OK, "a client beside them: %s", hf_status_text (status));
    return hf_wait_now_ms () - start_ms;
}

static uint64_t
s_memory (void)
{
    uint64_t bytes = hf_cluster_memory (s_run.cluster, 1);
    CROWD_MUST (bytes > 0, "node 1 has ended");
    return bytes;
}

static void
s_watch (hf_session_t *session, uint64_t before)
{
    uint64_t most = before, slowest_ms = 0, received = 0, turns = 0;
    uint64_t end_ms = hf_wait_now_ms () + s_run.seconds * 1000ULL;
    while (hf_wait_now_ms () < end_ms) {
        uint64_t served_ms = s_be_served (session), now = s_memory ();
        uint64_t waiting = crowd_fact (1, "received_bytes");
        slowest_ms = served_ms > slowest_ms ? served_ms : slowest_ms;
        most = now > most ? now : most;
        received = waiting > received ? waiting : received;
        turns++;
        CROWD_MUST (!EXACT || MIB (most - before) < s_run.most_mib, "the leader grew by %u MiB",
                    MIB (most - before));
    }
    printf ("%llu messages were sent; the leader grew by %u MiB; %u MiB waited at most\n",
            (unsigned long long)atomic_load (&s_run.sent), MIB (most - before), MIB (received));
    printf ("beside them: %llu turns, the slowest took %u ms\n", (unsigned long long)turns,
            (unsigned)slowest_ms);
    CROWD_MUST (!EXACT || slowest_ms < SERVED_MS, "a client beside them was not served");
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    if (!s_read_options (argc, argv))
        return 64;
    s_make_messages ();
    s_run.cluster = crowd_begin (3, 0, NULL);
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    options.endpoints = hf_cluster_endpoints (s_run.cluster);
    hf_client_t *client = hf_client_new (&options, NULL);
    hf_session_t *session;
    hf_grant_t grant;
    CROWD_MUST (client && hf_session_open (client, NULL, LIMIT_MS, &session) == HF_OK &&
                    hf_acquire (session, "kept", LIMIT_MS, &grant) == HF_OK,
                "no session");
    s_be_served (session);
    uint64_t before = s_memory ();
    for (unsigned i = 0; i < s_run.clients; i++)
        s_run.fds[i] = crowd_raw (hf_cluster_client_port (s_run.cluster, 1));
    pthread_t thread;
    CROWD_MUST (pthread_create (&thread, NULL, s_send_all, NULL) == 0, "no thread");
    s_watch (session, before);
    atomic_store (&s_run.over, true);
    pthread_join (thread, NULL);
    for (unsigned i = 0; i < s_run.clients; i++)
        close (s_run.fds[i]);
    bool back = HF_WAIT (!EXACT || s_memory () < before + ((uint64_t)BACK_MIB << 20), LIMIT_MS);
    printf ("afterwards the leader has %d MiB more than before\n",
            (int)(s_memory () >> 20) - (int)(before >> 20));
    CROWD_MUST (back, "the memory is not given back");
    CROWD_MUST (hf_release (session, "kept", grant.token, LIMIT_MS) == HF_OK, "the lock was lost");
    hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&client);
    free (s_run.bytes_of_all);
    crowd_end ();
    return 0;
}
