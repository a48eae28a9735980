/*  moves.h - what can happen next in a state, and what then does. */
#ifndef MODEL_MOVES_H_INCLUDED
#define MODEL_MOVES_H_INCLUDED

#include "world.h"

typedef enum move_kind {
    MOVE_STAND = 1, //  WHO stands in term BY
    MOVE_ELECT,     //  WHO stands in term BY and wins with the votes of the places HOW, as bits
    MOVE_ASK,       //  the request of candidate BY arrives at WHO
    MOVE_WIN,       //  the votes that were given arrive at WHO, which wins
    MOVE_ENTRIES,   //  the first COUNT entries of the leader of term BY arrive at WHO
    MOVE_COMMIT,    //  the acknowledgements arrive at WHO, which commits
    MOVE_TICK,    //  a heartbeat of WHO is due; before, the ack of disk BY arrives, unless it is 0
    MOVE_CHANGE,  //  an operator asks WHO for change BY
    MOVE_DURABLE, //  what WHO wrote is on its disk
    MOVE_CRASH,   //  WHO ends and starts again
    MOVE_WIPE,    //  and its disk is lost
} move_kind_t;

//  Of WIN and COMMIT: of a node that has two disks, the message of the lost one arrives.
#define MOVE_LOST 1U
//  Of ENTRIES: with the leader's commit index; without, they were sent before that rose.
#define MOVE_TOLD 1U

typedef struct move {
    uint8_t kind, who, by, how; //  HOW: of ENTRIES, COUNT << 1 besides
} move_t;

typedef struct moves {
    size_t count;
    move_t list[256];
    size_t cut; //  moves that the bounds of a log forbid
} moves_t;

void moves_find (const world_t *world, const bounds_t *bounds, moves_t *moves);
/*  Make it in WORLD. False: it changes nothing that counts. */
bool moves_make (world_t *world, const bounds_t *bounds, move_t move);
void moves_text (const world_t *world, const bounds_t *bounds, move_t move, char *text,
                 size_t size);

#endif
