/*  field.h - what the tests of the members share: a cluster, an operator with the tool, and clients
 *  that write, whose history is judged in the end.
 *
 *      field_t field = {0};
 *      field_begin (&field, 3, 4);             //  nodes 1 to 3, spare 4 to 7
 *      field_client (&field, field_list (&field));
 *      ...
 *      field_end (&field);                     //  the verdict
 *      field_clear (&field);                   //  in the teardown
 *
 *  What must hold fails the test.
 */
#ifndef MEMBERS_FIELD_H_INCLUDED
#define MEMBERS_FIELD_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/lostfound/client.h"
#include "tests/kit/hf_process.h"

#define FIELD_CLIENTS  8
#define FIELD_LIMIT_MS 30000

typedef struct field {
    hf_cluster_t *cluster;
    hf_recorder_t *recorder;
    char history[512];
    char list[FIELD_CLIENTS][128]; //  of each client
    uint32_t ttl_ms;               //  of the sessions of clients to come; 0: by chance
    hf_test_client_t client[FIELD_CLIENTS];
    uint32_t clients;
    atomic_bool stop;
    char output[4096]; //  of the last command that was waited for
} field_t;

/*  Start nodes 1 to FOUNDERS, and wait until node 1 leads; SPARES more are apart. */
void field_begin (field_t *self, unsigned founders, unsigned spares);

/*  One more client, which works until the end and must succeed there, with this list. */
void field_client (field_t *self, const char *list);

/*  The list of one node alone, where it is now; until the next call. */
const char *field_one (const field_t *self, uint32_t id);

/*  Wait until every client has released one more section than it had at the call. */
void field_flow (field_t *self);

/*  The clients end well. How many of their calls failed, or locks were lost: none when a majority
 * was well all the time. */
uint64_t field_stop (field_t *self);
/*  Nodes end up equal, clients end well, and the history is judged against the disks of all nodes
 *  that are not apart, before and after all of these are killed once more. */
void field_end (field_t *self);
void field_clear (field_t *self);

//  ---- the operator -----------------------------------------------------------------

/*  `holdfast members` with these words, which end with NULL, asked of LIST; it must end with CODE,
 *  with TEXT (NULL: anything) in what it says. When that is 0, it is asked again and again while
 * too few members have caught up: one may have been killed a moment before. */
void field_members (field_t *self, const char *list, int code, const char *text, ...)
    __attribute__ ((sentinel));
/*  The same in the background; the caller destroys it. */
hf_process_t *field_members_start (field_t *self, const char *list, ...) __attribute__ ((sentinel));
/*  It must end by itself with CODE. */
void field_wait (hf_process_t **process, int code);

/*  Node ID leads, as the operator asks LIST for: by itself it may not for minutes, when it had the
 *  lead from another node and was moved a moment later. */
void field_lead (field_t *self, const char *list, uint32_t id);

/*  ID@PLACE of a node, where it is now; until the next call. */
const char *field_named (const field_t *self, uint32_t id);

/*  Start the spare node ID, which asks VIA for its place, and add it, asking LIST: it votes. */
void field_add (field_t *self, const char *list, uint32_t id, uint32_t via);
/*  Remove node ID, asking LIST. It ends. */
void field_remove (field_t *self, const char *list, uint32_t id);
/*  Node ID has been removed: it ends with code 0 and says why, and is apart. */
void field_gone (field_t *self, uint32_t id);

/*  Whether `holdfast members` of LIST says of node ID that it is where it is now, and votes. */
bool field_votes (field_t *self, const char *list, uint32_t id);

/*  SIGKILL the leader and start it again. Its id. */
uint32_t field_kill_leader (field_t *self);

#endif
