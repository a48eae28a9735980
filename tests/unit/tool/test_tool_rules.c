/*  When the processes under a lock are ended: guard and tool in a small world of their own, in
 * which the lease is renewed until something happens. */
#include "client/tool/tool_rules.h"
#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"
#include <inttypes.h>

int hf_mutant = HF_MUTANT_none;

#define NEVER UINT64_MAX

typedef struct life {
    uint32_t ttl_ms, grace_ms;
    //  What happens, and when. A process that is stopped or dead takes no step.
    uint64_t cut_ms;  //  no keepalive is answered any more
    uint64_t heal_ms; //  they are answered again
    uint64_t lost_ms;
    uint64_t guard_stops_ms, guard_dies_ms, tool_stops_ms, tool_dies_ms;
    uint64_t command_ends_ms; //  by itself, and nothing else happens
    uint64_t until_ms;
    bool stubborn; //  the tree survives SIGTERM

    //  What came of it.
    uint64_t deadline_ms; //  as the library knows it
    uint64_t term_ms, kill_ms, end_ms;
    unsigned asks;
    bool told;
} life_t;

static const life_t s_quiet = {.ttl_ms = 10000,
                               .grace_ms = 2000,
                               .cut_ms = NEVER,
                               .heal_ms = NEVER,
                               .lost_ms = NEVER,
                               .guard_stops_ms = NEVER,
                               .guard_dies_ms = NEVER,
                               .tool_stops_ms = NEVER,
                               .tool_dies_ms = NEVER,
                               .command_ends_ms = NEVER,
                               .until_ms = 60000,
                               .stubborn = true};

static void
s_count (life_t *life, unsigned todo, uint64_t now_ms)
{
    life->asks += todo & TOOL_DO_ASK ? 1 : 0;
    if (todo & TOOL_DO_TERM && life->term_ms == NEVER)
        life->term_ms = now_ms;
    if (todo & TOOL_DO_KILL && life->kill_ms == NEVER)
        life->kill_ms = now_ms;
    if (todo & TOOL_DO_TELL)
        life->told = true;
    if (todo & TOOL_DO_END && life->end_ms == NEVER)
        life->end_ms = now_ms;
}

static bool
s_nobody (const life_t *life)
{
    return life->kill_ms != NEVER || (!life->stubborn && life->term_ms != NEVER);
}

static void
s_step (life_t *life, tool_rules_t *rules, tool_event_t event, uint64_t now_ms,
        uint64_t deadline_ms)
{
    if (now_ms == life->command_ends_ms)
        event = TOOL_EVENT_ENDED;
    else if (event == TOOL_EVENT_TIME && now_ms < tool_rules_due_ms (rules) && !s_nobody (life) &&
             deadline_ms > 0)
        return; //  nothing wakes it
    s_count (life, tool_rules_step (rules, event, now_ms, deadline_ms), now_ms);
    if (s_nobody (life))
        s_count (life, tool_rules_step (rules, TOOL_EVENT_NOBODY, now_ms, deadline_ms), now_ms);
}

/*  Each millisecond from 1,000 on. */
static void
s_live (life_t *life)
{
    tool_rules_t guard;
    tool_rules_t tool;
    life->term_ms = life->kill_ms = life->end_ms = NEVER;
    tool_rules_init (&guard, true, life->ttl_ms, life->grace_ms);
    tool_rules_init (&tool, false, life->ttl_ms, life->grace_ms);
    uint64_t begin_ms = 1000;
    uint64_t shared_ms = 0; //  the deadline that the guard sees
    for (uint64_t now_ms = begin_ms; now_ms < life->until_ms && life->end_ms == NEVER; now_ms++) {
        if (now_ms == life->heal_ms || ((now_ms - begin_ms) % (life->ttl_ms / 3) == 0 &&
                                        (now_ms < life->cut_ms || now_ms > life->heal_ms)))
            life->deadline_ms = now_ms + life->ttl_ms / 10 * 9;
        uint64_t lease_ms = now_ms < life->lost_ms ? life->deadline_ms : 0;
        bool tool_runs = now_ms < life->tool_stops_ms && now_ms < life->tool_dies_ms;
        bool guard_runs = now_ms < life->guard_stops_ms && now_ms < life->guard_dies_ms;
        unsigned asks = life->asks;
        if (tool_runs && lease_ms == 0)
            shared_ms = 0;
        if (guard_runs && shared_ms + life->lost_ms > 0)
            s_step (life, &guard, now_ms >= life->tool_dies_ms ? TOOL_EVENT_ALONE : TOOL_EVENT_TIME,
                    now_ms, now_ms == begin_ms ? lease_ms : shared_ms);
        bool asked = life->asks > asks;
        bool looks = asked || now_ms == begin_ms || now_ms >= tool_rules_due_ms (&tool);
        if (tool_runs && looks)
            shared_ms = lease_ms;
        if (tool_runs && life->end_ms == NEVER)
            s_step (life, &tool,
                    now_ms >= life->guard_dies_ms ? TOOL_EVENT_ALONE
                    : asked                       ? TOOL_EVENT_ASKED
                                                  : TOOL_EVENT_TIME,
                    now_ms, lease_ms);
    }
}

//  ---- one of each -----------------------------------------------------------------

static bool
s_kept (void)
{
    life_t life = s_quiet;
    s_live (&life);
    return life.end_ms == NEVER && life.term_ms == NEVER && life.kill_ms == NEVER &&
           life.asks <= 20;
}

/*  SIGTERM with its full grace, and SIGKILL before the deadline. */
static bool
s_cut_off (void)
{
    life_t life = s_quiet;
    life.cut_ms = 20000;
    s_live (&life);
    return life.term_ms != NEVER && life.kill_ms != NEVER && life.kill_ms < life.deadline_ms &&
           life.kill_ms - life.term_ms >= life.grace_ms;
}

static bool
s_ends_on_sigterm (void)
{
    life_t life = s_quiet;
    life.cut_ms = 20000;
    life.stubborn = false;
    s_live (&life);
    return life.end_ms == life.term_ms && life.kill_ms == NEVER;
}

static bool
s_tool_stopped (void)
{
    life_t life = s_quiet;
    life.tool_stops_ms = 20000;
    life.cut_ms = life.tool_stops_ms;
    s_live (&life);
    return life.term_ms != NEVER && life.kill_ms != NEVER && life.kill_ms < life.deadline_ms;
}

static bool
s_tool_dies (void)
{
    life_t life = s_quiet;
    life.tool_dies_ms = life.cut_ms = 20000;
    s_live (&life);
    return life.term_ms == 20000 && life.kill_ms <= 22000 && life.kill_ms < life.deadline_ms;
}

/*  There is no time left for the usual grace. */
static bool
s_tool_dies_late (void)
{
    life_t life = s_quiet;
    life.cut_ms = 20000;
    life.stubborn = true;
    s_live (&life);
    life_t late = s_quiet;
    late.cut_ms = 20000;
    late.tool_dies_ms = life.term_ms - 1;
    late.grace_ms = s_quiet.grace_ms;
    s_live (&late);
    return late.kill_ms < late.deadline_ms && late.term_ms <= life.term_ms;
}

static bool
s_guard_dies (void)
{
    life_t life = s_quiet;
    life.guard_dies_ms = 20000;
    s_live (&life);
    return life.kill_ms == 20000;
}

static bool
s_guard_stopped (void)
{
    life_t life = s_quiet;
    life.guard_stops_ms = life.cut_ms = 20000;
    s_live (&life);
    return life.kill_ms < life.deadline_ms;
}

/*  Others may hold the lock: no grace. */
static bool
s_lost (void)
{
    life_t life = s_quiet;
    life.lost_ms = 20000;
    s_live (&life);
    return life.kill_ms == 20000 && life.term_ms == NEVER;
}

static bool
s_lost_and_guard_stopped (void)
{
    life_t life = s_quiet;
    life.lost_ms = 20000;
    life.guard_stops_ms = 19000;
    s_live (&life);
    return life.kill_ms > 20000 && life.kill_ms <= 21000;
}

static bool
s_no_grace (void)
{
    life_t life = s_quiet;
    life.cut_ms = 20000;
    life.grace_ms = 0;
    s_live (&life);
    return life.term_ms == NEVER && life.kill_ms < life.deadline_ms;
}

static bool
s_command_ends (void)
{
    life_t life = s_quiet;
    life.command_ends_ms = 20000;
    s_live (&life);
    return life.end_ms == 20000 && life.term_ms == NEVER && life.kill_ms == NEVER;
}

/*  The lease is renewed late: after the guard has asked, and before its SIGTERM. */
static bool
s_renewed_late (void)
{
    static const uint32_t ttls_ms[] = {1000, 10000, 60000};
    bool kept = true;
    for (size_t i = 0; i < 3; i++) {
        life_t life = s_quiet;
        life.ttl_ms = ttls_ms[i];
        life.grace_ms = TOOL_GRACE (life.ttl_ms);
        life.cut_ms = 1000 + 4 * life.ttl_ms;
        life.until_ms = life.cut_ms + 3 * life.ttl_ms;
        life_t late = life;
        s_live (&life);
        uint64_t reserve_ms = life.deadline_ms - life.kill_ms;
        for (uint64_t part = 1; part <= 8; part++) {
            life_t healed = late;
            healed.heal_ms = life.term_ms - part * reserve_ms / 9 - 1;
            s_live (&healed);
            kept = kept && healed.term_ms == NEVER && healed.kill_ms == NEVER;
        }
    }
    return kept;
}

static bool (*const s_lives[]) (void) = {
    s_kept,           s_cut_off,      s_ends_on_sigterm, s_tool_stopped, s_tool_dies,
    s_tool_dies_late, s_guard_dies,   s_guard_stopped,   s_lost,         s_lost_and_guard_stopped,
    s_no_grace,       s_command_ends, s_renewed_late,
};

#define LIVES (sizeof s_lives / sizeof *s_lives)

HF_TEST (test_each_life)
{
    for (size_t i = 0; i < LIVES; i++)
        if (!s_lives[i]())
            fail_msg ("life %zu", i);
}

/*  Whenever it happens, and for every TTL: SIGKILL comes before the deadline. */
HF_TEST (test_no_life_passes_the_deadline)
{
    static const uint32_t ttls_ms[] = {1000, 2000, 10000, 60000};
    for (size_t k = 0; k < 4; k++)
        for (unsigned i = 0; i < 200; i++) {
            life_t life = s_quiet;
            life.ttl_ms = ttls_ms[k];
            life.grace_ms = i % 2 ? TOOL_GRACE (life.ttl_ms) : TOOL_GRACE_MOST (life.ttl_ms);
            life.cut_ms = 1000 + life.ttl_ms + i * life.ttl_ms / 150;
            life.until_ms = life.cut_ms + 3 * life.ttl_ms;
            uint64_t *fault = i % 3 == 0   ? &life.tool_stops_ms
                              : i % 3 == 1 ? &life.tool_dies_ms
                                           : &life.guard_stops_ms;
            *fault = life.cut_ms + i % 7 * 10;
            s_live (&life);
            if (life.kill_ms >= life.deadline_ms)
                fail_msg ("ttl %u, life %u: killed at %" PRIu64 ", deadline %" PRIu64, life.ttl_ms,
                          i, life.kill_ms, life.deadline_ms);
        }
}

/*  What cannot be ended is told, and not waited for. */
HF_TEST (test_what_is_left_is_told)
{
    tool_rules_t rules;
    tool_rules_init (&rules, true, 10000, 2000);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 1000, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 1020, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_ENDED, 1021, 0), 0);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 2019, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 2039, 0),
                      TOOL_DO_TELL | TOOL_DO_END);
    //  The first SIGKILL to all took long: they get another one, and their time after that.
    tool_rules_init (&rules, true, 10000, 2000);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 1000, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 5000, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_NOBODY, 5020, 0), TOOL_DO_END);
    tool_rules_init (&rules, true, 10000, 2000);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_HOPELESS, 1000, 9000), 0);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 1000, 0), TOOL_DO_KILL);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_HOPELESS, 1001, 0),
                      TOOL_DO_TELL | TOOL_DO_END);
    assert_int_equal (tool_rules_step (&rules, TOOL_EVENT_TIME, 1002, 0), 0);
}

HF_TEST (test_no_command_begins_without_its_lease)
{
    assert_true (tool_rules_may_start (999, 1000));
    assert_false (tool_rules_may_start (1000, 1000));
    assert_false (tool_rules_may_start (1000, 0));
    hf_mutant = HF_MUTANT_started_late;
    assert_true (tool_rules_may_start (1000, 1000)); //  it is caught
    hf_mutant = HF_MUTANT_none;
}

HF_TEST (test_mutants_are_caught)
{
    static const int mutants[] = {HF_MUTANT_term_at_deadline, HF_MUTANT_grace_past_deadline,
                                  HF_MUTANT_alone_goes_on, HF_MUTANT_guard_trusted,
                                  HF_MUTANT_looks_once};
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        size_t caught = 0;
        hf_mutant = mutants[i];
        for (size_t k = 0; k < LIVES; k++)
            caught += s_lives[k]() ? 0 : 1;
        hf_mutant = HF_MUTANT_none;
        if (caught == 0)
            fail_msg ("mutant %zu is not caught", i);
    }
}

HF_TEST_MAIN (NULL, NULL)
