#include "tests/cluster/lostfound/history.h"
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define S_LOCKS_MAX 64

typedef struct s_line {
    hf_line_t is;
    uint32_t seen; //  times in its file
} s_line_t;

struct hf_history {
    hf_held_t *held;
    size_t held_count, held_room;
    s_line_t *line;
    size_t line_count, line_room;
};

/*  Where violations go. */
typedef struct s_verdict {
    FILE *out;
    unsigned count;
} s_verdict_t;

static void s_wrong (s_verdict_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static void
s_wrong (s_verdict_t *self, const char *format, ...)
{
    self->count++;
    if (!self->out || self->count > HF_REPORT_MAX)
        return;
    va_list args;
    va_start (args, format);
    fputs ("violation: ", self->out);
    vfprintf (self->out, format, args);
    fputc ('\n', self->out);
    va_end (args);
}

//  ---- writing down -------------------------------------------------------------

hf_history_t *
hf_history_new (void)
{
    hf_history_t *self = calloc (1, sizeof *self);
    assert (self);
    return self;
}

void
hf_history_destroy (hf_history_t **self_p)
{
    assert (self_p);
    if (*self_p) {
        free ((*self_p)->held);
        free ((*self_p)->line);
        free (*self_p);
        *self_p = NULL;
    }
}

/*  Room for one more in an array. */
static void *
s_grow (void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    array = realloc (array, *room * size);
    assert (array);
    return array;
}

void
hf_history_hold (hf_history_t *self, const hf_held_t *held)
{
    assert (held->lock < S_LOCKS_MAX && held->token && held->received_ns);
    self->held = s_grow (self->held, self->held_count, &self->held_room, sizeof *self->held);
    self->held[self->held_count++] = *held;
}

void
hf_history_write (hf_history_t *self, const hf_line_t *line)
{
    assert (line->lock < S_LOCKS_MAX && line->file < HF_FILES_MAX);
    self->line = s_grow (self->line, self->line_count, &self->line_room, sizeof *self->line);
    self->line[self->line_count++] = (s_line_t){.is = *line};
}

void
hf_history_merge (hf_history_t *self, const hf_history_t *other)
{
    assert (self != other);
    for (size_t i = 0; i < other->held_count; i++)
        hf_history_hold (self, &other->held[i]);
    for (size_t i = 0; i < other->line_count; i++)
        hf_history_write (self, &other->line[i].is);
}

size_t
hf_history_holds (const hf_history_t *self)
{
    return self->held_count;
}

size_t
hf_history_lines (const hf_history_t *self, hf_fate_t fate)
{
    size_t count = 0;
    for (size_t i = 0; i < self->line_count; i++)
        count += self->line[i].is.fate == fate;
    return count;
}

size_t
hf_line_text (const hf_line_t *line, char text[HF_LINE_SIZE])
{
    int n =
        snprintf (text, HF_LINE_SIZE, "client %u line %llu token %llu file %u\n", line->client,
                  (unsigned long long)line->counter, (unsigned long long)line->token, line->file);
    assert (n > 0 && n < HF_LINE_SIZE);
    return (size_t)n;
}

//  ---- who held what when ---------------------------------------------------------

#define S_ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int
s_by_time (const void *a, const void *b)
{
    const hf_held_t *left = a, *right = b;
    if (left->lock != right->lock)
        return S_ORDER (left->lock, right->lock);
    return S_ORDER (left->received_ns, right->received_ns);
}

unsigned
hf_history_check_holds (hf_history_t *self, FILE *out)
{
    s_verdict_t verdict = {.out = out};
    if (self->held_count)
        qsort (self->held, self->held_count, sizeof *self->held, s_by_time);
    for (size_t i = 1; i < self->held_count; i++) {
        const hf_held_t *then = &self->held[i - 1], *now = &self->held[i];
        if (then->lock != now->lock)
            continue;
        if (now->token <= then->token)
            s_wrong (&verdict, "lock %u: client %u was granted token %llu after token %llu",
                     now->lock, now->client, (unsigned long long)now->token,
                     (unsigned long long)then->token);
        if (now->index <= then->index)
            s_wrong (&verdict, "lock %u: token %llu has index %llu, the one before had %llu",
                     now->lock, (unsigned long long)now->token, (unsigned long long)now->index,
                     (unsigned long long)then->index);
        if (now->received_ns < then->ended_ns)
            s_wrong (&verdict,
                     "lock %u: client %u got it with token %llu %.3f ms before client %u, token "
                     "%llu, was done with it",
                     now->lock, now->client, (unsigned long long)now->token,
                     (double)(then->ended_ns - now->received_ns) / 1e6, then->client,
                     (unsigned long long)then->token);
    }
    return verdict.count;
}

//  ---- what is in the files -------------------------------------------------------

static int
s_by_name (const void *a, const void *b)
{
    const s_line_t *left = a, *right = b;
    if (left->is.client != right->is.client)
        return S_ORDER (left->is.client, right->is.client);
    return S_ORDER (left->is.counter, right->is.counter);
}

static int
s_by_section (const void *a, const void *b)
{
    const s_line_t *left = a, *right = b;
    if (left->is.token != right->is.token)
        return S_ORDER (left->is.token, right->is.token);
    return s_by_name (a, b);
}

/*  The line that the text at AT is, whole; NULL: none that was ever written to FILE. */
static s_line_t *
s_recognize (const hf_history_t *self, const char *at, size_t size, uint32_t file)
{
    char text[HF_LINE_SIZE];
    if (size >= sizeof text)
        return NULL;
    memcpy (text, at, size);
    text[size] = 0;
    s_line_t key = {0};
    unsigned long long counter;
    if (sscanf (text, "client %u line %llu", &key.is.client, &counter) != 2)
        return NULL;
    key.is.counter = counter;
    s_line_t *line = bsearch (&key, self->line, self->line_count, sizeof *self->line, s_by_name);
    char want[HF_LINE_SIZE];
    if (!line || line->is.file != file || hf_line_text (&line->is, want) != size ||
        memcmp (want, at, size) != 0)
        return NULL;
    return line;
}

static int
s_by_number (const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return S_ORDER (*left, *right);
}

/*  Sections that a file holds, in its order: none may come twice. */
static void
s_check_contiguous (s_verdict_t *verdict, uint64_t *section, size_t count, uint32_t file)
{
    if (count)
        qsort (section, count, sizeof *section, s_by_number);
    for (size_t i = 1; i < count; i++) {
        if (section[i] == section[i - 1])
            s_wrong (verdict, "file %u: section %llu is in more than one piece", file,
                     (unsigned long long)section[i]);
    }
}

/*  One file from its start to its end. */
static void
s_walk (hf_history_t *self, hf_content_t content, uint32_t file, s_verdict_t *verdict)
{
    uint64_t newest[S_LOCKS_MAX] = {0}; //  by lock: the token of its last section
    uint64_t *section = NULL;
    size_t sections = 0, room = 0;
    const s_line_t *before = NULL;
    for (const char *at = content.at, *end = content.at + content.size; at < end;) {
        const char *stop = memchr (at, '\n', (size_t)(end - at));
        size_t size = stop ? (size_t)(stop - at) + 1 : (size_t)(end - at);
        s_line_t *line = s_recognize (self, at, size, file);
        if (!line) {
            s_wrong (verdict, "file %u, byte %zu: nobody wrote this: %.*s", file,
                     (size_t)(at - content.at), (int)(size < 80 ? size : 80), at);
        } else if (!before || before->is.token != line->is.token) {
            section = s_grow (section, sections, &room, sizeof *section);
            section[sections++] = line->is.token;
            if (line->is.token < newest[line->is.lock])
                s_wrong (verdict, "file %u: section %llu of lock %u comes after section %llu", file,
                         (unsigned long long)line->is.token, line->is.lock,
                         (unsigned long long)newest[line->is.lock]);
            newest[line->is.lock] = line->is.token;
        } else if (line->is.counter <= before->is.counter) {
            s_wrong (verdict, "file %u: section %llu is out of order", file,
                     (unsigned long long)line->is.token);
        }
        if (line) {
            line->seen++;
            before = line;
        }
        at += size;
    }
    s_check_contiguous (verdict, section, sections, file);
    free (section);
}

static void
s_check_fates (const hf_history_t *self, s_verdict_t *verdict)
{
    static const char *const names[] = {"acknowledged", "refused", "undecided"};
    for (size_t i = 0; i < self->line_count; i++) {
        const s_line_t *line = &self->line[i];
        bool right = line->is.fate == HF_FATE_ACKED     ? line->seen == 1
                     : line->is.fate == HF_FATE_REFUSED ? line->seen == 0
                                                        : line->seen <= 1;
        if (!right)
            s_wrong (verdict, "client %u line %llu (token %llu, file %u) was %s and is there %u x",
                     line->is.client, (unsigned long long)line->is.counter,
                     (unsigned long long)line->is.token, line->is.file, names[line->is.fate],
                     line->seen);
    }
}

/*  Of the lines that were staged for sure, a section has all or none in the files. */
static void
s_check_whole (hf_history_t *self, s_verdict_t *verdict)
{
    if (self->line_count)
        qsort (self->line, self->line_count, sizeof *self->line, s_by_section);
    for (size_t i = 0, next; i < self->line_count; i = next) {
        uint32_t staged = 0, seen = 0;
        for (next = i;
             next < self->line_count && self->line[next].is.token == self->line[i].is.token;
             next++) {
            staged += self->line[next].is.staged;
            seen += self->line[next].is.staged && self->line[next].seen;
        }
        if (seen && seen != staged)
            s_wrong (verdict, "section %llu: %u of its %u lines are there",
                     (unsigned long long)self->line[i].is.token, seen, staged);
    }
}

unsigned
hf_history_check_files (hf_history_t *self, const hf_content_t *content, uint32_t files, FILE *out)
{
    assert (files <= HF_FILES_MAX);
    s_verdict_t verdict = {.out = out};
    if (self->line_count)
        qsort (self->line, self->line_count, sizeof *self->line, s_by_name);
    for (size_t i = 0; i < self->line_count; i++)
        self->line[i].seen = 0;
    for (uint32_t file = 0; file < files; file++)
        s_walk (self, content[file], file, &verdict);
    s_check_fates (self, &verdict);
    s_check_whole (self, &verdict);
    return verdict.count;
}
