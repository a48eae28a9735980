//  Temporary folders: made, and removed with all that is in them.

#include "tests/kit/hf_folder.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

int
hf_folder_make (const char *root, const char *prefix, char path[PATH_MAX])
{
    char real[PATH_MAX];
    path[0] = 0;
    if (!root)
        root = getenv ("TMPDIR");
    if (!root || !*root)
        root = "/tmp";
    if (!realpath (root, real))
        return -1;
    int n = snprintf (path, PATH_MAX, "%s/%s-XXXXXX", real, prefix);
    if (n < 0 || n >= PATH_MAX - 64) //  files in it need names, too
        errno = ENAMETOOLONG;
    else if (mkdtemp (path))
        return 0;
    path[0] = 0;
    return -1;
}

static int
s_remove_one (const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove (path);
}

int
hf_folder_remove (const char *path)
{
    return nftw (path, s_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
