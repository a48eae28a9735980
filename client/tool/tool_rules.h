/*  tool_rules.h - when the processes under a lock are ended: the decisions of `holdfast run`.
 *
 *  Two processes watch the tree of a command: the guard, which is its parent, and the tool, which
 *  keeps the lease. Each has rules of its own. Before the lease's DEADLINE everything is dead:
 *
 *      ... runs ...  | ask | SIGTERM ........ | SIGKILL | deadline
 *                     reserve     grace         reserve
 *
 *  ASK: the guard asks the tool for the present deadline, which it need not know otherwise. From
 *  then on the tool looks again and again, until the lease is renewed or the tree is ended.
 *  A deadline of 0 says that the lock is lost: others may have it, so there is no grace.
 *
 *  The tool steps in only when the guard did not do its work: RESERVE / 2 later, or when it died.
 *
 *  Pure: events and the time come in, things to do come out.
 */
#ifndef TOOL_RULES_H_INCLUDED
#define TOOL_RULES_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

typedef enum tool_event {
    TOOL_EVENT_TIME,    //  nothing but the time, or a new deadline
    TOOL_EVENT_ASKED,   //  of the tool: the guard asks
    TOOL_EVENT_ALONE,   //  the other of the two has died
    TOOL_EVENT_ENDED,   //  the command has ended
    TOOL_EVENT_NOBODY,  //  no process of the tree is left
    TOOL_EVENT_HOPELESS //  those that are left cannot be signalled
} tool_event_t;

//  What is to be done, in this order.
enum {
    TOOL_DO_ASK = 1,
    TOOL_DO_TERM = 2, //  SIGTERM to all
    TOOL_DO_KILL = 4, //  SIGKILL to all
    TOOL_DO_TELL = 8, //  say which processes go on
    TOOL_DO_END = 16  //  the work is done
};

typedef enum tool_phase {
    TOOL_PHASE_RUNS,
    TOOL_PHASE_ENDS, //  SIGTERM was sent
    TOOL_PHASE_KILLED,
    TOOL_PHASE_OVER
} tool_phase_t;

typedef struct tool_rules {
    bool guard;
    uint64_t grace_ms;
    uint64_t reserve_ms;
    tool_phase_t phase;
    uint64_t deadline_ms;
    uint64_t asked_ms; //  the deadline for which was asked
    uint64_t look_ms;  //  of the tool: the next look, while it is asked
    uint64_t lost_ms;  //  of the tool: when it first saw the loss
    uint64_t kill_ms;  //  SIGKILL for the first time, or once more
    uint64_t tell_ms;
} tool_rules_t;

//  Of the TTL: the longest grace (the lease must be renewed every third), and the usual one.
#define TOOL_GRACE_MOST(ttl_ms) ((ttl_ms) / 3)
#define TOOL_GRACE(ttl_ms)      ((ttl_ms) / 5 < 5000 ? (ttl_ms) / 5 : 5000)

void tool_rules_init (tool_rules_t *self, bool guard, uint32_t ttl_ms, uint32_t grace_ms);

/*  EVENT at NOW_MS, with the lease's present DEADLINE_MS: TOOL_DO_... */
unsigned tool_rules_step (tool_rules_t *self, tool_event_t event, uint64_t now_ms,
                          uint64_t deadline_ms);

/*  When TOOL_EVENT_TIME is due, and of the tool a look at the lease before it; UINT64_MAX: never.
 */
uint64_t tool_rules_due_ms (const tool_rules_t *self);

/*  Whether the command may begin now. */
bool tool_rules_may_start (uint64_t now_ms, uint64_t deadline_ms);

#endif
