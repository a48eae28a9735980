/*  Random histories: the state machine against its slow and obvious twin (P4, P5a, P6, P8,
 *  exactly once). The seed of a failure is printed; run it alone with: test_state_model SEED. */
#include "base/hf_random.h"
#include "tests/unit/locks/check.h"
#include "base/hf_random.h"
#include "tests/unit/locks/model.h"

static const char *const s_locks[] = {"alpha", "b", "gamma/1", "gamma/2", "δέλτα", "bad\tname"};
static const char *const s_files[] = {"log", "log.2", "päper", ""};

typedef struct run {
    feed_t *feed;
    model_t *model;
    hf_random_t random;
    uint64_t max_live; //  how many sessions this run keeps alive
    uint64_t locks;    //  how many locks it uses: few make long queues
    unsigned ends;     //  of 100 steps, how many end a session
} run_t;

static uint64_t s_only_seed;
static size_t s_answers_seen[256]; //  by status: a model test that never gets there proves nothing
static size_t s_outcomes_seen[16]; //  by type
static uint64_t s_seeds = 300;

static uint64_t
s_random (run_t *run, uint64_t below)
{
    return hf_random_below (&run->random, below);
}

static bool
s_chance (run_t *run, unsigned percent)
{
    return s_random (run, 100) < percent;
}

//  ---- a step: the same command for both ----------------------------------------------

/*  A live session mostly; sometimes one that has ended or never was. 0: there is none. */
static uint64_t
s_some_session (run_t *run)
{
    for (int tries = 0; tries < 50 && run->model->last_session > 0; tries++) {
        uint64_t id = 1 + s_random (run, run->model->last_session);
        if (run->model->sessions[id].alive || s_chance (run, 2))
            return id;
    }
    return 0;
}

static uint64_t
s_live_count (const run_t *run)
{
    uint64_t count = 0;
    for (uint64_t id = 1; id <= run->model->last_session; id++)
        count += run->model->sessions[id].alive;
    return count;
}

static void
s_step_open (run_t *run)
{
    const uint32_t ttls[] = {1000, 5000, 600000, 999, 600001};
    uint64_t nonce = 1 + s_random (run, MODEL_SESSIONS / 2);
    uint32_t ttl_ms = ttls[s_random (run, s_chance (run, 10) ? 5 : 3)];
    feed_cmd_open (run->feed, nonce, ttl_ms);
    model_open (run->model, nonce, ttl_ms);
}

static void
s_step_end (run_t *run)
{
    uint64_t session = s_some_session (run);
    bool same_term = s_chance (run, 70);
    if (session != 0 && s_chance (run, 50)) {
        feed_cmd_close (run->feed, session);
        model_close (run->model, session);
    } else if (session != 0) {
        feed_cmd_expire (run->feed, session, same_term ? FEED_TERM : FEED_TERM - 1);
        model_expire (run->model, session, same_term);
    }
}

/*  Owner and token of a request: mostly those of the real holder, sometimes nearly. */
static void
s_aim (run_t *run, uint64_t session, model_request_t *request)
{
    const model_lock_t *lock = &run->model->locks[request->lock % MODEL_LOCKS];
    if (lock->holders > 0) {
        const model_place_t *hold = &lock->line[hf_random_below (&run->random, lock->holders)];
        request->token = hold->token;
        request->owner = hold->session == session && s_chance (run, 80) ? 0 : hold->session;
        if (s_chance (run, 15))
            request->owner = s_chance (run, 50) ? 0 : s_random (run, run->model->last_session + 2);
    }
    if (s_chance (run, 10))
        request->token += s_random (run, 3) - 1;
}

static model_request_t
s_some_request (run_t *run, uint64_t session)
{
    static const char *const texts[] = {"", "x", "two", "a longer piece of text\n"};
    model_request_t request = {.verb = MODEL_ACQUIRE,
                               .lock = s_chance (run, 2) ? MODEL_LOCKS : s_random (run, run->locks),
                               .mode = s_chance (run, 98) ? HF_MODE_EXCLUSIVE : 1,
                               .wait = s_chance (run, 85),
                               .file =
                                   s_chance (run, 3) ? MODEL_FILES : s_random (run, MODEL_FILES),
                               .text = texts[s_random (run, 4)]};
    uint64_t dice = s_random (run, 100);
    request.verb = dice < 35   ? MODEL_ACQUIRE
                   : dice < 55 ? MODEL_RELEASE
                   : dice < 62 ? MODEL_CANCEL
                   : dice < 72 ? MODEL_ABANDON
                               : MODEL_APPEND;
    s_aim (run, session, &request);
    return request;
}

static void
s_feed_request (feed_t *feed, const model_request_t *request)
{
    const char *lock = s_locks[request->lock];
    feed_again (feed, request->seq);
    switch (request->verb) {
    case MODEL_ACQUIRE:
        feed_acquire_mode (feed, lock, request->mode, request->wait);
        break;
    case MODEL_RELEASE:
        feed_release (feed, lock, request->token, request->owner);
        break;
    case MODEL_CANCEL:
        feed_cancel (feed, lock, request->token, request->owner);
        break;
    case MODEL_ABANDON:
        feed_abandon (feed, lock);
        break;
    case MODEL_APPEND:
        feed_append (feed, lock, request->token, request->owner, s_files[request->file],
                     hf_span_text (request->text));
        break;
    }
}

/*  A few requests of one session: new ones, repeats, stale ones, and a floor that jumps. */
static void
s_step_requests (run_t *run)
{
    uint64_t session = s_some_session (run);
    if (session == 0)
        return;
    uint64_t floor = run->model->sessions[session].floor;
    floor += s_chance (run, 30) ? s_random (run, 12) : 0;
    floor -= s_chance (run, 10) ? s_random (run, floor + 1) : 0;
    feed_start (run->feed, session);
    run->feed->floor = floor;
    model_floor (run->model, session, floor);
    uint64_t base = run->model->sessions[session].floor;
    for (uint64_t count = s_random (run, 6); count > 0; count--) {
        model_request_t request = s_some_request (run, session);
        request.seq = base + s_random (run, 14);
        request.seq -= s_chance (run, 5) ? s_random (run, request.seq + 1) : 0;
        request.seq += s_chance (run, 2) ? HF_WINDOW_MAX - 7 : 0;
        s_feed_request (run->feed, &request);
        model_ask (run->model, session, &request);
    }
    feed_stop (run->feed);
}

static void
s_step (run_t *run)
{
    uint64_t live = s_live_count (run);
    bool room = run->model->last_session < MODEL_SESSIONS - 2;
    if (room && live < run->max_live && s_chance (run, live < 3 ? 60 : 10))
        s_step_open (run);
    else if (s_chance (run, run->ends))
        s_step_end (run);
    else
        s_step_requests (run);
}

//  ---- comparing ----------------------------------------------------------------------

static void
s_compare_event (const hf_outcome_t *got, const model_event_t *expected)
{
    assert_int_equal (got->type, expected->type);
    s_outcomes_seen[got->type]++;
    if (got->type == HF_OUT_ANSWER)
        s_answers_seen[got->answer.status]++;
    assert_int_equal (got->session, expected->session);
    assert_int_equal (got->status, expected->status);
    assert_int_equal (got->answer.seq, expected->answer.seq);
    assert_int_equal (got->answer.status, expected->answer.status);
    assert_int_equal (got->answer.token, expected->answer.token);
    assert_int_equal (got->answer.index, expected->answer.index);
    assert_int_equal (got->answer.position, expected->answer.position);
    if (got->type == HF_OUT_GRANTED || got->type == HF_OUT_MOVED)
        assert_true (hf_span_equal (got->lock, hf_span_text (s_locks[expected->lock])));
    if (got->type != HF_OUT_ANSWER)
        assert_int_equal (got->index, expected->index);
}

static void
s_compare_events (const run_t *run)
{
    assert_int_equal (run->feed->out.count, run->model->events_count);
    for (size_t i = 0; i < run->model->events_count; i++)
        s_compare_event (&run->feed->out.list[i], &run->model->events[i]);
}

/*  Every place of the lock, as a query shows it. */
static void
s_compare_lock (const hf_state_t *state, const model_lock_t *lock, hf_span_t name)
{
    hf_pack_t rows;
    hf_pack_init (&rows);
    bool more = false;
    assert_int_equal (hf_state_lock_detail (state, name, 1, UINT32_MAX, &rows, &more),
                      lock->line_count > 0);
    assert_int_equal (rows.count, lock->line_count > 0 ? 1 + lock->line_count : 0);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&rows));
    hf_lock_row_t row = {.holders = 0};
    assert_int_equal (hf_lock_row_get (&scan, &row), lock->line_count > 0);
    assert_int_equal (row.holders, lock->holders);
    assert_int_equal (row.holders + row.waiters, lock->line_count);
    for (size_t at = 0; at < lock->line_count; at++) {
        const model_place_t *place = &lock->line[at];
        hf_holder_row_t hold = {.session = 0};
        hf_waiter_row_t waiter = {.session = 0};
        if (at < lock->holders) {
            assert_true (hf_holder_row_get (&scan, &hold));
            assert_int_equal (hold.token, place->token);
            assert_int_equal (hold.staged, model_staged (place));
        } else {
            assert_true (hf_waiter_row_get (&scan, &waiter));
            assert_int_equal (waiter.position, at - lock->holders + 1);
        }
        assert_int_equal (hold.session + waiter.session, place->session);
        assert_int_equal (hold.mode + waiter.mode, place->mode);
    }
    hf_pack_done (&rows);
}

static void
s_compare_locks (const run_t *run)
{
    size_t held = 0;
    uint64_t staged = 0;
    for (size_t i = 0; i < MODEL_LOCKS; i++) {
        const model_lock_t *lock = &run->model->locks[i];
        s_compare_lock (run->feed->state, lock, hf_span_text (s_locks[i]));
        held += lock->line_count > 0;
        for (size_t at = 0; at < lock->holders; at++) {
            staged += model_staged (&lock->line[at]);
            for (size_t file = 0; file < MODEL_FILES; file++)
                staged += lock->line[at].staged[file] ? HF_STAGED_FILE_COST : 0;
        }
    }
    assert_int_equal (hf_state_locks_count (run->feed->state), held);
    assert_int_equal (hf_state_staged_bytes (run->feed->state), staged);
    assert_int_equal (hf_state_command_index (run->feed->state), run->model->commands);
}

static size_t
s_model_lock (hf_span_t name)
{
    for (size_t i = 0; i < MODEL_LOCKS; i++)
        if (hf_span_equal (name, hf_span_text (s_locks[i])))
            return i;
    fail_msg ("a lock that nobody asked for");
    return 0;
}

static void
s_compare_places (const run_t *run, uint64_t session)
{
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    bool alive = run->model->sessions[session].alive;
    assert_int_equal (hf_state_session_places (run->feed->state, session, &held, &queued), alive);
    size_t places = 0;
    for (size_t i = 0; alive && i < MODEL_LOCKS; i++)
        for (size_t at = 0; at < run->model->locks[i].line_count; at++)
            places += run->model->locks[i].line[at].session == session;
    assert_int_equal (held.count + queued.count, places);
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    while (!hf_scan_at_end (&scan)) {
        hf_granted_t granted;
        assert_true (hf_granted_get (&scan, &granted));
        const model_lock_t *lock = &run->model->locks[s_model_lock (granted.lock)];
        size_t at = 0;
        while (at < lock->holders && lock->line[at].session != session)
            at++;
        assert_true (at < lock->holders);
        assert_int_equal (lock->line[at].token, granted.token);
        assert_int_equal (lock->line[at].index, granted.index);
    }
    scan = hf_scan_list (hf_pack_list (&queued));
    while (!hf_scan_at_end (&scan)) {
        hf_moved_t moved;
        assert_true (hf_moved_get (&scan, &moved));
        const model_lock_t *lock = &run->model->locks[s_model_lock (moved.lock)];
        assert_true (moved.position >= 1 && moved.position <= lock->line_count - lock->holders);
        assert_int_equal (lock->line[lock->holders + moved.position - 1].session, session);
    }
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

static void
s_compare_sessions (const run_t *run)
{
    uint64_t session = 0, last = 0;
    uint32_t ttl_ms = 0;
    size_t count = 0;
    for (; hf_state_next_session (run->feed->state, last, &session, &ttl_ms); last = session) {
        assert_true (session > last && run->model->sessions[session].alive);
        assert_int_equal (ttl_ms, run->model->sessions[session].ttl_ms);
        count++;
    }
    assert_int_equal (count, s_live_count (run));
    assert_int_equal (hf_state_sessions_count (run->feed->state), count);
}

static void
s_compare_files (const run_t *run)
{
    for (size_t i = 0; i < MODEL_FILES; i++) {
        const model_text_t *expected = &run->model->files[i];
        const char *content = feed_file (run->feed, s_files[i]);
        assert_int_equal (strlen (content), expected->size);
        assert_memory_equal (content, expected->bytes, expected->size);
    }
}

static void
s_run (uint64_t seed)
{
    run_t run = {.feed = feed_new (true), .model = model_new (), .random = {seed}};
    run.max_live = 2 + s_random (&run, 30);
    run.locks = 1 + s_random (&run, MODEL_LOCKS);
    run.ends = (unsigned)s_random (&run, 12);
    for (int entry = 0; entry < 250; entry++) {
        model_forget_events (run.model);
        for (uint64_t commands = s_random (&run, 5); commands > 0; commands--)
            s_step (&run);
        feed_apply (run.feed);
        s_compare_events (&run);
        s_compare_locks (&run);
        s_compare_sessions (&run);
        for (uint64_t id = 1; id <= run.model->last_session && entry % 10 == 0; id++)
            s_compare_places (&run, id);
    }
    s_compare_files (&run);
    assert_true (run.model->last_token > 20);
    feed_destroy (&run.feed);
    model_destroy (&run.model);
}

HF_TEST (random_histories_are_as_the_model_says)
{
    uint64_t first = s_only_seed != 0 ? s_only_seed : 1;
    uint64_t last = s_only_seed != 0 ? s_only_seed : s_seeds;
    for (uint64_t seed = first; seed <= last; seed++) {
        //  Left on the screen when the run ends in a failure or a crash: the last line tells.
        fprintf (stderr, "\rseed %d ", (int)seed);
        s_run (seed);
    }
    fprintf (stderr, "\n");
    if (s_only_seed != 0)
        return;
    const hf_status_t statuses[] = {HF_OK,         HF_QUEUED,   HF_NOT_GRANTED,
                                    HF_NOT_HOLDER, HF_BAD_NAME, HF_BAD_REQUEST,
                                    HF_STALE,      HF_LIMIT,    HF_SESSION_EXPIRED};
    for (size_t i = 0; i < sizeof (statuses) / sizeof (*statuses); i++)
        assert_true (s_answers_seen[statuses[i]] > 100);
    for (size_t type = HF_OUT_OPENED; type <= HF_OUT_TOUCHED; type++)
        assert_true (s_outcomes_seen[type] > 100);
}

int
main (int argc, char **argv)
{
    if (argc == 2)
        s_only_seed = strtoull (argv[1], NULL, 10);
    if (argc == 3) //  --seeds COUNT
        s_seeds = strtoull (argv[2], NULL, 10);
    return hf_test_run (NULL, NULL);
}
