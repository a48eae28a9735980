/*  hf_busy.h - the busiest locks of late, a bounded list: how often each was held, and for how long
 *  together it was waited for and held.
 *
 *  HF_BUSY_LOCKS places, each for one lock. A lock that is not in the list takes the place of the
 * one with the lowest score, and goes on from that score (the "space saving" algorithm): so
 * whatever is used more often than once in HF_BUSY_LOCKS holds is in the list. Scores are halved
 * each minute; what is told of a lock counts from when it came into the list.
 */
#ifndef HF_BUSY_H_INCLUDED
#define HF_BUSY_H_INCLUDED

#include "msgs/hf_msg.h"

#define HF_BUSY_LOCKS 20
#define HF_BUSY_LEAST 10 //  holds before a lock is told: others may be there by chance

typedef struct hf_busy_lock {
    uint64_t holds, wait_us, hold_us;
    uint8_t size; //  0: the place is free
    uint8_t name[255];
} hf_busy_lock_t;

typedef struct hf_busy {
    //  Of each place, and apart from the rest: all of them are looked at whenever a hold ends.
    uint64_t hashes[HF_BUSY_LOCKS], scores[HF_BUSY_LOCKS];
    uint64_t least; //  no score is lower
    size_t next;    //  where to look for one that is as low
    hf_busy_lock_t locks[HF_BUSY_LOCKS];
    uint64_t halved_us; //  when scores were halved last
} hf_busy_t;

/*  A hold of the lock has ended at NOW_US, after HOLD_US. HASH: of its name. */
void hf_busy_held (hf_busy_t *self, hf_span_t name, uint64_t hash, uint64_t hold_us,
                   uint64_t now_us);
/*  Somebody was granted it after WAIT_US in its queue: counted when it is in the list. */
void hf_busy_waited (hf_busy_t *self, uint64_t hash, uint64_t wait_us);

/*  Pack a BUSY_ROW for each that was held HF_BUSY_LEAST times, in no order. */
void hf_busy_rows (const hf_busy_t *self, hf_pack_t *rows);

#endif
