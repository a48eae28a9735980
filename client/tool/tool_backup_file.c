//  A backup on disk: FILE.part until it is whole, durable and checked.

#include "client/tool/tool_backup_file.h"
#include "client/tool/tool_text.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

//  ---- a process that is ended ------------------------------------------------------

static const char *volatile s_part; //  removed by a signal; NULL: nothing

static void
s_ended (int number)
{
    const char *part = s_part;
    if (part)
        unlink (part);
    raise (number); //  its action is the default again
}

static const int s_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
#define SIGNALS (sizeof s_signals / sizeof *s_signals)

/*  They wait until the file that they must remove is known. Gives what was held before. */
static sigset_t
s_hold_signals (void)
{
    sigset_t held, before;
    sigemptyset (&held);
    for (size_t i = 0; i < SIGNALS; i++)
        sigaddset (&held, s_signals[i]);
    pthread_sigmask (SIG_BLOCK, &held, &before);
    return before;
}

static void
s_watch_signals (const char *part)
{
    struct sigaction action = {.sa_handler = s_ended, .sa_flags = (int)SA_RESETHAND};
    s_part = part;
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        //  One that is ignored stays so: nohup.
        if (sigaction (s_signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction (s_signals[i], &action, NULL);
    }
}

//  ---- writing ----------------------------------------------------------------------

static int
s_cannot (tool_backup_out_t *self, const char *verb)
{
    return hf_error_set (self->error, "cannot %s %s: %s", verb,
                         self->part ? self->part : "standard output", strerror (errno));
}

static int
s_write (void *arg, const uint8_t *bytes, size_t size)
{
    tool_backup_out_t *self = arg;
    while (size > 0) {
        ssize_t done = write (self->fd, bytes, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return s_cannot (self, "write");
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

/*  The lock keeps two backups from writing the same file. */
static int
s_lock_part (tool_backup_out_t *self)
{
    self->fd = open (self->part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->fd < 0)
        return s_cannot (self, "make");
    if (flock (self->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close (self->fd); //  and it stays: it is another one's
        self->fd = -1;
        return hf_error_set (self->error, "another backup is being written to %s", self->part);
    }
    s_watch_signals (self->part);
    return ftruncate (self->fd, 0) == 0 ? 0 : s_cannot (self, "write");
}

static int
s_open_part (tool_backup_out_t *self)
{
    self->part = tool_alloc (strlen (self->path) + sizeof ".part");
    strcat (strcpy (self->part, self->path), ".part");
    sigset_t before = s_hold_signals ();
    int rc = s_lock_part (self);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    return rc;
}

int
tool_backup_out_begin (tool_backup_out_t *self, const char *path, uint64_t total)
{
    self->path = path;
    self->part = NULL;
    self->fd = STDOUT_FILENO;
    if (strcmp (path, "-") != 0 && s_open_part (self) != 0)
        return -1;
    return hf_backup_begin (&self->writer, total, s_write, self);
}

int
tool_backup_out_put (tool_backup_out_t *self, const uint8_t *bytes, size_t size)
{
    return hf_backup_put (&self->writer, bytes, size);
}

static int
s_check_part (tool_backup_out_t *self)
{
    tool_backup_in_t *in = tool_alloc (sizeof *in);
    int rc = tool_backup_in_open (in, self->part);
    if (rc == 0)
        rc = tool_backup_in_check (in);
    if (rc != 0)
        hf_error_set (self->error, "%s", in->error);
    tool_backup_in_done (in);
    free (in);
    return rc == 0 ? 0 : -1;
}

/*  The name in its folder, so that it stays. */
static int
s_sync_folder (tool_backup_out_t *self)
{
    char *folder = tool_copy (self->path);
    char *slash = strrchr (folder, '/');
    if (slash)
        slash[slash == folder] = 0;
    int fd = open (slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync (fd) == 0
                 ? 0
                 : hf_error_set (self->error, "cannot sync the folder of %s: %s", self->path,
                                 strerror (errno));
    if (fd >= 0)
        close (fd);
    free (folder);
    return rc;
}

int
tool_backup_out_finish (tool_backup_out_t *self)
{
    if (!self->part)
        return 0;
    if (fsync (self->fd) != 0)
        return s_cannot (self, "sync");
    if (s_check_part (self) != 0)
        return -1;
    if (rename (self->part, self->path) != 0)
        return hf_error_set (self->error, "cannot rename %s to %s: %s", self->part, self->path,
                             strerror (errno));
    s_part = NULL;
    free (self->part);
    self->part = NULL;
    close (self->fd);
    self->fd = -1;
    return s_sync_folder (self);
}

void
tool_backup_out_done (tool_backup_out_t *self)
{
    if (self->part && self->fd >= 0) {
        unlink (self->part);
        close (self->fd);
    }
    s_part = NULL;
    free (self->part);
}

//  ---- reading ----------------------------------------------------------------------

/*  Of an error of the disk, errno is kept in the text, and the file is not said to be damaged. */
static int
s_read (void *arg, uint64_t offset, uint8_t *bytes, size_t size, char error[HF_ERROR_SIZE])
{
    tool_backup_in_t *self = arg;
    while (size > 0) {
        ssize_t done = pread (self->fd, bytes, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            int rc = hf_error_set (error, "cannot read %s: %s", self->backup.file.name,
                                   done < 0 ? strerror (errno) : "it became shorter");
            close (self->fd);
            self->fd = -1;
            return rc;
        }
        bytes += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
    return 0;
}

static int
s_result (const tool_backup_in_t *self, int rc)
{
    return rc == 0 ? 0 : self->fd < 0 ? -1 : 1;
}

int
tool_backup_in_open (tool_backup_in_t *self, const char *path)
{
    struct stat info;
    memset (self, 0, sizeof *self);
    self->fd = open (path, O_RDONLY | O_CLOEXEC);
    if (self->fd < 0 || fstat (self->fd, &info) != 0)
        return hf_error_set (self->error, "cannot open %s: %s", path, strerror (errno));
    if (!S_ISREG (info.st_mode))
        return hf_error_set (self->error, "%s is no regular file", path);
    hf_snapshot_source_t file = {
        .arg = self, .name = path, .total = (uint64_t)info.st_size, .read = s_read};
    self->backup.file = file; //  its name, should the first read fail
    if (hf_backup_open (&self->backup, &file, self->error) != 0)
        return s_result (self, -1);
    hf_snapshot_source_t source = hf_backup_source (&self->backup);
    int rc = hf_snapshot_open (&self->snapshot, &source);
    if (rc != 0)
        hf_error_set (self->error, "%s", self->snapshot.error);
    return s_result (self, rc);
}

int
tool_backup_in_check (tool_backup_in_t *self)
{
    int rc = hf_snapshot_check (&self->snapshot);
    if (rc != 0)
        hf_error_set (self->error, "%s", self->snapshot.error);
    return s_result (self, rc);
}

void
tool_backup_in_done (tool_backup_in_t *self)
{
    hf_snapshot_close (&self->snapshot);
    if (self->fd >= 0)
        close (self->fd);
}
