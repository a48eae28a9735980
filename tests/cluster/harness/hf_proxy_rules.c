//  Which frames the proxy drops, delays or repeats.

#include "tests/cluster/harness/hf_proxy_internal.h"
#include "base/hf_random.h"
#include <assert.h>
#include <string.h>

/*  One request in REQUESTS or item in ANSWERS, as far as rules look at it. */
typedef struct item {
    uint32_t kind;
    uint64_t seq; //  0: it has none
    hf_span_t data;
    uint32_t status; //  of an ANSWER
} item_t;

/*  Read the item at SCAN, which moves on. False when it is malformed. */
static bool
s_next_item (hf_scan_t *scan, item_t *item)
{
    *item = (item_t){.kind = hf_scan_kind (scan)};
    hf_answer_t answer;
    hf_request_t request;
    if (item->kind == HF_KIND_GRANTED || item->kind == HF_KIND_MOVED)
        hf_scan_skip (scan, 1);
    else if (item->kind == HF_KIND_ANSWER && hf_answer_get (scan, &answer))
        *item = (item_t){.kind = item->kind, .seq = answer.seq, .status = answer.status};
    else if (hf_request_get (scan, &request)) {
        item->seq = request.seq;
        item->data = item->kind == HF_KIND_APPEND ? request.append.data : (hf_span_t){0};
    }
    return !scan->bad;
}

static bool
s_knows_seq (const hf_rule_state_t *state, uint64_t seq)
{
    for (size_t i = 0; i < state->seqs_count; i++) {
        if (state->seqs[i] == seq)
            return true;
    }
    return false;
}

static bool
s_item_matches (const hf_rules_t *self, const hf_rule_t *rule, const item_t *item)
{
    if (rule->inner != 0 && rule->inner != item->kind)
        return false;
    if (rule->data && !hf_span_equal (item->data, hf_span_text (rule->data)))
        return false;
    if (rule->answers_of == 0)
        return true;
    assert (rule->answers_of <= self->count);
    return item->kind == HF_KIND_ANSWER &&
           s_knows_seq (&self->list[rule->answers_of - 1], item->seq);
}

/*  The items of a frame that has some; the list is empty otherwise. */
static hf_list_t
s_items (hf_scan_t scan, uint32_t kind)
{
    hf_requests_t requests;
    hf_answers_t answers;
    if (kind == HF_KIND_REQUESTS && hf_requests_get (&scan, &requests))
        return requests.requests;
    if (kind == HF_KIND_ANSWERS && hf_answers_get (&scan, &answers))
        return answers.items;
    return (hf_list_t){0};
}

/*  Whether the rule matches; a request that it matches is remembered by its seq. */
static bool
s_matches (const hf_rules_t *self, hf_rule_state_t *state, hf_list_t items)
{
    const hf_rule_t *rule = &state->rule;
    bool any = !rule->inner && !rule->data && !rule->answers_of;
    hf_scan_t scan = hf_scan_list (items);
    item_t item;
    bool matches = any;
    while (!hf_scan_at_end (&scan) && s_next_item (&scan, &item)) {
        if (!s_item_matches (self, rule, &item))
            continue;
        matches = true;
        if (rule->way == HF_TO_NODE && item.seq != 0 && !s_knows_seq (state, item.seq)) {
            assert (state->seqs_count < HF_SEQS_MAX);
            state->seqs[state->seqs_count++] = item.seq;
        }
    }
    return matches;
}

/*  Note which answers come to requests that rules have matched. */
static void
s_note_answers (hf_rules_t *self, hf_list_t items)
{
    hf_scan_t scan = hf_scan_list (items);
    item_t item;
    while (!hf_scan_at_end (&scan) && s_next_item (&scan, &item)) {
        for (uint32_t i = 0; i < self->count; i++) {
            if (item.kind == HF_KIND_ANSWER && s_knows_seq (&self->list[i], item.seq))
                self->list[i].answer = (int)item.status;
        }
    }
}

/*  The rule acts on a message that it matched. */
static void
s_act (hf_rule_state_t *state, uint32_t number, hf_verdict_t *verdict)
{
    const hf_rule_t *rule = &state->rule;
    state->fired++;
    if (rule->action == HF_RULE_DROP)
        verdict->copies = 0;
    if (rule->action == HF_RULE_HOLD)
        verdict->held_by = number;
    if (rule->action == HF_RULE_REPEAT) {
        assert (rule->repeat_min >= 1 && rule->repeat_min <= rule->repeat_max);
        uint64_t choices = rule->repeat_max - rule->repeat_min + 1;
        verdict->copies *= rule->repeat_min + (uint32_t)hf_random_below (&state->random, choices);
    }
}

hf_verdict_t
hf_rules_judge (hf_rules_t *self, hf_way_t way, const void *bytes, size_t size)
{
    hf_verdict_t verdict = {.copies = 1};
    hf_scan_t scan;
    uint32_t kind = 0;
    hf_frame_open (bytes, size, &scan, &kind);
    hf_list_t items = s_items (scan, kind);
    if (way == HF_TO_CLIENT)
        s_note_answers (self, items);
    for (uint32_t i = 0; i < self->count && verdict.copies > 0 && !verdict.held_by; i++) {
        hf_rule_state_t *state = &self->list[i];
        const hf_rule_t *rule = &state->rule;
        if (state->lifted || rule->way != way || (rule->kind != 0 && rule->kind != kind) ||
            !s_matches (self, state, items))
            continue;
        uint64_t place = state->matched++;
        if (place >= rule->skip && (rule->count == 0 || place - rule->skip < rule->count))
            s_act (state, i + 1, &verdict);
    }
    return verdict;
}
