/*  Nodes with a file of rights: every kind of request by a user without the right is denied, and
 *  done for one with it; the file is read again when it changes, and one with a mistake changes
 *  nothing. Who is asked for it is the tool, with the keys of users. */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_test.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT_MS 20000

static const char s_rights[] = "# who may do what\n"
                               "kim  mine/*  acquire,shared,append,read,watch\n"
                               "lee  *       acquire,shared,append,read,watch\n"
                               "ops  *       release,close,members,backup\n";

static const char *
s_file (const hf_cluster_t *cluster)
{
    static char path[600];
    snprintf (path, sizeof path, "%s/rights", hf_cluster_dir (cluster));
    return path;
}

static void
s_put (const hf_cluster_t *cluster, const char *text, mode_t mode)
{
    char path[620];
    snprintf (path, sizeof path, "%s.new", s_file (cluster));
    FILE *file = fopen (path, "we");
    assert_non_null (file);
    assert_true (fputs (text, file) >= 0);
    assert_int_equal (fclose (file), 0);
    assert_int_equal (chmod (path, mode), 0);
    assert_int_equal (rename (path, s_file (cluster)), 0);
}

static void
s_write (const hf_cluster_t *cluster, const char *text)
{
    s_put (cluster, text, 0644);
}

static void
s_begin (hf_cluster_t *cluster)
{
    static const char *const users[] = {"kim", "lee", "ops"};
    hf_cluster_use_keys (cluster);
    for (size_t i = 0; i < 3; i++)
        hf_cluster_make_key (cluster, users[i], 0, true);
    s_write (cluster, s_rights);
    hf_cluster_add_argument (cluster, "--rights");
    hf_cluster_add_argument (cluster, s_file (cluster));
    assert_true (hf_cluster_begin (cluster));
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (cluster), 1);
}

/*  A line of shell as USER, in which $T is the tool; its exit code, and what it says in TEXT. */
static int
s_as (hf_cluster_t *cluster, const char *user, const char *line, char text[8192])
{
    setenv ("T", HF_TEST_TOOL, 1);
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, user), 1);
    const char *argv[] = {"/bin/sh", "-c", line, NULL};
    int code = hf_process_run (argv, LIMIT_MS, text, 8192);
    setenv ("HOLDFAST_KEY", hf_cluster_key (cluster, "tester"), 1);
    return code;
}

static void
s_done (hf_cluster_t *cluster, const char *user, const char *line)
{
    char text[8192];
    int code = s_as (cluster, user, line, text);
    if (code != 0)
        fail_msg ("%s: %s: %d: %s", user, line, code, text);
}

static void
s_denied (hf_cluster_t *cluster, const char *user, const char *line, const char *why)
{
    char text[8192];
    int code = s_as (cluster, user, line, text);
    if (code != 77 || !strstr (text, why))
        fail_msg ("%s: %s: %d: %s", user, line, code, text);
}

//  ---- every kind -----------------------------------------------------------------------------

typedef struct asked {
    const char *user, *line, *why; //  NULL: it is done
} asked_t;

#define MISSING(right) ": the right \"" right "\" is missing"

static const asked_t s_asked[] = {
    {"kim", "$T run other -- true", "kim may not acquire other" MISSING ("acquire")},
    {"kim", "$T run mine/a -- true", NULL},
    {"kim", "$T run --shared other -- true", "kim may not share other" MISSING ("shared")},
    {"kim", "$T run --shared mine/a -- true", NULL},
    {"kim", "$T run mine/a other -- true", "kim may not acquire other" MISSING ("acquire")},
    {"kim", "$T run mine/a mine/b -- true", NULL},
    {"kim", "$T run mine/a -- $T append F text", "kim may not append to F" MISSING ("append")},
    {"kim", "$T run mine/a -- $T append mine/f text", NULL},
    {"lee", "$T append F text", NULL},
    {"kim", "$T cat F", "kim may not read F" MISSING ("read")},
    {"kim", "[ \"$($T cat mine/f)\" = text ]", NULL},
    {"kim", "[ \"$($T ls --json | tr -d ' \\n' | grep -c '\"F\"')\" = 0 ]", NULL},
    {"lee", "$T ls --json | grep -q '\"F\"'", NULL},
    {"kim", "$T locks L", "kim may not see who holds L" MISSING ("read")},
    {"kim", "$T watch L", "kim may not watch L*" MISSING ("watch")},
    {"kim", "$T backup b", "kim may not take a backup" MISSING ("backup")},
    {"ops", "$T backup - > /dev/null", NULL},
    {"kim", "$T members remove 3", "kim may not change the members" MISSING ("members")},
    {"ops", "$T members add 9@127.0.0.1:1:2 --no-wait && $T members remove 9", NULL},
    {"ops", "$T run mine/a -- true", "ops may not acquire mine/a" MISSING ("acquire")},
    {"kim", "$T status", NULL},
    {"kim", "$T members", NULL},
};

HF_TEST_ON (each_kind_of_request_needs_its_right, 3)
{
    char text[8192];
    s_begin (cluster);
    for (size_t i = 0; i < sizeof s_asked / sizeof *s_asked; i++)
        if (s_asked[i].why)
            s_denied (cluster, s_asked[i].user, s_asked[i].line, s_asked[i].why);
        else
            s_done (cluster, s_asked[i].user, s_asked[i].line);
    //  A lock that another user holds, and his session.
    assert_int_equal (s_as (cluster, "lee", "$T acquire --ttl 5m L", text), 0);
    FILE *file;
    char path[600], line[700];
    snprintf (path, sizeof path, "%s/held", hf_cluster_dir (cluster));
    assert_non_null (file = fopen (path, "we"));
    fputs (text, file);
    fclose (file);
    snprintf (line, sizeof line, ". %s; $T release", path);
    s_denied (cluster, "kim", line, "kim may not release L of session ");
    s_done (cluster, "kim", "[ \"$($T sessions --json | grep -c '\"lee\"')\" = 0 ]");
    s_done (cluster, "ops", "$T sessions --json | grep -q '\"lee\"'");
    s_done (cluster, "ops", line);
    assert_true (hf_cluster_log_has (cluster, 1, "audit: kim may not acquire other"));
    assert_true (hf_cluster_log_has (cluster, 1, "(from 127.0.0.1)"));
    assert_true (hf_cluster_log_has (cluster, 1, "audit: ops: release L of session "));
}

//  ---- the file changes -----------------------------------------------------------------------

static bool
s_may (hf_cluster_t *cluster)
{
    char text[8192];
    return s_as (cluster, "kim", "$T run new/a -- true", text) == 0;
}

static bool
s_all_say (const hf_cluster_t *cluster, const char *line)
{
    for (uint32_t id = 1; id <= 3; id++)
        if (!hf_cluster_log_has (cluster, id, line))
            return false;
    return true;
}

HF_TEST_ON (rights_change_while_the_cluster_serves, 3)
{
    s_begin (cluster);
    assert_false (s_may (cluster));
    s_write (cluster, "kim new/* acquire\n");
    assert_true (HF_WAIT (s_may (cluster), LIMIT_MS));
    assert_true (HF_WAIT (s_all_say (cluster, "goes by new rights"), LIMIT_MS));
    //  One with a mistake changes nothing, and is told with its line.
    s_write (cluster, "kim mine/* acquire\nkim new/* aquire\n");
    assert_true (
        HF_WAIT (s_all_say (cluster, "/rights:2: there is no right \"aquire\"; \"acquire\" is one"),
                 LIMIT_MS));
    assert_true (s_all_say (cluster, "is not good: keeps the rights that it had"));
    assert_true (s_may (cluster));
    //  Nor does one that others may write.
    s_put (cluster, "kim mine/* acquire\n", 0664);
    assert_true (HF_WAIT (s_all_say (cluster, "others may write it: chmod go-w"), LIMIT_MS));
    assert_true (s_may (cluster));
    assert_int_equal (unlink (s_file (cluster)), 0);
    assert_true (
        HF_WAIT (s_all_say (cluster, "No such file or directory; keeps the rights"), LIMIT_MS));
    assert_true (s_may (cluster));
    s_write (cluster, s_rights);
    for (uint32_t id = 1; id <= 3; id++)
        kill (hf_cluster_pid (cluster, id), SIGHUP);
    assert_true (HF_WAIT (!s_may (cluster), LIMIT_MS));
    assert_true (s_all_say (cluster, "looks at keys and rights: hangup"));
}

//  ---- the dry run ----------------------------------------------------------------------------

static int
s_check (hf_cluster_t *cluster, const char *more, char text[8192])
{
    char line[3000];
    snprintf (line, sizeof line, "%s --check --keys %s --key %s %s", hf_cluster_program (),
              hf_cluster_keys (cluster), hf_cluster_key (cluster, "node-1"), more);
    const char *argv[] = {"/bin/sh", "-c", line, NULL};
    return hf_process_run (argv, LIMIT_MS, text, 8192);
}

HF_TEST_ON (a_dry_run_says_all_that_is_wrong, 1)
{
    char text[8192], more[700];
    s_begin (cluster);
    snprintf (more, sizeof more, "--rights %s", s_file (cluster));
    assert_int_equal (s_check (cluster, more, text), 0);
    assert_non_null (strstr (text, "all is well"));
    assert_int_equal (s_check (cluster, "--rights /nowhere", text), 1);
    assert_non_null (strstr (text, "cannot read the file of rights /nowhere"));
    static const mode_t open_to[] = {0620, 0602}; //  a group; everybody
    for (size_t i = 0; i < 2; i++) {
        s_put (cluster, s_rights, open_to[i]);
        assert_int_equal (s_check (cluster, more, text), 1);
        assert_non_null (strstr (text, "/rights: others may write it: chmod go-w"));
    }
    snprintf (more, sizeof more, "--id 2 --rights %s", s_file (cluster));
    s_write (cluster, "kim\nkim x reed\n");
    assert_int_equal (s_check (cluster, more, text), 1);
    assert_non_null (strstr (text, "id 2 is not in the cluster list"));
    assert_non_null (strstr (text, "/rights:1: 1 word:"));
    assert_non_null (strstr (text, "/rights:2: there is no right \"reed\"; \"read\" is one"));
    const char *argv[] = {hf_cluster_program (), "--rights", s_file (cluster), NULL};
    assert_int_equal (hf_process_run (argv, LIMIT_MS, text, 8192), 64);
    assert_non_null (strstr (text, "--rights goes with --keys and --key"));
}

HF_TEST_MAIN (NULL, NULL)
