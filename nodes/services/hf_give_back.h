/*  hf_give_back.h - when to give memory back to the machine.
 *
 *  The allocator keeps what was freed, for the next one. After a flood that is much, and the
 * machine has other programs.
 */
#ifndef HF_GIVE_BACK_H_INCLUDED
#define HF_GIVE_BACK_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_GIVE_BACK_LOOK_US 5000000     //  between two looks
#define HF_GIVE_BACK_SPARE   (24U << 20) //  as much is kept, and a quarter of what is in use
#define HF_GIVE_BACK_WAIT    12          //  looks, at most, when little could be given back

//  All zero at the begin.
typedef struct hf_give_back {
    uint32_t wait; //  looks until it is tried again
    uint32_t next; //  how many then
} hf_give_back_t;

/*  Of RESIDENT bytes of memory, USED are in use. True: give back what can be given back. */
bool hf_give_back_look (hf_give_back_t *self, size_t resident, size_t used);

#endif
