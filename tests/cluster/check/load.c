//  Reads histories (JSON lines) and folders of files.
#include "tests/cluster/check/check_private.h"
#include "base/hf_hash.h"
#include "tests/cluster/check/hf_history.h"
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

//  A status that is not here is a refusal.
static const struct {
    const char *word;
    said_t said;
} s_statuses[] = {
    {"OK", SAID_OK},
    {"QUEUED", SAID_MAYBE},
    {"NOT_GRANTED", SAID_NOT_GRANTED},
    {"NOT_HOLDER", SAID_NOT_HOLDER},
    {"SESSION_EXPIRED", SAID_EXPIRED},
    {"NOT_FOUND", SAID_NOT_FOUND},
    {"LOST", SAID_LOST},
    {"STALE", SAID_MAYBE},
    {"TIMEOUT", SAID_MAYBE},
    {"CLOSED", SAID_MAYBE},
    {"UNDECIDED", SAID_MAYBE},
    {NULL, SAID_REFUSED},
};

/*  One place: a line of TEXT, from its name to its limit. */
static bool
s_place (hf_check_t *self, const char *text, size_t size)
{
    char line[1024];
    if (size >= sizeof line)
        return false;
    memcpy (line, text, size);
    line[size] = 0;
    char *limit = strrchr (line, ' ');
    if (limit)
        *limit++ = 0;
    char *units = limit ? strrchr (line, ' ') : NULL;
    if (!units)
        return false;
    *units++ = 0;
    *hf_array_add (&self->places) = (place_t){.lock = names_put (&self->locks, line),
                                              .units = (uint32_t)strtoul (units, NULL, 10),
                                              .limit = (uint32_t)strtoul (limit, NULL, 10)};
    return true;
}

/*  What an acquire or share asks for. */
static bool
s_places (hf_check_t *self, op_t *op, const char *text)
{
    op->ask.first = (uint32_t)self->places.count;
    if (!text)
        *hf_array_add (&self->places) = (place_t){.lock = op->lock};
    while (text && *text) {
        size_t size = strcspn (text, "\n");
        if (!s_place (self, text, size))
            return false;
        text += size + (text[size] == '\n');
    }
    op->ask.count = (uint32_t)self->places.count - op->ask.first;
    return op->ask.count > 0 && self->places.list[op->ask.first].lock == op->lock;
}

const char *
hf_check_add (hf_check_t *self, const hf_record_t *record)
{
    op_t op = {.start = record->start_us,
               .end = record->end_us ? record->end_us : NEVER,
               .since = record->start_us,
               .index = record->index,
               .token = record->token,
               .session = record->session,
               .owner = record->owner,
               .client = (uint32_t)record->client,
               .lock = record->lock ? names_put (&self->locks, record->lock) : 0,
               .file = record->file ? names_put (&self->files, record->file) : 0,
               .by_cluster = record->by && strcmp (record->by, "cluster") == 0,
               .line = self->line,
               .source = (uint16_t)(self->sources.count - 1),
               .hold = NO_HOLD};
    for (uint8_t i = 1; record->op && check_kind_names[i]; i++)
        op.kind = strcmp (check_kind_names[i], record->op) == 0 ? i : op.kind;
    if (record->status && op.end != NEVER) {
        size_t i = 0;
        while (s_statuses[i].word && strcmp (s_statuses[i].word, record->status) != 0)
            i++;
        op.said = (uint8_t)s_statuses[i].said;
    }
    bool in_file = op.kind == OP_APPEND || op.kind == OP_READ;
    bool places = op.kind >= OP_ACQUIRE && op.kind <= OP_APPEND && op.kind != OP_ABANDON;
    bool in_lock = places || op.kind == OP_ABANDON || op.kind == OP_SHARE || op.kind == OP_NOTE;
    if (op.kind == 0)
        return record->op ? "an unknown op" : "no op";
    if (op.start == 0)
        return "no start";
    if (op.end < op.start)
        return "it ends before it starts";
    if (op.kind != OP_READ && op.session == 0 && op.said == SAID_OK)
        return "no session";
    if (in_lock && !op.lock)
        return "no lock";
    if (in_file && !op.file)
        return "no file";
    if (places && op.said == SAID_OK && (!op.token || !op.index))
        return "an OK without token or index";
    if (op.kind == OP_ACQUIRE) {
        op.ask.queued = record->queued_index;
        op.ask.queued_us = record->queued_us;
        op.ask.until = record->until_us;
        op.ask.replaces = record->replaces;
        op.ask.acts_for = record->acts_for;
        op.deadlock = record->status && strcmp (record->status, "DEADLOCK") == 0;
    } else if (in_file) {
        op.data.hash = record->size ? record->hash : HF_FNV_EMPTY;
        op.data.size = record->size;
        op.data.offset = record->offset;
        op.data.total = record->total;
    } else if (op.kind == OP_OPEN) {
        op.ttl_us = record->ttl_ms * 1000;
        op.delay_us = record->delay_ms * 1000;
    }
    if ((op.kind == OP_ACQUIRE || op.kind == OP_SHARE) && !s_places (self, &op, record->places))
        return "places that cannot be read";
    *hf_array_add (&self->ops) = op;
    return NULL;
}

/*  The fields of OBJECT, whose texts stay its own; the fault, or NULL. */
static const char *
s_record (json_t *object, hf_record_t *record)
{
    if (!json_is_object (object))
        return "not a JSON object";
    for (const hf_history_field_t *field = hf_history_fields; field->key; field++) {
        const json_t *value = json_object_get (object, field->key);
        char *at = (char *)record + field->at;
        uint64_t number = (uint64_t)json_integer_value (value);
        const char *text = json_string_value (value);
        if (number > INT64_MAX)
            return "a negative number";
        memcpy (at, field->text ? (const void *)&text : &number, sizeof number);
    }
    const json_t *data = json_object_get (object, "data");
    const char *hash = json_string_value (json_object_get (object, "hash"));
    if (data) {
        record->size = json_string_length (data);
        record->hash = hf_fnv (HF_FNV_EMPTY, json_string_value (data), record->size);
    } else if (hash) {
        char *stop;
        record->hash = strtoull (hash, &stop, 16);
        if (strlen (hash) != 16 || *stop)
            return "a hash that is not 16 hexadecimal digits";
    } else if (record->size > 0)
        return "a size without a hash";
    return NULL;
}

static const char *
s_line (hf_check_t *self, const char *text, size_t size)
{
    json_t *object = json_loadb (text, size, 0, NULL);
    hf_record_t record = {0};
    const char *wrong = s_record (object, &record);
    if (!wrong)
        wrong = hf_check_add (self, &record);
    json_decref (object);
    return wrong;
}

bool
hf_check_read (hf_check_t *self, FILE *stream, const char *name, char error[HF_ERROR_SIZE])
{
    assert (!self->holds && self->sources.count < UINT16_MAX);
    *hf_array_add (&self->sources) = strdup (name);
    char *line = NULL;
    size_t room = 0;
    const char *wrong = NULL;
    ssize_t size;
    self->line = 0;
    while (!wrong && (size = getline (&line, &room, stream)) >= 0) {
        self->line++;
        if (size > 0 && line[0] != '\n')
            wrong = s_line (self, line, (size_t)size);
    }
    free (line);
    if (!wrong && ferror (stream))
        wrong = "cannot be read";
    if (wrong)
        hf_error_set (error, "%s:%u: %s", name, self->line, wrong);
    return !wrong;
}

//  ---- files ------------------------------------------------------------------------

void
hf_check_content (hf_check_t *self, uint32_t node, const char *file, const void *bytes, size_t size)
{
    content_t *content = hf_array_add (&self->contents);
    *content = (content_t){.node = node, .size = size};
    content->file = names_put (&self->files, file);
    content->bytes = hf_alloc (size + 1);
    if (size)
        memcpy (content->bytes, bytes, size);
    if (node >= self->nodes)
        self->nodes = node + 1;
}

/*  The file's name from that on disk. */
static void
s_decode (const char *encoded, char *name)
{
    for (; *encoded; encoded++) {
        bool escaped = encoded[0] == '%' && isxdigit ((unsigned char)encoded[1]) &&
                       isxdigit ((unsigned char)encoded[2]);
        if (escaped) {
            char digits[3] = {encoded[1], encoded[2], 0};
            *name++ = (char)strtoul (digits, NULL, 16);
            encoded += 2;
        } else
            *name++ = *encoded;
    }
    *name = 0;
}

static bool
s_load (hf_check_t *self, const char *folder, const char *entry)
{
    char path[4096], name[1024];
    if (snprintf (path, sizeof path, "%s/%s", folder, entry) >= (int)sizeof path ||
        strlen (entry) >= sizeof name)
        return false;
    FILE *file = fopen (path, "rb");
    if (!file)
        return false;
    HF_ARRAY (char) bytes = {0};
    size_t got;
    do {
        hf_array_reserve (&bytes, 65536);
        got = fread (bytes.list + bytes.count, 1, 65536, file);
        bytes.count += got;
    } while (got > 0);
    bool good = !ferror (file);
    fclose (file);
    s_decode (entry, name);
    if (good)
        hf_check_content (self, self->nodes - 1, name, bytes.list, bytes.count);
    hf_array_free (&bytes);
    return good;
}

bool
hf_check_folder (hf_check_t *self, const char *path, char error[HF_ERROR_SIZE])
{
    DIR *folder = opendir (path);
    if (!folder)
        return hf_error_set (error, "%s: %s", path, strerror (errno)) == 0;
    self->nodes++;
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir (folder));) {
        //  A replicated file's name never begins with a dot on disk.
        if (entry->d_name[0] == '.')
            continue;
        good = s_load (self, path, entry->d_name);
        if (!good)
            hf_error_set (error, "%s/%s: cannot be read", path, entry->d_name);
    }
    closedir (folder);
    return good;
}
