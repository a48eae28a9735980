//  The file of rights, read into a table, and what it allows.

#include "nodes/services/hf_rights.h"
#include "base/hf_array.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#define WORDS     3
#define HINT_MOST 2 //  letters that a misspelt right may be away from the one that was meant

typedef struct hf_rule {
    uint32_t rights; //  bit 1 << hf_right_t; when all are read, with those of the rules UP
    uint32_t up;     //  the nearest one that is for NAME, too, stands so many before; 0: none
    bool prefix;     //  every name that begins with NAME
    uint8_t size;
    char user[HF_USER_MAX + 1]; //  "*": everybody
    uint8_t name[255];
} hf_rule_t;

struct hf_rights {
    HF_ARRAY (hf_rule_t)
    rules; //  by user, then by name, a prefix before the name itself; no two alike
};

typedef struct reading {
    hf_rights_t *rights;
    hf_rights_say_fn *say;
    void *arg;
    uint32_t line, errors;
} reading_t;

static const struct {
    const char *name;
    bool named;
} s_rights[] = {
#define HF_RIGHT_ROW(right, name, named) [HF_RIGHT_##right] = {name, named},
    HF_RIGHT_TABLE (HF_RIGHT_ROW)
#undef HF_RIGHT_ROW
};

const char *
hf_right_name (hf_right_t right)
{
    assert (right < HF_RIGHTS_COUNT);
    return s_rights[right].name;
}

//  ---- mistakes ---------------------------------------------------------------------------

static bool __attribute__ ((format (printf, 2, 3)))
s_wrong (reading_t *self, const char *format, ...)
{
    if (self->errors++ >= HF_RIGHTS_ERRORS)
        return false;
    char what[HF_ERROR_SIZE];
    va_list args;
    va_start (args, format);
    vsnprintf (what, sizeof what, format, args);
    va_end (args);
    self->say (self->arg, self->line, what);
    return false;
}

/*  A word as people may see it: not for ever, and no bytes that a terminal obeys. */
static const char *
s_shown (hf_span_t word, char text[44])
{
    uint32_t most = word.size < 40 ? word.size : 40;
    for (uint32_t i = 0; i < most; i++)
        text[i] = (char)(word.at[i] >= 0x20 && word.at[i] < 0x7f ? word.at[i] : '?');
    strcpy (text + most, word.size > most ? "..." : "");
    return text;
}

/*  How many letters must change, come or go to make B of A. Both are short. */
static unsigned
s_distance (hf_span_t a, const char *b)
{
    unsigned row[16] = {0};
    size_t size = strlen (b);
    assert (size < 16);
    for (size_t k = 0; k <= size; k++)
        row[k] = (unsigned)k;
    for (uint32_t i = 0; i < a.size; i++) {
        unsigned corner = row[0];
        row[0] = i + 1;
        for (size_t k = 1; k <= size; k++) {
            unsigned change = corner + (a.at[i] != (uint8_t)b[k - 1]);
            corner = row[k];
            unsigned least = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
            row[k] = change < least ? change : least;
        }
    }
    return row[size];
}

static bool
s_no_right (reading_t *self, hf_span_t word)
{
    const char *meant = NULL;
    unsigned nearest = HINT_MOST + 1;
    char shown[44];
    for (size_t i = 0; i < HF_RIGHTS_COUNT && word.size < 16; i++) {
        unsigned distance = s_distance (word, s_rights[i].name);
        meant = distance < nearest ? s_rights[i].name : meant;
        nearest = distance < nearest ? distance : nearest;
    }
    s_shown (word, shown);
    if (meant)
        return s_wrong (self, "there is no right \"%s\"; \"%s\" is one", shown, meant);
#define HF_RIGHT_LIST(right, name, named) " " name
    return s_wrong (self, "there is no right \"%s\"; the rights are" HF_RIGHT_TABLE (HF_RIGHT_LIST),
                    shown);
#undef HF_RIGHT_LIST
}

//  ---- words ------------------------------------------------------------------------------

static bool
s_take_user (reading_t *self, hf_span_t word, hf_rule_t *rule)
{
    char shown[44];
    bool all = word.size == 1 && word.at[0] == '*';
    if (!all && !hf_user_valid (word))
        return s_wrong (self,
                        "\"%s\" is no user: a user is * or 1 to 64 letters, digits and . _ - @ +",
                        s_shown (word, shown));
    memcpy (rule->user, word.at, word.size);
    rule->user[word.size] = 0;
    return true;
}

static int
s_digit (uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return byte >= '0' && byte <= '9'       ? byte - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
                                            : -1;
}

/*  The byte that WORD has AT, which moves on; -1: none. */
static int
s_byte (hf_span_t word, uint32_t *at)
{
    uint8_t byte = word.at[(*at)++];
    if (byte != '%')
        return byte;
    int high = *at + 1 < word.size ? s_digit (word.at[*at]) : -1;
    int low = *at + 1 < word.size ? s_digit (word.at[*at + 1]) : -1;
    *at += 2;
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool
s_take_pattern (reading_t *self, hf_span_t word, hf_rule_t *rule)
{
    char shown[44];
    s_shown (word, shown);
    uint32_t size = 0;
    rule->prefix = word.at[word.size - 1] == '*';
    word.size -= rule->prefix;
    for (uint32_t at = 0; at < word.size;) {
        bool star = word.at[at] == '*';
        int byte = s_byte (word, &at);
        if (star)
            return s_wrong (
                self, "\"%s\": a * stands at the end of a pattern alone; in a name it is %%2A",
                shown);
        if (byte < 0)
            return s_wrong (self, "\"%s\": behind %% come two digits of a byte, such as %%20",
                            shown);
        if (size >= sizeof rule->name)
            return s_wrong (self, "\"%s\": a name is at most 255 bytes", shown);
        rule->name[size++] = (uint8_t)byte;
    }
    rule->size = (uint8_t)size;
    if (!(rule->prefix && size == 0) && !hf_name_valid (hf_span (rule->name, size)))
        return s_wrong (self, "\"%s\": a name is UTF-8 without control characters", shown);
    return true;
}

static bool
s_take_right (reading_t *self, hf_span_t word, hf_rule_t *rule)
{
    for (size_t i = 0; i < HF_RIGHTS_COUNT; i++) {
        if (!hf_span_equal (word, hf_span_text (s_rights[i].name)))
            continue;
        rule->rights |= 1U << i;
        if (!s_rights[i].named && !(rule->prefix && rule->size == 0))
            return s_wrong (self, "the right \"%s\" is for no names: its pattern is *",
                            s_rights[i].name);
        return true;
    }
    return s_no_right (self, word);
}

static bool
s_take_rights (reading_t *self, hf_span_t words, hf_rule_t *rule)
{
    bool good = true;
    for (uint32_t at = 0, end; at <= words.size; at = end + 1) {
        for (end = at; end < words.size && words.at[end] != ','; end++)
            ;
        if (end == at)
            return s_wrong (self, "a right is missing: they are RIGHT[,RIGHT...] without blanks");
        good = s_take_right (self, hf_span (words.at + at, end - at), rule) && good;
    }
    return good;
}

//  ---- lines ------------------------------------------------------------------------------

static bool
s_blank (uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/*  How many words LINE has; no more than WORDS are kept. */
static unsigned
s_split (hf_span_t line, hf_span_t words[WORDS])
{
    unsigned count = 0;
    for (uint32_t at = 0; at < line.size;) {
        if (s_blank (line.at[at])) {
            at++;
            continue;
        }
        if (line.at[at] == '#')
            break;
        uint32_t from = at;
        while (at < line.size && !s_blank (line.at[at]))
            at++;
        if (count < WORDS)
            words[count] = hf_span (line.at + from, at - from);
        count++;
    }
    return count;
}

static bool
s_take_line (reading_t *self, hf_span_t line)
{
    hf_span_t words[WORDS];
    if (line.size > HF_RIGHTS_LINE_MAX)
        return s_wrong (self, "longer than %d bytes", HF_RIGHTS_LINE_MAX);
    unsigned count = s_split (line, words);
    if (count == 0)
        return true;
    if (count != WORDS)
        return s_wrong (self, "%u word%s: a line is USER PATTERN RIGHT[,RIGHT...]", count,
                        count == 1 ? "" : "s");
    if (self->rights->rules.count >= HF_RIGHTS_MAX)
        return s_wrong (self, "more than %d lines that allow something", HF_RIGHTS_MAX);
    hf_rule_t rule = {.rights = 0};
    //  Each word is looked at, so that one reading tells all mistakes.
    bool good = s_take_user (self, words[0], &rule);
    bool named = s_take_pattern (self, words[1], &rule);
    good = named && good;
    good = named && s_take_rights (self, words[2], &rule) && good;
    if (good)
        *hf_array_add (&self->rights->rules) = rule;
    return good;
}

//  ---- the table --------------------------------------------------------------------------

static hf_span_t
s_name (const hf_rule_t *rule)
{
    return hf_span (rule->name, rule->size);
}

static bool
s_begins (hf_span_t name, const hf_rule_t *rule)
{
    return name.size >= rule->size &&
           (rule->size == 0 || memcmp (name.at, rule->name, rule->size) == 0);
}

static bool
s_matches (const hf_rule_t *rule, hf_span_t name)
{
    return (rule->prefix || name.size == rule->size || HF_MUTANT (name_as_prefix)) &&
           s_begins (name, rule);
}

/*  RULE, or the nearest of those UP, that is for NAME. NULL: none of them. */
static const hf_rule_t *
s_nearest (const hf_rule_t *rule, hf_span_t name)
{
    while (rule && !s_matches (rule, name))
        rule = rule->up > 0 ? rule - rule->up : NULL;
    return rule;
}

static int
s_compare (const void *a, const void *b)
{
    const hf_rule_t *left = a, *right = b;
    int order = strcmp (left->user, right->user);
    if (order == 0)
        order = hf_span_compare (s_name (left), s_name (right));
    return order != 0 ? order : right->prefix - left->prefix;
}

/*  Sort all rules, make one of those that are alike, and tie each to the one UP. */
static void
s_tie (hf_rights_t *self)
{
    hf_rule_t *list = self->rules.list;
    size_t count = 0;
    qsort (list, self->rules.count, sizeof *list, s_compare);
    for (size_t i = 0; i < self->rules.count; i++) {
        if (count > 0 && s_compare (&list[count - 1], &list[i]) == 0)
            list[count - 1].rights |= list[i].rights;
        else
            list[count++] = list[i];
    }
    self->rules.count = count;
    for (size_t i = 1; i < count; i++) {
        if (strcmp (list[i - 1].user, list[i].user) != 0)
            continue;
        const hf_rule_t *up = s_nearest (&list[i - 1], s_name (&list[i]));
        list[i].up = up ? (uint32_t)(&list[i] - up) : 0;
        list[i].rights |= up ? up->rights : 0;
    }
}

static void
s_read (reading_t *self, hf_span_t text)
{
    for (uint32_t at = 0, end; at < text.size; at = end + 1) {
        for (end = at; end < text.size && text.at[end] != '\n'; end++)
            ;
        self->line++;
        s_take_line (self, hf_span (text.at + at, end - at));
    }
    self->line = 0;
}

hf_rights_t *
hf_rights_read (hf_span_t text, hf_rights_say_fn *say, void *arg)
{
    assert (say);
    hf_rights_t *rights = hf_alloc (sizeof *rights);
    reading_t reading = {.rights = rights, .say = say, .arg = arg};
    if (text.size > HF_RIGHTS_BYTES_MAX)
        s_wrong (&reading, "larger than %u bytes", HF_RIGHTS_BYTES_MAX);
    else
        s_read (&reading, text);
    //  A file that is being written must not lock everybody out.
    if (reading.errors == 0 && rights->rules.count == 0)
        s_wrong (&reading, "it has no line that allows anything");
    if (reading.errors > 0)
        hf_rights_destroy (&rights);
    else
        s_tie (rights);
    return rights;
}

void
hf_rights_destroy (hf_rights_t **self_p)
{
    hf_rights_t *self = *self_p;
    if (!self)
        return;
    hf_array_free (&self->rules);
    free (self);
    *self_p = NULL;
}

//  ---- asking -----------------------------------------------------------------------------

/*  The lines of exactly that USER. */
static const hf_rule_t *
s_find (const hf_rights_t *self, const char *user, uint32_t *count)
{
    size_t low = 0, high = self->rules.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp (self->rules.list[middle].user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < self->rules.count && strcmp (self->rules.list[end].user, user) == 0)
        end++;
    *count = (uint32_t)(end - low);
    return self->rules.list + low;
}

hf_rules_t
hf_rights_of (const hf_rights_t *self, const char *user)
{
    hf_rules_t rules;
    rules.own = s_find (self, user, &rules.own_count);
    rules.all = s_find (self, "*", &rules.all_count);
    return rules;
}

/*  Whatever stands between a prefix of NAME and NAME in the order begins with that prefix. So of
 *  the rules for NAME the nearest is the last that is not behind NAME, or one of those UP. */
static bool
s_allow (const hf_rule_t *rules, uint32_t count, uint32_t right, hf_span_t name)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hf_span_compare (s_name (&rules[middle]), name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const hf_rule_t *nearest = low > 0 ? s_nearest (&rules[low - 1], name) : NULL;
    return nearest && (nearest->rights & right) != 0;
}

bool
hf_rules_allow (const hf_rules_t *self, hf_right_t right, hf_span_t name)
{
    assert (right < HF_RIGHTS_COUNT);
    return s_allow (self->own, self->own_count, 1U << right, name) ||
           s_allow (self->all, self->all_count, 1U << right, name);
}

static bool
s_reach (const hf_rule_t *rules, uint32_t count, uint32_t right, hf_span_t prefix)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t common = prefix.size < rules[i].size ? prefix.size : rules[i].size;
        bool meet = common == 0 || memcmp (prefix.at, rules[i].name, common) == 0;
        if ((rules[i].rights & right) && meet && (rules[i].prefix || prefix.size <= rules[i].size))
            return true;
    }
    return false;
}

bool
hf_rules_reach (const hf_rules_t *self, hf_right_t right, hf_span_t prefix)
{
    assert (right < HF_RIGHTS_COUNT);
    return s_reach (self->own, self->own_count, 1U << right, prefix) ||
           s_reach (self->all, self->all_count, 1U << right, prefix);
}
