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

STORE_OPEN (hf_dir, s_open, s_reopen, s_refused)

static void
s_expect_open (const char *path)
{
    hf_dir_t *dir = s_open (path);
    hf_dir_close (&dir);
    assert_null (dir);
    hf_dir_close (&dir); //  nothing to close
}

STORE_TEST (test_is_made_with_those_above_it)
{
    const char *path = fixture_path (*state, "a/b/data");
    s_expect_open (path);
    struct stat st;
    assert_int_equal (stat (path, &st), 0);
    assert_true (S_ISDIR (st.st_mode));
    assert_int_equal (st.st_mode & 077, 0); //  what the files say is for the node's user alone
    s_expect_open (fixture_path (*state, "a/b/data/"));
}

STORE_TEST (test_second_process_is_refused_with_the_first_ones_pid)
{
    hf_dir_t *dir = s_open (*state);
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
    s_expect_open (*state);
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
    s_expect_open (*state);
}

STORE_TEST (test_what_is_no_folder_is_refused)
{
    const char *path = fixture_path (*state, "file");
    fixture_write (path, "x", 1);
    s_refused (path, "is not a folder", NULL);
    s_refused (fixture_path (*state, "file/below"), "is not a folder", NULL);
    s_refused ("", "empty", NULL);
    char *deep = malloc (6000);
    memset (deep, 'x', 5999);
    deep[5999] = 0;
    s_refused (deep, "too long", NULL);
    free (deep);
}

STORE_TEST (test_lock_file_that_cannot_be_written_is_reported)
{
    assert_int_equal (mkdir (fixture_path (*state, "lock"), 0700), 0); //  root may write anything
    s_refused (*state, "lock cannot be written", NULL);
    s_refused ("/proc/holdfast-data", "cannot be made", NULL);
}

HF_TEST_MAIN (NULL, NULL)
