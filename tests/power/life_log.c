//  The log store's life, and its model.

#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "power_life.h"
#include "msgs/hf_msg.h"
#include "nodes/store/hf_log_store.h"
#include <assert.h>
#include <inttypes.h>

#define ENTRIES 64   //  of one log at a time, at most
#define JUMP    1000 //  of the index, when the log is begun anew

/*  What a log holds. An entry's payload follows from its salt. */
typedef struct model {
    uint64_t term;
    uint32_t vote;
    uint64_t start;
    uint64_t base, base_term;
    unsigned count;
    struct {
        uint64_t term;
        uint32_t salt, size;
    } entries[ENTRIES];
} model_t;

typedef struct log {
    power_life_t life;
    model_t versions[POWER_VERSIONS]; //  0 and 1: the empty log, before it was made and after
    uint64_t incarnation;             //  of the run
    uint64_t shown;                   //  of a log that a look has made
} log_t;

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
    unsigned pruned = all ? model->count : hf_random_u32 (seed, model->count);
    if (pruned == 0)
        return;
    model->base_term = model->entries[pruned - 1].term;
    model->base += all ? pruned + JUMP : pruned;
    model->count -= pruned;
    memmove (model->entries, model->entries + pruned, model->count * sizeof *model->entries);
}

static void
s_plan (log_t *self, hf_random_t seed)
{
    for (long i = 2; i <= self->life.versions; i++) {
        model_t *model = &self->versions[i];
        *model = self->versions[i - 1];
        unsigned kind = hf_random_u32 (&seed, 9);
        if (kind == 8) { //  a node starts on it
            model->start++;
            continue;
        }
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
s_step (power_life_t *life, void *store, long version)
{
    const model_t *to = &((log_t *)(void *)life)->versions[version], *from = to - 1;
    if ((to->term != from->term || to->vote != from->vote) &&
        hf_log_store_vote (store, to->term, (hf_member_t){to->vote, 77}) != 0)
        return -1;
    if (to->start != from->start)
        return hf_log_store_begin (store);
    unsigned pruned = (unsigned)(to->base - from->base), same = 0;
    if (pruned > JUMP) {
        if (hf_log_store_reset (store, to->base, to->base_term, (hf_span_t){.size = 0}) != 0)
            return -1;
        pruned = from->count;
    } else if (pruned > 0) {
        int rc = hf_log_store_prune (store, to->base, 0, UINT32_MAX);
        if (rc < 0)
            return -1;
        assert_int_equal (rc, pruned);
    }
    while (pruned + same < from->count && same < to->count &&
           from->entries[pruned + same].salt == to->entries[same].salt)
        same++;
    if (pruned + same < from->count && hf_log_store_truncate (store, to->base + same + 1) != 0)
        return -1;
    for (unsigned i = same; i < to->count; i++)
        if (hf_log_store_append (
                store, to->base + i + 1,
                &(hf_entry_t){to->entries[i].term, HF_ENTRY_COMMANDS,
                              power_bytes (to->entries[i].salt, to->entries[i].size)}) != 0)
            return -1;
    return hf_log_store_commit (store);
}

static bool
s_same_head (hf_log_store_t *store, const model_t *model)
{
    uint64_t life;
    const hf_log_state_t *now = hf_log_store_state (store);
    return hf_log_store_start (store, &life) == model->start && now->term == model->term &&
           now->voted_for.node == model->vote && now->base_index == model->base &&
           now->base_term == model->base_term && now->last_index == model->base + model->count;
}

static void
s_ignore_span (void *arg, uint64_t first_index, uint64_t term)
{
    (void)arg, (void)first_index, (void)term;
}

static void
s_refuses (power_life_t *life, void *store, long kept)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    assert_int_equal (hf_log_store_vote (store, UINT32_MAX, (hf_member_t){1, 77}), -1);
    assert_int_equal (hf_log_store_append (store, hf_log_store_state (store)->last_index + 1,
                                           &(hf_entry_t){1, HF_ENTRY_COMMANDS, power_bytes (1, 9)}),
                      -1);
    assert_int_equal (hf_log_store_truncate (store, UINT32_MAX), -1);
    assert_int_equal (hf_log_store_prune (store, UINT32_MAX, 0, 100), -1);
    assert_int_equal (hf_log_store_reset (store, UINT32_MAX, 1, (hf_span_t){.size = 0}), -1);
    assert_int_equal (hf_log_store_begin (store), -1);
    assert_int_equal (hf_log_store_commit (store), -1);
    assert_int_equal (hf_log_store_read (store, 1, 1, 100, &pack), -1);
    assert_int_equal (hf_log_store_spans (store, s_ignore_span, NULL), -1);
    assert_true (s_same_head (store, &((log_t *)(void *)life)->versions[kept]));
    hf_pack_done (&pack);
}

static void
s_made (power_life_t *life, void *store)
{
    log_t *self = (void *)life;
    self->incarnation = hf_log_store_incarnation (store);
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
        hf_span_t want = power_bytes (model->entries[i].salt, model->entries[i].size);
        if (!hf_entry_get (&scan, &entry) || entry.term != model->entries[i].term ||
            entry.payload.size != want.size || memcmp (entry.payload.at, want.at, want.size) != 0)
            return false;
    }
    return true;
}

static bool
s_same (hf_log_store_t *store, const model_t *model)
{
    if (!s_same_head (store, model))
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
    const hf_log_state_t *now = hf_log_store_state (store);
    log_t *self = (void *)life;
    uint64_t incarnation = hf_log_store_incarnation (store);
    long version = high;
    while (version >= low && !s_same (store, &self->versions[version]))
        version--;
    if (version < low) {
        snprintf (why, POWER_WHY,
                  "term %" PRIu64 ", last entry %" PRIu64 " is no version of %ld to %ld", now->term,
                  now->last_index, low, high);
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

POWER_STORE_CALLS (hf_log_store, s_made)

power_life_t *
life_log_new (uint64_t seed, unsigned commits)
{
    power_life_t *life = power_store_life (sizeof (log_t), "log", &s_calls, commits);
    s_plan ((log_t *)(void *)life, (hf_random_t){seed});
    return life;
}
