/*  rights_bench.h - a lock service with three users, rights and owners. */
#ifndef RIGHTS_BENCH_H_INCLUDED
#define RIGHTS_BENCH_H_INCLUDED

#include "nodes/consensus/hf_core.h"
#include "tests/unit/services/lock_bench.h"

enum { KIM = 1, LEE = 2, OPS = 3 }; //  clients, and users by the same numbers

static const char s_text[] = "kim mine/* acquire,shared,append,read,watch\n"
                             "lee * acquire,shared,append,read,watch\n"
                             "ops * release,close,members,backup,append\n";

static const hf_roster_t s_roster = {
    .count = 1,
    .level = 1,
    .cluster = 99,
    .members = {{.node = 1,
                 .incarnation = 11,
                 .flags = HF_SEAT_VOTES | HF_SEAT_VOTED,
                 .host = {(const uint8_t *)"alpha", 5},
                 .client_port = 8080,
                 .node_port = 8081}},
};

static inline void
s_users (bench_t *bench)
{
    static const char *const names[] = {"kim", "lee", "ops"};
    for (uint32_t i = 1; i <= 3; i++) {
        hf_lock_service_user (bench->service, i, names[i - 1]);
        bench_user (bench, i, i);
    }
}

static inline void
s_rights (bench_t *bench, const char *text)
{
    hf_a_rights_frame (&bench->pack, &(hf_a_rights_t){.text = hf_span_text (text)});
    bench_say (bench);
}

/*  Three users with a session each, 1 to 3; those of kim and lee hold something. */
static inline void
s_begin (bench_t *bench)
{
    s_users (bench);
    s_rights (bench, s_text);
    bench_roster (bench, &s_roster, 40);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal (bench_open (bench, i, (uint8_t)i, 60000), i);
    bench_acquire (bench, KIM, KIM, 1, "mine/a");
    assert_int_equal (bench_answer (bench, KIM).status, HF_OK);
    bench_acquire (bench, LEE, LEE, 1, "L");
    assert_int_equal (bench_answer (bench, LEE).status, HF_OK);
}

//  ---- one request, as one user ---------------------------------------------------------------

static uint64_t s_seq = 100; //  each is used once

/*  Send what is in REQUEST, which is then empty, and take the answer; TEXT: why it was denied. */
static inline hf_status_t
s_ask (bench_t *bench, uint32_t route, uint64_t session, hf_pack_t *request, char *text)
{
    hf_requests_frame (
        &bench->pack,
        &(hf_requests_t){.session = session, .floor = 1, .requests = hf_pack_list (request)});
    bench_send (bench, route);
    hf_pack_done (request);
    hf_answers_t answers = bench_answers (bench, route);
    hf_answer_t answer;
    hf_denial_t denial;
    hf_scan_t scan = hf_scan_list (answers.items);
    assert_true (hf_answer_get (&scan, &answer));
    assert_int_equal (answers.items.count, answer.status == HF_DENIED ? 2 : 1);
    if (answer.status == HF_DENIED) {
        assert_true (hf_denial_get (&scan, &denial));
        assert_int_equal (denial.seq, answer.seq);
        assert_true (denial.text.size < 300);
        if (text)
            snprintf (text, 300, "%.*s", (int)denial.text.size, (const char *)denial.text.at);
    }
    bench_drop_frames (bench);
    return (hf_status_t)answer.status;
}

#define ASK(bench, route, session, text, name, ...)                                                \
    __extension__({                                                                                \
        hf_pack_t request_;                                                                        \
        hf_pack_init (&request_);                                                                  \
        hf_##name##_put (&request_, &(hf_##name##_t){.seq = ++s_seq, __VA_ARGS__});                \
        s_ask (bench, route, session, &request_, text);                                            \
    })
#define TEXT(text) hf_span_text (text)

/*  A query that is refused, answered, or handed on. */
static inline hf_status_t
s_query (bench_t *bench, uint32_t user, uint32_t what, const char *name)
{
    unsigned before = bench->queries;
    bench_query (bench, user, 9, what, name);
    bench_settle (bench);
    return bench->queries > before ? HF_OK : (hf_status_t)bench_result (bench, user).status;
}

static inline void
s_send_watch (bench_t *bench, uint32_t user, const char *prefix)
{
    hf_watch_request_frame (&bench->pack, &(hf_watch_request_t){.id = 3,
                                                                .what = HF_WATCH_LOCKS,
                                                                .prefix = TEXT (prefix),
                                                                .after = UINT64_MAX,
                                                                .room = 100000});
    bench_send (bench, user);
}

static inline hf_events_t
s_events (bench_t *bench, uint32_t user)
{
    hf_events_t events;
    hf_scan_t scan = bench_take (bench, user, HF_KIND_EVENTS);
    assert_true (hf_events_get (&scan, &events));
    return events;
}

#endif
