//  Rows of the replicated state from bytes: as they would come from a disk or from another node.
//  They are refused, or give a state that table_check_loaded takes.
//  The input is a list of [key, value] as the lengths of both, one and two bytes, then the bytes.

#include "nodes/locks/hf_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/locks/table.h"

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

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    hf_state_t *state = s_load_bytes (data, size);
    if (state)
        table_check_loaded (state);
    return 0;
}
