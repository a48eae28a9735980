/*  hf_replies.h - the reply cache of one session: answers that its client may ask for again.
 *
 *  Exactly once rests on it: an answer is dropped only when the client's floor says that it was
 *  received. Answers live in a ring by seq, bounded by the window [floor, floor + HF_WINDOW_MAX).
 */
#ifndef HF_REPLIES_H_INCLUDED
#define HF_REPLIES_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_replies {
    uint64_t floor;    //  lowest seq whose answer the client may lack
    hf_answer_t *ring; //  by seq modulo room; seq 0: empty
    uint32_t room;     //  0 or a power of two
    uint32_t count;
} hf_replies_t;

typedef enum hf_seq_state {
    HF_SEQ_NEW = 1, //  not seen yet: execute it
    HF_SEQ_KNOWN,   //  executed: repeat its answer
    HF_SEQ_STALE,   //  below the floor: its answer was received
    HF_SEQ_BEYOND,  //  too far ahead of the floor
} hf_seq_state_t;

void hf_replies_init (hf_replies_t *self);
void hf_replies_done (hf_replies_t *self);

/*  Forget answers below FLOOR. A floor never falls. */
void hf_replies_raise (hf_replies_t *self, uint64_t floor);

/*  How many answers there are, or for how many there is room if that is much. */
uint32_t hf_replies_weight (const hf_replies_t *self);

hf_seq_state_t hf_replies_state (const hf_replies_t *self, uint64_t seq);

/*  The answer of a KNOWN seq; valid until the next change. */
const hf_answer_t *hf_replies_find (const hf_replies_t *self, uint64_t seq);

/*  Keep the answer of a seq that is NEW. */
void hf_replies_keep (hf_replies_t *self, const hf_answer_t *answer);

void hf_replies_check (const hf_replies_t *self);

#endif
