/*  Small systems of real cores, explored state by state to the end: changes of the members, and
 *  the forming of a cluster. In every state one leader a term (P1), log matching (P2), leader
 *  completeness (P3), one entry at a committed index and one first roster for ever (P4, P7), and
 *  hf_core_check. Planted mistakes are found, and the shortest way to each is told in words.
 *
 *      test_joint_model                 the tests
 *      test_joint_model long            the scenarios that take minutes as well
 *      test_joint_model NAME [MUTANT]   one scenario
 *
 *  A state is three or four nodes, each with its log, term, vote and what its core remembers, what
 *  is on its way between them, and what history has shown (world.h). A move takes one node to the
 *  stage (stage.h), where the product's own core takes a real event or message; what it persists
 * and says makes the next state. No rule of the product is written here. The moves (moves.h): a
 * node stands for election, is asked for its vote, wins; gets entries, any beginning of a leader's
 * log, with or without news of the commit index; a leader hears acks and commits, has a heartbeat
 * (and admits a disk or closes a joint roster), is asked for a change; entries that a leader sent
 * before its own disk had them become durable; a node crashes and starts from its disk; a node
 * loses its disk and starts with an empty one. A message may be lost, late or repeated: whatever
 * was sent may arrive or not, in any order. The bounds are those of the scenario: terms, crashes,
 * disks, changes.
 *
 *  What is left out, and why nothing is lost by it:
 *    - Time. A node may stand whenever hf_core_may_stand allows it: timeouts, pre-votes and
 *      transfers of the lead only make that rarer. Who forms a cluster needs the pre-votes of all;
 *      those of the nodes that run at that moment are real messages, too. All links are up and
 * everybody was just heard, so check-quorum never ends a lead that the bounds could do without; a
 * leader that falls silent is one that does not move. An operator's removal is forced: those that
 * stay need not have caught up.
 *    - Heartbeats' points, NEED and offers: every beginning of the log that they may bring about
 *      arrives in one message from the log's start. Log matching is checked instead of assumed.
 *    - Proposals: the entry that opens a term is as good as any other.
 *    - Pruned logs and whole states on their way; rosters of level 0; barriers. NOT covered here.
 *    - What a leader has heard: acks stay on their way and arrive again for each move that needs
 *      them, all that were sent together. A commit at a lower index came earlier. So do votes.
 *    - Late messages. What a node does in a term follows from messages of this term and lower ones.
 *      So a message that arrives late arrives as well before its sender enters a later term, and
 *      only until then it is on its way here. A node with a new disk begins in term 0 again, so
 * this is not so where a disk is lost: there (keeps_all) everything stays on its way for good. Not
 *      the request of a candidate whose disk is lost: a vote for it only takes the vote away.
 *    - What nothing can depend on any more (world_canonical): votes and leaders of terms that are
 *      over, a follower's commit index beyond the last roster that it tells to be committed.
 *    - Names: states that differ in them alone are one, for nodes that the scenario treats alike
 *      (symmetry.h).
 *
 *  With bounds.in_order there are fewer states still: all that happens in a term happens before the
 *  next term begins. Sort the events of any run by the term of their node: each node goes through
 *  the same steps, since none depends on a message of a higher term; what was committed, who led
 * and what the logs are is the same. A leader of an older term that goes on is so a leader that
 * goes on before the younger one is elected, and leader completeness is demanded of the younger
 * one. An election is one move, with no more votes than it takes: a vote more, one for a candidate
 * that loses, or standing in vain only takes something away from whoever votes or stands. "remove",
 *  "wipe" and "form" do without all this: there every message is a move of its own, and all orders
 *  are explored. In "twin" the lost disk of node 2 goes on beside the new one, as another server
 * with the same id. That is more than can happen, and no message is too late for it.
 *
 *  A state that was seen is known by a hash of 64 bits: with a million of states the odds that two
 *  share one are below 1 in 10 million. */
#include "explore.h"
#include "papers.h"
#include "scenarios.h"
#include "stage.h"
#include "symmetry.h"
#include "tests/kit/hf_test.h"
#include <sys/wait.h>
#include <unistd.h>

int hf_mutant = HF_MUTANT_none;

#define MOST 30000000 //  states; more would need too much memory

typedef struct mistake {
    int mutant;
    const char *name, *scenario;
} mistake_t;

#define MISTAKE(name, scenario)                                                                    \
    {                                                                                              \
        HF_MUTANT_##name, #name, scenario                                                          \
    }

static const mistake_t s_mistakes[] = {
    MISTAKE (admitted_at_once, "wipe"),
    MISTAKE (admitted_at_once, "twin"),
    MISTAKE (old_majority_alone, "wipe"),
    MISTAKE (votes_by_new, "wipe"),
    MISTAKE (closed_early, "wipe"),
    MISTAKE (two_changes, "wipe"),
    MISTAKE (unknown_votes, "wipe"),
    MISTAKE (roster_at_commit, "two"),
    MISTAKE (truncated_roster_kept, "twin-long"),
    MISTAKE (formed_by_majority, "form"),
    MISTAKE (vote_names_id_only, "form"),
    MISTAKE (joins_alone, "form"),
    MISTAKE (vote_twice, "remove"),
    MISTAKE (vote_forgotten, "remove"),
    MISTAKE (vote_for_older, "remove"),
    MISTAKE (count_before_durable, "remove"),
    MISTAKE (unknown_counts, "wipe"),
};

static explored_t
s_explore (const scenario_t *scenario)
{
    papers_reset ();
    symmetry_reset ();
    stage_open (scenario->bounds.joiners);
    world_t first = scenario_first (scenario);
    explored_t is = explore (&first, &scenario->bounds, MOST);
    stage_close ();
    papers_close ();
    printf ("  %s (%s; up to term %u): %zu states, %zu moves, depth %zu, %.1f s%s: %s\n",
            scenario->name, scenario->what, scenario->bounds.terms, is.states, is.moves, is.depth,
            is.seconds, is.cut > 0 ? ", logs cut" : "",
            is.wrong != NULL ? is.wrong
            : is.whole       ? "no violation"
                             : "not to the end");
    fflush (stdout);
    return is;
}

static bool
s_holds (const scenario_t *scenario)
{
    explored_t is = s_explore (scenario);
    return is.whole && is.wrong == NULL && is.cut == 0 && is.rosters >= scenario->rosters;
}

HF_TEST (no_state_breaks_a_promise)
{
    for (size_t i = 0; i < scenarios_count; i++) {
        if (!scenarios[i].longer)
            assert_true (s_holds (&scenarios[i]));
    }
}

/*  In a child: what an assertion interrupts is not cleaned up. */
static bool
s_finds (const mistake_t *mistake)
{
    int status;
    fflush (stdout);
    pid_t pid = fork ();
    if (pid == 0) {
        hf_mutant = mistake->mutant;
        bool found = s_explore (scenario_named (mistake->scenario)).wrong != NULL;
        fflush (stdout);
        _exit (found ? 0 : 1);
    }
    assert_int_equal (waitpid (pid, &status, 0), pid);
    return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

HF_TEST (each_planted_mistake_is_found)
{
    for (size_t i = 0; i < sizeof s_mistakes / sizeof *s_mistakes; i++) {
        printf ("%s:\n", s_mistakes[i].name);
        assert_true (s_finds (&s_mistakes[i]));
    }
}

//  ---- by hand
//  -------------------------------------------------------------------------------------

static int
s_named_mutant (const char *name)
{
    static const char *names[] = {
#define NAME(name, promise, text) #name,
        "none", HF_MUTANT_TABLE (NAME)
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp (names[i], name) == 0)
            return (int)i;
    }
    return HF_MUTANT_none;
}

int
main (int argc, char **argv)
{
    if (argc == 1)
        return hf_test_run (NULL, NULL);
    if (argc > 2)
        hf_mutant = s_named_mutant (argv[2]);
    bool holds = true, all = strcmp (argv[1], "long") == 0;
    for (size_t i = 0; i < scenarios_count; i++) {
        if (all || strcmp (argv[1], scenarios[i].name) == 0)
            holds = s_holds (&scenarios[i]) && holds;
    }
    return holds ? 0 : 1;
}
