/*  Histories that are true are found to be, and lies planted in them are found. */
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/check/story.h"

/*  What the checker finds in it: bit N, promise N. */
static unsigned
s_check (const story_t *story, bool with_files, FILE *out)
{
    hf_check_t *check = hf_check_new (out);
    for (size_t i = 0; i < story->records.count; i++)
        assert_null (hf_check_add (check, &story->records.list[i]));
    for (uint32_t i = 0; with_files && i < STORY_FILES; i++)
        hf_check_content (check, 0, story_files[i], story->file[i].list, story->file[i].count);
    hf_check_run (check);
    unsigned found = 0;
    for (unsigned i = 0; i < HF_PROMISES; i++)
        found |= hf_check_found (check, (hf_promise_t)i) ? 1U << i : 0;
    hf_check_destroy (&check);
    return found;
}

HF_TEST (test_true)
{
    for (uint64_t seed = 0; seed <= 200; seed++) {
        story_t story;
        story_play (&story, seed, seed == 0 ? 50000 : 600);
        if (s_check (&story, seed % 4 != 1, stderr) != 0)
            fail_msg ("seed %u: a true history was taken for a lie", (unsigned)seed);
        story_done (&story);
    }
}

//  ---- lies: one field of one record, or one byte -------------------------------------------

#define AT(field) offsetof (hf_record_t, field)

typedef struct lie {
    const char *name;
    hf_promise_t promise; //  must be named
    const char *op;       //  the record's; NULL: a byte of a file changes
    const char *becomes;  //  the op; NULL: this field changes...
    size_t field, from;   //  ...to that field of the next such record (of the same lock)...
    bool own;             //  ...or of the record itself...
    uint64_t add;         //  ...and so much
} lie_t;

static const lie_t s_lies[] = {
    {"a byte changed", HF_PROMISE_P6, .op = NULL},
    {"released, said to be cancelled", HF_PROMISE_P6, "release", .becomes = "cancel"},
    {"cancelled, said to be released", HF_PROMISE_P7, "cancel", .becomes = "release"},
    {"passed on without a release", HF_PROMISE_P9, "release", .becomes = "keepalive"},
    {"a token too high", HF_PROMISE_P5A, "acquire", NULL, AT (token), AT (token), true, 1U << 30},
    {"given back by another", HF_PROMISE_P5A, "release", NULL, AT (session), AT (session), true, 1},
    {"intervals overlap", HF_PROMISE_P5B, "acquire", NULL, AT (until_us), AT (end_us), false, 1},
    {"an index twice", HF_PROMISE_P10, "release", NULL, AT (index), AT (index), false, 0},
    {"an index too high", HF_PROMISE_P10, "append", NULL, AT (index), AT (index), true, 1000},
    {"a torn read", HF_PROMISE_P6, "read", NULL, AT (total), AT (total), true, (uint64_t)-3},
    {"a read of other bytes", HF_PROMISE_P10, "read", NULL, AT (hash), AT (hash), true, 1},
};
#define S_LIES (sizeof s_lies / sizeof *s_lies)

/*  The next answered record of that op from AT on, of LOCK and TOKEN if these are given. */
static hf_record_t *
s_next (story_t *story, size_t at, const char *op, const char *lock, uint64_t token)
{
    for (; at < story->records.count; at++) {
        hf_record_t *record = &story->records.list[at];
        if (strcmp (record->op, op) == 0 && record->status && strcmp (record->status, "OK") == 0 &&
            (!lock || (record->lock && strcmp (record->lock, lock) == 0)) &&
            (!token || record->token == token))
            return record;
    }
    return NULL;
}

/*  False: not here. */
static bool
s_plant (story_t *story, const lie_t *lie, hf_random_t *random)
{
    if (!lie->op) {
        uint32_t file = hf_random_u32 (random, STORY_FILES);
        story->file[file].list[hf_random_below (random, story->file[file].count)] ^= 1;
        return true;
    }
    size_t at = 50 + hf_random_below (random, story->records.count - 100);
    hf_record_t *record = s_next (story, at, lie->op, NULL, 0), *other = record;
    if (record && !lie->own)
        other =
            s_next (story, (size_t)(record - story->records.list) + 1, lie->op, record->lock, 0);
    if (!other || (lie->becomes && !s_next (story, 0, "append", NULL, record->token)))
        return false;
    if (lie->becomes) {
        record->op = lie->becomes;
        return true;
    }
    uint64_t value;
    memcpy (&value, (const char *)other + lie->from, sizeof value);
    if (value == 0)
        return false;
    value += lie->add;
    memcpy ((char *)record + lie->field, &value, sizeof value);
    return true;
}

HF_TEST (test_lies)
{
    for (size_t i = 0; i < S_LIES; i++) {
        for (uint64_t seed = 1; seed <= 20; seed++) {
            story_t story;
            hf_random_t random = {seed};
            story_play (&story, seed * 1000 + i, 1200);
            bool planted = false;
            for (unsigned tries = 0; tries < 100 && !planted; tries++)
                planted = s_plant (&story, &s_lies[i], &random);
            unsigned found = s_check (&story, true, NULL);
            if (!planted || !(found >> s_lies[i].promise & 1))
                fail_msg ("seed %u: \"%s\" was not found (found: %x)", (unsigned)seed,
                          s_lies[i].name, found);
            story_done (&story);
        }
    }
}

HF_TEST_MAIN (NULL, NULL)
