//  Replicated files and logs on the disks of nodes.

#include "tests/cluster/harness/hf_cluster_internal.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_BYTES 4000

char *
hf_cluster_slurp (const char *path, size_t *size)
{
    FILE *file = fopen (path, "rb");
    if (!file)
        return NULL;
    char *bytes = NULL;
    FILE *memory = open_memstream (&bytes, size);
    assert (memory);
    char chunk[65536];
    size_t got;
    while ((got = fread (chunk, 1, sizeof chunk, file)) > 0)
        fwrite (chunk, 1, got, memory);
    fclose (file);
    fclose (memory); //  puts the zero behind the bytes
    return bytes;
}

//  ---- replicated files ------------------------------------------------------------

/*  Percent-encoded, as docs/operating.md says: not the product's own function, to check it. */
static void
s_disk_name (const char *file, char *name, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = 0;
    for (size_t i = 0; file[i] != 0; i++) {
        assert (length + 4 < size);
        bool keep = strchr (plain, file[i]) && !(i == 0 && file[i] == '.');
        length += (size_t)snprintf (name + length, size - length, keep ? "%c" : "%%%02X",
                                    (unsigned char)file[i]);
    }
}

char *
hf_cluster_read (const hf_cluster_t *self, uint32_t id, const char *file, size_t *size)
{
    char name[3 * 255 + 8];
    s_disk_name (file, name, sizeof name);
    char path[2 * HF_PATH_SIZE + sizeof name];
    snprintf (path, sizeof path, "%s/files/%s", hf_cluster_node_dir (self, id), name);
    return hf_cluster_slurp (path, size);
}

/*  Whether FILE is CONTENT on every node ("": or is missing). */
static bool
s_is_on_all (const hf_cluster_t *self, const char *file, const char *content)
{
    size_t length = strlen (content);
    for (uint32_t id = 1; id <= self->count; id++) {
        if (hf_cluster_apart (self, id))
            continue;
        size_t size = 0;
        char *bytes = hf_cluster_read (self, id, file, &size);
        bool same = bytes ? size == length && memcmp (bytes, content, size) == 0 : length == 0;
        free (bytes);
        if (!same)
            return false;
    }
    return true;
}

static void
s_report_difference (const hf_cluster_t *self, const char *file, const char *wanted)
{
    fprintf (stderr, "cluster: %s should be \"%s\"; it is", file, wanted);
    for (uint32_t id = 1; id <= self->count; id++) {
        size_t size = 0;
        char *bytes = hf_cluster_read (self, id, file, &size);
        fprintf (stderr, "%s on node %u %s%.300s%s", id > 1 ? "," : "", id, bytes ? "\"" : "",
                 bytes ? bytes : "not there", bytes ? "\"" : "");
        free (bytes);
    }
    fprintf (stderr, "\n");
}

bool
hf_cluster_wait_file (hf_cluster_t *self, const char *file, const char *content, uint32_t limit_ms)
{
    bool same =
        HF_WAIT (s_is_on_all (self, file, content), limit_ms) && s_is_on_all (self, file, content);
    if (!same)
        s_report_difference (self, file, content);
    return same;
}

//  ---- logs ------------------------------------------------------------------------------

bool
hf_cluster_log_has (const hf_cluster_t *self, uint32_t id, const char *text)
{
    size_t size = 0;
    char *log = hf_cluster_slurp (hf_cluster_log_path (self, id), &size);
    bool found = log && strstr (log, text);
    free (log);
    return found;
}

bool
hf_cluster_log_is_clean (const hf_cluster_t *self, uint32_t id)
{
    static const char *const signs[] = {"Sanitizer", "runtime error:", "Assertion"};
    size_t size = 0;
    char *log = hf_cluster_slurp (hf_cluster_log_path (self, id), &size), *found = NULL;
    for (size_t i = 0; log && !found && i < sizeof signs / sizeof signs[0]; i++)
        found = strstr (log, signs[i]);
    if (found)
        fprintf (stderr, "cluster: node %u: %.200s\n", id, found);
    free (log);
    return !found;
}

void
hf_cluster_print_tail (const hf_cluster_t *self, uint32_t id)
{
    const char *path = hf_cluster_log_path (self, id);
    size_t size = 0;
    char *log = hf_cluster_slurp (path, &size);
    size_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    fprintf (stderr, "---- the end of %s\n%s", path, log ? log + from : "(it is not there)\n");
    free (log);
}

uint64_t
hf_cluster_memory (const hf_cluster_t *self, uint32_t id)
{
    char path[64];
    snprintf (path, sizeof path, "/proc/%d/status", (int)hf_cluster_pid (self, id));
    size_t size = 0;
    char *text = hf_cluster_slurp (path, &size);
    const char *line = text ? strstr (text, "VmRSS:") : NULL;
    uint64_t kib = line ? strtoull (line + strlen ("VmRSS:"), NULL, 10) : 0;
    free (text);
    return kib * 1024;
}
