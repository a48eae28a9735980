/*  Names, statuses and the hash: tables and vectors that stay as they are. */

#include "tests/kit/hf_test.h"
#include "base/hf_hash.h"
#include "msgs/hf_status.h"
#include "msgs/hf_wire.h"
#include "test_random.h"

//  ---- names ------------------------------------------------------------------------------

HF_TEST (names_by_table)
{
    static const struct {
        const char *name;
        bool valid;
    } names[] = {
        {"a", true},
        {"a b", true},
        {" ", true},
        {"../../etc/passwd", true}, //  a name, not a path: it is encoded on disk
        {".", true},
        {"~", true},
        {"", false},
        {"\x1f", false},
        {"a\nb", false},
        {"a\tb", false},
        {"\x7f", false},
        {"\xc2\x7f", false},
        {"\xc2\x80", false}, //  C1 controls: U+0080 to U+009F
        {"\xc2\x85", false},
        {"\xc2\x9f", false},
        {"\xc2\xa0", true},
        {"\xc3\xa4", true},
        {"\xdf\xbf", true},          //  U+07FF
        {"\xe0\xa0\x80", true},      //  U+0800
        {"\xef\xbf\xbd", true},      //  U+FFFD
        {"\xf0\x90\x80\x80", true},  //  U+10000
        {"\xf4\x8f\xbf\xbf", true},  //  U+10FFFF
        {"\xf4\x90\x80\x80", false}, //  beyond
        {"\xf5\x80\x80\x80", false}, //  no such lead
        {"\xc0\x80", false},         //  overlong
        {"\xc1\xbf", false},         //  overlong
        {"\xe0\x80\x80", false},     //  overlong
        {"\xe0\x9f\xbf", false},     //  overlong
        {"\xf0\x80\x80\x80", false}, //  overlong
        {"\xf0\x8f\xbf\xbf", false}, //  overlong
        {"\xed\x9f\xbf", true},      //  U+D7FF
        {"\xed\xa0\x80", false},     //  surrogates
        {"\xed\xbf\xbf", false},
        {"\xee\x80\x80", true}, //  U+E000
        {"\x80", false},        //  a tail without a lead
        {"\xbf", false},
        {"a\xc3", false}, //  cut
        {"a\xe2\x82", false},
        {"a\xf0\x9f\x94", false},
        {"\xc3(", false}, //  no tail
        {"\xe2(\xa1", false},
        {"\xe2\x82(", false},
        {"\xf0(\x8c\xbc", false},
        {"\xf0\x9f(\x92", false},
        {"\xf0\x9f\x94\xc3", false},
        {"\xff", false},
        {"\xfe", false},
        {"\xf8\x88\x80\x80\x80", false}, //  five bytes
        {"\xf0\x9f\x94\x92 lock", true},
    };
    for (size_t i = 0; i < sizeof (names) / sizeof (names[0]); i++) {
        size_t size = strlen (names[i].name);
        uint8_t *bytes = test_exact (names[i].name, size);
        if (hf_name_valid (hf_span (bytes, size)) != names[i].valid)
            fail_msg ("name %zu", i);
        free (bytes);
    }
    assert_false (hf_name_valid (hf_span ("a\0b", 3)));
    assert_false (hf_name_valid (hf_span (NULL, 0)));
}

HF_TEST (names_by_length)
{
    uint8_t bytes[257];
    memset (bytes, 'x', sizeof (bytes));
    for (size_t size = 0; size < sizeof (bytes); size++)
        assert_int_equal (hf_name_valid (hf_span (bytes, size)), size >= 1 && size <= 255);
    memcpy (bytes + 253, "\xc3\xa4", 2); //  a letter of two bytes that just fits
    assert_true (hf_name_valid (hf_span (bytes, 255)));
    memcpy (bytes + 253, "xx", 2);
    memcpy (bytes + 254, "\xc3\xa4", 2); //  and one that does not
    assert_false (hf_name_valid (hf_span (bytes, 255)));
    assert_false (hf_name_valid (hf_span (bytes, 256)));
}

/*  Bytes are looked at eight at a time: each of them, at each place among plain ones. */
HF_TEST (every_byte_at_every_place)
{
    for (unsigned place = 0; place < 20; place++)
        for (unsigned byte = 0; byte < 256; byte++)
            for (unsigned other = ' '; other <= '~'; other += '~' - ' ') {
                uint8_t bytes[20];
                memset (bytes, (int)other, sizeof bytes);
                bytes[place] = (uint8_t)byte;
                assert_int_equal (hf_text_valid (hf_span (bytes, sizeof bytes)),
                                  byte >= ' ' && byte <= '~');
            }
}

/*  Each code point, encoded by the book: what is valid is so by its number alone. */
HF_TEST (every_code_point)
{
    for (uint32_t point = 0; point <= 0x110fff; point++) {
        uint8_t bytes[4];
        unsigned size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        for (unsigned i = size - 1; i > 0; i--)
            bytes[i] = (uint8_t)(0x80 | (point >> (6 * (size - 1 - i)) & 0x3f));
        bytes[0] = (uint8_t)(lead[size] | point >> (6 * (size - 1)));
        bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        bool surrogate = point >= 0xd800 && point < 0xe000;
        bool valid = !control && !surrogate && point <= 0x10ffff;
        if (hf_name_valid (hf_span (bytes, size)) != valid)
            fail_msg ("U+%04X", point);
    }
}

//  ---- statuses ---------------------------------------------------------------------------

HF_TEST (statuses_are_unique_and_have_texts)
{
    static const struct {
        const char *name;
        int ordinal;
        const char *text;
    } table[] = {
#define ROW(name, ordinal, text) {#name, ordinal, text},
        HF_STATUS_TABLE (ROW)
#undef ROW
    };
    size_t count = sizeof (table) / sizeof (table[0]);
    for (size_t i = 0; i < count; i++) {
        hf_status_t status = (hf_status_t)table[i].ordinal;
        assert_string_equal (hf_status_text (status), table[i].text);
        assert_string_equal (hf_status_name (status), table[i].name);
        assert_true (strlen (table[i].text) > 0);
        assert_in_range (table[i].ordinal, 0, 95);
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal (table[i].ordinal, table[k].ordinal);
            assert_string_not_equal (table[i].text, table[k].text);
        }
    }
    assert_string_equal (hf_status_text ((hf_status_t)63), "unknown status");
    assert_string_equal (hf_status_name ((hf_status_t)63), "UNKNOWN_STATUS");
}

/*  They travel: a change of one breaks every client that is out there. */
HF_TEST (status_ordinals_stay_as_they_are)
{
    static const int fixed[][2] = {
        {HF_OK, 0},          {HF_QUEUED, 1},           {HF_NOT_GRANTED, 2},
        {HF_NOT_HOLDER, 16}, {HF_SESSION_EXPIRED, 17}, {HF_TOO_LARGE, 18},
        {HF_BAD_NAME, 19},   {HF_BAD_REQUEST, 20},     {HF_NOT_LEADER, 21},
        {HF_BUSY, 22},       {HF_MALFORMED, 23},       {HF_BAD_VERSION, 24},
        {HF_UNKNOWN, 25},    {HF_LIMIT, 26},           {HF_NOT_FOUND, 27},
        {HF_BAD_TTL, 28},    {HF_STALE, 29},           {HF_TIMEOUT, 64},
        {HF_LOST, 65},       {HF_UNREACHABLE, 66},     {HF_CLOSED, 67},
        {HF_INVALID, 68},    {HF_UNDECIDED, 69},
    };
    for (size_t i = 0; i < sizeof (fixed) / sizeof (fixed[0]); i++)
        assert_int_equal (fixed[i][0], fixed[i][1]);
}

//  ---- the hash ---------------------------------------------------------------------------

/*  It is stored and compared between machines and versions: these values are for ever.
 *  They come from a second implementation, written from the description. */
HF_TEST (hash_vectors_are_for_ever)
{
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    assert_true (hf_hash (0, NULL, 0) == 0xe2b92578c50d8bc4ULL);
    assert_true (hf_hash (1, "", 0) == 0xab4c2005f898a7bbULL);
    assert_true (hf_hash (0, "a", 1) == 0x1912efadd7a784faULL);
    assert_true (hf_hash (0, "holdfast", 8) == 0xff04fbb9f91dcbdaULL);
    assert_true (hf_hash (0, "holdfast!", 9) == 0x1ad41d6c4585ff82ULL);
    assert_true (hf_hash (UINT64_MAX, "holdfast", 8) == 0x82dcee973f450077ULL);
    assert_true (hf_hash (42, bytes, 256) == 0xd1eaa57bed7f8b6aULL);
    uint64_t all = 0; //  every size, and so every rest
    for (unsigned i = 0; i < 128; i++)
        bytes[i] = (uint8_t)(i * 151 + 7);
    for (size_t size = 0; size <= 100; size++)
        all = hf_hash (all, bytes + size % 9, size);
    assert_true (all == 0x31de7b432e00fb93ULL);
    assert_true (hf_hash_u64 (0, 0) == 0xe2b92578c50d8bc4ULL);
    assert_true (hf_hash_u64 (42, 0x0123456789abcdefULL) == 0x1c21138714f537fcULL);
}

/*  A row that a disk gave back as zeros must not carry the right checksum. */
HF_TEST (zeros_do_not_hash_to_zero)
{
    static const uint8_t zeros[64];
    uint64_t running = 0;
    uint64_t seen[130];
    unsigned count = 0;
    for (size_t size = 0; size <= sizeof (zeros); size++)
        seen[count++] = hf_hash (0, zeros, size); //  sizes tell zeros apart
    for (unsigned i = 0; i < 64; i++)
        seen[count++] = running = hf_hash_u64 (running, i == 0 ? 1 : 0);
    for (unsigned i = 0; i < count; i++) {
        assert_true (seen[i] != 0);
        for (unsigned k = 0; k < i; k++)
            assert_true (seen[i] != seen[k]);
    }
}

/*  The size is part of what is hashed: in pieces it is another value, on purpose. */
HF_TEST (pieces_differ_from_the_whole)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    size_t size = strlen (text);
    uint64_t whole = hf_hash (0, text, size);
    for (size_t cut = 0; cut <= size; cut++) {
        uint64_t pieces = hf_hash (hf_hash (0, text, cut), text + cut, size - cut);
        assert_true (pieces != whole);
        for (size_t other = 0; other < cut; other++)
            assert_true (pieces != hf_hash (hf_hash (0, text, other), text + other, size - other));
    }
}

HF_TEST (every_changed_bit_changes_about_half)
{
    for (size_t size = 1; size <= 33; size++) {
        hf_random_t seed = {size};
        uint8_t *bytes = malloc (size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)hf_random_next (&seed);
        uint64_t hash = hf_hash (0, bytes, size);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            uint64_t other = hf_hash (0, bytes, size);
            assert_in_range (__builtin_popcountll (hash ^ other), 8, 56);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        assert_true (hf_hash (1, bytes, size) != hash);
        free (bytes);
    }
}

HF_TEST_MAIN (NULL, NULL)
