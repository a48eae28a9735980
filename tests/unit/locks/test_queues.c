/*  Every sequence of a few operations of three sessions on two locks, in all modes: after each, the
 *  state is as the model says, and nothing that could be granted waits (P5a, P8).
 *
 *  What an operation does depends on claims, their modes and their order alone. So of all sequences
 *  that lead to the same of these, one is continued. `test_state_queues DEPTH` goes further. */
#include "tests/kit/hf_test.h"
#include "tests/unit/locks/play.h"
#include "base/hf_hash.h"

enum { SESSIONS = 3, DEPTH_MAX = 8 };

static size_t s_depth = 3;

typedef struct trail {
    uint8_t ops[DEPTH_MAX];
} trail_t;

//  ---- the operations of a session -------------------------------------------------------

//  What a claim asks for at the two locks: 0 units: EXCLUSIVE; -1: nothing.
static const struct {
    int a, b;
    uint32_t limit;
} s_claims[] = {{0, -1, 0}, {1, -1, 0}, {-1, 0, 0}, {-1, 1, 0}, {0, 0, 0},
                {1, 0, 0},  {1, 1, 0},  {1, -1, 2}, {2, -1, 2}, {0, 1, 2}};

enum {
    CLAIMS = sizeof (s_claims) / sizeof (*s_claims),
    RELEASE_A = CLAIMS,
    RELEASE_B,
    ABANDON_A,
    ABANDON_B,
    CLOSE,
    OPS
};

static void
s_put_claim (feed_t *feed, size_t kind)
{
    hf_place_t places[2];
    const int units[2] = {s_claims[kind].a, s_claims[kind].b};
    size_t count = 0;
    for (size_t lock = 0; lock < 2; lock++)
        if (units[lock] >= 0)
            places[count++] = (hf_place_t){.lock = hf_span_text (model_locks[lock]),
                                           .mode = units[lock] > 0,
                                           .units = (uint32_t)units[lock],
                                           .limit = units[lock] > 0 ? s_claims[kind].limit : 0};
    feed_claim (feed, places, count, true);
}

/*  The token with which SESSION holds lock NUMBER; 0: it does not. */
static uint64_t
s_token (const model_t *model, size_t number, uint64_t session)
{
    const model_claim_t *hold;
    for (size_t nth = 0; (hold = model_holder (model, number, nth)); nth++)
        if (hold->session == session)
            return hold->token;
    return 0;
}

/*  False: it would do nothing. */
static bool
s_put (play_t *play, uint8_t op)
{
    uint64_t session = 1 + op / OPS;
    uint8_t kind = op % OPS;
    if (!play->model->sessions[session].alive)
        return false;
    if (kind == CLOSE) {
        feed_cmd_close (play->feed, session);
        return true;
    }
    bool release = kind == RELEASE_A || kind == RELEASE_B;
    size_t number = kind == RELEASE_B || kind == ABANDON_B;
    uint64_t token = s_token (play->model, number, session);
    if (release && token == 0)
        return false;
    feed_start (play->feed, session);
    if (kind < CLAIMS)
        s_put_claim (play->feed, kind);
    else if (release)
        feed_release (play->feed, model_locks[number], token, 0);
    else
        feed_abandon (play->feed, model_locks[number]);
    return true;
}

//  ---- all sequences -----------------------------------------------------------------------

/*  Claims by their order, and holders by that of their tokens. */
static uint64_t
s_look (const model_t *model)
{
    uint64_t hash = 0;
    for (uint64_t id = 1; id <= SESSIONS; id++)
        hash = hf_hash_u64 (hash, model->sessions[id].alive);
    for (size_t i = 0; i < model->claims.count; i++) {
        const model_claim_t *claim = &model->claims.list[i];
        uint64_t rank = claim->token > 0;
        for (size_t k = 0; k < model->claims.count; k++)
            rank += model->claims.list[k].token > 0 && model->claims.list[k].token < claim->token;
        hash = hf_hash_u64 (hash, claim->session << 32 | rank << 8 | claim->upgrade);
        for (size_t k = 0; k < claim->count; k++) {
            const model_place_t *place = &claim->places[k];
            hash = hf_hash_u64 (hash, place->lock << 16 | place->units << 8 | place->limit);
        }
    }
    return hash;
}

/*  Play the first COUNT operations; false: the last would do nothing. *LOOK: where they lead. */
static bool
s_play (const trail_t *trail, size_t count, uint64_t *look)
{
    play_t play = {.feed = feed_new (true), .model = model_new ()};
    for (uint64_t i = 1; i <= SESSIONS; i++)
        feed_cmd_open (play.feed, i, 5000);
    play_apply (&play);
    bool does = true;
    for (size_t i = 0; i < count && does; i++) {
        does = s_put (&play, trail->ops[i]);
        play.unchecked = i + 1 < count; //  it was compared when the shorter sequence was played
        if (does)
            play_apply (&play);
    }
    assert_false (model_starves (play.model));
    *look = s_look (play.model);
    play_done (&play);
    return does;
}

HF_TEST (p8_every_short_sequence_is_as_the_model_says)
{
    HF_ARRAY (trail_t) front = {0}, next = {0};
    HF_ARRAY (uint64_t) seen = {0};
    size_t played = 0;
    *hf_array_add (&front) = (trail_t){{0}};
    for (size_t depth = 0; depth < s_depth; depth++) {
        for (size_t i = 0; i < front.count; i++)
            for (unsigned op = 0; op < SESSIONS * OPS; op++) {
                trail_t trail = front.list[i];
                trail.ops[depth] = (uint8_t)op;
                uint64_t look;
                if (!s_play (&trail, depth + 1, &look))
                    continue;
                played++;
                bool known = false;
                for (size_t k = 0; k < seen.count && !known; k++)
                    known = seen.list[k] == look;
                if (known)
                    continue;
                *hf_array_add (&seen) = look;
                *hf_array_add (&next) = trail;
            }
        front.count = 0;
        for (size_t i = 0; i < next.count; i++)
            *hf_array_add (&front) = next.list[i];
        next.count = 0;
    }
    printf ("depth %zu: %zu sequences, %zu states\n", s_depth, played, seen.count);
    assert_true (played > 1000);
    hf_array_free (&front);
    hf_array_free (&next);
    hf_array_free (&seen);
}

int
main (int argc, char **argv)
{
    if (argc == 2)
        s_depth = strtoul (argv[1], NULL, 10);
    assert (s_depth > 0 && s_depth <= DEPTH_MAX);
    return hf_test_run (NULL, NULL);
}
