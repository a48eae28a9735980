//  Sequences of well-formed commands against the replicated state, in virtual time: several
//  sessions open, lock, append, release, repeat themselves and fall silent. A checked feed applies
//  each entry to two replicas, compares them and checks every invariant (P4). Beyond that:
//  a repeated request gets its first answer (exactly once), tokens rise (P5), and no session is
//  taken as due before its TTL has passed, nor kept when it has (P9, P11).

#include "nodes/services/hf_expiry.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/locks/feed.h"

#define SESSIONS 12 //  that the model follows; ids beyond are left to the state
#define SEQS     64
#define STEPS    300

typedef struct session {
    bool open;
    bool ending;
    bool may_expire; //  its end was proposed in the term of the entry
    uint32_t ttl_ms;
    uint64_t heard_us;
    hf_answer_t answers[SEQS]; //  by seq, status UINT32_MAX: none yet
} session_t;

typedef struct world {
    feed_t *feed;
    hf_expiry_t *expiry;
    uint64_t now_us;
    uint64_t tokens; //  the highest that was given out
    session_t sessions[SESSIONS];
} world_t;

static const char *const s_locks[] = {"a", "b", "lock/\xc3\xa9", "", "bad\n", "c", "d", "e"};
static const char *const s_files[] = {"f", "g", "..", "", "a/b", "bad\x7f"};

static session_t *
s_session (world_t *self, uint64_t id)
{
    return id < SESSIONS ? &self->sessions[id] : NULL;
}

static void
s_heard (world_t *self, uint64_t id)
{
    session_t *session = s_session (self, id);
    if (!session || !session->open)
        return;
    hf_expiry_heard (self->expiry, id, session->ttl_ms, self->now_us);
    if (!session->ending)
        session->heard_us = self->now_us;
}

//  ---- what an entry caused -----------------------------------------------------------

static void
s_opened (world_t *self, const hf_outcome_t *out)
{
    session_t *session = s_session (self, out->session);
    if (out->status != HF_OK) {
        assert (out->session == 0);
        return;
    }
    if (session && !session->open) {
        *session = (session_t){.open = true, .ttl_ms = out->ttl_ms};
        for (int i = 0; i < SEQS; i++)
            session->answers[i].status = UINT32_MAX;
    }
    s_heard (self, out->session);
}

static void
s_answered (world_t *self, const hf_outcome_t *out)
{
    const hf_answer_t *answer = &out->answer;
    session_t *session = s_session (self, out->session);
    if (answer->status == HF_SESSION_EXPIRED || !session) {
        assert (!session || !session->open);
        return;
    }
    assert (session->open);
    if (answer->token > self->tokens)
        self->tokens = answer->token;
    if (answer->seq >= SEQS || answer->status == HF_STALE || answer->status == HF_LIMIT)
        return;
    hf_answer_t *first = &session->answers[answer->seq];
    if (first->status != UINT32_MAX)
        assert (first->status == answer->status && first->index == answer->index &&
                first->token == answer->token && first->position == answer->position);
    *first = *answer;
}

static void
s_ended (world_t *self, const hf_outcome_t *out)
{
    session_t *session = s_session (self, out->session);
    hf_expiry_forget (self->expiry, out->session);
    bool expired = session && session->open && out->status == HF_SESSION_EXPIRED;
    assert (!expired || session->may_expire);
    if (session)
        session->open = false;
}

static void
s_apply (world_t *self)
{
    feed_apply (self->feed);
    const hf_outcomes_t *out = &self->feed->out;
    for (size_t i = 0; i < out->count; i++) {
        const hf_outcome_t *outcome = &out->list[i];
        switch (outcome->type) {
        case HF_OUT_OPENED:
            s_opened (self, outcome);
            break;
        case HF_OUT_ANSWER:
            s_answered (self, outcome);
            break;
        case HF_OUT_GRANTED:
            assert (outcome->answer.token > self->tokens);
            self->tokens = outcome->answer.token;
            break;
        case HF_OUT_ENDED:
            s_ended (self, outcome);
            break;
        case HF_OUT_TOUCHED:
            s_heard (self, outcome->session);
            break;
        default:
            break;
        }
    }
}

//  ---- commands from bytes ---------------------------------------------------------------

static uint64_t
s_token (world_t *self, fuzz_bytes_t *bytes, const char *lock, uint64_t *holder)
{
    uint64_t token;
    *holder = feed_holder (self->feed, lock, &token);
    uint8_t byte = fuzz_u8 (bytes);
    return byte < 200 ? token : byte < 240 ? byte % 16 : fuzz_number (bytes);
}

static void
s_request (world_t *self, fuzz_bytes_t *bytes)
{
    static uint8_t data[300];
    const char *lock = s_locks[fuzz_u8 (bytes) % 8];
    uint8_t what = fuzz_u8 (bytes);
    uint64_t holder;
    uint64_t token = s_token (self, bytes, lock, &holder);
    uint64_t owner = what & 0x40 ? holder : what & 0x80 ? fuzz_u8 (bytes) % SESSIONS : 0;
    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        feed_acquire (self->feed, lock, what & 0x20);
        break;
    case 3:
        feed_release (self->feed, lock, token, owner);
        break;
    case 4:
        feed_cancel (self->feed, lock, token, owner);
        break;
    case 5:
        feed_abandon (self->feed, lock);
        break;
    default:
        feed_append (self->feed, lock, token, owner, s_files[fuzz_u8 (bytes) % 6],
                     hf_span (data, fuzz_u8 (bytes)));
        break;
    }
}

static void
s_requests (world_t *self, fuzz_bytes_t *bytes)
{
    uint64_t id = 1 + fuzz_u8 (bytes) % (SESSIONS - 1);
    feed_start (self->feed, id);
    uint8_t how = fuzz_u8 (bytes);
    uint64_t next = feed_seq (self->feed, id);
    if (how & 1) //  said again, or said before its time; the floor stays behind
        feed_again (self->feed, 1 + fuzz_u8 (bytes) % (next + 4));
    if (how & 2)
        self->feed->floor = fuzz_u8 (bytes) % (next + 2);
    if (how & 4) {
        self->feed->floor = fuzz_number (bytes);
        feed_again (self->feed, 1 + fuzz_u8 (bytes) % 64);
    }
    for (int left = 1 + (how >> 4) % 8; left > 0; left--)
        s_request (self, bytes);
    //  A leader takes the request as a sign of life before the log does.
    s_heard (self, id);
}

static void
s_time_passes (world_t *self, fuzz_bytes_t *bytes)
{
    uint8_t how = fuzz_u8 (bytes);
    uint64_t next_us = hf_expiry_next_us (self->expiry);
    if (how < 128)
        self->now_us += 10000 * (uint64_t)fuzz_u16 (bytes) % 4000000;
    else if (next_us != UINT64_MAX && next_us > self->now_us) //  to the very moment, or just before
        self->now_us = next_us - how % 2;
    for (;;) {
        uint64_t id = hf_expiry_take (self->expiry, self->now_us);
        session_t *session = s_session (self, id);
        if (id == 0)
            break;
        assert (hf_expiry_ending (self->expiry, id));
        if (!session)
            continue;
        assert (session->open && !session->ending);
        assert (self->now_us >= session->heard_us + 1000 * (uint64_t)session->ttl_ms);
        session->ending = true;
        //  Some of these are of a term that is over: they do nothing.
        bool void_of_term = fuzz_u8 (bytes) % 4 == 3;
        session->may_expire = !void_of_term;
        feed_cmd_expire (self->feed, id, self->feed->term - void_of_term);
    }
    for (uint64_t id = 1; id < SESSIONS; id++) {
        const session_t *session = &self->sessions[id];
        uint64_t due_us = session->heard_us + 1000 * (uint64_t)session->ttl_ms;
        assert (!session->open || session->ending || self->now_us < due_us);
        assert (!session->open || session->ending || hf_expiry_next_us (self->expiry) <= due_us);
    }
}

/*  Another leader: every TTL starts anew. */
static void
s_new_leader (world_t *self)
{
    s_apply (self);
    self->feed->term++;
    hf_expiry_clear (self->expiry);
    for (uint64_t id = 1; id < SESSIONS; id++) {
        self->sessions[id].ending = false;
        s_heard (self, id);
    }
}

static void
s_step (world_t *self, fuzz_bytes_t *bytes)
{
    uint8_t what = fuzz_u8 (bytes);
    if (what < 24)
        feed_cmd_open (self->feed, fuzz_u8 (bytes) % 16,
                       fuzz_u8 (bytes) < 230 ? 1000 + 10 * fuzz_u16 (bytes) % 599000
                                             : (uint32_t)fuzz_number (bytes));
    else if (what < 32)
        feed_cmd_close (self->feed, fuzz_u8 (bytes) % (SESSIONS + 2));
    else if (what < 36)
        feed_cmd_expire (self->feed, fuzz_u8 (bytes) % SESSIONS, fuzz_u8 (bytes) % 4);
    else if (what < 48)
        s_time_passes (self, bytes);
    else if (what < 50)
        s_new_leader (self);
    else if (what < 180)
        s_requests (self, bytes);
    else
        s_apply (self);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    fuzz_bytes_t bytes = fuzz_bytes (data, size);
    world_t *self = calloc (1, sizeof *self);
    assert (self);
    self->feed = feed_new (true);
    self->expiry = hf_expiry_new ();
    self->now_us = 1000000;
    for (int i = 0; i < STEPS && fuzz_left (&bytes) > 0; i++)
        s_step (self, &bytes);
    s_apply (self);
    hf_expiry_destroy (&self->expiry);
    feed_destroy (&self->feed);
    free (self);
    return 0;
}
