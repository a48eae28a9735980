/*  hf_status.h - every status code of the service and its text, in one table; the modes of
 *  locks; and what can happen to a lock or a file.
 *
 *  Ordinals travel on the wire: they are explicit and never reused.
 *  0..15 are answers to a request that went through, 16..63 refusals by a node,
 *  64..95 are given by the client library alone and never travel.
 */
#ifndef HF_STATUS_H_INCLUDED
#define HF_STATUS_H_INCLUDED

#include <stdint.h>

#define HF_STATUS_TABLE(S)                                                                         \
    S (OK, 0, "done")                                                                              \
    S (QUEUED, 1, "waiting in the queue")                                                          \
    S (NOT_GRANTED, 2, "the lock is held by another session")                                      \
    S (NOT_HOLDER, 16, "you do not hold this lock")                                                \
    S (SESSION_EXPIRED, 17, "the session has ended or never was")                                  \
    S (TOO_LARGE, 18, "larger than the limit for one request or one section")                      \
    S (BAD_NAME, 19, "a name must be 1 to 255 bytes of UTF-8 without control characters")          \
    S (BAD_REQUEST, 20, "a field of the request is out of range")                                  \
    S (NOT_LEADER, 21, "this node does not lead the cluster")                                      \
    S (BUSY, 22, "the node has too much waiting; try again later")                                 \
    S (MALFORMED, 23, "the message is not what the protocol says")                                 \
    S (BAD_VERSION, 24, "this version of the protocol is not spoken here")                         \
    S (UNKNOWN, 25, "no such request in this version of the protocol")                             \
    S (LIMIT, 26, "the limit on sessions, locks or requests in flight is reached")                 \
    S (NOT_FOUND, 27, "there is nothing of that name")                                             \
    S (BAD_TTL, 28, "a time to live must be 1 s to 10 min")                                        \
    S (STALE, 29, "the client has said that it received the answer to this request")               \
    S (CONFLICT, 30, "the lock is used with another limit of units")                               \
    S (DEADLOCK, 31, "the wait would never end: others wait for what this session holds")          \
    S (OVERLAP, 32, "the session has a part of this already, or has it in another mode")           \
    S (BAD_NOTE, 33, "a note must be at most 1024 bytes of UTF-8 without control characters")      \
    S (BAD_LABEL, 34, "a label must be at most 255 bytes of UTF-8 without control characters")     \
    S (GAP, 35, "what happened before is not kept any more: read, and watch from there")           \
    S (CHANGING, 36, "another change of the members is under way: ask again when it is done")      \
    S (LEVEL, 37,                                                                                  \
       "not at this feature level: let every node run the newer version, then raise the level")    \
    S (NO_MEMBER, 38, "the cluster has no member with this id")                                    \
    S (ID_TAKEN, 39, "a member at another place has this id: take another id, or move that one")   \
    S (PLACE_TAKEN, 40, "another member is at this host and port: remove or move that one first")  \
    S (MEMBERS_FULL, 41, "the cluster has 7 members, and takes no more: remove one first")         \
    S (LAST_VOTER, 42, "nobody would be left who votes: add a member first")                       \
    S (NO_MAJORITY, 43,                                                                            \
       "too few of the members that would be left are up and caught up: start them, or wait")      \
    S (NO_PLACE, 44, "this node does not know the places of all members: start it with them all")  \
    S (BAD_PLACE, 45,                                                                              \
       "a place is a host name or address, and two ports: HOST:CLIENT_PORT:NODE_PORT")             \
    S (CANNOT_LEAD, 46,                                                                            \
       "that member cannot lead now: it does not vote, is drained, is not reached, or is behind")  \
    S (ALL_DRAINED, 47,                                                                            \
       "no member would be left that is not drained: take that off another first")                 \
    S (DENIED, 48, "the user of this key has not the right to do it")                              \
    S (TIMEOUT, 64, "not done within the caller's limit")                                          \
    S (LOST, 65, "the lock is lost: its session's lease ran out")                                  \
    S (UNREACHABLE, 66, "no node of the cluster can be reached")                                   \
    S (CLOSED, 67, "the client or session was closed")                                             \
    S (INVALID, 68, "an argument is not valid")                                                    \
    S (UNDECIDED, 69, "it cannot be known whether the request took effect")                        \
    S (FULL, 70, "no node that can be reached takes another connection")

typedef enum hf_status {
#define HF_STATUS_ENUM(name, ordinal, text) HF_##name = (ordinal),
    HF_STATUS_TABLE (HF_STATUS_ENUM)
#undef HF_STATUS_ENUM
} hf_status_t;

//  What a place at a lock asks for. EXCLUSIVE takes the whole lock; SHARED takes units of it.
#define HF_MODE_TABLE(M) M (EXCLUSIVE, 0, "exclusive") M (SHARED, 1, "shared")

typedef enum hf_mode {
#define HF_MODE_ENUM(name, ordinal, text) HF_MODE_##name = (ordinal),
    HF_MODE_TABLE (HF_MODE_ENUM)
#undef HF_MODE_ENUM
} hf_mode_t;

//  What a watch is told of.
enum { HF_WATCH_LOCKS = 1, HF_WATCH_FILES = 2 };

#define HF_HAPPENED_TABLE(H)                                                                       \
    H (QUEUED, 1, "queued")     /*  a claim waits */                                               \
    H (GRANTED, 2, "granted")   /*  it holds; of a token that held already: in another mode */     \
    H (RELEASED, 3, "released") /*  a hold was given up, by whomever */                            \
    H (LOST, 4, "lost")         /*  a hold's session expired */                                    \
    H (REOPENED, 5, "reopened") /*  what was LOST for a while is closed no more */                 \
    H (LEFT, 6, "left")         /*  a claim waits no more, and was not granted */                  \
    H (NOTED, 7, "noted")       /*  a claim has another note */                                    \
    H (APPENDED, 8, "appended") /*  a section reached a file; files are numbered by themselves */

typedef enum hf_what_happened {
    HF_HAPPENED_NOTHING = 0,
#define HF_HAPPENED_ENUM(name, ordinal, text) HF_HAPPENED_##name = (ordinal),
    HF_HAPPENED_TABLE (HF_HAPPENED_ENUM)
#undef HF_HAPPENED_ENUM
} hf_what_happened_t;

/*  Its name, for people and JSON; "unknown" for a number not in the table. */
const char *hf_happened_name (uint32_t what);

/*  The name of a mode, for people and JSON; "unknown" for a number not in the table. */
const char *hf_mode_name (uint32_t mode);

/*  The text of a status, for people; "unknown status" for a number not in the table. */
const char *hf_status_text (hf_status_t status);

/*  The name of a status as in this table ("NOT_HOLDER"), for logs and JSON. */
const char *hf_status_name (hf_status_t status);

#endif
