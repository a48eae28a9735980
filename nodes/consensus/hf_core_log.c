//  The log as the core sees it: runs of entries of one term.

#include "nodes/consensus/hf_core_internal.h"

static bool
s_restored_sane (const hf_restored_t *restored)
{
    uint64_t base_index = restored->base_index;
    uint64_t base_term = restored->base_term;
    if ((base_index == 0) != (base_term == 0) || base_term > restored->term ||
        base_index >= HF_CORE_NUMBER_MAX)
        return false;
    if (restored->spans_count == 0)
        return restored->last_index == base_index;
    const hf_term_span_t *spans = restored->spans;
    size_t count = restored->spans_count;
    if (spans[0].first_index != base_index + 1 || spans[0].term == 0 || spans[0].term < base_term)
        return false;
    for (size_t i = 1; i < count; i++) {
        if (spans[i].first_index <= spans[i - 1].first_index || spans[i].term <= spans[i - 1].term)
            return false;
    }
    return spans[count - 1].first_index <= restored->last_index &&
           spans[count - 1].term <= restored->term && restored->last_index < HF_CORE_NUMBER_MAX;
}

bool
hf_core_log_init (hf_core_log_t *log, const hf_restored_t *restored)
{
    *log = (hf_core_log_t){.first_index = 1};
    if (!s_restored_sane (restored))
        return false;
    log->first_index = restored->base_index + 1;
    log->base_term = restored->base_term;
    for (size_t i = 0; i < restored->spans_count; i++)
        *hf_array_add (&log->spans) = restored->spans[i];
    log->last_index = restored->last_index;
    return true;
}

void
hf_core_log_done (hf_core_log_t *log)
{
    hf_array_free (&log->spans);
    *log = (hf_core_log_t){.first_index = 1};
}

uint64_t
hf_core_log_last_term (const hf_core_log_t *log)
{
    return log->spans.count > 0 ? log->spans.list[log->spans.count - 1].term : log->base_term;
}

uint64_t
hf_core_log_term_at (const hf_core_log_t *log, uint64_t index)
{
    if (index + 1 == log->first_index)
        return log->base_term;
    if (index < log->first_index || index > log->last_index)
        return 0;
    size_t low = 0;
    size_t high = log->spans.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (log->spans.list[middle].first_index <= index)
            low = middle;
        else
            high = middle;
    }
    assert (log->spans.list[low].first_index <= index);
    return log->spans.list[low].term;
}

bool
hf_core_log_has (const hf_core_log_t *log, uint64_t index, uint64_t term)
{
    if (index == 0)
        return term == 0;
    if (index + 1 < log->first_index)
        return true;
    return term != 0 && hf_core_log_term_at (log, index) == term;
}

uint64_t
hf_core_log_point_below (const hf_core_log_t *log, uint64_t index, uint64_t term)
{
    uint64_t end = log->last_index;
    for (size_t i = log->spans.count; i > 0; i--) {
        const hf_term_span_t *span = &log->spans.list[i - 1];
        if (span->first_index <= index && span->term <= term)
            return index < end ? index : end;
        end = span->first_index - 1;
    }
    uint64_t base = log->first_index - 1;
    return base <= index && log->base_term <= term ? base : 0;
}

void
hf_core_log_append (hf_core_log_t *log, uint64_t term, uint64_t count)
{
    assert (count > 0 && term >= hf_core_log_last_term (log));
    //  A pruned log may be empty, and the base has no span.
    if (log->spans.count == 0 || term > hf_core_log_last_term (log))
        *hf_array_add (&log->spans) = (hf_term_span_t){log->last_index + 1, term};
    log->last_index += count;
}

void
hf_core_log_truncate (hf_core_log_t *log, uint64_t index)
{
    assert (index >= log->first_index && index <= log->last_index);
    while (log->spans.count > 0 && log->spans.list[log->spans.count - 1].first_index >= index)
        log->spans.count--;
    log->last_index = index - 1;
}

void
hf_core_log_prune (hf_core_log_t *log, uint64_t index)
{
    assert (index >= log->first_index && index <= log->last_index);
    log->base_term = hf_core_log_term_at (log, index);
    log->first_index = index + 1;
    size_t ended = 0; //  spans that end at INDEX or before
    while (ended < log->spans.count) {
        bool last = ended + 1 == log->spans.count;
        uint64_t end = last ? log->last_index : log->spans.list[ended + 1].first_index - 1;
        if (end > index)
            break;
        ended++;
    }
    hf_array_drop (&log->spans, ended);
    if (log->spans.count > 0 && log->spans.list[0].first_index <= index)
        log->spans.list[0].first_index = index + 1;
}

void
hf_core_log_check (const hf_core_log_t *log)
{
    assert ((log->first_index == 1) == (log->base_term == 0));
    assert (log->spans.count == 0 || log->spans.list[0].term >= log->base_term);
    assert (log->first_index >= 1 && log->last_index + 1 >= log->first_index);
    assert ((log->spans.count == 0) == (log->last_index < log->first_index));
    for (size_t i = 0; i < log->spans.count; i++) {
        assert (log->spans.list[i].first_index <= log->last_index && log->spans.list[i].term > 0);
        assert (i > 0 || log->spans.list[i].first_index == log->first_index);
        assert (i == 0 || log->spans.list[i].first_index > log->spans.list[i - 1].first_index);
        assert (i == 0 || log->spans.list[i].term > log->spans.list[i - 1].term);
    }
}
