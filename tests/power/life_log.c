//  The log store's life, and its model.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "lives.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include <assert.h>
#include <inttypes.h>

#define ENTRIES  64 //  of one log at a time, at most
#define VERSIONS 64
#define JUMP     1000 //  of the index, when the log is begun anew

/*  What a log holds. An entry's payload follows from its salt. */
typedef struct model {
    uint64_t term;
    uint32_t vote;
    uint64_t base, base_term;
    unsigned count;
    struct {
        uint64_t term;
        uint32_t salt, size;
    } entries[ENTRIES];
} model_t;

typedef struct log {
    power_life_t life;
    uint64_t seed;
    model_t versions[VERSIONS]; //  0 and 1: the empty log, before it was made and after
    uint64_t incarnation;       //  of the run
    uint64_t shown;             //  of a log that a look has made
} log_t;

static hf_span_t
s_payload (uint32_t salt, uint32_t size)
{
    static uint8_t bytes[16384];
    assert (size <= sizeof bytes);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(salt * 31 + i * 7 + (i >> 8));
    return (hf_span_t){.at = bytes, .size = size};
}

//  ---- the script --------------------------------------------------------------------

static void
s_append (model_t *model, hf_random_t *seed, unsigned commit)
{
    unsigned most = 1 + hf_random_u32 (seed, 3);
    for (unsigned i = 0; i < most && model->count < ENTRIES; i++) {
        unsigned at = model->count++;
        model->entries[at].term = model->term;
        model->entries[at].salt = commit * 100 + i;
        //  Mostly small; sometimes of some pages, and once in a while longer than the WAL may stay.
        model->entries[at].size =
            hf_random_u32 (seed, 4) > 0 ? hf_random_u32 (seed, 200) : hf_random_u32 (seed, 14000);
    }
}

/*  Away with some entries at the front; or with all of them, and the log goes on elsewhere. */
static void
s_forget (model_t *model, hf_random_t *seed)
{
    if (model->count == 0)
        return;
    bool all = hf_random_u32 (seed, 3) == 0;
    unsigned gone = all ? model->count : hf_random_u32 (seed, model->count);
    if (gone == 0)
        return;
    model->base_term = model->entries[gone - 1].term;
    model->base += all ? gone + JUMP : gone;
    model->count -= gone;
    memmove (model->entries, model->entries + gone, model->count * sizeof *model->entries);
}

static void
s_plan (log_t *self)
{
    hf_random_t seed = {self->seed};
    for (long i = 2; i <= self->life.versions; i++) {
        model_t *model = &self->versions[i];
        *model = self->versions[i - 1];
        unsigned kind = hf_random_u32 (&seed, 8);
        if (kind <= 2 || model->term == 0) {
            model->term += 1 + hf_random_u32 (&seed, 3);
            model->vote = hf_random_u32 (&seed, 4);
        }
        if (kind == 4 || kind == 5)
            s_forget (model, &seed);
        if (kind >= 6 && model->count > 1)
            model->count -= 1 + hf_random_u32 (&seed, model->count - 1);
        if (kind != 2)
            s_append (model, &seed, (unsigned)i);
    }
}

/*  From version to version: what is common stays, the rest is cut off and put in. */
static int
s_step (hf_log_store_t *store, const model_t *from, const model_t *to)
{
    if ((to->term != from->term || to->vote != from->vote) &&
        hf_log_store_vote (store, to->term, (hf_member_t){to->vote, 77}) != 0)
        return -1;
    unsigned gone = (unsigned)(to->base - from->base), same = 0;
    if (gone > JUMP) {
        if (hf_log_store_reset (store, to->base, to->base_term, (hf_span_t){.size = 0}) != 0)
            return -1;
        gone = from->count;
    } else if (gone > 0) {
        int rc = hf_log_store_prune (store, to->base, 0, UINT32_MAX);
        if (rc < 0)
            return -1;
        assert_int_equal (rc, gone);
    }
    while (gone + same < from->count && same < to->count &&
           from->entries[gone + same].salt == to->entries[same].salt)
        same++;
    if (gone + same < from->count && hf_log_store_truncate (store, to->base + same + 1) != 0)
        return -1;
    for (unsigned i = same; i < to->count; i++)
        if (hf_log_store_append (
                store, to->base + i + 1,
                &(hf_entry_t){to->entries[i].term, HF_ENTRY_COMMANDS,
                              s_payload (to->entries[i].salt, to->entries[i].size)}) != 0)
            return -1;
    return hf_log_store_commit (store);
}

static void
s_refuses (void *store)
{
    assert_int_equal (hf_log_store_vote (store, UINT32_MAX, (hf_member_t){1, 77}), -1);
    assert_int_equal (hf_log_store_append (store, hf_log_store_last_index (store) + 1,
                                           &(hf_entry_t){1, HF_ENTRY_COMMANDS, s_payload (1, 9)}),
                      -1);
    assert_int_equal (hf_log_store_commit (store), -1);
}

static void
s_made (power_life_t *life, void *store)
{
    log_t *self = life->arg;
    self->incarnation = hf_log_store_incarnation (store);
}

static int
s_next (power_life_t *life, void *store, long version)
{
    log_t *self = life->arg;
    return s_step (store, &self->versions[version - 1], &self->versions[version]);
}

//  ---- looking ------------------------------------------------------------------------

static bool
s_same_entries (hf_log_store_t *store, const model_t *model, hf_pack_t *pack)
{
    int count = hf_log_store_read (store, model->base + 1, UINT64_MAX, SIZE_MAX, pack);
    if (count != (int)model->count)
        return false;
    hf_scan_t scan = hf_scan_list (hf_pack_list (pack));
    for (unsigned i = 0; i < model->count; i++) {
        hf_entry_t entry;
        hf_span_t want = s_payload (model->entries[i].salt, model->entries[i].size);
        if (!hf_entry_get (&scan, &entry) || entry.term != model->entries[i].term ||
            entry.payload.size != want.size || memcmp (entry.payload.at, want.at, want.size) != 0)
            return false;
    }
    return true;
}

static bool
s_same (hf_log_store_t *store, const model_t *model)
{
    if (hf_log_store_term (store) != model->term ||
        hf_log_store_voted_for (store).node != model->vote ||
        hf_log_store_first_index (store) != model->base + 1 ||
        hf_log_store_base_term (store) != model->base_term ||
        hf_log_store_last_index (store) != model->base + model->count)
        return false;
    if (model->count == 0)
        return true;
    hf_pack_t pack;
    hf_pack_init (&pack);
    bool same = s_same_entries (store, model, &pack);
    hf_pack_done (&pack);
    return same;
}

static long
s_version (power_life_t *life, void *store, long low, long high, char *why)
{
    log_t *self = life->arg;
    uint64_t incarnation = hf_log_store_incarnation (store);
    long version = high;
    while (version >= low && !s_same (store, &self->versions[version]))
        version--;
    if (version < low) {
        snprintf (why, POWER_WHY,
                  "term %" PRIu64 ", last entry %" PRIu64 " is no version of %ld to %ld",
                  hf_log_store_term (store), hf_log_store_last_index (store), low, high);
        version = -1;
    } else if (low > 0 && incarnation != self->incarnation && incarnation != self->shown) {
        snprintf (why, POWER_WHY, "another incarnation");
        version = -1;
    }
    if (low == 0)
        self->shown = incarnation;
    return version;
}

//  ---- life ----------------------------------------------------------------------------

POWER_STORE_CALLS (hf_log_store)

power_life_t *
life_log_new (uint64_t seed, unsigned commits)
{
    static const power_store_t calls = {s_open, s_close,   s_error,  s_made,
                                        s_next, s_refuses, s_version};
    log_t *self = hf_alloc (sizeof *self);
    assert (commits + 2 <= VERSIONS);
    self->seed = seed;
    self->life = (power_life_t){.name = "log",
                                .run = power_store_run,
                                .look = power_store_look,
                                .store = &calls,
                                .versions = 1 + (long)commits,
                                .arg = self};
    s_plan (self);
    return &self->life;
}
