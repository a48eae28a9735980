/*  `holdfast run` on a terminal, which it leaves as flock(1) does: most stories are played with
 *  both. This program is the shell of a pseudo-terminal's session.
 *
 *  The process behind the terminal runs one job in a group of its own, in the foreground, and
 *  writes to its report what becomes of it: "stopped", "ended CODE", who is in the foreground, and
 *  whether the terminal echoes. On "fg" it puts the job into the foreground again and continues it.
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
#include <termios.h>
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
        struct termios modes;
        bool echo = tcgetattr (STDIN_FILENO, &modes) == 0 && modes.c_lflag & ECHO;
        tcsetpgrp (STDIN_FILENO, getpgrp ());
        if (!WIFSTOPPED (status)) {
            dprintf (report, "%s %d %s%s\n", WIFEXITED (status) ? "ended" : "died",
                     WIFEXITED (status) ? WEXITSTATUS (status) : WTERMSIG (status),
                     own ? "foreground" : "elsewhere", echo ? "" : " without echo");
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
 *  foreground, '$' run a command, '=' look for it in the log. $RUN is the tool, or flock(1). */
typedef struct story {
    const char *script;
    const char *steps[8];
} story_t;

static const story_t s_stories[] = {
    //  The command reads the terminal.
    {"exec $RUN sh -c 'echo ready; read x; echo got $x; exit 3'",
     {"?ready", "!word\n", "?got word", "?ended 3 foreground\n"}},
    //  ^C ends the command, and the loop around it.
    {"while :; do $RUN sh -c 'echo ready; exec sleep 60'; done",
     {"?ready", "!\003", "?died 2 foreground\n"}},
    {"exec bash -c 'while :; do $RUN sh -c \"echo ready; exec sleep 60\"; done'",
     {"?ready", "!\003", "?died 2 foreground\n"}},
    {"trap 'echo loop saw it; exit 9' INT; $RUN sh -c 'echo ready; exec sleep 60'; echo code $?",
     {"?ready", "!\003", "?loop saw it", "?ended 9 foreground\n"}},
    //  A pager reads its input from the command, and its keys from the terminal.
    {"$RUN sh -c 'echo line; echo ready >&2' | "
     "sh -c 'read line; read key < /dev/tty; echo pager $line $key; exit 4'",
     {"?ready", "!word\n", "?pager line word", "?ended 4 foreground\n"}},
    //  One in the background of a script that reads its terminal.
    {"$RUN sh -c 'echo ready; exec sleep 60' & read x; echo script got $x; kill -KILL 0",
     {"?ready", "!word\n", "?script got word", "?died 9 foreground\n"}},
    {"mkfifo go; $RUN sh -c 'echo ready; read y < go; echo ended' & read x; echo script got $x; "
     "echo > go; wait $!; exit 5",
     {"?ready", "!word\n", "?script got word", "?ended 5 foreground\n"}},
    {"$RUN sh -c 'echo ready; exec sleep 5' & wait", {"?ready", "!\003", "?died 2 foreground\n"}},
    //  Stop and continue.
    {"exec $RUN sh -c 'echo ready; read x; echo got $x'",
     {"?ready", "!\032", "?stopped foreground", "%", "!more\n", "?got more",
      "?ended 0 foreground\n"}},
    //  It leaves the terminal's modes as the command does.
    {"exec $RUN sh -c 'stty -echo; kill -KILL $$'", {"?ended 137 foreground without echo\n"}},
    {"exec $RUN sh -c 'stty -echo; stty echo; exit 1'", {"?ended 1 foreground\n"}},
    //  A job in the background of a shell with job control that reads the terminal is stopped.
    {"bash -c 'set -m; $RUN sh -c \"echo ready; read x\" & until jobs | grep -q Stopped; do :; "
     "done; "
     "echo stopped; kill -KILL %1; exit 6'",
     {"?ready", "?stopped", "?ended 6 foreground\n"}},
};

static const story_t s_own_stories[] = {
    //  A list fits the terminal: columns of text are cut.
    {"stty cols 100; $T locks; stty cols 200; $T locks",
     {"?  one    kim@alpha pi..  n\r\n", "?  one    kim@alpha pid 4711 ./backup.sh  n\r\n",
      "?ended 0 foreground\n"}},
    //  A command may handle the interrupt.
    {"exec $RUN sh -c 'trap \"echo handled; exit 6\" INT; "
     "echo ready; while :; do sleep 0.1; done'",
     {"?ready", "!\003", "?handled", "?ended 6 foreground\n"}},
    {"$RUN sh -c 'echo ready; exec sleep 60'", {"?ready", "!\003", "?died 2", "=release lock 42"}},
    {"$RUN sh -c 'echo ready; exec sleep 60'",
     {"?ready", "!\034", "?died 3 foreground", "=release lock 42"}},
    //  An interrupt while it waits for the lock.
    {CONTROL "echo move 1 > control & while :; do $RUN touch ran; done",
     {"?place 1 in the queue", "!\003", "?died 2 foreground\n", "=close"}},
    //  Stop while waiting.
    {CONTROL "echo move 1 > control & exec $RUN sh -c 'echo ready; read x; echo got $x'",
     {"?place 1 in the queue", "!\032", "?stopped foreground", "%", "$echo grant > control",
      "?ready", "!\004", "?ended 0 foreground\n"}},
    //  Nothing keeps the lock alive while the job is stopped: then it is ended.
    {CONTROL "echo grant > control & exec $RUN sh -c 'echo ready; read x; read y'",
     {"?ready", "!\032", "?stopped foreground", "?cannot be kept: ending the command", "%",
      "?ended 75 foreground\n"}},
    //  The terminal goes: so do all.
    {"exec $RUN sh -c 'echo $$ > main; echo ready; sleep 60 & wait'",
     {"?ready", "^", "=release lock 42"}},
    //  stdout and stderr are stopped by ^S: that does not hold up the lock.
    {CONTROL "echo grant > control & exec $RUN sh -c 'echo $$ > main; echo ready; exec sleep 60'",
     {"?ready", "!\023",
      "$echo lose > control; until ! ps -o stat= -p $(cat main) | "
      "grep -q '^[^Z]'; do :; done",
      "!\021", "?ended 75 foreground\n"}},
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
    else if (*step == '^') {
        close (self->screen);
        self->screen = -1;
    } else
        assert_true (HF_WAIT (strstr (trial_log (), text), LIMIT_MS));
}

static void
s_play (const story_t *story, const char *runner)
{
    terminal_t t;
    setenv ("RUN", runner, 1);
    print_message ("RUN='%s'; %s\n", runner, story->script);
    s_terminal_open (&t, story->script);
    for (size_t k = 0; k < 8 && story->steps[k]; k++)
        s_step (&t, story->steps[k]);
    s_terminal_close (&t);
    unlink ("control");
    unlink ("go");
}

static char s_tool[600];

HF_TEST (test_as_flock_does)
{
    snprintf (s_tool, sizeof s_tool, "%s run --ttl 2 lock --", HF_TEST_TOOL);
    for (size_t i = 0; i < sizeof s_stories / sizeof *s_stories; i++) {
        s_play (&s_stories[i], "flock flocked");
        s_play (&s_stories[i], s_tool);
    }
}

HF_TEST (test_a_job_on_a_terminal)
{
    snprintf (s_tool, sizeof s_tool, "%s run --ttl 2 lock --", HF_TEST_TOOL);
    for (size_t i = 0; i < sizeof s_own_stories / sizeof *s_own_stories; i++)
        s_play (&s_own_stories[i], s_tool);
}

HF_TEST_MAIN (trial_setup, trial_teardown)
