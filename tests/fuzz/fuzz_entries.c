//  Entries: any payload applied to a state with sessions, locks, queues and sections. Two replicas
//  agree, and every invariant holds.

#include "nodes/locks/hf_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/locks/feed.h"

/*  Three sessions; 1 holds a and b with staged bytes, 2 and 3 wait for a. */
static feed_t *
s_state (void)
{
    feed_t *feed = feed_new (true);
    for (uint64_t i = 1; i <= 3; i++)
        feed_cmd_open (feed, i, 5000);
    feed_apply (feed);
    feed_start (feed, 1);
    feed_acquire (feed, "a", true);
    feed_acquire (feed, "b", true);
    feed_start (feed, 2);
    feed_acquire (feed, "a", true);
    feed_start (feed, 3);
    feed_acquire (feed, "a", true);
    feed_apply (feed);
    feed_start (feed, 1);
    feed_append (feed, "a", 1, 0, "f", hf_span_text ("staged"));
    feed_apply (feed);
    return feed;
}

/*  Everything that can be asked of the state. */
static void
s_look (const hf_state_t *state, hf_span_t name, hf_list_t requests)
{
    hf_pack_t rows, more_rows;
    hf_pack_init (&rows);
    hf_pack_init (&more_rows);
    bool more;
    hf_state_lock_rows (state, name, 2, NULL, &rows);
    fuzz_records (hf_pack_list (&rows), 2);
    hf_pack_reset (&rows);
    hf_state_lock_detail (state, name, 1, 10, &rows, &more);
    fuzz_records (hf_pack_list (&rows), 2);
    uint64_t session = 0;
    uint32_t ttl_ms;
    for (int i = 0; i < 10 && hf_state_next_session (state, session, &session, &ttl_ms); i++) {
        assert (ttl_ms >= HF_TTL_MIN_MS && ttl_ms <= HF_TTL_MAX_MS);
        hf_pack_reset (&rows);
        hf_pack_reset (&more_rows);
        bool lives = hf_state_session_places (state, session, &rows, &more_rows);
        assert (lives);
        fuzz_records (hf_pack_list (&rows), 2);
        fuzz_records (hf_pack_list (&more_rows), 2);
        hf_pack_reset (&rows);
        if (hf_state_answered (state, session, requests, &rows))
            fuzz_records (hf_pack_list (&rows), 2);
    }
    hf_pack_done (&more_rows);
    hf_pack_done (&rows);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    uint8_t *copy = fuzz_take (&bytes, size, &size);
    feed_t *feed = s_state ();
    hf_span_t payload = hf_span (copy, size);
    hf_list_t commands = {.count = 0};
    if (hf_payload_get (payload, &commands) == HF_OK)
        fuzz_records (commands, 4);
    feed_apply_payload (feed, payload);
    uint64_t hash = hf_state_hash (feed->state);
    feed_apply_payload (feed, payload); //  a client that sends everything twice
    assert (hf_state_hash (feed->state) != hash);
    s_look (feed->state, hf_span (copy, size < 300 ? size : 300), commands);
    feed_destroy (&feed);
    free (copy);
    return 0;
}
