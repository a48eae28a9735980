//  Memory and disk space of one node, read from /proc and its data folder.

#include "bench/usage.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

//  ---- memory -------------------------------------------------------------------

static int
s_take_memory (pid_t pid, uint64_t *kib)
{
    char path[64], line[256];
    snprintf (path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen (path, "re");
    if (!file)
        return -1;
    bool found = false;
    while (!found && fgets (line, sizeof line, file)) {
        found = strncmp (line, "VmRSS:", 6) == 0;
        if (found)
            *kib = strtoull (line + 6, NULL, 10);
    }
    fclose (file);
    if (found)
        return 0;
    errno = ESRCH; //  a process that has ended has no such line
    return -1;
}

//  ---- disk -----------------------------------------------------------------------

static int s_tree_size (const char *path, uint64_t *bytes);

/*  Add what the file or folder PATH/NAME has. */
static int
s_entry_size (const char *path, const char *name, uint64_t *bytes)
{
    char full[PATH_MAX + 256];
    struct stat info;
    int n = snprintf (full, sizeof full, "%s/%s", path, name);
    if (n < 0 || (size_t)n >= sizeof full) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (lstat (full, &info))
        return errno == ENOENT ? 0 : -1;
    if (S_ISDIR (info.st_mode))
        return s_tree_size (full, bytes);
    *bytes += (uint64_t)info.st_size;
    return 0;
}

static bool
s_is_self (const char *name)
{
    return strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
}

static int
s_tree_size (const char *path, uint64_t *bytes)
{
    DIR *dir = opendir (path);
    if (!dir)
        return errno == ENOENT ? 0 : -1;
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir (dir)) != NULL) {
        if (!s_is_self (entry->d_name))
            rc = s_entry_size (path, entry->d_name, bytes);
    }
    closedir (dir);
    return rc;
}

static bool
s_begins (const char *text, const char *with)
{
    return strncmp (text, with, strlen (with)) == 0;
}

int
hf_usage_take (pid_t pid, const char *folder, hf_usage_t *usage)
{
    *usage = (hf_usage_t){0};
    if (s_take_memory (pid, &usage->rss_kib))
        return -1;
    DIR *dir = opendir (folder);
    if (!dir)
        return -1;
    uint64_t log = 0, state = 0, filesdb = 0, files = 0, other = 0;
    int rc = 0;
    const struct dirent *entry;
    while (rc == 0 && (entry = readdir (dir)) != NULL) {
        const char *name = entry->d_name;
        uint64_t *part = s_begins (name, "log.db")     ? &log
                         : s_begins (name, "state.db") ? &state
                         : s_begins (name, "files.db") ? &filesdb
                         : strcmp (name, "files") == 0 ? &files
                                                       : &other;
        if (!s_is_self (name))
            rc = s_entry_size (folder, name, part);
    }
    closedir (dir);
    usage->log_kib = (log + 1023) / 1024;
    usage->state_kib = (state + 1023) / 1024;
    usage->filesdb_kib = (filesdb + 1023) / 1024;
    usage->files_kib = (files + 1023) / 1024;
    usage->other_kib = (other + 1023) / 1024;
    return rc;
}

uint64_t
hf_usage_databases_kib (const hf_usage_t *self)
{
    return self->log_kib + self->state_kib + self->filesdb_kib;
}
