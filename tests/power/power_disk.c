//  The journal and the folder as the process sees it.

#include "power_disk.h"
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

power_disk_t *power_watched;

//  ---- names ---------------------------------------------------------------------

static size_t
s_find (const power_names_t *self, int folder, const char *name)
{
    size_t i = 0;
    while (i < self->count &&
           (self->all[i].folder != folder || strcmp (self->all[i].name, name) != 0))
        i++;
    return i;
}

int
power_names_find (const power_names_t *self, int folder, const char *name)
{
    size_t at = s_find (self, folder, name);
    return at < self->count ? self->all[at].node : -1;
}

void
power_names_bind (power_names_t *self, int folder, const char *name, int node)
{
    size_t at = s_find (self, folder, name);
    assert (at < POWER_NAMES && strlen (name) < POWER_NAME);
    power_name_t *entry = &self->all[at];
    self->count += at == self->count;
    entry->folder = folder;
    entry->node = node;
    snprintf (entry->name, sizeof entry->name, "%s", name);
}

void
power_names_unbind (power_names_t *self, int folder, const char *name)
{
    size_t at = s_find (self, folder, name);
    if (at < self->count)
        self->all[at] = self->all[--self->count];
}

//  ---- folders -------------------------------------------------------------------

static power_bytes_t
s_slurp (const char *path)
{
    struct stat st;
    int fd = open (path, O_RDONLY | O_CLOEXEC);
    assert (fd >= 0 && fstat (fd, &st) == 0);
    power_bytes_t bytes = {.size = (size_t)st.st_size, .at = malloc ((size_t)st.st_size + 1)};
    ssize_t size = read (fd, bytes.at, bytes.size);
    assert (size == (ssize_t)bytes.size);
    close (fd);
    return bytes;
}

/*  Whether all that is in A is in B, byte for byte. */
static bool
s_within (const char *a, const char *b)
{
    DIR *folder = opendir (a);
    bool same = folder != NULL;
    const struct dirent *entry;
    while (same && (entry = readdir (folder))) {
        char from[1400], to[1400];
        struct stat st, other;
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        snprintf (from, sizeof from, "%s/%s", a, entry->d_name);
        snprintf (to, sizeof to, "%s/%s", b, entry->d_name);
        same = stat (from, &st) == 0 && stat (to, &other) == 0 &&
               (st.st_mode & S_IFMT) == (other.st_mode & S_IFMT);
        if (same && S_ISDIR (st.st_mode)) {
            same = s_within (from, to);
        } else if (same) {
            power_bytes_t one = s_slurp (from), two = s_slurp (to);
            same = one.size == two.size && memcmp (one.at, two.at, one.size) == 0;
            free (one.at);
            free (two.at);
        }
    }
    if (folder)
        closedir (folder);
    return same;
}

bool
power_same (const char *a, const char *b)
{
    return s_within (a, b) && s_within (b, a);
}

//  ---- the disk ------------------------------------------------------------------

static void
s_take_in (power_disk_t *self, const char *path, int node)
{
    DIR *folder = opendir (path);
    assert (folder);
    const struct dirent *entry;
    while ((entry = readdir (folder))) {
        char below[1400];
        struct stat st;
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        snprintf (below, sizeof below, "%s/%s", path, entry->d_name);
        int rc = stat (below, &st);
        assert (rc == 0);
        int made = power_disk_add_node (self, S_ISDIR (st.st_mode));
        power_names_bind (&self->names, node, entry->d_name, made);
        if (S_ISDIR (st.st_mode))
            s_take_in (self, below, made);
        else
            self->first_bytes[made] = s_slurp (below);
    }
    closedir (folder);
}

power_disk_t *
power_disk_new (const char *root)
{
    power_disk_t *self = hf_alloc (sizeof *self);
    assert (root[0] == '/' && strlen (root) < sizeof self->root);
    snprintf (self->root, sizeof self->root, "%s", root);
    power_disk_add_node (self, true);
    s_take_in (self, root, POWER_ROOT);
    self->first_names = self->names;
    return self;
}

void
power_disk_destroy (power_disk_t **self_p)
{
    power_disk_t *self = *self_p;
    if (!self)
        return;
    if (power_watched == self)
        power_watched = NULL;
    for (size_t i = 0; i < self->ops.count; i++)
        free (self->ops.list[i].bytes);
    for (int i = 0; i < self->node_count; i++) {
        free (self->first_bytes[i].at);
        free (self->nodes[i].durable.at);
        free (self->nodes[i].now.at);
        hf_array_free (&self->nodes[i].pending);
    }
    hf_array_free (&self->pending_names);
    hf_array_free (&self->ops);
    free (self);
    *self_p = NULL;
}

void
power_disk_fault (power_disk_t *self, power_fault_t fault, size_t n)
{
    self->fault = fault;
    self->fault_at = n;
    self->struck = false;
}

int
power_disk_add_node (power_disk_t *self, bool is_folder)
{
    assert (self->node_count < POWER_NODES);
    self->is_folder[self->node_count] = is_folder;
    return self->node_count++;
}

power_op_t *
power_disk_add (power_disk_t *self, power_kind_t kind, int node)
{
    power_op_t *op = hf_array_add (&self->ops);
    *op = (power_op_t){.kind = kind, .node = node};
    return op;
}

/*  The name that the node of an operation was made with. */
static const char *
s_name_of (const power_disk_t *self, const power_op_t *op)
{
    for (size_t i = 0; i < self->ops.count; i++)
        if (self->ops.list[i].kind == POWER_BIND && self->ops.list[i].node == op->node)
            return self->ops.list[i].name;
    return "";
}

size_t
power_disk_find_sync (const power_disk_t *self, size_t from, const char *pattern)
{
    while (from < self->ops.count &&
           (self->ops.list[from].kind != POWER_SYNC ||
            fnmatch (pattern, s_name_of (self, &self->ops.list[from]), 0) != 0))
        from++;
    return from;
}

void
power_disk_print (const power_disk_t *self)
{
    static const char *kinds[] = {"write", "truncate", "sync",  "failed sync",
                                  "make",  "remove",   "rename"};
    for (size_t i = 0; i < self->ops.count; i++) {
        const power_op_t *op = &self->ops.list[i];
        printf ("%zu %s %s %zu+%zu\n", i, kinds[op->kind], s_name_of (self, op), op->offset,
                op->size);
    }
}
