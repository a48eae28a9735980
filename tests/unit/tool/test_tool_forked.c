/*  The guard of `holdfast run` is killed between fork and exec of the command, while the tool
 * stands still and can end nothing: the command must not begin. Without a cluster.
 *
 *  This program traces the guard and its child, and so stops the child at the very place.
 */
#include "tests/kit/hf_process.h"
#include "tests/kit/hf_test.h"
#include "tests/kit/hf_wait.h"
#include "tests/unit/tool/trial.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 20000

typedef struct run {
    hf_process_t *tool;
    int control;
    pid_t guard, child;
} run_t;

static pid_t
s_find_guard (pid_t tool)
{
    char number[16], text[32] = "";
    snprintf (number, sizeof number, "%d", (int)tool);
    const char *const argv[] = {"/usr/bin/env", "pgrep", "-P", number, "-x", "hf-guard", NULL};
    hf_process_run (argv, LIMIT_MS, text, sizeof text);
    return (pid_t)strtol (text, NULL, 10);
}

/*  The STATUS of a process that this one traces. */
static void
s_await (pid_t pid, int *status)
{
    assert_true (HF_WAIT (waitpid (pid, status, __WALL | WNOHANG) == pid, LIMIT_MS));
}

/*  The guard waits for the lock, and is traced. */
static void
s_begin (run_t *self)
{
    unlink ("log");
    unlink ("ran");
    unlink ("control");
    assert_int_equal (mkfifo ("control", 0600), 0);
    self->control = open ("control", O_RDWR | O_CLOEXEC);
    assert_true (self->control >= 0);
    setenv ("HF_FAKE_CONTROL", "control", 1);
    const char *const argv[] = {HF_TEST_TOOL, "run", "lock",       "--",
                                "/bin/sh",    "-c",  "echo > ran", NULL};
    self->tool = hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = "err"});
    pid_t tool = hf_process_pid (self->tool);
    assert_true (HF_WAIT ((self->guard = s_find_guard (tool)) > 0, LIMIT_MS));
    long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACESYSGOOD;
    if (ptrace (PTRACE_SEIZE, self->guard, NULL, options) == 0)
        return;
    assert_int_equal (errno, EPERM);
    hf_process_destroy (&self->tool);
    close (self->control);
    print_message ("skipped: processes cannot be traced here\n");
    skip ();
}

/*  The guard has forked; its child has not begun. */
static void
s_fork (run_t *self)
{
    int status;
    unsigned long child = 0;
    assert_int_equal (write (self->control, "grant\n", 6), 6);
    s_await (self->guard, &status);
    assert_int_equal (status >> 8, SIGTRAP | PTRACE_EVENT_FORK << 8);
    assert_int_equal (ptrace (PTRACE_GETEVENTMSG, self->guard, NULL, &child), 0);
    self->child = (pid_t)child;
    s_await (self->child, &status);
    assert_true (WIFSTOPPED (status));
}

/*  The child goes on until it is about to execute the command. */
static void
s_go_to_exec (const run_t *self)
{
    struct __ptrace_syscall_info info;
    memset (&info, 0, sizeof info);
    while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_execve) {
        int status;
        assert_int_equal (ptrace (PTRACE_SYSCALL, self->child, NULL, 0), 0);
        s_await (self->child, &status);
        assert_true (WIFSTOPPED (status));
        assert_true (ptrace (PTRACE_GET_SYSCALL_INFO, self->child, sizeof info, &info) > 0);
    }
}

/*  The tool stands still, and the guard is killed: *STATUS is how the child ends. */
static void
s_kill_guard (const run_t *self, int *status)
{
    hf_process_stop (self->tool);
    kill (self->guard, SIGKILL);
    s_await (self->guard, status);
    assert_true (WIFSIGNALED (*status) && WTERMSIG (*status) == SIGKILL);
    ptrace (PTRACE_CONT, self->child, NULL, 0); //  fails when the child is killed already
    s_await (self->child, status);
}

static void
s_end (run_t *self)
{
    assert_int_not_equal (access ("ran", F_OK), 0);
    hf_process_go_on (self->tool);
    assert_int_equal (hf_process_wait (self->tool, LIMIT_MS), 70);
    assert_non_null (strstr (trial_log (), "cancel lock 42\nclose\n"));
    hf_process_destroy (&self->tool);
    close (self->control);
}

HF_TEST (test_killed_just_after_the_fork)
{
    run_t run;
    int status;
    s_begin (&run);
    s_fork (&run);
    s_kill_guard (&run, &status);
    assert_true (WIFEXITED (status)); //  it sees that its parent is another
    s_end (&run);
}

HF_TEST (test_killed_just_before_the_exec)
{
    run_t run;
    int status;
    s_begin (&run);
    s_fork (&run);
    s_go_to_exec (&run);
    s_kill_guard (&run, &status);
    assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL); //  with its parent
    s_end (&run);
}

HF_TEST_MAIN (trial_setup, trial_teardown)
