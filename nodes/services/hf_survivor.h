/*  hf_survivor.h - the one disk that is left of a cluster begins a new one (design, "One disk is
 *  left").
 *
 *  Pure: whether that can be, and the two entries that are appended to its log for it, in a new
 *  term:
 *    - A ROSTER of level 1 or more that names this node alone, with a new incarnation, and so with
 *      a new cluster id.
 *    - A CMD_SKIP: the others may have given out tokens and session ids that this disk never heard
 *      of.
 *  The caller appends both, the term, the vote for itself and the incarnation in one transaction.
 *  With that log the node elects itself, and so commits all that is in it.
 */
#ifndef HF_SURVIVOR_H_INCLUDED
#define HF_SURVIVOR_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_survivor {
    uint32_t self;        //  this node's id
    uint64_t incarnation; //  that its disk has
    hf_log_state_t log;
    uint64_t last_term; //  of the last entry, or of the base
    hf_span_t roster;   //  payload of the last ROSTER entry of the log; empty: there is none
    //  Where the node is from now on. The host is empty: where that roster says.
    hf_span_t host;
    uint32_t client_port, node_port;
} hf_survivor_t;

typedef enum hf_survival {
    HF_SURVIVAL_CAN = 0,
    HF_SURVIVAL_UNFORMED, //  the log names no members: it never was that of a member
    HF_SURVIVAL_STRANGER, //  its members are others: this node was removed
    HF_SURVIVAL_ALONE,    //  it needs nobody else as it is
    HF_SURVIVAL_NEWER,    //  the feature level is one that this release does not speak
    HF_SURVIVAL_NO_PLACE, //  the roster does not say where the node is
} hf_survival_t;

/*  ROSTER gets the last one of the log, unless it is UNFORMED. */
hf_survival_t hf_survivor_judge (const hf_survivor_t *self, hf_roster_t *roster);

/*  The term of both entries. */
uint64_t hf_survivor_term (const hf_survivor_t *self);

/*  The roster of the new cluster; SELF was judged CAN, and INCARNATION is a new one. */
hf_roster_t hf_survivor_roster (const hf_survivor_t *self, uint64_t incarnation);

/*  Pack the ENTRY records to be appended, in order. */
void hf_survivor_entries (const hf_survivor_t *self, uint64_t incarnation, hf_pack_t *entries);

#endif
