//  The data folder: made, locked, refused.

#include "store_fixture.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_log_store.h"
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char s_error[HF_ERROR_SIZE];

STORE_TEST (test_is_made_with_those_above_it)
{
    const char *path = fixture_path (*state, "a/b/data");
    hf_dir_t *dir = hf_dir_open (path, s_error);
    assert_non_null (dir);
    struct stat st;
    assert_int_equal (stat (path, &st), 0);
    assert_true (S_ISDIR (st.st_mode));
    assert_int_equal (st.st_mode & 077, 0); //  what the files say is for the node's user alone
    hf_dir_close (&dir);
    assert_null (dir);
    hf_dir_close (&dir); //  nothing to close

    dir = hf_dir_open (fixture_path (*state, "a/b/data/"), s_error);
    assert_non_null (dir);
    hf_dir_close (&dir);
}

STORE_TEST (test_second_process_is_refused_with_the_first_ones_pid)
{
    hf_dir_t *dir = hf_dir_open (*state, s_error);
    assert_non_null (dir);
    char pid[64];
    snprintf (pid, sizeof pid, "in use by process %ld", (long)getpid ());
    pid_t child = fork ();
    assert_true (child >= 0);
    if (child == 0) {
        hf_dir_t *second = hf_dir_open (*state, s_error);
        _exit (second == NULL && strstr (s_error, pid) && strstr (s_error, *state) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal (waitpid (child, &status, 0), child);
    assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    hf_dir_close (&dir);
    dir = hf_dir_open (*state, s_error);
    assert_non_null (dir);
    hf_dir_close (&dir);
}

static void
s_hold_and_die (const char *path, int steps)
{
    if (hf_dir_open (path, s_error))
        fixture_step (steps);
}

STORE_TEST (test_killed_process_leaves_no_lock)
{
    assert_int_equal (fixture_kill (s_hold_and_die, *state), 1);
    assert_true (fixture_size (fixture_path (*state, "lock")) > 0);
    hf_dir_t *dir = hf_dir_open (*state, s_error);
    assert_non_null (dir);
    hf_dir_close (&dir);
}

STORE_TEST (test_what_is_no_folder_is_refused)
{
    const char *path = fixture_path (*state, "file");
    fixture_write (path, "x", 1);
    assert_null (hf_dir_open (path, s_error));
    assert_contains (s_error, "is not a folder");
    assert_null (hf_dir_open (fixture_path (*state, "file/below"), s_error));
    assert_contains (s_error, "is not a folder");
    assert_null (hf_dir_open ("", s_error));
    assert_contains (s_error, "empty");
    char *deep = malloc (6000);
    memset (deep, 'x', 5999);
    deep[5999] = 0;
    assert_null (hf_dir_open (deep, s_error));
    assert_contains (s_error, "too long");
    free (deep);
}

STORE_TEST (test_lock_file_that_cannot_be_written_is_told)
{
    assert_int_equal (mkdir (fixture_path (*state, "lock"), 0700), 0); //  root may write anything
    assert_null (hf_dir_open (*state, s_error));
    assert_contains (s_error, "lock cannot be written");
    assert_null (hf_dir_open ("/proc/holdfast-data", s_error));
    assert_contains (s_error, "cannot be made");
}

HF_TEST_MAIN (NULL, NULL)
