/*  play.h - test help: sessions that open, lock, append, release, repeat themselves and end, at
 *  random or as bytes say. Each entry is applied to a checked feed and to the model (model.h): they
 *  must agree in every outcome and in all that can be read.
 */
#ifndef PLAY_H_INCLUDED
#define PLAY_H_INCLUDED

#include "base/hf_random.h"
#include "tests/unit/locks/feed.h"
#include "tests/unit/locks/model.h"
#include "tests/unit/locks/view.h"

typedef struct play {
    feed_t *feed;
    model_t *model;
    view_t *view;
    hf_random_t random;
    const uint8_t *at, *end; //  bytes to decide by; NULL: at random
    uint64_t max_live;       //  how many sessions it keeps alive
    uint64_t locks;          //  how many locks it uses: few make long queues
    unsigned ends;           //  of 100 steps, how many end a session
    unsigned claims, shared; //  of 100 acquires, how many are CLAIMs; of 100 places, SHARED
    unsigned sets;           //  of 100 claims, how many may be of several locks
    uint64_t limit;          //  of most SHARED places
    unsigned owned;          //  of 100 sessions, how many are a user's
    unsigned detect, acting; //  of 100 sessions, how many detect rings; of claims, act for others
    unsigned delayed;        //  of 100 sessions, how many ask for a delay
    bool unchecked;          //  nothing is compared
} play_t;

play_t play_at_random (uint64_t seed);
/*  Zeros come when the bytes have ended. */
play_t play_by_bytes (const uint8_t *data, size_t size);
void play_done (play_t *self);

/*  Apply the commands that were put into the feed, as one entry, and compare. */
void play_apply (play_t *self);

/*  One entry: a few commands, or now and then a roster. */
void play_entry (play_t *self);

#endif
