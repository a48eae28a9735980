//  Rows of the replicated state from bytes: as they would come from a disk or from another node.
//  They are refused; or they give a state that keeps its invariants, can be written as rows that
//  are taken again and give the same rows, and goes on like the one that was loaded from these.
//  The input is a list of [key, value] as the lengths of both, one and two bytes, then the bytes.

#include "nodes/locks/hf_state.h"
#include "tests/fuzz/fuzz.h"

static hf_state_t *
s_load_bytes (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    hf_state_t *self = hf_state_new ();
    bool sound = true;
    while (sound && fuzz_left (&bytes) > 0) {
        size_t key_size = fuzz_u8 (&bytes), value_size = fuzz_u16 (&bytes);
        uint8_t *key = fuzz_take (&bytes, key_size, &key_size);
        uint8_t *value = fuzz_take (&bytes, value_size, &value_size);
        sound = hf_state_load (self, hf_span (key, key_size), hf_span (value, value_size));
        free (key);
        free (value);
    }
    if (!sound || !hf_state_loaded (self))
        hf_state_destroy (&self);
    return self;
}

static hf_state_t *
s_load_rows (const hf_pack_t *rows)
{
    hf_state_t *self = hf_state_new ();
    hf_scan_t scan = hf_scan_list (hf_pack_list (rows));
    while (!hf_scan_at_end (&scan)) {
        hf_state_row_t row;
        bool sound = hf_state_row_get (&scan, &row) && hf_state_load (self, row.key, row.value);
        assert (sound);
    }
    bool sound = hf_state_loaded (self);
    assert (sound);
    return self;
}

static void
s_close_all (hf_state_t *self)
{
    hf_outcomes_t out;
    hf_outcomes_init (&out);
    uint64_t session = 0;
    uint32_t ttl_ms;
    while (hf_state_next_session (self, session, &session, &ttl_ms)) {
        hf_pack_t commands, payload;
        hf_pack_init (&commands);
        hf_pack_init (&payload);
        hf_cmd_close_t command = {.session = session};
        hf_cmd_close_put (&commands, &command);
        hf_payload_put (&payload, hf_pack_list (&commands));
        hf_state_apply (self, hf_state_applied_index (self) + 1,
                        &(hf_entry_t){1, HF_ENTRY_COMMANDS,
                                      hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))},
                        &out);
        hf_state_check (self);
        hf_outcomes_reset (&out);
        hf_pack_done (&commands);
        hf_pack_done (&payload);
    }
    assert (hf_state_locks_count (self) == 0 && hf_state_staged_bytes (self) == 0);
    hf_outcomes_done (&out);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    hf_state_t *self = s_load_bytes (data, size);
    if (!self)
        return 0;
    hf_state_check (self);
    assert (hf_state_changed_rows (self) == 0);
    hf_pack_t rows, again;
    hf_pack_init (&rows);
    hf_pack_init (&again);
    hf_state_rows (self, &rows);
    hf_state_t *twin = s_load_rows (&rows);
    hf_state_check (twin);
    hf_state_rows (twin, &again);
    assert (hf_pack_size (&rows) == hf_pack_size (&again));
    assert (memcmp (hf_pack_bytes (&rows), hf_pack_bytes (&again), hf_pack_size (&rows)) == 0);
    s_close_all (self);
    s_close_all (twin);
    assert (hf_state_hash (self) == hf_state_hash (twin));
    hf_pack_done (&rows);
    hf_pack_done (&again);
    hf_state_destroy (&self);
    hf_state_destroy (&twin);
    return 0;
}
