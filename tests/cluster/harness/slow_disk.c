/*  slow_disk.c - loaded into a node, it makes each sync of a file take longer.
 *
 *  HF_SLOW_DISK names a file with a number of milliseconds. It is read at each sync, so that a test
 *  can change it while the node runs; without the file nothing is delayed.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (s_sync_fn) (int);

static int
s_delay_ms (void)
{
    const char *path = getenv ("HF_SLOW_DISK");
    int fd = path ? open (path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    char text[16] = "";
    ssize_t size = read (fd, text, sizeof text - 1);
    close (fd);
    return size > 0 ? (int)strtol (text, NULL, 10) : 0;
}

static int
s_sync (const char *name, int fd)
{
    s_sync_fn *next = NULL;
    void *symbol = dlsym (RTLD_NEXT, name);
    memcpy (&next, &symbol, sizeof next);
    poll (NULL, 0, s_delay_ms ());
    return next (fd);
}

int
fsync (int fd)
{
    return s_sync ("fsync", fd);
}

int
fdatasync (int fd)
{
    return s_sync ("fdatasync", fd);
}
