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
    int report; //  what the shell tells
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

static void
s_type (const terminal_t *self, const char *keys)
{
    size_t size = strlen (keys);
    assert_int_equal (write (self->screen, keys, size), size);
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

HF_TEST (test_the_command_reads_the_terminal)
{
    terminal_t t;
    s_terminal_open (&t, "exec $T run lock -- sh -c 'echo ready; read x; echo got $x; exit 3'");
    s_expect (&t, "ready");
    s_type (&t, "word\n");
    s_expect (&t, "got word");
    s_expect (&t, "ended 3 foreground"); //  and the terminal was given back
    s_terminal_close (&t);
}

HF_TEST (test_interrupt_goes_to_the_command_and_then_to_all)
{
    terminal_t t;
    s_terminal_open (&t, "trap 'echo loop saw it; exit 9' INT; "
                         "$T run lock -- sh -c 'echo ready; exec sleep 60'; echo code $?");
    s_expect (&t, "ready");
    s_type (&t, "\003");
    s_expect (&t, "loop saw it");
    s_expect (&t, "ended 9 foreground");
    assert_non_null (strstr (trial_log (), "release lock 42"));
    s_terminal_close (&t);
}

HF_TEST (test_a_command_may_handle_the_interrupt)
{
    terminal_t t;
    s_terminal_open (&t, "exec $T run lock -- sh -c 'trap \"echo handled; exit 6\" INT; "
                         "echo ready; while :; do sleep 0.1; done'");
    s_expect (&t, "ready");
    s_type (&t, "\003");
    s_expect (&t, "handled");
    s_expect (&t, "ended 6 foreground");
    s_terminal_close (&t);
}

HF_TEST (test_stop_and_continue)
{
    terminal_t t;
    s_terminal_open (&t, "exec $T run lock -- sh -c 'echo ready; read x; echo got $x'");
    s_expect (&t, "ready");
    s_type (&t, "\032");
    s_expect (&t, "stopped foreground");
    assert_int_equal (write (t.orders, "f", 1), 1);
    s_type (&t, "more\n");
    s_expect (&t, "got more");
    s_expect (&t, "ended 0 foreground");
    s_terminal_close (&t);
}

HF_TEST (test_stop_while_waiting)
{
    terminal_t t;
    s_terminal_open (&t, "mkfifo control; export HF_FAKE_CONTROL=control; echo move 1 > control & "
                         "exec $T run lock -- sh -c 'echo ready; read x; echo got $x'");
    s_expect (&t, "place 1 in the queue");
    s_type (&t, "\032");
    s_expect (&t, "stopped foreground");
    assert_int_equal (write (t.orders, "f", 1), 1);
    assert_int_equal (system ("echo grant > control"), 0);
    s_expect (&t, "ready");
    s_type (&t, "\004");
    s_expect (&t, "ended 0 foreground");
    s_terminal_close (&t);
    unlink ("control");
}

/*  Nothing keeps the lock alive while the job is stopped: continued too late, it is ended. */
HF_TEST (test_lost_while_stopped)
{
    terminal_t t;
    s_terminal_open (&t, "mkfifo control; export HF_FAKE_CONTROL=control; echo grant > control & "
                         "exec $T run lock -- sh -c 'echo ready; read x; read y'");
    s_expect (&t, "ready");
    s_type (&t, "\032");
    s_expect (&t, "stopped foreground");
    assert_int_equal (system ("echo lose > control"), 0);
    assert_int_equal (write (t.orders, "f", 1), 1);
    s_expect (&t, "is lost: ending the command");
    s_expect (&t, "ended 75 foreground");
    s_terminal_close (&t);
    unlink ("control");
}

HF_TEST_MAIN (trial_setup, trial_teardown)
