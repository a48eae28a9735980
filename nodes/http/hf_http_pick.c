//  Which rows of a long list are in the answer, and in which order.

#include "nodes/http/hf_http_pick.h"
#include "base/hf_alloc.h"
#include <string.h>

#define LIMIT_DEFAULT 100

//  ---- parameters --------------------------------------------------------------------------

bool
hf_http_number (const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    uint64_t value = 0;
    if (*text == 0)
        return false;
    for (; *text != 0; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *number = value;
    return value >= least;
}

static char
s_small (char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

//  ---- orders --------------------------------------------------------------------------------

/*  Rows of other lists have no such name, and no order. */
static int
s_by_name (const json_t *a, const json_t *b)
{
    const char *left = json_string_value (json_object_get (a, "lock"));
    const char *right = json_string_value (json_object_get (b, "lock"));
    return left && right ? strcmp (left, right) : 0;
}

static int
s_by_waiters (const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    json_int_t x = json_integer_value (json_object_get (left, "waiters"));
    json_int_t y = json_integer_value (json_object_get (right, "waiters"));
    return x > y ? -1 : x < y ? 1 : s_by_name (left, right);
}

/*  Tokens rise, and the first holder has the lowest; a lock that nobody holds comes last. */
static uint64_t
s_oldest (const json_t *lock)
{
    const json_t *holder = json_array_get (json_object_get (lock, "holders"), 0);
    const json_t *token = json_object_get (holder, "token");
    return json_is_integer (token) ? (uint64_t)json_integer_value (token) : UINT64_MAX;
}

static int
s_by_age (const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    uint64_t x = s_oldest (left), y = s_oldest (right);
    return x < y ? -1 : x > y ? 1 : s_by_name (left, right);
}

const char *
hf_http_pick_init (hf_http_pick_t *self, const hf_http_params_t *params)
{
    uint64_t offset = 0, limit = LIMIT_DEFAULT;
    *self = (hf_http_pick_t){.limit = 0};
    if (!params->search && !params->sort && !params->offset && !params->limit)
        return NULL;
    if (params->search && strlen (params->search) >= sizeof self->search)
        return "search: at most 255 bytes\n";
    if (params->limit && !hf_http_number (params->limit, 1, HF_HTTP_LIMIT_MAX, &limit))
        return "limit: a number from 1 to 1000\n";
    if (params->offset && !hf_http_number (params->offset, 0, HF_HTTP_OFFSET_MAX, &offset))
        return "offset: a number from 0 to 10000\n";
    if (params->sort && strcmp (params->sort, "waiters") == 0)
        self->compare = s_by_waiters;
    else if (params->sort && strcmp (params->sort, "age") == 0)
        self->compare = s_by_age;
    else if (params->sort && strcmp (params->sort, "name") != 0)
        return "sort: name, waiters or age\n";
    for (size_t i = 0; params->search && params->search[i] != 0; i++)
        self->search[i] = s_small (params->search[i]);
    self->offset = (uint32_t)offset;
    self->limit = (uint32_t)limit;
    return NULL;
}

void
hf_http_pick_done (hf_http_pick_t *self)
{
    for (size_t i = 0; i < self->rows.count; i++)
        json_decref (self->rows.list[i]);
    hf_array_free (&self->rows);
}

//  ---- rows ------------------------------------------------------------------------------------

static bool
s_contains (const json_t *value, const char *search)
{
    const char *text = json_string_value (value);
    for (; text && *text != 0; text++) {
        size_t i = 0;
        while (search[i] != 0 && s_small (text[i]) == search[i])
            i++;
        if (search[i] == 0)
            return true;
    }
    return false;
}

static bool
s_matches (const json_t *row, const char *search)
{
    static const char *const keys[] = {"lock", "file", "label", "note"};
    if (search[0] == 0)
        return true;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (s_contains (json_object_get (row, keys[i]), search))
            return true;
    }
    const json_t *holders = json_object_get (row, "holders");
    for (size_t i = 0; i < json_array_size (holders); i++) {
        if (s_matches (json_array_get (holders, i), search))
            return true;
    }
    return false;
}

/*  Keep the first MOST in the order. */
static void
s_drop (hf_http_pick_t *self, size_t most)
{
    qsort (self->rows.list, self->rows.count, sizeof *self->rows.list, self->compare);
    while (self->rows.count > most)
        json_decref (self->rows.list[--self->rows.count]);
}

bool
hf_http_pick_add (hf_http_pick_t *self, json_t *row)
{
    size_t most = (size_t)self->offset + self->limit;
    self->looked++;
    if (!s_matches (row, self->search))
        return true;
    self->found++;
    if (!self->compare && self->found <= self->offset)
        return true;
    if (!self->compare && self->found > most)
        return false;
    *hf_array_add (&self->rows) = json_incref (row);
    if (self->compare && self->rows.count >= 2 * most)
        s_drop (self, most);
    return true;
}

json_t *
hf_http_pick_answer (hf_http_pick_t *self, const char *key, bool all)
{
    size_t most = (size_t)self->offset + self->limit;
    size_t first = self->compare ? self->offset : 0;
    json_t *list = json_array ();
    if (self->compare && self->rows.count > 0)
        s_drop (self, most);
    for (size_t i = first; i < self->rows.count; i++)
        json_array_append (list, self->rows.list[i]);
    json_t *root = json_pack ("{s:o, s:b}", key, list, "more", self->stopped || self->found > most);
    if (self->stopped)
        json_object_set_new (root, "looked", json_integer ((json_int_t)self->looked));
    else if (all)
        json_object_set_new (root, "found", json_integer ((json_int_t)self->found));
    return root;
}
