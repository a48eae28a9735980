//  The facts of a node's status, from their table.

#include "msgs/hf_facts.h"
#include <assert.h>

const hf_fact_info_t hf_facts[HF_FACT_COUNT] = {
#define ROW(key, unit, owner, help) {#key, help, HF_UNIT_##unit, HF_OWNER_##owner},
    HF_FACT_TABLE (ROW)
#undef ROW
};

const hf_fact_info_t *
hf_fact_find (hf_span_t key)
{
    for (size_t i = 0; i < HF_FACT_COUNT; i++)
        if (hf_span_equal (key, hf_span_text (hf_facts[i].key)))
            return &hf_facts[i];
    return NULL;
}

void
hf_fact_put (hf_pack_t *rows, hf_fact_t fact, const char *text, uint64_t number)
{
    assert (fact < HF_FACT_COUNT);
    hf_fact_row_put (rows, &(hf_fact_row_t){.key = hf_span_text (hf_facts[fact].key),
                                            .text = hf_span_text (text),
                                            .number = number});
}
