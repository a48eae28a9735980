/*  tool_wants.h - what `run` and `acquire` ask for: one lock, or a set of them. */
#ifndef TOOL_WANTS_H_INCLUDED
#define TOOL_WANTS_H_INCLUDED

#include "client/tool/tool.h"

typedef struct tool_wants {
    hf_want_t list[TOOL_NAMES_MAX]; //  the names are the caller's
    size_t count;
    char title[600]; //  for messages: the first name, and how many more
} tool_wants_t;

/*  From COUNT NAMES, at least one, and the mode that the options say. -1, or the exit code after
 *  a line about what cannot be asked for. */
int tool_wants_read (tool_wants_t *self, const tool_options_t *options, char **names, size_t count);

/*  Exclusively, one lock. */
void tool_wants_one (tool_wants_t *self, const char *name);

/*  The session that the environment names as the outer one, of a `holdfast run` or `acquire` that
 *  this process was started under; 0: none, or one of another cluster. */
uint64_t tool_wants_outer (const tool_options_t *options);

#endif
