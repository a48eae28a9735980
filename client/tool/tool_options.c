//  The options that all commands share.

#include "client/tool/tool.h"
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CONFLICT_CODE_MAX 255

//  ---- errors ------------------------------------------------------------------

static void
s_line (const char *format, va_list args, const char *tail)
{
    char text[1024];
    vsnprintf (text, sizeof text, format, args);
    fprintf (stderr, "holdfast: %s%s\n", text, tail);
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
tool_misuse (const char *command, const char *format, ...)
{
    char tail[128];
    snprintf (tail, sizeof tail, " (see: holdfast %s --help)", command);
    va_list args;
    va_start (args, format);
    s_line (format, args, tail);
    va_end (args);
    return TOOL_USAGE;
}

/*  The exit code for a status that is not HF_OK, and what a person can do about it. */
static int
s_advice (hf_status_t status, const char **advice)
{
    *advice = "";
    switch (status) {
    case HF_NOT_GRANTED:
        return TOOL_NOT_GRANTED;
    case HF_UNREACHABLE:
        *advice = ": check --endpoints or HOLDFAST_ENDPOINTS, and that holdfastd runs there";
        return TOOL_UNREACHABLE;
    case HF_TIMEOUT:
    case HF_BUSY:
    case HF_NOT_LEADER:
        *advice = ": is a majority of the nodes up? see: holdfast status";
        return TOOL_UNREACHABLE;
    case HF_LOST:
    case HF_SESSION_EXPIRED:
        *advice = ": acquire the lock again";
        return TOOL_LOST;
    case HF_UNDECIDED:
    case HF_CLOSED:
        *advice = ": look before you repeat it";
        return TOOL_LOST;
    case HF_TOO_LARGE:
        *advice = ": a section takes at most 16 MiB and 256 files";
        return TOOL_REFUSED;
    default:
        return TOOL_REFUSED;
    }
}

int
tool_fail (hf_status_t status, const char *lock, const char *doing, ...)
{
    assert (status != HF_OK);
    const char *advice;
    int code = s_advice (status, &advice);
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

void
tool_options_init (tool_options_t *self, const char *command, const char *help)
{
    *self = (tool_options_t){.command = command,
                             .help = help,
                             .timeout_ms = TOOL_TIMEOUT_DEFAULT_MS,
                             .wait_ms = HF_FOREVER,
                             .conflict_code = TOOL_NOT_GRANTED};
    opterr = 0; //  this file says what is wrong
    optind = 0; //  glibc: start over, after the options before the command
}

static int
s_mistake (const tool_options_t *self, int option, char **argv)
{
    const char *text = argv[optind - 1];
    if (option == ':')
        return tool_misuse (self->command, "option %s needs a value", text);
    if (optopt > 0 && optopt < 256)
        return tool_misuse (self->command, "unknown option -%c", optopt);
    if (optopt >= 256)
        return tool_misuse (self->command, "option %s takes no value", text);
    return tool_misuse (self->command, "unknown or ambiguous option %s", text);
}

/*  A time that fits into what the library takes; HF_FOREVER for more than that. */
static int
s_take_time (const tool_options_t *self, const char *what, uint32_t *ms)
{
    uint64_t value;
    if (!tool_parse_time (optarg, &value))
        return tool_misuse (self->command, "%s: '%s' is not a time (10s, 500ms, 2m, 1.5)", what,
                            optarg);
    *ms = value < HF_FOREVER ? (uint32_t)value : HF_FOREVER;
    return -1;
}

static int
s_take_ttl (tool_options_t *self)
{
    int code = s_take_time (self, "--ttl", &self->ttl_ms);
    if (code < 0 && (self->ttl_ms < 1000 || self->ttl_ms > 600000))
        return tool_misuse (self->command, "--ttl must be 1s to 10m, not %s", optarg);
    return code;
}

static int
s_take_timeout (tool_options_t *self)
{
    int code = s_take_time (self, "the timeout", &self->timeout_ms);
    if (code < 0 && self->timeout_ms == 0)
        return tool_misuse (self->command, "the timeout must be more than 0");
    return code;
}

static int
s_take_number (const tool_options_t *self, const char *what, const char *text, uint64_t *number)
{
    if (tool_parse_number (text, number) && *number > 0)
        return -1;
    return tool_misuse (self->command, "%s: '%s' is not a number above 0", what, text);
}

static int
s_take_conflict_code (tool_options_t *self)
{
    uint64_t value;
    if (!tool_parse_number (optarg, &value) || value > CONFLICT_CODE_MAX)
        return tool_misuse (self->command, "-E: '%s' is not a number from 0 to 255", optarg);
    self->conflict_code = (int)value;
    return -1;
}

int
tool_options_take (tool_options_t *self, int option, char **argv)
{
    switch (option) {
    case 'h':
        fputs (self->help, stdout);
        return tool_flush (TOOL_OK);
    case 'V':
        puts ("holdfast " HF_VERSION);
        return tool_flush (TOOL_OK);
    case TOOL_OPT_ENDPOINTS:
        //  In the environment, so that a command that is run under a lock finds it too.
        setenv ("HOLDFAST_ENDPOINTS", optarg, 1);
        return -1;
    case TOOL_OPT_TIMEOUT:
        return s_take_timeout (self);
    case TOOL_OPT_JSON:
        self->json = true;
        return -1;
    case 'n':
        self->wait_ms = 0;
        return -1;
    case 'w':
        return s_take_time (self, "-w", &self->wait_ms);
    case 'E':
        return s_take_conflict_code (self);
    case 'v':
        self->verbose = true;
        return -1;
    case TOOL_OPT_TTL:
        return s_take_ttl (self);
    case TOOL_OPT_LOCK:
        self->lock = optarg;
        return -1;
    case TOOL_OPT_TOKEN:
        return s_take_number (self, "--token", optarg, &self->token);
    case TOOL_OPT_SESSION:
        return s_take_number (self, "--session", optarg, &self->session);
    default:
        return s_mistake (self, option, argv);
    }
}

static int
s_section_number (const tool_options_t *self, const char *variable, uint64_t *number)
{
    const char *text = getenv (variable);
    if (*number > 0 || !text || *text == '\0')
        return -1;
    return s_take_number (self, variable, text, number);
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

hf_client_t *
tool_client_new (void)
{
    char error[HF_CLIENT_ERROR_SIZE] = "";
    hf_client_t *client = hf_client_new (NULL, error);
    if (!client)
        tool_error (TOOL_USAGE, "endpoints: %s (see --endpoints and HOLDFAST_ENDPOINTS)", error);
    return client;
}

json_t *
tool_json_number (uint64_t number)
{
    if (number <= INT64_MAX)
        return json_integer ((json_int_t)number);
    return json_sprintf ("%llu", (unsigned long long)number);
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
