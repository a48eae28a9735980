//  Spans of bytes, and which of them may name a lock or a file.

#include "base/hf_span.h"
#include <assert.h>
#include <string.h>

#define NAME_MAX_BYTES 255

hf_span_t
hf_span (const void *at, size_t size)
{
    assert (size <= UINT32_MAX);
    return (hf_span_t){.at = at, .size = (uint32_t)size};
}

hf_span_t
hf_span_text (const char *text)
{
    return hf_span (text, strlen (text));
}

bool
hf_span_equal (hf_span_t a, hf_span_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp (a.at, b.at, a.size) == 0);
}

int
hf_span_compare (hf_span_t a, hf_span_t b)
{
    uint32_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp (a.at, b.at, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

//  ---- names -----------------------------------------------------------------

/*  The code point at *at, which moves on; UINT32_MAX when the bytes are not UTF-8. */
static uint32_t
s_utf8_next (const uint8_t **at, const uint8_t *end)
{
    uint8_t lead = *(*at)++;
    if (lead < 0x80)
        return lead;
    unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - *at) < more)
        return UINT32_MAX;
    uint32_t point = lead & (0x3fU >> more);
    for (unsigned i = 0; i < more; i++) {
        uint8_t byte = *(*at)++;
        if ((byte & 0xc0) != 0x80)
            return UINT32_MAX;
        point = point << 6 | (byte & 0x3f);
    }
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < least[more] || point > 0x10ffff || surrogate ? UINT32_MAX : point;
}

bool
hf_name_valid (hf_span_t name)
{
    return name.size > 0 && name.size <= NAME_MAX_BYTES && hf_text_valid (name);
}

/*  Whether the eight bytes at AT are all from 0x20 to 0x7e. What a byte borrows from the next, or
 *  carries over, it does when it is none of these itself. */
static bool
s_plain (const uint8_t *at)
{
    uint64_t word;
    memcpy (&word, at, sizeof word);
    uint64_t high = word | (word - 0x2020202020202020ULL) | (word + 0x0101010101010101ULL);
    return (high & 0x8080808080808080ULL) == 0;
}

bool
hf_text_valid (hf_span_t text)
{
    const uint8_t *at = text.at;
    const uint8_t *end = at + text.size;
    while (at < end) {
        if (end - at >= 8 && s_plain (at)) {
            at += 8;
            continue;
        }
        if (*at >= 0x20 && *at < 0x7f) { //  most of them
            at++;
            continue;
        }
        uint32_t point = s_utf8_next (&at, end);
        if (point == UINT32_MAX || point < 0x20 || (point >= 0x7f && point < 0xa0))
            return false;
    }
    return true;
}

bool
hf_user_valid (hf_span_t user)
{
    static const char others[] = "._-@+";
    for (uint32_t i = 0; i < user.size; i++) {
        uint8_t byte = user.at[i], letter = byte | 0x20;
        bool word = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
        if (!word && (byte == 0 || !strchr (others, byte)))
            return false;
    }
    return user.size > 0 && user.size <= HF_USER_MAX;
}
