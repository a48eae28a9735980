#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "life_state.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_state_store.h"
#include <assert.h>
#include <inttypes.h>

#define GROUPS   3 //  of keys that begin with the same letter
#define KEYS     5 //  in each
#define CHANGES  6 //  of a transaction, at most
#define VERSIONS 64
#define REOPEN   6

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
    version_t versions[VERSIONS]; //  0 and 1: empty; each has ten times its number as its index
} state_t;

static hf_span_t
s_bytes (const value_t *value)
{
    static uint8_t bytes[16384];
    assert (value->size <= sizeof bytes);
    for (uint32_t i = 0; i < value->size; i++)
        bytes[i] = (uint8_t)(value->salt * 41 + i * 3 + (i >> 8));
    return hf_span (bytes, value->size);
}

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
s_step (hf_state_store_t *store, const version_t *version, long number)
{
    hf_pack_t changes;
    hf_pack_init (&changes);
    for (unsigned i = 0; i < version->count; i++) {
        const change_t *change = &version->changes[i];
        hf_span_t key = s_key (change->group, change->key);
        key.size = change->prefix ? 1 : key.size;
        hf_state_change_put (&changes, &(hf_state_change_t){.gone = change->gone,
                                                            .prefix = change->prefix,
                                                            .key = key,
                                                            .value = s_bytes (&change->value)});
    }
    int rc = hf_state_store_write (store, (uint64_t)number * 10, hf_pack_list (&changes));
    hf_pack_done (&changes);
    return rc;
}

static void
s_expect_failed (hf_state_store_t *store)
{
    if (hf_state_store_error (store)[0] == 0)
        fail_msg ("a state store failed without a word");
    size_t count = power_life_count ();
    assert_int_equal (hf_state_store_write (store, UINT32_MAX, (hf_list_t){.count = 0}), -1);
    assert_int_equal (power_life_count (), count);
}

static bool
s_run (power_life_t *life, const char *dir)
{
    state_t *self = life->arg;
    char error[HF_ERROR_SIZE] = "";
    hf_state_store_t *store = hf_state_store_open (dir, error);
    bool well = store != NULL;
    if (well)
        power_ack ();
    for (long i = 2; well && i <= life->versions; i++) {
        well = s_step (store, &self->versions[i], i) == 0;
        if (!well) {
            s_expect_failed (store);
            break;
        }
        power_ack ();
        if (i % REOPEN == 0) {
            hf_state_store_close (&store);
            store = hf_state_store_open (dir, error);
            well = store != NULL;
        }
    }
    if (!store)
        assert_true (error[0] != 0 && !strchr (error, '\n'));
    hf_state_store_close (&store);
    return well;
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
           (value.size == 0 || memcmp (value.at, s_bytes (want).at, value.size) == 0);
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
s_look (power_life_t *life, const char *dir, long low, long high, char *why)
{
    state_t *self = life->arg;
    char error[HF_ERROR_SIZE] = "";
    hf_state_store_t *store = hf_state_store_open (dir, error);
    if (!store) {
        snprintf (why, POWER_WHY, "refused: %s", error);
        return -1;
    }
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
    power_shown ();
    hf_state_store_close (&store);
    return version;
}

//  ---- life ------------------------------------------------------------------------------

power_life_t *
life_state_new (uint64_t seed, unsigned commits)
{
    state_t *self = calloc (1, sizeof *self);
    assert (self && commits + 2 <= VERSIONS);
    self->life = (power_life_t){
        .name = "state", .run = s_run, .look = s_look, .versions = 1 + (long)commits, .arg = self};
    s_plan (self, (hf_random_t){seed});
    return &self->life;
}

void
life_state_destroy (power_life_t **self_p)
{
    free ((*self_p)->arg);
    *self_p = NULL;
}
