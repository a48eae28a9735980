//  A state stream as it comes in: into a file of its own, checked when it is whole.

#include "nodes/store/hf_db.h"
#include "nodes/store/hf_install.h"
#include "nodes/store/hf_stream.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct hf_incoming {
    char *dir;
    int dir_fd;
    int fd; //  of the stream
    uint64_t total;
    uint64_t have;
    bool ready;
    char error[HF_ERROR_SIZE];
};

static int
s_fail (hf_incoming_t *self, const char *what, const char *name)
{
    const char *cause = errno == ENOSPC || errno == EDQUOT ? "the disk is full" : strerror (errno);
    return hf_db_say (self->error, "cannot %s %s/%s: %s", what, self->dir, name, cause);
}

static int
s_remove (hf_incoming_t *self, const char *name)
{
    if (unlinkat (self->dir_fd, name, 0) != 0 && errno != ENOENT)
        return s_fail (self, "remove", name);
    return 0;
}

static int
s_open (hf_incoming_t *self)
{
    self->dir_fd = open (self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0)
        return s_fail (self, "open", "");
    if (mkdirat (self->dir_fd, HF_STREAM_FOLDER, 0700) != 0 && errno != EEXIST)
        return s_fail (self, "make", HF_STREAM_FOLDER);
    if (s_remove (self, HF_STREAM_PARTIAL) != 0 || s_remove (self, HF_STREAM_READY) != 0)
        return -1;
    self->fd = openat (self->dir_fd, HF_STREAM_PARTIAL,
                       O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return self->fd < 0 ? s_fail (self, "make", HF_STREAM_PARTIAL) : 0;
}

hf_incoming_t *
hf_incoming_new (const char *dir, uint64_t total, char *error)
{
    hf_incoming_t *self = calloc (1, sizeof *self);
    assert (self);
    self->dir = strdup (dir);
    assert (self->dir);
    self->dir_fd = self->fd = -1;
    self->total = total;
    int rc =
        total <= HF_STREAM_PREFIX || total > INT64_MAX
            ? hf_db_say (self->error, "a state stream of %" PRIu64 " bytes makes no sense", total)
            : s_open (self);
    if (rc != 0) {
        memcpy (error, self->error, HF_ERROR_SIZE);
        hf_incoming_destroy (&self);
    }
    return self;
}

void
hf_incoming_destroy (hf_incoming_t **self_p)
{
    hf_incoming_t *self = *self_p;
    if (!self)
        return;
    if (self->fd >= 0) {
        close (self->fd);
        //  What cannot be removed now goes at the next start.
        if (!self->ready && unlinkat (self->dir_fd, HF_STREAM_PARTIAL, 0) == 0)
            unlinkat (self->dir_fd, HF_STREAM_FOLDER, AT_REMOVEDIR);
    }
    if (self->dir_fd >= 0)
        close (self->dir_fd);
    free (self->dir);
    free (self);
    *self_p = NULL;
}

const char *
hf_incoming_error (const hf_incoming_t *self)
{
    return self->error;
}

uint64_t
hf_incoming_have (const hf_incoming_t *self)
{
    return self->have;
}

int
hf_incoming_write (hf_incoming_t *self, uint64_t offset, hf_span_t bytes)
{
    assert (!self->ready);
    assert (self->have <= self->total);
    if (offset != self->have || bytes.size > self->total - offset)
        return hf_db_say (self->error,
                          "%" PRIu32 " bytes of a state stream came for offset %" PRIu64
                          ", where %" PRIu64 " of %" PRIu64 " are there",
                          bytes.size, offset, self->have, self->total);
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t n = pwrite (self->fd, bytes.at + done, bytes.size - done, (off_t)(offset + done));
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return s_fail (self, "write", HF_STREAM_PARTIAL);
    }
    self->have += bytes.size;
    return 0;
}

/*  Durable first, then named ready; then the name is made durable too. */
static int
s_name_ready (hf_incoming_t *self)
{
    if (fsync (self->fd) != 0)
        return s_fail (self, "sync", HF_STREAM_PARTIAL);
    if (renameat (self->dir_fd, HF_STREAM_PARTIAL, self->dir_fd, HF_STREAM_READY) != 0)
        return s_fail (self, "rename", HF_STREAM_PARTIAL);
    self->ready = true;
    char *folder;
    if (asprintf (&folder, "%s/" HF_STREAM_FOLDER, self->dir) < 0)
        abort ();
    int rc = hf_db_sync_folder (folder, self->error);
    free (folder);
    return rc == 0 ? hf_db_sync_folder (self->dir, self->error) : -1;
}

int
hf_incoming_finish (hf_incoming_t *self)
{
    assert (!self->ready);
    if (self->have != self->total)
        return hf_db_say (self->error, "a state stream ended after %" PRIu64 " bytes of %" PRIu64,
                          self->have, self->total);
    hf_stream_t stream;
    int rc = hf_stream_init (&stream, self->fd, "the state that another node sent", self->total);
    if (rc == 0)
        rc = hf_stream_check (&stream);
    if (rc != 0)
        memcpy (self->error, stream.error, HF_ERROR_SIZE);
    hf_stream_done (&stream);
    return rc == 0 ? s_name_ready (self) : -1;
}
