//  Why an acquire was refused, for programs and in one line for people: a ring of waits, or another
//  limit of units. It is for reading: what a node says that makes no sense is left out.

#include "client/core/hf_client_internal.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 128 //  bytes of a row's text besides its label and names

#define TEXT_MAX 1000 //  of what a node says

//  ---- a ring -----------------------------------------------------------------------

static bool
s_good (const hf_ring_row_t *row)
{
    bool label = row->label.size <= HF_LABEL_MAX && hf_text_valid (row->label);
    return row->session != 0 && label && hf_name_valid (row->waits) &&
           (row->holds.size == 0 || hf_name_valid (row->holds));
}

/*  Bytes of the strings in ROWS, each with a zero; 0: they are no ring. */
static size_t
s_strings (hf_list_t rows)
{
    if (rows.count == 0 || rows.count > HF_RING_MAX)
        return 0;
    size_t size = 0;
    hf_scan_t scan = hf_scan_list (rows);
    for (uint32_t i = 0; i < rows.count; i++) {
        hf_ring_row_t row;
        if (!hf_ring_row_get (&scan, &row) || !s_good (&row))
            return 0;
        size += row.label.size + row.holds.size + row.waits.size + 3;
    }
    return size;
}

/*  TEXT with a zero, from *room on. */
static const char *
s_keep (char **room, hf_span_t text)
{
    char *kept = *room;
    if (text.size > 0)
        memcpy (kept, text.at, text.size);
    kept[text.size] = 0;
    *room += text.size + 1;
    return kept;
}

static char *
s_ring_text (const hf_ring_place_t *ring, size_t count, size_t size)
{
    size += count * WORDS_MAX;
    size_t at = 0;
    char *text = hf_alloc (size);
    for (const hf_ring_place_t *place = ring; place < ring + count; place++) {
        bool labelled = place->label[0] != 0;
        at += (size_t)snprintf (text + at, size - at, "%ssession %" PRIu64 "%s%s%s %s%s",
                                place == ring ? "" : "; ", place->session, labelled ? " (" : "",
                                place->label, labelled ? ")" : "",
                                place->holds ? "holds " : "is before it in the queue",
                                place->holds ? place->holds : "");
        at += (size_t)snprintf (text + at, size - at, " and waits for %s", place->waits);
        assert (at < size);
    }
    return text;
}

static void
s_take_ring (hf_op_t *op, hf_list_t rows)
{
    size_t size = s_strings (rows);
    if (size == 0)
        return;
    hf_ring_place_t *ring = hf_alloc (rows.count * sizeof *ring + size);
    char *room = (char *)(ring + rows.count);
    hf_scan_t scan = hf_scan_list (rows);
    for (uint32_t i = 0; i < rows.count; i++) {
        hf_ring_row_t row;
        hf_ring_row_get (&scan, &row);
        ring[i] = (hf_ring_place_t){.session = row.session,
                                    .label = s_keep (&room, row.label),
                                    .holds = row.holds.size > 0 ? s_keep (&room, row.holds) : NULL,
                                    .waits = s_keep (&room, row.waits)};
    }
    op->ring = ring;
    op->why = s_ring_text (ring, rows.count, size);
    op->result.ring = op->ring;
    op->result.ring_count = rows.count;
    op->result.text = op->why;
}

//  ---- another limit ------------------------------------------------------------------

/*  The place that OP asks for with another limit than USED; false: none, or one of several. */
static bool
s_other_limit (const hf_op_t *op, uint32_t used, hf_place_t *found)
{
    uint32_t count = 0;
    hf_scan_t scan = hf_scan (op->claim, op->claim_size);
    hf_place_t place = {.lock = hf_span (op->text, op->lock_size), .limit = op->limit};
    *found = place;
    for (uint32_t i = 0; op->claim && i < op->claim_count; i++) {
        hf_place_get (&scan, &place);
        if (place.mode != HF_MODE_SHARED || place.limit == used)
            continue;
        if (count++ == 0 || HF_MUTANT (conflict_of_last))
            *found = place;
    }
    return count == 1 || !op->claim;
}

static void
s_limit (char text[40], uint32_t limit)
{
    if (limit > 0)
        snprintf (text, 40, "with a limit of %" PRIu32 " units", limit);
    else
        snprintf (text, 40, "without a limit");
}

static void
s_take_limit (hf_op_t *op, uint64_t limit)
{
    if (limit > UINT32_MAX)
        return;
    char used[40], asked[40];
    hf_place_t place;
    size_t size = 2 * sizeof used + HF_LABEL_MAX + WORDS_MAX;
    bool one = s_other_limit (op, (uint32_t)limit, &place) || HF_MUTANT (conflict_of_last);
    s_limit (used, (uint32_t)limit);
    s_limit (asked, place.limit);
    op->why = hf_alloc (size);
    if (one)
        snprintf (op->why, size, "lock %.*s is used %s, and was asked for %s", (int)place.lock.size,
                  (const char *)place.lock.at, used, asked);
    else
        snprintf (op->why, size, "one of the locks is used %s, and was asked for with another",
                  used);
    op->result.text = op->why;
}

//  ---- a hold that another session ended -----------------------------------------------

char *
hf_client_why_taken (const hf_taken_t *taken)
{
    bool good =
        taken->label.size > 0 && taken->label.size <= HF_LABEL_MAX && hf_text_valid (taken->label);
    size_t size = HF_LABEL_MAX + WORDS_MAX;
    char *text = hf_alloc (size);
    int label = good ? (int)taken->label.size : 0;
    snprintf (text, size, "session %" PRIu64 "%s%.*s%s %s it, by command %" PRIu64, taken->by,
              good ? " (" : "", label, good ? (const char *)taken->label.at : "", good ? ")" : "",
              taken->dropped ? "ended" : "released", taken->index);
    return text;
}

//  ---- all ----------------------------------------------------------------------------

hf_behind_t
hf_client_why_behind (hf_scan_t scan, uint64_t seq)
{
    hf_behind_t behind = {.kind = hf_scan_kind (&scan)};
    bool any = HF_MUTANT (ring_of_another);
    bool good = behind.kind == HF_KIND_RING
                    ? hf_ring_get (&scan, &behind.ring) && (behind.ring.seq == seq || any)
                    : behind.kind == HF_KIND_DENIAL && hf_denial_get (&scan, &behind.denial) &&
                          behind.denial.seq == seq;
    behind.kind = good ? behind.kind : 0;
    return behind;
}

void
hf_client_why_text (hf_op_t *op, hf_span_t text)
{
    if (text.size == 0 || text.size >= TEXT_MAX || !hf_text_valid (text) || op->why)
        return;
    op->why = hf_alloc (text.size + 1);
    memcpy (op->why, text.at, text.size);
    op->why[text.size] = 0;
    op->result.text = op->why;
}

void
hf_client_why (hf_op_t *op, const hf_answer_t *answer, const hf_behind_t *behind)
{
    if (answer->status == HF_DEADLOCK && behind->kind == HF_KIND_RING)
        s_take_ring (op, behind->ring.rows);
    else if (answer->status == HF_DENIED && behind->kind == HF_KIND_DENIAL)
        hf_client_why_text (op, behind->denial.text);
    else if (answer->status == HF_CONFLICT)
        s_take_limit (op, answer->position);
}
