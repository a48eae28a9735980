//  What may be found on the disk after a cut.

#include "power_disk.h"
#include "tests/kit/hf_folder.h"
#include "base/hf_hash.h"
#include "base/hf_random.h"
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

//  ---- bytes ---------------------------------------------------------------------

static void
s_resize (power_bytes_t *self, size_t size)
{
    self->at = hf_alloc_again (self->at, size + 1);
    if (size > self->size)
        memset (self->at + self->size, 0, size - self->size);
    self->size = size;
}

static void
s_put (power_bytes_t *self, size_t offset, const uint8_t *bytes, size_t size)
{
    if (offset + size > self->size)
        s_resize (self, offset + size);
    memcpy (self->at + offset, bytes, size);
}

static void
s_copy (power_bytes_t *self, const power_bytes_t *from)
{
    s_resize (self, from->size);
    if (from->size > 0)
        memcpy (self->at, from->at, from->size);
}

static void
s_apply (power_bytes_t *self, const power_op_t *op)
{
    if (op->kind == POWER_TRUNCATE)
        s_resize (self, op->size);
    else
        s_put (self, op->offset, op->bytes, op->size);
}

//  ---- replay --------------------------------------------------------------------

static void
s_apply_name (power_names_t *names, const power_op_t *op)
{
    if (op->kind == POWER_UNBIND) {
        power_names_unbind (names, op->folder, op->name);
        return;
    }
    if (op->kind == POWER_RENAME && power_names_find (names, op->folder2, op->name2) == op->node)
        power_names_unbind (names, op->folder2, op->name2);
    power_names_bind (names, op->folder, op->name, op->node);
}

static void
s_sync_folder (power_disk_t *self, int folder)
{
    size_t left = 0;
    for (size_t i = 0; i < self->pending_names.count; i++) {
        size_t op = self->pending_names.list[i];
        if (self->ops.list[op].folder == folder)
            s_apply_name (&self->durable_names, &self->ops.list[op]);
        else
            self->pending_names.list[left++] = op;
    }
    self->pending_names.count = left;
}

static void
s_replay_sync (power_disk_t *self, const power_op_t *op)
{
    power_node_t *node = &self->nodes[op->node];
    if (self->is_folder[op->node]) {
        if (op->kind == POWER_SYNC)
            s_sync_folder (self, op->node);
        return;
    }
    for (size_t i = 0; op->kind == POWER_SYNC && i < node->pending.count; i++)
        s_apply (&node->durable, &self->ops.list[node->pending.list[i]]);
    node->pending.count = 0;
}

static void
s_replay_op (power_disk_t *self, size_t at)
{
    const power_op_t *op = &self->ops.list[at];
    power_node_t *node = &self->nodes[op->node];
    switch (op->kind) {
    case POWER_WRITE:
    case POWER_TRUNCATE:
        s_apply (&node->now, op);
        *hf_array_add (&node->pending) = at;
        break;
    case POWER_SYNC:
    case POWER_SYNC_FAILED:
        s_replay_sync (self, op);
        break;
    default:
        s_apply_name (&self->now_names, op);
        *hf_array_add (&self->pending_names) = at;
    }
}

static void
s_rewind (power_disk_t *self)
{
    self->replayed = 0;
    self->durable_names = self->now_names = self->first_names;
    self->pending_names.count = 0;
    for (int i = 0; i < self->node_count; i++) {
        power_node_t *node = &self->nodes[i];
        node->pending.count = 0;
        s_copy (&node->now, &self->first_bytes[i]);
        s_copy (&node->durable, &self->first_bytes[i]);
    }
}

static void
s_replay (power_disk_t *self, size_t count)
{
    assert (count <= self->ops.count);
    if (count < self->replayed || self->replayed == 0)
        s_rewind (self);
    while (self->replayed < count)
        s_replay_op (self, self->replayed++);
}

//  ---- what lasts of it ----------------------------------------------------------

typedef struct cut {
    power_left_t left;
    hf_random_t seed;
    unsigned odds; //  of 8, that a piece of what was not synced lasts
    size_t before; //  POWER_BEGINNING: operations below last; this one is torn
} cut_t;

/*  0: nothing of it lasts; 8: all; between: any part. */
static unsigned
s_odds (const cut_t *self, size_t op)
{
    if (self->left == POWER_BEGINNING)
        return op < self->before ? 8 : op == self->before ? 4 : 0;
    return self->odds;
}

static bool
s_lasts (cut_t *self, unsigned odds)
{
    return hf_random_next (&self->seed) % 8 < odds;
}

static void
s_tear (cut_t *self, power_bytes_t *bytes, const power_op_t *op, unsigned odds)
{
    size_t end = op->offset + op->size;
    for (size_t at = op->offset; at < end;) {
        size_t stop = (at / POWER_SECTOR + 1) * POWER_SECTOR;
        stop = stop < end ? stop : end;
        if (s_lasts (self, odds))
            s_put (bytes, at, op->bytes + (at - op->offset), stop - at);
        else if (stop > bytes->size && s_lasts (self, odds))
            s_resize (bytes, stop);
        at = stop;
    }
}

static void
s_file (power_disk_t *self, cut_t *cut, int node_id, power_bytes_t *bytes)
{
    const power_node_t *node = &self->nodes[node_id];
    s_copy (bytes, cut->left == POWER_EVERYTHING ? &node->now : &node->durable);
    if (cut->left == POWER_NOTHING || cut->left == POWER_EVERYTHING)
        return;
    for (size_t i = 0; i < node->pending.count; i++) {
        const power_op_t *op = &self->ops.list[node->pending.list[i]];
        unsigned odds = s_odds (cut, node->pending.list[i]);
        if (op->kind == POWER_WRITE)
            s_tear (cut, bytes, op, odds);
        else if (s_lasts (cut, odds))
            s_apply (bytes, op);
        else
            return;
    }
}

static void
s_names (power_disk_t *self, cut_t *cut, power_names_t *names)
{
    *names = cut->left == POWER_EVERYTHING ? self->now_names : self->durable_names;
    if (cut->left == POWER_NOTHING || cut->left == POWER_EVERYTHING)
        return;
    for (size_t i = 0; i < self->pending_names.count; i++)
        if (s_lasts (cut, s_odds (cut, self->pending_names.list[i])))
            s_apply_name (names, &self->ops.list[self->pending_names.list[i]]);
}

/*  Make FOLDER and what is in it at PATH, behind the path of the whole image, of ROOT bytes; or
 * only hash it. */
static uint64_t
s_make (power_disk_t *self, cut_t *cut, const power_names_t *names, int folder, const char *path,
        size_t root)
{
    uint64_t hash = hf_hash (1, path + root, strlen (path + root));
    int rc = root > 0 ? mkdir (path, 0700) : 0;
    assert (rc == 0);
    for (size_t i = 0; i < names->count; i++) {
        const power_name_t *name = &names->all[i];
        char below[1400];
        if (name->folder != folder)
            continue;
        snprintf (below, sizeof below, "%s/%s", path, name->name);
        if (self->is_folder[name->node]) {
            hash += s_make (self, cut, names, name->node, below, root);
            continue;
        }
        power_bytes_t bytes = {.at = NULL};
        s_file (self, cut, name->node, &bytes);
        //  In any order: a sum.
        hash += hf_hash (hf_hash (2, below + root, strlen (below + root)), bytes.at, bytes.size);
        if (root > 0) {
            int fd = open (below, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
            ssize_t size = fd >= 0 ? write (fd, bytes.at, bytes.size) : -1;
            assert (size == (ssize_t)bytes.size);
            close (fd);
        }
        free (bytes.at);
    }
    return hash;
}

uint64_t
power_disk_image (power_disk_t *self, size_t count, power_left_t left, uint64_t seed,
                  const char *into)
{
    static power_names_t names;
    power_disk_t *watched = power_watched;
    power_watched = NULL;
    s_replay (self, count);
    cut_t cut = {.left = left, .seed = {seed}};
    cut.odds = 1 + (unsigned)hf_random_below (&cut.seed, 7);
    //  Mostly a cut among the last operations: what is older has been synced.
    size_t back = (size_t)hf_random_below (&cut.seed, 16);
    cut.before = back < count ? count - 1 - back : 0;
    if (into)
        hf_folder_remove (into);
    s_names (self, &cut, &names);
    const char *path = into ? into : "";
    uint64_t hash = s_make (self, &cut, &names, POWER_ROOT, path, strlen (path));
    power_watched = watched;
    return hash;
}
