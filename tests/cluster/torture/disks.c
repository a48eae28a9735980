//  Small tmpfs disks that can be filled up.

#include "tests/cluster/torture/world.h"
#include "tests/kit/hf_process.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define S_PATH_SIZE     700
#define S_COPY_LIMIT_MS 60000

bool
hf_disk_mount (const hf_cluster_t *cluster, uint32_t id, unsigned mib)
{
    const char *folder = hf_cluster_node_dir (cluster, id);
    char size[64];
    snprintf (size, sizeof size, "size=%um,mode=700", mib);
    mkdir (folder, 0700);
    if (mount ("holdfast-torture", folder, "tmpfs", MS_NOSUID | MS_NODEV, size) == 0)
        return true;
    fprintf (stderr, "torture: no small disk for node %u: %s\n", id, strerror (errno));
    return false;
}

void
hf_disk_unmount (const hf_cluster_t *cluster, uint32_t id, bool keep)
{
    const char *folder = hf_cluster_node_dir (cluster, id);
    char copy[S_PATH_SIZE];
    snprintf (copy, sizeof copy, "%s.kept", folder);
    const char *argv[] = {"/bin/cp", "-a", folder, copy, NULL};
    if (keep && hf_process_run (argv, S_COPY_LIMIT_MS, NULL, 0) != 0)
        fprintf (stderr, "torture: %s could not be kept\n", folder);
    umount2 (folder, MNT_DETACH);
}

static void
s_filler (const hf_cluster_t *cluster, uint32_t id, char path[S_PATH_SIZE])
{
    snprintf (path, S_PATH_SIZE, "%s/filler", hf_cluster_node_dir (cluster, id));
}

bool
hf_disk_fill (const hf_cluster_t *cluster, uint32_t id)
{
    char path[S_PATH_SIZE];
    s_filler (cluster, id, path);
    int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct statvfs room;
    if (fd < 0 || fstatvfs (fd, &room) != 0)
        return false;
    //  The bulk at once, then what is still left, by the block.
    off_t end = (off_t)(room.f_bavail * room.f_frsize);
    if (posix_fallocate (fd, 0, end) != 0)
        end = 0;
    static const char block[4096] = {1};
    while (pwrite (fd, block, sizeof block, end) == (ssize_t)sizeof block)
        end += (off_t)sizeof block;
    bool full = errno == ENOSPC;
    close (fd);
    return full;
}

void
hf_disk_free (const hf_cluster_t *cluster, uint32_t id)
{
    char path[S_PATH_SIZE];
    s_filler (cluster, id, path);
    unlink (path);
}
