/*  tool_child.h - the command under a lock: a process group of its own, and the terminal.
 *
 *  The tool is to its command what a shell is to a job: when the tool was in the foreground
 *  of its terminal, the command's group is put there, and the terminal comes back at the end.
 */
#ifndef TOOL_CHILD_H_INCLUDED
#define TOOL_CHILD_H_INCLUDED

#include "client/tool/tool_signals.h"

typedef struct tool_child tool_child_t;

/*  Start ARGV. NULL with errno when it cannot be executed. */
tool_child_t *tool_child_new (char **argv, const tool_signals_t *signals);

/*  The process has ended, or was asked to: frees, and takes the terminal back. */
void tool_child_destroy (tool_child_t **self_p);

/*  To the whole group, which is continued if SIGNAL ends processes. */
void tool_child_kill (const tool_child_t *self, int signal);

/*  Look, without waiting, what became of the process. */
typedef enum tool_child_state {
    TOOL_CHILD_RUNS,
    TOOL_CHILD_STOPPED, //  reported once for each stop
    TOOL_CHILD_ENDED
} tool_child_state_t;
tool_child_state_t tool_child_look (tool_child_t *self);

/*  After a stop: the signal, when it is one of the terminal's and there is a terminal whose shell
 * can continue what is stopped; else 0. */
int tool_child_stop_signal (const tool_child_t *self);
/*  After the end: its exit code, 128+signal. */
int tool_child_code (const tool_child_t *self);

/*  Ask the whole group to end, and adopt its orphans, to see when all of them have ended. In many
 *  containers the init process does not reap orphans. */
void tool_child_end_group (const tool_child_t *self);

/*  After the end: nothing of its group is left. */
bool tool_child_group_gone (const tool_child_t *self);

/*  The command was in the foreground and a SIGINT ended it: the user pressed ^C. */
bool tool_child_interrupted (const tool_child_t *self);

/*  Take the terminal back; and, after a stop, go on: with the terminal if it is ours to give. */
void tool_child_background (tool_child_t *self);
void tool_child_continue (tool_child_t *self);

#endif
