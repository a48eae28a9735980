//  Errors, the table of all options, and what commands share after their options.

#include "client/tool/tool.h"
#include "base/hf_line.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONFLICT_CODE_MAX 255

//  ---- errors ------------------------------------------------------------------

static uint32_t s_wait_ms = 1000;

void
tool_error_wait (uint32_t wait_ms)
{
    s_wait_ms = wait_ms;
}

/*  Write LINE; that nobody reads it ends nobody. */
void
tool_line (const char *line)
{
    sigset_t one, before;
    struct timespec at_once = {0};
    sigemptyset (&one);
    sigaddset (&one, SIGPIPE);
    pthread_sigmask (SIG_BLOCK, &one, &before);
    hf_line_write (line, strlen (line), s_wait_ms);
    if (!sigismember (&before, SIGPIPE))
        sigtimedwait (&one, NULL, &at_once);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
}

static void
s_line (const char *format, va_list args, const char *tail)
{
    char text[HF_LINE_MAX - 160];
    char line[HF_LINE_MAX];
    vsnprintf (text, sizeof text, format, args);
    for (char *at = text; *at != 0; at++) //  a name may have a line break
        *at = (unsigned char)*at < ' ' || *at == 127 ? '?' : *at;
    snprintf (line, sizeof line, "holdfast: %s%s\n", text, tail);
    tool_line (line);
}

int
tool_error (int code, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    s_line (format, args, "");
    va_end (args);
    return code;
}

int
tool_misuse (const tool_options_t *options, const char *format, ...)
{
    char tail[128];
    const char *name = options->command->name;
    snprintf (tail, sizeof tail, " (see: holdfast %s%s--help)", name ? name : "", name ? " " : "");
    va_list args;
    va_start (args, format);
    s_line (format, args, tail);
    va_end (args);
    return TOOL_USAGE;
}

static hf_client_t *s_client; //  the process's own; it lives until the command has said what failed

/*  The exit codes of statuses, and what a person can do about them. */
static const struct {
    hf_status_t status;
    int code;
    const char *advice;
} s_failures[] = {
    {HF_NOT_GRANTED, TOOL_NOT_GRANTED, ""},
    {HF_UNREACHABLE, TOOL_UNREACHABLE,
     ": check --endpoints or HOLDFAST_ENDPOINTS, and that holdfastd runs there"},
    {HF_FULL, TOOL_UNREACHABLE,
     ": their limit on open files is reached, or that of your user; see connections in: holdfast "
     "status -v"},
    {HF_TIMEOUT, TOOL_UNREACHABLE, ": is a majority of the nodes up? see: holdfast status"},
    {HF_BUSY, TOOL_UNREACHABLE, ": is a majority of the nodes up? see: holdfast status"},
    {HF_NOT_LEADER, TOOL_UNREACHABLE, ": is a majority of the nodes up? see: holdfast status"},
    {HF_LOST, TOOL_LOST, ": acquire the lock again"},
    {HF_SESSION_EXPIRED, TOOL_LOST, ": acquire the lock again"},
    {HF_UNDECIDED, TOOL_LOST, ": look before you repeat it"},
    {HF_CLOSED, TOOL_LOST, ": look before you repeat it"},
    {HF_CHANGING, TOOL_UNREACHABLE, ""},
    {HF_DENIED, TOOL_DENIED, ""},
    {HF_NO_MAJORITY, TOOL_REFUSED,
     ": first remove those that never come back; see --force in: holdfast members --help"},
    {HF_LEVEL, TOOL_REFUSED, ": holdfast upgrade"},
    {HF_CANNOT_LEAD, TOOL_REFUSED, ": see holdfast members and holdfast status"},
    {HF_ALL_DRAINED, TOOL_REFUSED, ": holdfast drain --off NODE"},
    {HF_NO_MEMBER, TOOL_REFUSED, ": see holdfast members"},
    {HF_TOO_LARGE, TOOL_REFUSED, ": a section takes at most 16 MiB and 256 files"},
};

int
tool_fail (hf_status_t status, const char *lock, const char *doing, ...)
{
    assert (status != HF_OK);
    int code = TOOL_REFUSED;
    const char *advice = "";
    for (size_t i = 0; i < sizeof s_failures / sizeof *s_failures; i++)
        if (s_failures[i].status == status) {
            code = s_failures[i].code;
            advice = s_failures[i].advice;
        }
    char text[1024];
    va_list args;
    va_start (args, doing);
    vsnprintf (text, sizeof text, doing, args);
    va_end (args);
    if (status == HF_NOT_HOLDER && lock)
        return tool_error (code,
                           "%s: you do not hold lock %s: it was released or its session "
                           "ended; acquire it again",
                           text, lock);
    char trouble[HF_CLIENT_ERROR_SIZE];
    if (status == HF_UNREACHABLE && s_client && hf_client_trouble (s_client, trouble))
        return tool_error (code, "%s: %s: %s", text, hf_status_text (status), trouble);
    if ((status == HF_DENIED || status == HF_LIMIT) && s_client &&
        hf_client_denied (s_client, trouble))
        return tool_error (code, "%s: %s", text, trouble);
    const char *why = status == HF_TIMEOUT ? "no answer in time" : hf_status_text (status);
    return tool_error (code, "%s: %s%s", text, why, advice);
}

int
tool_flush (int code)
{
    if (fflush (stdout) == 0 && !ferror (stdout))
        return code;
    return tool_error (TOOL_IO, "cannot write to standard output: %s", strerror (errno));
}

//  ---- options -----------------------------------------------------------------

/*  How an option is taken. */
typedef enum take {
    TAKE_HELP,    //  print WHAT, or the command's help, and end
    TAKE_REFUSED, //  WHAT says why; NULL: accepted, without effect
    TAKE_ENDPOINTS,
    TAKE_FIXED,
    TAKE_VARIABLE, //  the environment's WHAT
    TAKE_TRUE,
    TAKE_TEXT,
    TAKE_NO_WAIT,
    TAKE_TIME, //  what the library takes; HF_FOREVER for more than that
    TAKE_TTL,
    TAKE_TIMEOUT,
    TAKE_DELAY,
    TAKE_NUMBER,
    TAKE_POSITIVE,
    TAKE_EXIT_CODE
} take_t;

#define TO(field) offsetof (tool_options_t, field)

/*  Every option. In which sets it is; how it is taken, to which field, and its WHAT. */
typedef struct option_row {
    unsigned sets;
    char letter;
    const char *name;
    int value; //  required_argument or no_argument
    take_t take;
    size_t field;
    const char *what;
} option_row_t;

static const option_row_t s_options[] = {
    {TOOL_ALL, 'h', "help", 0, TAKE_HELP, 0, NULL},
    {TOOL_ALL, 'V', "version", 0, TAKE_HELP, 0, "holdfast " HF_VERSION "\n"},
    {TOOL_ALL, 0, "endpoints", 1, TAKE_ENDPOINTS, 0, NULL},
    {TOOL_ALL, 0, "fixed", 0, TAKE_FIXED, 0, NULL},
    {TOOL_ALL, 0, "key", 1, TAKE_VARIABLE, 0, "HOLDFAST_KEY"},
    {TOOL_ALL, 0, "keys", 1, TAKE_VARIABLE, 0, "HOLDFAST_KEYS"},
    {TOOL_TIMEOUT, 0, "timeout", 1, TAKE_TIMEOUT, TO (timeout_ms), "the timeout"},
    {TOOL_JSON, 0, "json", 0, TAKE_TRUE, TO (json), NULL},
    {TOOL_STALE, 0, "stale", 0, TAKE_TRUE, TO (stale), NULL},
    {TOOL_TAKE | TOOL_STATUS, 'v', "verbose", 0, TAKE_TRUE, TO (verbose), NULL},
    {TOOL_TAKE, 'n', "nonblock", 0, TAKE_NO_WAIT, TO (wait_ms), NULL},
    {TOOL_TAKE, 0, "nb", 0, TAKE_NO_WAIT, TO (wait_ms), NULL},
    {TOOL_TAKE, 0, "nonblocking", 0, TAKE_NO_WAIT, TO (wait_ms), NULL},
    {TOOL_TAKE, 'w', "wait", 1, TAKE_TIME, TO (wait_ms), "-w"},
    {TOOL_TAKE, 0, "timeout", 1, TAKE_TIME, TO (wait_ms), "-w"},
    {TOOL_TAKE, 'E', "conflict-exit-code", 1, TAKE_EXIT_CODE, TO (conflict_code), "-E"},
    {TOOL_TAKE | TOOL_BARRIER, 0, "ttl", 1, TAKE_TTL, TO (ttl_ms), "--ttl"},
    {TOOL_TAKE, 0, "connect-timeout", 1, TAKE_TIMEOUT, TO (timeout_ms), "the timeout"},
    {TOOL_SECTION, 0, "lock", 1, TAKE_TEXT, TO (lock), NULL},
    {TOOL_SECTION, 0, "token", 1, TAKE_POSITIVE, TO (token), "--token"},
    {TOOL_SECTION, 0, "session", 1, TAKE_POSITIVE, TO (session), "--session"},
    {TOOL_RUN, 0, "cancel-on-failure", 0, TAKE_TRUE, TO (cancel_on_failure), NULL},
    {TOOL_RUN, 'k', "kill-after", 1, TAKE_TIME, TO (kill_after_ms), "-k"},
    {TOOL_MODE, 'x', "exclusive", 0, TAKE_TRUE, TO (exclusive), NULL},
    {TOOL_MODE, 'e', NULL, 0, TAKE_TRUE, TO (exclusive), NULL},
    {TOOL_MODE, 's', "shared", 0, TAKE_TRUE, TO (shared), NULL},
    {TOOL_MODE, 0, "units", 1, TAKE_POSITIVE, TO (units), "--units"},
    {TOOL_MODE, 0, "limit", 1, TAKE_POSITIVE, TO (limit), "--limit"},
    {TOOL_MODE | TOOL_ELECT, 0, "note", 1, TAKE_TEXT, TO (note), NULL},
    {TOOL_MODE | TOOL_ELECT, 0, "lock-delay", 1, TAKE_DELAY, TO (delay_ms), "--lock-delay"},
    {TOOL_RUN, 'o', "close", 0, TAKE_REFUSED, 0, NULL},
    {TOOL_RUN, 'u', "unlock", 0, TAKE_REFUSED, 0,
     "there is nothing to unlock: run releases by itself"},
    {TOOL_RUN, 'F', "no-fork", 0, TAKE_REFUSED, 0,
     "-F cannot be: a process must keep the lock alive"},
    {TOOL_ELECT, 0, "again", 0, TAKE_TRUE, TO (again), NULL},
    {TOOL_RELEASE, 0, "cancel", 0, TAKE_TRUE, TO (cancel), NULL},
    {TOOL_APPEND, 0, "alone", 0, TAKE_TRUE, TO (alone), NULL},
    {TOOL_APPEND, 'l', "line", 0, TAKE_TRUE, TO (line), NULL},
    {TOOL_CAT, 0, "offset", 1, TAKE_NUMBER, TO (offset), "--offset"},
    {TOOL_CAT, 0, "length", 1, TAKE_NUMBER, TO (length), "--length"},
    {TOOL_CAT, 'f', "follow", 0, TAKE_TRUE, TO (follow), NULL},
    {TOOL_LS, 'l', NULL, 0, TAKE_REFUSED, 0, NULL},
    {TOOL_WATCH, 0, "files", 0, TAKE_TRUE, TO (files), NULL},
    {TOOL_WATCH, 0, "after", 1, TAKE_TEXT, TO (after), NULL},
    {TOOL_LOCKS, 0, "watch", 0, TAKE_TRUE, TO (watch), NULL},
    {TOOL_BACKUP | TOOL_KEYS, 0, "node", 1, TAKE_POSITIVE, TO (node), "--node"},
    {TOOL_KEYS, 0, "user", 1, TAKE_TEXT, TO (user), NULL},
    {TOOL_KEYS, 0, "out", 1, TAKE_TEXT, TO (out), NULL},
    {TOOL_BACKUP, 0, "progress", 0, TAKE_TRUE, TO (progress), NULL},
    {TOOL_MEMBERS, 0, "learner", 0, TAKE_TRUE, TO (learner), NULL},
    {TOOL_MEMBERS | TOOL_RELEASE, 0, "force", 0, TAKE_TRUE, TO (force), NULL},
    {TOOL_MEMBERS, 0, "wait", 0, TAKE_TRUE, TO (wait), NULL},
    {TOOL_MEMBERS, 0, "no-wait", 0, TAKE_TRUE, TO (no_wait), NULL},
    {TOOL_DRAIN, 0, "off", 0, TAKE_TRUE, TO (off), NULL},
    {TOOL_TOP, 0, "once", 0, TAKE_TRUE, TO (once), NULL},
    {TOOL_TOP | TOOL_EVENTS, 0, "interval", 1, TAKE_TIME, TO (interval_ms), "--interval"},
    {TOOL_WAIT, 'n', "nonblock", 0, TAKE_NO_WAIT, TO (wait_ms), NULL},
    {TOOL_WAIT | TOOL_BARRIER, 'w', "wait", 1, TAKE_TIME, TO (wait_ms), "-w"},
    {TOOL_WAIT | TOOL_BARRIER, 'E', "conflict-exit-code", 1, TAKE_EXIT_CODE, TO (conflict_code),
     "-E"},
    {TOOL_WAIT | TOOL_BARRIER, 0, "connect-timeout", 1, TAKE_TIMEOUT, TO (timeout_ms),
     "the timeout"},
};

static int
s_positive (tool_options_t *self, uint64_t *number, const char *what, const char *text)
{
    if (tool_parse_number (text, number) && *number > 0)
        return -1;
    return tool_misuse (self, "%s: '%s' is not a number above 0", what, text);
}

static int
s_time (tool_options_t *self, const option_row_t *row, uint32_t *field)
{
    uint64_t value;
    if (!tool_parse_time (optarg, &value))
        return tool_misuse (self, "%s: '%s' is not a time (10s, 500ms, 2m, 1.5)", row->what,
                            optarg);
    *field = value < HF_FOREVER ? (uint32_t)value : HF_FOREVER;
    self->timeout_given = self->timeout_given || row->take == TAKE_TIMEOUT;
    if (row->take == TAKE_TTL && (*field < HF_TTL_MIN_MS || *field > HF_TTL_MAX_MS))
        return tool_misuse (self, "--ttl must be 1s to 10m, not %s", optarg);
    if (row->take == TAKE_TIMEOUT && *field == 0)
        return tool_misuse (self, "the timeout must be more than 0");
    if (row->take == TAKE_DELAY && (*field < HF_DELAY_MIN_MS || *field > HF_DELAY_MAX_MS))
        return tool_misuse (self, "--lock-delay must be 100ms to 10m, not %s", optarg);
    return -1;
}

/*  In the environment, so that a command that is run under a lock finds it too. */
static void
s_endpoints (tool_options_t *self)
{
    const char *before = getenv ("HOLDFAST_ENDPOINTS");
    self->elsewhere = self->elsewhere || !before || strcmp (before, optarg) != 0;
    setenv ("HOLDFAST_ENDPOINTS", optarg, 1);
}

static int
s_take_row (tool_options_t *self, const option_row_t *row)
{
    void *field = (char *)self + row->field;
    uint64_t value;
    switch (row->take) {
    case TAKE_HELP:
        fputs (row->what ? row->what : self->command->help, stdout);
        return tool_flush (TOOL_OK);
    case TAKE_REFUSED:
        return row->what ? tool_misuse (self, "%s", row->what) : -1;
    case TAKE_ENDPOINTS:
        s_endpoints (self);
        return -1;
    case TAKE_FIXED:
        setenv ("HOLDFAST_FIXED", "1", 1); //  likewise
        return -1;
    case TAKE_VARIABLE:
        setenv (row->what, optarg, 1); //  likewise
        return -1;
    case TAKE_TRUE:
        *(bool *)field = true;
        return -1;
    case TAKE_TEXT:
        *(const char **)field = optarg;
        return -1;
    case TAKE_NO_WAIT:
        *(uint32_t *)field = 0;
        return -1;
    case TAKE_TIME:
    case TAKE_TTL:
    case TAKE_TIMEOUT:
    case TAKE_DELAY:
        return s_time (self, row, field);
    case TAKE_NUMBER:
        if (tool_parse_number (optarg, field))
            return -1;
        return tool_misuse (self, "%s: '%s' is not a number", row->what, optarg);
    case TAKE_POSITIVE:
        return s_positive (self, field, row->what, optarg);
    case TAKE_EXIT_CODE:
        if (!tool_parse_number (optarg, &value) || value > CONFLICT_CODE_MAX)
            return tool_misuse (self, "%s: '%s' is not a number from 0 to 255", row->what, optarg);
        *(int *)field = (int)value;
    }
    return -1;
}

#define OPTIONS    (sizeof s_options / sizeof s_options[0])
#define FIRST_LONG 256 //  getopt_long's value for the long option of row 0

static int
s_mistake (const tool_options_t *self, int option, char **argv)
{
    const char *text = argv[optind - 1];
    if (option == ':')
        return tool_misuse (self, "option %s needs a value", text);
    if (optopt >= FIRST_LONG)
        return tool_misuse (self, "option %s takes no value", text);
    if (optopt > 0)
        return tool_misuse (self, "unknown option -%c", optopt);
    return tool_misuse (self, "unknown or ambiguous option %s", text);
}

static int
s_take (tool_options_t *self, int option, char **argv)
{
    unsigned sets = self->command->options | TOOL_ALL;
    for (size_t i = 0; i < OPTIONS; i++)
        if (s_options[i].sets & sets &&
            (option == FIRST_LONG + (int)i || option == s_options[i].letter))
            return s_take_row (self, &s_options[i]);
    return s_mistake (self, option, argv);
}

int
tool_options_read (tool_options_t *self, const tool_command_t *command, int argc, char **argv)
{
    *self = (tool_options_t){.command = command,
                             .timeout_ms = command->timeout_ms ? command->timeout_ms
                                                               : TOOL_TIMEOUT_DEFAULT_MS,
                             .ttl_ms = command->ttl_ms,
                             .wait_ms = HF_FOREVER,
                             .kill_after_ms = HF_FOREVER,
                             .conflict_code = TOOL_NOT_GRANTED,
                             .length = UINT64_MAX,
                             .elsewhere = self->elsewhere};
    //  What follows the name of a command or lock may be options of something else.
    char letters[2 * OPTIONS + 3], *at = letters;
    struct option names[OPTIONS + 1] = {{NULL, 0, NULL, 0}}, *name = names;
    at = stpcpy (at, command->most == INT_MAX ? "+:" : ":");
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!(s_options[i].sets & (command->options | TOOL_ALL)))
            continue;
        if (s_options[i].name)
            *name++ =
                (struct option){s_options[i].name, s_options[i].value, NULL, FIRST_LONG + (int)i};
        if (s_options[i].letter)
            *at++ = s_options[i].letter;
        if (s_options[i].letter && s_options[i].value)
            *at++ = ':';
    }
    *at = '\0';
    opterr = 0; //  this file says what is wrong
    optind = 0; //  glibc: start over, after the options before the command
    for (int option; (option = getopt_long (argc, argv, letters, names, NULL)) != -1;) {
        int code = s_take (self, option, argv);
        if (code >= 0)
            return code;
    }
    self->args = argv + optind;
    self->count = argc - optind;
    if (self->count < command->least)
        return tool_misuse (self, "%s", command->missing);
    return self->count > command->most ? tool_misuse (self, "%s", command->many) : -1;
}

static int
s_section_number (tool_options_t *self, const char *variable, uint64_t *number)
{
    const char *text = getenv (variable);
    if (*number > 0 || !text || *text == '\0')
        return -1;
    return s_positive (self, number, variable, text);
}

int
tool_options_section (tool_options_t *self, bool *whole, bool *some)
{
    if (!self->lock)
        self->lock = getenv ("HOLDFAST_LOCK");
    if (self->lock && *self->lock == '\0')
        self->lock = NULL;
    int code = s_section_number (self, "HOLDFAST_TOKEN", &self->token);
    if (code < 0)
        code = s_section_number (self, "HOLDFAST_SESSION", &self->session);
    *whole = self->lock && self->token > 0 && self->session > 0;
    *some = self->lock || self->token > 0 || self->session > 0;
    return code;
}

//  ---- what comes after the options ----------------------------------------------

uint64_t
tool_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int
tool_client_new (hf_client_t **client)
{
    char error[HF_CLIENT_ERROR_SIZE] = "";
    *client = s_client = hf_client_new (NULL, error);
    if (*client)
        return TOOL_OK;
    if (errno == EACCES)
        return tool_error (TOOL_USAGE, "%s (see --key and --keys)", error);
    if (errno != EINVAL)
        return tool_error (TOOL_INTERNAL, "%s", error);
    return tool_error (TOOL_USAGE, "endpoints: %s (see --endpoints and HOLDFAST_ENDPOINTS)", error);
}

json_t *
tool_json_number (uint64_t number)
{
    if (number <= INT64_MAX)
        return json_integer ((json_int_t)number);
    return json_sprintf ("%llu", (unsigned long long)number);
}

json_t *
tool_json_sum (uint64_t sum)
{
    return sum != 0 ? json_sprintf ("%016llx", (unsigned long long)sum) : json_null ();
}

int
tool_print_json (json_t *root, int code)
{
    if (!root)
        return tool_error (TOOL_INTERNAL, "out of memory");
    int rc = json_dumpf (root, stdout, JSON_INDENT (2) | JSON_ENCODE_ANY);
    json_decref (root);
    if (rc != 0 && !ferror (stdout))
        return tool_error (TOOL_INTERNAL, "out of memory");
    putchar ('\n');
    return tool_flush (code);
}

int
tool_print (tool_table_t *table, const char *key, json_t *list)
{
    if (!table)
        return tool_print_json (json_pack ("{s:O}", key, list), TOOL_OK);
    tool_table_print (table, stdout);
    return tool_flush (TOOL_OK);
}
