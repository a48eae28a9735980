/*  peer.h - the same loads as holdfast-bench's cycle and handoff, against another lock service.
 *
 *  peer_load.c has the threads, the clock, the histograms and main; each service brings the four
 *  functions below. A worker is a thread, and calls them from it alone.
 */
#ifndef HF_BENCH_PEER_H_INCLUDED
#define HF_BENCH_PEER_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

typedef struct peer_options {
    const char *places; //  HOST:PORT,HOST:PORT: the servers
    const char *load;   //  cycle: a lock for each worker; handoff: one for all
    uint32_t workers, seconds, warmup;
    uint32_t ttl_ms;
    uint64_t run; //  names this run's locks apart from those of any other
} peer_options_t;

typedef struct peer_worker peer_worker_t;

/*  The lock of worker NUMBER is LOCK, at most 47 bytes of letters, digits and '-'. OPTIONS stays
 *  valid. NULL: reported on stderr. Called for one worker after the other, before any acquires. */
peer_worker_t *peer_open (const peer_options_t *options, uint32_t number, const char *lock);
/*  Wait until it is held; give it back. False: reported. */
bool peer_acquire (peer_worker_t *self);
bool peer_release (peer_worker_t *self);
void peer_close (peer_worker_t **self_p);

/*  One line on stderr. */
void peer_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
uint64_t peer_now_ns (void);

#endif
