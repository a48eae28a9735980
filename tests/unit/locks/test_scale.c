/*  Long queues and many holders: a step at a lock takes as long with 32,000 places as with 500, but
 *  for the depth of a tree and the processor's caches. `test_state_scale N...` prints the times
 *  with N, half of them holders, of sessions that detect rings.
 */
#include "base/hf_mutant.h"
#include "tests/unit/locks/check.h"
#include "base/hf_random.h"
#include <time.h>

enum { FEW = 500, MANY = 32000, STEPS = 60, ROUNDS = 5, RATIO_MAX = 6 };

int hf_mutant = HF_MUTANT_none;
static bool s_detect, s_half;

typedef struct scale {
    feed_t *feed;
    uint64_t holders, waiters; //  sessions 1 to HOLDERS hold "a", the next WAITERS wait
    uint64_t spare;            //  a session that has nothing
    hf_random_t random;
} scale_t;

static hf_answer_t
s_claim (scale_t *self, uint64_t session, uint32_t units)
{
    hf_place_t place = {.lock = hf_span_text ("a"),
                        .mode = units > 0 ? HF_MODE_SHARED : HF_MODE_EXCLUSIVE,
                        .units = units};
    feed_start (self->feed, session);
    feed_claim (self->feed, &place, 1, true);
    feed_apply (self->feed);
    return *feed_answer (self->feed, 0);
}

static scale_t
s_begin (uint64_t holders, uint64_t waiters)
{
    scale_t self = {.feed = feed_new (false), .holders = holders, .waiters = waiters};
    self.feed->detect = s_detect;
    for (uint64_t i = 1; i <= holders + waiters + 1; i++)
        feed_open (self.feed, i, 10000);
    for (uint64_t i = 1; i <= holders + waiters; i++) {
        hf_answer_t answer = s_claim (&self, i, i != holders + 1);
        assert_int_equal (answer.status, i <= holders ? HF_OK : HF_QUEUED);
    }
    self.spare = holders + waiters + 1;
    return self;
}

//  ---- steps: each leaves as many holders and waiters as there were ------------------------------

/*  One that waits, neither first nor last. */
static uint64_t
s_waiter (scale_t *self)
{
    return self->holders + 2 + hf_random_below (&self->random, self->waiters - 2);
}

/*  The last comes, and goes. */
static void
s_join (scale_t *self)
{
    assert_int_equal (s_claim (self, self->spare, 1).position, self->waiters + 1);
    feed_do_abandon (self->feed, self->spare, "a");
}

/*  One goes from the middle, and comes again as the last; another asks for its position. */
static void
s_leave (scale_t *self)
{
    uint64_t session = s_waiter (self);
    feed_do_abandon (self->feed, session, "a");
    assert_int_equal (s_claim (self, session, 1).position, self->waiters);
    assert_in_range (s_claim (self, s_waiter (self), 1).position, 2, self->waiters);
}

/*  The same, asked with a keepalive. */
static void
s_keepalive (scale_t *self)
{
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    uint64_t session = s_waiter (self);
    feed_do_abandon (self->feed, session, "a");
    s_claim (self, session, 1);
    assert_true (hf_state_session_places (self->feed->state, s_waiter (self), &held, &queued));
    assert_int_equal (queued.count, 1);
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

/*  A holder goes, and another one comes when the first waiter has given way. */
static void
s_release (scale_t *self)
{
    uint64_t first = self->holders + 1, holder = 1 + hf_random_below (&self->random, self->holders);
    hf_pack_t held, queued;
    hf_pack_init (&held);
    hf_pack_init (&queued);
    hf_granted_t grant;
    assert_true (hf_state_session_places (self->feed->state, holder, &held, &queued));
    hf_scan_t scan = hf_scan_list (hf_pack_list (&held));
    assert_true (hf_granted_get (&scan, &grant));
    assert_int_equal (feed_do_release (self->feed, holder, "a", grant.token), HF_OK);
    feed_do_abandon (self->feed, first, "a");
    assert_int_equal (s_claim (self, holder, 1).status, HF_OK);
    assert_int_equal (s_claim (self, first, 0).status, HF_QUEUED);
    hf_pack_done (&held);
    hf_pack_done (&queued);
}

/*  A holder asks for the whole lock, in front of all, and gives up. */
static void
s_upgrade (scale_t *self)
{
    uint64_t holder = 1 + hf_random_below (&self->random, self->holders);
    assert_int_equal (s_claim (self, holder, 0).position, 1);
    assert_in_range (s_claim (self, s_waiter (self), 1).position, 2, self->waiters + 1);
    feed_do_abandon (self->feed, holder, "a");
}

typedef void (scale_fn) (scale_t *self);

static const struct {
    const char *name;
    scale_fn *fn;
    bool holders, waiters; //  there are many
} s_steps[] = {
    {"leave", s_leave, false, true},         {"join", s_join, true, true},
    {"keepalive", s_keepalive, false, true}, {"release", s_release, true, false},
    {"upgrade", s_upgrade, true, true},
};

//  ---- time -------------------------------------------------------------------------------

static uint64_t
s_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/*  Nanoseconds of a step, with N places in all: of the fastest round. */
static uint64_t
s_measure (size_t step, uint64_t n)
{
    uint64_t best = UINT64_MAX, holders = s_steps[step].waiters ? 10 : n - 1;
    if (s_half || (s_steps[step].holders && s_steps[step].waiters))
        holders = n / 2;
    scale_t scale = s_begin (holders, n - holders);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t begin = s_now_ns ();
        for (unsigned i = 0; i < STEPS; i++)
            s_steps[step].fn (&scale);
        uint64_t took = (s_now_ns () - begin) / STEPS;
        best = took < best ? took : best;
    }
    feed_destroy (&scale.feed);
    return best;
}

/*  How many of the steps take much longer with many places. */
static size_t
s_slow (size_t steps)
{
    size_t slow = 0;
    for (size_t step = 0; step < steps; step++) {
        uint64_t few = s_measure (step, FEW), many = s_measure (step, MANY);
        printf ("%s: %u ns with %u places, %u ns with %u\n", s_steps[step].name, (unsigned)few, FEW,
                (unsigned)many, MANY);
        slow += many > few * RATIO_MAX;
    }
    return slow;
}

HF_TEST (p12_a_step_does_not_go_through_all_places)
{
    assert_int_equal (s_slow (sizeof s_steps / sizeof *s_steps), 0);
}

HF_TEST (the_mutant_that_walks_through_queues_is_seen)
{
    hf_mutant = HF_MUTANT_queue_walked;
    assert_int_equal (s_slow (1), 1);
    hf_mutant = HF_MUTANT_none;
}

int
main (int argc, char **argv)
{
    s_detect = s_half = argc > 1;
    for (int i = 1; i < argc; i++)
        for (size_t step = 0; step < sizeof s_steps / sizeof *s_steps; step++)
            printf ("%s with %s places: %u ns\n", s_steps[step].name, argv[i],
                    (unsigned)s_measure (step, strtoull (argv[i], NULL, 10)));
    return argc > 1 ? 0 : hf_test_run (NULL, NULL);
}
