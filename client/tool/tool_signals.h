/*  tool_signals.h - signals as something to read, so that a held lock is never left by accident.
 *
 *  To be made before the client, so that its thread inherits the blocked mask.
 */
#ifndef TOOL_SIGNALS_H_INCLUDED
#define TOOL_SIGNALS_H_INCLUDED

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct tool_signals tool_signals_t;

/*  Block what would end this process; with JOB_CONTROL also what stops it, SIGCONT and SIGCHLD.
 *  Signals that this process was started to ignore stay ignored. */
tool_signals_t *tool_signals_new (bool job_control);
void tool_signals_destroy (tool_signals_t **self_p);

/*  Readable when a signal waits. */
int tool_signals_fd (const tool_signals_t *self);

/*  The next signal, 0 when none waits. FROM: the process that sent it, -1 when it is not known, 0
 * when the terminal sent it, which signals the whole process group. */
int tool_signals_next (tool_signals_t *self, pid_t *from);

/*  Whether SIGNAL is one by which a terminal stops a job. */
static inline bool
tool_signals_stops (int signal)
{
    return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/*  Mask and handlers as this process found them: in the child before exec, and while a wait
 *  holds nothing that a signal could leave behind. Async-signal-safe. */
void tool_signals_restore (const tool_signals_t *self);

/*  After tool_signals_restore: block them again. */
void tool_signals_block (const tool_signals_t *self);

/*  Let SIGNAL do to this process what it does by default: stop, and come back when it is continued
 *  (or at once: the kernel does not stop a group that no shell could continue); or end. */
void tool_signals_suffer (int signal);

/*  End by SIGNAL, so that the shell above sees it, without a core file of this process. Comes back
 *  when that cannot be: process 1 cannot be ended so. */
void tool_signals_die (int signal);

#endif
