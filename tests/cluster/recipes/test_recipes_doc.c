//  docs/recipes.md: every script on the page is run on a real node, and does what the page says.

#include "tests/cluster/recipes/stage.h"
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 20000
#define RUNS      5

static char s_page[TEXT_SIZE];

static void
s_slurp (const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen (path, "r");
    size_t size = file ? fread (text, 1, TEXT_SIZE - 1, file) : 0;
    text[size] = 0;
    if (file)
        fclose (file);
    assert_true (size < TEXT_SIZE - 1);
}

static void
s_write (const char *path, const char *text, size_t size)
{
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    assert_int_equal (fwrite (text, 1, size, file), size);
    assert_int_equal (fclose (file), 0);
    assert_int_equal (chmod (path, 0755), 0);
}

/*  The code in LANGUAGE below HEADING, as a program PATH. */
static void
s_code (const char *heading, const char *language, const char *path)
{
    char line[100];
    snprintf (line, sizeof line, "\n## %s\n", heading);
    const char *section = strstr (s_page, line);
    if (!section)
        fail_msg ("no section %s", heading);
    const char *end = strstr (section + 1, "\n## ");
    snprintf (line, sizeof line, "\n```%s\n", language);
    const char *code = strstr (section, line);
    if (!code || (end && code > end))
        fail_msg ("no %s in section %s", language, heading);
    code += strlen (line);
    const char *last = strstr (code, "\n```\n");
    assert_non_null (last);
    s_write (path, code, (size_t)(last + 1 - code));
}

static void
s_script (const char *path, const char *text)
{
    s_write (path, text, strlen (text));
}

static int
s_begin (void **state)
{
    char path[4000];
    if (stage_begin (state) != 0 || chdir (hf_cluster_dir (g_stage.cluster)) != 0)
        return -1;
    s_slurp (HF_PAGE, s_page);
    //  The tool's folder comes first.
    snprintf (path, sizeof path, "%s:%s", HF_TOOL_FOLDER, getenv ("PATH"));
    setenv ("PATH", path, 1);
    setenv ("HOLDFAST_ENDPOINTS", hf_cluster_endpoints (g_stage.cluster), 1);
    return 0;
}

/*  Run a command of the shell; its exit code. */
static int
s_run (const char *command)
{
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    char text[2000];
    int code = hf_process_run (argv, LIMIT_MS, text, sizeof text);
    if (code != 0)
        fprintf (stderr, "%s: %d: %s\n", command, code, text);
    return code;
}

/*  The same, several at once. */
static void
s_run_together (const char *command, int count)
{
    hf_process_t *runs[RUNS];
    assert_true (count <= RUNS);
    const char *argv[] = {"/bin/sh", "-c", command, NULL};
    for (int i = 0; i < count; i++)
        runs[i] = hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = "runs.log"});
    for (int i = 0; i < count; i++)
        assert_int_equal (hf_process_wait (runs[i], LIMIT_MS), 0);
    for (int i = 0; i < count; i++)
        hf_process_destroy (&runs[i]);
}

static void
s_expect (const char *path, const char *text)
{
    static char found[TEXT_SIZE];
    s_slurp (path, found);
    assert_string_equal (found, text);
}

/*  The replicated FILE. */
static void
s_expect_file (const char *file, const char *text)
{
    char command[100];
    snprintf (command, sizeof command, "holdfast cat %s > found", file);
    assert_int_equal (s_run (command), 0);
    s_expect ("found", text);
}

HF_TEST (test_cron_on_many_machines)
{
    s_code ("Cron on many machines", "sh", "daily");
    s_script ("backup", "#!/bin/sh\n[ -e broken ] && exit 3\necho ran >> backups\n");
    s_script ("broken", "");
    assert_int_equal (s_run ("./daily backup ./backup"), 3);
    assert_int_equal (unlink ("broken"), 0);
    s_run_together ("./daily backup ./backup", RUNS); //  it failed, so it is due
    s_expect ("backups", "ran\n");
    assert_int_equal (s_run ("holdfast run -n -E 0 backup -- ./backup"), 0);
    s_expect ("backups", "ran\nran\n");
}

HF_TEST (test_leader_of_a_service)
{
    hf_process_t *runs[2];
    s_code ("Leader of a service", "sh", "lead");
    s_script ("serve", "#!/bin/sh\necho $1 >> leaders\necho $$ > serving.new\n"
                       "mv serving.new serving\nexec tail -f /dev/null\n");
    const char *first[] = {"./lead", "alpha:1", "./serve", "alpha", NULL};
    const char *second[] = {"./lead", "beta:1", "./serve", "beta", NULL};
    runs[0] = hf_process_new (&(hf_process_config_t){.argv = first, .log_path = "lead.log"});
    assert_true (HF_WAIT (access ("serving", F_OK) == 0, LIMIT_MS));
    runs[1] = hf_process_new (&(hf_process_config_t){.argv = second, .log_path = "lead.log"});
    stage_wait_waiters ("service", 1);
    s_expect ("leaders", "alpha\n");
    assert_int_equal (s_run ("pid=$(cat serving); rm serving; kill $pid"), 0);
    assert_true (HF_WAIT (access ("serving", F_OK) == 0, LIMIT_MS));
    s_expect ("leaders", "alpha\nbeta\n");
    stage_wait_waiters ("service", 1);
    for (int i = 0; i < 2; i++)
        hf_process_destroy (&runs[i]);
    //  Who led, and who waited, run without the loop around them now: the service ends twice.
    assert_true (HF_WAIT ((s_run ("kill $(cat serving) 2> /dev/null; :"),
                           s_run ("holdfast run -n -E 3 service -- rm -f serving || [ $? -eq 3 ]"),
                           access ("serving", F_OK) != 0),
                          LIMIT_MS));
}

HF_TEST (test_rolling_restart)
{
    s_code ("Rolling restart", "sh", "restart");
    s_script ("server", "#!/bin/sh\necho + >> restarts\n"
                        "holdfast locks restart --json > /dev/null\necho - >> restarts\n");
    s_run_together ("./restart 2 ./server", RUNS);
    char text[TEXT_SIZE];
    int running = 0;
    s_slurp ("restarts", text);
    assert_int_equal (strlen (text), 2 * 2 * RUNS);
    for (const char *at = text; *at; at += 2) {
        running += *at == '+' ? 1 : -1;
        assert_in_range (running, 0, 2);
    }
    assert_int_equal (s_run ("./restart 2 holdfast run -n --limit 3 restart -- true"), 2);
    assert_int_equal (s_run ("holdfast run -n restart -- true"), 0);
}

HF_TEST (test_several_resources)
{
    s_code ("Several resources at once, without deadlock", "sh", "transfer");
    s_run_together ("for i in 1 2; do ./transfer a b true && ./transfer b a true || exit; done",
                    RUNS);
}

HF_TEST (test_fencing_a_database_write)
{
    if (s_run ("command -v sqlite3 > /dev/null") != 0)
        skip ();
    s_code ("Fencing a database write", "sql", "schema.sql");
    s_code ("Fencing a database write", "sh", "deposit");
    assert_int_equal (s_run ("sqlite3 -bail bank.db < schema.sql"), 0);
    assert_int_equal (s_run ("holdfast run accounts -- ./deposit 5"), 0);
    assert_int_equal (s_run ("holdfast run accounts -- sh -c './deposit 6 && ./deposit 7'"), 0);
    assert_int_not_equal (s_run ("HOLDFAST_TOKEN=1 ./deposit 100 2> fenced"), 0);
    assert_int_equal (s_run ("grep -q 'a newer holder has written' fenced"), 0);
    assert_int_equal (s_run ("sqlite3 bank.db 'SELECT balance FROM account' > balance"), 0);
    s_expect ("balance", "18\n");
}

HF_TEST (test_workers_of_a_job_queue)
{
    s_code ("A job queue's workers", "sh", "worker");
    s_script ("work", "#!/bin/sh\necho $1 >> worked\n[ $1 = 3 -a ! -e fixed ] && exit 1\n"
                      "echo $(($1 * $1))\n");
    assert_int_equal (s_run ("for i in 1 2 3 4; do holdfast append -l jobs $i; done"), 0);
    s_run_together ("./worker ./work || :", 2);
    assert_int_equal (s_run ("./worker ./work || :"), 0);
    assert_int_equal (s_run ("holdfast cat results | sort > found"), 0);
    s_expect ("found", "1 1\n2 4\n4 16\n");
    s_script ("fixed", "");
    s_run_together ("./worker ./work", 2);
    assert_int_equal (s_run ("./worker ./work; holdfast cat results | sort > found"), 0);
    s_expect ("found", "1 1\n2 4\n3 9\n4 16\n");
    assert_int_equal (s_run ("sort worked | uniq -c | awk '$2 != 3 { print $1 }' > found"), 0);
    s_expect ("found", "1\n1\n1\n");
}

HF_TEST (test_a_ledger)
{
    s_code ("A ledger", "sh", "book");
    assert_int_equal (s_run ("./book kim lee 5"), 0);
    assert_int_equal (s_run ("./book kim lee five"), 1);
    s_run_together ("./book lee kim 2", 3);
    s_expect_file ("account-kim", "out 5\nin 2\nin 2\nin 2\n");
    s_expect_file ("account-lee", "in 5\nout 2\nout 2\nout 2\n");
    assert_int_equal (s_run ("[ $(holdfast cat journal | wc -l) -eq 4 ]"), 0);
}

HF_TEST_MAIN (s_begin, stage_end)
