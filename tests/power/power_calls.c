/*  The calls that change files, in place of the C library's, for this whole program: the stores'
 *  and SQLite's own. They go to the kernel; what concerns the folder that is watched is written
 *  down, and fails when it should. A sync only writes down: the folder itself need not last.
 *
 *  Not seen, since nothing here uses them: writev, mappings that are written, links, copies in the
 *  kernel. (power_life.c compares journal and folder at the end of every run.)
 */
#include "power_disk.h"
#include "base/hf_random.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

//  ---- where a path leads --------------------------------------------------------

typedef struct place {
    int folder; //  -1: not on the disk
    int node;   //  -1: there is none
    char name[POWER_NAME];
} place_t;

static int
s_node_of (int fd)
{
    return power_watched && fd >= 0 && fd < POWER_FDS ? power_watched->fds[fd] - 1 : -1;
}

static int
s_parent (int node)
{
    const power_names_t *names = &power_watched->names;
    for (size_t i = 0; i < names->count; i++)
        if (names->all[i].node == node)
            return names->all[i].folder;
    return -1;
}

static void
s_step (place_t *place, const char *part, size_t size)
{
    if (size == 0 || (size == 1 && part[0] == '.'))
        return;
    if (size == 2 && part[0] == '.' && part[1] == '.') {
        place->node = place->node >= 0 ? s_parent (place->node) : -1;
        place->folder = place->node;
        return;
    }
    assert (size < POWER_NAME);
    place->folder = place->node;
    memcpy (place->name, part, size);
    place->name[size] = 0;
    place->node = power_names_find (&power_watched->names, place->folder, place->name);
}

static place_t
s_place (int at, const char *path)
{
    place_t place = {.folder = -1, .node = -1};
    if (!power_watched)
        return place;
    size_t size = strlen (power_watched->root);
    if (path[0] != '/') {
        place.node = s_node_of (at);
    } else if (strncmp (path, power_watched->root, size) == 0 &&
               (path[size] == '/' || path[size] == 0)) {
        place.node = POWER_ROOT;
        path += size;
    }
    if (place.node < 0)
        return place;
    place.folder = place.node;
    for (;;) {
        size_t part = strcspn (path, "/");
        s_step (&place, path, part);
        path += part;
        if (*path == 0)
            return place;
        if (place.node < 0 && path[strspn (path, "/")] != 0)
            return (place_t){.folder = -1, .node = -1};
        path++;
    }
}

//  ---- faults --------------------------------------------------------------------

/*  The next operation fails. *SHORT_OF: how much of its bytes a write may still write. */
static bool
s_fails (bool needs_room, size_t *short_of)
{
    power_disk_t *disk = power_watched;
    size_t n = disk->ops.count;
    bool fails = false;
    if (disk->fault == POWER_DEAD || disk->fault == POWER_KILLED)
        fails = n >= disk->fault_at || disk->struck;
    else if (disk->fault == POWER_IO_ONCE)
        fails = n >= disk->fault_at && !disk->struck;
    else if (disk->fault == POWER_FULL)
        fails = n >= disk->fault_at && needs_room;
    if (!fails)
        return false;
    errno = disk->fault == POWER_FULL ? ENOSPC : EIO;
    size_t half = short_of ? *short_of / 2 / POWER_SECTOR * POWER_SECTOR : 0;
    if (disk->fault == POWER_FULL && !disk->struck && half > 0) {
        *short_of = half;
        fails = false;
    }
    disk->struck = true;
    return fails;
}

static void
s_add_name (power_kind_t kind, const place_t *place, int node)
{
    power_op_t *op = power_disk_add (power_watched, kind, node);
    op->folder = place->folder;
    memcpy (op->name, place->name, sizeof op->name);
    if (kind == POWER_UNBIND)
        power_names_unbind (&power_watched->names, place->folder, place->name);
    else
        power_names_bind (&power_watched->names, place->folder, place->name, node);
}

//  ---- opening -------------------------------------------------------------------

static int
s_open (int at, const char *path, int flags, unsigned mode)
{
    place_t place = s_place (at, path);
    bool ours = place.folder >= 0;
    bool makes = ours && place.node < 0 && (flags & O_CREAT) != 0;
    bool cuts = ours && place.node >= 0 && (flags & O_TRUNC) != 0;
    if ((makes || cuts) && s_fails (makes, NULL))
        return -1;
    int fd = (int)syscall (SYS_openat, at, path, flags, mode);
    if (fd < 0 || !power_watched || fd >= POWER_FDS)
        return fd;
    if (makes) {
        place.node = power_disk_add_node (power_watched, false);
        s_add_name (POWER_BIND, &place, place.node);
    }
    if (cuts)
        power_disk_add (power_watched, POWER_TRUNCATE, place.node);
    power_watched->fds[fd] = ours ? place.node + 1 : 0;
    return fd;
}

#define MODE(last)                                                                                 \
    unsigned mode = 0;                                                                             \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                           \
        va_list args;                                                                              \
        va_start (args, last);                                                                     \
        mode = va_arg (args, unsigned);                                                            \
        va_end (args);                                                                             \
    }

int
open (const char *path, int flags, ...)
{
    MODE (flags)
    return s_open (AT_FDCWD, path, flags, mode);
}

int
openat (int at, const char *path, int flags, ...)
{
    MODE (flags)
    return s_open (at, path, flags, mode);
}

int
close (int fd)
{
    if (s_node_of (fd) >= 0)
        power_watched->fds[fd] = 0;
    return (int)syscall (SYS_close, fd);
}

//  ---- bytes ---------------------------------------------------------------------

ssize_t
pwrite (int fd, const void *bytes, size_t size, off_t offset)
{
    int node = s_node_of (fd);
    if (node >= 0 && s_fails (true, &size))
        return -1;
    ssize_t done = syscall (SYS_pwrite64, fd, bytes, size, offset);
    if (node < 0 || done <= 0)
        return done;
    power_op_t *op = power_disk_add (power_watched, POWER_WRITE, node);
    op->offset = (size_t)offset;
    op->size = (size_t)done;
    op->bytes = hf_alloc (op->size);
    memcpy (op->bytes, bytes, op->size);
    return done;
}

ssize_t
write (int fd, const void *bytes, size_t size)
{
    if (s_node_of (fd) < 0)
        return syscall (SYS_write, fd, bytes, size);
    off_t at = lseek (fd, 0, (fcntl (fd, F_GETFL) & O_APPEND) != 0 ? SEEK_END : SEEK_CUR);
    ssize_t done = pwrite (fd, bytes, size, at);
    if (done > 0)
        lseek (fd, at + done, SEEK_SET);
    return done;
}

int
ftruncate (int fd, off_t size)
{
    int node = s_node_of (fd);
    if (node >= 0 && s_fails (false, NULL))
        return -1;
    int rc = (int)syscall (SYS_ftruncate, fd, size);
    if (node >= 0 && rc == 0)
        power_disk_add (power_watched, POWER_TRUNCATE, node)->size = (size_t)size;
    return rc;
}

//  ---- syncs ---------------------------------------------------------------------

static bool
s_lied_about (int node)
{
    char path[1400] = "";
    const power_names_t *names = &power_watched->names;
    for (int at = node; at != POWER_ROOT && at >= 0;) {
        size_t i = 0;
        while (i < names->count && names->all[i].node != at)
            i++;
        if (i == names->count)
            break;
        char below[sizeof path];
        snprintf (below, sizeof below, "%s", path);
        snprintf (path, sizeof path, "/%s%.1024s", names->all[i].name, below);
        at = names->all[i].folder;
    }
    if (power_watched->is_folder[node])
        strcat (path, "/");
    return power_watched->lie && fnmatch (power_watched->lie, path, 0) == 0;
}

int
fsync (int fd)
{
    int node = s_node_of (fd);
    if (node < 0)
        return 0;
    if (s_lied_about (node)) {
        power_watched->lies++;
        return 0;
    }
    bool failed = s_fails (false, NULL);
    if (!failed || power_watched->fault != POWER_KILLED)
        power_disk_add (power_watched, failed ? POWER_SYNC_FAILED : POWER_SYNC, node);
    if (failed)
        errno = EIO;
    return failed ? -1 : 0;
}

//  ---- other names of these ------------------------------------------------------

_Static_assert(sizeof (off_t) == sizeof (off64_t), "one function serves both");
int fdatasync (int fd) __attribute__ ((alias ("fsync")));
int ftruncate64 (int fd, off64_t size) __attribute__ ((alias ("ftruncate")));
int open64 (const char *path, int flags, ...) __attribute__ ((alias ("open")));
int openat64 (int at, const char *path, int flags, ...) __attribute__ ((alias ("openat")));
ssize_t pwrite64 (int fd, const void *bytes, size_t size, off64_t offset)
    __attribute__ ((alias ("pwrite")));

//  ---- names ---------------------------------------------------------------------

int
mkdirat (int at, const char *path, mode_t mode)
{
    place_t place = s_place (at, path);
    bool makes = place.folder >= 0 && place.node < 0;
    if (makes && s_fails (true, NULL))
        return -1;
    int rc = (int)syscall (SYS_mkdirat, at, path, mode);
    if (makes && rc == 0)
        s_add_name (POWER_BIND, &place, power_disk_add_node (power_watched, true));
    return rc;
}

int
mkdir (const char *path, mode_t mode)
{
    return mkdirat (AT_FDCWD, path, mode);
}

int
unlinkat (int at, const char *path, int flags)
{
    place_t place = s_place (at, path);
    bool removes = place.folder >= 0 && place.node >= 0;
    if (removes && s_fails (false, NULL))
        return -1;
    int rc = (int)syscall (SYS_unlinkat, at, path, flags);
    if (removes && rc == 0)
        s_add_name (POWER_UNBIND, &place, place.node);
    return rc;
}

int
unlink (const char *path)
{
    return unlinkat (AT_FDCWD, path, 0);
}

int
rmdir (const char *path)
{
    return unlinkat (AT_FDCWD, path, AT_REMOVEDIR);
}

int
renameat (int at, const char *from, int to_at, const char *to)
{
    place_t old = s_place (at, from), new = s_place (to_at, to);
    bool moves = old.node >= 0 && new.folder >= 0;
    if (moves && s_fails (false, NULL))
        return -1;
    int rc = (int)syscall (SYS_renameat2, at, from, to_at, to, 0);
    if (!moves || rc != 0)
        return rc;
    power_names_unbind (&power_watched->names, old.folder, old.name);
    s_add_name (POWER_RENAME, &new, old.node);
    power_op_t *op = &power_watched->ops.list[power_watched->ops.count - 1];
    op->folder2 = old.folder;
    memcpy (op->name2, old.name, sizeof op->name2);
    return 0;
}

int
rename (const char *from, const char *to)
{
    return renameat (AT_FDCWD, from, AT_FDCWD, to);
}

//  ---- chance --------------------------------------------------------------------

static hf_random_t s_chance;

void
power_random (uint64_t seed)
{
    s_chance.state = seed;
    sqlite3_test_control (SQLITE_TESTCTRL_PRNG_SEED, (int)seed, NULL);
}

ssize_t
getrandom (void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)hf_random_next (&s_chance);
    return (ssize_t)size;
}
