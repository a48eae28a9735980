//  The public keys of a cluster.

#include "broker-less/hf_key_ring.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

const char *
hf_key_folder (hf_key_kind_t kind)
{
    return kind == HF_KEY_OF_NODE ? "nodes" : "clients";
}

void
hf_key_ring_done (hf_key_ring_t *self)
{
    hf_array_free (&self->keys);
    hf_array_free (&self->marks);
}

static uint64_t
s_mark (const char *public_text)
{
    uint64_t mark = 0;
    for (unsigned i = 0; i < sizeof mark && public_text[i] != 0; i++)
        mark = mark << 8 | (uint8_t)public_text[i];
    return mark;
}

static void
s_add (hf_key_ring_t *self, const hf_ring_key_t *key)
{
    *hf_array_add (&self->keys) = *key;
    *hf_array_add (&self->marks) = s_mark (key->key.public_text);
}

bool
hf_key_ring_wants (const char *file)
{
    static const char secret[] = "_secret";
    size_t size = strlen (file), tail = sizeof secret - 1;
    return size > 0 && size <= HF_KEY_PATH_MAX && file[0] != '.' && file[size - 1] != '~' &&
           !(size > tail && strcmp (file + size - tail, secret) == 0);
}

//  ---- finding --------------------------------------------------------------------------

const hf_ring_key_t *
hf_key_ring_find (const hf_key_ring_t *self, hf_key_kind_t kind, const char *public_text)
{
    uint64_t mark = s_mark (public_text);
    for (size_t i = 0; i < self->marks.count; i++) {
        const hf_ring_key_t *key = &self->keys.list[i];
        if (self->marks.list[i] == mark && (key->kind == kind || HF_MUTANT (any_key_admitted)) &&
            strcmp (key->key.public_text, public_text) == 0)
            return key;
    }
    return NULL;
}

static bool
s_is_of (const hf_ring_key_t *key, uint32_t id)
{
    return key->kind == HF_KEY_OF_NODE && (id == 0 || key->key.node == id);
}

unsigned
hf_key_ring_count (const hf_key_ring_t *self, uint32_t id)
{
    unsigned count = 0;
    for (size_t i = 0; i < self->keys.count; i++)
        count += s_is_of (&self->keys.list[i], id);
    return count;
}

const hf_ring_key_t *
hf_key_ring_of_node (const hf_key_ring_t *self, uint32_t id, unsigned turn)
{
    unsigned count = hf_key_ring_count (self, id);
    unsigned place = count == 0 || HF_MUTANT (first_key_only) ? 0 : turn % count;
    for (size_t i = 0; i < self->keys.count; i++)
        if (s_is_of (&self->keys.list[i], id) && place-- == 0)
            return &self->keys.list[i];
    return NULL;
}

//  ---- making ---------------------------------------------------------------------------

void
hf_key_ring_keep (hf_key_ring_t *self, const hf_key_ring_t *old, hf_key_kind_t kind,
                  const char *file)
{
    for (size_t i = 0; i < old->keys.count; i++) {
        const hf_ring_key_t *key = &old->keys.list[i];
        if (key->kind == kind && strcmp (key->file, file) == 0 &&
            !hf_key_ring_find (self, kind, key->key.public_text) && !HF_MUTANT (bad_file_revokes))
            s_add (self, key);
    }
}

int
hf_key_ring_take (hf_key_ring_t *self, const hf_key_ring_t *old, hf_key_kind_t kind,
                  const char *file, hf_span_t text, char *error)
{
    assert (hf_key_ring_wants (file));
    hf_ring_key_t key = {.kind = kind};
    char why[HF_ERROR_SIZE] = "";
    const hf_ring_key_t *other = NULL;
    if (self->keys.count >= 2 * HF_KEY_FILES_MAX)
        hf_error_set (why, "there are too many keys");
    else if (hf_key_read (&key.key, text, why) == 0) {
        if (kind == HF_KEY_OF_NODE && key.key.node == 0)
            hf_error_set (why, "it does not say of which node it is: node = \"ID\" under metadata");
        else if (kind == HF_KEY_OF_CLIENT && key.key.name[0] == 0)
            hf_error_set (why, "it does not say whose it is: name = \"USER\" under metadata");
        else if ((other = hf_key_ring_find (self, kind, key.key.public_text)))
            hf_error_set (why, "it has the key of %.200s", other->file);
    }
    if (why[0] != 0) {
        hf_key_ring_keep (self, old, kind, file);
        return hf_error_set (error, "%s/%.255s: %.200s", hf_key_folder (kind), file, why);
    }
    memset (key.key.secret_text, 0, sizeof key.key.secret_text);
    snprintf (key.file, sizeof key.file, "%s", file);
    s_add (self, &key);
    return 0;
}

//  ---- what has changed -------------------------------------------------------------------

static void
s_say (const hf_ring_key_t *key, const char *does, char *text)
{
    char who[HF_KEY_NAME_MAX + 32];
    if (key->kind == HF_KEY_OF_NODE)
        snprintf (who, sizeof who, "node %u", key->key.node);
    else
        snprintf (who, sizeof who, "client %s", key->key.name);
    snprintf (text, HF_ERROR_SIZE, "%s the key of %s in %s/%s", does, who,
              hf_key_folder (key->kind), key->file);
}

static bool
s_has (const hf_key_ring_t *self, const hf_ring_key_t *key)
{
    const hf_ring_key_t *same = hf_key_ring_find (self, key->kind, key->key.public_text);
    return same && same->key.node == key->key.node && strcmp (same->key.name, key->key.name) == 0;
}

bool
hf_key_ring_differs (const hf_key_ring_t *old, const hf_key_ring_t *self, size_t *at, char *text)
{
    for (; *at < old->keys.count + self->keys.count; (*at)++) {
        bool gone = *at < old->keys.count;
        const hf_ring_key_t *key =
            gone ? &old->keys.list[*at] : &self->keys.list[*at - old->keys.count];
        if (s_has (gone ? self : old, key))
            continue;
        s_say (key, gone ? "accepts no longer" : "accepts", text);
        (*at)++;
        return true;
    }
    return false;
}
