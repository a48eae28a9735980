//  What nodes say to a client: its core gets any frame from any node between what its user does.
//  It never crashes; what it sends is as the protocol says; every op that was submitted comes
//  back once; no lock is given when the lease is over (P5); numbers of what a watch tells rise.

#include "client/core/hf_client_core.h"
#include "tests/fuzz/fuzz.h"

#define STEPS    300
#define NODES    3
#define IDS      6 //  that members may have
#define SESSIONS 3
#define OPS_MAX  512
#define WATCHES  2

typedef struct watched {
    hf_client_watch_t *core; //  NULL: not open
    bool opening;
    uint64_t told; //  number of the last
} watched_t;

typedef struct world {
    hf_client_core_t *core;
    fuzz_bytes_t *bytes;
    uint64_t now_us;
    hf_client_session_t *sessions[SESSIONS];
    unsigned opening[SESSIONS]; //  0, or which opening is on its way
    unsigned openings;
    size_t submitted, returned;
    uint64_t token;
    //  What the client sent last, so that answers can fit.
    uint64_t session, seq, echo, query, close, members;
    uint8_t nonce[HF_NONCE_SIZE];
    uint32_t links[HF_MEMBERS_MAX]; //  by slot
    watched_t watches[WATCHES];
    hf_watch_request_t watch; //  without its prefix
} world_t;

static world_t s_world;
static const char *const s_locks[] = {"a", "b", "c", "d", "", "bad\n"};

//  ---- what the client sends ----------------------------------------------------

static void
s_sent_requests (const hf_requests_t *requests)
{
    hf_scan_t scan = hf_scan_list (requests->requests);
    s_world.session = requests->session;
    while (!hf_scan_at_end (&scan)) {
        hf_request_t request;
        bool good = hf_request_get (&scan, &request);
        assert (good && request.status == HF_OK);
        s_world.seq = request.seq;
        assert (s_world.seq >= requests->floor && s_world.seq < requests->floor + HF_WINDOW_MAX);
    }
    assert (!scan.bad);
}

static void
s_sent (hf_span_t frame)
{
    hf_scan_t scan;
    uint32_t kind;
    union {
        hf_open_t open;
        hf_keepalive_t keepalive;
        hf_requests_t requests;
        hf_close_t close;
        hf_query_t query;
        hf_watch_request_t watch;
    } m;
    hf_status_t status = hf_frame_open (frame.at, frame.size, &scan, &kind);
    assert (status == HF_OK && frame.size <= HF_CLIENT_FRAME_MAX);
    if (kind == HF_KIND_REQUESTS) {
        while (!hf_scan_at_end (&scan) && hf_requests_get (&scan, &m.requests))
            s_sent_requests (&m.requests);
    } else if (kind == HF_KIND_KEEPALIVE && hf_keepalive_get (&scan, &m.keepalive)) {
        hf_keep_t keep;
        hf_scan_t list = hf_scan_list (m.keepalive.sessions);
        assert (hf_keep_get (&list, &keep) && m.keepalive.sessions.count <= HF_KEEPS_MAX);
        s_world.session = keep.session;
        s_world.echo = m.keepalive.echo;
    } else if (kind == HF_KIND_CLOSE && hf_close_get (&scan, &m.close)) {
        s_world.close = m.close.echo;
    } else if (kind == HF_KIND_QUERY && hf_query_get (&scan, &m.query)) {
        *(m.query.what == HF_WHAT_MEMBERS ? &s_world.members : &s_world.query) = m.query.id;
    } else if (kind == HF_KIND_WATCH && hf_watch_request_get (&scan, &m.watch)) {
        s_world.watch = m.watch;
    } else {
        assert (kind == HF_KIND_OPEN && hf_open_get (&scan, &m.open));
        memcpy (s_world.nonce, m.open.nonce.at, HF_NONCE_SIZE);
    }
    assert (!scan.bad);
}

//  ---- the user -----------------------------------------------------------------

static void s_request (hf_client_session_t *session);

static void
s_submit (hf_op_t *op)
{
    s_world.submitted++;
    hf_client_core_submit (s_world.core, op, s_world.now_us);
}

static void
s_opened (const hf_op_t *op)
{
    size_t at = (size_t)((const char *)op->arg - (const char *)s_world.opening) / sizeof (unsigned);
    assert (at < SESSIONS && s_world.opening[at] > 0);
    s_world.opening[at] = 0;
    if (op->result.status == HF_OK)
        s_world.sessions[at] = op->session;
}

static void
s_event (const hf_session_event_t *event)
{
    assert (event->type >= HF_SESSION_LOST && event->type <= HF_SESSION_WANTED);
    assert (event->type == HF_SESSION_ENDED || event->lock);
}

static void
s_watched (const hf_op_t *op)
{
    watched_t *watched = op->arg;
    hf_op_events_t events = {.at = 0};
    if (op->kind == HF_OP_WATCH) {
        watched->opening = false;
        watched->core = op->watch;
        watched->told = op->result.total;
        assert ((op->result.status == HF_OK) == (op->watch != NULL));
    }
    while (op->kind == HF_OP_HAPPENED && hf_op_next_event (op, &events)) {
        assert (events.event.number > watched->told || events.event.what == HF_WATCH_ENDED);
        watched->told = events.event.number;
    }
}

static void
s_watch (unsigned at)
{
    watched_t *watched = &s_world.watches[at];
    if (watched->opening)
        return;
    hf_op_t *op;
    if (watched->core) {
        op = hf_op_unwatch (watched->core);
    } else {
        op = hf_op_watch (1 + at, at == 0 ? "" : "a", at == 0 ? HF_WATCH_NOW : 3);
        op->limit_us = s_world.now_us + 5000000;
        watched->opening = true;
    }
    watched->core = NULL;
    op->arg = watched;
    s_submit (op);
}

/*  Everything that came of it; some users go on at once. */
static void
s_results (void)
{
    hf_op_t *op;
    while ((op = hf_client_core_next (s_world.core, s_world.now_us))) {
        s_world.returned += op->kind != HF_OP_EVENT && op->kind != HF_OP_HAPPENED;
        hf_client_session_t *session = NULL;
        for (unsigned i = 0; i < SESSIONS; i++)
            session = s_world.sessions[i] == op->session ? op->session : session;
        if (op->kind == HF_OP_EVENT)
            s_event (&op->event);
        else if (op->kind == HF_OP_WATCH || op->kind == HF_OP_HAPPENED)
            s_watched (op);
        else if (op->kind == HF_OP_OPEN)
            s_opened (op);
        else if (op->result.token != 0) {
            assert (op->result.status == HF_OK && op->kind == HF_OP_ACQUIRE && session);
            assert (hf_lease_deadline_us (hf_client_session_lease (session)) > s_world.now_us);
            s_world.token = op->result.token;
        }
        if (session && fuzz_u8 (s_world.bytes) % 3 == 2)
            s_request (session);
        hf_op_free (op);
    }
}

static hf_op_t *
s_question (uint8_t what)
{
    static const char *const files[] = {"file", ""};
    static const uint32_t nodes[] = {HF_NODE_LEADER, HF_NODE_ANY, 2, 9};
    fuzz_bytes_t *bytes = s_world.bytes;
    hf_op_t *op = what & 8 ? hf_op_close (1 + fuzz_u8 (bytes) % 8)
                           : hf_op_query (nodes[what >> 4 & 3], HF_WHAT_READ, files[what >> 6 & 1],
                                          fuzz_number (bytes), 100);
    op->limit_us = s_world.now_us + 10000 * (uint64_t)fuzz_u8 (bytes);
    return op;
}

static void
s_request (hf_client_session_t *session)
{
    fuzz_bytes_t *bytes = s_world.bytes;
    uint8_t what = fuzz_u8 (bytes);
    const char *lock = s_locks[fuzz_u8 (bytes) % 6];
    uint64_t token = what & 8 ? s_world.token : fuzz_number (bytes);
    uint64_t owner = what & 16 ? fuzz_u8 (bytes) % 8 : 0, now_us = s_world.now_us;
    hf_op_t *op = NULL;
    hf_status_t status = HF_OK;
    if (s_world.submitted >= OPS_MAX)
        return;
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        status = hf_op_acquire (session, lock, now_us, &op);
        if (status != HF_OK)
            break;
        op->wait = what & 32;
        op->limit_us = what & 64 ? HF_NEVER : now_us + 10000 * (uint64_t)fuzz_u8 (bytes);
        break;
    case 3:
    case 4:
        status = hf_op_end (session, HF_OP_RELEASE, owner, lock, token, now_us, &op);
        break;
    case 5:
        status = hf_op_end (session, what & 32 ? HF_OP_CANCEL : HF_OP_GIVE_BACK, owner, lock, token,
                            now_us, &op);
        break;
    case 6:
        status = hf_op_append (session, owner, lock, token, "file", s_locks, 40, now_us, &op);
        break;
    default:
        op = s_question (what);
    }
    if (status != HF_OK)
        return;
    s_world.submitted -= op->kind == HF_OP_GIVE_BACK; //  comes back to nobody
    s_submit (op);
}

static void
s_open (unsigned at)
{
    if (s_world.opening[at] > 0 || s_world.sessions[at])
        return;
    uint8_t nonce[HF_NONCE_SIZE] = {(uint8_t)++s_world.openings, 1};
    s_world.opening[at] = s_world.openings;
    hf_op_t *op = hf_op_open (nonce, 1000U << at);
    op->limit_us = s_world.now_us + 5000000;
    op->arg = &s_world.opening[at];
    s_submit (op);
}

static void
s_leave (unsigned at)
{
    hf_client_session_t *session = s_world.sessions[at];
    if (!session)
        return;
    s_world.sessions[at] = NULL;
    s_submit (hf_op_leave (session));
}

//  ---- the nodes ----------------------------------------------------------------

static void
s_row (uint8_t which, hf_span_t name, fuzz_bytes_t *bytes, hf_pack_t *list)
{
    uint64_t number = fuzz_number (bytes);
    if (which == 0)
        hf_lock_row_put (list, &(hf_lock_row_t){name, number, number, 0});
    else if (which == 1 && number % 2 == 0)
        hf_waiter_row_put (
            list,
            &(hf_waiter_row_t){.session = number, .position = number, .label = name, .note = name});
    else if (which == 1)
        hf_holder_row_put (
            list,
            &(hf_holder_row_t){.session = number, .token = number, .staged = number, .note = name});
    else if (which == 2)
        hf_file_row_put (list,
                         &(hf_file_row_t){.file = name, .length = number, .checksum = number});
    else {
        static const char *const keys[] = {"leader", "term", "endpoint", "node"};
        hf_fact_row_put (list, &(hf_fact_row_t){hf_span_text (keys[number % 4]), name, number});
    }
}

static void
s_items (fuzz_bytes_t *bytes, hf_pack_t *list)
{
    for (unsigned left = fuzz_u8 (bytes) % 6; left > 0; left--) {
        uint8_t what = fuzz_u8 (bytes);
        hf_span_t lock = hf_span_text (s_locks[fuzz_u8 (bytes) % 5]);
        if (what >= 224) {
            s_row (what % 4, lock, bytes, list);
            continue;
        }
        uint64_t token = fuzz_u8 (bytes), index = fuzz_u8 (bytes);
        static const uint32_t statuses[] = {HF_OK,     HF_OK,          HF_OK,         HF_QUEUED,
                                            HF_QUEUED, HF_NOT_GRANTED, HF_NOT_HOLDER, HF_STALE};
        uint32_t status = what & 8 ? statuses[what >> 4 & 7] : (uint32_t)fuzz_number (bytes);
        if (what % 4 == 0)
            hf_granted_put (list, &(hf_granted_t){lock, token, index, token, index % 3});
        else if (what % 4 == 1)
            hf_moved_put (list, &(hf_moved_t){lock, token});
        else
            hf_answer_put (list, &(hf_answer_t){s_world.seq - fuzz_u8 (bytes) % 8, status, index,
                                                token, token});
    }
}

/*  Often what goes on where a watch is. */
static void
s_events (fuzz_bytes_t *bytes, hf_pack_t *frame, hf_pack_t *list)
{
    static const uint32_t statuses[] = {HF_GAP, HF_LIMIT, HF_NOT_LEADER, HF_UNKNOWN};
    uint8_t what = fuzz_u8 (bytes);
    uint64_t after = s_world.watch.after;
    if (after == HF_WATCH_NOW || what % 4 == 0)
        after = fuzz_number (bytes);
    uint64_t number = after;
    hf_pack_reset (list);
    for (unsigned left = what / 4 % 4; left > 0; left--) {
        number += fuzz_u8 (bytes) % 3;
        hf_happened_put (list, &(hf_happened_t){.number = number,
                                                .what = fuzz_u8 (bytes),
                                                .name = hf_span_text (s_locks[left]),
                                                .label = hf_span_text ("label"),
                                                .note = hf_span_text ("")});
    }
    hf_events_frame (frame, &(hf_events_t){.id = s_world.watch.id - (what / 16 % 8 == 0),
                                           .status = what < 192 ? HF_OK : statuses[what % 4],
                                           .after = after,
                                           .upto = number + fuzz_u8 (bytes) % 4,
                                           .events = hf_pack_list (list)});
}

/*  Other members, mostly in order. */
static void
s_members (fuzz_bytes_t *bytes, hf_pack_t *list)
{
    static const char *const hosts[] = {"a", "b", "", "c\n"};
    uint8_t bits = fuzz_u8 (bytes);
    hf_pack_reset (list);
    for (uint32_t i = 0; i < IDS + 2; i++) {
        uint8_t place = fuzz_u8 (bytes);
        if ((bits >> i & 1) == 0)
            continue;
        uint32_t node = place >= 250 ? place : i + 1;
        hf_member_row_put (list, &(hf_member_row_t){.node = node,
                                                    .host = hf_span_text (hosts[place >> 1 & 1]),
                                                    .client_port = 8080U + (place & 1),
                                                    .node_port = 8081,
                                                    .votes = true});
        if (place >= 248)
            hf_member_row_put (
                list, &(hf_member_row_t){.node = node, .host = hf_span_text (hosts[place & 3])});
    }
}

static void
s_answer (fuzz_bytes_t *bytes, hf_pack_t *frame)
{
    hf_pack_t list, more;
    hf_pack_init (&list);
    hf_pack_init (&more);
    uint8_t what = fuzz_u8 (bytes);
    uint64_t session = what & 64 ? s_world.session : fuzz_u8 (bytes) % 5;
    uint32_t status = what & 128 ? (uint32_t)fuzz_number (bytes) : HF_OK;
    s_items (bytes, &list);
    switch (what % 8) {
    case 6:
        hf_opened_frame (frame, &(hf_opened_t){hf_span (s_world.nonce, HF_NONCE_SIZE), status,
                                               fuzz_u8 (bytes), 1000 + fuzz_u16 (bytes),
                                               what & 32 ? fuzz_u8 (bytes) : 0,
                                               hf_span_text (what & 16 ? "why" : ""), what & 8});
        break;
    case 0:
    case 1:
        hf_answers_frame (frame, &(hf_answers_t){session, hf_pack_list (&list)});
        break;
    case 2:
        s_items (bytes, &more);
        hf_alive_one (frame, s_world.echo - fuzz_u8 (bytes) % 3,
                      &(hf_kept_t){session, status, hf_pack_list (&list), hf_pack_list (&more)},
                      what & 32 ? fuzz_u8 (bytes) : 0);
        break;
    case 3:
        hf_refused_frame (frame, &(hf_refused_t){what & 32 ? HF_NOT_LEADER : HF_BUSY + (status & 3),
                                                 hf_span_text ("no"), fuzz_u8 (bytes) % 5,
                                                 fuzz_u8 (bytes)});
        break;
    case 7:
        s_events (bytes, frame, &list);
        break;
    case 4:
        hf_closed_frame (
            frame, &(hf_closed_t){.session = session, .echo = s_world.close, .status = status});
        break;
    default:
        if (what & 16)
            s_members (bytes, &list);
        hf_query_result_frame (frame, &(hf_query_result_t){.id = what & 16   ? s_world.members
                                                                 : what & 32 ? s_world.query
                                                                             : UINT64_MAX,
                                                           .status = status,
                                                           .index = what & 16 ? fuzz_u8 (bytes) : 9,
                                                           .total = fuzz_number (bytes),
                                                           .rows = hf_pack_list (&list),
                                                           .data = hf_span ("data", 4)});
    }
    hf_pack_done (&more);
    hf_pack_done (&list);
}

//  ---- a whole life -------------------------------------------------------------

/*  What links are there is known; none is connected that was made anew. */
static void
s_links (void)
{
    hf_client_link_t link;
    while (hf_client_core_link (s_world.core, &link)) {
        assert (link.slot < HF_MEMBERS_MAX && link.node < 256);
        s_world.links[link.slot] = link.node;
    }
    uint32_t ids[HF_MEMBERS_MAX], count = hf_client_core_nodes (s_world.core, ids), links = 0;
    for (uint32_t i = 0; i < HF_MEMBERS_MAX; i++)
        links += s_world.links[i] != 0;
    assert (count == links && count > 0);
    for (uint32_t i = 1; i < count; i++)
        assert (ids[i - 1] < ids[i]);
}

static void
s_turn (void)
{
    hf_outbox_t *outbox = hf_client_core_outbox (s_world.core);
    hf_client_core_turn (s_world.core, s_world.now_us);
    assert (hf_client_core_due_us (s_world.core) > 0);
    for (size_t i = 0; i < outbox->frames.count; i++) {
        assert (outbox->frames.list[i].peer >= 1 && outbox->frames.list[i].peer < 256);
        s_sent (hf_outbox_bytes (outbox, &outbox->frames.list[i]));
    }
    hf_outbox_reset (outbox);
    s_results ();
}

static void
s_frame (fuzz_bytes_t *bytes, uint32_t node)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    s_answer (bytes, &frame);
    hf_client_core_frame (s_world.core, node,
                          hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)), s_world.now_us);
    hf_pack_done (&frame);
}

static void
s_step (fuzz_bytes_t *bytes)
{
    hf_client_core_t *core = s_world.core;
    uint8_t what = fuzz_u8 (bytes);
    uint8_t which = fuzz_u8 (bytes);
    unsigned at = which % SESSIONS;
    uint32_t node = which < 192 ? at + 1 : (uint32_t)which % IDS + 1;
    if (what < 14) {
        s_open (at);
    } else if (what < 70 && s_world.sessions[at]) {
        s_request (s_world.sessions[at]);
    } else if (what < 190) {
        s_frame (bytes, node);
    } else if (what < 205) {
        size_t size;
        uint8_t *raw = fuzz_take (bytes, fuzz_u8 (bytes), &size);
        hf_client_core_frame (core, node, hf_span (raw, size), s_world.now_us);
        free (raw);
    } else if (what < 215) {
        hf_client_core_connected (core, node, s_world.now_us);
    } else if (what < 220) {
        hf_client_core_broken (core, node, s_world.now_us);
    } else if (what < 222) {
        s_leave (at);
    } else if (what < 228) {
        s_watch (at % WATCHES);
    } else {
        s_world.now_us += 1000 * (uint64_t)(fuzz_u8 (bytes) * (what < 250 ? 1 : 20));
    }
    s_links ();
    s_results ();
    if (what % 4 != 3)
        s_turn ();
}

/*  Three sessions that are open, and a leader that is believed in. */
static void
s_start (hf_client_core_t *core)
{
    hf_pack_t frame;
    hf_pack_init (&frame);
    hf_query_result_frame (&frame, &(hf_query_result_t){.id = UINT64_MAX});
    for (uint32_t node = 1; node <= NODES; node++)
        hf_client_core_connected (core, node, s_world.now_us);
    hf_client_core_frame (core, 1, hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)),
                          s_world.now_us);
    s_watch (0);
    s_watch (1);
    for (unsigned i = 0; i < SESSIONS; i++) {
        s_open (i);
        s_turn ();
        hf_pack_reset (&frame);
        hf_opened_frame (&frame, &(hf_opened_t){.nonce = hf_span (s_world.nonce, HF_NONCE_SIZE),
                                                .session = i + 1,
                                                .ttl_ms = 1000U << i,
                                                .roster = 1,
                                                .packs = true});
        hf_client_core_frame (core, 1, hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)),
                              s_world.now_us);
        s_results ();
        assert (s_world.sessions[i]);
    }
    hf_pack_done (&frame);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    hf_client_config_t config = {.ids = {1, 2, 3}, .count = NODES, .seed = 1};
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    memset (&s_world, 0, sizeof s_world);
    fuzz_bytes_t nothing = {0};
    s_world.bytes = &nothing;
    s_world.now_us = 1000000;
    for (uint32_t i = 0; i < NODES; i++)
        s_world.links[i] = i + 1;
    hf_client_core_t *core = s_world.core = hf_client_core_new (&config);
    s_start (core);
    s_world.bytes = &bytes;
    for (unsigned i = 0; i < STEPS && fuzz_left (&bytes) > 0; i++)
        s_step (&bytes);
    for (unsigned i = 0; i < SESSIONS; i++)
        s_world.sessions[i] = NULL; //  from here on nothing may be submitted
    hf_client_core_stop (core);
    s_results ();
    assert (s_world.returned == s_world.submitted);
    hf_client_core_destroy (&core);
    return 0;
}
