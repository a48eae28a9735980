//  Writes what clients did and saw, one JSON object a line.

#include "tests/cluster/check/hf_history.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define S_LINE_SIZE 8192 //  two names of 255 bytes, each byte escaped, and all numbers

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

uint64_t
hf_recorder_hash (uint64_t hash, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3ULL;
    return hash;
}

//  ---- one line -------------------------------------------------------------------

typedef struct s_line {
    char text[S_LINE_SIZE];
    size_t size;
} s_line_t;

static void
s_raw (s_line_t *line, const char *text)
{
    size_t size = strlen (text);
    assert (line->size + size < sizeof line->text);
    memcpy (line->text + line->size, text, size);
    line->size += size;
}

static void
s_text (s_line_t *line, const char *key, const char *text)
{
    if (!text)
        return;
    s_raw (line, line->size > 1 ? ",\"" : "\"");
    s_raw (line, key);
    s_raw (line, "\":\"");
    for (; *text; text++) {
        char one[8] = {*text, 0};
        if (*text == '"' || *text == '\\' || (unsigned char)*text < 0x20)
            snprintf (one, sizeof one, "\\u%04x", (unsigned)(unsigned char)*text);
        s_raw (line, one);
    }
    s_raw (line, "\"");
}

static void
s_number (s_line_t *line, const char *key, uint64_t number)
{
    if (number == 0)
        return;
    char text[64];
    snprintf (text, sizeof text, ",\"%s\":%" PRIu64, key, number);
    s_raw (line, text);
}

static void
s_bytes (s_line_t *line, const hf_record_t *record)
{
    uint64_t hash =
        record->data ? hf_recorder_hash (HF_FNV_START, record->data, record->size) : record->hash;
    char text[20];
    snprintf (text, sizeof text, "%016" PRIx64, hash);
    if (record->size > 0)
        s_text (line, "hash", text);
    s_number (line, "size", record->size);
}

void
hf_recorder_write (hf_recorder_t *self, const hf_record_t *record)
{
    assert (self && record && record->op);
    s_line_t line;
    line.size = 0;
    s_raw (&line, "{");
    s_text (&line, "op", record->op);
    s_number (&line, "client", record->client);
    s_number (&line, "session", record->session);
    s_text (&line, "lock", record->lock);
    s_text (&line, "file", record->file);
    s_number (&line, "start", record->start_us);
    s_number (&line, "end", record->end_us);
    s_text (&line, "status", record->status);
    s_number (&line, "index", record->index);
    s_number (&line, "token", record->token);
    s_number (&line, "owner", record->owner);
    s_number (&line, "queued", record->queued_index);
    s_number (&line, "queued_at", record->queued_us);
    s_number (&line, "until", record->until_us);
    s_number (&line, "ttl", record->ttl_ms);
    s_number (&line, "offset", record->offset);
    s_number (&line, "total", record->total);
    s_text (&line, "by", record->by);
    s_bytes (&line, record);
    s_raw (&line, "}\n");
    pthread_mutex_lock (&self->mutex);
    fwrite (line.text, 1, line.size, self->stream);
    pthread_mutex_unlock (&self->mutex);
}
