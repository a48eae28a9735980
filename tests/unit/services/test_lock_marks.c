//  The lock service and marks of silence: what a dead session's TTL costs when the lead moves all
//  the time, and what the marks of many sessions cost the log.

#include "base/hf_mutant.h"
#include "tests/kit/hf_one.h"
#include "tests/unit/services/lock_bench.h"

int hf_mutant = HF_MUTANT_none;

#define LEADS_MAX 500

typedef struct dead {
    uint64_t session, waiter; //  WAITER 0: nobody waits for what it holds
    uint32_t ttl_ms;
} dead_t;

/*  A session that is never heard again; with a lock that another one waits for, when WANTED. */
static dead_t
s_dead (bench_t *bench, uint32_t ttl_ms, bool wanted)
{
    dead_t dead = {.session = bench_open (bench, 1, 1, ttl_ms), .ttl_ms = ttl_ms};
    if (wanted) {
        dead.waiter = bench_open (bench, 2, 2, HF_TTL_MAX_MS);
        bench_acquire (bench, 1, dead.session, 1, "L");
        bench_acquire (bench, 2, dead.waiter, 1, "L");
    }
    bench_settle (bench);
    bench_drop_frames (bench);
    return dead;
}

/*  How many leaders, each of LEAD_MS, it takes to end the dead session; LEADS_MAX: too many.
 *  *restarts: at how many of them its TTL began anew. */
static uint32_t
s_leads (bench_t *bench, const dead_t *dead, uint32_t lead_ms, uint32_t *restarts)
{
    uint32_t leads = 0;
    *restarts = 0;
    for (; bench->expiries == 0 && leads < LEADS_MAX; leads++) {
        bench_follow (bench, bench->term + 1, 2);
        bench_lead (bench, bench->term + 1, bench->index);
        bench_settle (bench);
        *restarts +=
            hf_state_session_ran (hf_lock_service_state (bench->service), dead->session) == 0;
        if (dead->waiter != 0)
            bench_keepalive (bench, 2, dead->waiter, 1);
        uint64_t end_us = bench->now_us + lead_ms * MS;
        for (; bench->now_us < end_us && bench->expiries == 0; bench->now_us += 10 * MS)
            bench_settle (bench);
        bench_drop_frames (bench);
    }
    return leads;
}

static const uint32_t s_lead_ms[] = {300, 700, 1000, 2000, 2400, 5000, 9000};

/*  P11. A dead holder's TTL begins anew once, and at least half of each lead counts. */
static bool
s_holder_ends (uint32_t ttl_ms, uint32_t lead_ms)
{
    bench_t bench;
    bench_init (&bench, (hf_lock_config_t){.self = 1}, true);
    dead_t dead = s_dead (&bench, ttl_ms, true);
    uint32_t restarts, leads = s_leads (&bench, &dead, lead_ms, &restarts);
    bench_done (&bench);
    bool good = restarts <= 1 && leads <= 2 * ttl_ms / lead_ms + 2;
    if (!good && hf_mutant == HF_MUTANT_none)
        print_message ("TTL %u ms, leads of %u ms: %s%u leads, the TTL began anew %u times\n",
                       ttl_ms, lead_ms, leads == LEADS_MAX ? "not ended after " : "", leads,
                       restarts);
    return good;
}

HF_TEST (p11_a_dead_holder_ends_however_often_the_lead_moves)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < sizeof s_lead_ms / sizeof *s_lead_ms; i++)
        for (uint32_t ttl_ms = 10000; ttl_ms <= 60000; ttl_ms += 50000)
            bad += s_holder_ends (ttl_ms, s_lead_ms[i]) ? 0 : 1;
    assert_int_equal (bad, 0);
}

/*  Each mutant breaks one end of the range of leads. */
HF_TEST (p11_leads_that_do_not_count_keep_a_dead_holder_alive)
{
    hf_mutant = HF_MUTANT_holder_marked_late;
    assert_false (s_holder_ends (10000, 2000));
    hf_mutant = HF_MUTANT_marks_far_apart;
    assert_false (s_holder_ends (60000, 5000));
    hf_mutant = HF_MUTANT_none;
}

/*  P11. What nobody waits for is logged later, so a lead of less than 2.5 s does not count. */
BENCH_TEST (p11_a_session_that_nobody_waits_for_ends_under_leads_of_three_seconds, bench)
{
    dead_t dead = s_dead (bench, 60000, false);
    uint32_t restarts, leads = s_leads (bench, &dead, 3000, &restarts);
    assert_int_equal (restarts, 1);
    assert_true (leads <= 25);
}

/*  P9. A holder that is wanted and lives loses nothing by its early mark: it is acknowledged once
 *  the log says that it was heard, and has its whole TTL from then on. */
BENCH_TEST (p9_a_wanted_holder_that_is_heard_has_its_whole_ttl, bench)
{
    dead_t one = s_dead (bench, 10000, true);
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench->now_us += 250 * MS;
    bench_settle (bench);
    const hf_state_t *state = hf_lock_service_state (bench->service);
    assert_int_equal (hf_state_session_ran (state, one.session), 250);
    assert_int_equal (hf_state_session_ran (state, one.waiter), 0); //  it alone waits
    bench_drop_frames (bench);
    bench_keepalive (bench, 1, one.session, 1);
    assert_int_equal (bench_alive (bench, 1).status, HF_OK);
    assert_int_equal (hf_state_session_ran (state, one.session), 0);
    bench->now_us += 10 * SECOND - 1;
    bench_settle (bench);
    assert_int_equal (bench->expiries, 0);
    bench->now_us += 1;
    bench_settle (bench);
    assert_int_equal (bench->expiries, 1);
}

#define TOGETHER 40

/*  Sessions of one client that were silent for 4 s of a new leader. One KEEPALIVE names each of
 * them twice. Gives how many frames answer it. */
static size_t
s_frames_of_heard (bench_t *bench)
{
    hf_pack_t list;
    hf_pack_init (&list);
    for (uint8_t mark = 1; mark <= TOGETHER; mark++) {
        uint64_t session = bench_open (bench, 1, mark, 10000);
        hf_keep_put (&list, &(hf_keep_t){session, 1});
        hf_keep_put (&list, &(hf_keep_t){session, 1});
    }
    bench_follow (bench, bench->term + 1, 2);
    bench_lead (bench, bench->term + 1, bench->index);
    for (uint32_t i = 0; i < 400; i++, bench->now_us += 10 * MS)
        bench_settle (bench);
    bench_drop_frames (bench);
    hf_keepalive_frame (&bench->pack, &(hf_keepalive_t){7, hf_pack_list (&list)});
    hf_pack_done (&list);
    bench->late_commits = true; //  the barrier passes before the log says that they were heard
    bench_send (bench, 1);
    bench_settle (bench);
    assert_int_equal (bench_kind (bench, 1), 0);
    bench_commit_late (bench);
    bench_settle (bench);
    size_t frames = 0, kept = 0;
    for (; bench_kind (bench, 1) == HF_KIND_ALIVE; frames++) {
        hf_scan_t scan = bench_take (bench, 1, HF_KIND_ALIVE);
        hf_alive_t alive;
        assert_true (hf_alive_get (&scan, &alive));
        assert_int_equal (alive.echo, 7);
        kept += alive.sessions.count;
    }
    assert_int_equal (kept, TOGETHER);
    return frames;
}

/*  P11. A client with many sessions has them answered together after the lead has moved. */
BENCH_TEST (p11_sessions_heard_together_are_answered_together, bench)
{
    assert_int_equal (s_frames_of_heard (bench), 1);
}

BENCH_TEST (p11_sessions_answered_alone_are_many_frames, bench)
{
    hf_mutant = HF_MUTANT_heard_alone;
    assert_int_equal (s_frames_of_heard (bench), TOGETHER);
    hf_mutant = HF_MUTANT_none;
}

/*  P11. A dead session in the queue will hold the lock one day: its time is logged as soon, when
 *  others wait for that lock too. */
BENCH_TEST (p11_a_dead_waiter_among_others_is_marked_as_soon, bench)
{
    dead_t one = s_dead (bench, 10000, true);
    uint64_t more = bench_open (bench, 3, 3, 10000), idle = bench_open (bench, 4, 4, 10000);
    bench_acquire (bench, 3, more, 1, "L");
    bench_acquire (bench, 4, idle, 1, "M");
    bench_settle (bench);
    bench_follow (bench, TERM + 1, 2);
    bench_lead (bench, TERM + 2, bench->index);
    bench_settle (bench);
    bench->now_us += 250 * MS;
    bench_settle (bench);
    const hf_state_t *state = hf_lock_service_state (bench->service);
    assert_int_equal (hf_state_session_ran (state, one.session), 250);
    assert_int_equal (hf_state_session_ran (state, one.waiter), 250);
    assert_int_equal (hf_state_session_ran (state, more), 250);
    assert_int_equal (hf_state_session_ran (state, idle), 0); //  nobody waits for M
}

HF_TEST_MAIN (NULL, NULL)
