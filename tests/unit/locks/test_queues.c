/*  Every sequence of a few operations of three sessions on two locks, in all modes: after each, the
 *  state is as the model says, and nothing that could be granted waits (P5a, P8).
 *
 *  What an operation does depends on claims, their modes and their order alone, and not on the
 * names of sessions and locks. So of all sequences that lead to the same of these, however named,
 * one is continued, from rows and a copy of the model. `test_state_queues DEPTH` goes further, with
 *  all claims. */
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/play.h"
#include "tests/unit/locks/table.h"
#include "base/hf_hash.h"
#include "base/hf_table.h"

enum { SESSIONS = 3, DEPTH_MAX = 8 };

static size_t s_depth; //  0: of each test its own

//  ---- the operations of a session -------------------------------------------------------

//  What a claim asks for at one lock: EXCLUSIVE, SHARED, or units of two.
static const hf_place_t s_kinds[] = {{.mode = HF_MODE_EXCLUSIVE},
                                     {.mode = HF_MODE_SHARED, .units = 1},
                                     {.mode = HF_MODE_SHARED, .units = 1, .limit = 2},
                                     {.mode = HF_MODE_SHARED, .units = 2, .limit = 2}};

enum {
    KINDS = sizeof s_kinds / sizeof *s_kinds,
    SET_KINDS = KINDS - 1,
    SINGLES = 2 * KINDS,
    CLAIMS = SINGLES + 2 * SET_KINDS * SET_KINDS, //  sets in both orders
    RELEASE_A = CLAIMS,
    RELEASE_B,
    ABANDON_A,
    ABANDON_B,
    CLOSE,
    EXPIRE,
    OPS
};

/*  EXCLUSIVE and SHARED alone, and sets of them that are not all SHARED. */
static bool
s_narrow (unsigned op)
{
    unsigned kind = op < SINGLES ? op / 2 : (op - SINGLES) / 2;
    return op >= CLAIMS || (op < SINGLES ? kind < 2 : kind % SET_KINDS + kind / SET_KINDS < 2);
}

static void
s_put_claim (feed_t *feed, unsigned op)
{
    hf_place_t places[2];
    size_t count = op < SINGLES ? 1 : 2, first = op % 2;
    unsigned kind = op < SINGLES ? op / 2 : (op - SINGLES) / 2;
    places[0] = s_kinds[count == 1 ? kind : kind % SET_KINDS];
    places[1] = s_kinds[count == 1 ? kind : kind / SET_KINDS];
    places[0].lock = hf_span_text (model_locks[first]);
    places[1].lock = hf_span_text (model_locks[1 - first]);
    feed_claim (feed, places, count, true);
}

/*  The claim of SESSION at lock NUMBER, a hold or any; NULL: it has none. */
static const model_claim_t *
s_claim (const model_t *model, size_t number, uint64_t session, bool hold)
{
    for (size_t i = 0; i < model->claims.count; i++) {
        const model_claim_t *claim = &model->claims.list[i];
        for (size_t k = 0; k < claim->count; k++)
            if (claim->session == session && claim->places[k].lock == number &&
                (claim->token > 0 || !hold))
                return claim;
    }
    return NULL;
}

/*  RELEASE of what SESSION holds; by another when it has expired, and what it held stays closed. */
static bool
s_put_release (play_t *play, size_t number, uint64_t session)
{
    const model_claim_t *hold = s_claim (play->model, number, session, true);
    uint64_t by = session;
    for (uint64_t id = 1; id <= SESSIONS && !play->model->sessions[by].alive; id++)
        by = id;
    if (!hold || !play->model->sessions[by].alive)
        return false;
    feed_start (play->feed, by);
    feed_release (play->feed, model_locks[number], hold->token, by != session ? session : 0);
    return true;
}

/*  False: it would do nothing. */
static bool
s_put (play_t *play, unsigned op)
{
    uint64_t session = 1 + op / OPS;
    unsigned kind = op % OPS;
    const model_session_t *of = &play->model->sessions[session];
    if (kind == RELEASE_A || kind == RELEASE_B)
        return s_put_release (play, kind - RELEASE_A, session);
    if (kind == EXPIRE && (of->alive || of->gone)) {
        feed_cmd_expire (play->feed, session, play->feed->term);
        return true;
    }
    if (!of->alive || (kind >= ABANDON_A && kind <= ABANDON_B &&
                       !s_claim (play->model, kind - ABANDON_A, session, false)))
        return false;
    if (kind == CLOSE) {
        feed_cmd_close (play->feed, session);
        return true;
    }
    feed_start (play->feed, session);
    if (kind < CLAIMS)
        s_put_claim (play->feed, kind);
    else
        feed_abandon (play->feed, model_locks[kind - ABANDON_A]);
    return true;
}

//  ---- states ------------------------------------------------------------------------------

/*  A class of states that are the same but for names. */
typedef struct node {
    hf_table_node_t by_look; //  comes first: the table frees it
    uint32_t number;
    size_t depth;             //  of the shortest sequence
    HF_ARRAY (uint32_t) next; //  classes where its operations lead
    //  One of them, until it was continued.
    uint8_t *rows;
    size_t rows_size;
    model_claim_t *claims;
    size_t claims_count;
    model_session_t sessions[SESSIONS + 1];
    uint64_t seqs[SESSIONS + 1];
    uint64_t last_token, commands;
} node_t;

typedef struct world {
    hf_table_t by_look;
    HF_ARRAY (node_t *) nodes;
    bool narrow; //  only a part of the claims
    bool detect;
    uint32_t delay_ms;
    size_t steps, deadlocks;
} world_t;

/*  How many wait before claim NUMBER at a lock, itself counted; 0: it holds. */
static uint64_t
s_turn (const model_t *model, size_t number, size_t lock)
{
    const model_claim_t *claim = &model->claims.list[number];
    uint64_t turn = claim->token == 0;
    for (size_t i = 0; i < model->claims.count && claim->token == 0 && !claim->upgrade; i++) {
        const model_claim_t *other = &model->claims.list[i];
        for (size_t k = 0; k < other->count && other->token == 0; k++)
            turn += other->places[k].lock == lock && (i < number || other->upgrade);
    }
    return turn;
}

/*  Claims without the names of sessions and locks. */
typedef struct shape {
    uint64_t session[16], claim[16], place[16][2]; //  of each claim
} shape_t;

static shape_t
s_shape (const model_t *model)
{
    shape_t shape;
    assert (model->claims.count <= 16);
    for (size_t i = 0; i < model->claims.count; i++) {
        const model_claim_t *claim = &model->claims.list[i];
        shape.session[i] = claim->session;
        shape.claim[i] = claim->count << 8 | claim->upgrade;
        for (size_t k = 0; k < claim->count; k++)
            shape.place[i][k] = s_turn (model, i, claim->places[k].lock) << 32 |
                                claim->places[k].units << 8 | claim->places[k].limit;
    }
    return shape;
}

/*  How they look when the session that is called NAME is sessions[NAME - 1], and the locks are
 *  swapped. */
static uint64_t
s_look_as (const model_t *model, const shape_t *shape, const uint8_t *sessions, bool swapped)
{
    uint64_t hash = 0;
    for (size_t name = 0; name < SESSIONS; name++) {
        uint64_t id = sessions[name];
        hash = hf_hash_u64 (hash, (model->sessions[id].alive ? 1U : 0) |
                                      (model->sessions[id].gone ? 2U : 0));
        for (size_t i = 0; i < model->claims.count; i++) {
            if (shape->session[i] != id)
                continue;
            const model_claim_t *claim = &model->claims.list[i];
            hash = hf_hash_u64 (hash, shape->claim[i]);
            for (size_t k = 0; k < claim->count; k++)
                hash = hf_hash_u64 (hash, shape->place[i][k] |
                                              (uint64_t)(claim->places[k].lock != swapped) << 16);
        }
    }
    return hash;
}

static uint64_t
s_look (const model_t *model)
{
    static const uint8_t names[][SESSIONS] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3},
                                              {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    shape_t shape = s_shape (model);
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            uint64_t look = s_look_as (model, &shape, names[i], swapped);
            least = look < least ? look : least;
        }
    return least;
}

static void
s_keep (node_t *node, const play_t *play)
{
    const model_t *model = play->model;
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_state_rows (play->feed->state, &rows);
    node->rows_size = hf_pack_size (&rows);
    node->rows = memcpy (hf_alloc (node->rows_size), hf_pack_bytes (&rows), node->rows_size);
    hf_pack_done (&rows);
    node->claims_count = model->claims.count;
    if (node->claims_count > 0)
        node->claims = memcpy (hf_alloc (node->claims_count * sizeof (model_claim_t)),
                               model->claims.list, node->claims_count * sizeof (model_claim_t));
    for (uint64_t id = 1; id <= SESSIONS; id++) {
        node->sessions[id] = model->sessions[id];
        memset (&node->sessions[id].answers, 0, sizeof node->sessions[id].answers);
        node->seqs[id] = feed_seq (play->feed, id);
    }
    node->last_token = model->last_token;
    node->commands = model->commands;
}

static void
s_drop (node_t *node)
{
    free (node->rows);
    free (node->claims);
    node->rows = NULL;
    node->claims = NULL;
}

static hf_state_t *
s_state (const node_t *node)
{
    hf_state_t *state = hf_state_new ();
    hf_scan_t scan = hf_scan (node->rows, node->rows_size);
    while (!hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        bool good = hf_state_row_get (&scan, &row) && hf_state_load (state, row.key, row.value);
        assert (good);
    }
    bool good = hf_state_loaded (state);
    assert (good);
    return state;
}

static play_t
s_play (const node_t *node)
{
    play_t play = {.feed = feed_over (s_state (node), NULL), .model = model_new ()};
    for (size_t i = 0; i < node->claims_count; i++)
        *hf_array_add (&play.model->claims) = node->claims[i];
    for (uint64_t id = 1; id <= SESSIONS; id++)
        play.model->sessions[id] = node->sessions[id];
    play.model->last_session = SESSIONS;
    play.model->last_token = node->last_token;
    play.model->commands = node->commands;
    for (uint64_t id = 0; id <= SESSIONS; id++)
        *hf_array_add (&play.feed->next_seq) = id > 0 ? node->seqs[id] : 0;
    return play;
}

/*  The number of the class to which the play's state belongs. */
static uint32_t
s_class (world_t *world, const play_t *play, size_t depth)
{
    uint64_t look = s_look (play->model);
    hf_table_node_t *found = hf_table_seek (&world->by_look, look);
    if (found)
        return HF_AROUND (found, node_t, by_look)->number;
    node_t *node = hf_alloc (sizeof *node);
    node->depth = depth;
    node->number = (uint32_t)world->nodes.count;
    s_keep (node, play);
    hf_table_insert (&world->by_look, &node->by_look, look);
    *hf_array_add (&world->nodes) = node;
    return node->number;
}

//  ---- all sequences -----------------------------------------------------------------------

static void
s_begin (world_t *world)
{
    hf_table_init (&world->by_look);
    play_t play = {.feed = feed_new (false), .model = model_new ()};
    play.feed->detect = world->detect;
    play.feed->delay_ms = world->delay_ms;
    for (uint64_t i = 1; i <= SESSIONS; i++)
        feed_cmd_open (play.feed, i, 5000);
    play_apply (&play);
    s_class (world, &play, 0);
    play_done (&play);
}

static uint64_t
s_look_named (const model_t *model)
{
    shape_t shape = s_shape (model);
    return s_look_as (model, &shape, (const uint8_t[]){1, 2, 3}, false);
}

/*  Apply what was put. Gives whether the claims changed. */
static bool
s_step (world_t *world, node_t *node, play_t *play)
{
    uint64_t before = s_look_named (play->model);
    play_apply (play);
    assert_false (model_starves (play->model));
    hf_state_check (play->feed->state);
    for (size_t i = 0; i < play->feed->out.count; i++)
        world->deadlocks += play->feed->out.list[i].answer.status == HF_DEADLOCK;
    bool changed = s_look_named (play->model) != before;
    uint32_t next = changed ? s_class (world, play, node->depth + 1) : node->number;
    *hf_array_add (&node->next) = next;
    world->steps++;
    return changed;
}

static void
s_continue (world_t *world, node_t *node)
{
    play_t play = s_play (node);
    for (unsigned op = 0; op < SESSIONS * OPS; op++) {
        if ((world->narrow && s_depth == 0 && !s_narrow (op % OPS)) || !s_put (&play, op) ||
            !s_step (world, node, &play))
            continue;
        play_done (&play);
        play = s_play (node);
    }
    play_done (&play);
    s_drop (node);
}

/*  How many sequences of DEPTH operations there are. */
static double
s_sequences (const world_t *world, size_t depth)
{
    double *now = hf_alloc (world->nodes.count * sizeof *now), sum = 0;
    double *then = hf_alloc (world->nodes.count * sizeof *then);
    now[0] = 1;
    for (size_t i = 0; i < depth; i++) {
        memset (then, 0, world->nodes.count * sizeof *then);
        for (size_t n = 0; n < world->nodes.count; n++)
            for (size_t k = 0; k < world->nodes.list[n]->next.count; k++)
                then[world->nodes.list[n]->next.list[k]] += now[n];
        double *swap = now;
        now = then;
        then = swap;
    }
    for (size_t n = 0; n < world->nodes.count; n++)
        sum += now[n];
    free (now);
    free (then);
    return sum;
}

static void
s_explore (const char *what, world_t *world, size_t depth)
{
    depth = s_depth > 0 ? s_depth : depth;
    s_begin (world);
    for (size_t i = 0; i < world->nodes.count && world->nodes.list[i]->depth < depth; i++)
        s_continue (world, world->nodes.list[i]);
    printf ("%s, depth %zu: %.0f sequences, %zu states, %zu steps, %zu deadlocks\n", what, depth,
            s_sequences (world, depth), world->nodes.count, world->steps, world->deadlocks);
    assert_true (depth < 2 || world->nodes.count > 100);
    assert_true (depth < 4 || world->deadlocks > 0);
    for (size_t i = 0; i < world->nodes.count; i++) {
        s_drop (world->nodes.list[i]);
        hf_array_free (&world->nodes.list[i]->next);
    }
    hf_array_free (&world->nodes);
    hf_table_free (&world->by_look);
}

HF_TEST (p8_every_short_sequence_is_as_the_model_says)
{
    s_explore ("all", &(world_t){.detect = false}, 3);
}

HF_TEST (p8_further_with_exclusive_and_shared_alone)
{
    s_explore ("narrow", &(world_t){.narrow = true}, 5);
}

HF_TEST (p8_with_sessions_that_detect_rings)
{
    s_explore ("detect", &(world_t){.narrow = true, .detect = true}, 3);
}

HF_TEST (p8_with_locks_that_stay_closed)
{
    s_explore ("delay", &(world_t){.narrow = true, .delay_ms = 1000}, 3);
}

int
main (int argc, char **argv)
{
    if (argc == 2)
        s_depth = strtoul (argv[1], NULL, 10);
    assert (argc == 1 || (s_depth > 0 && s_depth <= DEPTH_MAX));
    return hf_test_run (NULL, NULL);
}
