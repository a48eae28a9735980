//  The facts of a node's status, from their table.

#include "msgs/hf_facts.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

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

void
hf_fact_put_times (hf_pack_t *rows, hf_fact_t fact, const hf_times_t *times)
{
    assert (hf_facts[fact].unit == HF_UNIT_TIMES);
    char text[HF_TIMES_TEXT];
    hf_times_text (times, text);
    hf_fact_put (rows, fact, text, times->sum_us);
}

bool
hf_fact_metric (const hf_fact_info_t *fact, char name[HF_METRIC_SIZE])
{
    size_t size = strlen (fact->key);
    const char *unit = fact->unit == HF_UNIT_TOTAL                               ? "_total"
                       : fact->unit == HF_UNIT_MS || fact->unit == HF_UNIT_TIMES ? "_seconds"
                                                                                 : "";
    if (fact->unit == HF_UNIT_TEXT || fact->unit == HF_UNIT_HASH ||
        fact == &hf_facts[HF_FACT_node]) //  a label of holdfast_info
        return false;
    if (fact->unit == HF_UNIT_MS && size > 3 && strcmp (fact->key + size - 3, "_ms") == 0)
        size -= 3;
    snprintf (name, HF_METRIC_SIZE, "holdfast_%.*s%s", (int)size, fact->key, unit);
    return true;
}
