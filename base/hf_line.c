//  Lines on stderr without waiting (hf_line.h).

#include "base/hf_line.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    bool ready, socket;
    int fd;
    bool cut; //  the last line went out in part
    uint64_t dropped;
} s_out = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

/*  O_NONBLOCK belongs to the open file, which other processes share: a pipe or a terminal is opened
 *  once more. What cannot be opened (another user's terminal) is asked with poll before each line.
 */
static void
s_prepare (void)
{
    struct stat info;
    if (s_out.ready)
        return;
    s_out.ready = true;
    if (fstat (STDERR_FILENO, &info) != 0)
        return;
    s_out.socket = S_ISSOCK (info.st_mode);
    if (!S_ISFIFO (info.st_mode) && !S_ISCHR (info.st_mode))
        return;
    int fd = open ("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        s_out.fd = fd;
}

/*  How many bytes were taken; -1: none, as there is no room or nobody to read. */
static ssize_t
s_try (const char *text, size_t size)
{
    ssize_t taken;
    struct pollfd room = {.fd = s_out.fd, .events = POLLOUT};
    if (s_out.fd == STDERR_FILENO && poll (&room, 1, 0) != 1)
        return -1;
    do
        taken = s_out.socket ? send (s_out.fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                             : write (s_out.fd, text, size);
    while (taken < 0 && errno == EINTR);
    return taken;
}

static bool
s_write (const char *text, size_t size, uint32_t patience_ms)
{
    ssize_t taken = s_try (text, size);
    if (taken < 0 && patience_ms > 0) {
        struct pollfd room = {.fd = s_out.fd, .events = POLLOUT};
        poll (&room, 1, (int)patience_ms);
        taken = s_try (text, size);
    }
    s_out.cut = taken > 0 && (size_t)taken < size;
    return taken == (ssize_t)size;
}

/*  What the reader missed, before the next line. */
static bool
s_write_dropped (uint32_t patience_ms)
{
    char text[80];
    if (s_out.dropped == 0)
        return true;
    int size =
        snprintf (text, sizeof text, "%s(%" PRIu64 " lines were lost here: stderr was full)\n",
                  s_out.cut ? "\n" : "", s_out.dropped);
    if (!s_write (text, (size_t)size, patience_ms))
        return false;
    s_out.dropped = 0;
    return true;
}

void
hf_line_write (const char *line, size_t size, uint32_t patience_ms)
{
    assert (line && size > 0 && size <= HF_LINE_MAX && line[size - 1] == '\n');
    pthread_mutex_lock (&s_out.lock);
    s_prepare ();
    if (!s_write_dropped (patience_ms) || !s_write (line, size, patience_ms))
        s_out.dropped++;
    pthread_mutex_unlock (&s_out.lock);
}
