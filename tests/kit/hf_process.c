//  Child processes that never outlive the test.

#include "tests/kit/hf_process.h"
#include "tests/kit/hf_wait.h"
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct hf_process {
    pid_t pid;
    bool ended;
    bool stopped;
    int code; //  of one that ended
    int in;   //  -1 without pipes
    int out;
};

//  ---- start ------------------------------------------------------------------

typedef struct child_files {
    int in, out, err;
} child_files_t;

/*  In the child, between fork and exec: nothing but system calls. */
static void
s_become (const hf_process_config_t *config, child_files_t files, pid_t parent)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (getppid () != parent)
        _exit (127);
    if (config->network && setns (config->network, CLONE_NEWNET) != 0)
        _exit (127);
    setpgid (0, 0); //  a terminal's Ctrl-C is for the parent
    sigset_t none;
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    signal (SIGPIPE, SIG_DFL);
    bool ready = dup2 (files.in, 0) == 0 && dup2 (files.out, 1) == 1 && dup2 (files.err, 2) == 2;
    if (!ready || (config->folder && chdir (config->folder) != 0))
        _exit (127);
    execv (config->argv[0], (char *const *)config->argv);
    _exit (127);
}

static int
s_open_log (const char *path)
{
    int fd = path ? open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
                  : open ("/dev/null", O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        perror (path);
        abort ();
    }
    return fd;
}

hf_process_t *
hf_process_new (const hf_process_config_t *config)
{
    assert (config && config->argv && config->argv[0]);
    signal (SIGPIPE, SIG_IGN); //  the end of a child shows when it is waited for
    int to_child[2] = {-1, -1};
    int from_child[2] = {-1, -1};
    int log = s_open_log (config->log_path);
    child_files_t files = {.in = -1, .out = log, .err = log};
    if (config->pipes) {
        int rc = pipe2 (to_child, O_CLOEXEC) | pipe2 (from_child, O_CLOEXEC);
        assert (rc == 0);
        files.in = to_child[0];
        files.out = from_child[1];
        fcntl (from_child[0], F_SETFL, O_NONBLOCK);
    } else
        files.in = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    if (config->pipes && !config->log_path)
        files.err = files.out;
    pid_t parent = getpid ();
    pid_t pid = fork ();
    assert (pid >= 0);
    if (pid == 0)
        s_become (config, files, parent);
    close (files.in);
    if (config->pipes)
        close (files.out);
    close (log);
    hf_process_t *self = calloc (1, sizeof *self);
    assert (self);
    *self = (hf_process_t){.pid = pid, .in = to_child[1], .out = from_child[0]};
    return self;
}

void
hf_process_destroy (hf_process_t **self_p)
{
    hf_process_t *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    hf_process_kill (self);
    hf_process_close_in (self);
    if (self->out >= 0)
        close (self->out);
    free (self);
}

pid_t
hf_process_pid (const hf_process_t *self)
{
    return self->pid;
}

int
hf_process_in (const hf_process_t *self)
{
    return self->in;
}

int
hf_process_out (const hf_process_t *self)
{
    return self->out;
}

void
hf_process_close_in (hf_process_t *self)
{
    if (self->in >= 0)
        close (self->in);
    self->in = -1;
}

//  ---- life and death ------------------------------------------------------------

/*  Reap it if it has ended; FLAGS 0 waits for that. */
static bool
s_reap (hf_process_t *self, int flags)
{
    int status = 0;
    if (!self->ended && waitpid (self->pid, &status, flags) == self->pid) {
        self->ended = true;
        self->code = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
    }
    return self->ended;
}

bool
hf_process_running (hf_process_t *self)
{
    return !s_reap (self, WNOHANG);
}

void
hf_process_signal (hf_process_t *self, int signal_number)
{
    if (hf_process_running (self))
        kill (self->pid, signal_number);
}

void
hf_process_stop (hf_process_t *self)
{
    assert (hf_process_running (self) && !self->stopped);
    kill (self->pid, SIGSTOP);
    int status = 0;
    pid_t pid = waitpid (self->pid, &status, WUNTRACED);
    assert (pid == self->pid);
    self->stopped = WIFSTOPPED (status);
    assert (self->stopped);
}

void
hf_process_go_on (hf_process_t *self)
{
    assert (self->stopped && !self->ended);
    self->stopped = false;
    kill (self->pid, SIGCONT);
}

bool
hf_process_stopped (const hf_process_t *self)
{
    return self->stopped && !self->ended;
}

void
hf_process_kill (hf_process_t *self)
{
    if (!hf_process_running (self))
        return;
    kill (self->pid, SIGKILL);
    s_reap (self, 0);
}

int
hf_process_wait (hf_process_t *self, uint32_t limit_ms)
{
    return HF_WAIT (s_reap (self, WNOHANG), limit_ms) ? self->code : -1;
}

const char *
hf_beside (const char *name)
{
    static char path[512];
    ssize_t size = readlink ("/proc/self/exe", path, sizeof path - 64);
    assert (size > 0 && strlen (name) < 64);
    path[size] = 0;
    strcpy (strrchr (path, '/') + 1, name);
    return path;
}

//  ---- run to the end ---------------------------------------------------------------

int
hf_process_run (const char *const *argv, uint32_t limit_ms, char *text, size_t size)
{
    hf_process_config_t config = {.argv = argv, .pipes = true};
    hf_process_t *process = hf_process_new (&config);
    hf_process_close_in (process);
    uint64_t end = hf_wait_now_ms () + limit_ms;
    size_t got = 0;
    ssize_t more = -1;
    do {
        struct pollfd wait = {.fd = process->out, .events = POLLIN};
        uint64_t now = hf_wait_now_ms ();
        poll (&wait, 1, now < end ? (int)(end - now) : 0);
        char chunk[4096];
        more = read (process->out, chunk, sizeof chunk);
        for (ssize_t i = 0; text && i < more && got + 1 < size; i++)
            text[got++] = chunk[i];
    } while (more != 0 && hf_wait_now_ms () < end);
    if (text && size > 0)
        text[got] = 0;
    uint64_t now = hf_wait_now_ms ();
    int code = hf_process_wait (process, now < end ? (uint32_t)(end - now) : 0);
    hf_process_destroy (&process);
    return code;
}
