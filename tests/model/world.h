/*  world.h - a state of the small system that test_joint_model explores: a few nodes, what is on
 *  its way between them, and what history has shown. All of it is bytes without padding, so that
 *  equal states are equal bytes.
 *
 *  A DISK is a number: disk D belongs to the node whose id is world_id (D). Disk D + NODES is the
 *  next one of the same node. 0 is none. Terms and indexes are as in the core. */
#ifndef MODEL_WORLD_H_INCLUDED
#define MODEL_WORLD_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODES ((uint8_t)4) //  processes
#define DISKS ((uint8_t)8) //  as bits in a byte
#define TERMS ((uint8_t)6) //  0 to 5

enum {
    LENGTH = 12, //  of a log
    ROSTERS = 8, //  that a core remembers
};

/*  WHAT: 0: OPEN_TERM; else the number of a ROSTER payload (papers.h). */
typedef struct entry {
    uint8_t term, what;
} entry_t;

typedef struct roster_at {
    uint8_t index, what;
} roster_at_t;

typedef struct node {
    uint8_t disk; //  0: there is no such node
    uint8_t term, voted;
    uint8_t saved_term, saved_voted; //  on its disk
    uint8_t role;                    //  hf_role_t
    uint8_t length, durable, commit, verified;
    uint8_t open;     //  of a leader
    uint8_t granted;  //  of a candidate: its own vote, if that counts
    uint8_t promised; //  of one without a roster: whose second disk gave it the pre-vote
    uint8_t rosters;
    entry_t log[LENGTH];
    roster_at_t roster[ROSTERS];
} node_t;

/*  What a disk has sent and what may still arrive: by term the disks that it voted for, as bits,
 *  and the highest index that it acknowledged. */
typedef struct mail {
    uint8_t votes[TERMS], acks[TERMS];
} mail_t;

/*  The ENTRIES of a leader that leads no more: every beginning of its log. */
typedef struct sent {
    uint8_t disk; //  0: nothing is on its way
    uint8_t length, commit;
    entry_t log[LENGTH];
} sent_t;

typedef struct world {
    node_t nodes[NODES];
    mail_t mail[DISKS + 1]; //  by disk
    sent_t sent[TERMS];
    uint8_t led[TERMS]; //  the disk that has led it
    //  What was committed, and in which term it first was.
    uint8_t sure_count;
    entry_t sure[LENGTH];
    uint8_t sure_term[LENGTH];
    uint8_t crashes, wipes, admissions; //  that may still happen
    uint8_t highest;                    //  term so far, when terms follow each other
} world_t;

/*  What bounds an exploration. */
typedef struct bounds {
    uint8_t terms;      //  the last one in which somebody may stand
    uint8_t crashes;    //  of any node, which restarts from its disk
    uint8_t wipes;      //  nodes that lose their disk
    uint8_t wipes_of;   //  which nodes may, as bits by place in nodes[]
    uint8_t admissions; //  joint rosters that leaders begin by themselves
    uint8_t same;       //  of the nodes 1 to 3 those that may change names, as bits by place
    bool in_order;      //  terms follow each other: see test_joint_model.c
    bool whole_repair;  //  repair ends at the leader's last entry, not before its first
    bool keeps_all;     //  messages stay on their way although their sender is in a later term
    uint8_t joiners;    //  nodes that are started without a list, as bits by place in nodes[]
    const struct hf_change *changes; //  what operators ask for, of any leader, at any time
    size_t changes_count;
} bounds_t;

uint32_t world_id (uint8_t disk);
uint64_t world_incarnation (uint8_t disk);
/*  0: none has it. */
uint8_t world_disk (uint64_t incarnation);

/*  The place of the node that leads TERM; NODES: none does. */
size_t world_leader (const world_t *world, uint8_t term);
/*  The place of the node that runs on DISK now; NODES: the disk is gone, or not there yet. */
size_t world_place (const world_t *world, uint8_t disk);

/*  Forget what nothing can depend on any more, so that states which differ in it alone are one. */
void world_canonical (world_t *world, const bounds_t *bounds);
uint64_t world_hash (const world_t *world);

/*  One node in words. */
void world_text (const world_t *world, size_t place, char *text, size_t size);

#endif
