//  Scenarios: text files of steps and the trace that they must give.
//
//      test_traces FOLDER            compare every FOLDER/*.txt
//      test_traces FOLDER --rewrite  write the traces as they are now
//
//  A file is a row of blocks: steps (and # comments), a line of dashes, the
//  trace, an empty line. s_commands lists the steps. Times are milliseconds.

#include "hf_fleet.h"
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct stage {
    hf_fleet_t *fleet;
    char *trace; //  of the block
    size_t trace_size;
    FILE *out; //  into trace
} stage_t;

static void
s_tell (void *arg, const char *line)
{
    stage_t *stage = arg;
    fprintf (stage->out, "%s\n", line);
}

static uint32_t
s_number (const char *word)
{
    return word != NULL ? (uint32_t)strtoul (word, NULL, 10) : 0;
}

static uint32_t
s_kind (const char *name)
{
    for (uint32_t kind = 1; kind < 256; kind++) {
        if (strcmp (hf_kind_name (kind), name) == 0)
            return kind;
    }
    return 0;
}

//  ---- the steps ------------------------------------------------------------------------

#define WORDS_MAX 12

static bool
s_cluster (stage_t *stage, char **words, int count)
{
    if (stage->fleet != NULL)
        hf_fleet_destroy (&stage->fleet);
    hf_fleet_options_t options = {.members = s_number (words[1]),
                                  .seed = 1,
                                  .prefer_lowest = true,
                                  .latency_us = 500,
                                  .chunk = 2,
                                  .tell = s_tell,
                                  .tell_arg = stage,
                                  .tell_what = HF_TELL_ROLES};
    for (int i = 2; i < count; i++) {
        if (strcmp (words[i], "stay") == 0)
            options.prefer_lowest = false;
        else if (strcmp (words[i], "track") == 0)
            options.track = true;
        else if (strncmp (words[i], "seed=", 5) == 0)
            options.seed = s_number (words[i] + 5);
        else
            return false;
    }
    stage->fleet = hf_fleet_new (&options);
    return true;
}

static bool
s_log (stage_t *stage, char **words, int count)
{
    for (int i = 2; i < count; i++) {
        char *times = strchr (words[i], 'x');
        if (times == NULL)
            return false;
        hf_fleet_add_entries (stage->fleet, s_number (words[1]), s_number (words[i]),
                              s_number (times + 1));
    }
    return count > 2;
}

static bool
s_vote (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_set_vote (stage->fleet, s_number (words[1]), s_number (words[2]), s_number (words[3]));
    return true;
}

static bool
s_start (stage_t *stage, char **words, int count)
{
    for (int i = 1; i < count; i++)
        hf_fleet_start (stage->fleet, s_number (words[i]));
    for (uint32_t id = 1; count == 1 && id <= hf_fleet_options (stage->fleet)->members; id++)
        hf_fleet_start (stage->fleet, id);
    return true;
}

static bool
s_crash (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_crash (stage->fleet, s_number (words[1]), strcmp (words[0], "crash") == 0);
    return true;
}

static bool
s_broken (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_broken (stage->fleet, s_number (words[1]), s_number (words[2]));
    return true;
}

static void
s_connect (stage_t *stage, uint32_t a, uint32_t b, bool connected)
{
    hf_fleet_connect (stage->fleet, a, b, connected);
    hf_fleet_connect (stage->fleet, b, a, connected);
}

/*  cut A [B..]: from those, or from all. deaf A B: A does not hear B. */
static bool
s_cut (stage_t *stage, char **words, int count)
{
    uint32_t a = s_number (words[1]);
    if (strcmp (words[0], "deaf") == 0) {
        hf_fleet_connect (stage->fleet, s_number (words[2]), a, false);
        return true;
    }
    bool heals = strcmp (words[0], "heal") == 0;
    for (int i = 2; i < count; i++)
        s_connect (stage, a, s_number (words[i]), heals);
    uint32_t members = hf_fleet_options (stage->fleet)->members;
    for (uint32_t id = 1; id <= members; id++) {
        for (uint32_t other = 1; other <= members; other++) {
            bool meant = count == 1 || (count == 2 && id == a);
            if (meant && id != other)
                s_connect (stage, id, other, heals);
        }
    }
    return true;
}

/*  drop KIND A B [COUNT]: they are lost. keep: a second copy of each waits for "arrive". */
static bool
s_drop (stage_t *stage, char **words, int count)
{
    uint32_t times = count > 4 ? s_number (words[4]) : 1;
    bool drops = strcmp (words[0], "drop") == 0;
    (drops ? hf_fleet_drop : hf_fleet_keep) (stage->fleet, s_kind (words[1]), s_number (words[2]),
                                             s_number (words[3]), times);
    return s_kind (words[1]) != 0;
}

/*  arrive: what was kept comes now. */
static bool
s_arrive (stage_t *stage, char **words, int count)
{
    (void)words;
    (void)count;
    hf_fleet_arrive (stage->fleet);
    return true;
}

static bool
s_undrop (stage_t *stage, char **words, int count)
{
    (void)words;
    (void)count;
    hf_fleet_drop_no_more (stage->fleet);
    return true;
}

static bool
s_stall (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_stall (stage->fleet, s_number (words[1]), strcmp (words[0], "stall") == 0);
    return true;
}

/*  wipe NODE, which is down: it has a new disk. */
static bool
s_wipe (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_wipe (stage->fleet, s_number (words[1]));
    return true;
}

/*  prune NODE INDEX */
static bool
s_prune (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_prune (stage->fleet, s_number (words[1]), s_number (words[2]));
    return true;
}

/*  install NODE FROM: a node that is down gets the state of another. */
static bool
s_install (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_install (stage->fleet, s_number (words[1]), s_number (words[2]));
    return true;
}

static bool
s_propose (stage_t *stage, char **words, int count)
{
    uint32_t times = count > 2 ? s_number (words[2]) : 1;
    if (!hf_fleet_propose (stage->fleet, s_number (words[1]), times))
        s_tell (stage, "not taken");
    return true;
}

static bool
s_barrier (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_barrier (stage->fleet, s_number (words[1]), s_number (words[2]));
    return true;
}

static bool
s_handover (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_handover (stage->fleet, s_number (words[1]));
    return true;
}

static bool
s_run (stage_t *stage, char **words, int count)
{
    (void)count;
    hf_fleet_run (stage->fleet, 1000ULL * s_number (words[1]));
    hf_fleet_check (stage->fleet);
    return true;
}

/*  lead NODE within MS: until it is told that it leads. */
static bool
s_lead (stage_t *stage, char **words, int count)
{
    uint32_t node = s_number (words[1]);
    uint64_t end_us = hf_fleet_now_us (stage->fleet) + 1000ULL * s_number (words[count - 1]);
    while (hf_fleet_leader (stage->fleet) != node && hf_fleet_next (stage->fleet, end_us))
        ;
    if (hf_fleet_leader (stage->fleet) != node)
        s_tell (stage, "it does not");
    return count == 4;
}

static bool
s_show (stage_t *stage, char **words, int count)
{
    (void)words;
    (void)count;
    static const char *roles[] = {"follower", "pre-candidate", "candidate", "leader"};
    for (uint32_t id = 1; id <= hf_fleet_options (stage->fleet)->members; id++) {
        char text[512];
        hf_fleet_log_text (stage->fleet, id, text, sizeof text);
        if (!hf_fleet_up (stage->fleet, id)) {
            fprintf (stage->out, "%u: down, log %s\n", id, text);
            continue;
        }
        hf_core_view_t view = hf_fleet_view (stage->fleet, id);
        fprintf (stage->out, "%u: %s, term %lu, leader %u, commit %lu, verified %lu, log %s%s%s",
                 id, roles[view.role], view.term, view.leader, view.commit_index,
                 view.verified_index, text, view.transferring ? ", transferring" : "",
                 view.needs_state ? ", needs state" : "");
        if (hf_fleet_options (stage->fleet)->track)
            fprintf (stage->out, ", counted %x", view.counted);
        fputc ('\n', stage->out);
    }
    return true;
}

/*  trace roles|disk|messages|beats .. */
static bool
s_trace (stage_t *stage, char **words, int count)
{
    static const char *names[] = {"roles", "disk", "messages", "beats"};
    uint32_t what = 0;
    for (int i = 1; i < count; i++) {
        for (int name = 0; name < 4; name++)
            what |= strcmp (words[i], names[name]) == 0 ? 1U << name : 0;
    }
    hf_fleet_options (stage->fleet)->tell_what = what;
    return true;
}

static const struct command {
    const char *name;
    int least; //  words
    bool (*run) (stage_t *stage, char **words, int count);
} s_commands[] = {
    {"cluster", 2, s_cluster}, {"log", 3, s_log},           {"vote", 4, s_vote},
    {"start", 1, s_start},     {"crash", 2, s_crash},       {"vanish", 2, s_crash},
    {"broken", 3, s_broken},   {"cut", 1, s_cut},           {"heal", 1, s_cut},
    {"deaf", 3, s_cut},        {"drop", 4, s_drop},         {"undrop", 1, s_undrop},
    {"stall", 2, s_stall},     {"unstall", 2, s_stall},     {"propose", 2, s_propose},
    {"barrier", 3, s_barrier}, {"handover", 2, s_handover}, {"run", 2, s_run},
    {"lead", 4, s_lead},       {"show", 1, s_show},         {"trace", 2, s_trace},
    {"keep", 4, s_drop},       {"arrive", 1, s_arrive},     {"wipe", 2, s_wipe},
    {"prune", 3, s_prune},     {"install", 3, s_install},
};

/*  False when it is no step. LINE is cut into words. */
static bool
s_perform (stage_t *stage, char *line)
{
    char *words[WORDS_MAX + 1] = {NULL};
    char *rest = NULL;
    int count = 0;
    for (char *word = strtok_r (line, " \t\n", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r (NULL, " \t\n", &rest))
        words[count++] = word;
    if (count == 0 || words[0][0] == '#')
        return true;
    for (size_t i = 0; i < sizeof s_commands / sizeof *s_commands; i++) {
        if (strcmp (s_commands[i].name, words[0]) != 0)
            continue;
        bool ready = stage->fleet != NULL || s_commands[i].run == s_cluster;
        return ready && count >= s_commands[i].least && s_commands[i].run (stage, words, count);
    }
    return false;
}

//  ---- files --------------------------------------------------------------------------------

/*  Perform a file's steps; what it would be with the traces of now. NULL when a step is wrong. */
static char *
s_play (const char *path, FILE *in)
{
    stage_t stage = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    char line[1024];
    bool expected = false; //  within a trace as it was
    bool good = true;
    stage.out = open_memstream (&stage.trace, &stage.trace_size);
    while (good && fgets (line, sizeof line, in) != NULL) {
        if (expected) {
            expected = line[0] != '\n';
            continue;
        }
        fputs (line, out);
        if (strncmp (line, "----", 4) == 0) {
            fclose (stage.out);
            fprintf (out, "%s\n", stage.trace);
            free (stage.trace);
            stage.out = open_memstream (&stage.trace, &stage.trace_size);
            expected = true;
            continue;
        }
        char words[1024];
        memcpy (words, line, sizeof words);
        good = s_perform (&stage, words);
        if (!good)
            fprintf (stderr, "%s: no such step: %s", path, line);
    }
    fclose (stage.out);
    fclose (out);
    free (stage.trace);
    if (stage.fleet != NULL)
        hf_fleet_destroy (&stage.fleet);
    if (!good) {
        free (text);
        return NULL;
    }
    return text;
}

static char *
s_slurp (FILE *in)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    int byte;
    while ((byte = getc (in)) != EOF)
        putc (byte, out);
    fclose (out);
    rewind (in);
    return text;
}

static void
s_report (const char *path, const char *was, const char *is)
{
    int line = 1;
    size_t same = 0;
    for (; was[same] == is[same] && was[same] != '\0'; same++)
        line += was[same] == '\n';
    while (same > 0 && was[same - 1] != '\n')
        same--;
    fprintf (stderr, "%s:%d:\n  expected %.*s\n  got      %.*s\n", path, line,
             (int)strcspn (was + same, "\n"), was + same, (int)strcspn (is + same, "\n"),
             is + same);
}

static bool
s_run_file (const char *path, bool rewrite)
{
    FILE *in = fopen (path, "r");
    assert (in != NULL);
    char *was = s_slurp (in);
    char *is = s_play (path, in);
    fclose (in);
    bool good = is != NULL && strcmp (was, is) == 0;
    if (is != NULL && !good && rewrite) {
        FILE *out = fopen (path, "w");
        assert (out != NULL);
        fputs (is, out);
        fclose (out);
        printf ("%s: rewritten\n", path);
        good = true;
    } else if (is != NULL && !good)
        s_report (path, was, is);
    free (was);
    free (is);
    return good;
}

static int
s_is_trace (const struct dirent *entry)
{
    const char *dot = strrchr (entry->d_name, '.');
    return dot != NULL && strcmp (dot, ".txt") == 0;
}

int
main (int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "traces";
    bool rewrite = argc > 2 && strcmp (argv[2], "--rewrite") == 0;
    struct dirent **list = NULL;
    int count = scandir (folder, &list, s_is_trace, alphasort);
    int failed = count < 1;
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf (path, sizeof path, "%s/%s", folder, list[i]->d_name);
        bool good = s_run_file (path, rewrite);
        printf ("%s %s\n", good ? "ok  " : "FAIL", list[i]->d_name);
        failed += !good;
        free (list[i]);
    }
    free (list);
    return failed == 0 ? 0 : 1;
}
