/*  hf_test.h - what every test program includes: cmocka, and the C library that it leans on. */
#ifndef HF_TEST_H_INCLUDED
#define HF_TEST_H_INCLUDED

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#endif
