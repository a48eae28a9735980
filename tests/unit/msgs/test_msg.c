/*  The message table: every kind goes there and back, and nothing that is wrong gets in. */

#include "tests/kit/hf_test.h"
#include "msgs/hf_msg.h"
#include "test_random.h"

static uint8_t s_pool[300]; //  what random spans show
static hf_pack_t s_records; //  what random lists show
static hf_pack_t s_frame;   //  what a test packs

//  ---- fields: fill, compare, touch -----------------------------------------------------

static void
fill_u64 (hf_random_t *seed, uint64_t *field)
{
    *field = test_random_width (seed);
}

static void
fill_u32 (hf_random_t *seed, uint32_t *field)
{
    *field = (uint32_t)hf_random_next (seed) >> (hf_random_next (seed) % 32);
}

static void
fill_flag (hf_random_t *seed, bool *field)
{
    *field = hf_random_next (seed) % 2;
}

static void
fill_bin (hf_random_t *seed, hf_span_t *field)
{
    *field = hf_span (s_pool, hf_random_next (seed) % (hf_random_next (seed) % 8 == 0 ? 300 : 40));
}

#define fill_str fill_bin

static void
fill_list (hf_random_t *seed, hf_list_t *field)
{
    hf_pack_reset (&s_records);
    for (uint64_t left = hf_random_next (seed) % 20; left > 0; left--)
        hf_granted_put (&s_records, &(hf_granted_t){.lock = hf_span_text ("lock"), .token = left});
    *field = hf_pack_list (&s_records);
}

#define equal_u64(a, b)  ((a) == (b))
#define equal_u32(a, b)  ((a) == (b))
#define equal_flag(a, b) ((a) == (b))
#define equal_bin(a, b)  hf_span_equal (a, b)
#define equal_str(a, b)  hf_span_equal (a, b)
#define equal_list(a, b)                                                                           \
    ((a).count == (b).count &&                                                                     \
     hf_span_equal (hf_span ((a).at, (a).size), hf_span ((b).at, (b).size)))

/*  Read all that a field shows, so that the sanitizer sees where it points. */
static uint64_t s_touched;

static void
touch_bin (hf_span_t span)
{
    for (uint32_t i = 0; i < span.size; i++)
        s_touched += span.at[i];
}

static void
touch_list (hf_list_t list)
{
    touch_bin (hf_span (list.at, list.size));
    hf_scan_t scan = hf_scan_list (list);
    hf_scan_skip (&scan, list.count);
    assert_false (scan.bad); //  a list that was read can be walked
    assert_true (hf_scan_at_end (&scan));
}

#define touch_u64(value)  (s_touched += (value))
#define touch_u32(value)  (s_touched += (value))
#define touch_flag(value) (s_touched += (uint64_t)(value))
#define touch_str(value)  touch_bin (value)

//  ---- one handler for each kind ----------------------------------------------------------

typedef struct handler {
    uint32_t kind;
    const char *name;
    void (*round_trip) (hf_random_t *seed); //  leaves it in s_frame
    bool (*read) (hf_scan_t *scan);
} handler_t;

#define FILL(type, field)    fill_##type (seed, &in.field);
#define COMPARE(type, field) assert_true (equal_##type (in.field, out.field));
#define TOUCH(type, field)   touch_##type (out.field);

#define HANDLER(KIND, ordinal, name)                                                               \
    static void round_trip_##name (hf_random_t *seed)                                              \
    {                                                                                              \
        hf_##name##_t in;                                                                          \
        hf_##name##_t out;                                                                         \
        hf_scan_t scan;                                                                            \
        uint32_t kind;                                                                             \
        memset (&in, 0, sizeof (in));                                                              \
        HF_FIELDS_##name (FILL) hf_pack_reset (&s_frame);                                          \
        hf_##name##_frame (&s_frame, &in);                                                         \
        assert_int_equal (s_frame.count, 1);                                                       \
        assert_int_equal (                                                                         \
            hf_frame_open (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame), &scan, &kind),       \
            HF_OK);                                                                                \
        assert_int_equal (kind, ordinal);                                                          \
        assert_true (hf_##name##_get (&scan, &out));                                               \
        assert_true (hf_scan_at_end (&scan));                                                      \
        HF_FIELDS_##name (COMPARE)                                                                 \
    }                                                                                              \
                                                                                                   \
    static bool read_##name (hf_scan_t *scan)                                                      \
    {                                                                                              \
        hf_##name##_t out;                                                                         \
        bool good = hf_##name##_get (scan, &out);                                                  \
        if (good) {                                                                                \
            HF_FIELDS_##name (TOUCH)                                                               \
        }                                                                                          \
        return good;                                                                               \
    }
HF_MSG_TABLE (HANDLER)

#define ROW(KIND, ordinal, name) {ordinal, #KIND, round_trip_##name, read_##name},
static const handler_t s_handlers[] = {HF_MSG_TABLE (ROW)};
#define HANDLERS (sizeof (s_handlers) / sizeof (s_handlers[0]))

/*  Read a frame as a node would: open it, and read the record by its kind. */
static bool
read_frame (const uint8_t *bytes, size_t size)
{
    hf_scan_t scan;
    uint32_t kind;
    if (hf_frame_open (bytes, size, &scan, &kind) != HF_OK)
        return false;
    for (size_t i = 0; i < HANDLERS; i++) {
        if (s_handlers[i].kind == kind)
            return s_handlers[i].read (&scan);
    }
    return false;
}

//  ---- tests --------------------------------------------------------------------------

HF_TEST (every_kind_goes_there_and_back)
{
    hf_random_t seed = {2024};
    for (size_t i = 0; i < HANDLERS; i++) {
        for (unsigned round = 0; round < 200; round++)
            s_handlers[i].round_trip (&seed);
    }
}

HF_TEST (every_truncation_is_malformed)
{
    hf_random_t seed = {7};
    for (size_t i = 0; i < HANDLERS; i++) {
        for (unsigned round = 0; round < 10; round++) {
            s_handlers[i].round_trip (&seed);
            for (size_t size = 0; size < hf_pack_size (&s_frame); size++) {
                uint8_t *cut = test_exact (hf_pack_bytes (&s_frame), size);
                assert_false (read_frame (cut, size));
                free (cut);
            }
        }
    }
}

HF_TEST (any_changed_byte_is_survived)
{
    hf_random_t seed = {77};
    for (size_t i = 0; i < HANDLERS; i++) {
        s_handlers[i].round_trip (&seed);
        size_t size = hf_pack_size (&s_frame);
        uint8_t *bytes = test_exact (hf_pack_bytes (&s_frame), size);
        for (size_t at = 0; at < size; at++) {
            uint8_t kept = bytes[at];
            for (unsigned value = 0; value < 256; value++) {
                bytes[at] = (uint8_t)value;
                read_frame (bytes, size);
            }
            bytes[at] = kept;
        }
        assert_true (read_frame (bytes, size));
        free (bytes);
    }
}

HF_TEST (noise_is_survived)
{
    hf_random_t seed = {99};
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t noise[64];
        size_t size = hf_random_next (&seed) % sizeof (noise);
        for (size_t i = 0; i < size; i++)
            noise[i] = (uint8_t)hf_random_next (&seed);
        uint8_t *bytes = test_exact (noise, size);
        if (size > 4) { //  half of it gets past the door
            bytes[0] = 0x92;
            bytes[1] = HF_VERSION_WIRE;
            bytes[2] = (uint8_t)(0x90 | (bytes[2] & 0x0f));
        }
        read_frame (bytes, size);
        free (bytes);
    }
}

HF_TEST (a_later_version_may_add_fields_at_the_end)
{
    hf_pack_reset (&s_frame);
    hf_scan_t scan;
    uint32_t kind;
    hf_moved_t moved;
    hf_put_array (&s_frame, 3); //  a frame of more parts
    hf_put_u32 (&s_frame, HF_VERSION_WIRE);
    hf_put_array (&s_frame, 5);
    hf_put_u32 (&s_frame, HF_KIND_MOVED);
    hf_put_str (&s_frame, hf_span_text ("lock"));
    hf_put_u64 (&s_frame, 7);
    hf_put_array (&s_frame, 1);
    hf_put_flag (&s_frame, true);
    hf_put_str (&s_frame, hf_span_text ("more"));
    hf_put_u64 (&s_frame, 1);
    assert_int_equal (
        hf_frame_open (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame), &scan, &kind), HF_OK);
    assert_int_equal (kind, HF_KIND_MOVED);
    assert_true (hf_moved_get (&scan, &moved));
    assert_int_equal (moved.position, 7);
    uint64_t last; //  the cursor stands behind the record
    hf_get_u64 (&scan, &last);
    assert_int_equal (last, 1);
}

HF_TEST (a_record_of_another_kind_is_not_taken)
{
    hf_pack_reset (&s_frame);
    hf_cancel_t cancel;
    hf_release_put (&s_frame, &(hf_release_t){.seq = 1, .lock = hf_span_text ("a"), .token = 2});
    hf_scan_t scan = hf_scan (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame));
    assert_int_equal (hf_scan_kind (&scan), HF_KIND_RELEASE);
    assert_false (hf_cancel_get (&scan, &cancel)); //  the same fields, but another meaning
    assert_true (scan.bad);
}

HF_TEST (requests_are_read_by_their_kind)
{
    hf_pack_reset (&s_frame);
    hf_span_t a = hf_span_text ("a");
    hf_release_put (&s_frame, &(hf_release_t){1, a, 7, 0});
    hf_acquire_put (&s_frame, &(hf_acquire_t){2, a, 0, true});
    hf_put_array (&s_frame, 3); //  an ABANDON with a number for the lock
    hf_put_u32 (&s_frame, HF_KIND_ABANDON);
    hf_put_u64 (&s_frame, 3);
    hf_put_u64 (&s_frame, 9);
    hf_put_array (&s_frame, 3); //  a kind that is not in the table
    hf_put_u32 (&s_frame, HF_KIND_CLOSE);
    hf_put_u64 (&s_frame, 4);
    hf_put_u64 (&s_frame, 0);
    hf_put_array (&s_frame, 1); //  no seq
    hf_put_u32 (&s_frame, HF_KIND_ABANDON);
    hf_abandon_put (&s_frame, &(hf_abandon_t){5, a});
    hf_scan_t scan = hf_scan (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame));
    static const struct {
        bool good;
        uint32_t kind, seq;
        hf_status_t status;
    } wanted[] = {{true, HF_KIND_RELEASE, 1, HF_OK},
                  {true, HF_KIND_ACQUIRE, 2, HF_OK},
                  {true, HF_KIND_ABANDON, 3, HF_MALFORMED},
                  {true, HF_KIND_CLOSE, 4, HF_UNKNOWN},
                  {false, 0, 0, HF_OK},
                  {true, HF_KIND_ABANDON, 5, HF_OK}};
    for (size_t i = 0; i < sizeof (wanted) / sizeof (wanted[0]); i++) {
        hf_request_t request;
        assert_int_equal (hf_request_get (&scan, &request), wanted[i].good);
        if (!wanted[i].good)
            continue;
        assert_int_equal (request.kind, wanted[i].kind);
        assert_int_equal (request.seq, wanted[i].seq);
        assert_int_equal (request.status, wanted[i].status);
        if (i == 0)
            assert_int_equal (request.release.token, 7);
        if (i == 1)
            assert_true (request.acquire.wait);
    }
    assert_true (hf_scan_at_end (&scan) && !scan.bad);
}

/*  As hf_requests_get, and then hf_request_get of each: what it reads, or that it is malformed. */
static bool
read_whole (const uint8_t *bytes, size_t size, hf_requests_t *message, uint64_t *sum)
{
    hf_scan_t scan = hf_scan (bytes, size);
    if (!hf_requests_get (&scan, message))
        return false;
    hf_scan_t list = hf_scan_list (message->requests);
    for (uint32_t i = 0; i < message->requests.count; i++) {
        hf_request_t request = {.kind = 0};
        bool good = hf_request_get (&list, &request);
        *sum = *sum * 31 + (good ? request.seq + request.status * 7 + request.kind : 1);
    }
    return true;
}

static bool
read_in_halves (const uint8_t *bytes, size_t size, hf_requests_t *message, uint64_t *sum)
{
    hf_scan_t scan = hf_scan (bytes, size);
    uint32_t more;
    if (!hf_requests_begin (&scan, HF_KIND_REQUESTS, message, &more))
        return false;
    for (uint32_t i = 0; i < message->requests.count && !scan.bad; i++) {
        hf_request_t request = {.kind = 0};
        bool good = hf_request_get (&scan, &request);
        *sum = *sum * 31 + (good ? request.seq + request.status * 7 + request.kind : 1);
    }
    return hf_requests_end (&scan, message, more);
}

/*  REQUESTS of any records, with more fields or less, whole or with a byte changed. */
HF_TEST (requests_read_in_halves_are_the_same)
{
    hf_random_t seed = {11};
    hf_span_t a = hf_span_text ("a");
    unsigned good = 0;
    for (unsigned round = 0; round < 30000; round++) {
        hf_pack_reset (&s_records);
        uint32_t count = hf_random_u32 (&seed, 20);
        for (uint32_t i = 0; i < count; i++) {
            if (hf_random_u32 (&seed, 3) > 0)
                hf_acquire_put (&s_records, &(hf_acquire_t){i, a, 0, true});
            else if (hf_random_u32 (&seed, 3) > 0)
                hf_release_put (&s_records, &(hf_release_t){i, a, test_random_width (&seed), 0});
            else
                hf_moved_put (&s_records, &(hf_moved_t){a, i}); //  no seq
        }
        uint32_t fields = hf_random_u32 (&seed, 8) > 0 ? 4 : 3 + hf_random_u32 (&seed, 4);
        hf_pack_reset (&s_frame);
        hf_put_array (&s_frame, fields);
        hf_put_u32 (&s_frame, hf_random_u32 (&seed, 30) > 0 ? HF_KIND_REQUESTS : HF_KIND_KEEP);
        hf_put_u64 (&s_frame, test_random_width (&seed));
        hf_put_u64 (&s_frame, test_random_width (&seed));
        if (fields > 3)
            hf_put_list (&s_frame, (hf_list_t){.at = hf_pack_bytes (&s_records),
                                               .size = (uint32_t)hf_pack_size (&s_records),
                                               .count = count});
        for (uint32_t i = 4; i < fields; i++)
            hf_put_array (&s_frame, 0);
        size_t size = hf_pack_size (&s_frame);
        uint8_t *bytes = test_exact (hf_pack_bytes (&s_frame), size);
        if (round % 2 == 0)
            bytes[hf_random_u32 (&seed, (uint32_t)size)] = (uint8_t)hf_random_next (&seed);
        hf_requests_t whole, halves;
        uint64_t sum = 0, other = 0;
        bool is_good = read_whole (bytes, size, &whole, &sum);
        assert_int_equal (read_in_halves (bytes, size, &halves, &other), is_good);
        if (is_good) {
            assert_true (whole.session == halves.session && whole.floor == halves.floor);
            assert_true (whole.requests.at == halves.requests.at &&
                         whole.requests.size == halves.requests.size);
            assert_int_equal (whole.requests.count, halves.requests.count);
            assert_true (sum == other);
            good++;
        }
        free (bytes);
    }
    assert_in_range (good, 10000, 29000);
}

HF_TEST (a_field_of_another_type_is_not_taken)
{
    static const char *const frames[] = {
        "\x92\x01\x93\x02\xa1x\x90",    //  KEEPALIVE with a text for a number
        "\x92\x01\x93\x02\xff\x90",     //  a negative number
        "\x92\x01\x93\x02\xcb\x3f\xf0", //  a float
        "\x92\x01\x93\x02\xc0\x90",     //  nil
        "\x92\x01\x93\x02\xc3\x90",     //  true
        "\x92\x01\x92\x02\x01",         //  a field too few
        "\x92\x01\x93\xa1\x02\x01\x90", //  the kind is a text
        "\x92\x01\x83\x02\x01\x01\x90", //  the record is a map
    };
    for (size_t i = 0; i < sizeof (frames) / sizeof (frames[0]); i++)
        assert_false (read_frame ((const uint8_t *)frames[i], strlen (frames[i])));
    assert_true (read_frame ((const uint8_t *)"\x92\x01\x93\x02\x05\x90", 6));
    //  OPEN: a ttl that is more than 32 bits hold
    assert_false (read_frame (
        (const uint8_t *)"\x92\x01\x93\x01\xc4\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 15));
    //  str is taken for bin
    assert_true (read_frame ((const uint8_t *)"\x92\x01\x93\x01\xa1n\x05", 7));
}

HF_TEST (frames_say_why_they_are_refused)
{
    static const struct {
        const char *bytes;
        size_t size;
        hf_status_t status;
        uint32_t kind;
    } frames[] = {
        {NULL, 0, HF_MALFORMED, 0},
        {"\x91\x01", 2, HF_MALFORMED, 0},
        {"\x92\x02\x91\x01", 4, HF_BAD_VERSION, 0},
        {"\x92\x00\x91\x01", 4, HF_BAD_VERSION, 0},
        {"\x92\x01\x90", 3, HF_MALFORMED, 0},
        {"\x92\x01\x05", 3, HF_MALFORMED, 0},
        {"\x92\x01\x91\x01", 4, HF_OK, 1},
    };
    hf_scan_t scan;
    for (size_t i = 0; i < sizeof (frames) / sizeof (frames[0]); i++) {
        uint32_t kind = 9;
        hf_status_t status = hf_frame_open (frames[i].bytes, frames[i].size, &scan, &kind);
        if (status != frames[i].status || kind != frames[i].kind)
            fail_msg ("frame %zu", i);
    }
    uint32_t kind;
    uint8_t *large = calloc (1, HF_FRAME_MAX + 1);
    memcpy (large, "\x92\x01\x91\x01", 4);
    assert_int_equal (hf_frame_open (large, HF_FRAME_MAX, &scan, &kind), HF_OK);
    assert_int_equal (hf_frame_open (large, HF_FRAME_MAX + 1, &scan, &kind), HF_TOO_LARGE);
    free (large);
}

HF_TEST (kinds_are_unique_and_have_names)
{
    for (size_t i = 0; i < HANDLERS; i++) {
        assert_string_equal (hf_kind_name (s_handlers[i].kind), s_handlers[i].name);
        assert_true (s_handlers[i].kind > 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal (s_handlers[i].kind, s_handlers[k].kind);
    }
    assert_string_equal (hf_kind_name (0), "UNKNOWN");
    assert_string_equal (hf_kind_name (UINT32_MAX), "UNKNOWN");
}

/*  Ordinals travel and are stored: a change of one breaks every cluster that runs. */
HF_TEST (ordinals_stay_as_they_are)
{
    static const struct {
        uint32_t kind;
        uint32_t ordinal;
    } fixed[] = {
        {HF_KIND_OPEN, 1},           {HF_KIND_KEEPALIVE, 2},     {HF_KIND_REQUESTS, 3},
        {HF_KIND_CLOSE, 4},          {HF_KIND_QUERY, 5},         {HF_KIND_OPENED, 33},
        {HF_KIND_ALIVE, 34},         {HF_KIND_KEEP, 69},         {HF_KIND_KEPT, 83},
        {HF_KIND_ANSWERS, 35},       {HF_KIND_CLOSED_REPLY, 36}, {HF_KIND_RESULT, 37},
        {HF_KIND_REFUSED, 38},       {HF_KIND_ACQUIRE, 64},      {HF_KIND_RELEASE, 65},
        {HF_KIND_CANCEL, 66},        {HF_KIND_ABANDON, 67},      {HF_KIND_APPEND, 68},
        {HF_KIND_ANSWER, 80},        {HF_KIND_GRANTED, 81},      {HF_KIND_MOVED, 82},
        {HF_KIND_LOCK_ROW, 90},      {HF_KIND_HOLDER_ROW, 94},   {HF_KIND_WAITER_ROW, 91},
        {HF_KIND_FILE_ROW, 92},      {HF_KIND_FACT_ROW, 93},     {HF_KIND_HELLO, 128},
        {HF_KIND_ECHO, 129},         {HF_KIND_HEARTBEAT, 130},   {HF_KIND_ENTRIES, 131},
        {HF_KIND_ACK, 132},          {HF_KIND_NEED, 133},        {HF_KIND_VOTE_REQUEST, 134},
        {HF_KIND_VOTE, 135},         {HF_KIND_TRANSFER, 136},    {HF_KIND_NEWER_TERM, 137},
        {HF_KIND_ENTRY, 140},        {HF_KIND_CMD_OPEN, 160},    {HF_KIND_CMD_CLOSE, 161},
        {HF_KIND_CMD_REQUESTS, 162}, {HF_KIND_CMD_EXPIRE, 163},  {HF_KIND_OLD_COPY, 143},
        {HF_KIND_MARK, 155},
    };
    for (size_t i = 0; i < sizeof (fixed) / sizeof (fixed[0]); i++)
        assert_int_equal (fixed[i].kind, fixed[i].ordinal);
}

/*  The bytes of one frame, written by hand from the description of the protocol. */
HF_TEST (the_bytes_are_as_described)
{
    hf_pack_reset (&s_frame);
    static const uint8_t expected[] = {0x92, 0x01, 0x94, 0x03, 0xcd, 0x01, 0x00, 0x01,
                                       0x91, 0x95, 0x40, 0x01, 0xa1, 'a',  0x00, 0xc3};
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_acquire_put (&requests, &(hf_acquire_t){.seq = 1, .lock = hf_span_text ("a"), .wait = true});
    hf_requests_frame (
        &s_frame,
        &(hf_requests_t){.session = 256, .floor = 1, .requests = hf_pack_list (&requests)});
    assert_int_equal (hf_pack_size (&s_frame), sizeof (expected));
    assert_memory_equal (hf_pack_bytes (&s_frame), expected, sizeof (expected));
    hf_pack_done (&requests);
}

HF_TEST (a_payload_goes_there_and_back)
{
    hf_pack_reset (&s_frame);
    hf_pack_t commands;
    hf_list_t list;
    hf_cmd_expire_t expire;
    hf_pack_init (&commands);
    hf_cmd_expire_put (&commands, &(hf_cmd_expire_t){.session = 5, .term = 6});
    hf_cmd_expire_put (&commands, &(hf_cmd_expire_t){.session = 7, .term = 8});
    hf_payload_put (&s_frame, hf_pack_list (&commands));
    for (size_t size = 0; size < hf_pack_size (&s_frame); size++) {
        uint8_t *cut = test_exact (hf_pack_bytes (&s_frame), size);
        assert_int_equal (hf_payload_get (hf_span (cut, size), &list), HF_MALFORMED);
        free (cut);
    }
    hf_span_t payload = hf_span (hf_pack_bytes (&s_frame), hf_pack_size (&s_frame));
    assert_int_equal (hf_payload_get (payload, &list), HF_OK);
    assert_int_equal (list.count, 2);
    hf_scan_t scan = hf_scan_list (list);
    assert_true (hf_cmd_expire_get (&scan, &expire));
    assert_true (hf_cmd_expire_get (&scan, &expire));
    assert_int_equal (expire.session, 7);
    assert_true (hf_scan_at_end (&scan));
    assert_int_equal (hf_payload_get (hf_span ("\x92\x02\x90", 3), &list), HF_BAD_VERSION);
    assert_int_equal (hf_payload_get (hf_span ("\x92\x01\x01", 3), &list), HF_MALFORMED);
    assert_int_equal (hf_payload_get (hf_span ("\x91\x01", 2), &list), HF_MALFORMED);
    hf_pack_done (&commands);
}

static int
prepare (void **state)
{
    (void)state;
    hf_random_t seed = {1};
    for (size_t i = 0; i < sizeof (s_pool); i++)
        s_pool[i] = (uint8_t)hf_random_next (&seed);
    hf_pack_init (&s_records);
    hf_pack_init (&s_frame);
    return 0;
}

static int
clean (void **state)
{
    (void)state;
    hf_pack_done (&s_records);
    hf_pack_done (&s_frame);
    return 0;
}

HF_TEST_MAIN (prepare, clean)
