/*  The codec against msgpack-c's own reader, and against what tries to make it crash or grow. */

#include "tests/kit/hf_test.h"
#include "msgs/hf_wire.h"
#include "test_random.h"
#include <float.h>
#include <msgpack.h>

//  ---- random values, by msgpack-c's own hand -------------------------------------------

static void
put_value (hf_pack_t *pack, hf_random_t *seed, unsigned depth)
{
    static const char text[70000];
    msgpack_packer *packer = &pack->packer;
    uint64_t number = test_random_width (seed);
    size_t size = hf_random_next (seed) % 40;
    if (hf_random_next (seed) % 50 == 0)
        size = hf_random_next (seed) % sizeof (text);
    switch (hf_random_next (seed) % (depth > 0 ? 11 : 9)) {
    case 0:
        msgpack_pack_nil (packer);
        break;
    case 1:
        number % 2 ? msgpack_pack_true (packer) : msgpack_pack_false (packer);
        break;
    case 2:
        msgpack_pack_uint64 (packer, number);
        break;
    case 3:
        msgpack_pack_int64 (packer, -(int64_t)(number >> 1) - 1);
        break;
    case 4:
        msgpack_pack_float (packer, (float)number);
        break;
    case 5:
        msgpack_pack_double (packer, (double)number);
        break;
    case 6:
        msgpack_pack_str (packer, size);
        msgpack_pack_str_body (packer, text, size);
        break;
    case 7:
        msgpack_pack_bin (packer, size);
        msgpack_pack_bin_body (packer, text, size);
        break;
    case 8:
        size = number % 4 == 0 ? (size_t)1 << (number % 5) : size;
        msgpack_pack_ext (packer, size, 5);
        msgpack_pack_ext_body (packer, text, size);
        break;
    case 9:
        size = hf_random_next (seed) % 20;
        msgpack_pack_array (packer, size);
        for (size_t i = 0; i < size; i++)
            put_value (pack, seed, depth - 1);
        break;
    default:
        size = hf_random_next (seed) % 20;
        msgpack_pack_map (packer, size);
        for (size_t i = 0; i < 2 * size; i++)
            put_value (pack, seed, depth - 1);
        break;
    }
}

/*  Where msgpack-c says that the first value ends; 0 when it says that there is none. */
static size_t
judge (const uint8_t *bytes, size_t size, msgpack_unpack_return *verdict)
{
    msgpack_unpacked result;
    size_t at = 0;
    msgpack_unpacked_init (&result);
    *verdict = msgpack_unpack_next (&result, (const char *)bytes, size, &at);
    msgpack_unpacked_destroy (&result);
    bool good = *verdict == MSGPACK_UNPACK_SUCCESS || *verdict == MSGPACK_UNPACK_EXTRA_BYTES;
    return good ? at : 0;
}

HF_TEST (skip_agrees_with_msgpack_on_values)
{
    hf_random_t seed = {5};
    hf_pack_t pack;
    msgpack_unpack_return verdict;
    hf_pack_init (&pack);
    for (unsigned round = 0; round < 3000; round++) {
        hf_pack_reset (&pack);
        unsigned count = 1 + round % 4;
        size_t end[4];
        for (unsigned i = 0; i < count; i++) {
            put_value (&pack, &seed, 3);
            end[i] = hf_pack_size (&pack);
        }
        size_t size = hf_pack_size (&pack);
        uint8_t *bytes = test_exact (hf_pack_bytes (&pack), size);
        assert_int_equal (judge (bytes, size, &verdict), end[0]);
        hf_scan_t scan = hf_scan (bytes, size);
        for (unsigned i = 0; i < count; i++) {
            hf_scan_skip (&scan, 1);
            assert_false (scan.bad);
            assert_int_equal (scan.at - bytes, end[i]);
        }
        assert_true (hf_scan_at_end (&scan));
        scan = hf_scan (bytes, size);
        hf_scan_skip (&scan, count); //  all at once is the same
        assert_true (!scan.bad && hf_scan_at_end (&scan));
        scan = hf_scan (bytes, size);
        hf_scan_skip (&scan, count + 1);
        assert_true (scan.bad);
        scan = hf_scan (bytes, size - 1);
        hf_scan_skip (&scan, count);
        assert_true (scan.bad);
        free (bytes);
    }
    hf_pack_done (&pack);
}

HF_TEST (skip_agrees_with_msgpack_on_noise)
{
    hf_random_t seed = {6};
    unsigned good = 0;
    for (unsigned round = 0; round < 60000; round++) {
        uint8_t noise[40];
        msgpack_unpack_return verdict;
        size_t size = hf_random_next (&seed) % sizeof (noise);
        for (size_t i = 0; i < size; i++) {
            //  Heads of containers and sized types are frequent.
            bool any = hf_random_next (&seed) % 2;
            noise[i] =
                (uint8_t)(any ? hf_random_next (&seed) : 0x80 + hf_random_next (&seed) % 0x60);
            //  Counts of 32 bits are not for msgpack-c: it allocates what they promise.
            if (noise[i] == 0xdd || noise[i] == 0xdf)
                noise[i]--;
        }
        uint8_t *bytes = test_exact (noise, size);
        size_t end = judge (bytes, size, &verdict);
        hf_scan_t scan = hf_scan (bytes, size);
        hf_scan_skip (&scan, 1);
        if (end > 0) {
            assert_false (scan.bad);
            assert_int_equal (scan.at - bytes, end);
            good++;
        } else if (verdict != MSGPACK_UNPACK_NOMEM_ERROR) {
            //  Except that msgpack-c takes no nesting beyond 32.
            assert_true (scan.bad || size > 32);
        }
        free (bytes);
    }
    assert_in_range (good, 1000, 60000);
}

HF_TEST (what_is_put_is_read_by_msgpack)
{
    hf_random_t seed = {8};
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t number = test_random_width (&seed);
        uint32_t small = (uint32_t)test_random_width (&seed);
        hf_pack_reset (&pack);
        hf_put_array (&pack, 6);
        hf_put_u64 (&pack, number);
        hf_put_u32 (&pack, small);
        hf_put_flag (&pack, number % 2);
        hf_put_str (&pack, hf_span (&number, number % 9));
        hf_put_bin (&pack, hf_span (&number, small % 9));
        hf_put_list (&pack, (hf_list_t){.at = (const uint8_t *)"\x01\xa1x", .size = 3, .count = 2});
        msgpack_unpacked result;
        size_t at = 0;
        msgpack_unpacked_init (&result);
        assert_int_equal (msgpack_unpack_next (&result, (const char *)hf_pack_bytes (&pack),
                                               hf_pack_size (&pack), &at),
                          MSGPACK_UNPACK_SUCCESS);
        assert_int_equal (at, hf_pack_size (&pack));
        assert_int_equal (result.data.type, MSGPACK_OBJECT_ARRAY);
        const msgpack_object *item = result.data.via.array.ptr;
        assert_int_equal (result.data.via.array.size, 6);
        assert_true (item[0].via.u64 == number && item[1].via.u64 == small);
        assert_int_equal (item[2].via.boolean, number % 2);
        assert_int_equal (item[3].type, MSGPACK_OBJECT_STR);
        assert_int_equal (item[3].via.str.size, number % 9);
        assert_memory_equal (item[3].via.str.ptr, &number, number % 9);
        assert_int_equal (item[4].type, MSGPACK_OBJECT_BIN);
        assert_int_equal (item[4].via.bin.size, small % 9);
        assert_int_equal (item[5].via.array.size, 2);
        msgpack_unpacked_destroy (&result);
    }
    hf_pack_done (&pack);
}

/*  Byte for byte, as the rows on disk and the entries of the log were written so before. */
HF_TEST (what_is_put_is_what_msgpack_writes)
{
    static const char text[70000];
    hf_random_t seed = {9};
    hf_pack_t pack, other;
    hf_pack_init (&pack);
    hf_pack_init (&other);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t number = test_random_width (&seed);
        uint32_t size = hf_random_u32 (&seed, round % 50 == 0 ? sizeof text : 40);
        uint64_t before = hf_pack_size (&pack);
        hf_put_u64 (&pack, number);
        hf_put_u32 (&pack, (uint32_t)number);
        hf_put_flag (&pack, number % 2);
        hf_put_str (&pack, hf_span (text, size));
        hf_put_bin (&pack, hf_span (text, size));
        hf_put_array (&pack, size);
        msgpack_pack_uint64 (&other.packer, number);
        msgpack_pack_uint32 (&other.packer, (uint32_t)number);
        number % 2 ? msgpack_pack_true (&other.packer) : msgpack_pack_false (&other.packer);
        msgpack_pack_str (&other.packer, size);
        msgpack_pack_str_body (&other.packer, text, size);
        msgpack_pack_bin (&other.packer, size);
        msgpack_pack_bin_body (&other.packer, text, size);
        msgpack_pack_array (&other.packer, size);
        assert_int_equal (hf_pack_size (&pack), hf_pack_size (&other));
        assert_memory_equal (hf_pack_bytes (&pack) + before, hf_pack_bytes (&other) + before,
                             hf_pack_size (&pack) - before);
        if (hf_pack_size (&pack) > 1U << 20) {
            hf_pack_done (&pack); //  it grows anew
            hf_pack_init (&pack);
            hf_pack_reset (&other);
        }
    }
    hf_pack_done (&pack);
    hf_pack_done (&other);
}

/*  Every width of every type, at its limits. */
HF_TEST (numbers_and_sizes_at_their_limits)
{
    static const uint64_t limits[] = {0,     1,     127,        128,         255,       256,
                                      65535, 65536, UINT32_MAX, 4294967296U, INT64_MAX, UINT64_MAX};
    static const uint32_t sizes[] = {0, 1, 31, 32, 255, 256, 65535, 65536, 100000};
    static const uint8_t zeros[100000];
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (size_t i = 0; i < sizeof (limits) / sizeof (limits[0]); i++) {
        hf_pack_reset (&pack);
        hf_put_u64 (&pack, limits[i]);
        hf_scan_t scan = hf_scan (hf_pack_bytes (&pack), hf_pack_size (&pack));
        hf_scan_t again = scan;
        uint64_t wide;
        uint32_t narrow;
        hf_get_u64 (&scan, &wide);
        assert_true (wide == limits[i] && !scan.bad && hf_scan_at_end (&scan));
        hf_get_u32 (&again, &narrow);
        assert_int_equal (again.bad, limits[i] > UINT32_MAX);
        assert_int_equal (narrow, again.bad ? 0 : limits[i]);
    }
    for (size_t i = 0; i < sizeof (sizes) / sizeof (sizes[0]); i++) {
        hf_pack_reset (&pack);
        hf_put_str (&pack, hf_span (zeros, sizes[i]));
        hf_put_bin (&pack, hf_span (zeros, sizes[i]));
        hf_put_list (&pack, (hf_list_t){.at = zeros, .size = sizes[i], .count = sizes[i]});
        hf_scan_t scan = hf_scan (hf_pack_bytes (&pack), hf_pack_size (&pack));
        hf_span_t span;
        hf_list_t list;
        hf_get_bin (&scan, &span); //  each taken for the other
        assert_int_equal (span.size, sizes[i]);
        hf_get_str (&scan, &span);
        assert_int_equal (span.size, sizes[i]);
        hf_get_list (&scan, &list);
        assert_true (list.size == sizes[i] && list.count == sizes[i]);
        assert_true (!scan.bad && hf_scan_at_end (&scan));
    }
    hf_pack_done (&pack);
}

//  ---- what tries to hurt -----------------------------------------------------------------

HF_TEST (promises_beyond_the_bytes_are_bad)
{
    static const char *const heads[] = {
        "\xdd\xff\xff\xff\xff",
        "\xdc\xff\xff",
        "\xdf\xff\xff\xff\xff",
        "\xde\xff\xff",
        "\xdf\x80\x00\x00\x01",
        "\xc6\xff\xff\xff\xff",
        "\xdb\xff\xff\xff\xff",
        "\xc9\xff\xff\xff\xff",
        "\x9f\x01\x01",
        "\x8f\x01\x01",
        "\xbf\x01\x01",
        "\xd8\x01\x01",
        "\xcf\x01\x01",
        "\xcb\x01\x01",
        "\xd3\x01\x01",
        "\xc1",
        "\xdd\xff",
        "\xc6\xff",
    };
    for (size_t i = 0; i < sizeof (heads) / sizeof (heads[0]); i++) {
        size_t size = strlen (heads[i]);
        uint8_t *bytes = test_exact (heads[i], size);
        hf_scan_t scan = hf_scan (bytes, size);
        hf_scan_skip (&scan, 1);
        assert_true (scan.bad);
        scan = hf_scan (bytes, size);
        hf_list_t list;
        hf_get_list (&scan, &list);
        assert_true (scan.bad && list.count == 0 && list.size == 0);
        scan = hf_scan (bytes, size);
        hf_span_t span;
        hf_get_bin (&scan, &span);
        assert_true (scan.bad && span.size == 0);
        free (bytes);
    }
    //  An array of more elements than there are bytes is refused at its head.
    hf_scan_t scan = hf_scan ("\x93\x01\x01", 3);
    assert_int_equal (hf_scan_array (&scan), 0);
    assert_true (scan.bad);
    scan = hf_scan ("\x92\x01\x01", 3);
    assert_int_equal (hf_scan_array (&scan), 2);
}

HF_TEST (deep_nesting_is_walked_without_recursion)
{
    static const uint8_t openers[] = {0x91, 0x81};
    size_t size = 1U << 20;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *bytes = malloc (2 * size);
        for (size_t k = 0; k < size; k++) {
            bytes[k] = openers[i];
            bytes[size + k] = 0x00; //  the keys' values, for the maps
        }
        hf_scan_t scan = hf_scan (bytes, size);
        hf_scan_skip (&scan, 1);
        assert_true (scan.bad); //  the innermost is not there
        hf_list_t list;
        scan = hf_scan (bytes, size);
        hf_get_list (&scan, &list);
        assert_true (scan.bad);
        scan = hf_scan (bytes, size + 1 + (i == 0 ? 0 : size - 1));
        hf_scan_skip (&scan, 1);
        assert_int_equal (scan.bad, i == 1); //  one byte closes all arrays; maps need one more
        scan = hf_scan (bytes, 2 * size);
        bytes[size - 1] = i == 0 ? bytes[size - 1] : 0x00;
        hf_scan_skip (&scan, 1);
        assert_false (scan.bad);
        free (bytes);
    }
}

/*  Counts that add up to more than any number holds end at the end of the bytes. */
HF_TEST (wide_nesting_ends_with_the_bytes)
{
    size_t size = 1U << 20;
    uint8_t *bytes = malloc (size);
    for (size_t i = 0; i + 5 <= size; i += 5)
        memcpy (bytes + i, "\xdd\x00\x00\x80\x00", 5);
    memset (bytes + size - size % 5, 0, size % 5);
    hf_scan_t scan = hf_scan (bytes, size);
    hf_scan_skip (&scan, UINT32_MAX);
    assert_true (scan.bad);
    free (bytes);
}

HF_TEST (a_bad_scan_stays_bad_and_gives_zeros)
{
    hf_scan_t scan = hf_scan ("\xc1\x05\xa1x\x91\x01\xc3", 7);
    uint64_t wide = 9;
    uint32_t narrow = 9;
    bool flag = true;
    hf_span_t span = hf_span ("x", 1);
    hf_list_t list = {.count = 9};
    hf_scan_skip (&scan, 1);
    assert_true (scan.bad);
    hf_get_u64 (&scan, &wide);
    hf_get_u32 (&scan, &narrow);
    hf_get_flag (&scan, &flag);
    assert_true (wide == 0 && narrow == 0 && !flag);
    hf_get_str (&scan, &span);
    hf_get_list (&scan, &list);
    assert_true (span.size == 0 && list.count == 0 && list.size == 0);
    assert_int_equal (hf_scan_array (&scan), 0);
    assert_int_equal (hf_scan_kind (&scan), 0);
    assert_true (hf_scan_at_end (&scan)); //  so that loops end
    assert_true (scan.bad);
}

HF_TEST (nothing_at_all_is_bad_to_read)
{
    hf_scan_t scan = hf_scan (NULL, 0);
    hf_span_t span;
    assert_true (hf_scan_at_end (&scan));
    assert_int_equal (hf_scan_kind (&scan), 0);
    assert_false (scan.bad); //  looking ahead changes nothing
    hf_scan_skip (&scan, 0);
    assert_false (scan.bad);
    hf_get_bin (&scan, &span);
    assert_true (scan.bad && span.size == 0);
    scan = hf_scan_list ((hf_list_t){.count = 0});
    hf_scan_skip (&scan, 1);
    assert_true (scan.bad);
}

HF_TEST (the_kind_is_seen_without_moving)
{
    hf_scan_t scan = hf_scan ("\x92\xcd\x01\x00\x05", 5);
    assert_int_equal (hf_scan_kind (&scan), 256);
    assert_int_equal (hf_scan_kind (&scan), 256);
    assert_int_equal (hf_scan_array (&scan), 2);
    scan = hf_scan ("\x90", 1);
    assert_int_equal (hf_scan_kind (&scan), 0);
    scan = hf_scan ("\x91\xa1x", 3);
    assert_int_equal (hf_scan_kind (&scan), 0);
}

HF_TEST (a_pack_can_be_taken_and_used_again)
{
    hf_pack_t pack;
    size_t size = 99;
    hf_pack_init (&pack);
    assert_int_equal (hf_pack_list (&pack).count, 0);
    hf_put_u64 (&pack, 5);
    pack.count = 1;
    hf_list_t list = hf_pack_list (&pack);
    assert_true (list.count == 1 && list.size == 1);
    uint8_t *bytes = hf_pack_take (&pack, &size);
    assert_int_equal (size, 1);
    assert_int_equal (bytes[0], 5);
    free (bytes);
    assert_int_equal (hf_pack_size (&pack), 0);
    assert_int_equal (pack.count, 0);
    hf_pack_raw (&pack, NULL, 0);
    hf_put_u64 (&pack, 6);
    assert_int_equal (hf_pack_bytes (&pack)[0], 6);
    hf_pack_reset (&pack);
    assert_int_equal (hf_pack_size (&pack), 0);
    hf_pack_done (&pack);
    hf_pack_done (&pack); //  twice is once
}

HF_TEST_MAIN (NULL, NULL)
