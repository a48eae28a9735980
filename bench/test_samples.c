/*  Samples and what they are judged by; and a look at this process and a folder. */
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_folder.h"
#include "bench/samples.h"
#include <errno.h>
#include <sys/stat.h>

static int
s_setup (void **state)
{
    char path[PATH_MAX];
    *state = hf_folder_make (NULL, "hf-samples", path) == 0 ? strdup (path) : NULL;
    return *state ? 0 : -1;
}

static int
s_teardown (void **state)
{
    int rc = hf_folder_remove (*state);
    free (*state);
    return rc;
}

/*  A hundred samples of one node: memory at a level from a tenth on, the log growing for ever. */
static hf_samples_t *
s_make (void)
{
    hf_samples_t *samples = hf_samples_new (1);
    for (uint64_t i = 0; i <= 100; i++) {
        hf_usage_t usage = {{i < 10 ? 1000 + i : 2000, 100 * i, 30, 20, 1000000 * i, 1000000 * i}};
        hf_samples_add (samples, 1000 * i, &usage);
    }
    return samples;
}

HF_TEST (s_test_growth)
{
    hf_samples_t *samples = s_make ();
    double memory = hf_samples_growth (samples, 0, HF_SAMPLES_MEMORY);
    double databases = hf_samples_growth (samples, 0, HF_SAMPLES_DATABASES);
    assert_true (memory > 0.999 && memory < 1.001);
    double want = (10000.0 + 50) / (5000.0 + 50); //  the files themselves are not in it
    assert_true (databases > want - 0.001 && databases < want + 0.001);
    assert_true (memory <= HF_SAMPLES_FLAT && databases > HF_SAMPLES_FLAT);
    hf_samples_destroy (&samples);
    assert_null (samples);
}

HF_TEST (s_test_too_few)
{
    hf_samples_t *samples = hf_samples_new (2);
    assert_true (hf_samples_growth (samples, 1, HF_SAMPLES_MEMORY) <= 0);
    hf_usage_t usage[2] = {{{10}}, {{20}}};
    hf_samples_add (samples, 0, usage);
    hf_samples_add (samples, 1000, usage);
    assert_true (hf_samples_growth (samples, 1, HF_SAMPLES_MEMORY) <= 0);
    hf_samples_destroy (&samples);
}

/*  The first lines of PATH. */
static void
s_read (const char *path, char *text, size_t size)
{
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    text[fread (text, 1, size - 1, file)] = 0;
    fclose (file);
}

HF_TEST_WITH (s_test_table, s_setup, s_teardown)
{
    const char *folder = *state;
    char path[256], text[512];
    snprintf (path, sizeof path, "%s/table", folder);
    hf_samples_t *samples = hf_samples_new (2);
    hf_usage_t usage[2] = {{{1, 2, 3, 4, 5, 6}}, {{7, 8, 9, 10, 11, 12}}};
    hf_samples_add (samples, 2000, usage);
    assert_int_equal (hf_samples_write (samples, path), 0);
    s_read (path, text, sizeof text);
    assert_string_equal (text, "operations\tn1_rss_kib\tn1_log_kib\tn1_state_kib\tn1_filesdb_kib"
                               "\tn1_files_kib\tn1_other_kib\tn2_rss_kib\tn2_log_kib\tn2_state_kib"
                               "\tn2_filesdb_kib\tn2_files_kib\tn2_other_kib\n"
                               "2000\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\n");
    snprintf (path, sizeof path, "%s/not/there", folder);
    assert_int_equal (hf_samples_write (samples, path), -1);
    assert_int_equal (errno, ENOENT);
    hf_samples_destroy (&samples);
}

static void
s_put (const char *folder, const char *name, size_t size)
{
    char path[512];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    for (size_t i = 0; i < size; i++)
        fputc ('x', file);
    assert_int_equal (fclose (file), 0);
}

HF_TEST_WITH (s_test_usage, s_setup, s_teardown)
{
    const char *folder = *state;
    char path[256];
    snprintf (path, sizeof path, "%s/node", folder);
    assert_int_equal (mkdir (path, 0755), 0);
    s_put (path, "log.db", 4096);
    s_put (path, "log.db-wal", 1025);
    s_put (path, "state.db", 2048);
    s_put (path, "files.db-wal", 1);
    s_put (path, "lock", 6);
    char sub[300];
    snprintf (sub, sizeof sub, "%s/files", path);
    assert_int_equal (mkdir (sub, 0755), 0);
    s_put (sub, "a", 3000);
    s_put (sub, "b", 72);
    hf_usage_t usage;
    assert_int_equal (hf_usage_take (path, &usage), 0);
    static const hf_usage_t want = {{0, 6, 2, 1, 3, 1}};
    assert_memory_equal (&usage, &want, sizeof want);
    assert_int_equal (hf_usage_databases_kib (&usage), 9);
    snprintf (path, sizeof path, "%s/nothing", folder);
    assert_int_equal (hf_usage_take (path, &usage), -1);
}

HF_TEST_MAIN (NULL, NULL)
