//  holdfast run: a command under a lock.

#include "broker-less/hf_endpoints.h"
#include "client/tool/tool_child.h"
#include "client/tool/tool_hold.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KILL_AFTER_MS 5000
#define GROUP_LOOK_MS 50 //  there is no signal for the end of a group's last orphan

static const char s_help[] =
    "usage: holdfast run [OPTION...] NAME -- COMMAND [ARGUMENT...]\n"
    "       holdfast run [OPTION...] NAME -c 'SHELL COMMAND'\n"
    "\n"
    "Wait for the lock NAME, run COMMAND while holding it, release it. At any time at most\n"
    "one command runs under a name, in the whole cluster. What COMMAND appends with\n"
    "`holdfast append` comes into effect, in all files at once, when it has ended.\n"
    "\n"
    "COMMAND runs in a process group of its own with HOLDFAST_LOCK, HOLDFAST_TOKEN,\n"
    "HOLDFAST_SESSION and HOLDFAST_ENDPOINTS in its environment. If the lock is lost (this\n"
    "machine was cut off or stopped for longer than the TTL) the whole group gets SIGTERM,\n"
    "5 s later SIGKILL, its appends are dropped, and the exit code is 75.\n"
    "\n"
    "options, as those of flock(1); they stand before NAME:\n"
    "  -n, --nb, --nonblock     give up at once when another holds the lock\n"
    "  -w, --wait, --timeout SECONDS\n"
    "                           give up after that time; 1.5, 500ms and 2m are understood\n"
    "                           (default: wait for ever)\n"
    "  -E, --conflict-exit-code CODE\n"
    "                           the exit code after giving up (default 1)\n"
    "  -c, --command 'COMMAND'  after NAME: run it with the shell ($SHELL or /bin/sh)\n"
    "  -v, --verbose            say how long the lock took, and its token\n"
    "  -x, -e, --exclusive, -o, --close\n"
    "                           accepted for flock(1): locks are exclusive, and no\n"
    "                           descriptor is handed on\n"
    "options of its own:\n"
    "      --ttl TIME           1s to 10m: how soon others may go on after this machine\n"
    "                           dies (default 10s)\n"
    "      --cancel-on-failure  drop the appends when COMMAND fails (exit code not 0, or a\n"
    "                           signal) instead of letting them come into effect\n"
    "      --connect-timeout TIME  how long to look for the cluster (default 10s)\n"
    "      --endpoints LIST     the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "exit code: that of COMMAND, 128+N when signal N ended it; 1 or CODE when not granted;\n"
    "64 usage; 69 no cluster reached; 75 lock lost, or its release not acknowledged;\n"
    "126 not executable; 127 not found. Others: holdfast --help.\n"
    "\n"
    "examples:\n"
    "  holdfast run backup -- ./backup.sh\n"
    "  holdfast run -n -E 9 nightly -- make nightly || [ $? -eq 9 ]\n"
    "  holdfast run books -c 'holdfast append ledger \"42 EUR\" && holdfast append audit ok'\n";

typedef struct run {
    tool_options_t *options;
    const char *lock;
    char **command;
    char *shell[4]; //  for -c
    tool_hold_t *hold;
    tool_child_t *child;
    uint64_t kill_at_ms; //  0: the lock is not lost
    bool killed;
} run_t;

//  ---- the command line ----------------------------------------------------------

static int
s_shell_command (run_t *self, int argc, char **argv)
{
    if (argc != 2)
        return tool_misuse (self->options, "%s takes exactly one argument, the shell's command",
                            argv[0]);
    static char shell_default[] = "/bin/sh";
    static char option[] = "-c";
    char *shell = getenv ("SHELL");
    self->shell[0] = shell && *shell ? shell : shell_default;
    self->shell[1] = option;
    self->shell[2] = argv[1];
    self->command = self->shell;
    return -1;
}

static int
s_arguments (run_t *self, int argc, char **argv)
{
    self->lock = argv[0];
    argv++;
    argc--;
    if (argc > 0 && (strcmp (argv[0], "-c") == 0 || strcmp (argv[0], "--command") == 0))
        return s_shell_command (self, argc, argv);
    if (argc > 0 && strcmp (argv[0], "--") == 0) {
        argv++;
        argc--;
    } else if (argc > 0 && argv[0][0] == '-')
        return tool_misuse (self->options,
                            "option %s must stand before the name; a command after --", argv[0]);
    if (argc == 0)
        return tool_misuse (self->options, "which command? holdfast run %s -- COMMAND", self->lock);
    self->command = argv;
    return -1;
}

//  ---- while the command runs ------------------------------------------------------

static void
s_set_environment (const run_t *self)
{
    char number[24];
    setenv ("HOLDFAST_LOCK", self->lock, 1);
    snprintf (number, sizeof number, "%" PRIu64, tool_hold_grant (self->hold).token);
    setenv ("HOLDFAST_TOKEN", number, 1);
    snprintf (number, sizeof number, "%" PRIu64, hf_session_id (tool_hold_session (self->hold)));
    setenv ("HOLDFAST_SESSION", number, 1);
    setenv ("HOLDFAST_ENDPOINTS", HF_ENDPOINTS_DEFAULT, 0);
}

static void
s_check_lost (run_t *self)
{
    bool lost = tool_hold_lost (self->hold); //  asked always: it takes what makes the fd readable
    if (self->kill_at_ms > 0 || !lost)
        return;
    tool_error (0, "lock %s is lost: ending the command", self->lock);
    self->kill_at_ms = tool_hold_now_ms () + KILL_AFTER_MS;
    tool_child_end_group (self->child);
}

/*  The command stopped: let the shell above see a stopped job, and go on when it does. */
static void
s_stopped (run_t *self)
{
    int signal = tool_child_stop_signal (self->child);
    if (signal == 0 || self->kill_at_ms > 0)
        return; //  only the command was stopped: this process keeps its lock alive
    tool_child_background (self->child);
    bool stopped = tool_signals_suffer (signal);
    if (!stopped && signal != SIGTSTP)
        tool_child_kill (self->child, SIGHUP); //  no shell will ever put it into the foreground
    s_check_lost (self); //  the time that passed may have been longer than the lease
    tool_child_continue (self->child);
}

static void
s_take_signals (run_t *self)
{
    tool_signals_t *signals = tool_hold_signals (self->hold);
    for (int signal; (signal = tool_signals_next (signals)) > 0;)
        if (signal != SIGCHLD)
            tool_child_kill (self->child, signal);
}

static int
s_poll_ms (const run_t *self, bool ended)
{
    if (self->kill_at_ms == 0 || self->killed)
        return -1; //  SIGCHLD reports the end of the killed command
    if (ended)
        return GROUP_LOOK_MS;
    uint64_t now_ms = tool_hold_now_ms ();
    return now_ms < self->kill_at_ms ? (int)(self->kill_at_ms - now_ms) : 0;
}

/*  Until the command has ended; after a loss, until its whole group has. */
static void
s_supervise (run_t *self)
{
    const tool_signals_t *signals = tool_hold_signals (self->hold);
    struct pollfd fds[] = {{.fd = tool_signals_fd (signals), .events = POLLIN},
                           {.fd = tool_hold_fd (self->hold), .events = POLLIN}};
    for (;;) {
        s_take_signals (self);
        tool_child_state_t state = tool_child_look (self->child);
        if (state == TOOL_CHILD_STOPPED) {
            s_stopped (self);
            continue;
        }
        bool ended = state == TOOL_CHILD_ENDED;
        if (ended && (self->kill_at_ms == 0 || self->killed || tool_child_group_gone (self->child)))
            return;
        s_check_lost (self);
        if (self->kill_at_ms > 0 && !self->killed && tool_hold_now_ms () >= self->kill_at_ms) {
            self->killed = true;
            tool_child_kill (self->child, SIGKILL);
            if (ended)
                return;
        }
        poll (fds, 2, s_poll_ms (self, ended));
    }
}

static int
s_run_command (run_t *self)
{
    s_set_environment (self);
    if (self->options->verbose)
        tool_error (0, "executing %s", self->command[0]);
    self->child = tool_child_new (self->command, tool_hold_signals (self->hold));
    if (!self->child) {
        int code = errno == ENOENT ? TOOL_NOT_COMMAND : TOOL_NOT_EXECUTABLE;
        if (errno == EAGAIN || errno == ENOMEM)
            code = TOOL_INTERNAL;
        tool_error (code, "cannot run %s: %s", self->command[0], strerror (errno));
        tool_hold_release (self->hold, true);
        return code;
    }
    s_supervise (self);
    tool_child_background (self->child);
    if (self->kill_at_ms > 0)
        return TOOL_LOST;
    int code = tool_child_code (self->child);
    int released = tool_hold_release (self->hold, self->options->cancel_on_failure && code != 0);
    return released != TOOL_OK ? released : code;
}

static int
s_run (tool_options_t *options)
{
    run_t self = {.options = options};
    int code = s_arguments (&self, options->count, options->args);
    if (code >= 0)
        return code;
    bool show = self.options->verbose || isatty (STDERR_FILENO);
    code = tool_hold_take (&self.hold, options, self.lock, show);
    if (self.hold)
        code = s_run_command (&self);
    bool interrupted = self.child && tool_child_interrupted (self.child);
    tool_child_destroy (&self.child);
    tool_hold_destroy (&self.hold);
    //  The terminal's ^C reached the command's group alone: a loop in a shell around this
    //  process must end too, as it would have without a group in between.
    if (interrupted && code == TOOL_SIGNALLED + SIGINT)
        tool_signals_suffer (SIGINT);
    return code;
}

const tool_command_t tool_run = {.name = "run",
                                 .help = s_help,
                                 .options = TOOL_TAKE | TOOL_RUN,
                                 .least = 1,
                                 .most = INT_MAX,
                                 .missing = "which lock? NAME is missing",
                                 .run = s_run};
