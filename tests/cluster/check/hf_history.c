//  Writes what clients did and saw, one JSON object a line.

#include "tests/cluster/check/hf_history.h"
#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct hf_recorder {
    pthread_mutex_t mutex;
    FILE *stream;
    bool owned;
};

hf_recorder_t *
hf_recorder_new_stream (FILE *stream)
{
    assert (stream);
    hf_recorder_t *self = hf_alloc (sizeof *self);
    int rc = pthread_mutex_init (&self->mutex, NULL);
    assert (rc == 0);
    self->stream = stream;
    return self;
}

hf_recorder_t *
hf_recorder_new (const char *path)
{
    FILE *stream = fopen (path, "w");
    if (!stream)
        return NULL;
    hf_recorder_t *self = hf_recorder_new_stream (stream);
    self->owned = true;
    return self;
}

bool
hf_recorder_destroy (hf_recorder_t **self_p)
{
    assert (self_p);
    hf_recorder_t *self = *self_p;
    if (!self)
        return true;
    bool good = fflush (self->stream) == 0 && !ferror (self->stream);
    if (self->owned)
        good = fclose (self->stream) == 0 && good;
    pthread_mutex_destroy (&self->mutex);
    free (self);
    *self_p = NULL;
    return good;
}

uint64_t
hf_recorder_now_us (void)
{
    struct timespec now;
    int rc = clock_gettime (CLOCK_BOOTTIME, &now);
    assert (rc == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

#define S_TEXT(key, field)                                                                         \
    {                                                                                              \
        key, offsetof (hf_record_t, field), true                                                   \
    }
#define S_NUMBER(key, field)                                                                       \
    {                                                                                              \
        key, offsetof (hf_record_t, field), false                                                  \
    }
const hf_history_field_t hf_history_fields[] = {
    S_TEXT ("op", op),
    S_NUMBER ("client", client),
    S_NUMBER ("session", session),
    S_TEXT ("lock", lock),
    S_TEXT ("file", file),
    S_NUMBER ("start", start_us),
    S_NUMBER ("end", end_us),
    S_TEXT ("status", status),
    S_NUMBER ("index", index),
    S_NUMBER ("token", token),
    S_NUMBER ("owner", owner),
    S_NUMBER ("queued", queued_index),
    S_NUMBER ("queued_at", queued_us),
    S_NUMBER ("until", until_us),
    S_NUMBER ("ttl", ttl_ms),
    S_NUMBER ("delay", delay_ms),
    S_TEXT ("places", places),
    S_NUMBER ("replaces", replaces),
    S_NUMBER ("acts_for", acts_for),
    S_NUMBER ("offset", offset),
    S_NUMBER ("total", total),
    S_TEXT ("by", by),
    S_NUMBER ("size", size),
    {NULL, 0, false},
};

void
hf_recorder_write (hf_recorder_t *self, const hf_record_t *record)
{
    assert (self && record && record->op);
    json_t *line = json_object ();
    for (const hf_history_field_t *field = hf_history_fields; field->key; field++) {
        const void *at = (const char *)record + field->at;
        const char *const *text = at;
        const uint64_t *number = at;
        if (field->text ? *text != NULL : *number != 0)
            json_object_set_new (line, field->key,
                                 field->text ? json_string (*text)
                                             : json_integer ((json_int_t)*number));
    }
    if (record->size > 0) {
        char hash[20];
        snprintf (hash, sizeof hash, "%016" PRIx64,
                  record->data ? hf_fnv (HF_FNV_EMPTY, record->data, record->size) : record->hash);
        json_object_set_new (line, "hash", json_string (hash));
    }
    char *text = json_dumps (line, JSON_COMPACT);
    assert (text);
    pthread_mutex_lock (&self->mutex);
    fprintf (self->stream, "%s\n", text);
    pthread_mutex_unlock (&self->mutex);
    free (text);
    json_decref (line);
}
