//  Durations, numbers and quoting on the command line.

#include "client/tool/tool_text.h"
#include "base/hf_span.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void *
tool_alloc_again (void *at, size_t size)
{
    at = realloc (at, size > 0 ? size : 1);
    if (!at) {
        fputs ("holdfast: out of memory\n", stderr);
        exit (70); //  EX_SOFTWARE
    }
    return at;
}

void *
tool_alloc (size_t size)
{
    return memset (tool_alloc_again (NULL, size), 0, size);
}

char *
tool_copy (const char *text)
{
    assert (text);
    return strcpy (tool_alloc (strlen (text) + 1), text);
}

//  ---- numbers and times -------------------------------------------------------

#define YEAR_S (366ULL * 24 * 3600)

static bool
s_digit (char c)
{
    return c >= '0' && c <= '9';
}

bool
tool_parse_number (const char *text, uint64_t *number)
{
    uint64_t value = 0;
    if (!s_digit (*text))
        return false;
    for (; s_digit (*text); text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (*text != '\0')
        return false;
    *number = value;
    return true;
}

/*  Milliseconds in the unit that TEXT is; 0 when it is none. */
static uint64_t
s_unit_ms (const char *text)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp (text, units[i].name) == 0)
            return units[i].ms;
    return 0;
}

bool
tool_parse_time (const char *text, uint64_t *ms)
{
    uint64_t whole = 0;
    bool digits = false;
    for (; s_digit (*text); text++, digits = true) {
        whole = whole * 10 + (uint64_t)(*text - '0');
        if (whole > YEAR_S * 1000)
            return false;
    }
    uint64_t billionths = 0;
    if (*text == '.') {
        uint64_t scale = 100000000;
        for (text++; s_digit (*text); text++, digits = true, scale /= 10)
            billionths += (uint64_t)(*text - '0') * scale;
    }
    uint64_t unit_ms = s_unit_ms (text);
    if (!digits || unit_ms == 0 || whole > YEAR_S * 1000 / unit_ms)
        return false;
    //  Rounded up: a limit that was asked for never becomes "do not wait at all".
    *ms = whole * unit_ms + (billionths * unit_ms + 999999999) / 1000000000;
    return true;
}

//  ---- quoting -----------------------------------------------------------------

char *
tool_shell_quote (const char *text)
{
    char *quoted = tool_alloc (strlen (text) * 4 + 3);
    char *at = quoted;
    *at++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            memcpy (at, "'\\''", 4);
            at += 4;
        } else
            *at++ = *text;
    }
    *at++ = '\'';
    *at = '\0';
    return quoted;
}

char *
tool_base64 (const void *bytes, size_t size)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = bytes;
    char *text = tool_alloc ((size + 2) / 3 * 4 + 1);
    char *at = text;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t group = (uint32_t)in[i] << 16;
        if (left > 1)
            group |= (uint32_t)in[i + 1] << 8;
        if (left > 2)
            group |= in[i + 2];
        *at++ = letters[group >> 18];
        *at++ = letters[group >> 12 & 63];
        *at++ = left > 1 ? letters[group >> 6 & 63] : '=';
        *at++ = left > 2 ? letters[group & 63] : '=';
    }
    *at = '\0';
    return text;
}

//  ---- labels ------------------------------------------------------------------

/*  Bytes of the character at TEXT; 0: it is none, or a control character. */
static size_t
s_character (const char *text)
{
    for (uint32_t size = 1; size <= 4 && text[size - 1]; size++)
        if (hf_text_valid (hf_span (text, size)))
            return size;
    return 0;
}

/*  Append TEXT; false: not all of it had room. */
static bool
s_put_text (char *label, size_t size, size_t *at, const char *text)
{
    while (*text) {
        size_t bytes = s_character (text);
        size_t step = bytes > 0 ? bytes : 1;
        if (*at + step >= size)
            return false;
        if (bytes > 0)
            memcpy (label + *at, text, step);
        else
            label[*at] = '?';
        *at += step;
        text += step;
    }
    return true;
}

void
tool_label (char *label, size_t size, const char *who, char *const *words, size_t count)
{
    size_t at = 0;
    bool room = s_put_text (label, size, &at, who);
    for (size_t i = 0; i < count && room; i++)
        room = s_put_text (label, size, &at, " ") && s_put_text (label, size, &at, words[i]);
    label[at] = '\0';
}

//  ---- words -------------------------------------------------------------------

unsigned
tool_distance (const char *a, const char *b)
{
    enum { LENGTH_MAX = 64 };
    size_t length_a = strlen (a);
    size_t length_b = strlen (b);
    if (length_a > LENGTH_MAX || length_b > LENGTH_MAX)
        return 255;
    unsigned row[LENGTH_MAX + 1]; //  distances from a[0..i) to b[0..j)
    for (size_t j = 0; j <= length_b; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= length_a; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length_b; j++) {
            unsigned best = corner + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[length_b];
}
