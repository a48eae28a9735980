/*  check.h - what every test program here includes: cmocka in its right order, and the feed. */
#ifndef CHECK_H_INCLUDED
#define CHECK_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/unit/locks/feed.h"

/*  A test on a feed of its own: the body that follows is given FEED, made by NEW. */
#define FEED_TEST(name, new)                                                                       \
    static void name##_on (feed_t *feed);                                                          \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        feed_t *own = new;                                                                         \
        name##_on (own);                                                                           \
        feed_destroy (&own);                                                                       \
    }                                                                                              \
    static void name##_on (feed_t *feed)

#endif
