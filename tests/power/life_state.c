//  The state store's life, and its model.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "power_life.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_state_store.h"
#include <assert.h>
#include <inttypes.h>

#define GROUPS  3 //  of keys that begin with the same letter
#define KEYS    5 //  in each
#define CHANGES 6 //  of a transaction, at most

/*  0: there is no such row. */
typedef struct value {
    uint8_t salt;
    uint32_t size;
} value_t;

typedef struct change {
    unsigned group, key;
    bool gone, prefix;
    value_t value;
} change_t;

typedef struct version {
    change_t changes[CHANGES]; //  that lead here
    unsigned count;
    value_t rows[GROUPS][KEYS];
} version_t;

typedef struct state {
    power_life_t life;
    version_t
        versions[POWER_VERSIONS]; //  0 and 1: empty; each has ten times its number as its index
} state_t;

static hf_span_t
s_key (unsigned group, unsigned key)
{
    static char text[8];
    snprintf (text, sizeof text, "%c%u", 'a' + (int)(group % 26), key % 10);
    return hf_span_text (text);
}

//  ---- the script ----------------------------------------------------------------------

static void
s_plan (state_t *self, hf_random_t seed)
{
    for (long i = 2; i <= self->life.versions; i++) {
        version_t *version = &self->versions[i];
        memcpy (version->rows, self->versions[i - 1].rows, sizeof version->rows);
        version->count = 1 + hf_random_u32 (&seed, CHANGES);
        for (unsigned j = 0; j < version->count; j++) {
            change_t *change = &version->changes[j];
            unsigned kind = hf_random_u32 (&seed, 8);
            *change = (change_t){.group = hf_random_u32 (&seed, GROUPS),
                                 .key = hf_random_u32 (&seed, KEYS),
                                 .gone = kind < 3,
                                 .prefix = kind == 0};
            value_t *row = &version->rows[change->group][change->key];
            if (!change->gone)
                change->value =
                    (value_t){.salt = (uint8_t)(1 + hf_random_u32 (&seed, 255)),
                              .size = hf_random_u32 (&seed, 4) ? hf_random_u32 (&seed, 200)
                                                               : hf_random_u32 (&seed, 14000)};
            *row = change->value;
            if (change->prefix)
                memset (version->rows[change->group], 0, sizeof version->rows[0]);
        }
    }
}

static int
s_step (power_life_t *life, void *store, long number)
{
    const version_t *version = &((state_t *)(void *)life)->versions[number];
    hf_pack_t changes;
    hf_pack_init (&changes);
    for (unsigned i = 0; i < version->count; i++) {
        const change_t *change = &version->changes[i];
        hf_span_t key = s_key (change->group, change->key);
        key.size = change->prefix ? 1 : key.size;
        hf_state_change_put (
            &changes,
            &(hf_state_change_t){.gone = change->gone,
                                 .prefix = change->prefix,
                                 .key = key,
                                 .value = power_bytes (change->value.salt, change->value.size)});
    }
    int rc = hf_state_store_write (store, (uint64_t)number * 10, hf_pack_list (&changes));
    hf_pack_done (&changes);
    return rc;
}

static void
s_refuses (power_life_t *life, void *store, long kept)
{
    (void)life;
    assert_int_equal (hf_state_store_write (store, UINT32_MAX, (hf_list_t){.count = 0}), -1);
    assert_int_equal (hf_state_store_index (store), kept == 1 ? 0 : kept * 10);
}

//  ---- looking -------------------------------------------------------------------------

typedef struct looking {
    const version_t *version;
    unsigned seen;
} looking_t;

static bool
s_same_row (void *arg, hf_span_t key, hf_span_t value)
{
    looking_t *self = arg;
    if (key.size != 2 || key.at[0] < 'a' || key.at[0] >= 'a' + GROUPS || key.at[1] < '0' ||
        key.at[1] >= '0' + KEYS)
        return false;
    const value_t *want = &self->version->rows[key.at[0] - 'a'][key.at[1] - '0'];
    self->seen++;
    return want->salt != 0 && want->size == value.size &&
           (value.size == 0 ||
            memcmp (value.at, power_bytes (want->salt, want->size).at, value.size) == 0);
}

static bool
s_same (hf_state_store_t *store, const version_t *version)
{
    looking_t looking = {.version = version};
    unsigned rows = 0;
    for (unsigned i = 0; i < GROUPS * KEYS; i++)
        rows += version->rows[i / KEYS][i % KEYS].salt != 0;
    return hf_state_store_read (store, s_same_row, &looking) == 0 && looking.seen == rows;
}

static long
s_version (power_life_t *life, void *store, long low, long high, char *why)
{
    const state_t *self = (void *)life;
    uint64_t index = hf_state_store_index (store);
    long version = index == 0 ? 1 : (long)(index / 10);
    if (version < low || version > high)
        version = index == 0 && low == 0 ? 0 : -1;
    if (version < 0) {
        snprintf (why, POWER_WHY, "index %" PRIu64 " is no version of %ld to %ld", index, low,
                  high);
    } else if (!s_same (store, &self->versions[version])) {
        snprintf (why, POWER_WHY, "the rows are not as of %" PRIu64, index);
        version = -1;
    }
    return version;
}

//  ---- life ------------------------------------------------------------------------------

POWER_STORE_CALLS (hf_state_store, NULL)

power_life_t *
life_state_new (uint64_t seed, unsigned commits)
{
    power_life_t *life = power_store_life (sizeof (state_t), "state", &s_calls, commits);
    s_plan ((state_t *)(void *)life, (hf_random_t){seed});
    return life;
}
