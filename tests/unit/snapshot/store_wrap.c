//  System calls of the install that fail to order.

#include "store_wrap.h"
#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned s_left; //  0: never

static void
s_count (void)
{
    if (s_left > 0 && --s_left == 0)
        _exit (WRAP_EXIT_CODE);
}

//  ---- our own calls -----------------------------------------------------------------

#define WRAP(name, params, args)                                                                   \
    int __real_##name params;                                                                      \
    int __wrap_##name params;                                                                      \
    int __wrap_##name params                                                                       \
    {                                                                                              \
        s_count ();                                                                                \
        return __real_##name args;                                                                 \
    }

WRAP (unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
WRAP (fsync, (int fd), (fd))
WRAP (fdatasync, (int fd), (fd))
WRAP (ftruncate, (int fd, off_t size), (fd, size))
WRAP (mkdir, (const char *path, mode_t mode), (path, mode))

ssize_t __real_pwrite (int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite (int fd, const void *bytes, size_t size, off_t offset);

ssize_t
__wrap_pwrite (int fd, const void *bytes, size_t size, off_t offset)
{
    s_count ();
    return __real_pwrite (fd, bytes, size, offset);
}

//  ---- SQLite's ------------------------------------------------------------------------

typedef int (*unlink_fn) (const char *path);
typedef int (*truncate_fn) (int fd, off_t size);
typedef ssize_t (*write_fn) (int fd, const void *bytes, size_t size, off_t offset);

static unlink_fn s_unlink;
static truncate_fn s_truncate;
static write_fn s_write;

static int
s_count_unlink (const char *path)
{
    s_count ();
    return s_unlink (path);
}

static int
s_count_truncate (int fd, off_t size)
{
    s_count ();
    return s_truncate (fd, size);
}

static ssize_t
s_count_write (int fd, const void *bytes, size_t size, off_t offset)
{
    s_count ();
    return s_write (fd, bytes, size, offset);
}

void
wrap_exit_at (unsigned call)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find (NULL);
    assert (vfs && vfs->iVersion >= 3);
    s_unlink = (unlink_fn)vfs->xGetSystemCall (vfs, "unlink");
    s_truncate = (truncate_fn)vfs->xGetSystemCall (vfs, "ftruncate");
    const char *write_name = vfs->xGetSystemCall (vfs, "pwrite64") ? "pwrite64" : "pwrite";
    s_write = (write_fn)vfs->xGetSystemCall (vfs, write_name);
    assert (s_unlink && s_truncate && s_write);
    vfs->xSetSystemCall (vfs, "unlink", (sqlite3_syscall_ptr)s_count_unlink);
    vfs->xSetSystemCall (vfs, "ftruncate", (sqlite3_syscall_ptr)s_count_truncate);
    vfs->xSetSystemCall (vfs, write_name, (sqlite3_syscall_ptr)s_count_write);
    s_left = call;
}
