//  The data folder: made, synced and locked.

#include "nodes/store/hf_dir.h"
#include "base/hf_alloc.h"
#include "base/hf_error.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct hf_dir {
    int lock; //  the descriptor that holds the flock
};

bool
hf_dir_has (const char *path, const char *name)
{
    char whole[PATH_MAX];
    struct stat info;
    return snprintf (whole, sizeof whole, "%s/%s", path, name) < (int)sizeof whole &&
           stat (whole, &info) == 0;
}

int
hf_dir_sync (const char *path, char *error)
{
    int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync (fd);
    if (rc != 0)
        hf_error_set (error, "%s: %s", path, strerror (errno));
    if (fd >= 0)
        close (fd);
    return rc;
}

ssize_t
hf_dir_pread (int fd, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    ssize_t n = 1;
    while (done < size && n != 0) {
        n = pread (fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR)
            return -1;
    }
    return (ssize_t)done;
}

int
hf_dir_pwrite (int fd, hf_span_t bytes, uint64_t offset)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t n = pwrite (fd, bytes.at + done, bytes.size - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return -1;
    }
    return 0;
}

/*  Make the folder and those above it. What was made is synced into the folder above, or a
 *  power cut could take the whole node's data away with one name. */
static int
s_make (const char *path, char *error)
{
    char part[PATH_MAX];
    size_t size = strlen (path);
    if (size == 0 || size >= sizeof part - sizeof "/..")
        return hf_error_set (error, "the path of the data folder is empty or too long");
    for (size_t end = 1; end <= size; end++) {
        if (path[end] != '/' && path[end] != 0)
            continue;
        memcpy (part, path, end);
        part[end] = 0;
        if (mkdir (part, 0700) != 0) {
            struct stat st;
            int number = errno;
            if (stat (part, &st) != 0)
                return hf_error_set (error, "%s cannot be made: %s", part, strerror (number));
            if (!S_ISDIR (st.st_mode))
                return hf_error_set (error, "%s is not a folder", part);
            continue;
        }
        memcpy (part + end, "/..", sizeof "/..");
        if (hf_dir_sync (part, error) != 0)
            return -1;
    }
    return 0;
}

static int
s_held_by (int fd, const char *path, char *error)
{
    char text[32] = "";
    ssize_t size = pread (fd, text, sizeof text - 1, 0);
    long pid = size > 0 ? strtol (text, NULL, 10) : 0;
    if (pid > 0)
        return hf_error_set (error, "%s is in use by process %ld", path, pid);
    return hf_error_set (error, "%s is in use by another process", path);
}

static int
s_lock (const char *path, char *error)
{
    char name[PATH_MAX + sizeof "/lock"];
    snprintf (name, sizeof name, "%s/lock", path);
    int fd = open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return hf_error_set (error, "%s cannot be written: %s", name, strerror (errno));
    if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            s_held_by (fd, path, error);
        else
            hf_error_set (error, "%s cannot be locked: %s", name, strerror (errno));
        close (fd);
        return -1;
    }
    char text[32];
    int size = snprintf (text, sizeof text, "%ld\n", (long)getpid ());
    if (ftruncate (fd, 0) != 0 || pwrite (fd, text, (size_t)size, 0) != size) {
        hf_error_set (error, "%s cannot be written: %s", name, strerror (errno));
        close (fd);
        return -1;
    }
    return fd;
}

hf_dir_t *
hf_dir_open (const char *path, char *error)
{
    if (s_make (path, error) != 0)
        return NULL;
    int fd = s_lock (path, error);
    if (fd < 0)
        return NULL;
    hf_dir_t *self = hf_alloc (sizeof *self);
    self->lock = fd;
    return self;
}

void
hf_dir_close (hf_dir_t **self_p)
{
    hf_dir_t *self = *self_p;
    if (!self)
        return;
    //  The file stays: unlinking it would let two processes lock two files of the same name.
    close (self->lock);
    free (self);
    *self_p = NULL;
}
