/*  tool_events.h - what happens to locks or files, as it comes: a watch for the commands' own
 *  thread. */
#ifndef TOOL_EVENTS_H_INCLUDED
#define TOOL_EVENTS_H_INCLUDED

#include "client/tool/tool.h"

typedef struct tool_events tool_events_t;

typedef struct tool_event {
    struct tool_event *next;
    uint64_t time_ms;       //  since 1970: when it was told
    hf_watch_event_t event; //  its strings are the event's own
} tool_event_t;

/*  Watch what begins with PREFIX, or EXACT: is named so. PACED: when many are not taken yet the
 *  client waits; it must not be asked for anything else then. NULL with a line on stderr, and
 *  *code. */
tool_events_t *tool_events_open (hf_client_t *client, const tool_options_t *options,
                                 const hf_watch_options_t *watch, bool exact, bool paced,
                                 int *code);
void tool_events_close (tool_events_t **self_p);

/*  The next event, to be freed; NULL when none comes within LIMIT_MS. */
tool_event_t *tool_events_next (tool_events_t *self, uint32_t limit_ms);

/*  "2026-11-29 14:50:02.123", local time; or as ISO 8601 has it, in UTC. */
#define TOOL_TIME_SIZE 40
void tool_time_text (uint64_t time_ms, bool iso, char text[TOOL_TIME_SIZE]);

/*  OBJECT and a newline, on one line, flushed; takes it over. */
int tool_print_line (json_t *object);

/*  Call LIST at once and whenever something happens to what begins with PREFIX, or is named so, but
 *  no more often than five times a second; until it gives another code than 0 and TOOL_REFUSED,
 *  which is given back. */
int tool_repeat (tool_options_t *options, hf_client_t *client, const char *prefix, bool exact,
                 int (*list) (tool_options_t *options, hf_client_t *client));

#endif
