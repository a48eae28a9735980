//  The command that runs under a lock: its process group and the terminal.

#include "client/tool/tool_child.h"
#include "client/tool/tool_text.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

struct tool_child {
    pid_t pid; //  and the group's id
    int status;
    bool ended;
    int terminal; //  -1: there is none
    bool foreground;
    bool interrupted;
    struct termios modes; //  as they were when the command got the terminal
    bool modes_known;
};

//  ---- the terminal --------------------------------------------------------------

/*  It is this process's to give. */
static bool
s_owns_terminal (const tool_child_t *self)
{
    return self->terminal >= 0 && tcgetpgrp (self->terminal) == getpgrp ();
}

/*  To the command's group. SIGTTOU is blocked. */
static void
s_give_terminal (tool_child_t *self)
{
    self->modes_known = tcgetattr (self->terminal, &self->modes) == 0;
    self->foreground = tcsetpgrp (self->terminal, self->pid) == 0;
}

void
tool_child_background (tool_child_t *self)
{
    assert (self);
    if (!self->foreground)
        return;
    self->foreground = false;
    //  Another process may have taken the terminal: then leave it there.
    if (tcgetpgrp (self->terminal) == self->pid)
        tcsetpgrp (self->terminal, getpgrp ());
    bool killed = self->ended && WIFSIGNALED (self->status);
    if (killed && self->modes_known)
        tcsetattr (self->terminal, TCSADRAIN, &self->modes);
}

void
tool_child_continue (tool_child_t *self)
{
    if (s_owns_terminal (self))
        s_give_terminal (self);
    kill (-self->pid, SIGCONT);
}

//  ---- start and end -------------------------------------------------------------

/*  In the child: async-signal-safe calls alone. TERMINAL: to be taken; -1: none. */
static void
s_become (char **argv, const tool_signals_t *signals, int terminal, pid_t tool, int report_fd)
{
    setpgid (0, 0); //  parent and child both do this and the next line, in any order
    if (terminal >= 0)
        tcsetpgrp (terminal, getpid ());
    //  A command whose keeper was killed would run on without the lock.
    prctl (PR_SET_PDEATHSIG, SIGTERM);
    if (getppid () != tool)
        _exit (128 + SIGTERM);
    tool_signals_restore (signals);
    execvp (argv[0], argv);
    int error = errno;
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

static int
s_start (tool_child_t *self, char **argv, const tool_signals_t *signals)
{
    int report[2];
    if (pipe2 (report, O_CLOEXEC) != 0)
        return errno;
    pid_t tool = getpid ();
    bool give = s_owns_terminal (self);
    self->pid = fork ();
    if (self->pid < 0) {
        int error = errno;
        close (report[0]);
        close (report[1]);
        return error;
    }
    if (self->pid == 0)
        s_become (argv, signals, give ? self->terminal : -1, tool, report[1]);
    close (report[1]);
    setpgid (self->pid, self->pid);
    if (give)
        s_give_terminal (self);
    int error = s_exec_error (report[0]);
    close (report[0]);
    if (error != 0) {
        waitpid (self->pid, &self->status, 0);
        self->ended = true;
    }
    return error;
}

tool_child_t *
tool_child_new (char **argv, const tool_signals_t *signals)
{
    assert (argv && argv[0] && signals);
    tool_child_t *self = tool_alloc (sizeof *self);
    self->terminal = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int error = s_start (self, argv, signals);
    if (error != 0) {
        tool_child_destroy (&self);
        errno = error;
    }
    return self;
}

void
tool_child_destroy (tool_child_t **self_p)
{
    assert (self_p);
    tool_child_t *self = *self_p;
    if (!self)
        return;
    tool_child_background (self);
    if (self->terminal >= 0)
        close (self->terminal);
    free (self);
    *self_p = NULL;
}

//  ---- the group -----------------------------------------------------------------

void
tool_child_kill (const tool_child_t *self, int signal)
{
    assert (self->pid > 1);
    kill (-self->pid, signal);
    if (signal == SIGTERM || signal == SIGHUP)
        kill (-self->pid, SIGCONT); //  what is stopped would not see it otherwise
}

tool_child_state_t
tool_child_look (tool_child_t *self)
{
    int status;
    while (!self->ended && waitpid (self->pid, &status, WNOHANG | WUNTRACED) == self->pid) {
        self->status = status;
        if (WIFSTOPPED (status))
            return TOOL_CHILD_STOPPED;
        self->ended = WIFEXITED (status) || WIFSIGNALED (status);
        self->interrupted = self->foreground && WIFSIGNALED (status) && WTERMSIG (status) == SIGINT;
    }
    return self->ended ? TOOL_CHILD_ENDED : TOOL_CHILD_RUNS;
}

int
tool_child_stop_signal (const tool_child_t *self)
{
    int signal = WIFSTOPPED (self->status) ? WSTOPSIG (self->status) : 0;
    return self->terminal >= 0 && tool_signals_stops (signal) ? signal : 0;
}

int
tool_child_code (const tool_child_t *self)
{
    assert (self->ended);
    return WIFEXITED (self->status) ? WEXITSTATUS (self->status) : 128 + WTERMSIG (self->status);
}

void
tool_child_end_group (const tool_child_t *self)
{
    prctl (PR_SET_CHILD_SUBREAPER, 1);
    tool_child_kill (self, SIGTERM);
}

bool
tool_child_group_gone (const tool_child_t *self)
{
    while (self->ended && waitpid (-self->pid, NULL, WNOHANG) > 0)
        ;
    return self->ended && kill (-self->pid, 0) != 0 && errno == ESRCH;
}

bool
tool_child_interrupted (const tool_child_t *self)
{
    return self->interrupted;
}
