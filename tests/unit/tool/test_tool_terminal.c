/*  `holdfast run` on a terminal: this program is the shell of a pseudo-terminal's session.
 *
 *  The process behind the terminal runs one job in a group of its own, in the foreground, and
 *  writes to its report what becomes of it: "stopped", "ended CODE", who is in the foreground.
 *  On "fg" it puts the job into the foreground again and continues it.
 */
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/tool/trial.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 20000

typedef struct terminal {
    pid_t shell;
    int screen; //  the master's side: keys in, output out
    int report; //  what the shell reports
    int orders; //  to the shell
    char seen[1 << 14];
    size_t size;
} terminal_t;

//  ---- the shell's side --------------------------------------------------------------

static void
s_job (const char *script)
{
    setpgid (0, 0);
    tcsetpgrp (STDIN_FILENO, getpid ());
    signal (SIGTTOU, SIG_DFL);
    execl ("/bin/sh", "sh", "-c", script, (char *)NULL);
    _exit (127);
}

static void
s_shell (const char *script, int report, int orders)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    signal (SIGTTOU, SIG_IGN);
    pid_t job = fork ();
    if (job == 0)
        s_job (script);
    setpgid (job, job);
    int status;
    while (waitpid (job, &status, WUNTRACED) == job) {
        bool own = tcgetpgrp (STDIN_FILENO) == job;
        tcsetpgrp (STDIN_FILENO, getpgrp ());
        if (!WIFSTOPPED (status)) {
            dprintf (report, "ended %d %s\n",
                     WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status),
                     own ? "foreground" : "elsewhere");
            _exit (0);
        }
        dprintf (report, "stopped %s\n", own ? "foreground" : "elsewhere");
        char order;
        if (read (orders, &order, 1) != 1)
            _exit (1);
        tcsetpgrp (STDIN_FILENO, job);
        kill (-job, SIGCONT);
    }
    _exit (1);
}

//  ---- the test's side ---------------------------------------------------------------

static void
s_terminal_open (terminal_t *self, const char *script)
{
    int report[2];
    int orders[2];
    assert_int_equal (pipe2 (report, O_CLOEXEC), 0);
    assert_int_equal (pipe2 (orders, O_CLOEXEC), 0);
    memset (self, 0, sizeof *self);
    unlink ("log");
    self->shell = forkpty (&self->screen, NULL, NULL, NULL);
    if (self->shell < 0 && errno == ENOENT) {
        print_message ("skipped: this machine has no pseudo-terminals\n");
        skip ();
    }
    assert_true (self->shell >= 0);
    if (self->shell == 0)
        s_shell (script, report[1], orders[0]);
    close (report[1]);
    close (orders[0]);
    self->report = report[0];
    self->orders = orders[1];
}

static void
s_terminal_close (terminal_t *self)
{
    kill (self->shell, SIGKILL);
    waitpid (self->shell, NULL, 0);
    close (self->screen);
    close (self->report);
    close (self->orders);
}

/*  Read on until TEXT was on the screen or in the report, in whatever order they come. */
static void
s_expect (terminal_t *self, const char *text)
{
    uint64_t until_ms = hf_wait_now_ms () + LIMIT_MS;
    while (!strstr (self->seen, text)) {
        struct pollfd fds[] = {{.fd = self->screen, .events = POLLIN},
                               {.fd = self->report, .events = POLLIN}};
        poll (fds, 2, 100);
        for (size_t i = 0; i < 2; i++) {
            if (!(fds[i].revents & POLLIN))
                continue;
            ssize_t size =
                read (fds[i].fd, self->seen + self->size, sizeof self->seen - 1 - self->size);
            self->size += size > 0 ? (size_t)size : 0;
        }
        if (hf_wait_now_ms () > until_ms)
            fail_msg ("'%s' did not come; came: %s", text, self->seen);
    }
}

//  ---- the tests ---------------------------------------------------------------------

#define CONTROL "mkfifo control; export HF_FAKE_CONTROL=control; "

/*  Each step begins with what is done: '?' expect the text, '!' type it, '%' put the job into the
 *  foreground, '$' run a command, '=' look for it in the log. */
static const struct story {
    const char *script;
    const char *steps[8];
} s_stories[] = {
    //  The command reads the terminal, which is given back at the end.
    {"exec $T run lock -- sh -c 'echo ready; read x; echo got $x; exit 3'",
     {"?ready", "!word\n", "?got word", "?ended 3 foreground"}},
    //  An interrupt goes to the command and then to all.
    {"trap 'echo loop saw it; exit 9' INT; "
     "$T run lock -- sh -c 'echo ready; exec sleep 60'; echo code $?",
     {"?ready", "!\003", "?loop saw it", "?ended 9 foreground", "=release lock 42"}},
    //  A command may handle the interrupt.
    {"exec $T run lock -- sh -c 'trap \"echo handled; exit 6\" INT; "
     "echo ready; while :; do sleep 0.1; done'",
     {"?ready", "!\003", "?handled", "?ended 6 foreground"}},
    //  Stop and continue.
    {"exec $T run lock -- sh -c 'echo ready; read x; echo got $x'",
     {"?ready", "!\032", "?stopped foreground", "%", "!more\n", "?got more",
      "?ended 0 foreground"}},
    //  Stop while waiting.
    {CONTROL "echo move 1 > control & exec $T run lock -- sh -c 'echo ready; read x; echo got $x'",
     {"?place 1 in the queue", "!\032", "?stopped foreground", "%", "$echo grant > control",
      "?ready", "!\004", "?ended 0 foreground"}},
    //  Nothing keeps the lock alive while the job is stopped: continued too late, it is ended.
    {CONTROL "echo grant > control & exec $T run lock -- sh -c 'echo ready; read x; read y'",
     {"?ready", "!\032", "?stopped foreground", "$echo lose > control", "%",
      "?is lost: ending the command", "?ended 75 foreground"}},
};

static void
s_step (terminal_t *self, const char *step)
{
    const char *text = step + 1;
    if (*step == '?')
        s_expect (self, text);
    else if (*step == '!')
        assert_int_equal (write (self->screen, text, strlen (text)), strlen (text));
    else if (*step == '%')
        assert_int_equal (write (self->orders, "f", 1), 1);
    else if (*step == '$')
        assert_int_equal (system (text), 0);
    else
        assert_non_null (strstr (trial_log (), text));
}

HF_TEST (test_a_job_on_a_terminal)
{
    for (size_t i = 0; i < sizeof s_stories / sizeof *s_stories; i++) {
        terminal_t t;
        print_message ("%s\n", s_stories[i].script);
        s_terminal_open (&t, s_stories[i].script);
        for (size_t k = 0; k < 8 && s_stories[i].steps[k]; k++)
            s_step (&t, s_stories[i].steps[k]);
        s_terminal_close (&t);
        unlink ("control");
    }
}

HF_TEST_MAIN (trial_setup, trial_teardown)
