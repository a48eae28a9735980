/*  page_stage.c - the cluster that the browser test looks at: three real nodes, which all serve the
 *  page and take actions, and what happens on it.
 *
 *  It prints the addresses of their pages and the token, with blanks between, then reads commands
 * from stdin, a line each, and answers each with "ok" when it is done, or "failed":
 *
 *      scene           some locks, with holders and queues; names with < & " in them
 *      fill            so many more locks that there are 10,000
 *      pass LOCK       who holds LOCK of the scene gives it back
 *      turns N         a visitor takes and gives back N locks of his own, with a pause after each
 *      kill N, start N a node
 *
 *  At the end of stdin all nodes that run end, and must end well.
 */
#include "base/hf_alloc.h"
#include "client/holdfast.h"
#include "tests/cluster/harness/hf_cluster.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT_MS 20000
#define LOCKS    10000
#define SET      64 //  locks that are asked for at once
#define PAUSE_MS 700
#define NODES    3
#define TOKEN    "correct-horse-battery"

/*  Who asks for what, in this order. Notes are of the first of a lock. */
static const struct {
    const char *lock, *label, *note;
    uint32_t units, limit; //  0: exclusive
} s_scene[] = {
    {"deploy/web", "ann@build-1 pid 812 ./deploy.sh", "release 41", 0, 0},
    {"deploy/web", "kim@build-2 pid 77 ./deploy.sh", "", 0, 0},
    {"deploy/web", "lee@build-3 pid 4120 ./rollback.sh", "", 0, 0},
    {"deploy/web", "sam@laptop pid 15 bash", "", 0, 0},
    {"backup", "root@db-1 pid 4711 ./backup.sh", "2 of 7 tables", 0, 0},
    {"backup", "root@db-2 pid 980 ./backup.sh", "", 0, 0},
    {"render", "farm-01", "frame 1801", 1, 3},
    {"render", "farm-02", "frame 1802", 1, 3},
    {"render", "farm-03", "frame 1803", 1, 3},
    {"render", "farm-04", "", 1, 3},
    {"render", "farm-05", "", 1, 3},
    {"<b>bold</b> & \"quoted\"", "<img src=x onerror=alert(1)>", "<script>alert(2)</script>", 0, 0},
    {"scheduler", "cron@alpha:9000", "leads since 08:15", 0, 0},
    {"migrate/42", "ann@build-1 pid 990 ./migrate", "", 0, 0},
};
#define SCENE (sizeof s_scene / sizeof *s_scene)

static hf_cluster_t *s_cluster;
static hf_client_t *s_client;
static hf_session_t *s_sessions[SCENE], *s_filler, *s_visitor;
static uint64_t s_tokens[SCENE]; //  0: it waits, or has given it back

static bool
s_open (const char *label, hf_session_t **session)
{
    hf_session_options_t options = HF_SESSION_OPTIONS_INIT;
    options.label = label;
    options.ttl_ms = 60000;
    return hf_session_open (s_client, &options, LIMIT_MS, session) == HF_OK;
}

/*  Take what was granted. Gives whether something came. */
static bool
s_granted (uint32_t limit_ms)
{
    hf_result_t result;
    if (!hf_client_poll (s_client, &result, limit_ms))
        return false;
    if (result.status == HF_OK && result.arg)
        *(uint64_t *)result.arg = result.token;
    return true;
}

static bool
s_play (void)
{
    for (size_t i = 0; i < SCENE; i++) {
        hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
        options.mode = s_scene[i].units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE;
        options.units = s_scene[i].units;
        options.limit = s_scene[i].limit;
        options.note = s_scene[i].note;
        if (!s_open (s_scene[i].label, &s_sessions[i]) ||
            hf_submit_acquire (s_sessions[i], s_scene[i].lock, &options, NULL, &s_tokens[i]) !=
                HF_OK)
            return false;
    }
    size_t held = 0;
    for (size_t i = 0; i < SCENE; i++)
        held += i == 0 || strcmp (s_scene[i].lock, s_scene[i - 1].lock) != 0 ||
                (s_scene[i].units > 0 && i < 9);
    for (size_t i = 0; i < held; i++) {
        if (!s_granted (LIMIT_MS))
            return false;
    }
    return true;
}

static bool
s_fill (void)
{
    char names[SET][24];
    hf_want_t wants[SET];
    if (!s_filler && !s_open ("filler", &s_filler))
        return false;
    for (unsigned first = 0; first < LOCKS - 100; first += SET) {
        for (unsigned i = 0; i < SET; i++) {
            snprintf (names[i], sizeof names[i], "item/%05u", first + i);
            wants[i] = (hf_want_t){.lock = names[i], .mode = HF_MODE_EXCLUSIVE};
        }
        if (hf_acquire_set (s_filler, wants, SET, NULL, LIMIT_MS, NULL) != HF_OK)
            return false;
    }
    return true;
}

static bool
s_pass (const char *lock)
{
    while (s_granted (0))
        ;
    for (size_t i = 0; i < SCENE; i++) {
        if (strcmp (s_scene[i].lock, lock) != 0 || s_tokens[i] == 0)
            continue;
        uint64_t token = s_tokens[i];
        s_tokens[i] = 0;
        return hf_release (s_sessions[i], lock, token, LIMIT_MS) == HF_OK;
    }
    return false;
}

/*  The pause is what a lock takes that nobody gives back. */
static bool
s_turns (unsigned count)
{
    char name[24];
    hf_grant_t grant;
    if (!s_visitor && !s_open ("visitor@laptop pid 4 ./try", &s_visitor))
        return false;
    for (unsigned i = 0; i < count; i++) {
        snprintf (name, sizeof name, "visit/%u", i);
        if (hf_acquire (s_visitor, name, LIMIT_MS, &grant) != HF_OK ||
            hf_release (s_visitor, name, grant.token, LIMIT_MS) != HF_OK)
            return false;
    }
    return hf_acquire (s_visitor, "backup", PAUSE_MS, &grant) == HF_TIMEOUT;
}

static bool
s_obey (const char *line)
{
    unsigned id;
    if (strcmp (line, "scene") == 0)
        return s_play ();
    if (strcmp (line, "fill") == 0)
        return s_fill ();
    if (strncmp (line, "pass ", 5) == 0)
        return s_pass (line + 5);
    if (sscanf (line, "turns %u", &id) == 1)
        return s_turns (id);
    if (sscanf (line, "kill %u", &id) == 1 && id >= 1 && id <= NODES) {
        hf_cluster_kill (s_cluster, id);
        return true;
    }
    return sscanf (line, "start %u", &id) == 1 && id >= 1 && id <= NODES &&
           hf_cluster_start (s_cluster, id);
}

/*  OPTION must live as long as the cluster. */
static bool
s_begin (char *option, size_t size)
{
    snprintf (option, size, "--http-admin=%s/token", hf_cluster_dir (s_cluster));
    const char *path = strchr (option, '=') + 1;
    FILE *file = fopen (path, "we");
    bool written = file && fputs (TOKEN "\n", file) >= 0 && chmod (path, 0600) == 0;
    if (!file || fclose (file) != 0 || !written)
        return false;
    hf_cluster_serve_http (s_cluster);
    hf_cluster_add_argument (s_cluster, option);
    return hf_cluster_begin (s_cluster);
}

int
main (void)
{
    char option[600], line[300];
    hf_client_options_t options = HF_CLIENT_OPTIONS_INIT;
    s_cluster = hf_cluster_new (NODES);
    options.endpoints = hf_cluster_endpoints (s_cluster);
    s_client = hf_client_new (&options, NULL);
    bool good = s_client != NULL && s_begin (option, sizeof option);
    if (good) {
        for (uint32_t id = 1; id <= NODES; id++)
            printf ("http://127.0.0.1:%u ", hf_cluster_http_port (s_cluster, id));
        puts (TOKEN);
        fflush (stdout);
    }
    while (good && fgets (line, sizeof line, stdin)) {
        line[strcspn (line, "\n")] = 0;
        puts (s_obey (line) ? "ok" : "failed");
        fflush (stdout);
    }
    hf_client_destroy (&s_client);
    good = hf_cluster_passed (s_cluster) && good;
    hf_cluster_destroy (&s_cluster);
    return good ? 0 : 1;
}
