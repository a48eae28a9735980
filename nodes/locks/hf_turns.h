/*  hf_turns.h - a line from which anybody may leave: how many are before one.
 *
 *  Who joins gets a ticket, from 1 on, in order. Each call takes O(log room): the tickets that are
 *  left are counted in a tree (Fenwick, "A new data structure for cumulative frequency tables",
 *  1994). When all tickets are given, the line must begin again with new ones.
 */
#ifndef HF_TURNS_H_INCLUDED
#define HF_TURNS_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

typedef struct hf_turns {
    uint32_t *counts; //  [i]: of the tickets that end at i; [0] is not used. NULL: no line
    uint32_t room;    //  tickets that can be given; a power of 2
    uint32_t last;    //  that was given
} hf_turns_t;

/*  An empty line with at least ROOM tickets to give. */
void hf_turns_begin (hf_turns_t *self, uint32_t room);
void hf_turns_done (hf_turns_t *self);

/*  0: all are given. */
uint32_t hf_turns_join (hf_turns_t *self);
/*  TICKET must be in the line. */
void hf_turns_leave (hf_turns_t *self, uint32_t ticket);
/*  How many in the line have a ticket up to this one. */
uint32_t hf_turns_upto (const hf_turns_t *self, uint32_t ticket);

#endif
