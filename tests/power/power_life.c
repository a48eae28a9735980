//  The drivers: a life cut, failed or killed at every operation, and looked at again.

#include "tests/kit/hf_test.h"
#include "tests/kit/hf_folder.h"
#include "power_life.h"
#include "base/hf_error.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACKS 256

static struct {
    power_disk_t *disk;
    size_t acks[ACKS]; //  operations done when the version was acknowledged
    long acked;
    size_t shown; //  operations done when the look had seen all
    char base[PATH_MAX];
    unsigned folders;
} s_now;

void
power_ack (void)
{
    assert (s_now.acked < ACKS);
    s_now.acks[s_now.acked++] = s_now.disk ? s_now.disk->ops.count : 0;
}

void
power_shown (void)
{
    s_now.shown = s_now.disk ? s_now.disk->ops.count : 0;
}

const char *
power_folder (void)
{
    static char paths[8][PATH_MAX + 16];
    char *path = paths[s_now.folders % 8];
    snprintf (path, sizeof paths[0], "%s/%u", s_now.base, s_now.folders++ % 8);
    hf_folder_remove (path);
    return path;
}

int
power_begin (void **state)
{
    (void)state;
    //  In memory, where there is room for it: nothing here need last, and it is faster.
    const char *root = access ("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : NULL;
    return hf_folder_make (root, "hf-power", s_now.base);
}

int
power_end (void **state)
{
    (void)state;
    hf_folder_remove (s_now.base);
    return 0;
}

//  ---- runs and looks --------------------------------------------------------------

static void
s_broken (power_result_t *result, const char *what, size_t at, const char *why)
{
    if (result->broken++ > 0)
        return;
    snprintf (result->first, sizeof result->first, "%s %zu: %s", what, at, why);
    if (s_now.disk && getenv ("HF_POWER_PRINT"))
        power_disk_print (s_now.disk);
}

/*  Run on a new disk, which stays watched. What is random in it is the same every time. */
static bool
s_run (power_life_t *life, const char *root, power_fault_t fault, size_t at, const char *lie)
{
    s_now.disk = NULL;
    if (life->prepare && !life->prepared) {
        const char *folder = power_folder ();
        int rc = mkdir (folder, 0700);
        assert (rc == 0);
        power_random (3);
        life->prepare (life, folder);
        life->prepared = power_disk_new (folder);
    }
    if (life->prepared) {
        power_disk_image (life->prepared, 0, POWER_EVERYTHING, 0, root);
    } else {
        int rc = mkdir (root, 0700);
        assert (rc == 0);
    }
    s_now.disk = power_disk_new (root);
    s_now.acked = 0;
    power_disk_fault (s_now.disk, fault, at);
    s_now.disk->lie = lie;
    power_watched = s_now.disk;
    power_random (1);
    return life->run (life, root);
}

static void
s_run_end (void)
{
    power_watched = NULL;
    power_disk_destroy (&s_now.disk);
}

static long
s_acked_at (size_t count)
{
    long acked = 0;
    while (acked < s_now.acked && s_now.acks[acked] <= count)
        acked++;
    return acked;
}

/*  The version that may be under way when LOW was acknowledged. */
static long
s_above (const power_life_t *life, long low)
{
    return low < life->versions ? low + 1 : low;
}

/*  Look at what is in DIR for the versions LOW to HIGH; gives the one that it shows. */
static long
s_look (power_life_t *life, const char *dir, long low, long high, power_result_t *result,
        const char *what, size_t at)
{
    char why[POWER_WHY] = "";
    power_random (2);
    long version = life->look (life, dir, low, high, why);
    if (version < 0)
        s_broken (result, what, at, why);
    return version;
}

/*  The same for an image of DISK, unless one like it was looked at before. */
static void
s_look_at_image (power_life_t *life, power_disk_t *disk, size_t count, power_left_t left,
                 uint64_t seed, long low, long high, power_result_t *result, const char *what,
                 size_t at)
{
    uint64_t key = power_disk_image (disk, count, left, seed, NULL);
    key = hf_hash_u64 (hf_hash_u64 (key, (uint64_t)low), (uint64_t)high);
    result->cuts++;
    for (size_t i = 0; i < life->seen.count; i++)
        if (life->seen.list[i] == key)
            return;
    const char *image = power_folder ();
    power_disk_image (disk, count, left, seed, image);
    if (s_look (life, image, low, high, result, what, at) >= 0)
        *hf_array_add (&life->seen) = key;
}

//  ---- cuts ------------------------------------------------------------------------

/*  Look at what is left in IMAGE while the power goes again. */
static void
s_cut_again (power_life_t *life, const char *image, long low, power_result_t *result, size_t at)
{
    power_disk_t *main_disk = s_now.disk;
    power_disk_t *disk = power_disk_new (image);
    s_now.disk = disk;
    power_watched = disk;
    long version =
        s_look (life, image, low, s_above (life, low), result, "cut before operation", at);
    size_t shown = s_now.shown;
    power_watched = NULL;
    s_now.disk = NULL;
    result->cuts += version >= 0 ? 2 : 1;
    if (version >= 0) {
        s_look_at_image (life, disk, shown, POWER_NOTHING, at, version, version, result,
                         "shown, then a second cut, after operation", at);
        const char *second = power_folder ();
        size_t count = shown > 0 ? at * 7919 % shown : 0;
        power_disk_image (disk, count, POWER_ANY, at, second);
        s_look (life, second, low, s_above (life, low), result,
                "a second cut while it opened, after operation", at);
    }
    s_now.disk = main_disk;
    power_disk_destroy (&disk);
}

power_result_t
power_cuts (power_life_t *life, unsigned seeds, size_t stride, const char *lie)
{
    power_result_t result = {.runs = 1};
    const char *root = power_folder ();
    bool whole = s_run (life, root, POWER_WELL, 0, lie);
    power_watched = NULL;
    if (!whole || s_now.acked != life->versions)
        fail_msg ("%s: the run on a good disk ended at %ld of %ld", life->name, s_now.acked,
                  life->versions);
    size_t end = s_now.disk->ops.count;
    const char *image = power_folder ();
    power_disk_image (s_now.disk, end, POWER_EVERYTHING, 0, image);
    if (!power_same (root, image))
        fail_msg ("%s: the journal has missed something", life->name);
    for (size_t at = 0; at <= end; at += stride) {
        long low = s_acked_at (at);
        for (unsigned i = 0; i < 2 + 2 * seeds; i++) {
            power_left_t left = i < 2 ? (power_left_t)i : i % 2 ? POWER_BEGINNING : POWER_ANY;
            uint64_t seed = at * 1000 + i;
            if (i == 2 + at % 2) {
                image = power_folder ();
                power_disk_image (s_now.disk, at, left, seed, image);
                s_cut_again (life, image, low, &result, at);
            } else {
                s_look_at_image (life, s_now.disk, at, left, seed, low, s_above (life, low),
                                 &result, "cut before operation", at);
            }
        }
    }
    if (lie && s_now.disk->lies == 0)
        fail_msg ("%s: no sync of \"%s\" to lie about", life->name, lie);
    s_run_end ();
    return result;
}

//  ---- failures ----------------------------------------------------------------------

long
power_fail_at (power_life_t *life, power_fault_t fault, size_t n, power_result_t *result)
{
    bool whole = s_run (life, power_folder (), fault, n, NULL);
    bool struck = s_now.disk->struck;
    long low = s_now.acked;
    result->runs++;
    result->refused += !whole;
    result->struck += struck;
    if (whole && fault == POWER_DEAD && struck && n < s_now.acks[low - 1])
        s_broken (result, "a dead disk was not noticed, from operation", n, "");
    power_watched = NULL;
    const power_left_t lefts[] = {POWER_EVERYTHING, POWER_NOTHING, POWER_ANY};
    for (size_t i = 0; i < 3; i++)
        s_look_at_image (life, s_now.disk, s_now.disk->ops.count, lefts[i], n, low,
                         s_above (life, low), result, "failed operation", n);
    s_run_end ();
    return low;
}

power_result_t
power_failures (power_life_t *life, power_fault_t fault)
{
    power_result_t result = {.runs = 0};
    size_t before;
    size_t n = 0;
    do {
        before = result.struck;
        power_fail_at (life, fault, n++, &result);
    } while (result.struck > before);
    return result;
}

//  ---- kills ---------------------------------------------------------------------------

long
power_kill (power_life_t *life, size_t n, size_t fail_at, const char *lie, power_result_t *result,
            long *last)
{
    const char *root = power_folder ();
    s_run (life, root, POWER_KILLED, n, NULL);
    result->runs++;
    result->struck += s_now.disk->struck;
    long low = *last = s_now.acked;
    bool fails = fail_at != SIZE_MAX;
    power_disk_fault (s_now.disk, fails ? POWER_IO_ONCE : POWER_WELL,
                      s_now.disk->ops.count + fail_at);
    s_now.disk->lie = lie;
    char why[POWER_WHY] = "";
    long version = life->look (life, root, low, s_above (life, low), why);
    bool failed = s_now.disk->struck;
    result->refused += version < 0;
    if (version < 0 && !failed)
        s_broken (result, "killed before operation", n, why);
    power_watched = NULL;
    power_disk_t *disk = s_now.disk;
    size_t shown = s_now.shown;
    s_now.disk = NULL; //  what was shown must be there when the power goes then
    if (version >= 0)
        s_look_at_image (life, disk, shown, POWER_NOTHING, n, version, version, result,
                         fails ? "killed, shown despite a failure, then a cut, at operation"
                               : "killed, shown, then a cut, at operation",
                         n);
    s_now.disk = disk;
    s_run_end ();
    return version;
}

power_result_t
power_kills (power_life_t *life, const char *lie)
{
    power_result_t result = {.runs = 0};
    size_t before;
    size_t n = 0;
    do {
        long last;
        before = result.struck;
        if (!lie)
            power_kill (life, n, n % 13, lie, &result, &last);
        power_kill (life, n++, SIZE_MAX, lie, &result, &last);
    } while (result.struck > before);
    return result;
}

//  ---- lives of one store ------------------------------------------------------------------

#define REOPEN 5 //  versions between two openings

/*  The step to VERSION failed: the store says so, takes nothing more, leaves the disk alone, and
 *  keeps its first error. */
static void
s_expect_refusal (power_life_t *self, void *store, long version)
{
    const power_store_t *calls = self->store;
    char error[HF_ERROR_SIZE];
    snprintf (error, sizeof error, "%s", calls->error (store));
    bool full = s_now.disk->fault == POWER_FULL;
    if (!strstr (error, self->name) || strchr (error, '\n') ||
        (full && !strstr (error, "the disk is full")))
        fail_msg ("%s: failed with \"%s\"", self->name, error);
    size_t count = s_now.disk->ops.count;
    calls->refuses (self, store, version - 1);
    assert_int_equal (s_now.disk->ops.count, count);
    assert_string_equal (calls->error (store), error);
}

static bool
s_store_run (power_life_t *self, const char *dir)
{
    const power_store_t *calls = self->store;
    char error[HF_ERROR_SIZE] = "";
    void *store = calls->open (dir, error);
    bool well = store != NULL;
    if (well && calls->made)
        calls->made (self, store);
    if (well)
        power_ack ();
    for (long i = 2; well && i <= self->versions; i++) {
        well = calls->step (self, store, i) == 0;
        if (!well) {
            s_expect_refusal (self, store, i);
            break;
        }
        power_ack ();
        if (i % REOPEN == 0) {
            calls->close (store);
            store = calls->open (dir, error);
            well = store != NULL;
        }
    }
    if (!store)
        assert_true (error[0] != 0 && !strchr (error, '\n'));
    calls->close (store);
    return well;
}

static long
s_store_look (power_life_t *self, const char *dir, long low, long high, char *why)
{
    char error[HF_ERROR_SIZE] = "";
    void *store = self->store->open (dir, error);
    if (!store) {
        snprintf (why, POWER_WHY, "refused: %s", error);
        return -1;
    }
    long version = self->store->version (self, store, low, high, why);
    power_shown ();
    self->store->close (store);
    return version;
}

power_life_t *
power_store_life (size_t size, const char *name, const power_store_t *store, unsigned commits)
{
    assert (commits + 2 <= POWER_VERSIONS);
    power_life_t *self = hf_alloc (size);
    *self = (power_life_t){.name = name,
                           .run = s_store_run,
                           .look = s_store_look,
                           .store = store,
                           .versions = 1 + (long)commits};
    return self;
}

hf_span_t
power_bytes (uint32_t salt, uint32_t size)
{
    static uint8_t bytes[16384];
    assert (size <= sizeof bytes);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(salt * 31 + i * 7 + (i >> 8) + 1);
    return hf_span (bytes, size);
}

void
power_life_destroy (power_life_t **self_p)
{
    power_life_t *self = *self_p;
    power_disk_destroy (&self->prepared);
    hf_array_free (&self->seen);
    free (self->bytes);
    free (self);
    *self_p = NULL;
}

//  ---- one of each -------------------------------------------------------------------------

size_t
power_find_sync (power_life_t *life, long after, const char *pattern)
{
    bool whole = s_run (life, power_folder (), POWER_WELL, 0, NULL);
    assert_true (whole && after > 0 && after < life->versions);
    size_t at = power_disk_find_sync (s_now.disk, s_now.acks[after - 1], pattern);
    assert_true (at < s_now.acks[life->versions - 1]);
    s_run_end ();
    return at;
}

//  ---- verdicts --------------------------------------------------------------------------

static void
s_print (const power_life_t *life, const char *how, const power_result_t *result)
{
    print_message ("%s, %s: %zu runs, %zu struck, %zu cuts, %zu refused, %zu broken\n", life->name,
                   how, result->runs, result->struck, result->cuts, result->refused,
                   result->broken);
}

void
power_expect_kept (const power_life_t *life, const char *how, const power_result_t *result)
{
    s_print (life, how, result);
    if (result->broken > 0)
        fail_msg ("%s, %s: %s", life->name, how, result->first);
}

void
power_expect_broken (const power_life_t *life, const char *how, const power_result_t *result)
{
    s_print (life, how, result);
    if (result->broken == 0)
        fail_msg ("%s, %s: nothing noticed", life->name, how);
    print_message ("    as it should be: %s\n", result->first);
}
