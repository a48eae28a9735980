/*  nonreaders - clients that ask much and read nothing.
 *
 *      nonreaders [--clients 90] [--reads 4200] [--bytes 4000] [--most-mib 700]
 *                 [--program HOLDFASTD]
 *
 *  Each of CLIENTS raw connections to the leader asks READS times for BYTES of a file and never
 *  reads. The leader grows by less than MOST MiB, a client that reads is served meanwhile, the
 * others are cut off, and their memory is given back. Exit code 1: something did not hold, its line
 * says what.
 */
#include "tests/cluster/crowd/crowd.h"
#include "base/hf_std.h"
#include "client/holdfast.h"
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT_MS       60000
#define SERVED_MS      4000 //  a read, an append and what goes with it
#define ASKED_A_TURN   500
#define CLIENTS_MOST   1000
#define BYTES_MOST     (1U << 20)
#define MIB(bytes)     ((unsigned)((bytes) >> 20))
#define GIVEN_BACK_MIB 64

#ifdef __SANITIZE_ADDRESS__
#define EXACT 0 //  the sanitizer takes more, and keeps what was freed for a while
#else
#define EXACT 1
#endif

typedef struct options {
    unsigned clients, reads, bytes, most_mib;
    const char *program;
} options_t;

typedef struct flood {
    int fd;
    unsigned sent;
    bool cut;
} flood_t;

static hf_cluster_t *s_cluster;
static flood_t s_floods[CLIENTS_MOST];

static bool
s_read_options (options_t *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"clients", required_argument, NULL, 'c'}, {"reads", required_argument, NULL, 'r'},
        {"bytes", required_argument, NULL, 'b'},   {"most-mib", required_argument, NULL, 'm'},
        {"program", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
    *self = (options_t){.clients = 90, .reads = 4200, .bytes = 4000, .most_mib = 700};
    int option;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        unsigned number = optarg ? (unsigned)strtoul (optarg, NULL, 10) : 0;
        if (option == 'c')
            self->clients = number;
        else if (option == 'r')
            self->reads = number;
        else if (option == 'b')
            self->bytes = number;
        else if (option == 'm')
            self->most_mib = number;
        else if (option == 'p')
            self->program = optarg;
        else
            return false;
    }
    return optind == argc && self->clients > 0 && self->clients <= CLIENTS_MOST &&
           self->bytes > 0 && self->bytes <= BYTES_MOST;
}

//  ---- the others -------------------------------------------------------------------

/*  Some more questions of each, as far as its connection takes them. */
static bool
s_ask (const options_t *options, hf_pack_t *pack)
{
    bool more = false;
    for (unsigned i = 0; i < options->clients; i++) {
        flood_t *flood = &s_floods[i];
        struct pollfd writable = {.fd = flood->fd, .events = POLLOUT};
        for (unsigned n = 0; n < ASKED_A_TURN && flood->sent < options->reads && !flood->cut; n++) {
            if (poll (&writable, 1, 0) != 1)
                break;
            flood->cut = !crowd_raw_send (flood->fd, hf_pack_bytes (pack), hf_pack_size (pack));
            flood->sent++;
        }
        more = more || (!flood->cut && flood->sent < options->reads);
    }
    return more;
}

//  ---- a client that reads ------------------------------------------------------------

static char s_bytes[BYTES_MOST];

static uint64_t
s_be_served (hf_client_t *client, hf_session_t *session, unsigned bytes)
{
    static unsigned s_turn;
    uint64_t start_ms = hf_wait_now_ms ();
    char file[32];
    snprintf (file, sizeof file, "turn-%u", ++s_turn);
    size_t size = bytes;
    hf_grant_t grant;
    hf_status_t status = hf_acquire (session, "lock", LIMIT_MS, &grant);
    if (status == HF_OK)
        status = hf_append (session, "lock", grant.token, file, "x", 1, LIMIT_MS);
    if (status == HF_OK)
        status = hf_release (session, "lock", grant.token, LIMIT_MS);
    if (status == HF_OK)
        status = hf_read (client, "file", 0, s_bytes, &size, NULL, LIMIT_MS);
    CROWD_MUST (status == HF_OK, "a client that reads: %s", hf_status_text (status));
    return hf_wait_now_ms () - start_ms;
}

static void
s_write_file (hf_session_t *session, unsigned bytes)
{
    hf_grant_t grant;
    CROWD_MUST (hf_acquire (session, "lock", LIMIT_MS, &grant) == HF_OK &&
                    hf_append (session, "lock", grant.token, "file", s_bytes, bytes, LIMIT_MS) ==
                        HF_OK &&
                    hf_release (session, "lock", grant.token, LIMIT_MS) == HF_OK,
                "cannot write the file");
}

//  ---- the run ----------------------------------------------------------------------

static uint64_t
s_memory (void)
{
    uint64_t bytes = hf_cluster_memory (s_cluster, 1);
    CROWD_MUST (bytes > 0, "node 1 has ended");
    return bytes;
}

static void
s_watch (const options_t *options, hf_client_t *client, hf_session_t *session)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_query_frame (&pack, &(hf_query_t){.id = 1,
                                         .what = HF_WHAT_READ,
                                         .name = hf_span_text ("file"),
                                         .limit = options->bytes});
    uint64_t before = s_memory (), most = before, slowest_ms = 0, waited = 0;
    uint64_t others = crowd_fact (1, "connections");
    for (unsigned i = 0; i < options->clients; i++)
        s_floods[i].fd = crowd_raw (hf_cluster_client_port (s_cluster, 1));
    uint64_t end_ms = hf_wait_now_ms () + 2 * LIMIT_MS;
    while (s_ask (options, &pack) || crowd_fact (1, "connections") > others) {
        uint64_t served_ms = s_be_served (client, session, options->bytes);
        slowest_ms = served_ms > slowest_ms ? served_ms : slowest_ms;
        uint64_t now = s_memory (), waiting = crowd_fact (1, "waiting_bytes");
        most = now > most ? now : most;
        waited = waiting > waited ? waiting : waited;
        CROWD_MUST (MIB (EXACT ? most - before : waited) < options->most_mib,
                    "the leader grew by %u MiB", MIB (most - before));
        CROWD_MUST (hf_wait_now_ms () < end_ms, "not all were cut off; +%u MiB",
                    MIB (most - before));
    }
    hf_pack_done (&pack);
    printf (
        "%u clients were cut off; the leader grew by %u MiB, %u MiB of answers waited at most\n",
        options->clients, MIB (most - before), MIB (waited));
    printf ("the slowest turn of a client that reads took %u ms\n", (unsigned)slowest_ms);
    CROWD_MUST (!EXACT || slowest_ms < SERVED_MS, "a client that reads was not served");
    bool back =
        !EXACT || HF_WAIT (s_memory () < before + ((uint64_t)GIVEN_BACK_MIB << 20), LIMIT_MS / 4);
    printf ("afterwards the leader has %d MiB more than before\n",
            (int)(s_memory () / (1 << 20)) - (int)(before / (1 << 20)));
    CROWD_MUST (back, "the memory is not given back");
    for (unsigned i = 0; i < options->clients; i++)
        close (s_floods[i].fd);
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    options_t options;
    if (!s_read_options (&options, argc, argv))
        return 64;
    s_cluster = crowd_begin (3, 0, options.program);
    hf_client_options_t client_options = HF_CLIENT_OPTIONS_INIT;
    client_options.endpoints = hf_cluster_endpoints (s_cluster);
    hf_client_t *client = hf_client_new (&client_options, NULL);
    hf_session_t *session;
    CROWD_MUST (client && hf_session_open (client, NULL, LIMIT_MS, &session) == HF_OK,
                "no session");
    s_write_file (session, options.bytes);
    s_watch (&options, client, session);
    hf_session_close (&session, LIMIT_MS);
    hf_client_destroy (&client);
    crowd_end ();
    return 0;
}
