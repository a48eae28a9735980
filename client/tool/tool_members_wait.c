//  Waiting until a change of the members has come to its end, and saying how far it is.

#include "client/tool/tool_members.h"
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define LOOK_MS  200  //  between two looks
#define ASK_MS   1000 //  for the facts of a node
#define COUNT_MS 2000 //  between two lines that differ in numbers alone

/*  What is said: a line when WHAT is another, or the numbers in it are and some time has passed. */
typedef struct saying {
    char what[64], line[400];
    uint64_t said_ms;
    bool answered; //  the node has been there
} saying_t;

static void
s_say (saying_t *self, uint32_t node, const char *what, const char *more)
{
    char line[sizeof self->line];
    snprintf (line, sizeof line, "holdfast: node %" PRIu32 " %s%s\n", node, what, more);
    bool other = strcmp (self->what, what) != 0;
    if (!other && (strcmp (self->line, line) == 0 || tool_now_ms () < self->said_ms + COUNT_MS))
        return;
    snprintf (self->what, sizeof self->what, "%s", what);
    snprintf (self->line, sizeof self->line, "%s", line);
    self->said_ms = tool_now_ms ();
    tool_line (line);
}

/*  What a node says of itself. */
typedef struct facts {
    bool there;
    uint64_t applied, incarnation;
    char endpoint[300];   //  where clients reach it
    char not_counted[64]; //  ids, as "1,3"
} facts_t;

static void
s_on_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    facts_t *self = arg;
    if (!text && strcmp (key, "applied_index") == 0)
        self->applied = number;
    if (!text && strcmp (key, "incarnation") == 0)
        self->incarnation = number;
    if (text && strcmp (key, "endpoint") == 0)
        snprintf (self->endpoint, sizeof self->endpoint, "%s", text);
    if (text && strcmp (key, "not_counted") == 0)
        snprintf (self->not_counted, sizeof self->not_counted, "%s", text);
}

static facts_t
s_facts (const tool_members_t *self, uint32_t node)
{
    facts_t facts = {.there = false};
    facts.there = hf_query_status (self->client, node, s_on_fact, &facts, ASK_MS) == HF_OK;
    return facts;
}

static facts_t
s_leader (const tool_members_t *self)
{
    hf_leader_info_t leader = {.id = 0};
    if (hf_query_leader (self->client, &leader, ASK_MS) != HF_OK)
        return (facts_t){.there = false};
    return s_facts (self, leader.id);
}

static bool
s_counted (const facts_t *leader, uint32_t node)
{
    char ids[sizeof leader->not_counted + 2], id[16];
    snprintf (ids, sizeof ids, ",%s,", leader->not_counted);
    snprintf (id, sizeof id, ",%" PRIu32 ",", node);
    return leader->there && !strstr (ids, id);
}

/*  Whether FACTS are those of the node at the place that the change names. One may still be at the
 *  old place; and the new one may have come there before it was told to: then its disk was on
 * record already. */
static bool
s_is_there (const tool_members_t *self, const facts_t *facts)
{
    char place[sizeof facts->endpoint];
    snprintf (place, sizeof place, "%s:%u", self->change.host, self->change.client_port);
    return strcmp (facts->endpoint, place) == 0;
}

/*  It does not vote, and is not to. */
static bool
s_learns (const tool_member_t *member)
{
    return member->found && !member->votes && !member->joins && !member->leaves;
}

/*  What was asked for cannot come: the exit code; otherwise -1. A node that is behind may answer,
 * and not know the change yet. */
static int
s_contradiction (const tool_members_t *self, const tool_member_t *member)
{
    bool added = self->change.op == HF_MEMBER_ADD;
    if (member->roster < self->index)
        return -1;
    if (!member->found && self->end != TOOL_MEMBER_GONE)
        return tool_error (TOOL_REFUSED, "node %" PRIu32 " was removed meanwhile", member->id);
    if (added && !self->change.learns && s_learns (member))
        return tool_error (TOOL_REFUSED,
                           "node %" PRIu32 " is a learner already; to let it vote: "
                           "holdfast members promote %" PRIu32,
                           member->id, member->id);
    if (added && self->change.learns && member->votes)
        return tool_error (TOOL_REFUSED,
                           "node %" PRIu32 " votes already; to make it a learner, remove it, and "
                           "add it again when it has ended",
                           member->id);
    return -1;
}

static bool
s_at_end (const tool_members_t *self, const tool_member_t *member, const facts_t *facts)
{
    bool has_it = facts->there && facts->applied >= self->index;
    switch (self->end) {
    case TOOL_MEMBER_VOTES:
        return member->votes;
    case TOOL_MEMBER_NEW: {
        if (s_learns (member)) //  no roster names its disk
            return has_it && s_is_there (self, facts);
        facts_t leader = s_leader (self);
        return member->votes && has_it && s_is_there (self, facts) &&
               facts->incarnation == member->incarnation && s_counted (&leader, member->id);
    }
    case TOOL_MEMBER_THERE:
        return has_it;
    case TOOL_MEMBER_GONE:
        return !member->found;
    case TOOL_MEMBER_NOTHING:
        break;
    }
    return true;
}

/*  What the node does, in words. */
static void
s_progress (const tool_members_t *self, const tool_member_t *member, const facts_t *facts,
            saying_t *saying)
{
    char more[160] = "";
    saying->answered = saying->answered || facts->there;
    if (self->end == TOOL_MEMBER_GONE) {
        s_say (saying, member->id, "leaves", "");
    } else if (!facts->there && saying->answered) {
        s_say (saying, member->id, "does not answer now:",
               " it starts again with the state, or has ended; its log says it");
    } else if (!facts->there) {
        bool moves = self->end == TOOL_MEMBER_THERE && !self->change.learns;
        s_say (saying, member->id, "is a member, and does not answer yet:",
               moves ? " start it at its new place"
                     : " start it with holdfastd --id, --join and --data");
    } else if (facts->applied == 0) {
        s_say (saying, member->id, "gets the state", "");
    } else {
        facts_t leader = s_leader (self);
        if (leader.applied >= facts->applied)
            snprintf (more, sizeof more, ": %" PRIu64 " entries of %" PRIu64, facts->applied,
                      leader.applied);
        s_say (saying, member->id, "catches up", more);
    }
}

static int
s_done (const tool_members_t *self, const tool_member_t *member)
{
    static const char *const what[] = {[TOOL_MEMBER_VOTES] = "votes",
                                       [TOOL_MEMBER_NEW] = "is replaced, and votes",
                                       [TOOL_MEMBER_THERE] = "has caught up",
                                       [TOOL_MEMBER_GONE] = "is no member"};
    saying_t saying = {.said_ms = 0};
    tool_members_end_t end =
        self->end != TOOL_MEMBER_GONE && s_learns (member) ? TOOL_MEMBER_THERE : self->end;
    if (end != TOOL_MEMBER_NOTHING)
        s_say (&saying, member->id, what[end], "");
    return TOOL_OK;
}

int
tool_members_wait (tool_members_t *self)
{
    const struct timespec wait = {.tv_nsec = LOOK_MS * 1000000L};
    uint32_t node = self->change.node;
    saying_t saying = {.said_ms = 0};
    tool_member_t member = {.id = node};
    while (self->end != TOOL_MEMBER_NOTHING) {
        facts_t facts = {.there = false};
        hf_status_t status =
            tool_member_find (self->client, node, self->options->timeout_ms, &member);
        if (status != HF_OK)
            return tool_fail (status, NULL,
                              "the change is made, but it is not known how far node %" PRIu32 " is",
                              node);
        int code = s_contradiction (self, &member);
        if (code >= 0)
            return code;
        if (self->end != TOOL_MEMBER_GONE)
            facts = s_facts (self, node);
        if (s_at_end (self, &member, &facts))
            break;
        s_progress (self, &member, &facts, &saying);
        nanosleep (&wait, NULL);
    }
    return s_done (self, &member);
}
