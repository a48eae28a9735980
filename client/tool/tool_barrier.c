//  holdfast barrier: processes on many machines that go on together.

#include "client/recipes/hf_barrier.h"
#include "client/tool/tool.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_LIMIT_MS 2000

static const char s_help[] =
    "usage: holdfast barrier [OPTION...] NAME N [-- COMMAND [ARGUMENT...]]\n"
    "\n"
    "Wait until N have arrived at barrier NAME, this one among them; then run COMMAND in place\n"
    "of this command, or end with 0. One that dies before the barrier opens is counted no more\n"
    "when its TTL has passed. The next N may arrive when it has opened.\n"
    "\n"
    "options; they stand before NAME:\n"
    "  -w, --wait TIME       give up after that time (default: wait for ever)\n"
    "  -E, --conflict-exit-code CODE\n"
    "                        the exit code after giving up (default 1)\n"
    "      --ttl TIME        1s to 10m: how soon one that died is counted no more (default 10s)\n"
    "      --connect-timeout TIME  how long to look for the cluster (default 10s)\n"
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  holdfast barrier load-test 3 -- ./start-load\n"
    "  holdfast barrier -w 5m migration 2 || echo 'the other did not come'\n";

typedef struct party {
    const tool_options_t *options;
    hf_client_t *client;
    hf_session_t *session;
    sigset_t stops;
    atomic_int signal; //  that ended the wait; 0: none
} party_t;

/*  A signal ends the session, and with it the wait. */
static void *
s_on_signal (void *arg)
{
    party_t *self = arg;
    int signal;
    if (sigwait (&self->stops, &signal) == 0) {
        self->signal = signal;
        hf_close_session_id (self->client, hf_session_id (self->session), CLOSE_LIMIT_MS);
    }
    return NULL;
}

/*  The exit code; TOOL_OK: the barrier is open. */
static int
s_arrive (party_t *self, const char *name, uint32_t parties)
{
    const tool_options_t *options = self->options;
    hf_session_options_t own = HF_SESSION_OPTIONS_INIT;
    own.ttl_ms = options->ttl_ms;
    hf_status_t status = tool_session_open (options, self->client, &own, &self->session);
    if (status != HF_OK)
        return tool_fail (status, NULL, "cannot open a session for barrier %s", name);
    sigset_t before;
    pthread_t thread;
    pthread_sigmask (SIG_BLOCK, &self->stops, &before);
    int rc = pthread_create (&thread, NULL, s_on_signal, self);
    if (rc != 0)
        return tool_error (TOOL_INTERNAL, "cannot make a thread: %s", strerror (rc));
    hf_barrier_t *barrier = hf_barrier_new (self->client, self->session, name, parties);
    assert (barrier);
    status = hf_barrier_wait (barrier, options->wait_ms);
    hf_barrier_destroy (&barrier);
    pthread_cancel (thread);
    pthread_join (thread, NULL);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    if (self->signal != 0 && status != HF_OK)
        return TOOL_SIGNALLED + self->signal;
    if (status == HF_TIMEOUT && options->wait_ms != HF_FOREVER)
        return tool_error (options->conflict_code, "barrier %s did not open in time", name);
    return status == HF_OK ? TOOL_OK : tool_fail (status, NULL, "cannot pass barrier %s", name);
}

static int
s_execute (char **command)
{
    execvp (command[0], command);
    return tool_error (errno == ENOENT ? TOOL_NOT_COMMAND : TOOL_NOT_EXECUTABLE,
                       "cannot run %s: %s", command[0], strerror (errno));
}

static int
s_barrier (tool_options_t *options)
{
    party_t self = {.options = options};
    uint64_t parties;
    char **command = options->args + 2;
    int count = options->count - 2;
    if (!tool_parse_number (options->args[1], &parties) || parties < 1 ||
        parties > HF_BARRIER_PARTIES_MAX)
        return tool_misuse (options, "N must be a number from 1 to %d, not '%s'",
                            HF_BARRIER_PARTIES_MAX, options->args[1]);
    if (count > 0 && strcmp (command[0], "--") != 0)
        return tool_misuse (options, "a command stands behind --, not '%s'", command[0]);
    if (count == 1)
        return tool_misuse (options, "which command? none stands behind --");
    if (options->wait_ms == 0)
        return tool_misuse (options, "-w must be more than 0: others cannot arrive at once");
    sigemptyset (&self.stops);
    sigaddset (&self.stops, SIGINT);
    sigaddset (&self.stops, SIGTERM);
    sigaddset (&self.stops, SIGHUP);
    int code = tool_client_new (&self.client);
    if (self.client)
        code = s_arrive (&self, options->args[0], (uint32_t)parties);
    if (self.session)
        hf_session_close (&self.session, CLOSE_LIMIT_MS);
    hf_client_destroy (&self.client);
    return code == TOOL_OK && count > 0 ? s_execute (command + 1) : code;
}

const tool_command_t tool_barrier = {.name = "barrier",
                                     .help = s_help,
                                     .options = TOOL_BARRIER,
                                     .least = 2,
                                     .most = INT_MAX,
                                     .missing = "which barrier, and for how many? NAME N",
                                     .run = s_barrier};
