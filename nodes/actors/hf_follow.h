/*  hf_follow.h - whom the mesh connects to: the members that the roster in the log names, and who
 *  else for a while. No socket, no clock.
 *
 *    - The cluster list that the node was started with counts until the log has a roster of level 1
 *      that names this node: one that joins reads old rosters first, with members that left or
 * moved long ago.
 *    - What that list names and the roster does not stays until a leader that the roster names was
 *      heard and the roster is committed: a node that was away may find the others by the list
 * only.
 *    - A roster that is not committed may be cut from the log, so nobody is left because of it.
 *    - A former member is not left while it leads: it hands over.
 *    - What a member said, at the start or later, about a roster that is not in the log yet goes
 *      before older rosters: members may have moved while this node was away.
 *    - A node that is called at another place by a committed roster has to start again there.
 *    - The id of the cluster counts when its roster is committed, and if it was sure at the start:
 *      before that another leader may still make another one.
 */
#ifndef HF_FOLLOW_H_INCLUDED
#define HF_FOLLOW_H_INCLUDED

#include "broker-less/hf_endpoints.h"

/*  What the rosters of a log say about the id of the cluster. */
typedef struct hf_follow_id {
    uint64_t cluster; //  out: 0: not sure
    bool listed;      //  the last one was of level 0
} hf_follow_id_t;

/*  The next roster of the log, ascending; APPLIED: it is known to be committed. Of a roster with
 *  another one behind it that is sure, too, and so is the id of the first of all: it was made of
 *  the disks that all voted, and would be made the same again. */
void hf_follow_id_take (hf_follow_id_t *self, const hf_roster_t *roster, bool applied);

typedef struct hf_follow {
    hf_endpoint_t own;    //  where this node is called; the host "": not known
    hf_endpoints_t hints; //  the cluster list, or the nodes that were named to one that joins
    hf_endpoints_t told;  //  the members by the roster at TOLD_INDEX
    uint64_t told_index;
    hf_endpoints_t members; //  out: to be followed
    uint64_t cluster;       //  out: the id of the cluster; 0: not sure
    uint32_t unreadable;    //  out: members whose place cannot be read
    bool moved;             //  out: the cluster calls this node at another place than OWN

    //  As of the last call.
    bool started, settled, committed, news;
    uint64_t index;
    uint32_t leader;
} hf_follow_t;

/*  CLUSTER: its id, as known at the start; 0: not sure. */
void hf_follow_init (hf_follow_t *self, const hf_endpoint_t *own, const hf_endpoints_t *hints,
                     uint64_t cluster);

/*  Rosters before INDEX are old, the one there, which is committed, names these MEMBERS. */
void hf_follow_told (hf_follow_t *self, const hf_endpoints_t *members, uint64_t index);

/*  ROSTER, NULL if there is none, is at INDEX; COMMIT: what is committed; LEADER 0: not known. The
 *  first call is that of the start. Whether the mesh is to be told. */
bool hf_follow_roster (hf_follow_t *self, const hf_roster_t *roster, uint64_t index,
                       uint64_t commit, uint32_t leader);

#endif
