//  Every kind of the message table, read from any bytes: each target that reads records uses it.

#include "tests/fuzz/fuzz.h"

static bool
s_same_list (hf_list_t a, hf_list_t b)
{
    bool same = a.count == b.count && a.size == b.size;
    return same && (a.size == 0 || memcmp (a.at, b.at, a.size) == 0);
}

#define SAME_u64(a, b)  ((a) == (b))
#define SAME_u32(a, b)  ((a) == (b))
#define SAME_flag(a, b) ((a) == (b))
#define SAME_str(a, b)  hf_span_equal (a, b)
#define SAME_bin(a, b)  hf_span_equal (a, b)
#define SAME_list(a, b) s_same_list (a, b)

/*  What was read lies within the bytes; touching it shows the sanitizer whether it does. */
static void
s_touch (const uint8_t *at, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum ^ at[i]);
    (void)sum;
}

#define INSIDE_u64(field)
#define INSIDE_u32(field)
#define INSIDE_flag(field)
#define INSIDE_str(field)  s_touch (message.field.at, message.field.size);
#define INSIDE_bin(field)  s_touch (message.field.at, message.field.size);
#define INSIDE_list(field) fuzz_records (message.field, depth - 1);

#define LOOK_FIELD(type, field) INSIDE_##type (field)
#define SAME_FIELD(type, field) assert (SAME_##type (message.field, again.field));

#define LOOK(kind, ordinal, name)                                                                  \
    static void s_look_##name (hf_scan_t *scan, hf_pack_t *pack, unsigned depth)                   \
    {                                                                                              \
        hf_##name##_t message, again;                                                              \
        if (!hf_##name##_get (scan, &message))                                                     \
            return;                                                                                \
        hf_pack_reset (pack);                                                                      \
        hf_##name##_put (pack, &message);                                                          \
        hf_scan_t back = hf_scan (hf_pack_bytes (pack), hf_pack_size (pack));                      \
        bool read = hf_##name##_get (&back, &again);                                               \
        assert (read &&hf_scan_at_end (&back));                                                    \
        HF_FIELDS_##name (SAME_FIELD) HF_FIELDS_##name (LOOK_FIELD) (void) depth;                  \
    }
HF_MSG_TABLE (LOOK)

static void
s_record (hf_scan_t *scan, unsigned depth)
{
    hf_pack_t pack;
    hf_pack_init (&pack);
    uint32_t found = hf_scan_kind (scan);
    assert (hf_kind_name (found) != NULL);
    switch (found) {
#define CASE(kind, ordinal, name)                                                                  \
    case ordinal:                                                                                  \
        s_look_##name (scan, &pack, depth);                                                        \
        break;
        HF_MSG_TABLE (CASE)
    default:
        break;
    }
    hf_pack_done (&pack);
}

void
fuzz_records (hf_list_t list, unsigned depth)
{
    hf_scan_t scan = hf_scan_list (list);
    uint32_t count = 0;
    if (depth == 0)
        return;
    for (; !hf_scan_at_end (&scan); count++) {
        hf_scan_t record = scan;
        s_record (&record, depth);
        hf_scan_skip (&scan, 1);
    }
    assert (!scan.bad && count == list.count); //  a list that was read is sound as a whole
}
