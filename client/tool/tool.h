/*  tool.h - what the commands of `holdfast`, the command-line tool, share.
 *
 *  One file per command or group of commands. A command is a row: its help, the options that it
 *  takes, and the function that does it.
 */
#ifndef TOOL_H_INCLUDED
#define TOOL_H_INCLUDED

#include "client/holdfast.h"
#include "client/tool/tool_text.h"
#include "msgs/hf_limits.h"
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
    TOOL_DENIED = 77,      //  EX_NOPERM: the user has not the right to do it
    TOOL_NOT_EXECUTABLE = 126,
    TOOL_NOT_COMMAND = 127,
    TOOL_SIGNALLED = 128 //  plus the signal
} tool_exit_t;

//  ---- commands ----------------------------------------------------------------

typedef struct tool_options tool_options_t;

/*  Sets of options, see tool_options.c. */
enum {
    TOOL_ALL = 1, //  every command has them
    TOOL_TIMEOUT = 2,
    TOOL_JSON = 4,
    TOOL_TAKE = 8,     //  for those that take a lock
    TOOL_SECTION = 16, //  for those that work in a section
    TOOL_RUN = 32,
    TOOL_RELEASE = 64,
    TOOL_APPEND = 128,
    TOOL_CAT = 256,
    TOOL_LS = 512,
    TOOL_STATUS = 1024,
    TOOL_MODE = 2048, //  in which mode a lock is taken
    TOOL_ELECT = 4096,
    TOOL_STALE = 16384, //  for questions that any node may answer
    TOOL_WATCH = 65536,
    TOOL_WAIT = 131072,
    TOOL_LOCKS = 262144,
    TOOL_BARRIER = 524288,
    TOOL_BACKUP = 1048576,
    TOOL_MEMBERS = 2097152, //  for those that change who the members are
    TOOL_KEYS = 4194304,
    TOOL_DRAIN = 8388608,
    TOOL_TOP = 16777216,
    TOOL_EVENTS = 33554432
};

/*  The last options of a question's help, and the head of its examples. */
#define TOOL_HELP_QUERY                                                                            \
    "      --timeout TIME    how long to wait for an answer (default 10s)\n"                       \
    "      --endpoints LIST  the nodes (default: HOLDFAST_ENDPOINTS)\n"                            \
    "\n"                                                                                           \
    "examples:\n"

typedef struct tool_command {
    const char *name; //  NULL: the tool itself
    const char *help;
    unsigned options;                     //  sets
    int least, most;                      //  arguments after the options
    const char *missing, *many;           //  what to say when there are fewer or more
    uint32_t timeout_ms, ttl_ms;          //  defaults
    int (*run) (tool_options_t *options); //  gives the exit code; or, with a client:
    int (*ask) (tool_options_t *options, hf_client_t *client);
} tool_command_t;

extern const tool_command_t tool_run, tool_elect, tool_acquire, tool_release, tool_append, tool_cat,
    tool_ls, tool_locks, tool_leader, tool_status, tool_sessions;
extern const tool_command_t tool_follow, tool_wait, tool_observe, tool_barrier, tool_backup,
    tool_inspect, tool_keys, tool_members, tool_upgrade, tool_close, tool_lead, tool_drain,
    tool_top, tool_changes;

/*  `holdfast release --force`: end the hold that the options name, whoever has it. */
int tool_release_force (const tool_options_t *options, hf_client_t *client);

/*  `holdfast run`, once: gives the exit code. *AGAIN: the lock was lost or no cluster reached, not
 *  by the command's own exit code, and no signal asked to end. */
int tool_run_command (tool_options_t *options, bool *again);

//  ---- errors: one line on stderr, "holdfast: ..." -------------------------------
//  What does not fit, as nobody reads stderr, is dropped and counted (hf_line.h).

/*  How long a line waits for room; 0 while a lock is held. A second at first. */
void tool_error_wait (uint32_t wait_ms);

/*  LINE, which ends with a newline, on stderr. */
void tool_line (const char *line);

/*  Print the line; gives CODE back. */
int tool_error (int code, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  A mistake on the command line: says where help is; gives TOOL_USAGE. */
int tool_misuse (const tool_options_t *options, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  A request that came to nothing: "DOING: why; what to do". Gives the exit code for STATUS.
 *  LOCK: the name of the lock that it was about, or NULL. */
int tool_fail (hf_status_t status, const char *lock, const char *doing, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Flush standard output; CODE, or TOOL_IO with a line on stderr when it could not be written. */
int tool_flush (int code);

//  ---- options -------------------------------------------------------------------

#define TOOL_TIMEOUT_DEFAULT_MS 10000
#define TOOL_NAMES_MAX          64U //  that one request asks for

struct tool_options {
    const tool_command_t *command;
    char **args; //  what follows the options
    int count;
    uint32_t timeout_ms; //  for one answer of the cluster
    bool timeout_given;
    bool json, verbose;
    bool stale; //  any node may answer
    //  To take a lock.
    uint32_t ttl_ms;
    uint32_t wait_ms;       //  0: do not wait; HF_FOREVER: no limit
    uint32_t kill_after_ms; //  HF_FOREVER: not given
    int conflict_code;
    bool shared, exclusive;
    uint64_t units, limit; //  0: not given
    const char *note;      //  NULL: none
    uint32_t delay_ms;     //  0: none
    bool elsewhere;        //  --endpoints is not what the environment said
    //  To work in a section: NULL or 0 when not given.
    const char *lock;
    uint64_t token, session;
    //  Of one command each.
    bool cancel, cancel_on_failure, again, alone, line, follow;
    uint64_t offset, length; //  length UINT64_MAX: to the end
    bool files, watch;
    const char *after; //  a number; NULL: not given
    bool progress;
    uint64_t node;          //  0: not given
    const char *user, *out; //  of a key; NULL: not given
    bool learner, force, wait, no_wait, off, once;
    uint32_t interval_ms; //  0: not given
};

/*  Read the options of COMMAND and check the number of arguments. Gives -1 to go on, or the exit
 *  code to end with: after --help, --version, and every mistake. SELF: all zero, or as read for the
 *  options before the command. */
int tool_options_read (tool_options_t *self, const tool_command_t *command, int argc, char **argv);

/*  Fill what the options left out of the section from HOLDFAST_LOCK, HOLDFAST_TOKEN and
 *  HOLDFAST_SESSION. *whole: all three are given; *some: at least one is. -1, or the exit code
 *  after a value that is no number. */
int tool_options_section (tool_options_t *self, bool *whole, bool *some);

/*  Milliseconds of a clock that goes on while the machine sleeps, as the leases'. */
uint64_t tool_now_ms (void);

/*  The client for the chosen endpoints, and 0; or NULL after a line on stderr, and the exit code.
 */
int tool_client_new (hf_client_t **client);

/*  Who asks: user, host, process, and the command. */
void tool_session_label (char label[HF_LABEL_MAX + 1], const tool_options_t *options);

/*  Open a session with SESSION_OPTIONS (NULL: the defaults) and a label that says who it is: user,
 * host, process, and the command that is run under the lock. */
hf_status_t tool_session_open (const tool_options_t *options, hf_client_t *client,
                               hf_session_options_t *session_options, hf_session_t **session_p);

/*  Print TABLE, or, when it is NULL, an object with LIST under KEY; gives the exit code. */
int tool_print (tool_table_t *table, const char *key, json_t *list);

/*  Exit code for JSON that was printed to standard output with a newline; takes ROOT over. */
/*  A checksum, as a string of 16 digits; null for 0, which is not known. */
json_t *tool_json_sum (uint64_t sum);
int tool_print_json (json_t *root, int code);

/*  A number for JSON: a string when it is past what a signed integer holds. */
json_t *tool_json_number (uint64_t number);

#endif
