//  What a watcher can know (view.h).
#include "tests/unit/locks/view.h"
#include "base/hf_hash.h"
#include <assert.h>

static uint64_t
s_hash (hf_span_t text)
{
    return hf_hash (7, text.at, text.size);
}

static view_place_t *
s_find (view_t *self, uint64_t lock, uint64_t session, uint64_t token)
{
    for (size_t i = 0; i < self->places.count; i++) {
        view_place_t *place = &self->places.list[i];
        if (place->lock == lock && place->session == session && place->token == token)
            return place;
    }
    return NULL;
}

static void
s_drop (view_t *self, view_place_t *place)
{
    assert (place);
    *place = self->places.list[--self->places.count];
}

void
view_hear (void *arg, const hf_happened_t *happened)
{
    view_t *self = arg;
    uint64_t lock = s_hash (happened->name);
    view_place_t *known = s_find (self, lock, happened->session, happened->token);
    view_place_t *wait = s_find (self, lock, happened->session, 0);
    bool shared = known && known->units > 0 && known->token > 0;
    assert (happened->index >= self->index && happened->number == self->number + 1);
    self->index = happened->index;
    self->number = happened->number;
    view_place_t place = {.lock = lock,
                          .session = happened->session,
                          .token = happened->token,
                          .units = happened->units,
                          .note = s_hash (happened->note),
                          .label = s_hash (happened->label)};
    switch (happened->what) {
    case HF_HAPPENED_QUEUED:
        assert (!wait && happened->token == 0);
        *hf_array_add (&self->places) = place;
        break;
    case HF_HAPPENED_GRANTED:
        assert (happened->token > 0 && !shared);
        if (known)
            *known = place;
        else if (wait)
            *wait = place;
        else
            *hf_array_add (&self->places) = place;
        break;
    case HF_HAPPENED_LOST:
        assert (known && !known->closed);
        if (happened->size > 0)
            known->closed = true;
        else
            s_drop (self, known);
        break;
    case HF_HAPPENED_NOTED:
        assert (known && !known->closed);
        known->note = place.note;
        break;
    default:
        assert (happened->what == HF_HAPPENED_REOPENED ? known && known->closed
                : happened->what == HF_HAPPENED_RELEASED
                    ? happened->token > 0
                    : happened->what == HF_HAPPENED_LEFT && happened->token == 0);
        s_drop (self, known);
    }
}

void
view_done (view_t *self)
{
    hf_array_free (&self->places);
}

//  ---- looking ------------------------------------------------------------------------

static uint64_t
s_look (const view_place_t *place)
{
    const uint64_t all[] = {place->lock,  place->session, place->token,
                            place->units, place->note,    place->label};
    return hf_hash (3, all, sizeof all);
}

uint64_t
view_look (const view_t *self)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < self->places.count; i++)
        sum += s_look (&self->places.list[i]);
    return sum;
}

static uint64_t
s_look_lock (const hf_state_t *state, hf_span_t name)
{
    hf_pack_t rows;
    bool more;
    uint64_t sum = 0;
    hf_lock_row_t head;
    hf_holder_row_t hold;
    hf_waiter_row_t wait;
    hf_pack_init (&rows);
    hf_state_lock_detail (state, name, 1, UINT32_MAX, &rows, &more);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    bool good = hf_lock_row_get (&scan, &head);
    while (good && !hf_scan_at_end (&scan)) {
        view_place_t place = {.lock = s_hash (name)};
        if (hf_scan_kind (&scan) == HF_KIND_HOLDER_ROW) {
            good = hf_holder_row_get (&scan, &hold);
            place.session = hold.session;
            place.token = hold.token;
            place.units = hold.units;
            place.note = s_hash (hold.note);
            place.label = s_hash (hold.label);
        } else {
            good = hf_waiter_row_get (&scan, &wait);
            place.session = wait.session;
            place.units = wait.units;
            place.note = s_hash (wait.note);
            place.label = s_hash (wait.label);
        }
        sum += s_look (&place);
    }
    assert (good && !more);
    hf_pack_done (&rows);
    return sum;
}

uint64_t
view_look_state (const hf_state_t *state)
{
    hf_pack_t rows;
    uint64_t sum = 0;
    hf_pack_init (&rows);
    hf_state_lock_rows (state, hf_span ("", 0), UINT32_MAX / 4, NULL, &rows);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    while (!hf_scan_at_end (&scan)) {
        hf_lock_row_t row;
        if (hf_scan_kind (&scan) != HF_KIND_LOCK_ROW)
            hf_scan_skip (&scan, 1);
        else if (hf_lock_row_get (&scan, &row))
            sum += s_look_lock (state, row.lock);
    }
    hf_pack_done (&rows);
    return sum;
}
