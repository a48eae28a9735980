//  The guard, seen from the tool (tool_guard.h).

#include "client/tool/tool_guard.h"
#include "client/tool/tool_text.h"
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct tool_guard {
    pid_t pid;
    int fd;
    tool_shared_t *shared;
};

//  ---- notes ---------------------------------------------------------------------

void
tool_note_send (int fd, const tool_note_t *note)
{
    //  When there is no room the other is stopped. Then the deadline, which needs no note, counts.
    ssize_t size = send (fd, note, sizeof *note, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)size;
}

int
tool_note_take (int fd, tool_note_t *note)
{
    ssize_t size;
    //  ECONNRESET: the other ended with a note of ours unread; what it sent before comes next.
    do
        size = recv (fd, note, sizeof *note, MSG_DONTWAIT);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0 && errno == EAGAIN)
        return 0;
    return size == (ssize_t)sizeof *note ? 1 : -1;
}

//  ---- start and end -------------------------------------------------------------

tool_guard_t *
tool_guard_new (const tool_guard_config_t *config)
{
    assert (config && config->argv && config->argv[0] && config->signals);
    int ends[2];
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return NULL;
    tool_guard_t *self = tool_alloc (sizeof *self);
    self->fd = ends[0];
    self->shared = mmap (NULL, sizeof *self->shared, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    self->pid = self->shared == MAP_FAILED ? -1 : fork ();
    if (self->pid == 0) {
        close (ends[0]);
        tool_watch (config, ends[1], self->shared);
    }
    int error = errno;
    close (ends[1]);
    if (self->pid < 0) {
        close (ends[0]);
        free (self);
        errno = error;
        return NULL;
    }
    return self;
}

void
tool_guard_destroy (tool_guard_t **self_p)
{
    assert (self_p);
    tool_guard_t *self = *self_p;
    if (!self)
        return;
    //  Without effect when it was reaped, as it is our child: no other process has its id by then.
    if (waitpid (self->pid, NULL, WNOHANG) == 0) {
        kill (self->pid, SIGKILL);
        waitpid (self->pid, NULL, 0);
    }
    munmap (self->shared, sizeof *self->shared);
    close (self->fd);
    free (self);
    *self_p = NULL;
}

void
tool_guard_start (tool_guard_t *self, const tool_lease_t *lease)
{
    tool_note_send (self->fd, &(tool_note_t){.what = TOOL_NOTE_START, .lease = *lease});
}

bool
tool_guard_started (tool_guard_t *self, int *error)
{
    tool_note_t note;
    int taken = tool_note_take (self->fd, &note);
    *error = taken < 0 ? EPIPE : taken > 0 ? note.number : 0;
    return taken != 0;
}

//  ---- while the command runs ------------------------------------------------------

void
tool_guard_keep (tool_guard_t *self, uint64_t deadline_ms)
{
    if (atomic_exchange (&self->shared->deadline_ms, deadline_ms) != deadline_ms)
        tool_note_send (self->fd, &(tool_note_t){.what = TOOL_NOTE_LEASE});
}

void
tool_guard_pass (tool_guard_t *self, int signal, pid_t from)
{
    tool_note_send (self->fd,
                    &(tool_note_t){.what = TOOL_NOTE_SIGNAL, .number = signal, .from = from});
}

int
tool_guard_fd (const tool_guard_t *self)
{
    return self->fd;
}

tool_news_t
tool_guard_news (tool_guard_t *self, int *status)
{
    tool_note_t note;
    int taken = tool_note_take (self->fd, &note);
    if (taken <= 0)
        return taken == 0 ? TOOL_NEWS_NONE : TOOL_NEWS_DEAD;
    *status = note.number;
    return (tool_news_t)note.what;
}
