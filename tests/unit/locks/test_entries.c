//  Entries: apply is total. Whatever the bytes, replicas agree and nothing breaks (P4).
#include "tests/unit/locks/check.h"

/*  Some state that a wrong step would disturb, and the payload of a rich entry for it. */
static feed_t *
s_feed (void)
{
    feed_t *feed = feed_new (true);
    feed_open (feed, 1, 5000);
    feed_open (feed, 2, 5000);
    feed_do_acquire (feed, 1, "a", true);
    feed_do_acquire (feed, 2, "a", true);
    return feed;
}

static void
s_rich_commands (feed_t *feed)
{
    feed_start (feed, 1);
    feed_append (feed, "a", 1, 0, "some file", hf_span_text ("some data"));
    feed_acquire (feed, "b", true);
    feed_start (feed, 2);
    feed_acquire (feed, "b", true);
    feed_append (feed, "a", 1, 1, "some file", hf_span_text (" and more"));
    feed_cmd_open (feed, 3, 10000);
    feed_start (feed, 1);
    feed_release (feed, "a", 1, 0);
    feed_abandon (feed, "b");
    feed_cmd_expire (feed, 1, FEED_TERM);
    feed_start (feed, 2);
    feed_cancel (feed, "a", 3, 0);
    feed_cmd_close (feed, 2);
    feed_stop (feed);
}

static void
s_rich_payload (feed_t *feed, hf_pack_t *payload)
{
    s_rich_commands (feed);
    hf_pack_init (payload);
    hf_payload_put (payload, hf_pack_list (&feed->commands));
    hf_pack_reset (&feed->commands);
}

FEED_TEST (a_payload_cut_anywhere_changes_nothing_but_index_and_hash, s_feed ())
{
    hf_pack_t payload;
    s_rich_payload (feed, &payload);
    size_t size = hf_pack_size (&payload);
    uint64_t commands = hf_state_command_index (feed->state);
    for (size_t cut = 0; cut < size; cut++) {
        //  A copy of exactly this size, so that the sanitizer sees a read behind it.
        uint8_t *bytes = malloc (cut + 1);
        memcpy (bytes, hf_pack_bytes (&payload), cut);
        bytes = realloc (bytes, cut > 0 ? cut : 1);
        uint64_t index = hf_state_applied_index (feed->state);
        uint64_t hash = hf_state_hash (feed->state);
        feed_apply_payload (feed, hf_span (bytes, cut));
        assert_int_equal (feed->out.count, 0);
        assert_int_equal (hf_state_applied_index (feed->state), index + 1);
        assert_true (hf_state_hash (feed->state) != hash);
        assert_int_equal (hf_state_command_index (feed->state), commands);
        assert_int_equal (feed_holder (feed, "a", NULL), 1);
        free (bytes);
    }
    feed_apply_payload (feed, hf_span (hf_pack_bytes (&payload), size));
    assert_true (feed->out.count > 12);
    assert_string_equal (feed_file (feed, "some file"), "some data and more");
    hf_pack_done (&payload);
}

HF_TEST (a_payload_with_any_byte_changed_is_survived_alike)
{
    hf_pack_t payload;
    feed_t *feed = s_feed ();
    s_rich_payload (feed, &payload);
    feed_destroy (&feed);
    size_t size = hf_pack_size (&payload);
    const uint8_t with[] = {0x00, 0x01, 0x7f, 0x90, 0x9f, 0xc0, 0xc1, 0xc6, 0xcf,
                            0xdb, 0xdd, 0xdf, 0xe0, 0xff, 0xcc, 0xd9, 0xdc, 0x80};
    uint8_t *bytes = malloc (size);
    for (size_t at = 0; at < size; at++)
        for (size_t i = 0; i < sizeof (with); i++) {
            feed = s_feed ();
            memcpy (bytes, hf_pack_bytes (&payload), size);
            bytes[at] = with[i];
            feed_apply_payload (feed, hf_span (bytes, size));
            feed_do_acquire (feed, feed_open (feed, 99, 5000), "later", true);
            feed_destroy (&feed);
        }
    free (bytes);
    hf_pack_done (&payload);
}

static void
s_put_unknown (hf_pack_t *pack, uint32_t kind, uint64_t seq)
{
    hf_put_array (pack, 3);
    hf_put_u32 (pack, kind);
    hf_put_u64 (pack, seq);
    hf_put_str (pack, hf_span_text ("from a later version"));
    pack->count++;
}

FEED_TEST (unknown_commands_are_stepped_over, s_feed ())
{
    s_put_unknown (&feed->commands, 175, 1);
    s_put_unknown (&feed->commands, HF_KIND_CMD_OPEN, 1); //  known, but not its fields
    hf_put_u64 (&feed->commands, 5);                      //  not even a record
    feed->commands.count++;
    hf_put_array (&feed->commands, 0);
    feed->commands.count++;
    hf_acquire_t acquire = {.seq = 9, .lock = hf_span_text ("z")}; //  a request is no command
    hf_acquire_put (&feed->commands, &acquire);
    feed_cmd_open (feed, 50, 5000);
    feed_apply (feed);
    assert_int_equal (feed->out.count, 1);
    assert_int_equal (feed_outcome (feed, HF_OUT_OPENED, 0)->status, HF_OK);
}

FEED_TEST (an_unknown_request_is_answered_and_cached, s_feed ())
{
    hf_pack_t request;
    hf_pack_init (&request);
    s_put_unknown (&request, 79, 2);
    for (int round = 0; round < 2; round++) {
        feed_start (feed, 1);
        feed->floor = 1;
        feed_raw (feed, &request);
        if (round == 1) {
            feed_again (feed, 2);
            feed_acquire (feed, "another meaning", true);
        }
        feed_again (feed, 3);
        feed_acquire (feed, "b", true);
        feed_apply (feed);
        assert_int_equal (feed_answer (feed, 0)->seq, 2);
        assert_int_equal (feed_answer (feed, 0)->status, HF_UNKNOWN);
        assert_int_equal (feed_answer (feed, 0)->index, 5);
    }
    assert_int_equal (feed_answer (feed, 1)->status, HF_UNKNOWN);
    assert_int_equal (feed_answer (feed, 2)->status, HF_OK);
    hf_pack_done (&request);
}

FEED_TEST (a_malformed_request_is_answered_if_its_seq_can_be_read, s_feed ())
{
    hf_pack_t request;
    hf_pack_init (&request);
    s_put_unknown (&request, HF_KIND_ACQUIRE, 2); //  too few fields
    feed_start (feed, 1);
    feed_raw (feed, &request);
    hf_pack_reset (&request);
    hf_put_str (&request, hf_span_text ("no record")); //  nobody to answer to
    feed_raw (feed, &request);
    hf_pack_reset (&request);
    hf_put_array (&request, 1);
    hf_put_u32 (&request, HF_KIND_ACQUIRE);
    feed_raw (feed, &request);
    feed_again (feed, 3);
    feed_acquire (feed, "b", true); //  what follows is executed all the same
    feed_apply (feed);
    assert_int_equal (feed->out.count, 2);
    assert_int_equal (feed_answer (feed, 0)->seq, 2);
    assert_int_equal (feed_answer (feed, 0)->status, HF_MALFORMED);
    assert_int_equal (feed_answer (feed, 1)->seq, 3);
    assert_int_equal (feed_answer (feed, 1)->status, HF_OK);
    hf_pack_done (&request);
}

FEED_TEST (an_empty_payload_only_counts, s_feed ())
{
    uint64_t index = hf_state_applied_index (feed->state);
    feed_apply_payload (feed, hf_span (NULL, 0));
    assert_int_equal (hf_state_applied_index (feed->state), index + 1);
    assert_int_equal (feed->out.count, 0);
}

FEED_TEST (another_version_of_a_payload_changes_nothing, s_feed ())
{
    hf_pack_t payload;
    s_rich_payload (feed, &payload);
    size_t size = hf_pack_size (&payload);
    uint8_t *bytes = malloc (size);
    memcpy (bytes, hf_pack_bytes (&payload), size);
    assert_int_equal (bytes[1], HF_VERSION_WIRE);
    bytes[1] = HF_VERSION_WIRE + 1;
    feed_apply_payload (feed, hf_span (bytes, size));
    assert_int_equal (feed->out.count, 0);
    free (bytes);
    hf_pack_done (&payload);
}

#define ENTRIES 24

static uint64_t
s_hash_in_order (const hf_pack_t *payloads, const size_t *order, uint64_t term)
{
    feed_t *feed = feed_new (true);
    feed->term = term;
    for (size_t i = 0; i < ENTRIES; i++) {
        const hf_pack_t *payload = &payloads[order[i]];
        feed_apply_payload (feed, hf_span (hf_pack_bytes (payload), hf_pack_size (payload)));
    }
    uint64_t hash = hf_state_hash (feed->state);
    feed_destroy (&feed);
    return hash;
}

HF_TEST (p4_another_term_or_any_two_entries_swapped_are_noticed)
{
    hf_pack_t payloads[ENTRIES];
    size_t order[ENTRIES];
    feed_t *feed = feed_new (true);
    for (size_t i = 0; i < ENTRIES; i++) {
        const char *const locks[] = {"a", "b", "c"};
        if (i < 4)
            feed_cmd_open (feed, i + 1, 5000);
        else {
            feed_start (feed, 1 + i % 4);
            feed_acquire (feed, locks[i % 3], true);
            feed_release (feed, locks[i % 3], i - 4, 0);
        }
        feed_stop (feed);
        hf_pack_init (&payloads[i]);
        hf_payload_put (&payloads[i], hf_pack_list (&feed->commands));
        hf_pack_reset (&feed->commands);
        order[i] = i;
    }
    uint64_t hash = s_hash_in_order (payloads, order, 1);
    assert_true (hash == s_hash_in_order (payloads, order, 1));
    assert_true (hash != s_hash_in_order (payloads, order, 2));
    for (size_t i = 0; i + 1 < ENTRIES; i++) {
        order[i] = i + 1;
        order[i + 1] = i;
        assert_true (hash != s_hash_in_order (payloads, order, 1));
        order[i] = i;
        order[i + 1] = i + 1;
    }
    for (size_t i = 0; i < ENTRIES; i++)
        hf_pack_done (&payloads[i]);
    feed_destroy (&feed);
}

HF_TEST_MAIN (NULL, NULL)
