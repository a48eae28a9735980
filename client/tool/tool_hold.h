/*  tool_hold.h - one session that takes a lock or a set, watched together with signals. */
#ifndef TOOL_HOLD_H_INCLUDED
#define TOOL_HOLD_H_INCLUDED

#include "client/tool/tool.h"
#include "client/tool/tool_signals.h"
#include "client/tool/tool_wants.h"

typedef struct tool_hold tool_hold_t;

/*  Open a client and a session, and wait for what WANTS say, as OPTIONS say. A session that is
 * lost while it waits is replaced, at the end of the queue. TOOL_HELD: *self_p is the caller's.
 * Otherwise the exit code of the process (-E makes it any, 0 too), after a line on stderr if need
 * be, and NULL; a signal gives the place in the queue up, and 128+signal. SHOW: report the position
 * in the queue on stderr. */
#define TOOL_HELD (-1)
int tool_hold_take (tool_hold_t **self_p, const tool_options_t *options, const tool_wants_t *wants,
                    tool_signals_t *signals, bool show);

/*  End the session, if it is still there, and free. */
void tool_hold_destroy (tool_hold_t **self_p);

/*  Free, and leave the session with the lock to its time to live. */
void tool_hold_leave (tool_hold_t **self_p);

hf_session_t *tool_hold_session (const tool_hold_t *self);
hf_grant_t tool_hold_grant (const tool_hold_t *self);

/*  Readable when something happened: ask tool_hold_lost then. */
int tool_hold_fd (const tool_hold_t *self);
bool tool_hold_lost (tool_hold_t *self);

/*  Release the lock, or drop its section, and wait for the answer: TOOL_OK, or the exit code
 *  after a line on stderr. SIGINT or SIGTERM end the wait. */
int tool_hold_release (tool_hold_t *self, bool cancel);

#endif
