//  Breadth first, so that the way to the first mistake is the shortest. Of a state that was
//  continued its hash and the move that led to it are kept; a way is found again by its moves.

#include "explore.h"
#include "judge.h"
#include "moves.h"
#include "papers.h"
#include "symmetry.h"
#include "base/hf_array.h"
#include <assert.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

typedef struct step {
    uint32_t from;
    move_t move;
} step_t;

typedef struct search {
    const world_t *first;
    const bounds_t *bounds;
    HF_ARRAY (world_t) level;
    HF_ARRAY (world_t) next;
    HF_ARRAY (step_t) steps; //  by number; the first is that of FIRST
    uint64_t *seen;          //  hashes, open addressing; 0: free
    size_t room;
    explored_t is;
} search_t;

//  ---- assertions of the core are findings ------------------------------------------------------

static const char s_assertion[] = "an assertion of the core fails";
static sigjmp_buf s_aborted;
static volatile sig_atomic_t s_armed;

static void
s_on_abort (int signal_number)
{
    (void)signal_number;
    if (s_armed)
        siglongjmp (s_aborted, 1);
}

/*  As moves_make; *sound: no assertion failed. */
static bool
s_make (world_t *world, const bounds_t *bounds, const move_t *move, bool *sound)
{
    *sound = false;
    if (sigsetjmp (s_aborted, 0) != 0) {
        s_armed = 0;
        return true;
    }
    s_armed = 1;
    bool counts = moves_make (world, bounds, *move);
    s_armed = 0;
    *sound = true;
    return counts;
}

/*  As moves_make and judge. *wrong: what is wrong. */
static bool
s_try (world_t *world, const bounds_t *bounds, move_t move, const char **wrong)
{
    node_t before = world->nodes[move.who];
    bool sound, counts = s_make (world, bounds, &move, &sound);
    *wrong = !sound ? s_assertion : counts ? judge (world, &before, move.who) : NULL;
    return counts;
}

//  ---- which states were seen
//  ----------------------------------------------------------------------

static bool
s_put (uint64_t *seen, size_t room, uint64_t hash)
{
    size_t at = hash & (room - 1);
    while (seen[at] != 0) {
        if (seen[at] == hash)
            return false;
        at = (at + 1) & (room - 1);
    }
    seen[at] = hash;
    return true;
}

static void
s_grow (search_t *search)
{
    size_t room = 2 * search->room;
    uint64_t *seen = hf_alloc (room * sizeof *seen);
    for (size_t i = 0; i < search->room; i++) {
        if (search->seen[i] != 0)
            s_put (seen, room, search->seen[i]);
    }
    free (search->seen);
    search->seen = seen;
    search->room = room;
}

static size_t
s_rosters (const world_t *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->sure_count; i++) {
        uint8_t what = world->sure[i].what;
        count += what > 0 && !papers_roster (what)->joint;
    }
    return count;
}

static void
s_see (search_t *search, const world_t *world, uint32_t from, move_t move)
{
    uint64_t hash = symmetry_hash (world, search->bounds->same);
    if (!s_put (search->seen, search->room, hash != 0 ? hash : 1))
        return;
    size_t rosters = s_rosters (world);
    search->is.rosters = rosters > search->is.rosters ? rosters : search->is.rosters;
    *hf_array_add (&search->next) = *world;
    *hf_array_add (&search->steps) = (step_t){from, move};
    if (search->steps.count * 2 > search->room)
        s_grow (search);
}

//  ---- the way to a state
//  -----------------------------------------------------------------------------

static void
s_print_way (const search_t *search, uint32_t from, move_t last)
{
    HF_ARRAY (move_t) way = {0};
    *hf_array_add (&way) = last;
    for (uint32_t at = from; at > 0; at = search->steps.list[at].from)
        *hf_array_add (&way) = search->steps.list[at].move;
    world_t world = *search->first;
    char text[512];
    for (size_t i = 0; i < NODES; i++) {
        if (world.nodes[i].disk == 0)
            continue;
        world_text (&world, i, text, sizeof text);
        printf ("        at first: %s\n", text);
    }
    for (size_t i = way.count; i > 0; i--) {
        move_t move = way.list[i - 1];
        const char *wrong;
        moves_text (&world, search->bounds, move, text, sizeof text);
        printf ("    %2zu  %s", way.count - i + 1, text);
        bool sound = s_try (&world, search->bounds, move, &wrong) && wrong != s_assertion;
        world_text (&world, move.who, text, sizeof text);
        printf ("%s%s\n", sound ? ": " : "", sound ? text : "");
        world_canonical (&world, search->bounds);
    }
    hf_array_free (&way);
}

//  ---- the search
//  ---------------------------------------------------------------------------------------

static void
s_continue (search_t *search, const world_t *world, uint32_t number)
{
    moves_t moves;
    moves.cut = 0;
    moves_find (world, search->bounds, &moves);
    search->is.cut += moves.cut;
    for (size_t i = 0; i < moves.count && search->is.wrong == NULL; i++) {
        world_t next = *world;
        bool counts = s_try (&next, search->bounds, moves.list[i], &search->is.wrong);
        search->is.moves++;
        if (search->is.wrong != NULL) {
            printf ("  %s, after %zu moves:\n", search->is.wrong, search->is.depth + 1);
            s_print_way (search, number, moves.list[i]);
        } else if (counts) {
            world_canonical (&next, search->bounds);
            s_see (search, &next, number, moves.list[i]);
        }
    }
}

static void
s_search (search_t *search, size_t most)
{
    uint32_t number = 0;
    while (search->next.count > 0 && search->is.wrong == NULL && search->steps.count < most) {
        HF_ARRAY (world_t) done = {search->level.list, 0, search->level.room};
        memcpy (&search->level, &search->next, sizeof done);
        memcpy (&search->next, &done, sizeof done);
        for (size_t i = 0; i < search->level.count && search->is.wrong == NULL; i++)
            s_continue (search, &search->level.list[i], number++);
        search->is.depth += search->next.count > 0;
    }
    search->is.whole = search->next.count == 0 && search->is.wrong == NULL;
}

explored_t
explore (const world_t *first, const bounds_t *bounds, size_t most)
{
    search_t search = {.first = first, .bounds = bounds, .room = 1U << 16};
    struct sigaction action = {.sa_handler = s_on_abort, .sa_flags = SA_NODEFER}, before;
    struct timespec start, end;
    assert (most < UINT32_MAX);
    sigaction (SIGABRT, &action, &before);
    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &start);
    search.seen = hf_alloc (search.room * sizeof *search.seen);
    s_see (&search, first, 0, (move_t){.kind = 0});
    s_search (&search, most);
    clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &end);
    sigaction (SIGABRT, &before, NULL);
    search.is.states = search.steps.count;
    search.is.seconds =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    free (search.seen);
    hf_array_free (&search.level);
    hf_array_free (&search.next);
    hf_array_free (&search.steps);
    return search.is;
}
