//  What the nodes of the client's tests say and read.

#include "base/hf_alloc.h"
#include "base/hf_hash.h"
#include "tests/unit/client/node.h"
#include <assert.h>

void
node_items (hf_pack_t *frame, uint64_t session, hf_pack_t *items)
{
    hf_answers_frame (frame, &(hf_answers_t){session, hf_pack_list (items)});
    hf_pack_done (items);
}

static void
s_requests (const hf_requests_t *requests, hf_pack_t *frame)
{
    hf_pack_t items;
    hf_pack_init (&items);
    hf_scan_t list = hf_scan_list (requests->requests);
    for (uint32_t i = 0; i < requests->requests.count; i++) {
        hf_request_t request;
        hf_request_get (&list, &request);
        uint64_t token = request.kind == HF_KIND_ACQUIRE ? request.seq : 0;
        hf_answer_put (&items, &(hf_answer_t){request.seq, HF_OK, request.seq + 1000, token, 0});
    }
    node_items (frame, requests->session, &items);
}

static void
s_alive (const node_t *self, const hf_keepalive_t *keepalive, hf_pack_t *frame)
{
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    if (self->held)
        hf_granted_put (&held, self->held);
    if (self->queued)
        hf_moved_put (&queued, self->queued);
    hf_pack_t list;
    hf_pack_init (&list);
    hf_scan_t scan = hf_scan_list (keepalive->sessions);
    hf_keep_t keep;
    while (hf_keep_get (&scan, &keep))
        hf_kept_put (
            &list, &(hf_kept_t){keep.session, HF_OK, hf_pack_list (&held), hf_pack_list (&queued)});
    hf_alive_frame (frame, &(hf_alive_t){.echo = keepalive->echo,
                                         .sessions = hf_pack_list (&list),
                                         .roster = self->roster,
                                         .packs = self->packs});
    hf_pack_done (&list);
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

static void
s_row (hf_pack_t *rows, const struct row *row)
{
    const uint64_t *n = row->n;
    hf_span_t name = hf_span_text (row->name ? row->name : "");
    hf_span_t text = hf_span_text (row->text ? row->text : "");
    if (row->kind == HF_KIND_LOCK_ROW)
        hf_lock_row_put (rows, &(hf_lock_row_t){name, n[0], n[1], (uint32_t)n[2]});
    else if (row->kind == HF_KIND_HOLDER_ROW)
        hf_holder_row_put (rows, &(hf_holder_row_t){.session = n[0],
                                                    .token = n[1],
                                                    .staged = n[2],
                                                    .units = (uint32_t)n[3],
                                                    .label = name,
                                                    .note = text});
    else if (row->kind == HF_KIND_WAITER_ROW)
        hf_waiter_row_put (rows, &(hf_waiter_row_t){.session = n[0],
                                                    .position = n[1],
                                                    .units = (uint32_t)n[3],
                                                    .label = name,
                                                    .note = text});
    else if (row->kind == HF_KIND_SESSION_ROW)
        hf_session_row_put (rows, &(hf_session_row_t){.session = n[0],
                                                      .label = name,
                                                      .ttl_ms = 1000,
                                                      .delay_ms = (uint32_t)n[1],
                                                      .detect = n[2] & 1,
                                                      .gone = n[2] & 2,
                                                      .held = n[3],
                                                      .queued = 2});
    else if (row->kind == HF_KIND_FILE_ROW)
        hf_file_row_put (rows, &(hf_file_row_t){.file = name, .length = n[0], .checksum = n[1]});
    else
        hf_fact_row_put (rows, &(hf_fact_row_t){name, text, n[0]});
}

static void
s_page (node_t *self, const hf_query_t *query, hf_pack_t *frame)
{
    const page_t *page = self->pages;
    if (query->id == self->paged) //  a repeat
        return;
    assert (query->what == page->what && query->offset == page->offset &&
            query->stale == page->stale && hf_span_equal (query->name, hf_span_text (page->name)));
    self->pages++;
    if (page->skip)
        return;
    hf_pack_t rows;
    hf_pack_init (&rows);
    for (const struct row *row = page->row; row->kind != 0; row++)
        s_row (&rows, row);
    hf_query_result_t result = page->result;
    result.id = self->paged = query->id;
    result.rows = hf_pack_list (&rows);
    hf_query_result_frame (frame, &result);
    hf_pack_done (&rows);
}

void
node_lead (node_t *self, uint32_t kind, hf_scan_t scan, hf_pack_t *frame)
{
    unsigned autos = self->autos;
    hf_open_t open;
    hf_keepalive_t keepalive;
    hf_close_t closing;
    hf_query_t query;
    hf_requests_t requests;
    if (kind == HF_KIND_OPEN && autos & NODE_OPEN && hf_open_get (&scan, &open))
        hf_opened_frame (frame, &(hf_opened_t){.nonce = open.nonce,
                                               .session = ++self->sessions + 100,
                                               .ttl_ms = open.ttl_ms,
                                               .roster = self->roster,
                                               .packs = self->packs});
    else if (kind == HF_KIND_KEEPALIVE && autos & NODE_ALIVE &&
             hf_keepalive_get (&scan, &keepalive))
        s_alive (self, &keepalive, frame);
    else if (kind == HF_KIND_CLOSE && autos & NODE_CLOSE && hf_close_get (&scan, &closing))
        hf_closed_frame (frame, &(hf_closed_t){.session = closing.session, .echo = closing.echo});
    else if (kind == HF_KIND_QUERY && hf_query_get (&scan, &query)) {
        if (query.id != UINT64_MAX && self->pages && self->pages->name)
            s_page (self, &query, frame);
        else if (query.what == HF_WHAT_LEADER && autos & NODE_PROBE)
            hf_query_result_frame (frame, &(hf_query_result_t){.id = query.id});
    }
    if (kind == HF_KIND_REQUESTS && autos & NODE_REQUESTS && hf_requests_get (&scan, &requests))
        s_requests (&requests, frame);
}

bool
node_members (node_t *self, uint32_t kind, hf_scan_t scan, hf_pack_t *frame)
{
    hf_query_t query;
    if (kind != HF_KIND_QUERY || !hf_query_get (&scan, &query) || query.what != HF_WHAT_MEMBERS)
        return false;
    self->members_asked++;
    hf_pack_t rows;
    hf_pack_init (&rows);
    for (const hf_member_row_t *row = self->members; row && row->node != 0; row++)
        hf_member_row_put (&rows, row);
    if (self->members)
        hf_query_result_frame (frame, &(hf_query_result_t){.id = query.id,
                                                           .index = self->roster,
                                                           .number = 1,
                                                           .rows = hf_pack_list (&rows)});
    hf_pack_done (&rows);
    return true;
}

void
node_refuse (hf_pack_t *frame, hf_status_t status, uint32_t leader, uint64_t term)
{
    hf_refused_frame (frame, &(hf_refused_t){status, hf_span_text ("no"), leader, term});
}

const got_t *
node_read (uint32_t node, const void *bytes, size_t size)
{
    static got_t got;
    static uint8_t *kept;
    free (kept);
    kept = memcpy (hf_alloc (size), bytes, size);
    hf_scan_t scan;
    uint32_t kind, records;
    hf_requests_t requests;
    assert_int_equal (hf_frame_open_packed (kept, size, &scan, &kind, &records), HF_OK);
    assert_true (hf_requests_get (&scan, &requests));
    got = (got_t){.node = node,
                  .records = records,
                  .session = requests.session,
                  .floor = requests.floor,
                  .size = size};
    got.hash = hf_hash (0, requests.requests.at, requests.requests.size);
    got.count = requests.requests.count;
    hf_scan_t list = hf_scan_list (requests.requests);
    for (uint32_t i = 0; i < got.count; i++) {
        assert_true (hf_request_get (&list, &got.request[i]));
        hf_span_t lock = got.request[i].acquire.lock; //  the second field of each kind
        memcpy (got.lock[i], lock.at, lock.size < 15 ? lock.size : 15);
    }
    return &got;
}
