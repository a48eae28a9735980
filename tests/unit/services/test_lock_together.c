//  A request that can only join a queue goes to the log together with the next that may do more.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

typedef struct queue {
    bench_t bench;
    uint64_t session[4]; //  of clients 1 to 4
    uint64_t token;      //  of client 1, which holds L
} queue_t;

/*  Client 1 holds L, client 2 waits for it, clients 3 and 4 have sessions. */
static void
s_begin (queue_t *self)
{
    bench_t *bench = &self->bench;
    bench_init (bench, (hf_lock_config_t){.self = 1, .together_us = 2 * MS}, true);
    for (uint8_t i = 0; i < 4; i++)
        self->session[i] = bench_open (bench, i + 1U, i + 1, 10000);
    bench_acquire (bench, 1, self->session[0], 1, "L");
    self->token = bench_answer (bench, 1).token;
    bench_acquire (bench, 2, self->session[1], 1, "L");
    assert_int_equal (bench_answer (bench, 2).status, HF_QUEUED);
    bench_drop_frames (bench);
}

#define QUEUE_TEST(name)                                                                           \
    static void name##_on (queue_t *queue, bench_t *bench);                                        \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        queue_t on;                                                                                \
        s_begin (&on);                                                                             \
        name##_on (&on, &on.bench);                                                                \
        bench_done (&on.bench);                                                                    \
    }                                                                                              \
    static void name##_on (queue_t *queue, bench_t *bench)

/*  What client 3 asks for L with: an ACQUIRE, or a CLAIM. */
static void
s_ask (queue_t *self, bool claims, uint32_t mode, bool wait)
{
    hf_pack_t places, requests;
    hf_pack_init (&places);
    hf_pack_init (&requests);
    hf_place_put (
        &places,
        &(hf_place_t){.lock = hf_span_text ("L"), .mode = mode, .units = mode == HF_MODE_SHARED});
    if (claims)
        hf_claim_put (&requests,
                      &(hf_claim_t){.seq = 1, .places = hf_pack_list (&places), .wait = wait});
    else
        hf_acquire_put (
            &requests,
            &(hf_acquire_t){.seq = 1, .lock = hf_span_text ("L"), .mode = mode, .wait = wait});
    hf_requests_frame (&self->bench.pack, &(hf_requests_t){.session = self->session[2],
                                                           .floor = 1,
                                                           .requests = hf_pack_list (&requests)});
    hf_pack_done (&places);
    hf_pack_done (&requests);
    bench_send (&self->bench, 3);
    bench_settle (&self->bench);
}

/*  The first record that CLIENT got in ANSWERS. */
static hf_answer_t
s_first_answer (bench_t *bench, uint32_t client)
{
    hf_answer_t answer;
    hf_scan_t scan = hf_scan_list (bench_answers (bench, client).items);
    assert_true (hf_answer_get (&scan, &answer));
    return answer;
}

//  ---- together ---------------------------------------------------------------------------

QUEUE_TEST (the_release_takes_it_along)
{
    unsigned entries = bench->entries, commands = bench->commands;
    for (uint32_t i = 3; i <= 4; i++)
        bench_acquire (bench, i, queue->session[i - 1], 1, "L");
    bench_settle (bench);
    assert_int_equal (bench->entries, entries);
    bench->now_us += MS;
    bench_release (bench, 1, queue->session[0], 2, "L", queue->token);
    bench_settle (bench);
    assert_int_equal (bench->entries, entries + 1);
    assert_int_equal (bench->commands, commands + 3);
    //  In the order in which they came: both are in the queue when the lock is released.
    assert_int_equal (s_first_answer (bench, 3).position, 2);
    assert_int_equal (s_first_answer (bench, 4).position, 3);
    assert_int_equal (s_first_answer (bench, 1).status, HF_OK);
    assert_true (bench_granted (bench, 2).token > queue->token);
}

QUEUE_TEST (what_goes_at_once_is_not_held_by_one_behind_it)
{
    unsigned entries = bench->entries;
    bench_release (bench, 1, queue->session[0], 2, "L", queue->token);
    bench_acquire (bench, 3, queue->session[2], 1, "L");
    bench_turn (bench, true);
    assert_int_equal (bench->entries, entries + 1);
}

/*  Gives whether it is in the log when it is due. */
static bool
s_goes_alone (int mutant)
{
    queue_t queue;
    bench_t *bench = &queue.bench;
    s_begin (&queue);
    hf_mutant = mutant;
    unsigned entries = bench->entries;
    uint64_t due_us = bench->now_us + 2 * MS;
    bench_acquire (bench, 3, queue.session[2], 1, "L");
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 3), 0);
    assert_int_equal (hf_lock_service_wake_us (bench->service), due_us);
    bench->now_us += MS; //  another one does not put it off
    bench_acquire (bench, 4, queue.session[3], 1, "L");
    bench_settle (bench);
    assert_int_equal (hf_lock_service_wake_us (bench->service), due_us);
    assert_int_equal (bench->entries, entries);
    bench->now_us = due_us;
    bench_settle (bench);
    bool went = bench->entries == entries + 1 && bench_kind (bench, 3) == HF_KIND_ANSWERS;
    hf_mutant = HF_MUTANT_none;
    bench_done (bench);
    return went;
}

HF_TEST (p11_it_goes_alone_when_nothing_else_comes)
{
    assert_true (s_goes_alone (HF_MUTANT_none));
    assert_false (s_goes_alone (HF_MUTANT_queued_alone_never));
}

QUEUE_TEST (who_leads_no_more_drops_it)
{
    bench_acquire (bench, 3, queue->session[2], 1, "L");
    bench_settle (bench);
    unsigned entries = bench->entries;
    bench_follow (bench, TERM + 1, 2);
    bench_settle (bench);
    bench->now_us += 2 * MS;
    bench_settle (bench);
    assert_int_equal (bench->entries, entries);
    assert_true (hf_lock_service_wake_us (bench->service) > bench->now_us);
}

//  ---- which ones -------------------------------------------------------------------------

/*  Whether what client 3 asks for goes to the log at once. */
static bool
s_at_once (bool claims, uint32_t mode, bool wait)
{
    queue_t queue;
    s_begin (&queue);
    unsigned entries = queue.bench.entries;
    s_ask (&queue, claims, mode, wait);
    bool went = queue.bench.entries > entries;
    bench_done (&queue.bench);
    return went;
}

HF_TEST (only_who_waits_alone_in_a_queue_is_held_back)
{
    for (int claims = 0; claims < 2; claims++) {
        assert_false (s_at_once (claims, HF_MODE_EXCLUSIVE, true));
        assert_true (s_at_once (claims, HF_MODE_EXCLUSIVE, false));
        //  It may be granted together with others that wait.
        assert_true (s_at_once (claims, HF_MODE_SHARED, true));
    }
}

/*  Client 3 holds M with others, client 4 waits for it: client 3 alone holds it, and gets it for
 * itself at once. */
QUEUE_TEST (who_has_a_place_there_goes_at_once)
{
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_acquire_put (
        &requests, &(hf_acquire_t){
                       .seq = 1, .lock = hf_span_text ("M"), .mode = HF_MODE_SHARED, .wait = true});
    hf_requests_frame (&bench->pack, &(hf_requests_t){.session = queue->session[2],
                                                      .floor = 1,
                                                      .requests = hf_pack_list (&requests)});
    hf_pack_done (&requests);
    bench_send (bench, 3);
    assert_int_equal (bench_answer (bench, 3).status, HF_OK);
    bench_acquire (bench, 4, queue->session[3], 1, "M");
    assert_int_equal (bench_answer (bench, 4).status, HF_QUEUED);
    unsigned entries = bench->entries;
    bench_acquire (bench, 3, queue->session[2], 2, "M");
    bench_settle (bench);
    assert_int_equal (bench->entries, entries + 1);
    assert_int_equal (bench_answer (bench, 3).status, HF_OK);
}

/*  The first who waits for a lock may be granted it by a release that is on its way. Gives whether
 *  client 3 is answered at once for a lock that nobody waits for. */
static bool
s_first (int mutant)
{
    queue_t queue;
    bench_t *bench = &queue.bench;
    s_begin (&queue);
    hf_mutant = mutant;
    unsigned entries = bench->entries;
    bench_acquire (bench, 3, queue.session[2], 1, "M");
    bench_settle (bench);
    hf_mutant = HF_MUTANT_none;
    bool went = bench->entries > entries;
    bench_done (bench);
    return went;
}

HF_TEST (the_first_in_a_queue_goes_at_once)
{
    assert_true (s_first (HF_MUTANT_none));
    assert_false (s_first (HF_MUTANT_first_waits_too));
}

HF_TEST_MAIN (NULL, NULL)
