//  What a node is told: by a file, by the environment, by the command line, and what it says when
//  something in them is wrong. SIGHUP takes the log level from the file.

#include "tests/kit/hf_test.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <limits.h>
#include <signal.h>

#define LIMIT_MS  10000
#define TEXT_SIZE 8192

/*  A script in which $N is the node's program, $T the tool, and . an empty folder. It ends with
 *  CODE and says HAS and HAS_TOO, where these are given, in so many LINES (0: any). */
typedef struct story {
    int code;
    const char *script, *has, *has_too;
    unsigned lines;
} story_t;

static unsigned
s_lines (const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void
s_tell (const hf_cluster_t *cluster, const story_t *stories, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const story_t *story = &stories[i];
        char script[2048], text[TEXT_SIZE];
        snprintf (script, sizeof script,
                  "set -e; N=$0; T=$1; mkdir -p \"$2/%zu/in\"; cd \"$2/%zu\"; exec 2>&1; %s", i, i,
                  story->script);
        const char *argv[] = {"/bin/sh",    "-c", script, hf_cluster_program (),
                              HF_TEST_TOOL, NULL, NULL};
        argv[5] = hf_cluster_dir (cluster);
        int code = hf_process_run (argv, LIMIT_MS, text, sizeof text);
        if (code != story->code || (story->has && !strstr (text, story->has)) ||
            (story->has_too && !strstr (text, story->has_too)) ||
            (story->lines != 0 && s_lines (text) != story->lines))
            fail_msg ("%s: code %d, and it says:\n%s", story->script, code, text);
    }
}
#define TELL(cluster, stories) s_tell (cluster, stories, sizeof (stories) / sizeof *(stories))

//  What the options come to shows in the line of --check, and in what --help gives by default.
HF_TEST_ON (later_wins, 1)
{
    static const story_t s_stories[] = {
        {0, "$N --check",
         .has = "all is well: node 1, cluster 1@127.0.0.1:8080:8081, without keys"},
        {0, "echo 'cluster = \"2@localhost\"' > f; $N --check --config f", .has = "node 2",
         .has_too = "localhost"},
        {0, "echo 'cluster = \"2@localhost\"' > f; HOLDFASTD_CONFIG=f $N --check", .has = "node 2"},
        {0,
         "echo 'id = 1; cluster = \"1@127.0.0.1\";' > f; "
         "HOLDFASTD_CLUSTER=1@127.0.0.2 $N --check --config f",
         .has = "cluster 1@127.0.0.2"},
        {0, "HOLDFASTD_CLUSTER=1@127.0.0.2 $N --check --cluster 1@127.0.0.3",
         .has = "cluster 1@127.0.0.3"},
        {0, "HOLDFASTD_CLUSTER= $N --check", .has = "cluster 1@127.0.0.1"},
        //  A file says less than the others may take back.
        {0, "echo 'insecure = true' > f; $N --check --config f --cluster 1@192.0.2.1", .has = ""},
        {1,
         "echo 'insecure = true' > f; "
         "$N --check --config f --cluster 1@192.0.2.1 --insecure=no",
         .has = "there are no keys"},
        {1,
         "echo 'insecure = true' > f; "
         "HOLDFASTD_INSECURE=off $N --check --config f --cluster 1@192.0.2.1",
         .has = "there are no keys"},
        //  All names but those that are said once.
        {0,
         "cat > f << E\n"
         "# of this node\nid = 3;\n/* and of\n others */ // all\n"
         "join: \"127.0.0.1:8080\"\nlisten = \"127.0.0.1\"\nhttp = \"127.0.0.1:9\"\n"
         "data = \"/d\"\nlog-level = \"warn\"\nlog-format = \"json\"\nlog-keep = 65536\n"
         "no-prefer-lowest = true\ninsecure = false\nE\n$N --check --config f",
         .has = "node 3, joins 127.0.0.1:8080"},
        {0,
         "echo '@include \"in/g\"' > f; echo 'id = 7; cluster = \"7@localhost\"' > in/g; "
         "cd in; $N --check --config ../f",
         .has = "node 7"},
    };
    TELL (cluster, s_stories);
}

HF_TEST_ON (what_is_wrong_is_said, 1)
{
    static const story_t s_stories[] = {
        {64, "printf '\\n\\nclustr = \"x\"\\n' > FILE; $N --config FILE",
         .has = "holdfastd: unknown name 'clustr' in FILE:3; did you mean 'cluster'?\n",
         .lines = 1},
        {64, "echo 'log_level = 1' > f; $N --config f", .has = "f:1; did you mean 'log-level'?"},
        {64, "echo 'banana = 1' > f; $N --config f",
         .has = "unknown name 'banana' in f:1; the names are"},
        {64, "echo 'restore = \"x\"' > f; $N --config f",
         .has = "'restore' in f:1 is for the command line", .lines = 1},
        {64, "echo 'yes = true' > f; $N --config f", .has = "'yes' in f:1 is for the command line"},
        {64, "echo 'id = \"x\"' > f; $N --config f",
         .has = "'id' in f:1 must be a number from 1 to 65535", .has_too = "not \"x\""},
        {64, "echo 'data = 5' > f; $N --config f", .has = "'data' in f:1 must be a text in quotes"},
        {64, "echo 'id = [1]' > f; $N --config f",
         .has = "'id' in f:1 must be a text in quotes, a number"},
        {64, "echo 'insecure = \"perhaps\"' > f; $N --config f", .has = "must be yes or no"},
        {64, "echo 'data = /var/lib' > f; $N --config f",
         .has = "f:1: syntax error; a line is NAME"},
        {64, "echo 'id = 1; id = 2' > f; $N --config f",
         .has = "f:1: duplicate setting name: a name"},
        {64, "echo '@include \"g\"' > f; $N --config f", .has = "include", .lines = 1},
        {64, "echo '@include \"in/g\"' > f; printf '\\nidd = 1' > in/g; $N --config f",
         .has = "in/g:2; did you mean 'id'?"},
        {64, "echo 'config = \"g\"' > f; $N --config f", .has = "@include \"FILE\""},
        {64, "$N --config .", .has = "cannot read .: it is no file", .lines = 1},
        {64, "$N --config none", .has = "cannot read none: No such file", .lines = 1},
        {64, "head -c 5000 /dev/urandom > f; $N --config f", .has = "f:"},
        {64, "HOLDFASTD_LOG_LEVEL=loud $N", .has = "HOLDFASTD_LOG_LEVEL must be error, warn",
         .lines = 1},
        {64, "$N --insecure=maybe", .has = "--insecure must be yes or no, not \"maybe\"",
         .lines = 1},
        {64, "$N -x", .has = "unknown option \"-x\"", .lines = 1},
        {64, "$N --id", .has = "incomplete option \"--id\"", .lines = 1},
        {64, "echo 'keys = \"k\"' > f; $N --config f", .has = "--keys and --key go together",
         .lines = 1},
        //  --check says all of it.
        {1,
         "printf 'idd = 1\\nlog-keep = \"5x\"\\n' > f; "
         "HOLDFASTD_ID=y $N --check --config f --http=1 --cluster 1@a,2@b",
         .has = "did you mean 'id'", .has_too = "1, 3, 5 or 7 nodes", .lines = 5},
        {1, "$N --check --keys k", .has = "--keys and --key go together", .lines = 1},
        {1, "$N --check --key k", .has = "--keys and --key go together"},
        {1, "$N --check --recover", .has = "--check goes without"},
    };
    TELL (cluster, s_stories);
}

HF_TEST_ON (a_check_reads_the_keys, 1)
{
    static const story_t s_stories[] = {
        {0,
         "mkdir -p k/nodes k/clients; cd k; $T keys new n1 --node 1; cp n1 nodes/; cd ..; "
         "$N --check --id 1 --cluster 1@192.0.2.1 --keys k --key k/n1_secret",
         .has = "all is well", .has_too = "with keys"},
        {1,
         "mkdir -p k/nodes; cd k; $T keys new n1 --node 1; cd ..; "
         "$N --check --cluster 2@192.0.2.1 --keys k --key k/n1_secret",
         .has = "is not the key of node 2"},
        {1,
         "mkdir -p k/nodes; cd k; $T keys new n1 --node 1; chmod 644 n1_secret; cd ..; "
         "$N --check --keys k --key k/n1_secret",
         .has = "n1_secret"},
        {1,
         "mkdir -p k/nodes; cd k; $T keys new n1 --node 1; echo x > nodes/n1; cd ..; "
         "$N --check --keys k --key k/n1_secret",
         .has = "k/nodes/n1"},
        {1, "$N --check --keys k --key k", .has = "holdfastd: "},
    };
    TELL (cluster, s_stories);
}

static void
s_write (const char *path, const char *text)
{
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fputs (text, file);
    assert_int_equal (fclose (file), 0);
}

HF_TEST_ON (a_hangup_takes_the_log_level_from_the_file, 1)
{
    char path[PATH_MAX], option[PATH_MAX + 16];
    snprintf (path, sizeof path, "%s/conf", hf_cluster_dir (cluster));
    snprintf (option, sizeof option, "--config=%s", path);
    s_write (path, "log-level = \"info\"\n");
    hf_cluster_add_argument (cluster, option);
    assert_true (hf_cluster_begin (cluster));
    s_write (path, "log-level = \"debug\"\n");
    kill (hf_cluster_pid (cluster, 1), SIGHUP);
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "the log level is debug now"), LIMIT_MS));
    s_write (path, "log-level = \"debug\"\nclustr = 1\n");
    kill (hf_cluster_pid (cluster, 1), SIGHUP);
    assert_true (HF_WAIT (hf_cluster_log_has (cluster, 1, "the log level stays"), LIMIT_MS));
    assert_true (hf_cluster_log_has (cluster, 1, "did you mean 'cluster'?"));
    assert_int_equal (hf_cluster_wait_leader (cluster, LIMIT_MS), 1);
}

HF_TEST_MAIN (NULL, NULL)
