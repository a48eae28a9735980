//  A snapshot as it comes in, on the disk.

#include "nodes/snapshot/disk/hf_snapshot_stage.h"
#include "base/hf_alloc.h"
#include "nodes/store/hf_dir.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct hf_snapshot_stage {
    char *dir;
    int dir_fd;
    int fd;
    uint64_t total;
    uint64_t have;
    bool ready;
    char error[HF_ERROR_SIZE];
};

static int
s_fail (hf_snapshot_stage_t *self, const char *verb, const char *name)
{
    return hf_error_cannot (self->error, verb, self->dir, name);
}

static int
s_remove (hf_snapshot_stage_t *self, const char *name)
{
    if (unlinkat (self->dir_fd, name, 0) != 0 && errno != ENOENT)
        return s_fail (self, "remove", name);
    return 0;
}

static int
s_open (hf_snapshot_stage_t *self)
{
    self->dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0)
        return s_fail (self, "open", "");
    if (mkdirat (self->dir_fd, HF_STAGE_FOLDER, 0700) != 0 && errno != EEXIST)
        return s_fail (self, "make", HF_STAGE_FOLDER);
    if (s_remove (self, HF_STAGE_PARTIAL) != 0 || s_remove (self, HF_STAGE_READY) != 0)
        return -1;
    self->fd = openat (self->dir_fd, HF_STAGE_PARTIAL,
                       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return self->fd < 0 ? s_fail (self, "make", HF_STAGE_PARTIAL) : 0;
}

hf_snapshot_stage_t *
hf_snapshot_stage_new (const char *dir, uint64_t total, char error[HF_ERROR_SIZE])
{
    hf_snapshot_stage_t *self = hf_alloc (sizeof *self);
    size_t size = strlen (dir) + 1;
    self->dir = memcpy (hf_alloc (size), dir, size);
    self->dir_fd = self->fd = -1;
    self->total = total;
    if (s_open (self) != 0) {
        memcpy (error, self->error, HF_ERROR_SIZE);
        hf_snapshot_stage_destroy (&self);
    }
    return self;
}

void
hf_snapshot_stage_destroy (hf_snapshot_stage_t **self_p)
{
    hf_snapshot_stage_t *self = *self_p;
    if (!self)
        return;
    if (self->fd >= 0) {
        close (self->fd);
        //  What cannot be removed now goes at the next start.
        if (!self->ready && unlinkat (self->dir_fd, HF_STAGE_PARTIAL, 0) == 0)
            unlinkat (self->dir_fd, HF_STAGE_FOLDER, AT_REMOVEDIR);
    }
    if (self->dir_fd >= 0)
        close (self->dir_fd);
    free (self->dir);
    free (self);
    *self_p = NULL;
}

const char *
hf_snapshot_stage_error (const hf_snapshot_stage_t *self)
{
    return self->error;
}

int
hf_snapshot_stage_write (hf_snapshot_stage_t *self, uint64_t offset, hf_span_t bytes)
{
    assert (!self->ready && offset == self->have);
    assert (bytes.size <= self->total - self->have);
    if (hf_dir_pwrite (self->fd, bytes, offset) != 0)
        return s_fail (self, "write", HF_STAGE_PARTIAL);
    self->have += bytes.size;
    return 0;
}

int
hf_snapshot_stage_pread (int fd, const char *path, uint64_t offset, uint8_t *bytes, size_t size,
                         char error[HF_ERROR_SIZE])
{
    ssize_t done = hf_dir_pread (fd, bytes, size, offset);
    if (done < 0)
        return hf_error_set (error, "cannot read %s: %s", path, strerror (errno));
    return (size_t)done == size
               ? 0
               : hf_error_set (error, "%s is damaged: it is shorter than it was", path);
}

int
hf_snapshot_stage_read (hf_snapshot_stage_t *self, uint64_t offset, uint8_t *bytes, size_t size)
{
    return hf_snapshot_stage_pread (self->fd, HF_STAGE_PARTIAL, offset, bytes, size, self->error);
}

/*  Durable first, then named ready; then the name is made durable too. */
int
hf_snapshot_stage_ready (hf_snapshot_stage_t *self)
{
    assert (!self->ready && self->have == self->total);
    if (fsync (self->fd) != 0)
        return s_fail (self, "sync", HF_STAGE_PARTIAL);
    if (renameat (self->dir_fd, HF_STAGE_PARTIAL, self->dir_fd, HF_STAGE_READY) != 0)
        return s_fail (self, "rename", HF_STAGE_PARTIAL);
    self->ready = true;
    char *folder;
    if (asprintf (&folder, "%s/" HF_STAGE_FOLDER, self->dir) < 0)
        abort ();
    int rc = hf_dir_sync (folder, self->error);
    free (folder);
    return rc == 0 ? hf_dir_sync (self->dir, self->error) : -1;
}
