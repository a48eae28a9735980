/*  holdfastd - one node of a holdfast cluster: wiring of the actors, signals. */
#include "base/hf_std.h"
#include "nodes/actors/hf_clock.h"
#include "nodes/actors/hf_pipe.h"
#include "nodes/hf_check.h"
#include "nodes/hf_dump.h"
#include "nodes/hf_node.h"
#include "nodes/hf_notify.h"
#include "nodes/hf_recover.h"
#include "nodes/hf_restore.h"
#include "nodes/services/hf_give_back.h"
#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define HANDOVER_LIMIT_MS 2000
#define RIGHTS_LOOK_MS    1000 //  between two looks at the file of rights

#define LARGE_BYTES (1U << 20) //  a block from here on is given back as soon as it is freed
#define TOP_BYTES   (1U << 20) //  free memory at the end of a thread's heap that is kept

static void
s_configure (hf_node_t *node, const hf_options_t *options)
{
    hf_core_config_t *config = &node->election.config.core;
    hf_core_config_defaults (config);
    config->self = node->id;
    for (uint32_t i = 0; i < node->endpoints.count && !node->joins; i++) {
        const hf_endpoint_t *member = &node->endpoints.node[i];
        hf_core_place_t *place = &config->places[config->members_count];
        static_assert (sizeof place->host == sizeof member->host, "a host of the list");
        memcpy (place->host, member->host, sizeof place->host);
        place->client_port = member->client_port;
        place->node_port = member->node_port;
        config->members[config->members_count++] = member->id;
    }
    config->prefer_lowest = !options->no_prefer_lowest;
    //  Nodes must not share their jitter; nothing else rests on this number.
    config->seed = hf_clock_us () ^ (uint64_t)getpid () << 32 ^ node->id;
    node->election.config.log_keep = options->log_keep;
    node->election.own = node->own;
    node->election.endpoints = node->endpoints;
    node->election.cluster = node->cluster;
    node->election.told = node->told;
    node->election.told_index = node->told_index;
    node->file.dir = options->data;
    node->file.self = node->id;
    node->lock.own = node->own;
    node->lock.token_floor = options->token_floor;
    node->lock.user_sessions_max = options->user_sessions;
    node->lock.user_rate = options->user_rate;
}

/*  Without this, the first large block that is freed raises both limits to the size of it, and
 * twice that, up to 32 and 64 MiB: each thread that packed something large once keeps as much. */
static void
s_keep_little (void)
{
    mallopt (M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt (M_TRIM_THRESHOLD, TOP_BYTES);
}

/*  Bytes of memory that are of this process alone; 0: not known. */
static size_t
s_resident (void)
{
    unsigned long all, resident, shared;
    FILE *file = fopen ("/proc/self/statm", "re");
    bool known = file && fscanf (file, "%lu %lu %lu", &all, &resident, &shared) == 3;
    if (file)
        fclose (file);
    return known && resident > shared ? (resident - shared) * (size_t)getpagesize () : 0;
}

/*  On the main thread, which nobody waits for. */
static void
s_give_back (hf_give_back_t *memory)
{
    size_t resident = s_resident ();
    if (resident < HF_GIVE_BACK_SPARE)
        return;
    struct mallinfo2 info = mallinfo2 ();
    if (hf_give_back_look (memory, resident, info.uordblks + info.hblkhd))
        malloc_trim (0);
}

typedef enum end {
    END_SIGNAL,
    END_RESTART, //  a state was received, to be swapped in; this node is called elsewhere; or its
                 //  folder was an old copy
    END_REMOVED  //  this node is no member of the cluster any more
} end_t;

/*  What the process was started with: hangups read it again. */
typedef struct started {
    int argc;
    char **argv;
    hf_level_t level; //  in force
} started_t;

static void
s_warn (const char *line)
{
    hf_report (HF_WARN, "%s", line);
}

/*  The level as the options say it now; they may be wrong by now, then it stays. */
static void
s_look_at_level (started_t *started)
{
    hf_options_t now;
    if (hf_options_parse (&now, started->argc, started->argv, s_warn) >= 0)
        hf_report (HF_WARN, "the options are wrong now: the log level stays");
    else if (now.level != started->level) {
        started->level = now.level;
        hf_report_set_level (now.level);
        hf_report (HF_INFO, "the log level is %s now", hf_report_level_name (now.level));
    }
    hf_options_done (&now);
}

/*  If the file of rights has changed, the lock actor learns what is in it now. */
static void
s_look_at_rights (hf_node_t *node, zactor_t *lock)
{
    if (!hf_node_rights_look (node))
        return;
    hf_pack_t pack;
    hf_pack_init (&pack);
    hf_a_rights_frame (&pack,
                       &(hf_a_rights_t){.text = hf_span (node->rights.text, node->rights.size)});
    hf_pipe_send (zactor_sock (lock), &pack);
    hf_pack_done (&pack);
}

/*  What runs, as main sees it. */
typedef struct running {
    hf_node_t *node;
    zactor_t *file, *election, *lock;
    int signals; //  a signalfd
    started_t *started;
    hf_notify_t *notify;
} running_t;

static void
s_hang_up (const running_t *self)
{
    hf_node_t *node = self->node;
    hf_report (HF_INFO, node->rights.file ? "looks at keys and rights: hangup"
                        : node->zap       ? "looks at the keys: hangup"
                                          : "goes on after a hangup");
    if (node->zap)
        hf_zap_look (node->zap);
    s_look_at_rights (node, self->lock);
    s_look_at_level (self->started);
}

/*  What the election actor says. Whether the node ends by it, with *END. */
static bool
s_hear_election (const running_t *self, end_t *end)
{
    char *text = zstr_recv (self->election);
    unsigned leader;
    bool ends = !text || sscanf (text, "LEADER %u", &leader) != 1;
    if (ends)
        *end = text && (streq (text, "MOVED") || streq (text, "OLD")) ? END_RESTART : END_REMOVED;
    else
        hf_notify_leader (self->notify, self->node, leader);
    zstr_free (&text);
    return ends;
}

/*  Whether the file actor says that a state waits to be swapped in. */
static bool
s_hear_file (const running_t *self)
{
    zmq_msg_t message;
    zmq_msg_init (&message);
    hf_scan_t scan;
    uint32_t kind = 0;
    bool any = hf_pipe_next (zactor_sock (self->file), &message, &scan, &kind);
    zmq_msg_close (&message);
    return any && kind == HF_KIND_A_RESTART;
}

/*  Wait for a signal, which is then in NUMBER, or for what an actor says. */
static end_t
s_wait (const running_t *self, int *number)
{
    zmq_pollitem_t items[] = {
        {.fd = self->signals, .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->file), .events = ZMQ_POLLIN},
        {.socket = zsock_resolve (self->election), .events = ZMQ_POLLIN},
    };
    hf_give_back_t memory = {.wait = 0};
    uint64_t memory_us = hf_clock_us () + HF_GIVE_BACK_LOOK_US / 10 * 9;
    long look_ms = self->node->rights.file ? RIGHTS_LOOK_MS : HF_GIVE_BACK_LOOK_US / 1000;
    end_t end = END_SIGNAL;
    for (;;) {
        struct signalfd_siginfo info;
        bool idle = zmq_poll (items, 3, hf_notify_wait_ms (self->notify, look_ms)) == 0;
        if (idle)
            s_look_at_rights (self->node, self->lock);
        if (idle && hf_clock_us () >= memory_us) {
            s_give_back (&memory);
            memory_us = hf_clock_us () + HF_GIVE_BACK_LOOK_US / 10 * 9;
        }
        hf_notify_pulse (self->notify, self->node);
        if (read (self->signals, &info, sizeof info) == (ssize_t)sizeof info) {
            *number = (int)info.ssi_signo;
            if (*number != SIGHUP)
                return END_SIGNAL;
            s_hang_up (self);
            continue;
        }
        if (items[2].revents != 0 && s_hear_election (self, &end))
            return end;
        if (s_hear_file (self))
            return END_RESTART;
    }
}

/*  Give the lead away, which takes a moment. */
static void
s_hand_over (zactor_t *election)
{
    zsock_set_rcvtimeo (election, HANDOVER_LIMIT_MS);
    zstr_send (election, "HANDOVER");
    bool done = false;
    while (!done) {
        char *text = zstr_recv (election);
        done = !text || streq (text, "DONE"); //  others may come before it
        zstr_free (&text);
    }
}

/*  Run the actors until something ends them: lock first, so that nobody is answered any more. */
static end_t
s_run (hf_node_t *node, int signals, started_t *started, hf_notify_t *notify)
{
    node->election.file = hf_pipe_new (&node->file.election);
    node->lock.election = hf_pipe_new (&node->election.lock);
    node->lock.file = hf_pipe_new (&node->file.lock);
    zactor_t *file = zactor_new (hf_file_actor, &node->file);
    zactor_t *election = zactor_new (hf_election_actor, &node->election);
    if (node->http.server)
        node->lock.http = hf_pipe_new (&node->http.lock);
    zactor_t *lock = zactor_new (hf_lock_actor, &node->lock);
    assert (file && election && lock);
    zactor_t *http = node->http.server ? zactor_new (hf_http_actor, &node->http) : NULL;
    hf_report (HF_INFO, "holdfastd " HF_VERSION " serves clients on %s:%u, %s %s", node->own.host,
               (unsigned)node->own.client_port, node->joins ? "joins" : "cluster", node->list);
    int signal_number = 0;
    running_t running = {.node = node,
                         .file = file,
                         .election = election,
                         .lock = lock,
                         .signals = signals,
                         .started = started,
                         .notify = notify};
    end_t end = s_wait (&running, &signal_number);
    if (end != END_RESTART)
        hf_notify_stopping ();
    if (end == END_SIGNAL)
        hf_report (HF_INFO, "ends: %s", strsignal (signal_number));
    if (end == END_REMOVED)
        hf_node_say_removed (node);
    s_hand_over (election);
    zactor_destroy (&http);
    zactor_destroy (&lock);
    zactor_destroy (&election);
    zactor_destroy (&file);
    if (end != END_RESTART)
        hf_report (HF_INFO, "ended");
    return end;
}

/*  Nothing of the old state may be open or in memory while another one is swapped in. */
static void
s_start_again (char **argv)
{
    execv ("/proc/self/exe", argv);
    fprintf (stderr, "holdfastd: cannot start again: %s; start this node by hand\n",
             strerror (errno));
}

/*  Threads inherit the mask: signals come to s_wait alone. A signalfd of those that end. */
static int
s_take_signals (sigset_t *signals)
{
    sigemptyset (signals);
    sigaddset (signals, SIGTERM);
    sigaddset (signals, SIGINT);
    int fd = signalfd (-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    assert (fd >= 0);
    sigaddset (signals, SIGHUP); //  waits until the node runs
    pthread_sigmask (SIG_BLOCK, signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    signal (SIGXFSZ, SIG_IGN); //  a write that fails is reported
    zsys_handler_set (NULL);
    return fd;
}

/*  Run the node to its end. The exit code; with *AGAIN it is to start again. */
static int
s_serve (hf_node_t *node, const hf_options_t *options, started_t *started, bool *again)
{
    sigset_t signals;
    hf_notify_t notify;
    int signals_fd = s_take_signals (&signals);
    hf_report_init (options->level, options->form, node->id);
    hf_notify_begin (&notify, node->joins ? "waits until it is a member of the cluster"
                                          : "waits for a leader");
    bool may_open = hf_node_check_open (node, options) == 0;
    bool may_serve =
        may_open && hf_node_keys (node, options) == 0 && hf_node_admin (node, options) == 0;
    int rc = may_serve && hf_node_rights (node, options) == 0 ? hf_node_load (node, options) : -1;
    if (rc == 0)
        rc = hf_node_join (node, signals_fd);
    if (rc == 0)
        rc = hf_node_listen (node, options, signals_fd);
    if (rc == 0) {
        may_open = hf_node_check_open (node, options) == 0;
        rc = may_open ? hf_node_bind (node, options) : -1;
    }
    if (rc == 0) {
        s_configure (node, options);
        signalfd (signals_fd, &signals, 0);
        *again = s_run (node, signals_fd, started, &notify) == END_RESTART;
        if (*again)
            hf_notify_again (&notify);
    } else {
        hf_node_close (node);
    }
    hf_dir_close (&node->dir);
    hf_zap_destroy (&node->zap);
    zsys_shutdown ();
    hf_keys_destroy (&node->keys);
    free (node->rights.text);
    return rc >= 0 ? EXIT_OK : may_open ? EXIT_CANNOT_START : EXIT_USAGE;
}

static int
s_do (hf_options_t *options, started_t *started, bool *again)
{
    static hf_node_t s_node;
    if (options->dump)
        return hf_dump (options->dump, stdout) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    if (options->check)
        return hf_check (&s_node, options) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    if (options->recover)
        return hf_recover (&s_node, options) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    if (hf_node_find (&s_node, options) != 0)
        return EXIT_USAGE;
    if (options->restore)
        return hf_restore (&s_node, options) == 0 ? EXIT_OK : EXIT_CANNOT_START;
    started->level = options->level;
    return s_serve (&s_node, options, started, again);
}

static void
s_say (const char *line)
{
    fprintf (stderr, "holdfastd: %s\n", line);
}

int
main (int argc, char **argv)
{
    hf_std_open ();
    s_keep_little ();
    hf_options_t options;
    started_t started = {.argc = argc, .argv = argv};
    bool again = false;
    int code = hf_options_parse (&options, argc, argv, s_say);
    if (code < 0)
        code = s_do (&options, &started, &again);
    hf_options_done (&options);
    if (again) {
        s_start_again (argv);
        code = EXIT_CANNOT_START;
    }
    return code;
}
