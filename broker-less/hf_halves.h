/*  hf_halves.h - connections whose handshake has not ended, of one port, oldest first; and which of
 *  them goes when they are too many. Pure.
 *
 *  A handshake takes milliseconds: one that takes long is a stranger's, or its end is gone. So the
 *  oldest is cut off for a new one. When even that one is young, so many come at once that those
 * who are under way are left to end theirs, and the new one is refused.
 */
#ifndef HF_HALVES_H_INCLUDED
#define HF_HALVES_H_INCLUDED

#include "base/hf_array.h"
#include <stdbool.h>
#include <stdint.h>

#define HF_HALF_YOUNG_US 50000

typedef struct hf_half {
    bool in;
    int before, after; //  descriptors; -1: none
    uint64_t since_us;
} hf_half_t;

typedef struct hf_halves {
    HF_ARRAY (hf_half_t) list; //  by descriptor
    int first, last;
    uint32_t count;
} hf_halves_t;

//  LIST is the caller's to free.
void hf_halves_init (hf_halves_t *self);

/*  The connection FD, which is not in, has begun its handshake. */
void hf_halves_add (hf_halves_t *self, int fd, uint64_t now_us);
/*  It has ended that, or is closed; no effect if it is not in. */
void hf_halves_drop (hf_halves_t *self, int fd);

typedef enum hf_half_step {
    HF_HALF_TAKE = 0, //  there is room for one more
    HF_HALF_CUT = 1,  //  if *oldest is cut off
    HF_HALF_REFUSE = 2
} hf_half_step_t;

/*  Another one comes, and MOST may be there (0: any number). One that has been there for less than
 *  YOUNG_US is not cut off. */
hf_half_step_t hf_halves_next (const hf_halves_t *self, uint32_t most, uint64_t young_us,
                               uint64_t now_us, int *oldest);

#endif
