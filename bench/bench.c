/*  What all parts of holdfast-bench use: messages, the clock, signals, clients. */

#include "bench/bench.h"
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

void
hf_bench_say (const char *format, ...)
{
    va_list args;
    va_start (args, format);
    fputs ("holdfast-bench: ", stderr);
    vfprintf (stderr, format, args);
    fputc ('\n', stderr);
    va_end (args);
}

uint64_t
hf_bench_now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void
s_ending_signals (sigset_t *set)
{
    sigemptyset (set);
    sigaddset (set, SIGINT);
    sigaddset (set, SIGTERM);
    sigaddset (set, SIGHUP);
}

void
hf_bench_signals_block (void)
{
    sigset_t set;
    s_ending_signals (&set);
    int rc = pthread_sigmask (SIG_BLOCK, &set, NULL);
    assert (rc == 0);
}

bool
hf_bench_interrupted (uint32_t limit_ms)
{
    static bool s_asked;
    uint64_t end_ns = hf_bench_now_ns () + (uint64_t)limit_ms * 1000000;
    sigset_t set;
    s_ending_signals (&set);
    while (!s_asked) {
        uint64_t now_ns = hf_bench_now_ns ();
        uint64_t left_ns = now_ns < end_ns ? end_ns - now_ns : 0;
        struct timespec wait = {.tv_sec = (time_t)(left_ns / 1000000000),
                                .tv_nsec = (long)(left_ns % 1000000000)};
        if (sigtimedwait (&set, NULL, &wait) > 0)
            s_asked = true;
        else if (errno == EAGAIN)
            break;
        else
            assert (errno == EINTR);
    }
    return s_asked;
}

const char *
hf_bench_command_name (hf_bench_command_t command)
{
    static const char *const names[] = {"unknown",  "cycle", "handoff",
                                        "failover", "soak",  "catchup"};
    return names[command];
}

hf_client_t *
hf_bench_client (const char *endpoints)
{
    char error[HF_CLIENT_ERROR_SIZE];
    hf_client_options_t options = {.size = sizeof options, .endpoints = endpoints};
    hf_client_t *client = hf_client_new (&options, error);
    if (!client)
        hf_bench_say ("%s", error);
    return client;
}
