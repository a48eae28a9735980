/*  How fast one thread applies, in batches of 256: free locks, sections, and one lock
 *  that everybody wants. Not run by ctest: build and run bench_state [ROUNDS]. */
#include "tests/unit/locks/feed.h"
#include "nodes/services/hf_expiry.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 256

static double
s_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
s_apply (feed_t *feed)
{
    double start = s_now ();
    feed_apply (feed);
    return s_now () - start;
}

static void
s_tell (const char *what, long commands, double seconds)
{
    printf ("%-40s %10.0f/s\n", what, (double)commands / seconds);
}

/*  Acquire 256 locks, append to a file in each section (or not), release them. */
static void
s_free_locks (long rounds, bool append)
{
    feed_t *feed = feed_new (false);
    uint64_t session = feed_open (feed, 1, 10000);
    uint64_t token[BATCH];
    char name[BATCH][32];
    uint8_t data[100] = {1};
    for (int i = 0; i < BATCH; i++)
        snprintf (name[i], sizeof (name[i]), "bench/lock-%d", i);
    double seconds = 0;
    for (long round = 0; round < rounds; round++) {
        feed_start (feed, session);
        for (int i = 0; i < BATCH; i++)
            feed_acquire (feed, name[i], true);
        seconds += s_apply (feed);
        for (int i = 0; i < BATCH; i++)
            token[i] = feed->out.list[i].answer.token;
        feed_start (feed, session);
        for (int i = 0; append && i < BATCH; i++)
            feed_append (feed, name[i], token[i], 0, "file", hf_span (data, sizeof (data)));
        for (int i = 0; i < BATCH; i++)
            feed_release (feed, name[i], token[i], 0);
        seconds += s_apply (feed);
        for (size_t i = 0; i < feed->files_count; i++)
            feed->files[i].size = 0;
    }
    s_tell (append ? "acquire, append 100 bytes, release" : "acquire, release",
            rounds * BATCH * (append ? 3 : 2), seconds);
    feed_destroy (&feed);
}

/*  256 sessions wait for one lock; each release hands it on, and the releaser waits again. */
static void
s_one_lock (long rounds)
{
    feed_t *feed = feed_new (false);
    uint64_t session[BATCH], token = 1;
    for (uint64_t i = 0; i < BATCH; i++) {
        session[i] = feed_open (feed, i + 1, 10000);
        feed_do_acquire (feed, session[i], "the lock", true);
    }
    double seconds = 0;
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < BATCH; i++) {
            feed_start (feed, session[i]);
            feed_release (feed, "the lock", token++, 0);
            feed_acquire (feed, "the lock", true);
        }
        seconds += s_apply (feed);
    }
    s_tell ("hand over one lock, 255 waiting", rounds * BATCH, seconds);
    feed_destroy (&feed);
}

static void
s_heard (long rounds)
{
    hf_expiry_t *expiry = hf_expiry_new ();
    uint64_t now = 0;
    double start = s_now ();
    for (long i = 0; i < rounds * BATCH; i++) {
        hf_expiry_heard (expiry, 1 + (uint64_t)i * 7919 % 10000, 10000, now += 20);
        if (i % BATCH == 0)
            hf_expiry_take (expiry, now);
    }
    s_tell ("heard, 10000 sessions", rounds * BATCH, s_now () - start);
    hf_expiry_destroy (&expiry);
}

int
main (int argc, char **argv)
{
    long rounds = argc > 1 ? atol (argv[1]) : 2000;
    s_free_locks (rounds, false);
    s_free_locks (rounds / 4, true);
    s_one_lock (rounds);
    s_heard (rounds * 4);
    return 0;
}
