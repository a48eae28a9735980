//  Signals as something to read.

#include "client/tool/tool_signals.h"
#include "client/tool/tool_text.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int s_ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
static const int s_stopping[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD};

#define ENDING   (sizeof s_ending / sizeof s_ending[0])
#define STOPPING (sizeof s_stopping / sizeof s_stopping[0])

struct tool_signals {
    int fd;
    sigset_t mask_before;
    sigset_t blocked;
    size_t count;
    struct {
        int signal;
        struct sigaction before;
    } kept[ENDING + STOPPING];
};

static void
s_keep (tool_signals_t *self, int signal, sigset_t *read)
{
    assert (self->count < ENDING + STOPPING);
    struct sigaction *before = &self->kept[self->count].before;
    self->kept[self->count++].signal = signal;
    sigaction (signal, NULL, before);
    sigaddset (&self->blocked, signal);
    bool ignored = (before->sa_flags & SA_SIGINFO) == 0 && before->sa_handler == SIG_IGN;
    if (signal == SIGCHLD && ignored) {
        //  An ignored SIGCHLD would reap the command before this process can ask how it ended.
        before->sa_handler = SIG_DFL;
        sigaction (signal, before, NULL);
        ignored = false;
    }
    if (!ignored)
        sigaddset (read, signal);
}

tool_signals_t *
tool_signals_new (bool job_control)
{
    tool_signals_t *self = tool_alloc (sizeof *self);
    sigset_t read;
    sigemptyset (&self->blocked);
    sigemptyset (&read);
    for (size_t i = 0; i < ENDING; i++)
        s_keep (self, s_ending[i], &read);
    for (size_t i = 0; job_control && i < STOPPING; i++)
        s_keep (self, s_stopping[i], &read);
    pthread_sigmask (SIG_BLOCK, NULL, &self->mask_before);
    tool_signals_block (self);
    self->fd = signalfd (-1, &read, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self->fd < 0) {
        perror ("holdfast: signalfd");
        exit (70);
    }
    return self;
}

void
tool_signals_destroy (tool_signals_t **self_p)
{
    assert (self_p);
    tool_signals_t *self = *self_p;
    if (!self)
        return;
    close (self->fd);
    free (self);
    *self_p = NULL;
}

int
tool_signals_fd (const tool_signals_t *self)
{
    return self->fd;
}

int
tool_signals_next (tool_signals_t *self, pid_t *from)
{
    struct signalfd_siginfo info;
    ssize_t size = read (self->fd, &info, sizeof info);
    if (size != (ssize_t)sizeof info)
        return 0;
    int signal = (int)info.ssi_signo;
    *from = info.ssi_pid > 0 ? (pid_t)info.ssi_pid : -1;
    //  The terminal signals the whole group. These two come to one process.
    bool own = signal == SIGALRM || (signal == SIGHUP && getsid (0) == getpid ());
    if (info.ssi_code == SI_KERNEL && !own)
        *from = 0;
    return signal;
}

void
tool_signals_restore (const tool_signals_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        sigaction (self->kept[i].signal, &self->kept[i].before, NULL);
    sigprocmask (SIG_SETMASK, &self->mask_before, NULL);
}

void
tool_signals_block (const tool_signals_t *self)
{
    int rc = pthread_sigmask (SIG_BLOCK, &self->blocked, NULL);
    assert (rc == 0);
    (void)rc;
}

void
tool_signals_suffer (int signal)
{
    struct sigaction now;
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t one;
    sigemptyset (&one);
    sigaddset (&one, signal);
    sigaction (signal, &by_default, &now);
    pthread_sigmask (SIG_UNBLOCK, &one, NULL);
    kill (getpid (), signal);
    pthread_sigmask (SIG_BLOCK, &one, NULL);
    sigaction (signal, &now, NULL);
}

void
tool_signals_die (int signal)
{
    struct rlimit none = {0, 0};
    setrlimit (RLIMIT_CORE, &none);
    tool_signals_suffer (signal);
}
