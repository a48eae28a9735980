//  holdfast acquire, which leaves a lock held, and holdfast release.

#include "client/tool/tool_hold.h"
#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define ACQUIRE_TTL_MS 60000
#define CLOSE_LIMIT_MS 2000

static const char s_help_acquire[] =
    "usage: holdfast acquire [OPTION...] NAME...\n"
    "\n"
    "Take the lock NAME and leave it held when this command ends. Prints what `append` and\n"
    "`release` need, as an assignment for the shell (or JSON). While it waits, it tells its\n"
    "place in the queue on stderr. Several NAMEs are taken at once, all or none, with one\n"
    "token, and released together.\n"
    "\n"
    "Nothing keeps the lock alive afterwards: it is lost when the TTL has passed since the\n"
    "last `holdfast append` in it, and its appends are dropped. Choose --ttl for the whole\n"
    "section; or use `holdfast run`, which keeps the lock as long as its command runs.\n"
    "\n"
    "When it fails it prints `false`, so that eval fails, too; its own exit code says why.\n"
    "\n"
    "options:\n"
    "  -n, --nb, --nonblock, --nonblocking\n"
    "                           give up at once when another holds the lock\n"
    "  -w, --wait, --timeout SECONDS\n"
    "                           give up after that time (default: wait for ever)\n"
    "  -E, --conflict-exit-code CODE\n"
    "                           the exit code after giving up (default 1)\n"
    "  -v, --verbose            say how long the lock took\n"
    "  -s, --shared; --units N --limit M; -x, --exclusive; --note TEXT; --lock-delay TIME\n"
    "                           as of `holdfast run`\n"
    "      --ttl TIME           1s to 10m (default 60s)\n"
    "      --json               print JSON: lock, locks, token, session, index,\n"
    "                           ttl_ms\n"
    "      --connect-timeout TIME  how long to look for the cluster (default 10s; 3s with -n\n"
    "                           or a short -w)\n"
    "      --endpoints LIST     the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  eval \"$(holdfast acquire --ttl 5m deploy)\" || exit\n"
    "  holdfast append deploys \"$(date) $USER\"\n"
    "  eval \"$(holdfast release)\"\n";

static const char s_help_release[] =
    "usage: holdfast release [OPTION...] [NAME]\n"
    "       holdfast release --force NAME [--token NUMBER | --session NUMBER]\n"
    "\n"
    "Release a lock that `holdfast acquire` took: its appends come into effect at once, in\n"
    "all their files, and the next in the queue gets the lock. The session that acquire\n"
    "left behind ends.\n"
    "\n"
    "The lock is named by HOLDFAST_LOCK, HOLDFAST_TOKEN and HOLDFAST_SESSION, as acquire\n"
    "printed them, or by the options. (`holdfast run` releases by itself.) When they came from\n"
    "the environment, this prints an `unset` of them for the shell's eval.\n"
    "\n"
    "With --force it ends the hold of whoever has the lock, for operators: its appends are\n"
    "dropped, its holder is told who did it, and every node logs it. Of several holders say\n"
    "which. It never ends a hold that came after the one it saw. The environment's section is\n"
    "not looked at. To end all of a session: holdfast close.\n"
    "\n"
    "options:\n"
    "      --cancel             drop the appends\n"
    "      --force              end the hold of somebody else\n"
    "      --json               of --force: print JSON: lock, token, session, label\n"
    "      --lock NAME          the same as the argument NAME\n"
    "      --token NUMBER\n"
    "      --session NUMBER\n"
    "      --timeout TIME       how long to wait for the cluster (default 10s)\n"
    "      --endpoints LIST     the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  eval \"$(holdfast acquire deploy)\" && { ./deploy; eval \"$(holdfast release)\"; }\n"
    "  holdfast release --lock deploy --token 42 --session 7 --cancel\n"
    "  holdfast release --force deploy\n";

//  ---- acquire -------------------------------------------------------------------

static void
s_print_shell (const tool_hold_t *hold, const char *lock, bool with_endpoints)
{
    char *quoted = tool_shell_quote (lock);
    printf ("export HOLDFAST_LOCK=%s HOLDFAST_TOKEN=%" PRIu64 " HOLDFAST_SESSION=%" PRIu64, quoted,
            tool_hold_grant (hold).token, hf_session_id (tool_hold_session (hold)));
    free (quoted);
    if (with_endpoints) {
        quoted = tool_shell_quote (getenv ("HOLDFAST_ENDPOINTS"));
        printf (" HOLDFAST_ENDPOINTS=%s", quoted);
        free (quoted);
    }
    putchar ('\n');
}

static int
s_print (const tool_hold_t *hold, const tool_options_t *options, const tool_wants_t *wants)
{
    if (!options->json) {
        s_print_shell (hold, wants->list[0].lock, getenv ("HOLDFAST_ENDPOINTS") != NULL);
        return tool_flush (TOOL_OK);
    }
    hf_session_t *session = tool_hold_session (hold);
    json_t *names = json_array ();
    for (size_t i = 0; i < wants->count; i++)
        json_array_append_new (names, json_string (wants->list[i].lock));
    return tool_print_json (json_pack ("{s:s, s:o, s:o, s:o, s:o, s:o}", "lock",
                                       wants->list[0].lock, "locks", names, "token",
                                       tool_json_number (tool_hold_grant (hold).token), "session",
                                       tool_json_number (hf_session_id (session)), "index",
                                       tool_json_number (tool_hold_grant (hold).index), "ttl_ms",
                                       tool_json_number (hf_session_ttl_ms (session))),
                            TOOL_OK);
}

/*  Until standard output takes a line: TOOL_OK. It may be a pipe that nobody reads; the lock is
 * kept meanwhile, and a signal ends the wait. */
static int
s_await_reader (tool_hold_t *hold, const char *lock, tool_signals_t *signals)
{
    struct pollfd fds[] = {{.fd = STDOUT_FILENO, .events = POLLOUT},
                           {.fd = tool_signals_fd (signals), .events = POLLIN},
                           {.fd = tool_hold_fd (hold), .events = POLLIN}};
    for (;;) {
        pid_t from;
        int signal = tool_signals_next (signals, &from);
        if (signal > 0)
            return TOOL_SIGNALLED + signal;
        if (tool_hold_lost (hold))
            return tool_error (TOOL_LOST, "lock %s was lost before its token could be printed",
                               lock);
        if (fds[0].revents != 0)
            return TOOL_OK;
        poll (fds, 3, -1);
    }
}

static int
s_acquire (tool_options_t *options)
{
    tool_wants_t wants;
    int code = tool_wants_read (&wants, options, options->args, (size_t)options->count);
    if (code >= 0)
        return code;
    signal (SIGPIPE, SIG_IGN); //  if the reader of the token has died, the lock must be released
    tool_signals_t *signals = tool_signals_new (false);
    tool_hold_t *hold;
    code = tool_hold_take (&hold, options, &wants, signals, true);
    if (hold) {
        code = s_await_reader (hold, wants.title, signals);
        if (code == TOOL_OK)
            code = s_print (hold, options, &wants);
        if (code == TOOL_OK)
            tool_hold_leave (&hold);
        else
            tool_hold_destroy (&hold);
    }
    tool_signals_destroy (&signals);
    return code;
}

const tool_command_t tool_acquire = {.name = "acquire",
                                     .help = s_help_acquire,
                                     .options = TOOL_TAKE | TOOL_MODE | TOOL_JSON,
                                     .least = 1,
                                     .most = INT_MAX - 1, //  its options may stand behind the names
                                     .missing = "which lock? NAME is missing",
                                     .ttl_ms = ACQUIRE_TTL_MS,
                                     .run = s_acquire};

//  ---- release -------------------------------------------------------------------

static int
s_release_in (hf_client_t *client, const tool_options_t *options)
{
    hf_session_t *session = NULL;
    hf_status_t status = tool_session_open (options, client, NULL, &session);
    bool asked = status == HF_OK;
    if (asked)
        status = options->cancel ? hf_cancel_for (session, options->session, options->lock,
                                                  options->token, options->timeout_ms)
                                 : hf_release_for (session, options->session, options->lock,
                                                   options->token, options->timeout_ms);
    //  What acquire left behind is no longer needed. Not reached now, it ends with its TTL.
    if (status == HF_OK)
        hf_close_session_id (client, options->session, CLOSE_LIMIT_MS);
    if (session)
        hf_session_close (&session, CLOSE_LIMIT_MS);
    if (status == HF_OK)
        return TOOL_OK;
    if (asked && (status == HF_TIMEOUT || status == HF_UNDECIDED || status == HF_LOST))
        return tool_error (TOOL_LOST,
                           "the release of lock %s was not acknowledged: whether it took effect "
                           "is not known; see: holdfast locks",
                           options->lock);
    return tool_fail (status, options->lock, "cannot %s lock %s",
                      options->cancel ? "cancel the section of" : "release", options->lock);
}

static int
s_release (tool_options_t *self, hf_client_t *client)
{
    if (self->count > 0)
        self->lock = self->args[0];
    if (self->force)
        return tool_release_force (self, client);
    if (self->json)
        return tool_misuse (self, "--json goes with --force");
    bool named = self->session > 0;
    bool whole;
    bool some;
    int code = tool_options_section (self, &whole, &some);
    if (code >= 0)
        return code;
    if (!whole)
        return tool_misuse (self,
                            "%s not known: take HOLDFAST_LOCK, HOLDFAST_TOKEN and "
                            "HOLDFAST_SESSION from acquire, or give options",
                            !self->lock        ? "the lock's name is"
                            : self->token == 0 ? "the lock's token is"
                                               : "the session is");
    code = s_release_in (client, self);
    if (named)
        return code;
    puts (code == TOOL_OK ? "unset HOLDFAST_LOCK HOLDFAST_TOKEN HOLDFAST_SESSION" : "false");
    return tool_flush (code);
}

const tool_command_t tool_release = {.name = "release",
                                     .help = s_help_release,
                                     .options =
                                         TOOL_TIMEOUT | TOOL_JSON | TOOL_SECTION | TOOL_RELEASE,
                                     .most = 1,
                                     .many = "one lock at a time",
                                     .ask = s_release};
