/*  tool_guard.h - the guard of `holdfast run`: a process beside the tool that watches the command.
 *
 *      shell -- tool -- guard -- command -- whatever the command starts
 *
 *  The tool keeps the lease. The guard is the command's parent and, like the tool, a subreaper: all
 *  that the command starts stays below it. Each has one end of a socket: if one of the two dies the
 *  other ends the whole tree. The guard also ends it before the lease's deadline, whether the tool
 *  runs or is stopped (tool_rules.h). All are in one process group, the tool's.
 */
#ifndef TOOL_GUARD_H_INCLUDED
#define TOOL_GUARD_H_INCLUDED

#include "client/tool/tool_signals.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct tool_guard tool_guard_t;

typedef struct tool_guard_config {
    char **argv;       //  the command; this and the rest are copied
    const char *lock;  //  for the command's environment
    const char *title; //  of what is held, for messages
    char *words_end; //  the end of the memory that begins with the name of this program and goes on
                     //  with its arguments, in which the guard writes its title
    tool_signals_t *signals;
} tool_guard_config_t;

/*  Fork the guard, before any thread is made. NULL with errno. */
tool_guard_t *tool_guard_new (const tool_guard_config_t *config);

/*  Kill the guard if it is there still. */
void tool_guard_destroy (tool_guard_t **self_p);

typedef struct tool_lease {
    uint64_t token, session;
    uint32_t ttl_ms, grace_ms;
} tool_lease_t;

/*  Have the command executed, after tool_guard_keep. */
void tool_guard_start (tool_guard_t *self, const tool_lease_t *lease);

/*  Whether that is done; until then call tool_guard_keep. *ERROR: 0, or an errno; EPIPE: the guard
 *  is dead; ETIME: the lease was over. */
bool tool_guard_started (tool_guard_t *self, int *error);

/*  The lease ends at DEADLINE_MS of tool_now_ms; 0: it is lost. */
void tool_guard_keep (tool_guard_t *self, uint64_t deadline_ms);

/*  Pass SIGNAL, which FROM sent to this process, on to the tree, unless the whole group had it. */
void tool_guard_pass (tool_guard_t *self, int signal, pid_t from);

/*  The guard's end of the news. */
int tool_guard_fd (const tool_guard_t *self);

typedef enum tool_news {
    TOOL_NEWS_NONE,
    TOOL_NEWS_ASK,   //  for tool_guard_keep
    TOOL_NEWS_ENDED, //  the command ended by itself: *STATUS
    TOOL_NEWS_OVER,  //  the guard has ended the tree
    TOOL_NEWS_LEFT,  //  it has, but for some processes, which it named
    TOOL_NEWS_DEAD   //  the guard is dead
} tool_news_t;
tool_news_t tool_guard_news (tool_guard_t *self, int *status);

//  What either of the two says when it ends the command of a lock.
#define TOOL_SAY_LOST "lock %s is lost: ending the command"
#define TOOL_SAY_SOON "lock %s cannot be kept: ending the command before it is lost"

//  ---- between the two -------------------------------------------------------------

/*  What they send: to the guard what and number; from it, news and number. */
enum { TOOL_NOTE_START = 16, TOOL_NOTE_STARTED, TOOL_NOTE_LEASE, TOOL_NOTE_SIGNAL };

typedef struct tool_note {
    int what;
    int number; //  a signal, an errno, a status
    pid_t from;
    tool_lease_t lease; //  of START
} tool_note_t;

typedef struct tool_shared {
    _Atomic uint64_t deadline_ms;
} tool_shared_t;

/*  Never waits. */
void tool_note_send (int fd, const tool_note_t *note);
/*  1: *NOTE; 0: none waits; -1: the other side is dead. */
int tool_note_take (int fd, tool_note_t *note);

/*  The guard's whole life; it ends with the process. */
void tool_watch (const tool_guard_config_t *config, int fd, const tool_shared_t *shared)
    __attribute__ ((noreturn));

#endif
