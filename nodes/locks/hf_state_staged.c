//  What the holders of a lock have staged, for people.

#include "base/hf_alloc.h"
#include "nodes/locks/hf_state.h"
#include "nodes/locks/hf_state_private.h"
#include <assert.h>
#include <stdlib.h>

static void
s_section (const hf_section_t *section, hf_pack_t *rows)
{
    hf_list_t parts;
    uint8_t *bytes = hf_section_pack (section, &parts);
    hf_scan_t scan = hf_scan_list (parts);
    for (uint32_t i = 0; i < parts.count; i++) {
        hf_a_part_t part;
        bool good = hf_a_part_get (&scan, &part);
        assert (good); //  the section packed it
        hf_file_row_put (rows, &(hf_file_row_t){.file = part.file, .length = part.data.size});
    }
    free (bytes);
}

void
hf_state_staged (const hf_state_t *self, hf_span_t lock, hf_pack_t *rows)
{
    const hf_state_lock_t *found = hf_locks_find (&self->locks, lock);
    if (!found)
        return;
    HF_CHAIN_EACH (&found->holders, at)
    {
        const hf_state_place_t *hold = HF_AROUND (at, hf_state_place_t, in_lock);
        if (hold->section)
            s_section (hold->section, rows);
    }
}
