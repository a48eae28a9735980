/*  Histories that are true are found to be, and every kind of lie planted in them is found.
 *
 *      test_check_random [OPERATIONS]      //  how long a history of that length takes
 */
#include "base/hf_array.h"
#include "tests/kit/hf_test.h"
#include "base/hf_random.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/check/story.h"
#include <time.h>

static size_t s_operations = 50000;

//  ---- true histories -------------------------------------------------------------------

static void
s_record (void *arg, const hf_record_t *record)
{
    hf_recorder_write (arg, record);
}

static void
s_contents (hf_check_t *check, const story_t *story)
{
    for (uint32_t file = 0; file < STORY_FILES; file++)
        hf_check_content (check, 0, story->file_name[file], story->file[file].bytes,
                          story->file[file].size);
}

static void
test_long_and_true (void **state)
{
    (void)state;
    char error[HF_ERROR_SIZE] = "";
    FILE *stream = tmpfile ();
    assert_non_null (stream);
    hf_recorder_t *recorder = hf_recorder_new_stream (stream);
    story_t story;
    story_play (&story, 1, s_operations, s_record, recorder);
    assert_true (hf_recorder_destroy (&recorder));
    rewind (stream);
    clock_t start_cpu = clock ();
    uint64_t start_us = hf_recorder_now_us ();
    hf_check_t *check = hf_check_new (stderr);
    assert_true (hf_check_read (check, stream, "story", error));
    uint64_t read_us = hf_recorder_now_us ();
    s_contents (check, &story);
    unsigned wrong = hf_check_run (check);
    uint64_t end_us = hf_recorder_now_us ();
    hf_check_summary (check, stdout);
    printf ("%zu operations: %.2f s to read, %.2f s to check, %.2f s of processor time\n",
            s_operations, (double)(read_us - start_us) / 1e6, (double)(end_us - read_us) / 1e6,
            (double)(clock () - start_cpu) / CLOCKS_PER_SEC);
    assert_int_equal (wrong, 0);
    hf_check_destroy (&check);
    story_done (&story);
    fclose (stream);
}

//  ---- a story to be changed --------------------------------------------------------------

typedef struct tale {
    story_t story;
    HF_ARRAY (hf_record_t) records;
    hf_random_t seed;
} tale_t;

static void
s_keep (void *arg, const hf_record_t *record)
{
    tale_t *tale = arg;
    *hf_array_add (&tale->records) = *record;
}

static void
s_forget (tale_t *tale)
{
    hf_array_free (&tale->records);
    story_done (&tale->story);
}

static hf_check_t *
s_check (const tale_t *tale, bool with_files, FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    char error[HF_ERROR_SIZE] = "";
    FILE *stream = open_memstream (&text, &size);
    hf_recorder_t *recorder = hf_recorder_new_stream (stream);
    for (size_t i = 0; i < tale->records.count; i++)
        hf_recorder_write (recorder, &tale->records.list[i]);
    assert_true (hf_recorder_destroy (&recorder));
    fclose (stream);
    stream = fmemopen (text, size, "r");
    hf_check_t *check = hf_check_new (out);
    if (!hf_check_read (check, stream, "tale", error))
        fail_msg ("%s", error);
    fclose (stream);
    free (text);
    if (with_files)
        s_contents (check, &tale->story);
    hf_check_run (check);
    return check;
}

static unsigned
s_total (const hf_check_t *check)
{
    unsigned total = 0;
    for (unsigned i = 0; i < HF_PROMISES; i++)
        total += hf_check_found (check, (hf_promise_t)i);
    return total;
}

static bool
s_is (const hf_record_t *record, const char *op, const char *status)
{
    return strcmp (record->op, op) == 0 &&
           (!status || (record->status && strcmp (record->status, status) == 0));
}

static bool
s_same (const char *a, const char *b)
{
    return a && b && strcmp (a, b) == 0;
}

/*  The first record from *AT on of that token, op and status (NULL: any); *AT is behind it then.
 *  NULL: none. */
static hf_record_t *
s_next_of (const tale_t *tale, size_t *at, uint64_t token, const char *op, const char *status)
{
    while (*at < tale->records.count) {
        hf_record_t *record = &tale->records.list[(*at)++];
        if (record->token == token && s_is (record, op, status))
            return record;
    }
    return NULL;
}

static hf_record_t *
s_release_of (const tale_t *tale, uint64_t token)
{
    size_t at = 0;
    return s_next_of (tale, &at, token, "release", "OK");
}

/*  A random one of that op and status, but not one of the first or last few; NULL: none. */
static hf_record_t *
s_draw (tale_t *tale, const char *op, const char *status)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        hf_record_t *record =
            &tale->records.list[50 + hf_random_below (&tale->seed, tale->records.count - 100)];
        if (s_is (record, op, status))
            return record;
    }
    return NULL;
}

/*  The grant of the same lock that comes next. */
static hf_record_t *
s_next_grant (tale_t *tale, const hf_record_t *grant)
{
    hf_record_t *next = NULL;
    for (size_t i = 0; i < tale->records.count; i++) {
        hf_record_t *record = &tale->records.list[i];
        if (s_is (record, "acquire", "OK") && s_same (record->lock, grant->lock) &&
            record->token > grant->token && (!next || record->token < next->token))
            next = record;
    }
    return next;
}

static uint32_t
s_file (const tale_t *tale, const hf_record_t *record)
{
    uint32_t file = 0;
    while (!s_same (tale->story.file_name[file], record->file))
        file++;
    return file;
}

/*  Where an append is in its file; false: nowhere. */
static bool
s_locate (const tale_t *tale, const hf_record_t *append, size_t *at)
{
    const story_file_t *file = &tale->story.file[s_file (tale, append)];
    for (size_t i = 0; i + append->size <= file->size; i++) {
        if (i > 0 && file->bytes[i - 1] != '\n')
            continue;
        if (hf_recorder_hash (HF_FNV_START, file->bytes + i, append->size) == append->hash) {
            *at = i;
            return true;
        }
    }
    return false;
}

static void
s_replace (story_file_t *file, size_t at, size_t removed, const char *text, size_t size)
{
    file->bytes = hf_alloc_again (file->bytes, file->size + size + 1);
    memmove (file->bytes + at + size, file->bytes + at + removed, file->size - at - removed);
    if (size)
        memcpy (file->bytes + at, text, size);
    file->size = file->size - removed + size;
}

//  ---- lies: true when one was planted ----------------------------------------------------

static bool
s_swap_grants (tale_t *tale)
{
    hf_record_t *one = s_draw (tale, "acquire", "OK");
    hf_record_t *other = one ? s_next_grant (tale, one) : NULL;
    if (!other)
        return false;
    uint64_t token = one->token, index = one->index;
    one->token = other->token, one->index = other->index;
    other->token = token, other->index = index;
    return one->session != other->session;
}

static hf_record_t *
s_draw_written (tale_t *tale, size_t *at)
{
    hf_record_t *append = s_draw (tale, "append", "OK");
    if (!append || !s_release_of (tale, append->token) || !s_locate (tale, append, at))
        return NULL;
    return append;
}

static bool
s_drop_line (tale_t *tale)
{
    size_t at;
    const hf_record_t *append = s_draw_written (tale, &at);
    if (append)
        s_replace (&tale->story.file[s_file (tale, append)], at, append->size, NULL, 0);
    return append != NULL;
}

static bool
s_double_line (tale_t *tale)
{
    size_t at;
    const hf_record_t *append = s_draw_written (tale, &at);
    if (!append)
        return false;
    story_file_t *file = &tale->story.file[s_file (tale, append)];
    char *text = strndup (file->bytes + at, append->size);
    bool behind = hf_random_below (&tale->seed, 2) == 0;
    s_replace (file, behind ? at + append->size : file->size, 0, text, append->size);
    free (text);
    return true;
}

static bool
s_foreign_bytes (tale_t *tale)
{
    size_t at;
    const hf_record_t *append = s_draw_written (tale, &at);
    if (append)
        tale->story.file[s_file (tale, append)].bytes[at + 3] ^= 1;
    return append != NULL;
}

/*  Two lines that stand next to each other change places. */
static bool
s_swap_lines (tale_t *tale)
{
    size_t at;
    const hf_record_t *append = s_draw_written (tale, &at);
    if (!append)
        return false;
    story_file_t *file = &tale->story.file[s_file (tale, append)];
    const char *stop =
        at + append->size < file->size
            ? memchr (file->bytes + at + append->size, '\n', file->size - at - append->size)
            : NULL;
    if (!stop)
        return false;
    size_t size = (size_t)(stop + 1 - (file->bytes + at + append->size));
    char *text = strndup (file->bytes + at + append->size, size);
    s_replace (file, at + append->size, size, NULL, 0);
    s_replace (file, at, 0, text, size);
    //  Either may be of an append that was not answered: then both orders can be true.
    bool sure = false;
    for (size_t i = 0; i < tale->records.count; i++) {
        const hf_record_t *other = &tale->records.list[i];
        sure = sure || (s_is (other, "append", "OK") && other->size == size &&
                        s_release_of (tale, other->token) &&
                        other->hash == hf_recorder_hash (HF_FNV_START, text, size));
    }
    free (text);
    return sure;
}

static bool
s_cancel_instead (tale_t *tale)
{
    size_t at;
    const hf_record_t *append = s_draw_written (tale, &at);
    if (append)
        s_release_of (tale, append->token)->op = "cancel";
    return append != NULL;
}

/*  A cancelled section is reported as released: it is not in the file. */
static bool
s_release_instead (tale_t *tale)
{
    hf_record_t *cancel = s_draw (tale, "cancel", "OK");
    size_t at = 0;
    bool written = cancel && s_next_of (tale, &at, cancel->token, "append", "OK");
    if (written)
        cancel->op = "release";
    return written;
}

static bool
s_raise_token (tale_t *tale)
{
    const hf_record_t *grant = s_draw (tale, "acquire", "OK");
    const hf_record_t *next = grant ? s_next_grant (tale, grant) : NULL;
    if (!next)
        return false;
    uint64_t token = grant->token;
    for (size_t i = 0; i < tale->records.count; i++) {
        if (tale->records.list[i].token == token)
            tale->records.list[i].token = 1000000000;
    }
    return true;
}

static bool
s_overlap (tale_t *tale)
{
    hf_record_t *grant = s_draw (tale, "acquire", "OK");
    const hf_record_t *next = grant ? s_next_grant (tale, grant) : NULL;
    if (next)
        grant->until_us = next->end_us + 1;
    return next != NULL;
}

static bool
s_stale_read (tale_t *tale)
{
    hf_record_t *read = s_draw (tale, "read", "OK");
    if (!read)
        return false;
    //  The last section that was released, with an answer, before the read was asked.
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < tale->records.count; i++) {
        const hf_record_t *append = &tale->records.list[i];
        if (!s_is (append, "append", "OK") || !s_same (append->file, read->file))
            continue;
        const hf_record_t *release = s_release_of (tale, append->token);
        size_t at;
        if (release && release->end_us < read->start_us &&
            read->start_us - release->end_us < 50000 && s_locate (tale, append, &at) && at < least)
            least = at;
    }
    if (least == SIZE_MAX)
        return false;
    read->total = least;
    read->size = 0;
    return true;
}

/*  A read that gives the end of the story. */
static bool
s_future_read (tale_t *tale)
{
    hf_record_t *read = s_draw (tale, "read", "OK");
    if (!read || read->start_us > tale->records.list[tale->records.count / 2].start_us)
        return false;
    const story_file_t *file = &tale->story.file[s_file (tale, read)];
    bool more = file->size > read->total;
    read->total = file->size;
    read->size = 0;
    read->index = 0;
    return more && tale->records.list[tale->records.count / 2].start_us > read->end_us;
}

static bool
s_torn_read (tale_t *tale)
{
    hf_record_t *read = s_draw (tale, "read", "OK");
    if (!read || read->total < 10)
        return false;
    read->total -= 3;
    read->size = 0;
    return true;
}

static bool
s_other_bytes (tale_t *tale)
{
    hf_record_t *read = s_draw (tale, "read", "OK");
    if (!read || read->size == 0)
        return false;
    read->hash ^= 1;
    return true;
}

static bool
s_swap_indexes (tale_t *tale)
{
    hf_record_t *one = s_draw (tale, "append", "OK"), *other = s_draw (tale, "append", "OK");
    if (!one || !other || (one->end_us >= other->start_us && other->end_us >= one->start_us))
        return false;
    uint64_t index = one->index;
    one->index = other->index;
    other->index = index;
    return true;
}

static bool
s_same_index (tale_t *tale)
{
    hf_record_t *one = s_draw (tale, "append", "OK");
    const hf_record_t *other = s_draw (tale, "append", "OK");
    if (!one || !other || one == other)
        return false;
    one->index = other->index;
    return true;
}

static bool
s_early_end (tale_t *tale)
{
    hf_record_t *ended = s_draw (tale, "ended", NULL);
    uint64_t last_us = 0, heard_us = 0;
    for (size_t i = 0; ended && i < tale->records.count; i++) {
        const hf_record_t *record = &tale->records.list[i];
        if (record->session == ended->session && record->status && record->index &&
            record->end_us > last_us) {
            last_us = record->end_us;
            heard_us = record->start_us;
        }
    }
    if (last_us)
        ended->start_us = last_us + 1000;
    return last_us != 0 && last_us < heard_us + 800000; //  not after a long wait
}

/*  It was its own clock that ended it, in time; the cluster must not be so early. */
static bool
s_blame_cluster (tale_t *tale)
{
    hf_record_t *ended = s_draw (tale, "ended", NULL);
    for (size_t i = 0; ended && i < tale->records.count; i++) {
        const hf_record_t *record = &tale->records.list[i];
        if (record->session == ended->session && s_is (record, "append", "OK") &&
            record->start_us + 950000 > ended->start_us) {
            ended->by = "cluster";
            return true;
        }
    }
    return false;
}

/*  No earlier try that was given up may have left its place to this one. */
static bool
s_first_try (const tale_t *tale, const hf_record_t *acquire)
{
    for (size_t i = 0; i < tale->records.count; i++) {
        const hf_record_t *other = &tale->records.list[i];
        if (s_is (other, "acquire", NULL) && !s_is (other, "acquire", "OK") &&
            other->session == acquire->session && s_same (other->lock, acquire->lock) &&
            other->start_us < acquire->start_us)
            return false;
    }
    return true;
}

static bool
s_jump_queue (tale_t *tale)
{
    hf_record_t *one = s_draw (tale, "acquire", "OK");
    hf_record_t *other = one ? s_next_grant (tale, one) : NULL;
    if (!other || !one->queued_index || !other->queued_index || one->session == other->session ||
        other->queued_index > one->index || !s_first_try (tale, one) || !s_first_try (tale, other))
        return false;
    uint64_t index = one->queued_index, us = one->queued_us;
    one->queued_index = other->queued_index, one->queued_us = other->queued_us;
    other->queued_index = index, other->queued_us = us;
    return true;
}

static bool
s_release_twice (tale_t *tale)
{
    const hf_record_t *release = s_draw (tale, "release", "OK");
    if (!release)
        return false;
    hf_record_t again = *release;
    again.start_us = release->end_us + 1;
    again.end_us = release->end_us + 2;
    again.index = 1000000000;
    s_keep (tale, &again);
    return true;
}

static bool
s_use_after_end (tale_t *tale)
{
    const hf_record_t *append = s_draw (tale, "append", "OK");
    const hf_record_t *end = append ? s_release_of (tale, append->token) : NULL;
    if (!end)
        return false;
    hf_record_t late = *append;
    late.start_us = end->end_us + 1;
    late.end_us = end->end_us + 2;
    late.index = end->index + 1000000;
    s_keep (tale, &late);
    return true;
}

/*  Part of a section is taken out of one file. */
static bool
s_tear (tale_t *tale)
{
    size_t at, next = 0;
    const hf_record_t *append = s_draw_written (tale, &at), *other;
    bool elsewhere = false;
    while (append && (other = s_next_of (tale, &next, append->token, "append", "OK")))
        elsewhere = elsewhere || !s_same (other->file, append->file);
    next = 0;
    while (elsewhere && (other = s_next_of (tale, &next, append->token, "append", NULL))) {
        if (s_same (other->file, append->file) && s_locate (tale, other, &at))
            s_replace (&tale->story.file[s_file (tale, other)], at, other->size, NULL, 0);
    }
    return elsewhere;
}

static bool
s_forget_release (tale_t *tale)
{
    hf_record_t *release = s_draw (tale, "release", "OK");
    if (!release || !s_next_grant (tale, release))
        return false;
    release->op = "keepalive";
    release->token = release->index = 0;
    return true;
}

#define ONE(p) (1U << HF_PROMISE_##p)
static const struct {
    const char *name;
    bool (*plant) (tale_t *tale);
    unsigned promises; //  one of these must be named
} s_lies[] = {
    {"two grants swapped", s_swap_grants, ONE (P5A)},
    {"a line dropped", s_drop_line, ONE (P6) | ONE (P7)},
    {"a line doubled", s_double_line, ONE (ONCE)},
    {"bytes changed", s_foreign_bytes, ONE (P6)},
    {"lines swapped", s_swap_lines, ONE (P6)},
    {"released, said to be cancelled", s_cancel_instead, ONE (P6)},
    {"cancelled, said to be released", s_release_instead, ONE (P7)},
    {"a token too high", s_raise_token, ONE (P5A)},
    {"intervals overlap", s_overlap, ONE (P5B)},
    {"a stale read", s_stale_read, ONE (P10)},
    {"a read of the future", s_future_read, ONE (P10)},
    {"a torn read", s_torn_read, ONE (P6)},
    {"a read of other bytes", s_other_bytes, ONE (P10)},
    {"indexes swapped", s_swap_indexes, ONE (P10)},
    {"an index twice", s_same_index, ONE (P10)},
    {"an early end", s_early_end, ONE (P9)},
    {"an end by the cluster too early", s_blame_cluster, ONE (P9)},
    {"the queue jumped", s_jump_queue, ONE (P8)},
    {"released twice", s_release_twice, ONE (ONCE)},
    {"used after its end", s_use_after_end, ONE (P5A)},
    {"a section torn", s_tear, ONE (P6)},
    {"passed on without a release", s_forget_release, ONE (P9)},
};
#define S_LIES (sizeof s_lies / sizeof *s_lies)

static bool
s_try (uint64_t seed, size_t lie)
{
    tale_t tale = {.seed = {seed * 1000 + lie}};
    story_play (&tale.story, seed, 600, s_keep, &tale);
    bool planted = false;
    for (unsigned tries = 0; tries < 20 && !planted; tries++) {
        tale_t fresh = {.seed = {seed * 1000 + lie + tries}};
        s_forget (&tale);
        story_play (&fresh.story, seed, 600, s_keep, &fresh);
        tale = fresh;
        planted = s_lies[lie].plant (&tale);
    }
    if (planted) {
        hf_check_t *check = s_check (&tale, true, NULL);
        unsigned found = 0;
        for (unsigned i = 0; i < HF_PROMISES; i++)
            found |= hf_check_found (check, (hf_promise_t)i) ? 1U << i : 0;
        if (!(found & s_lies[lie].promises))
            fail_msg ("seed %llu: \"%s\" was not found (found: %x)", (unsigned long long)seed,
                      s_lies[lie].name, found);
        hf_check_destroy (&check);
    }
    s_forget (&tale);
    return planted;
}

static void
test_lies (void **state)
{
    (void)state;
    unsigned planted[S_LIES] = {0};
    for (uint64_t seed = 1; seed <= 20 * S_LIES; seed++)
        planted[seed % S_LIES] += s_try (seed, seed % S_LIES);
    for (size_t lie = 0; lie < S_LIES; lie++) {
        printf ("%-34s planted %2u times, found each time\n", s_lies[lie].name, planted[lie]);
        assert_true (planted[lie] >= 5);
    }
}

static void
test_short_and_true (void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        tale_t tale = {.seed = {seed}};
        story_play (&tale.story, seed, 600, s_keep, &tale);
        hf_check_t *check = s_check (&tale, seed % 4 != 0, stderr);
        if (s_total (check) > 0)
            fail_msg ("seed %llu: a true history was taken for a lie", (unsigned long long)seed);
        hf_check_destroy (&check);
        s_forget (&tale);
    }
}

int
main (int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_long_and_true),
        cmocka_unit_test (test_short_and_true),
        cmocka_unit_test (test_lies),
    };
    if (argc > 1) {
        s_operations = strtoull (argv[1], NULL, 10);
        const struct CMUnitTest only[] = {tests[0]};
        return cmocka_run_group_tests_name ("check, long", only, NULL, NULL);
    }
    return cmocka_run_group_tests_name ("check, random", tests, NULL, NULL);
}
