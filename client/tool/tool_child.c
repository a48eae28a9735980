//  Start the command that runs under a lock.

#include "client/tool/tool_child.h"
#include "client/tool/tool.h"
#include "client/tool/tool_rules.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
s_become (char **argv, const tool_signals_t *signals, const _Atomic uint64_t *deadline_ms,
          pid_t parent, int report_fd)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (128 + SIGKILL);
    tool_signals_restore (signals);
    int error = ETIME; //  the guard was stopped, or both were
    if (tool_rules_may_start (tool_now_ms (), atomic_load (deadline_ms))) {
        execvp (argv[0], argv);
        error = errno;
    }
    ssize_t size = write (report_fd, &error, sizeof error);
    _exit (size == (ssize_t)sizeof error ? 126 : 127);
}

/*  0 when the child executes its command, else its errno. The pipe closes itself on exec. */
static int
s_exec_error (int fd)
{
    int error = 0;
    ssize_t size;
    do
        size = read (fd, &error, sizeof error);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof error ? error : 0;
}

int
tool_child_start (char **argv, const tool_signals_t *signals, const _Atomic uint64_t *deadline_ms,
                  pid_t *pid)
{
    assert (argv && argv[0] && signals);
    int report[2];
    if (pipe2 (report, O_CLOEXEC) != 0)
        return errno;
    pid_t parent = getpid ();
    *pid = fork ();
    if (*pid < 0) {
        int error = errno;
        close (report[0]);
        close (report[1]);
        return error;
    }
    if (*pid == 0)
        s_become (argv, signals, deadline_ms, parent, report[1]);
    close (report[1]);
    int error = s_exec_error (report[0]);
    close (report[0]);
    if (error != 0)
        waitpid (*pid, NULL, 0);
    return error;
}

static bool
s_foreign_file (const char *path)
{
    struct stat info;
    return stat (path, &info) == 0 && S_ISREG (info.st_mode) && info.st_mode & S_ISUID &&
           info.st_uid != geteuid () && geteuid () != 0 && access (path, X_OK) == 0;
}

bool
tool_child_foreign (const char *name)
{
    char path[PATH_MAX];
    const char *at = getenv ("PATH");
    if (strchr (name, '/') || !at)
        return s_foreign_file (name);
    while (*at) {
        int size = (int)strcspn (at, ":");
        snprintf (path, sizeof path, "%.*s%s%s", size, at, size > 0 ? "/" : "./", name);
        if (access (path, X_OK) == 0)
            return s_foreign_file (path);
        at += size;
        at += *at == ':' ? 1 : 0;
    }
    return false;
}
