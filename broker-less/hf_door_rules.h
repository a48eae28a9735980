/*  hf_door_rules.h - what the door decides, as pure functions: how many connections fit into the
 *  limit on open files, which answer still fits into memory, and which client is cut off.
 */
#ifndef HF_DOOR_RULES_H_INCLUDED
#define HF_DOOR_RULES_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

//  ---- descriptors --------------------------------------------------------------------

#define HF_CONNECTIONS_MAX 20000 //  of clients, whatever the limit on open files

/*  How a node divides its descriptors. accept() gives the lowest free number, so a connection whose
 *  number is TOP or above is one too many: the numbers above stay free for what comes next. */
typedef struct hf_door_plan {
    uint64_t files;       //  the limit that is needed for HF_CONNECTIONS_MAX
    uint32_t least;       //  a node needs this limit to start
    uint32_t clients_top; //  connections of clients are below this
    uint32_t peers_top;   //  and those of other nodes below this: the rest is for files
    uint32_t clients;     //  so many clients fit at least
} hf_door_plan_t;

/*  FILES: the limit on open files. False: a node of a cluster of NODES cannot start with it; of the
 *  plan only the first two fields are set. */
bool hf_door_plan (uint64_t files, uint32_t nodes, hf_door_plan_t *plan);

/*  Whether a connection that was accepted as descriptor FD is kept. */
bool hf_door_fits (int fd, uint32_t top);

/*  Whether a user who HAS connections has enough, when one may have MOST; 0: any number. */
bool hf_door_crowded (uint32_t has, uint32_t most);

//  ---- answers that wait ----------------------------------------------------------------

#define HF_DOOR_CLIENT_BYTES (32U << 20)  //  that wait for one client; a frame may pass it
#define HF_DOOR_ALL_BYTES    (256U << 20) //  and for all
#define HF_DOOR_SMALL_BYTES  (64U << 10)  //  a client for which less than this waits gets answers
#define HF_DOOR_SPARE_BYTES  (64U << 20)  //  from this room, too, when that of all is used up
#define HF_DOOR_STALL_US     5000000      //  a client that takes nothing for so long is cut off
#define HF_DOOR_HURRY_US     2000000      //  when half of the room of all is used up

/*  What a frame of SIZE bytes costs while it waits. */
size_t hf_door_cost (size_t size);

/*  Whether a client for which OWED bytes wait gets another frame, when ALL bytes wait for all. */
bool hf_door_admits (size_t owed, size_t all);

/*  How much of the time between two looks at the clients counts for cutting them off. While the
 *  process stood still nobody saw who read. */
uint64_t hf_door_watched_us (uint64_t since_us);

/*  Whether a client for which OWED bytes wait and that has taken none for STALLED_US, of the time
 *  that counts, is cut off. */
bool hf_door_cuts (size_t owed, size_t all, uint64_t stalled_us);

#endif
