//  holdfast append: add to files inside the critical section.

#include "client/tool/tool_hold.h"
#include "base/hf_span.h"
#include "msgs/hf_limits.h"
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLOSE_LIMIT_MS 2000

static const char s_help[] =
    "usage: holdfast append [OPTION...] FILE [DATA]\n"
    "\n"
    "Append DATA, or standard input when DATA is left out, to FILE: the bytes as they are,\n"
    "no newline is added without -l.\n"
    "\n"
    "Within a section (under `holdfast run`, or after `eval \"$(holdfast acquire NAME)\"`)\n"
    "the data is staged: it becomes part of FILE when the lock is released, together with\n"
    "everything else appended in that section, or never. Alone it takes the lock named\n"
    "like FILE, appends and releases. Either way all of the data or none of it arrives.\n"
    "A section takes at most 16 MiB, in at most 256 files.\n"
    "\n"
    "options:\n"
    "  -l, --line               add a newline when the data does not end with one\n"
    "      --alone              do not use the section of the environment\n"
    "      --lock NAME          the section: default HOLDFAST_LOCK,\n"
    "      --token NUMBER         HOLDFAST_TOKEN,\n"
    "      --session NUMBER       HOLDFAST_SESSION\n"
    "  -n, --nonblock; -w, --wait SECONDS; -E, --conflict-exit-code CODE; --ttl TIME\n"
    "                           alone: as of `holdfast run`\n"
    "  -v, --verbose            say what was done\n"
    "      --connect-timeout TIME  how long to wait for the cluster (default 10s)\n"
    "      --endpoints LIST     the nodes (default: HOLDFAST_ENDPOINTS)\n"
    "\n"
    "examples:\n"
    "  date | holdfast append journal\n"
    "  holdfast append -l journal 'one line'\n"
    "  holdfast run books -c 'holdfast append ledger \"42 EUR\" && holdfast append audit ok'\n";

typedef struct append {
    tool_options_t *options;
    const char *file;
    uint8_t *data;
    size_t size;
    tool_signals_t *signals; //  alone
    tool_hold_t *hold;
    hf_session_t *session; //  that asks
    const char *lock;
    uint64_t token;
    uint64_t owner;
} append_t;

//  ---- the data ------------------------------------------------------------------

static int
s_too_large (void)
{
    return tool_error (TOOL_REFUSED,
                       "the data is larger than 16 MiB, what one section takes: nothing was "
                       "appended; split it");
}

/*  Read all of standard input before acquiring the lock, so that waiters do not wait for a slow
 *  writer. */
static int
s_read_input (append_t *self)
{
    size_t room = 64U << 10;
    if (isatty (STDIN_FILENO))
        tool_error (0, "the data come from this terminal; end them with Ctrl-D");
    self->data = tool_alloc (room);
    for (;;) {
        if (self->size == room) {
            if (room > HF_SECTION_BYTES_MAX)
                return s_too_large ();
            room *= 2;
            self->data = tool_alloc_again (self->data, room);
        }
        ssize_t count = read (STDIN_FILENO, self->data + self->size, room - self->size);
        if (count == 0)
            return -1;
        if (count < 0 && errno != EINTR)
            return tool_error (TOOL_IO, "cannot read standard input: %s", strerror (errno));
        if (count > 0)
            self->size += (size_t)count;
    }
}

static int
s_take_data (append_t *self, const char *text)
{
    int code = -1;
    if (text) {
        self->size = strlen (text);
        self->data = (uint8_t *)tool_copy (text);
    } else
        code = s_read_input (self);
    if (code < 0 && self->options->line &&
        (self->size == 0 || self->data[self->size - 1] != '\n')) {
        self->data = tool_alloc_again (self->data, self->size + 1);
        self->data[self->size++] = '\n';
    }
    if (code < 0 && self->size > HF_SECTION_BYTES_MAX)
        code = s_too_large ();
    return code;
}

//  ---- appending -----------------------------------------------------------------

static void
s_show_progress (const append_t *self, size_t done)
{
    if (self->size > HF_DATA_MAX && isatty (STDERR_FILENO))
        tool_error (0, "%zu of %zu KiB", done >> 10, self->size >> 10);
}

/*  All of the data in pieces; TOOL_OK, or the exit code. */
static int
s_append_all (append_t *self)
{
    size_t done = 0;
    do {
        size_t piece = self->size - done < HF_DATA_MAX ? self->size - done : HF_DATA_MAX;
        uint32_t limit_ms = self->options->timeout_ms;
        hf_status_t status = hf_append_for (self->session, self->owner, self->lock, self->token,
                                            self->file, self->data + done, piece, limit_ms);
        if (status != HF_OK) {
            int code = tool_fail (status, self->lock, "cannot append to %s", self->file);
            bool unknown = status == HF_TIMEOUT || status == HF_UNDECIDED || status == HF_LOST;
            if (self->owner > 0 && (done > 0 || unknown))
                tool_error (0, "%zu of %zu bytes are staged in the section%s: cancel it", done,
                            self->size, unknown ? ", perhaps more" : "");
            return code;
        }
        done += piece;
        s_show_progress (self, done);
        pid_t from;
        int signal = self->hold ? tool_signals_next (self->signals, &from) : 0;
        if (signal > 0)
            return TOOL_SIGNALLED + signal;
    } while (done < self->size);
    return TOOL_OK;
}

/*  On behalf of the session that holds the lock, from a short one of our own. */
static int
s_append_in_section (append_t *self)
{
    hf_client_t *client;
    int failed = tool_client_new (&client);
    if (!client)
        return failed;
    self->lock = self->options->lock;
    self->token = self->options->token;
    self->owner = self->options->session;
    hf_status_t status = tool_session_open (self->options, client, NULL, &self->session);
    int code =
        status == HF_OK ? s_append_all (self) : tool_fail (status, NULL, "cannot open a session");
    if (self->session)
        hf_session_close (&self->session, CLOSE_LIMIT_MS);
    hf_client_destroy (&client);
    if (code == TOOL_OK && self->options->verbose)
        tool_error (0, "%zu bytes for %s staged in the section of lock %s", self->size, self->file,
                    self->lock);
    return code;
}

static int
s_append_alone (append_t *self)
{
    bool show = self->options->verbose || isatty (STDERR_FILENO);
    self->signals = tool_signals_new (false);
    tool_wants_t wants;
    tool_wants_one (&wants, self->file);
    int code = tool_hold_take (&self->hold, self->options, &wants, self->signals, show);
    if (!self->hold)
        return code;
    self->session = tool_hold_session (self->hold);
    self->lock = self->file;
    self->token = tool_hold_grant (self->hold).token;
    code = s_append_all (self);
    //  What is not whole is dropped, with the session.
    if (code == TOOL_OK)
        code = tool_hold_release (self->hold, false);
    if (code == TOOL_OK && self->options->verbose)
        tool_error (0, "%zu bytes appended to %s", self->size, self->file);
    tool_hold_destroy (&self->hold);
    return code;
}

static int
s_append (append_t *self, const char *text)
{
    bool whole = false;
    bool some = false;
    int code = self->options->alone ? -1 : tool_options_section (self->options, &whole, &some);
    if (code >= 0)
        return code;
    if (some && !whole)
        return tool_misuse (self->options,
                            "a section needs lock, token and session, in the options or "
                            "in HOLDFAST_LOCK, HOLDFAST_TOKEN, HOLDFAST_SESSION; without "
                            "a section: --alone");
    if (!hf_name_valid (hf_span_text (self->file)))
        return tool_error (TOOL_REFUSED, "cannot append to file %s: %s", self->file,
                           hf_status_text (HF_BAD_NAME));
    code = s_take_data (self, text);
    if (code >= 0)
        return code;
    return whole ? s_append_in_section (self) : s_append_alone (self);
}

static int
s_run (tool_options_t *options)
{
    append_t self = {.options = options, .file = options->args[0]};
    int code = s_append (&self, options->count == 2 ? options->args[1] : NULL);
    tool_signals_destroy (&self.signals);
    free (self.data);
    return code;
}

const tool_command_t tool_append = {.name = "append",
                                    .help = s_help,
                                    .options = TOOL_TAKE | TOOL_SECTION | TOOL_APPEND,
                                    .least = 1,
                                    .most = 2,
                                    .missing = "which file? FILE is missing",
                                    .many = "more than FILE and DATA: put the data in quotes",
                                    .run = s_run};
