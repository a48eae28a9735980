/*  hf_lease.h - until when a session may rely on its locks: the client's own deadline.
 *
 *  The cluster ends a session no earlier than its TTL after it took the last keepalive (P9).
 *  The client cannot see when that was, but it SENT the keepalive earlier. So the deadline is the
 *  time of sending + TTL - margin; the margin (TTL / 10) covers different clock
 *  rates and the delay of a last write.
 *  Once past, it stays past: an acknowledgement that comes later revives nothing.
 *
 *  Pure: the caller gives the time. hf_lease_alive and hf_lease_remaining_us may be called from
 *  any thread, the others from the client's own only.
 */
#ifndef HF_LEASE_H_INCLUDED
#define HF_LEASE_H_INCLUDED

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_lease {
    _Atomic uint64_t deadline_us; //  0: over, for good
    uint64_t ttl_us;
    uint64_t margin_us;
} hf_lease_t;

/*  The opening was sent at SENT_US. */
void hf_lease_init (hf_lease_t *self, uint32_t ttl_ms, uint64_t sent_us);

/*  What was sent at SENT_US is acknowledged now. False: too late, the lease is over. */
bool hf_lease_renew (hf_lease_t *self, uint64_t sent_us, uint64_t now_us);

/*  Whether the locks may be relied on. The first to see the deadline pass ends the lease for all.
 */
bool hf_lease_alive (hf_lease_t *self, uint64_t now_us);
uint64_t hf_lease_remaining_us (hf_lease_t *self, uint64_t now_us);

/*  The cluster says that the session is over. */
void hf_lease_end (hf_lease_t *self);

uint64_t hf_lease_deadline_us (hf_lease_t *self); //  0: over
uint64_t hf_lease_interval_us (const hf_lease_t *self);

#endif
