//  Client frames: every record of the table, in a frame, with its nested lists and items.

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    uint8_t *copy = fuzz_take (&bytes, size, &size);
    hf_scan_t scan;
    uint32_t kind;
    hf_status_t status = hf_frame_open (copy, size, &scan, &kind);
    assert ((status == HF_OK) == (kind != 0));
    if (status == HF_OK) {
        assert (hf_scan_kind (&scan) == kind && scan.at >= copy && scan.end == copy + size);
        hf_scan_t whole = scan;
        hf_scan_skip (&whole, 1);
        if (!whole.bad)
            fuzz_records (
                (hf_list_t){.at = scan.at, .size = (uint32_t)(whole.at - scan.at), .count = 1}, 6);
    }
    free (copy);
    return 0;
}
