//  What nodes say to a client: the real library, in virtual time and without a socket, gets any
//  frame from any node between what its user does. It never crashes; every request that was
//  taken gets its one result; no lock is given when the lease is over (P5).

#include "tests/fuzz/fuzz.h"
#include <stdio.h>

//  The loop of the library's thread is replaced by ours; what it is made of is not.
#define hf_client_run hf_client_run_for_real
#include "client/hf_client_io.c"
#undef hf_client_run

#define STEPS    300
#define NODES    3
#define SESSIONS 3
#define RESULTS  512

typedef struct result {
    unsigned calls;
    bool taken;
} result_t;

typedef struct world {
    hf_client_t *client;
    fuzz_bytes_t *bytes;
    uint64_t now_us;
    hf_session_t *sessions[SESSIONS];
    result_t results[RESULTS];
    size_t results_count;
    uint64_t token;
    //  What the client sent last, so that answers can fit.
    uint64_t session, seq, echo, query, close;
    uint8_t nonce[HF_NONCE_SIZE];
    bool user;       //  a blocking call is made, by a thread of the user
    unsigned inside; //  and waits, while the library's thread goes on
    uint8_t random;
} world_t;

static world_t s_world;
static const char *const s_locks[] = {"a", "b", "c", "d", "", "bad\n"};

//  ---- no clock, no sockets, no thread ---------------------------------------------------------

uint64_t __wrap_hf_client_now_us (void);
bool __wrap_hf_client_on_thread (const hf_client_t *self);
bool __wrap_hf_waiter_wait (hf_waiter_t *self, uint32_t limit_ms);
void __wrap_hf_waiter_wait_flushed (hf_waiter_t *self);
ssize_t __wrap_getrandom (void *bytes, size_t size, unsigned flags);
void *hf_client_run (void *arg);

uint64_t
__wrap_hf_client_now_us (void)
{
    return s_world.now_us;
}

ssize_t
__wrap_getrandom (void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    memset (bytes, ++s_world.random, size);
    return (ssize_t)size;
}

bool
__wrap_hf_client_on_thread (const hf_client_t *self)
{
    (void)self;
    return !s_world.user || s_world.inside > 0;
}

void *
hf_client_run (void *arg)
{
    return arg;
}

struct hf_link {
    bool connected;
    hf_link_event_type_t event;
    hf_span_t frame;
};

hf_link_t *
hf_link_new (void *context, const hf_endpoint_t *endpoint)
{
    assert (context && endpoint);
    return calloc (1, sizeof (hf_link_t));
}

void
hf_link_destroy (hf_link_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}

void
hf_link_sockets (const hf_link_t *self, void *sockets[HF_LINK_SOCKETS])
{
    (void)self;
    sockets[0] = sockets[1] = NULL;
}

hf_link_event_type_t
hf_link_next (hf_link_t *self, hf_span_t *bytes)
{
    hf_link_event_type_t event = self->event;
    *bytes = self->frame;
    self->event = HF_LINK_NONE;
    return event;
}

bool
hf_link_connected (const hf_link_t *self)
{
    return self->connected;
}

static void
s_sent_requests (const hf_requests_t *requests)
{
    hf_scan_t scan = hf_scan_list (requests->requests);
    s_world.session = requests->session;
    while (!hf_scan_at_end (&scan)) {
        hf_scan_t record = scan;
        uint64_t kind = 0, fields = hf_scan_array (&record);
        hf_get_u64 (&record, &kind);
        hf_get_u64 (&record, &s_world.seq);
        assert (fields >= 3 && kind >= HF_KIND_ACQUIRE && kind <= HF_KIND_APPEND && !record.bad);
        assert (s_world.seq >= requests->floor && s_world.seq < requests->floor + HF_WINDOW_MAX);
        hf_scan_skip (&scan, 1);
    }
    assert (!scan.bad);
}

/*  What the client sends is what the protocol says. */
bool
hf_link_send (hf_link_t *self, const void *frame, size_t size)
{
    hf_scan_t scan;
    uint32_t kind;
    union {
        hf_open_t open;
        hf_keepalive_t keepalive;
        hf_requests_t requests;
        hf_close_t close;
        hf_query_t query;
    } m;
    hf_status_t status = hf_frame_open (frame, size, &scan, &kind);
    assert (status == HF_OK && size <= HF_CLIENT_FRAME_MAX);
    if (kind == HF_KIND_REQUESTS && hf_requests_get (&scan, &m.requests))
        s_sent_requests (&m.requests);
    else if (kind == HF_KIND_KEEPALIVE && hf_keepalive_get (&scan, &m.keepalive)) {
        s_world.session = m.keepalive.session;
        s_world.echo = m.keepalive.echo;
    } else if (kind == HF_KIND_CLOSE && hf_close_get (&scan, &m.close))
        s_world.close = m.close.echo;
    else if (kind == HF_KIND_QUERY && hf_query_get (&scan, &m.query))
        s_world.query = m.query.id;
    else {
        assert (kind == HF_KIND_OPEN && hf_open_get (&scan, &m.open));
        memcpy (s_world.nonce, m.open.nonce.at, HF_NONCE_SIZE);
    }
    assert (!scan.bad);
    return self->connected;
}

//  ---- the user
//  -----------------------------------------------------------------------------------

static void s_submit (hf_session_t *session);

static void
s_done (void *arg, const hf_result_t *result)
{
    result_t *mine = arg;
    mine->calls++;
    assert (mine->calls == 1);
    if (result->lock && result->token != 0) {
        assert (result->status == HF_OK);
        s_world.token = result->token;
        hf_session_t *session = hf_session_find (s_world.client, result->session);
        assert (session && hf_lease_deadline_us (&session->lease) > s_world.now_us);
        if (fuzz_u8 (s_world.bytes) % 2) //  a callback that goes on at once
            s_submit (session);
    }
}

static void
s_told (void *arg, const hf_session_event_t *event)
{
    (void)arg;
    assert (event->type >= HF_SESSION_LOST && event->type <= HF_SESSION_ENDED);
    assert (event->type == HF_SESSION_ENDED || event->lock);
    hf_session_t *session = hf_session_find (s_world.client, event->session);
    if (session && fuzz_u8 (s_world.bytes) % 4 == 3)
        s_submit (session);
}

static void
s_submit (hf_session_t *session)
{
    fuzz_bytes_t *bytes = s_world.bytes;
    if (s_world.results_count == RESULTS)
        return;
    result_t *result = &s_world.results[s_world.results_count++];
    uint8_t what = fuzz_u8 (bytes);
    const char *lock = s_locks[fuzz_u8 (bytes) % 6];
    uint64_t token = what & 8 ? s_world.token : fuzz_number (bytes);
    uint64_t owner = what & 16 ? fuzz_u8 (bytes) % 8 : 0;
    hf_status_t status;
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        status = hf_submit_acquire (session, lock, what & 32,
                                    what & 64 ? HF_FOREVER : 10 * (uint32_t)fuzz_u8 (bytes), s_done,
                                    result);
        break;
    case 3:
    case 4:
        status = hf_submit_release_for (session, owner, lock, token, s_done, result);
        break;
    case 5:
        status = hf_submit_cancel_for (session, owner, lock, token, s_done, result);
        break;
    case 6:
        status =
            hf_submit_append_for (session, owner, lock, token, "file", s_locks, 40, s_done, result);
        break;
    default:
        status = hf_submit_read (s_world.client, "file", fuzz_number (bytes), 100,
                                 10 * (uint32_t)fuzz_u8 (bytes), s_done, result);
    }
    result->taken = status == HF_OK;
}

static void
s_open (unsigned at)
{
    hf_session_t *session = calloc (1, sizeof *session);
    assert (session);
    session->client = s_world.client;
    session->fn = s_told;
    session->timer.kind = HF_TIMER_SESSION;
    hf_window_init (&session->window);
    hf_knots_init (&session->places);
    hf_session_start (session, at + 1, 1000U << at, s_world.now_us);
    s_world.sessions[at] = session;
}

/*  Close or leave; the handle is gone afterwards, and may be opened anew. */
static void
s_part_with (unsigned at, bool leave)
{
    hf_session_t *session = s_world.sessions[at];
    hf_waiter_t *waiter = hf_waiter_new ();
    hf_op_t *op = hf_op_new (s_world.client);
    op->kind = leave ? HF_OP_LEAVE : HF_OP_CLOSE;
    op->session = session;
    op->orphan = true;
    op->arg = waiter;
    bool posted = hf_client_post_op (s_world.client, op);
    assert (posted);
    s_inbox (s_world.client);
    hf_waiter_drop (waiter);
    s_world.sessions[at] = NULL;
    s_open (at);
}

//  ---- the nodes
//  ----------------------------------------------------------------------------------

static void
s_arrives (unsigned node, hf_link_event_type_t event, hf_span_t frame)
{
    hf_link_t *link = s_world.client->links[node];
    if (event != HF_LINK_FRAME)
        link->connected = event == HF_LINK_CONNECTED;
    link->event = event;
    link->frame = frame;
    s_drain_link (s_world.client, node);
}

static void
s_row (uint8_t which, hf_span_t name, fuzz_bytes_t *bytes, hf_pack_t *list)
{
    uint64_t number = fuzz_number (bytes);
    if (which == 0)
        hf_lock_row_put (list, &(hf_lock_row_t){name, number, number, number, number});
    else if (which == 1)
        hf_waiter_row_put (list, &(hf_waiter_row_t){number, number});
    else if (which == 2)
        hf_file_row_put (list, &(hf_file_row_t){name, number, number});
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
            hf_granted_put (list, &(hf_granted_t){lock, token, index});
        else if (what % 4 == 1)
            hf_moved_put (list, &(hf_moved_t){lock, token});
        else
            hf_answer_put (list, &(hf_answer_t){s_world.seq - fuzz_u8 (bytes) % 8, status, index,
                                                token, token});
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
                                               fuzz_u8 (bytes), 1000 + fuzz_u16 (bytes)});
        break;
    case 0:
    case 1:
        hf_answers_frame (frame, &(hf_answers_t){session, hf_pack_list (&list)});
        break;
    case 2:
        s_items (bytes, &more);
        hf_alive_frame (frame, &(hf_alive_t){session, s_world.echo - fuzz_u8 (bytes) % 3, status,
                                             hf_pack_list (&list), hf_pack_list (&more)});
        break;
    case 3:
        hf_refused_frame (frame, &(hf_refused_t){what & 32 ? HF_NOT_LEADER : HF_BUSY + (status & 3),
                                                 hf_span_text ("no"), fuzz_u8 (bytes) % 5,
                                                 fuzz_u8 (bytes)});
        break;
    case 4:
        hf_closed_frame (frame, &(hf_closed_t){session, s_world.close, status});
        break;
    default:
        hf_query_result_frame (frame,
                               &(hf_query_result_t){what & 32 ? s_world.query : HF_PROBE_ID, status,
                                                    9, fuzz_number (bytes), false,
                                                    hf_pack_list (&list), hf_span ("data", 4)});
    }
    hf_pack_done (&more);
    hf_pack_done (&list);
}

//  ---- a whole life -----------------------------------------------------------------------------

static void
s_turn (void)
{
    hf_client_t *client = s_world.client;
    client->now_us = s_world.now_us;
    hf_leader_turn (client);
    s_timers (client);
    s_inbox (client);
    s_flush (client);
}

//  ---- blocking calls: what the library's thread does meanwhile is what comes next in the input
//  ---

static void s_step (fuzz_bytes_t *bytes);

bool
__wrap_hf_waiter_wait (hf_waiter_t *self, uint32_t limit_ms)
{
    (void)limit_ms;
    s_world.inside++;
    s_turn ();
    for (unsigned i = 0; i < 20 && !self->done && fuzz_left (s_world.bytes) > 0; i++)
        s_step (s_world.bytes);
    s_world.inside--;
    self->gone = !self->done;
    return self->done;
}

void
__wrap_hf_waiter_wait_flushed (hf_waiter_t *self)
{
    s_world.inside++;
    s_inbox (s_world.client);
    s_world.inside--;
    assert (self->flushed);
}

static void
s_see_lock (void *arg, const hf_lock_info_t *info)
{
    assert (arg && strlen (info->lock) < HF_NAME_SIZE);
}

static void
s_see_file (void *arg, const hf_file_info_t *info)
{
    assert (arg && strlen (info->file) < HF_NAME_SIZE);
}

static void
s_see_fact (void *arg, const char *key, const char *text, uint64_t number)
{
    assert (arg && key && (!text || number == 0 || text[0] != 0));
}

static void
s_ask (hf_client_t *client, uint8_t what, uint32_t limit_ms)
{
    hf_leader_info_t leader;
    hf_lock_info_t lock;
    uint8_t buffer[8];
    size_t room = sizeof buffer;
    hf_status_t status;
    switch (what % 6) {
    case 0:
        status = hf_query_leader (client, &leader, limit_ms);
        assert (status != HF_OK || strlen (leader.endpoint) < sizeof leader.endpoint);
        break;
    case 1:
        hf_query_locks (client, s_see_lock, client, limit_ms);
        break;
    case 2:
        hf_query_lock (client, "a", &lock, NULL, NULL, limit_ms);
        break;
    case 3:
        hf_query_files (client, s_see_file, client, limit_ms);
        break;
    case 4:
        hf_query_status (client, what / 8 % 4, s_see_fact, client, limit_ms);
        break;
    default:
        status = hf_read (client, "file", 0, buffer, &room, NULL, limit_ms);
        assert (status != HF_OK || room <= sizeof buffer);
    }
}

static void
s_block (fuzz_bytes_t *bytes)
{
    hf_client_t *client = s_world.client;
    hf_session_t *session = NULL;
    uint8_t what = fuzz_u8 (bytes);
    if (s_world.inside > 0)
        return;
    s_world.user = true;
    if (what < 128)
        s_ask (client, what, 1000);
    else if (what < 144)
        hf_close_session_id (client, 1 + what % 8, 1000);
    else if (hf_session_open (client, 0, 1000, s_told, NULL, &session) == HF_OK) {
        hf_grant_t grant;
        if (what & 1)
            hf_acquire (session, "a", what & 2 ? 500 : 0, &grant);
        if (what & 4)
            hf_session_leave (&session);
        else
            hf_session_close (&session, 1000);
        assert (session == NULL);
    }
    s_world.user = false;
}

static void
s_step (fuzz_bytes_t *bytes)
{
    uint8_t what = fuzz_u8 (bytes);
    unsigned at = fuzz_u8 (bytes) % SESSIONS;
    hf_pack_t frame;
    s_world.client->now_us = s_world.now_us;
    if (what < 14) {
        s_block (bytes);
    } else if (what < 70) {
        s_submit (s_world.sessions[at]);
    } else if (what < 190) {
        hf_pack_init (&frame);
        s_answer (bytes, &frame);
        s_arrives (at, HF_LINK_FRAME, hf_span (hf_pack_bytes (&frame), hf_pack_size (&frame)));
        hf_pack_done (&frame);
    } else if (what < 205) {
        size_t size;
        uint8_t *raw = fuzz_take (bytes, fuzz_u8 (bytes), &size);
        s_arrives (at, HF_LINK_FRAME, hf_span (raw, size));
        free (raw);
    } else if (what < 215) {
        s_arrives (at, HF_LINK_CONNECTED, hf_span ("", 0));
    } else if (what < 220) {
        s_arrives (at, HF_LINK_BROKEN, hf_span ("", 0));
    } else if (what < 224) {
        s_part_with (at, what & 1);
    } else {
        s_world.now_us += 1000 * (uint64_t)(fuzz_u8 (bytes) * (what < 250 ? 1 : 20));
    }
    if (what % 4 != 3)
        s_turn ();
}

static void *
s_nothing (void *arg)
{
    return arg;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static const char list[] = "1@127.0.0.1:1:2,2@127.0.0.1:3:4,3@127.0.0.1:5:6";
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    memset (&s_world, 0, sizeof s_world);
    s_world.bytes = &bytes;
    s_world.now_us = 1000000;
    hf_client_t *client = s_world.client = hf_client_new (list, NULL);
    assert (client);
    pthread_join (client->thread, NULL);
    client->thread = pthread_self ();
    client->choice.random.state = 1; //  equal inputs, equal lives
    client->now_us = s_world.now_us;
    for (unsigned i = 0; i < NODES; i++)
        s_arrives (i, HF_LINK_CONNECTED, hf_span ("", 0));
    hf_choice_answered (&client->choice, 0);
    for (unsigned i = 0; i < SESSIONS; i++)
        s_open (i);
    for (unsigned i = 0; i < STEPS && fuzz_left (&bytes) > 0; i++)
        s_step (&bytes);
    s_wind_up (client);
    for (size_t i = 0; i < s_world.results_count; i++)
        assert (s_world.results[i].calls == s_world.results[i].taken);
    int rc = pthread_create (&client->thread, NULL, s_nothing, NULL);
    assert (rc == 0);
    hf_client_destroy (&client);
    return 0;
}
