/*  tool_child.h - start the command that runs under a lock: in the process group of its parent, as
 *  flock(1) does, so that the terminal and the shell see one job. */
#ifndef TOOL_CHILD_H_INCLUDED
#define TOOL_CHILD_H_INCLUDED

#include "client/tool/tool_signals.h"
#include <stdbool.h>
#include <stdint.h>

/*  Execute ARGV, with signals as they were before SIGNALS. It is killed when this process ends
 *  (unless it becomes another user). 0 and *PID, or the errno; ETIME: *DEADLINE_MS of tool_now_ms
 *  had passed. */
int tool_child_start (char **argv, const tool_signals_t *signals,
                      const _Atomic uint64_t *deadline_ms, pid_t *pid);

/*  Whether NAME, found as execvp does, is a setuid program of another user: it may become a process
 *  that we cannot signal. */
bool tool_child_foreign (const char *name);

#endif
