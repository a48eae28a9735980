/*  hf_facts.h - what a node reports of itself to a status query: every fact, in one table.
 *
 *  A FACT_ROW carries the key of a fact and its text or number. The actor named in the table fills
 *  the fact in. Programs that show facts take the unit from here; keys that they do not find are
 *  of another version and have no unit. docs/operating.md lists the same rows (a test compares).
 */
#ifndef HF_FACTS_H_INCLUDED
#define HF_FACTS_H_INCLUDED

#include "msgs/hf_msg.h"
#include "msgs/hf_times.h"

//  M (key, unit, owner, help). A fact whose unit is TEXT has a text.
#define HF_FACT_TABLE(M)                                                                           \
    M (node, ID, LOCK, "the node's own id")                                                        \
    M (role, TEXT, ELECTION, "`leader`, `candidate` or `follower`")                                \
    M (leader, ID, ELECTION, "the node that leads; 0: unknown")                                    \
    M (led_ms, MS, ELECTION, "so long it has known that leader; 0: it knows none")                 \
    M (term, COUNT, ELECTION, "the term it is in")                                                 \
    M (first_index, INDEX, ELECTION, "the oldest entry in its log")                                \
    M (last_index, INDEX, ELECTION, "the newest entry in its log")                                 \
    M (commit_index, INDEX, ELECTION, "the newest entry that it knows to be committed")            \
    M (flushed_index, INDEX, ELECTION, "the lock state on its disk is of this entry")              \
    M (links_up, COUNT, ELECTION, "other nodes that hear it and that it hears")                    \
    M (reached, TEXT, ELECTION,                                                                    \
       "each member, the entry up to which it is known to have the log, and `!` if not heard")     \
    M (not_counted, TEXT, ELECTION,                                                                \
       "ids of nodes whose disk is not the one on record: they do not vote")                       \
    M (incarnation, HASH, ELECTION,                                                                \
       "a random number of its disk, as `holdfast members --json` shows it")                       \
    M (level, COUNT, ELECTION, "the feature level in force, by the newest roster in its log")      \
    M (speaks, COUNT, ELECTION, "the highest feature level that it speaks")                        \
    M (names, TEXT, ELECTION, "what is wrong with the names in the list; 0: nothing")              \
    M (sync_ms, MS, ELECTION, "what a sync of its log took in the last minutes; 0: not known")     \
    M (slowed_ms, MS, ELECTION, "it proposed more slowly for a node that did not catch up")        \
    M (sync_time, TIMES, ELECTION, "a sync of its log")                                            \
    M (commit_time, TIMES, ELECTION, "as leader: from an entry's append until a majority had it")  \
    M (dropped_peer_frames, TOTAL, ELECTION, "frames of other nodes that it could not use")        \
    M (applied_index, INDEX, LOCK, "the newest entry in its lock state")                           \
    M (command_index, INDEX, LOCK, "the newest entry that changed it")                             \
    M (state_hash, HASH, LOCK, "equal on all nodes with the same `applied_index`")                 \
    M (sessions, COUNT, LOCK, "open sessions")                                                     \
    M (answers, COUNT, LOCK, "kept for clients that may ask again")                                \
    M (locks, COUNT, LOCK, "locks that are held or waited for")                                    \
    M (holds, COUNT, LOCK, "places at locks that hold")                                            \
    M (waiting, COUNT, LOCK, "places at locks that wait")                                          \
    M (last_token, COUNT, LOCK, "the newest token: it rises with each grant in the cluster")       \
    M (ttl_restarts, COUNT, LOCK, "sessions whose TTL began anew when it took the lead")           \
    M (ttl_resumed, COUNT, LOCK, "sessions whose TTL went on then, as a leader had logged")        \
    M (staged_bytes, BYTES, LOCK, "appended in critical sections that are not over")               \
    M (clients, COUNT, LOCK, "clients that it talks to")                                           \
    M (dropped_frames, TOTAL, LOCK, "frames of clients that it could not use")                     \
    M (connections, COUNT, LOCK, "open connections at its port for clients")                       \
    M (connections_max, COUNT, LOCK,                                                               \
       "so many fit at least: the limit on open files, or `--connections`")                        \
    M (refused_connections, TOTAL, LOCK, "connections beyond that, since it was started")          \
    M (received_bytes, BYTES, LOCK, "come from clients and not handled yet")                       \
    M (waiting_bytes, BYTES, LOCK, "answers that clients have not read yet")                       \
    M (cut_clients, TOTAL, LOCK,                                                                   \
       "clients cut off: they did not read, or did not end what they sent")                        \
    M (cut_handshakes, TOTAL, LOCK,                                                                \
       "connections cut off or refused: too many did not end their handshake, `--handshakes`")     \
    M (limited_connections, TOTAL, LOCK,                                                           \
       "connections refused: too many of one user, `--user-connections`")                          \
    M (limited_sessions, TOTAL, LOCK, "openings refused: too many of one user, `--user-sessions`") \
    M (limited_requests, TOTAL, LOCK,                                                              \
       "frames of requests refused: one user asked too often, `--user-rate`")                      \
    M (request_time, TIMES, LOCK, "as leader: from a request for the log until its answer")        \
    M (barrier_time, TIMES, LOCK, "as leader: until a majority confirmed that it leads")           \
    M (wait_time, TIMES, LOCK, "as leader: in the queue of a lock, of those that were granted")    \
    M (hold_time, TIMES, LOCK, "as leader: a lock was held")                                       \
    M (uptime_ms, MS, LOCK, "since it was started")                                                \
    M (encrypted, COUNT, LOCK,                                                                     \
       "1: it speaks CURVE, and lets in whose keys it has; 0: it does not")                        \
    M (insecure, COUNT, LOCK, "1: other machines reach it without keys (`--insecure`)")            \
    M (version, TEXT, LOCK, "of holdfastd")                                                        \
    M (endpoint, TEXT, LOCK, "where clients reach it")

//  M (unit, name). TOTAL: it only rises as long as the node runs. TIMES: a histogram (hf_times.h),
//  whose text has the counts and whose number is the sum in microseconds.
#define HF_UNIT_TABLE(M)                                                                           \
    M (TEXT, "text")                                                                               \
    M (ID, "node id")                                                                              \
    M (INDEX, "index")                                                                             \
    M (COUNT, "number")                                                                            \
    M (TOTAL, "total")                                                                             \
    M (BYTES, "bytes")                                                                             \
    M (MS, "milliseconds")                                                                         \
    M (TIMES, "histogram")                                                                         \
    M (HASH, "64 bits, shown in hex")

typedef enum hf_fact_unit {
#define HF_UNIT_ENUM(unit, name) HF_UNIT_##unit,
    HF_UNIT_TABLE (HF_UNIT_ENUM)
#undef HF_UNIT_ENUM
} hf_fact_unit_t;

typedef enum hf_fact_owner { HF_OWNER_ELECTION = 1, HF_OWNER_LOCK, HF_OWNER_FILE } hf_fact_owner_t;

typedef enum hf_fact {
#define HF_FACT_ENUM(key, unit, owner, help) HF_FACT_##key,
    HF_FACT_TABLE (HF_FACT_ENUM)
#undef HF_FACT_ENUM
        HF_FACT_COUNT
} hf_fact_t;

typedef struct hf_fact_info {
    const char *key, *help;
    hf_fact_unit_t unit;
    hf_fact_owner_t owner;
} hf_fact_info_t;

extern const hf_fact_info_t hf_facts[HF_FACT_COUNT];

/*  The row of KEY; NULL: none. */
const hf_fact_info_t *hf_fact_find (hf_span_t key);

/*  Add a FACT_ROW to the list ROWS. */
void hf_fact_put (hf_pack_t *rows, hf_fact_t fact, const char *text, uint64_t number);
void hf_fact_put_times (hf_pack_t *rows, hf_fact_t fact, const hf_times_t *times);

/*  Its name as a metric of Prometheus, which ends with its unit and, if it only rises, with _total.
 *  False: it is no metric. */
#define HF_METRIC_SIZE 96
bool hf_fact_metric (const hf_fact_info_t *fact, char name[HF_METRIC_SIZE]);

#endif
