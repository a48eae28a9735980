/*  check.h - what every test program here includes: cmocka in its right order, and the feed. */
#ifndef CHECK_H_INCLUDED
#define CHECK_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "tests/unit/locks/feed.h"

#endif
