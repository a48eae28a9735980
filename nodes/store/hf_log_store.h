/*  hf_log_store.h - the durable log and vote of a node, in one SQLite database.
 *
 *  One connection, WAL mode, synchronous=FULL (design 6). The election actor
 *  owns it. Opening checks every entry's checksum and that indexes have no
 *  gap, and runs wal_checkpoint(TRUNCATE) before it returns: after a kill inside
 *  COMMIT the reopened database shows rows that are not yet on disk.
 *
 *  Errors: 0 or -1; hf_log_store_error says what, in one line for people. After a
 *  failed write the store is unusable and the caller ends the process.
 */
#ifndef HF_LOG_STORE_H_INCLUDED
#define HF_LOG_STORE_H_INCLUDED

#include "base/hf_error.h"
#include <stddef.h>
#include "msgs/hf_msg.h"

typedef struct hf_log_store hf_log_store_t;

/*  Open or create DIR/log.db. NULL on failure, with one line in ERROR (HF_ERROR_SIZE bytes):
 *  what is wrong and the way out (a damaged log: wipe this node's folder). */
hf_log_store_t *hf_log_store_open (const char *dir, char *error);
void hf_log_store_close (hf_log_store_t **self_p);

const char *hf_log_store_error (const hf_log_store_t *self);

/*  The log as it is, the open transaction included; after a failure, as of the last commit. */
const hf_log_state_t *hf_log_store_state (const hf_log_store_t *self);
/*  A random number made with the database: a node that lost its disk gets another (design 4.6). */
uint64_t hf_log_store_incarnation (const hf_log_store_t *self);

/*  A node starts on it: how often that was, one more now, and a random number of this start are
 *  durable when it returns, before anything is said. Once after opening; not to look at it. */
int hf_log_store_begin (hf_log_store_t *self);
/*  Gives the number of this start, 0 before the first, and its random number. */
uint64_t hf_log_store_start (const hf_log_store_t *self, uint64_t *life);
/*  The folder is an old copy: draw another incarnation, which has voted for nobody. Durable when it
 *  returns; there must be no open transaction. */
int hf_log_store_disown (hf_log_store_t *self);

/*  The runs of equal terms, ascending: FN is called for each. */
typedef void (hf_span_fn) (void *arg, uint64_t first_index, uint64_t term);
int hf_log_store_spans (hf_log_store_t *self, hf_span_fn *fn, void *arg);

/*  The ROSTER entries that are in force at the base or lie behind it, ascending: FN is
 *  called for each. The first may be at or before the base. */
typedef void (hf_roster_fn) (void *arg, uint64_t index, hf_span_t payload);
void hf_log_store_rosters (const hf_log_store_t *self, hf_roster_fn *fn, void *arg);

/*  The node and the cluster list that this data belongs to: stored at the first start, compared at
 *  the next. LIST is NULL: any list, as the roster in the log decides. -1 when it is another one,
 *  with the error set. */
int hf_log_store_bind (hf_log_store_t *self, uint32_t id, const char *list);

/*  The node's id, 0 when the data is not bound yet, and its cluster list. */
uint32_t hf_log_store_bound (const hf_log_store_t *self, const char **list);

/*  What hf_log_store_bound gives as the list of data that a cluster was begun with anew: no list
 *  names its members. */
#define HF_LOG_RENEWED "begun anew with one disk"

//  One transaction: opened by the first of these, ended by commit. Nothing is durable before.
int hf_log_store_vote (hf_log_store_t *self, uint64_t term, hf_member_t voted_for);
int hf_log_store_truncate (hf_log_store_t *self, uint64_t from_index);
/*  INDEX must be the last index + 1 (asserted). */
int hf_log_store_append (hf_log_store_t *self, uint64_t index, const hf_entry_t *entry);
/*  Delete entries from the front, at most MOST of them, none above UPTO, and none of the newest
 *  ones that make KEEP_BYTES together (counted roughly, in runs of 64 KiB). Gives how many were
 *  deleted, or -1. The base moves in the same transaction. */
int hf_log_store_prune (hf_log_store_t *self, uint64_t upto, uint64_t keep_bytes, uint32_t most);
/*  The state on this disk is made of the entries up to INDEX: they were committed, and to truncate
 *  one of them fails. */
void hf_log_store_applied (hf_log_store_t *self, uint64_t index);
/*  Forget all entries: the log begins behind (INDEX, TERM), ROSTER is the payload in force there
 *  (empty: none). Term, vote and incarnation stay; the term rises to TERM, with no vote, if it is
 *  lower. */
int hf_log_store_reset (hf_log_store_t *self, uint64_t index, uint64_t term, hf_span_t roster);
/*  The data, which are bound, have another incarnation, drawn here, and HF_LOG_RENEWED for a list.
 */
int hf_log_store_renew (hf_log_store_t *self);
int hf_log_store_commit (hf_log_store_t *self);
/*  Begin the next transaction now, while nobody waits for it: it costs a third of an append. Writes
 *  nothing, and opens none in the sense of the others. */
int hf_log_store_ready (hf_log_store_t *self);

/*  Pack ENTRY records from FIRST on into PACK: at least one, then as long as the
 *  pack stays below BYTES, up to LAST. Sees the open transaction. Gives how
 *  many, or -1 (also on a checksum that does not match: the entry is not given out). */
int hf_log_store_read (hf_log_store_t *self, uint64_t first, uint64_t last, size_t bytes,
                       hf_pack_t *pack);

#endif
