//  Reads histories (JSON lines) and folders of files.
#include "tests/cluster/check/check_private.h"
#include "tests/cluster/check/hf_history.h"
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

typedef struct s_word {
    const char *word;
    int value;
} s_word_t;

static const s_word_t s_kinds[] = {
    {"open", OP_OPEN},       {"close", OP_CLOSE},   {"acquire", OP_ACQUIRE},
    {"release", OP_RELEASE}, {"cancel", OP_CANCEL}, {"abandon", OP_ABANDON},
    {"append", OP_APPEND},   {"read", OP_READ},     {"keepalive", OP_KEEPALIVE},
    {"lost", OP_LOST},       {"ended", OP_ENDED},   {NULL, 0},
};

//  A status that is not here is a refusal.
static const s_word_t s_statuses[] = {
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

static int
s_find (const s_word_t *words, const char *word)
{
    while (words->word && strcmp (words->word, word) != 0)
        words++;
    return words->value;
}

/*  The fields of a line, whatever its op. */
typedef struct s_fields {
    op_t op;
    uint64_t queued, queued_at, until, ttl, hash, size, offset, total;
    bool hashed;
} s_fields_t;

/*  The field that holds a number of that name. */
static uint64_t *
s_number (s_fields_t *fields, const char *key)
{
    const struct {
        const char *key;
        uint64_t *at;
    } table[] = {
        {"start", &fields->op.start},
        {"end", &fields->op.end},
        {"index", &fields->op.index},
        {"token", &fields->op.token},
        {"session", &fields->op.session},
        {"size", &fields->size},
        {"until", &fields->until},
        {"queued", &fields->queued},
        {"queued_at", &fields->queued_at},
        {"total", &fields->total},
        {"offset", &fields->offset},
        {"owner", &fields->op.owner},
        {"ttl", &fields->ttl},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp (table[i].key, key) == 0)
            return table[i].at;
    }
    return NULL;
}

static const char *
s_read_number (s_fields_t *fields, const char *key, json_int_t value)
{
    if (value < 0)
        return "a negative number";
    if (strcmp (key, "client") == 0) {
        fields->op.client = (uint32_t)value;
        return NULL;
    }
    uint64_t *at = s_number (fields, key);
    if (at)
        *at = (uint64_t)value;
    return NULL;
}

static const char *
s_read_text (hf_check_t *self, s_fields_t *fields, const char *key, const char *text, size_t size)
{
    if (strcmp (key, "op") == 0) {
        fields->op.kind = (uint8_t)s_find (s_kinds, text);
        return fields->op.kind ? NULL : "an unknown op";
    }
    if (strcmp (key, "status") == 0)
        fields->op.said = (uint8_t)s_find (s_statuses, text);
    else if (strcmp (key, "lock") == 0)
        fields->op.lock = names_put (&self->locks, text, size);
    else if (strcmp (key, "file") == 0)
        fields->op.file = names_put (&self->files, text, size);
    else if (strcmp (key, "by") == 0)
        fields->op.by_cluster = strcmp (text, "cluster") == 0;
    else if (strcmp (key, "hash") == 0) {
        char *stop;
        fields->hash = strtoull (text, &stop, 16);
        fields->hashed = true;
        if (size != 16 || *stop)
            return "a hash that is not 16 hexadecimal digits";
    } else if (strcmp (key, "data") == 0) {
        fields->hash = hf_recorder_hash (HF_FNV_START, text, size);
        fields->size = size;
        fields->hashed = true;
    }
    return NULL;
}

/*  What the fields mean for the op's kind; the fault, or NULL. */
static const char *
s_settle (s_fields_t *fields)
{
    op_t *op = &fields->op;
    bool in_lock = op->kind >= OP_ACQUIRE && op->kind <= OP_APPEND;
    if (op->kind == 0)
        return "no op";
    if (op->start == 0)
        return "no start";
    if (op->end == 0)
        op->end = NEVER;
    if (op->end < op->start)
        return "it ends before it starts";
    if (op->end == NEVER)
        op->said = SAID_MAYBE;
    if (op->kind != OP_READ && op->session == 0 && op->said == SAID_OK)
        return "no session";
    if (in_lock && !op->lock)
        return "no lock";
    if ((op->kind == OP_APPEND || op->kind == OP_READ) && !op->file)
        return "no file";
    if ((op->kind == OP_APPEND || op->kind == OP_READ) && fields->size > 0 && !fields->hashed)
        return "a size without a hash";
    if (op->kind == OP_ACQUIRE && op->said == SAID_OK && (!op->token || !op->index))
        return "a grant without token or index";
    bool ends = op->kind == OP_APPEND || op->kind == OP_RELEASE || op->kind == OP_CANCEL;
    if (ends && op->said == SAID_OK && (!op->token || !op->index))
        return "an OK without token or index";
    if (op->kind == OP_ACQUIRE) {
        op->ask.queued = fields->queued;
        op->ask.queued_us = fields->queued_at;
        op->ask.until = fields->until;
    } else if (op->kind == OP_APPEND || op->kind == OP_READ) {
        op->data.hash = fields->size ? fields->hash : HF_FNV_START;
        op->data.size = fields->size;
        op->data.offset = fields->offset;
        op->data.total = fields->total;
    } else if (op->kind == OP_OPEN)
        op->ttl_us = fields->ttl * 1000;
    op->since = op->start;
    op->hold = NO_HOLD;
    return NULL;
}

/*  Any JSON object. */
static const char *
s_any_object (hf_check_t *self, const char *text, size_t size, s_fields_t *fields)
{
    json_error_t fault;
    json_t *object = json_loadb (text, size, 0, &fault);
    if (!json_is_object (object)) {
        json_decref (object);
        return "not a JSON object";
    }
    const char *wrong = NULL;
    for (void *at = json_object_iter (object); at && !wrong;
         at = json_object_iter_next (object, at)) {
        const char *key = json_object_iter_key (at);
        const json_t *value = json_object_iter_value (at);
        if (json_is_integer (value))
            wrong = s_read_number (fields, key, json_integer_value (value));
        else if (json_is_string (value))
            wrong = s_read_text (self, fields, key, json_string_value (value),
                                 json_string_length (value));
    }
    json_decref (object);
    return wrong;
}

/*  A string of printable ASCII without escapes at *AT_P, which is changed: its quote becomes its
 *  zero. NULL: it is none. */
static char *
s_plain_string (char **at_p)
{
    char *start = *at_p, *at = start;
    if (*at != '"')
        return NULL;
    for (at++; *at != '"'; at++) {
        if (*at < 0x20 || *at > 0x7e || *at == '\\')
            return NULL;
    }
    *at = 0;
    *at_p = at + 1;
    return start + 1;
}

/*  The form that recorders write, many times faster: one flat object, no spaces, plain strings,
 *  short numbers. False: it is something else, and TEXT is spoilt. */
static bool
s_plain_object (hf_check_t *self, char *text, s_fields_t *fields, const char **wrong_p)
{
    char *at = text;
    *wrong_p = NULL;
    if (*at++ != '{')
        return false;
    while (!*wrong_p) {
        const char *key = s_plain_string (&at);
        if (!key || *at++ != ':')
            return false;
        if (*at == '"') {
            const char *value = s_plain_string (&at);
            if (!value)
                return false;
            *wrong_p = s_read_text (self, fields, key, value, (size_t)(at - 1 - value));
        } else {
            json_int_t value = 0;
            const char *digits = at;
            while (*at >= '0' && *at <= '9' && at - digits < 18)
                value = 10 * value + (*at++ - '0');
            if (at == digits || (*digits == '0' && at - digits > 1))
                return false;
            *wrong_p = s_read_number (fields, key, value);
        }
        if (*at == '}')
            return at[1] == 0 || (at[1] == '\n' && at[2] == 0);
        if (*at++ != ',')
            return false;
    }
    return true;
}

static const char *
s_line (hf_check_t *self, const char *text, size_t size, uint32_t number)
{
    s_fields_t fields = {0};
    const char *wrong = NULL;
    char plain[1024];
    bool done = false;
    if (size < sizeof plain && strlen (text) == size) {
        memcpy (plain, text, size + 1);
        done = s_plain_object (self, plain, &fields, &wrong);
    }
    if (!done) {
        fields = (s_fields_t){0};
        wrong = s_any_object (self, text, size, &fields);
    }
    if (!wrong)
        wrong = s_settle (&fields);
    if (wrong)
        return wrong;
    fields.op.line = number;
    fields.op.source = (uint16_t)(self->sources.count - 1);
    *hf_array_add (&self->ops) = fields.op;
    return NULL;
}

bool
hf_check_read (hf_check_t *self, FILE *stream, const char *name, char error[HF_ERROR_SIZE])
{
    assert (!self->holds && self->sources.count < UINT16_MAX);
    *hf_array_add (&self->sources) = strdup (name);
    char *line = NULL;
    size_t room = 0;
    uint32_t number = 0;
    const char *wrong = NULL;
    ssize_t size;
    while (!wrong && (size = getline (&line, &room, stream)) >= 0) {
        number++;
        if (size > 0 && line[0] != '\n')
            wrong = s_line (self, line, (size_t)size, number);
    }
    free (line);
    if (!wrong && ferror (stream))
        wrong = "cannot be read";
    if (wrong)
        hf_error_set (error, "%s:%u: %s", name, number, wrong);
    return !wrong;
}

//  ---- files ------------------------------------------------------------------------

void
hf_check_content (hf_check_t *self, uint32_t node, const char *file, const void *bytes, size_t size)
{
    content_t *content = hf_array_add (&self->contents);
    *content = (content_t){.node = node, .size = size};
    content->file = names_put (&self->files, file, strlen (file));
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
