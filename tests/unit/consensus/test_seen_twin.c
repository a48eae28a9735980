//  Old copies of a node's folder: the comparison of openings and promises against a slow and
//  obvious twin, on random input and on random lives.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "nodes/consensus/hf_seen.h"

static hf_random_t s_seed = {1};

static uint64_t
s_random (uint64_t limit)
{
    return hf_random_below (&s_seed, limit);
}

#define HEARD_MAX 64

typedef struct heard {
    hf_said_t list[HEARD_MAX];
    size_t count;
} heard_t;

static bool
s_slow_below (hf_seen_mark_t has, hf_seen_mark_t promised)
{
    if (promised.term > has.term)
        return true;
    if (promised.term < has.term)
        return false;
    return (promised.voted && !has.voted) || promised.index > has.index;
}

/*  Every promise that was ever heard of, one after the other. Of two lives with one number the
 * first that was heard is the one. */
static bool
s_slow_old (const heard_t *heard, const hf_said_t *said)
{
    bool first = true;
    for (size_t i = 0; i < heard->count; i++) {
        const hf_said_t *other = &heard->list[i];
        if (other->start > said->start)
            return true;
        if (other->start == said->start && first && other->life != said->life)
            return true;
        first = first && other->start != said->start;
        bool own = other->start == said->start && other->life == said->life;
        if (!own && s_slow_below (said->opened, other->promised))
            return true;
    }
    return false;
}

static hf_seen_mark_t
s_any_mark (void)
{
    return (hf_seen_mark_t){s_random (4), s_random (2) == 0, s_random (4)};
}

HF_TEST (twin)
{
    for (int turn = 0; turn < 30000; turn++) {
        heard_t heard = {.count = 0};
        hf_seen_t seen = {.incarnation = 300};
        while (heard.count < 12) {
            hf_said_t said = {.incarnation = 300,
                              .start = 1 + s_random (4),
                              .life = s_random (2),
                              .opened = s_any_mark (),
                              .promised = s_any_mark ()};
            bool told = s_random (3) == 0, old = s_slow_old (&heard, &said);
            assert_int_equal (hf_seen_old (&seen, &said), old);
            if (old && !told && s_random (8) != 0)
                continue;
            if (old && !told)
                break;
            heard.list[heard.count++] = said;
            hf_seen_take (&seen, &said);
        }
    }
}

/*  A disk, the promises that it made, and what was acknowledged in its term. */
typedef struct folder {
    hf_seen_mark_t now;
    uint64_t start, life, acked;
    hf_seen_mark_t opened;
} folder_t;

static void
s_reopen (folder_t *folder)
{
    folder->start++;
    folder->life = s_random (UINT64_MAX);
    folder->opened = folder->now;
}

/*  Gives what it says. */
static hf_said_t
s_lives (folder_t *folder)
{
    hf_seen_mark_t promised = {.term = 0};
    switch (s_random (7)) {
    case 0:
        folder->now.term += 1 + s_random (2);
        folder->now.voted = false;
        folder->acked = 0;
        break;
    case 1:
        folder->now.voted = true;
        promised = (hf_seen_mark_t){folder->now.term, true, 0};
        break;
    case 2:
        folder->now.index += s_random (3);
        break;
    case 3: //  by entries of a leader, or a state that is swapped in at the next start
        folder->now.index = folder->acked + s_random (4);
        break;
    case 4:
        s_reopen (folder);
        break;
    default:
        folder->acked += s_random (folder->now.index - folder->acked + 1);
        promised = (hf_seen_mark_t){folder->now.term, false, folder->acked};
        break;
    }
    return (hf_said_t){300, folder->start, folder->life, folder->opened, promised};
}

/*  A disk that lost nothing is never old, in whatever order its words come, whoever tells them. A
 *  copy is, when something that it lacks was heard of. */
HF_TEST (honest_and_copied)
{
    int noticed = 0, unknown = 0;
    for (int turn = 0; turn < 3000; turn++) {
        folder_t folder = {.now = {1, false, 3}}, image = folder;
        hf_seen_t seen = {.incarnation = 300};
        heard_t heard = {.count = 0};
        s_reopen (&folder);
        for (int i = 0; i < 40; i++) {
            hf_said_t said = s_lives (&folder);
            if (s_random (12) == 0)
                image = folder;
            if (s_random (3) == 0 || said.start < seen.start)
                continue; //  it is lost
            assert_false (hf_seen_old (&seen, &said));
            hf_seen_take (&seen, &said);
            heard.list[heard.count++] = said;
            const hf_said_t *late = &heard.list[s_random (heard.count)];
            if (late->start == seen.start)
                assert_false (hf_seen_old (&seen, late));
            hf_seen_take (&seen, late);
        }
        s_reopen (&image);
        hf_said_t copy = {300, image.start, image.life, image.opened, {.term = 0}};
        bool old = hf_seen_old (&seen, &copy);
        assert_int_equal (old, s_slow_old (&heard, &copy));
        noticed += old;
        unknown += !old;
    }
    assert_in_range (noticed, 300, 3000);
    assert_in_range (unknown, 30, 3000);
}

HF_TEST_MAIN (NULL, NULL)
