/*  check.h - what every test program here includes: cmocka in its right order, and the feed. */
#ifndef CHECK_H_INCLUDED
#define CHECK_H_INCLUDED

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/unit/locks/feed.h"

#endif
