/*  hf_pace.h - the leader proposes a little more slowly while a member does not catch up.
 *
 *  A member that was away gets what it missed while the load goes on. When the load is all that the
 *  others' disks take, and its own disk is no better, the distance never shrinks. Then the leader
 *  pauses between proposals, longer and longer, until the distance shrinks: at most six times as
 *  long as a sync of its own disk takes, so about a quarter of the load goes on; but no proposal
 * waits longer than a second for that, as sessions end by proposals, too. It ends when the member
 * has caught up, is heard no more, or does not catch up even so: then nobody is waited for for five
 * minutes.
 */
#ifndef HF_PACE_H_INCLUDED
#define HF_PACE_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

#define HF_PACE_LOOK_US 500000    //  between two looks at the distance
#define HF_PACE_STEPS   24        //  each is a quarter of a sync
#define HF_PACE_WAIT_US 1000000   //  the longest that a proposal waits
#define HF_PACE_VAIN_US 60000000  //  at the last step, without coming nearer
#define HF_PACE_REST_US 300000000 //  after that

typedef struct hf_pace {
    uint32_t step;          //  0: no pause
    uint32_t node;          //  that is waited for
    uint64_t distance;      //  as last seen: entries that it has not
    uint64_t commit;        //  then
    uint64_t look_us;       //  the next look
    uint64_t next_us;       //  no proposal before
    uint64_t emptied_us;    //  when none waited
    uint64_t vain_us;       //  a look since it is at the last step; 0: none, or it came nearer
    uint64_t vain_distance; //  then
    uint64_t rest_us;       //  nobody is waited for before
    uint64_t since_us;      //  when STEP rose from 0
    uint64_t slowed_us;     //  of all times before
} hf_pace_t;

typedef enum hf_pace_news {
    HF_PACE_NOTHING = 0,
    HF_PACE_SLOWS = 1, //  for self->node
    HF_PACE_ENDS = 2,  //  it has caught up, or is not heard
    HF_PACE_GIVES_UP = 3
} hf_pace_news_t;

/*  Nobody is waited for: this node does not lead. */
void hf_pace_clear (hf_pace_t *self, uint64_t now_us);

/*  NODE, of those that are heard and get what they miss from the log, has the least: up to INDEX;
 *  0: there is none. COMMIT is what is committed. No effect before the next look is due. */
hf_pace_news_t hf_pace_look (hf_pace_t *self, uint32_t node, uint64_t index, uint64_t commit,
                             uint64_t now_us);

/*  No proposal waits, or all were made. */
void hf_pace_emptied (hf_pace_t *self, uint64_t now_us);

/*  Something was proposed. A sync of this node's disk takes SYNC_US. */
void hf_pace_proposed (hf_pace_t *self, uint64_t sync_us, uint64_t now_us);

/*  Whether of what waits a part is made when the next proposal is due; else all of it at once. */
bool hf_pace_in_parts (const hf_pace_t *self, uint64_t now_us);

/*  When the next proposal is due, if any waits. */
uint64_t hf_pace_due_us (const hf_pace_t *self);

/*  How long it has been slow since the start, in all. */
uint64_t hf_pace_slowed_us (const hf_pace_t *self, uint64_t now_us);

#endif
