//  holdfast run: a command under a lock.

#include "broker-less/hf_endpoints.h"
#include "client/tool/tool_child.h"
#include "client/tool/tool_guard.h"
#include "client/tool/tool_hold.h"
#include "client/tool/tool_rules.h"
#include "client/tool/tool_tree.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOKS_MS      5
#define START_LOOK_MS 100

static const char s_help[] =
    "usage: holdfast run [OPTION...] NAME -- COMMAND [ARGUMENT...]\n"
    "       holdfast run [OPTION...] NAME -c 'SHELL COMMAND'\n"
    "       holdfast run [OPTION...] NAME NAME... -- COMMAND [ARGUMENT...]\n"
    "\n"
    "Wait for the lock NAME, run COMMAND while holding it, release it. At any time at most\n"
    "one command runs under a name, in the whole cluster. What COMMAND appends with\n"
    "`holdfast append` comes into effect, in all files at once, when it has ended.\n"
    "\n"
    "Several names are taken at once, all or none, so nobody waits with one lock in hand\n"
    "for another. The names end at the first --; a command with a -- of its own needs one\n"
    "before it.\n"
    "\n"
    "COMMAND runs with HOLDFAST_LOCK (the first name), HOLDFAST_TOKEN, HOLDFAST_SESSION and\n"
    "HOLDFAST_ENDPOINTS in its environment, in the process group of this command. The lock\n"
    "is released when COMMAND itself ends; what it leaves in the background goes on.\n"
    "When the lock cannot be kept (this machine is cut off or stopped) COMMAND and all\n"
    "processes that came from it get SIGTERM, and SIGKILL before the lock is lost; so they do\n"
    "when this command is killed. The appends are dropped, and the exit code is 75.\n"
    "What runs as another user (sudo) cannot be ended; that is said, and others get the lock\n"
    "only when its TTL is over.\n"
    "\n"
    "options, as those of flock(1); they stand before NAME:\n"
    "  -n, --nb, --nonblock, --nonblocking\n"
    "                           give up at once when another holds the lock\n"
    "  -w, --wait, --timeout SECONDS\n"
    "                           give up after that time; 1.5, 500ms and 2m are understood\n"
    "                           (default: wait for ever)\n"
    "  -E, --conflict-exit-code CODE\n"
    "                           the exit code after giving up (default 1)\n"
    "  -c, --command 'COMMAND'  after NAME: run it with the shell ($SHELL or /bin/sh)\n"
    "  -v, --verbose            say how long the lock took, and its token\n"
    "  -s, --shared             together with others who share it; not beside an exclusive\n"
    "                           holder. Who waits is passed by nobody who came later\n"
    "  -x, -e, --exclusive      alone (the default)\n"
    "  -o, --close              accepted for flock(1): no descriptor is handed on\n"
    "options of its own:\n"
    "      --limit M            a semaphore: at most M units of NAME are held at a time; all\n"
    "                           who use it say the same M\n"
    "      --units N            how many of them this takes (default 1)\n"
    "      --note TEXT          for people: shown with the hold, up to 1,024 bytes\n"
    "      --lock-delay TIME    if this machine dies, the lock stays closed for so long\n"
    "                           after the TTL (100ms to 10m), for what cannot check tokens\n"
    "      --ttl TIME           1s to 10m: how soon others may go on after this machine\n"
    "                           dies (default 10s)\n"
    "  -k, --kill-after TIME    the time from SIGTERM to SIGKILL, at most a third of the TTL\n"
    "                           (default: a fifth, at most 5s; 0: SIGKILL at once)\n"
    "      --cancel-on-failure  drop the appends when COMMAND fails (exit code not 0, or a\n"
    "                           signal) instead of letting them come into effect\n"
    "      --connect-timeout TIME  how long to look for the cluster (default 10s; 3s with -n\n"
    "                           or a short -w)\n"
    "      --endpoints LIST     the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "exit code: that of COMMAND, 128+N when signal N ended it; 1 or CODE when not granted;\n"
    "64 usage; 69 no cluster reached; 75 lock lost, or its release not acknowledged;\n"
    "126 not executable; 127 not found. Others: holdfast --help.\n"
    "\n"
    "examples:\n"
    "  holdfast run backup -- ./backup.sh\n"
    "  holdfast run -n -E 9 nightly -- make nightly || [ $? -eq 9 ]\n"
    "  holdfast run -s data -- ./report.sh         # readers; the writer: run data -- ...\n"
    "  holdfast run --limit 3 render -- ./render.sh\n"
    "  holdfast run from to -- ./transfer.sh       # both locks, or wait for both\n"
    "  holdfast run books -c 'holdfast append ledger \"42 EUR\" && holdfast append audit ok'\n";

typedef struct run {
    tool_options_t *options;
    tool_wants_t wants;
    char **command;
    char *shell[4]; //  for -c
    tool_signals_t *signals;
    tool_guard_t *guard;
    tool_hold_t *hold;
    tool_tree_t *tree;
    tool_rules_t rules;
    uint64_t deadline_ms;
    bool alone; //  the guard is dead
    bool asked; //  it asks for the deadline
    bool left;  //  processes of the command go on
    bool lost;  //  before the command ended by itself
    bool stop;  //  somebody asked this process to end
    bool over, said;
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

/*  How many of the arguments are names: all before the first --, or one. */
static int
s_names (int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp (argv[i], "--") == 0)
            return i;
    return 1;
}

static int
s_arguments (run_t *self, int argc, char **argv)
{
    int names = s_names (argc, argv);
    for (int i = 1; i < names; i++)
        if (argv[i][0] == '-')
            return tool_misuse (self->options,
                                "%s stands among the names of locks: put -- before the command",
                                argv[i]);
    int code = tool_wants_read (&self->wants, self->options, argv, (size_t)names);
    if (code >= 0)
        return code;
    argv += names;
    argc -= names;
    if (argc > 0 && (strcmp (argv[0], "-c") == 0 || strcmp (argv[0], "--command") == 0))
        return s_shell_command (self, argc, argv);
    if (argc > 0 && strcmp (argv[0], "--") == 0) {
        argv++;
        argc--;
    } else if (argc > 0 && argv[0][0] == '-')
        return tool_misuse (self->options,
                            "option %s must stand before the name; a command after --", argv[0]);
    if (argc == 0)
        return tool_misuse (self->options, "which command? holdfast %s %s -- COMMAND",
                            self->options->command->name, self->wants.list[0].lock);
    self->command = argv;
    return -1;
}

//  ---- while the command runs ------------------------------------------------------

/*  Read the lease's deadline, and tell the guard. */
static void
s_look (run_t *self)
{
    uint64_t now_ms = tool_now_ms (); //  before the question: rather too early than too late
    uint32_t left_ms =
        tool_hold_lost (self->hold) ? 0 : hf_session_remaining_ms (tool_hold_session (self->hold));
    //  A difference of some milliseconds is that of two looks at one deadline.
    if (left_ms == 0)
        self->deadline_ms = 0;
    else if (now_ms + left_ms > self->deadline_ms + LOOKS_MS)
        self->deadline_ms = now_ms + left_ms;
    tool_guard_keep (self->guard, self->deadline_ms);
}

static void
s_take_signals (run_t *self)
{
    pid_t from;
    for (int signal; (signal = tool_signals_next (self->signals, &from)) > 0;) {
        if (signal == SIGCHLD)
            continue;
        if (signal == SIGTERM || signal == SIGINT || signal == SIGQUIT)
            self->stop = true;
        if (from != 0)
            tool_guard_pass (self->guard, signal, from);
        if (tool_signals_stops (signal)) {
            tool_signals_suffer (signal);
            s_look (self); //  before anything else: it may have been a long time
        }
    }
}

static void
s_say (run_t *self)
{
    if (self->said)
        return;
    self->said = true;
    if (self->deadline_ms <= tool_now_ms ())
        tool_error (0, TOOL_SAY_LOST, self->wants.title);
    else if (self->alone)
        tool_error (0, "the guard of lock %s was killed: ending the command", self->wants.title);
    else
        tool_error (0, TOOL_SAY_SOON, self->wants.title);
}

static void
s_do (run_t *self, unsigned todo)
{
    if (todo & TOOL_DO_KILL) {
        tool_tree_kill (self->tree, 0);
        s_say (self);
    }
    if (todo & TOOL_DO_TELL)
        tool_tree_tell (self->tree);
    self->left = self->left || todo & TOOL_DO_TELL;
    self->over = self->over || todo & TOOL_DO_END;
}

static void
s_step (run_t *self, tool_event_t event)
{
    s_do (self, tool_rules_step (&self->rules, event, tool_now_ms (), self->deadline_ms));
}

/*  The guard ends the tree; this process does only when the guard does not. */
static void
s_rule (run_t *self)
{
    int status;
    bool nobody;
    tool_tree_reap (self->tree, 0, &status, &nobody);
    if (nobody)
        s_step (self, TOOL_EVENT_NOBODY);
    s_step (self, self->alone   ? TOOL_EVENT_ALONE
                  : self->asked ? TOOL_EVENT_ASKED
                                : TOOL_EVENT_TIME);
    self->asked = false;
    if (nobody)
        s_step (self, TOOL_EVENT_NOBODY);
    else if (tool_tree_hopeless (self->tree))
        s_step (self, TOOL_EVENT_HOPELESS);
}

static int
s_poll_ms (const run_t *self)
{
    uint64_t due_ms = tool_rules_due_ms (&self->rules);
    uint64_t now_ms = tool_now_ms ();
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < HF_TTL_MAX_MS ? (int)(due_ms - now_ms) : HF_TTL_MAX_MS;
}

/*  Until the command has ended: true, with its *STATUS; or it was ended, with all its processes. */
static bool
s_supervise (run_t *self, int *status)
{
    struct pollfd fds[] = {{.fd = tool_signals_fd (self->signals), .events = POLLIN},
                           {.fd = tool_hold_fd (self->hold), .events = POLLIN},
                           {.fd = tool_guard_fd (self->guard), .events = POLLIN}};
    while (!self->over) {
        s_take_signals (self);
        s_look (self);
        tool_news_t news;
        while ((news = tool_guard_news (self->guard, status)) == TOOL_NEWS_ASK)
            self->asked = true;
        if (news == TOOL_NEWS_ENDED || news == TOOL_NEWS_OVER || news == TOOL_NEWS_LEFT) {
            s_take_signals (self); //  the terminal's ^C to all came before
            self->left = self->left || news == TOOL_NEWS_LEFT;
            return news == TOOL_NEWS_ENDED;
        }
        if (news == TOOL_NEWS_DEAD) {
            self->alone = true;
            fds[2].fd = -1;
        }
        s_rule (self);
        if (!self->over)
            poll (fds, 3, s_poll_ms (self));
    }
    return false;
}

static uint32_t
s_grace_ms (const run_t *self, uint32_t ttl_ms)
{
    uint32_t grace_ms = self->options->kill_after_ms;
    return grace_ms == HF_FOREVER ? TOOL_GRACE (ttl_ms) : grace_ms;
}

/*  The guard starts the command; meanwhile the lease goes on, and this process watches alone. Gives
 *  0 or an errno; ECANCELED: the lock was lost meanwhile, and what was started was ended. */
static int
s_await_start (run_t *self, const tool_lease_t *lease)
{
    struct pollfd fds[] = {{.fd = tool_signals_fd (self->signals), .events = POLLIN},
                           {.fd = tool_hold_fd (self->hold), .events = POLLIN},
                           {.fd = tool_guard_fd (self->guard), .events = POLLIN}};
    int error = 0, cause = ECANCELED;
    s_look (self); //  it may have been a long time
    tool_guard_start (self->guard, lease);
    while (!self->over) {
        if (!self->alone && tool_guard_started (self->guard, &error) && error != EPIPE)
            return error;
        //  What the command has started until then is ended. Or it was ended with the guard.
        if (error == EPIPE && !self->alone) {
            self->alone = true;
            fds[2].fd = -1;
            cause = self->rules.phase == TOOL_PHASE_RUNS ? EPIPE : ECANCELED;
        }
        s_take_signals (self);
        s_look (self);
        s_rule (self);
        int wait_ms = s_poll_ms (self);
        if (!self->over)
            poll (fds, 3, wait_ms < START_LOOK_MS ? wait_ms : START_LOOK_MS);
    }
    return cause;
}

static int
s_start (run_t *self)
{
    hf_session_t *session = tool_hold_session (self->hold);
    tool_lease_t lease = {.token = tool_hold_grant (self->hold).token,
                          .session = hf_session_id (session),
                          .ttl_ms = hf_session_ttl_ms (session)};
    lease.grace_ms = s_grace_ms (self, lease.ttl_ms);
    tool_rules_init (&self->rules, false, lease.ttl_ms, lease.grace_ms);
    if (self->options->verbose)
        tool_error (0, "executing %s", self->command[0]);
    if (tool_child_foreign (self->command[0]))
        tool_error (0,
                    "%s is setuid: if it runs as another user it cannot be ended when the lock is "
                    "lost",
                    self->command[0]);
    int error = s_await_start (self, &lease);
    if (error == 0)
        return TOOL_OK;
    if (error == ECANCELED)
        return TOOL_LOST; //  it was said
    if (error == ETIME)
        return tool_error (TOOL_LOST, "lock %s was lost before %s was started", self->wants.title,
                           self->command[0]);
    int code = error == ENOENT ? TOOL_NOT_COMMAND : TOOL_NOT_EXECUTABLE;
    if (error == EAGAIN || error == ENOMEM || error == EPIPE || error == EMFILE)
        code = TOOL_INTERNAL;
    return tool_error (code, "cannot run %s: %s", self->command[0],
                       error == EPIPE ? "its guard was killed" : strerror (error));
}

/*  *DEADLY: the signal by which this process ends, as its command did. */
static int
s_run_command (run_t *self, int *deadly)
{
    int code = s_start (self);
    self->lost = code == TOOL_LOST;
    if (code != TOOL_OK) {
        if (code != TOOL_LOST && !self->left)
            tool_hold_release (self->hold, true);
        return code;
    }
    int status;
    self->lost = !s_supervise (self, &status);
    if (self->lost)
        return TOOL_LOST;
    code = WIFEXITED (status) ? WEXITSTATUS (status) : TOOL_SIGNALLED + WTERMSIG (status);
    int released = tool_hold_release (self->hold, self->options->cancel_on_failure && code != 0);
    if (released == TOOL_OK && WIFSIGNALED (status))
        *deadly = WTERMSIG (status);
    return released != TOOL_OK ? released : code;
}

/*  Signals first; the tree, to which the guard belongs and nothing older; the guard; and then the
 *  client, which has threads. */
static int
s_begin (run_t *self)
{
    char *last = self->options->args[self->options->count - 1];
    setenv ("HOLDFAST_ENDPOINTS", HF_ENDPOINTS_DEFAULT, 0);
    self->signals = tool_signals_new (true);
    tool_guard_config_t config = {.argv = self->command,
                                  .lock = self->wants.list[0].lock,
                                  .title = self->wants.title,
                                  .words_end = last + strlen (last),
                                  .signals = self->signals};
    self->tree = tool_tree_new ();
    self->guard = tool_guard_new (&config);
    if (!self->guard)
        return tool_error (TOOL_INTERNAL, "cannot make a process: %s", strerror (errno));
    return TOOL_OK;
}

int
tool_run_command (tool_options_t *options, bool *again)
{
    run_t self = {.options = options};
    int code = s_arguments (&self, options->count, options->args);
    uint32_t ttl_ms = options->ttl_ms > 0 ? options->ttl_ms : HF_TTL_DEFAULT_MS;
    if (code < 0 && s_grace_ms (&self, ttl_ms) > TOOL_GRACE_MOST (ttl_ms))
        code = tool_misuse (options, "--kill-after must be at most a third of --ttl");
    if (code >= 0)
        return code;
    int deadly = 0;
    bool show = self.options->verbose || isatty (STDERR_FILENO);
    code = s_begin (&self);
    if (code == TOOL_OK)
        code = tool_hold_take (&self.hold, options, &self.wants, self.signals, show);
    if (self.hold) {
        code = s_run_command (&self, &deadly);
        //  While processes go on, others get the lock not before its time to live is over.
        if (self.left)
            tool_hold_leave (&self.hold);
    } else if (code > TOOL_SIGNALLED && code != options->conflict_code)
        deadly = code - TOOL_SIGNALLED; //  it ended the wait
    else if (code != options->conflict_code)
        self.lost = code == TOOL_LOST || code == TOOL_UNREACHABLE;
    *again = self.lost && !self.stop;
    tool_hold_destroy (&self.hold);
    tool_guard_destroy (&self.guard);
    tool_tree_destroy (&self.tree);
    //  The shell above ends its loop when it sees that ^C ended this process, not by a code.
    if (deadly == SIGINT || deadly == SIGQUIT)
        tool_signals_die (deadly);
    tool_signals_destroy (&self.signals);
    return code;
}

static int
s_run (tool_options_t *options)
{
    bool again;
    return tool_run_command (options, &again);
}

const tool_command_t tool_run = {.name = "run",
                                 .help = s_help,
                                 .options = TOOL_TAKE | TOOL_MODE | TOOL_RUN,
                                 .least = 1,
                                 .most = INT_MAX,
                                 .missing = "which lock? NAME is missing",
                                 .run = s_run};
