/*  hf_slow.h - what a log says of slow things, and not too often: the rules, in virtual time.
 *
 *  A thing is said at most once in HF_SLOW_AGAIN_US. What happens in between is counted, and said
 *  with the next that may be said.
 */
#ifndef HF_SLOW_H_INCLUDED
#define HF_SLOW_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

#define HF_SLOW_AGAIN_US 60000000
#define HF_SLOW_SYNC_US  500000  //  a sync that takes so long is slow
#define HF_SLOW_TURN_US  500000  //  so is a turn, without its sync
#define HF_SLOW_WAKE_US  1000000 //  so late is a wake-up worth a line
#define HF_JUMP_US       1000000 //  so is a jump of the wall clock
#define HF_FLAPS         4       //  ends of a link in HF_SLOW_AGAIN_US

typedef struct hf_slow {
    uint64_t said_us;  //  when it was said last; 0: never
    uint64_t count;    //  since then
    uint64_t worst_us; //  of these
} hf_slow_t;

/*  It took US. Whether that is LIMIT_US or more, and may be said now; then *told is what there was
 *  since the last time, this one included. */
bool hf_slow_look (hf_slow_t *self, uint64_t us, uint64_t limit_us, uint64_t now_us,
                   hf_slow_t *told);

typedef struct hf_flaps {
    uint64_t since_us; //  the first of them
    uint32_t count;
} hf_flaps_t;

/*  A link went down. Whether it did so HF_FLAPS times within HF_SLOW_AGAIN_US: true once, then all
 *  begins anew behind that time. */
bool hf_flaps_down (hf_flaps_t *self, uint64_t now_us);

typedef struct hf_jumps {
    bool known;
    int64_t ahead_us; //  the wall clock of the other one
    hf_slow_t slow;
} hf_jumps_t;

/*  It was WALL_US by the wall clock at some moment between BEFORE_US and NOW_US. Whether it jumped
 *  since it was looked at last, and that may be said now: *by_us is by how much, forwards or (below
 *  0) backwards. Nothing is concluded when that moment is not known well. */
bool hf_jumps_look (hf_jumps_t *self, uint64_t wall_us, uint64_t before_us, uint64_t now_us,
                    int64_t *by_us);

#endif
