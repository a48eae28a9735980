/*  tool_tree.h - all processes below this one, found in /proc, and signals to them.
 *
 *  This process must be a subreaper: then orphans come to it, and nobody leaves its tree by a
 *  double fork or a session of his own. A process is named twice, by its id and by its start, so
 *  that a signal never reaches another one that got the same id.
 */
#ifndef TOOL_TREE_H_INCLUDED
#define TOOL_TREE_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct tool_tree tool_tree_t;

/*  What is below this process already is not of the tree, and never becomes so: `sh -c 'helper &
 *  exec holdfast run ...'` has such a child. What it starts later is of the tree only when its
 * parent has ended: it cannot be told from an orphan of the command then. */
tool_tree_t *tool_tree_new (void);
void tool_tree_destroy (tool_tree_t **self_p);

/*  SIGNAL to each process of the tree, once. COMMAND gets it in any case, also without /proc. */
void tool_tree_signal (tool_tree_t *self, pid_t command, int signal);

/*  SIGKILL to all. They are stopped first: what is stopped does not fork. To be repeated until
 *  nobody is left. */
void tool_tree_kill (tool_tree_t *self, pid_t command);

/*  Whether all that are left, as of the last signal, belong to another user. */
bool tool_tree_hopeless (const tool_tree_t *self);

/*  The processes that could not be signalled, as "12 (sudo), 13 (su)"; "" when there are none.
 *  Until the next call. */
const char *tool_tree_refused (tool_tree_t *self);

/*  Say which processes could not be ended. */
void tool_tree_tell (tool_tree_t *self);

/*  Reap every child that has ended, but ask about COMMAND (0: none), whose status is put into
 *  *STATUS: true. *NOBODY: no process of the tree is left. */
bool tool_tree_reap (tool_tree_t *self, pid_t command, int *status, bool *nobody);

#endif
