//  The tool, linked with the fake library, run by a shell in an empty folder.

#include "tests/unit/tool/trial.h"
#include "tests/kit/hf_folder.h"
#include "tests/kit/hf_process.h"
#include "tests/kit/hf_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BESIDE 4

static char s_folder[PATH_MAX];
static char s_output[1 << 16];
static char s_log[1 << 16];

int
trial_setup (void **state)
{
    (void)state;
    static const char *const foreign[] = {"HOLDFAST_ENDPOINTS", "HOLDFAST_LOCK", "HOLDFAST_TOKEN",
                                          "HOLDFAST_SESSION", "SHELL"};
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        unsetenv (foreign[i]);
    setenv ("T", HF_TEST_TOOL, 1);
    setenv ("HF_FAKE_LOG", "log", 1);
    if (hf_folder_make (NULL, "hf-tool", s_folder) != 0 || chdir (s_folder) != 0)
        return -1;
    return setenv ("D", s_folder, 1);
}

int
trial_teardown (void **state)
{
    (void)state;
    return chdir ("/") == 0 ? hf_folder_remove (s_folder) : -1;
}

static int
s_run (const char *script)
{
    unlink ("log");
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    return hf_process_run (argv, TRIAL_LIMIT_MS, s_output, sizeof s_output);
}

void
trial_must (int code, const char *script)
{
    int got = s_run (script);
    if (got != code)
        fail_msg ("exit code %d, not %d, of: %s\n%s", got, code, script, s_output);
}

void
trial_need (const char *script)
{
    if (s_run (script) == 0)
        return;
    print_message ("skipped: this does not work here: %s\n", script);
    skip ();
}

const char *
trial_output (void)
{
    return s_output;
}

void
trial_output_has (const char *text)
{
    if (!strstr (s_output, text))
        fail_msg ("'%s' is not in: %s", text, s_output);
}

const char *
trial_log (void)
{
    FILE *file = fopen ("log", "r");
    size_t size = file ? fread (s_log, 1, sizeof s_log - 1, file) : 0;
    if (file)
        fclose (file);
    s_log[size] = '\0';
    return s_log;
}

/*  TEXT as JSON without blanks and line ends, in single quotes. */
static void
s_squeeze (char *to, const char *text)
{
    for (; *text; text++)
        if (*text != ' ' && *text != '\n')
            *to++ = *text == '"' ? '\'' : *text;
    *to = '\0';
}

static bool
s_same (const char *text, const char *expected)
{
    return !expected || strcmp (text, expected) == 0;
}

static bool
s_has (const char *text, const char *expected)
{
    return !expected || strstr (text, expected);
}

static bool
s_passes (const trial_t *trial)
{
    static char json[sizeof s_output];
    int code = s_run (trial->script);
    const char *log = trial_log ();
    s_squeeze (json, s_output);
    if (code == trial->code && s_same (s_output, trial->is) && s_has (s_output, trial->has) &&
        s_has (s_output, trial->has_too) && s_same (json, trial->json) &&
        s_same (log, trial->log) && s_has (log, trial->log_has) &&
        s_has (log, trial->log_has_too) && !(trial->log_lacks && strstr (log, trial->log_lacks)))
        return true;
    print_error ("%s\nexit code %d\noutput: %s\nlog: %s\n", trial->script, code, s_output, log);
    return false;
}

void
trial_table (const trial_t *trials, size_t count)
{
    size_t failed = 0;
    for (const trial_t *trial = trials; trial < trials + count; trial++)
        failed += !s_passes (trial);
    assert_int_equal (failed, 0);
}

//  ---- side by side ----------------------------------------------------------------

static void
s_begin_beside (const trial_t *trial)
{
    static unsigned number;
    char name[32];
    snprintf (name, sizeof name, "beside-%u", ++number);
    pid_t pid = fork ();
    assert_true (pid >= 0);
    if (pid == 0)
        _exit (mkdir (name, 0755) != 0 || chdir (name) != 0 || !s_passes (trial));
}

/*  1: it failed. */
static size_t
s_end_beside (void)
{
    int status;
    return wait (&status) < 0 || status != 0;
}

void
trial_table_beside (const trial_t *trials, size_t count)
{
    size_t failed = 0;
    for (size_t i = 0; i < count; i++) {
        failed += i >= BESIDE ? s_end_beside () : 0;
        s_begin_beside (&trials[i]);
    }
    for (size_t i = 0; i < count && i < BESIDE; i++)
        failed += s_end_beside ();
    assert_int_equal (failed, 0);
}
