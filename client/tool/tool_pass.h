/*  tool_pass.h - which signals of the tool the guard passes on to the command of `holdfast run`.
 *
 *  A signal to the tool alone is passed on. One to the whole process group reaches the command by
 *  itself: a second one would be harmful, since many programs abort on it. The guard is in the
 *  group and serves as the witness: it had the same signal from the same sender. Some managers
 *  signal one process after the other, so the guard's own copy may come a little later than the
 *  tool's: the decision waits for it.
 *
 *  A command that has left the group (setsid) did not get what the group got. So everything is
 *  passed on to it; from a manager that finds it by other means it gets the signal twice.
 *
 *  What was sent to tool and guard but not to a command in their group looks the same as a signal
 *  to all, and is not passed on.
 *
 *  Pure: signals and the time come in, signals to be passed on come out.
 */
#ifndef TOOL_PASS_H_INCLUDED
#define TOOL_PASS_H_INCLUDED

#include "base/hf_array.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct tool_held {
    int signal;
    pid_t from;
    uint64_t at_ms;
} tool_held_t;

/*  All zero at first. */
typedef struct tool_pass {
    struct {
        pid_t from; //  0: not seen
        uint64_t at_ms;
    } seen[NSIG];
    HF_ARRAY (tool_held_t) held; //  in the order in which the tool had them
} tool_pass_t;

/*  The guard itself had SIGNAL from FROM. */
void tool_pass_seen (tool_pass_t *self, int signal, pid_t from, uint64_t now_ms);

/*  The tool had SIGNAL from FROM, and asks to pass it on. */
void tool_pass_hold (tool_pass_t *self, int signal, pid_t from, uint64_t now_ms);

/*  When to ask tool_pass_next; UINT64_MAX: never. */
uint64_t tool_pass_due_ms (const tool_pass_t *self);

/*  The next signal that is to be passed on, 0: none now. First tell all that the guard had. INSIDE:
 *  the command is in the guard's process group. */
int tool_pass_next (tool_pass_t *self, bool inside, uint64_t now_ms);

#endif
