//  The lock service: what it hands to the file actor, when, and what it tells the election actor.

#include "tests/unit/services/lock_bench.h"

/*  One section of BYTES, released; three entries. */
static void
s_section (bench_t *self, uint64_t session, uint64_t seq, size_t bytes)
{
    bench_acquire (self, 1, session, seq, "L");
    bench_settle (self);
    uint64_t token = bench_answer (self, 1).token;
    bench_append (self, 1, session, seq + 1, token, 0, bytes);
    bench_settle (self);
    bench_release (self, 1, session, seq + 2, "L", token);
    bench_settle (self);
    bench_drop_frames (self);
}

/*  P12. Changed rows are handed over a second after the first change, one step at a time. */
static void
p12_rows_are_written_by_time_one_step_at_a_time (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    bench.now_us += 5 * SECOND;
    bench_settle (&bench);
    assert_int_equal (bench.steps, 0); //  nothing changed
    bench.no_rows = true;
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    uint64_t due_us = bench.now_us + SECOND;
    assert_int_equal (hf_lock_service_wake_us (bench.service), due_us);
    bench.now_us = due_us - 1;
    bench_settle (&bench);
    assert_int_equal (bench.steps, 0);
    bench.now_us = due_us;
    bench_settle (&bench);
    assert_int_equal (bench.steps, 1);
    assert_int_equal (bench.rows.index, 1);
    bench_acquire (&bench, 1, session, 1, "L");
    bench_settle (&bench);
    bench.now_us += 60 * SECOND;
    bench_settle (&bench);
    assert_int_equal (bench.steps, 1); //  the first is under way
    bench.no_rows = false;
    hf_a_flushed_frame (&bench.pack, &(hf_a_flushed_t){.index = 1});
    bench_say (&bench);
    bench_turn (&bench, true);
    bench.now_us += SECOND;
    bench_settle (&bench);
    assert_int_equal (bench.steps, 2);
    assert_int_equal (bench.rows.index, bench.index);
    bench_done (&bench);
}

/*  Not by how many rows changed: by how much log would have to be replayed. */
static void
p12_rows_are_written_by_the_length_of_the_log (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.flush_bytes = 100000}, true);
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    char lock[16];
    for (unsigned i = 0; i < 1200; i++) {
        snprintf (lock, sizeof lock, "%u", i);
        bench_acquire (&bench, 1, session, 1 + i, lock);
    }
    bench_settle (&bench);
    assert_in_range (hf_state_changed_rows (hf_lock_service_state (bench.service)), 1200, 1210);
    assert_int_equal (bench.steps, 0);
    bench_drop_frames (&bench);
    s_section (&bench, session, 1201, 100000);
    assert_int_equal (bench.steps, 1);
    assert_int_equal (bench.rows.index, bench.index - 1); //  with the APPEND
    bench_done (&bench);
}

/*  P6. A step goes behind the sections that it has left behind, a snapshot and a question too. */
static void
p6_sections_go_first (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    bench_acquire (&bench, 1, session, 1, "L");
    bench_settle (&bench);
    uint64_t token = bench_answer (&bench, 1).token;
    bench_append (&bench, 1, session, 2, token, 0, 10);
    bench_settle (&bench);
    bench_release (&bench, 1, session, 3, "L", token);
    bench_query (&bench, 1, 1, HF_WHAT_FILES, "");
    bench_turn (&bench, true);
    bench.now_us += 2 * SECOND;
    bench.asked.count = 0;
    hf_a_want_state_frame (&bench.pack, &(hf_a_want_state_t){.node = 3});
    bench_say (&bench); //  behind what was committed
    bench_settle (&bench);
    uint32_t order[4] = {0};
    for (size_t i = 0, found = 0; i < bench.asked.count; i++) {
        uint32_t kind = bench.asked.list[i];
        if (kind != HF_KIND_A_FLUSHED && found < 4)
            order[found++] = kind;
    }
    assert_int_equal (order[0], HF_KIND_A_SECTIONS);
    assert_int_equal (order[1], HF_KIND_A_SNAPSHOT);
    assert_int_equal (order[2], HF_KIND_A_ROWS);
    assert_int_equal (order[3], HF_KIND_A_FILE_QUERY);
    assert_int_equal (bench.section,
                      hf_state_section_index (hf_lock_service_state (bench.service)));
    assert_int_equal (bench.snapshot.node, 3);
    assert_int_equal (bench.snapshot.index, bench.index);
    assert_int_equal (bench.snapshot.term, TERM);
    assert_int_equal (bench.snapshot.section, bench.section);
    assert_true (bench.snapshot.rows.count > 1);
    bench_done (&bench);
}

/*  P6. Every node writes files, not the leader alone. */
static void
p6_a_follower_hands_sections_over (void **state)
{
    (void)state;
    bench_t follower;
    bench_init (&follower, NULL, false);
    hf_pack_t commands, payload, entries;
    hf_pack_init (&commands);
    hf_pack_init (&payload);
    hf_pack_init (&entries);
    hf_cmd_open_put (&commands,
                     &(hf_cmd_open_t){.nonce = hf_span ("0123456789abcdef", 16), .ttl_ms = 10000});
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_span_t name = hf_span_text ("L");
    hf_acquire_put (&requests, &(hf_acquire_t){.seq = 1, .lock = name});
    hf_append_put (&requests, &(hf_append_t){.seq = 2, .lock = name, .token = 1, .file = name});
    hf_release_put (&requests, &(hf_release_t){.seq = 3, .lock = name, .token = 1});
    hf_cmd_requests_put (
        &commands,
        &(hf_cmd_requests_t){.session = 1, .floor = 1, .requests = hf_pack_list (&requests)});
    hf_payload_put (&payload, hf_pack_list (&commands));
    hf_entry_put (&entries, &(hf_entry_t){.term = 1,
                                          .type = HF_ENTRY_COMMANDS,
                                          .payload = hf_span (hf_pack_bytes (&payload),
                                                              hf_pack_size (&payload))});
    hf_a_committed_frame (&follower.pack,
                          &(hf_a_committed_t){.first = 1, .entries = hf_pack_list (&entries)});
    bench_say (&follower);
    bench_settle (&follower);
    assert_true (follower.section > 0);
    assert_int_equal (follower.frames.count, 0);
    hf_pack_done (&requests);
    hf_pack_done (&commands);
    hf_pack_done (&payload);
    hf_pack_done (&entries);
    bench_done (&follower);
}

/*  P12. No credit while the files are too far behind; and it comes when they have caught up. */
static void
p12_credit_waits_for_the_files (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.unwritten_max = 1U << 20, .flush_bytes = 1U << 20},
                true);
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    s_section (&bench, session, 1, 300000);
    assert_int_equal (bench.credits, 1);
    assert_true (bench.credited > 300000);
    bench.no_files = true;
    for (uint64_t i = 0; i < 3; i++)
        s_section (&bench, session, 4 + 3 * i, 400000);
    unsigned credits = bench.credits;
    s_section (&bench, session, 13, 400000);
    assert_int_equal (bench.credits, credits); //  1.2 MB are not durable
    hf_a_files_durable_frame (&bench.pack, &(hf_a_files_durable_t){.index = bench.section});
    bench_say (&bench);
    bench_settle (&bench);
    assert_int_equal (bench.credits, credits + 1);
    bench_done (&bench);
}

static void
p12_credit_waits_for_the_rows (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, &(hf_lock_config_t){.unwritten_max = 1U << 20, .flush_bytes = 1U << 20},
                true);
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    bench.no_rows = true;
    for (uint64_t i = 0; i < 4; i++)
        s_section (&bench, session, 1 + 3 * i, 400000);
    unsigned credits = bench.credits;
    s_section (&bench, session, 13, 400000);
    assert_int_equal (bench.steps, 1);
    assert_int_equal (bench.credits, credits);
    bench.no_rows = false;
    hf_a_flushed_frame (&bench.pack, &(hf_a_flushed_t){.index = bench.rows.index});
    bench_say (&bench);
    bench_settle (&bench);
    assert_int_equal (bench.credits, credits + 1);
    bench_done (&bench);
}

/*  What another node or a restart starts from is what this one has. */
static void
p4_the_rows_of_steps_add_up_to_the_state (void **state)
{
    (void)state;
    bench_t bench;
    bench_init (&bench, NULL, true);
    assert_int_equal (bench.started, 0);
    uint64_t session = bench_open (&bench, 1, 1, 600000);
    hf_pack_t rows;
    hf_pack_init (&rows);
    bench_acquire (&bench, 1, session, 1, "L");
    bench_settle (&bench);
    const hf_state_t *have = hf_lock_service_state (bench.service);
    hf_state_rows (have, &rows);
    hf_state_t *loaded = hf_state_new ();
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    for (uint32_t i = 0; i < rows.count; i++) {
        hf_state_row_t row;
        assert_true (hf_state_row_get (&scan, &row));
        assert_true (hf_state_load (loaded, row.key, row.value));
    }
    assert_true (hf_state_loaded (loaded));
    hf_lock_config_t config = {.self = 2, .endpoint = "", .version = ""};
    hf_lock_service_t *other = hf_lock_service_new (&config, loaded, 0);
    hf_outbox_t *out = hf_lock_service_outbox (other);
    assert_int_equal (out->messages.count, 1);
    uint32_t kind;
    hf_a_start_t start;
    scan = hf_frame_own (out->messages.list[0].bytes, out->messages.list[0].size, &kind);
    assert_true (hf_a_start_get (&scan, &start));
    assert_int_equal (start.applied, bench.index);
    assert_int_equal (hf_state_hash (hf_lock_service_state (other)), hf_state_hash (have));
    hf_lock_service_destroy (&other);
    hf_pack_done (&rows);
    bench_done (&bench);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (p12_rows_are_written_by_time_one_step_at_a_time),
        cmocka_unit_test (p12_rows_are_written_by_the_length_of_the_log),
        cmocka_unit_test (p6_sections_go_first),
        cmocka_unit_test (p6_a_follower_hands_sections_over),
        cmocka_unit_test (p12_credit_waits_for_the_files),
        cmocka_unit_test (p12_credit_waits_for_the_rows),
        cmocka_unit_test (p4_the_rows_of_steps_add_up_to_the_state),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
