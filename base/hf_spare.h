/*  hf_spare.h - memory for things that come and go all the time: a block that is given is kept for
 *  the next that is taken of its size, as long as not too many are kept.
 *
 *  A block takes what hf_alloc would take for it, and has no head of its own.
 */
#ifndef HF_SPARE_H_INCLUDED
#define HF_SPARE_H_INCLUDED

#include <stddef.h>

#define HF_SPARE_SIZES 16            //  16 bytes apart; a larger block is not kept
#define HF_SPARE_BYTES (256U << 10U) //  that are kept of all sizes together

//  All zero at the begin.
typedef struct hf_spare {
    void *kept[HF_SPARE_SIZES]; //  each begins with the address of the next
    size_t bytes;               //  of them
} hf_spare_t;

void hf_spare_done (hf_spare_t *self);

/*  SIZE bytes of zeros. The caller gives them back, with the same SIZE, or calls free (). */
void *hf_spare_take (hf_spare_t *self, size_t size);
void hf_spare_give (hf_spare_t *self, void *memory, size_t size);

#endif
