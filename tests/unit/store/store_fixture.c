//  Folders, bytes behind the store's back, children that are killed, limits.

#include "store_fixture.h"
#include "tests/kit/hf_folder.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

//  ---- folders and files -------------------------------------------------------

int
fixture_setup (void **state)
{
    char path[PATH_MAX];
    *state = hf_folder_make (NULL, "hf-store", path) == 0 ? strdup (path) : NULL;
    return *state ? 0 : -1;
}

int
fixture_teardown (void **state)
{
    int rc = hf_folder_remove (*state);
    free (*state);
    return rc;
}

const char *
fixture_path (const char *dir, const char *name)
{
    static char paths[64][1024];
    static unsigned next;
    char *path = paths[next++ % 64];
    snprintf (path, sizeof paths[0], "%s/%s", dir, name);
    return path;
}

bool
fixture_exists (const char *path)
{
    return fixture_size (path) >= 0;
}

int64_t
fixture_size (const char *path)
{
    struct stat st;
    return lstat (path, &st) == 0 ? (int64_t)st.st_size : -1;
}

void
fixture_write (const char *path, const void *bytes, size_t size)
{
    int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true (fd >= 0);
    assert_int_equal (write (fd, bytes, size), (ssize_t)size);
    close (fd);
}

char *
fixture_read (const char *path, size_t *size)
{
    int64_t found = fixture_size (path);
    assert_true (found >= 0);
    *size = (size_t)found;
    char *bytes = calloc (1, *size + 1);
    int fd = open (path, O_RDONLY);
    assert_true (bytes && fd >= 0);
    assert_int_equal (read (fd, bytes, *size), (ssize_t)*size);
    close (fd);
    return bytes;
}

void
fixture_flip (const char *path, int64_t offset)
{
    int fd = open (path, O_RDWR);
    uint8_t byte;
    assert_true (fd >= 0);
    assert_int_equal (pread (fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    assert_int_equal (pwrite (fd, &byte, 1, offset), 1);
    close (fd);
}

void
fixture_sql (const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    char *error = NULL;
    if (sqlite3_exec (db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg ("%s: %s", sql, error);
    assert_int_equal (sqlite3_close (db), SQLITE_OK);
}

//  ---- children ----------------------------------------------------------------

void
fixture_step (int steps)
{
    if (write (steps, ".", 1) != 1)
        _exit (9);
}

unsigned
fixture_kill (fixture_child_fn *fn, const char *dir)
{
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0) {
        close (ends[0]);
        fn (dir, ends[1]);
        raise (SIGKILL);
    }
    close (ends[1]);
    unsigned count = 0;
    char byte;
    while (read (ends[0], &byte, 1) == 1)
        count++;
    close (ends[0]);
    int status = 0;
    assert_int_equal (waitpid (pid, &status, 0), pid);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
    return count;
}

//  ---- limits ------------------------------------------------------------------

static struct rlimit s_before;

void
fixture_limit (uint64_t size)
{
    signal (SIGXFSZ, SIG_IGN);
    assert_int_equal (getrlimit (RLIMIT_FSIZE, &s_before), 0);
    struct rlimit limit = {.rlim_cur = size, .rlim_max = s_before.rlim_max};
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

void
fixture_unlimit (void)
{
    assert_int_equal (setrlimit (RLIMIT_FSIZE, &s_before), 0);
}

//  ---- the log as text ---------------------------------------------------------

typedef struct listing {
    const char *title;
    char text[1000];
} listing_t;

static void
s_say (listing_t *self, const char *format, ...)
{
    size_t used = strlen (self->text);
    va_list args;
    va_start (args, format);
    vsnprintf (self->text + used, sizeof self->text - used, format, args);
    va_end (args);
}

static void
s_say_pair (void *arg, uint64_t index, uint64_t number)
{
    listing_t *self = arg;
    s_say (self, "%s %" PRIu64 ":%" PRIu64, self->title, index, number);
    self->title = "";
}

static void
s_say_roster (void *arg, uint64_t index, hf_span_t payload)
{
    hf_roster_t roster;
    assert_true (hf_roster_get (payload, &roster));
    s_say_pair (arg, index, roster.members[0].incarnation);
}

void
fixture_expect_log (hf_log_store_t *store, const char *text)
{
    listing_t found = {.title = " runs"};
    const hf_log_state_t *log = hf_log_store_state (store);
    if (log->term > 0)
        s_say (&found, "term %" PRIu64 " ", log->term);
    if (log->voted_for.node > 0)
        s_say (&found, "vote %" PRIu32 ":%" PRIu64 " ", log->voted_for.node,
               log->voted_for.incarnation);
    s_say (&found, "%" PRIu64 "-%" PRIu64 " base %" PRIu64, log->base_index + 1, log->last_index,
           log->base_term);
    assert_ok (hf_log_store_spans (store, s_say_pair, &found));
    found.title = " rosters";
    hf_log_store_rosters (store, s_say_roster, &found);
    assert_string_equal (found.text, text);
}

hf_log_store_t *
fixture_log_kept (hf_log_store_t *store, const char *dir, const char *text)
{
    char error[HF_ERROR_SIZE];
    fixture_expect_log (store, text);
    hf_log_store_close (&store);
    store = hf_log_store_open (dir, error);
    assert_non_null (store);
    fixture_expect_log (store, text);
    return store;
}
