//  Standard input, output and error when the caller has closed them.

#include "base/hf_std.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*  The wrong way round, so that reading 0 and writing 1 and 2 fail. */
static int
s_nothing (int want)
{
    int fd = open ("/dev/null", (want == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    //  A folder without devices: a directory cannot be read or written either.
    return fd >= 0 ? fd : open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
hf_std_open (void)
{
    for (int want = STDIN_FILENO; want <= STDERR_FILENO; want++) {
        if (fcntl (want, F_GETFD) >= 0 || errno != EBADF)
            continue;
        //  The lowest free number is taken; another thread may have been faster.
        int fd = s_nothing (want);
        if (fd > STDERR_FILENO)
            close (fd);
    }
}
