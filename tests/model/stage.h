/*  stage.h - one real core, set up from a node of a state, stepped, and written back.
 *
 *  The stage is the driver: it writes what a step wants persisted, reports it as durable and keeps
 *  the messages that matter. Time stands still: nothing was heard for long, nobody waits. */
#ifndef MODEL_STAGE_H_INCLUDED
#define MODEL_STAGE_H_INCLUDED

#include "world.h"
#include "nodes/consensus/hf_core_internal.h"

typedef struct stage {
    hf_core_t *core;
    node_t *node;        //  that it plays, brought up to date by stage_leave
    const entry_t *from; //  the log that entries come from, of the ENTRIES that is stepped
    hf_effects_t *effects;
    hf_pack_t *list;            //  empty, for the entries of a message
    uint64_t voted_incarnation; //  of the candidate to whom a vote was sent; 0: none was
    bool pre_voted;             //  a pre-vote was sent
    uint64_t acked;             //  the index of the last ACK
} stage_t;

/*  Make the cores. PLACE numbers nodes of the state. The JOINERS, as bits by place, have no list.
 */
void stage_open (uint8_t joiners);
void stage_close (void);

void stage_enter (stage_t *stage, node_t *node, size_t place);
void stage_step (stage_t *stage, const hf_event_t *event);
/*  Carry out what the core wants, after functions of the core that are not events. */
void stage_settle (stage_t *stage);
/*  What was persisted is durable, and the core hears of it. */
void stage_durable (stage_t *stage);
void stage_leave (stage_t *stage);

/*  The node starts from its disk, which may be empty. */
void stage_start (node_t *node, size_t place);

#endif
