//  How many descriptors a process may still open.

#include "base/hf_files.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int
hf_files_check (uint32_t count, const char *who, char error[HF_ERROR_SIZE])
{
    assert (count > 0);
    int *fds = hf_alloc (count * sizeof *fds);
    uint32_t opened = 0;
    while (opened < count) {
        fds[opened] = open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fds[opened] < 0)
            break;
        opened++;
    }
    int code = errno;
    for (uint32_t i = 0; i < opened; i++)
        close (fds[i]);
    free (fds);
    if (opened == count)
        return 0;
    struct rlimit limit = {0};
    getrlimit (RLIMIT_NOFILE, &limit);
    if (code != EMFILE)
        return hf_error_set (error, "%s needs %u more open files: %s", who, count, strerror (code));
    return hf_error_set (error,
                         "%s needs %u more open files, and this process can open %u: its limit is "
                         "%llu; raise it (ulimit -n, LimitNOFILE=)",
                         who, count, opened, (unsigned long long)limit.rlim_cur);
}

uint64_t
hf_files_raise (uint64_t most)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
        return 0;
    rlim_t wanted = limit.rlim_max < most ? limit.rlim_max : most;
    if (limit.rlim_cur < wanted) {
        struct rlimit raised = {.rlim_cur = wanted, .rlim_max = limit.rlim_max};
        if (setrlimit (RLIMIT_NOFILE, &raised) == 0)
            return wanted;
    }
    return limit.rlim_cur;
}
