/*  hf_wal.h - is SQLite's write-ahead log whole?
 *
 *  SQLite takes the first frame that does not match its checksum for the torn end of the log and
 *  drops it with all that follows, silently. After a power cut that is right: what was torn was
 *  not synced, so it was not acknowledged. After damage in the middle it would drop commits that
 *  were acknowledged. The two differ: we write no commit before the one before it is
 *  synced, so behind a torn frame there is the end of its own transaction at most. Two commits or
 *  more behind a bad frame are damage.
 *  (Damage of the very last commit looks like a torn one, and is taken for it.)
 */
#ifndef HF_WAL_H_INCLUDED
#define HF_WAL_H_INCLUDED

/*  PATH of the database, before it is opened. 0, also when there is no WAL; -1 with one line in
 *  ERROR (HF_ERROR_SIZE bytes). */
int hf_wal_check (const char *path, char *error);

#endif
