/*  hf_choice.h - which node the client believes to lead, and when to ask around.
 *
 *  Pure: time, what links and nodes do come in; the target and the nodes to probe come out.
 *  A probe is a cheap question that only a leader answers (the query LEADER): the leader answers
 *  it behind a barrier, any other node refuses at once and names the leader it follows.
 *
 *  A redirect (leader, term) is followed at once, unless that node has itself refused in that
 *  term, fell silent in it or is not connected: then its own answer to a probe
 *  decides. So two nodes that point at each other cost a probe every few ms, and no storm.
 *
 *  A client that has nothing under way rests: it asks around seldom, so that thousands of them
 * leave an election alone. Its first round is put off by a random time; the nodes that refuse it
 * then tell it of the next leader unasked. Nodes are counted by slots, of which some may be free.
 */
#ifndef HF_CHOICE_H_INCLUDED
#define HF_CHOICE_H_INCLUDED

#include "base/hf_heap.h"
#include "base/hf_random.h"
#include "msgs/hf_limits.h"
#include <stdbool.h>

typedef struct hf_choice {
    uint32_t id[HF_MEMBERS_MAX]; //  0: the slot is free, and never connected
    bool connected[HF_MEMBERS_MAX];
    uint64_t refused_term[HF_MEMBERS_MAX]; //  the last term + 1 in which it said no; 0: never
    int target;                            //  -1: none is believed in
    int suspect;                           //  fell silent in suspect_term; -1: none
    uint64_t suspect_term;
    bool doubt;       //  the target owes answers: another that leads in a later term is believed
    uint64_t term;    //  the highest received
    uint64_t epoch;   //  rises when everything undecided must be sent (again) to the target
    uint32_t attempt; //  rounds of probes since a leader answered
    uint32_t probes;  //  bits: nodes to probe at the next tick
    uint64_t round_at_us;
    uint64_t rest_us; //  it rests: no more than that between two rounds; 0: it does not
    uint32_t rests;   //  rounds put off or made at rest since a leader answered
    hf_random_t random;
} hf_choice_t;

void hf_choice_init (hf_choice_t *self, const uint32_t *ids, uint32_t count, uint64_t seed);

/*  NODE, a slot that is free, is that of ID; NODE is free again. */
void hf_choice_add (hf_choice_t *self, uint32_t node, uint32_t id);
void hf_choice_remove (hf_choice_t *self, uint32_t node, uint64_t now_us);

void hf_choice_connected (hf_choice_t *self, uint32_t node);
void hf_choice_broken (hf_choice_t *self, uint32_t node, uint64_t now_us);
/*  NODE refused with NOT_LEADER. LEADER_ID 0: none; its own: it leads now. */
void hf_choice_refused (hf_choice_t *self, uint32_t node, uint32_t leader_id, uint64_t term,
                        uint64_t now_us);
/*  NODE answered as only a leader does. */
void hf_choice_answered (hf_choice_t *self, uint32_t node);
/*  The target owes answers, and takes long: ask the others, once, whether they know better. */
void hf_choice_doubt (hf_choice_t *self);
/*  The target owes answers and has given none for too long. */
void hf_choice_silent (hf_choice_t *self, uint64_t now_us);

/*  While no node is believed in, before each tick. REST_US: nothing is under way, and rounds may be
 * so far apart; 0, or hardly more than a quick round takes: they go at the pace of an election. */
void hf_choice_pace (hf_choice_t *self, uint64_t rest_us, uint64_t now_us);
/*  The nodes to probe now, as bits. */
uint32_t hf_choice_tick (hf_choice_t *self, uint64_t now_us);
/*  When to tick next; 0: at once. */
uint64_t hf_choice_due_us (const hf_choice_t *self);

#endif
