//  A dump of a folder that cannot be written.

#include "nodes/hf_dump_copy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PIECE (64U << 10)

static const char *const s_names[] = {"log.db",       "log.db-wal", "state.db",
                                      "state.db-wal", "files.db",   "files.db-wal"};
#define NAMES (sizeof s_names / sizeof *s_names)

bool
hf_dump_needs_copy (const char *dir)
{
    char lock[PATH_MAX];
    struct statvfs disk;
    snprintf (lock, sizeof lock, "%s/lock", dir);
    if (access (dir, W_OK) != 0 || (access (lock, W_OK) != 0 && errno != ENOENT))
        return true;
    return statvfs (dir, &disk) == 0 && disk.f_bavail == 0;
}

/*  Whether a process uses it, as far as we may look. */
static bool
s_in_use (const char *dir)
{
    char lock[PATH_MAX];
    snprintf (lock, sizeof lock, "%s/lock", dir);
    int fd = open (lock, O_RDONLY | O_CLOEXEC);
    bool used = fd >= 0 && flock (fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        close (fd);
    return used;
}

/*  All bytes of FROM in TO. 0, or an errno. */
static int
s_pour (int from, int to)
{
    static char piece[PIECE];
    for (;;) {
        ssize_t size = read (from, piece, sizeof piece);
        if (size == 0)
            return 0;
        if (size < 0 && errno == EINTR)
            continue;
        for (ssize_t done = 0, part; size > 0 && done < size; done += part) {
            part = write (to, piece + done, (size_t)(size - done));
            if (part < 0 && errno != EINTR)
                return errno;
            part = part < 0 ? 0 : part;
        }
        if (size < 0)
            return errno;
    }
}

/*  One that is not there is not copied. 0, or -1 with ERROR; *full: there is no room. */
static int
s_copy (const char *dir, const char *copy, const char *name, bool *full, char error[HF_ERROR_SIZE])
{
    char path[PATH_MAX];
    snprintf (path, sizeof path, "%s/%s", dir, name);
    int from = open (path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return errno == ENOENT
                   ? 0
                   : hf_error_set (error, "%s cannot be read: %s", path, strerror (errno));
    snprintf (path, sizeof path, "%s/%s", copy, name);
    int to = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = to < 0 ? errno : s_pour (from, to);
    close (from);
    if (to >= 0 && close (to) != 0 && rc == 0)
        rc = errno;
    *full = rc == ENOSPC || rc == EDQUOT;
    return rc == 0 ? 0 : hf_error_set (error, "%s cannot be written: %s", path, strerror (rc));
}

static int
s_copy_to (const char *root, const char *dir, char copy[PATH_MAX], bool *full,
           char error[HF_ERROR_SIZE])
{
    *full = false;
    snprintf (copy, PATH_MAX, "%s/holdfast-dump-XXXXXX", root);
    if (!mkdtemp (copy)) {
        *full = true;
        copy[0] = 0;
        return hf_error_set (error, "no folder can be made in %s: %s", root, strerror (errno));
    }
    for (size_t i = 0; i < NAMES; i++) {
        if (s_copy (dir, copy, s_names[i], full, error) == 0)
            continue;
        hf_dump_copy_remove (copy);
        copy[0] = 0;
        return -1;
    }
    return 0;
}

int
hf_dump_copy (const char *dir, char copy[PATH_MAX], char error[HF_ERROR_SIZE])
{
    const char *const roots[] = {getenv ("TMPDIR"), "/tmp", "/dev/shm"};
    bool full = true;
    int rc = -1;
    copy[0] = 0;
    if (s_in_use (dir))
        return hf_error_set (error, "%s is in use by another process", dir);
    for (size_t i = 0; i < sizeof roots / sizeof *roots && rc != 0 && full; i++)
        if (roots[i] && roots[i][0])
            rc = s_copy_to (roots[i], dir, copy, &full, error);
    return rc;
}

void
hf_dump_copy_remove (const char *copy)
{
    char path[PATH_MAX];
    if (copy[0] == 0)
        return;
    for (size_t i = 0; i < NAMES; i++) {
        snprintf (path, sizeof path, "%s/%s", copy, s_names[i]);
        unlink (path);
        snprintf (path, sizeof path, "%s/%s-shm", copy, s_names[i]);
        unlink (path);
    }
    snprintf (path, sizeof path, "%s/files", copy);
    rmdir (path);
    rmdir (copy);
}
