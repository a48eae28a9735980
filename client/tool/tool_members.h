/*  tool_members.h - a change of the members that the tool asked for, and waiting until it has come
 *  to its end.
 */
#ifndef TOOL_MEMBERS_H_INCLUDED
#define TOOL_MEMBERS_H_INCLUDED

#include "client/tool/tool.h"

//  What a change is to lead to.
typedef enum tool_members_end {
    TOOL_MEMBER_VOTES,  //  the member votes
    TOOL_MEMBER_NEW,    //  and the disk that is at its new place counts
    TOOL_MEMBER_THERE,  //  it has all that was committed before
    TOOL_MEMBER_GONE,   //  it is none any more
    TOOL_MEMBER_NOTHING //  the change itself is all
} tool_members_end_t;

typedef struct tool_members {
    const tool_options_t *options;
    hf_client_t *client;
    hf_member_change_t change;
    tool_members_end_t end;
    uint64_t index; //  of the change
} tool_members_t;

/*  Ask for the change until it is decided; the id stays the same. One that is under way is waited
 *  for, for a while. Gives the exit code, after a line that says FAILED and why. */
int tool_members_ask (tool_members_t *self, const char *failed);

/*  A member, as the leader knows it. */
typedef struct tool_member {
    uint32_t id; //  which is looked for
    bool found;  //  it is one, and:
    bool votes, joins, leaves;
    uint64_t incarnation;
    char place[300]; //  host:client-port:node-port
    uint64_t roster; //  index of the roster that says it
} tool_member_t;
hf_status_t tool_member_find (hf_client_t *client, uint32_t id, uint32_t limit_ms,
                              tool_member_t *member);

/*  The change is committed. Wait until it has come to its end, and say on standard error how far it
 *  is. Gives the exit code. */
int tool_members_wait (tool_members_t *self);

#endif
