/*  tool.h - what the commands of `holdfast`, the command-line tool, share.
 *
 *  One file per command or group of commands; each command takes its own options
 *  from argv (argv[0] is its name) and gives the exit code of the process.
 */
#ifndef TOOL_H_INCLUDED
#define TOOL_H_INCLUDED

#include "client/holdfast.h"
#include "client/tool/tool_text.h"
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

//  ---- exit codes: the same list stands in `holdfast --help` and holdfast(1) ---

typedef enum tool_exit {
    TOOL_OK = 0,
    TOOL_NOT_GRANTED = 1,  //  or what -E says
    TOOL_REFUSED = 2,      //  the service said no: not the holder, no such file, too large...
    TOOL_USAGE = 64,       //  EX_USAGE
    TOOL_UNREACHABLE = 69, //  EX_UNAVAILABLE: no node reached, or no majority behind it
    TOOL_INTERNAL = 70,    //  EX_SOFTWARE: out of memory, no processes left
    TOOL_IO = 74,          //  EX_IOERR: reading the input or writing the output failed
    TOOL_LOST = 75,        //  the lock was lost, or its release was not acknowledged
    TOOL_NOT_EXECUTABLE = 126,
    TOOL_NOT_COMMAND = 127,
    TOOL_SIGNALLED = 128 //  plus the signal
} tool_exit_t;

//  ---- commands ----------------------------------------------------------------

int tool_run (int argc, char **argv);
int tool_acquire (int argc, char **argv);
int tool_release (int argc, char **argv);
int tool_append (int argc, char **argv);
int tool_cat (int argc, char **argv);
int tool_ls (int argc, char **argv);
int tool_locks (int argc, char **argv);
int tool_leader (int argc, char **argv);
int tool_status (int argc, char **argv);

//  ---- errors: one line on stderr, "holdfast: ..." -------------------------------

/*  Print the line; gives CODE back. */
int tool_error (int code, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  A mistake on the command line: says where help is; gives TOOL_USAGE. */
int tool_misuse (const char *command, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  A request that came to nothing: "DOING: why; what to do". Gives the exit code for STATUS.
 *  LOCK: the name of the lock that it was about, or NULL. */
int tool_fail (hf_status_t status, const char *lock, const char *doing, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Flush standard output; CODE, or TOOL_IO with a line on stderr when it could not be written. */
int tool_flush (int code);

//  ---- options that many commands take -------------------------------------------

enum {
    TOOL_OPT_ENDPOINTS = 256,
    TOOL_OPT_TIMEOUT,
    TOOL_OPT_JSON,
    TOOL_OPT_TTL,
    TOOL_OPT_LOCK,
    TOOL_OPT_TOKEN,
    TOOL_OPT_SESSION,
    TOOL_OPT_OWN //  first number for a command's own options
};

#define TOOL_OPTIONS_COMMON                                                                        \
    {"endpoints", required_argument, NULL, TOOL_OPT_ENDPOINTS}, {"help", no_argument, NULL, 'h'},  \
    {                                                                                              \
        "version", no_argument, NULL, 'V'                                                          \
    }

#define TOOL_OPTIONS_QUERY                                                                         \
    {"timeout", required_argument, NULL, TOOL_OPT_TIMEOUT},                                        \
    {                                                                                              \
        "json", no_argument, NULL, TOOL_OPT_JSON                                                   \
    }

#define TOOL_OPTIONS_TAKE                                                                          \
    {"nonblock", no_argument, NULL, 'n'}, {"nb", no_argument, NULL, 'n'},                          \
        {"wait", required_argument, NULL, 'w'}, {"timeout", required_argument, NULL, 'w'},         \
        {"conflict-exit-code", required_argument, NULL, 'E'}, {"verbose", no_argument, NULL, 'v'}, \
        {"ttl", required_argument, NULL, TOOL_OPT_TTL},                                            \
    {                                                                                              \
        "connect-timeout", required_argument, NULL, TOOL_OPT_TIMEOUT                               \
    }

#define TOOL_OPTIONS_SECTION                                                                       \
    {"lock", required_argument, NULL, TOOL_OPT_LOCK},                                              \
        {"token", required_argument, NULL, TOOL_OPT_TOKEN},                                        \
    {                                                                                              \
        "session", required_argument, NULL, TOOL_OPT_SESSION                                       \
    }

#define TOOL_TIMEOUT_DEFAULT_MS 10000

typedef struct tool_options {
    const char *command; //  its name, for messages
    const char *help;    //  its text
    uint32_t timeout_ms; //  for one answer of the cluster
    bool json;

    //  For those that take a lock.
    uint32_t ttl_ms;
    uint32_t wait_ms; //  0: do not wait; HF_FOREVER: no limit
    int conflict_code;
    bool verbose;

    //  For those that work in a section: NULL or 0 when not given.
    const char *lock;
    uint64_t token;
    uint64_t session;
} tool_options_t;

void tool_options_init (tool_options_t *self, const char *command, const char *help);

/*  Handle one result of getopt_long that the command does not know itself. Gives -1 to go on,
 *  or the exit code to end with: after --help, --version, and every mistake. */
int tool_options_take (tool_options_t *self, int option, char **argv);

/*  Fill what the options left out of the section from HOLDFAST_LOCK, HOLDFAST_TOKEN and
 *  HOLDFAST_SESSION. *whole: all three are known; *some: at least one is. -1, or the exit code
 *  after a value that is no number. */
int tool_options_section (tool_options_t *self, bool *whole, bool *some);

/*  The client for the chosen endpoints; NULL after a line on stderr: exit with TOOL_USAGE. */
hf_client_t *tool_client_new (void);

/*  Exit code for JSON that was printed to standard output with a newline; takes ROOT over. */
int tool_print_json (json_t *root, int code);

/*  A number for JSON: a string when it is past what a signed integer holds. */
json_t *tool_json_number (uint64_t number);

#endif
