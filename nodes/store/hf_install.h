/*  hf_install.h - the whole state of another node, received into DIR/incoming and swapped in.
 *
 *  A state stream (docs/protocol.md) is: 8 bytes, big-endian, the size of the head; the head, a
 *  STATE_HEAD record; rows_size bytes of STATE_ROW records; then the bytes of the files, in
 *  the order of head.files. It is written to DIR/incoming/stream as it comes, in any order of
 *  offsets; when all of it is there, checked and synced, it is renamed to DIR/incoming/ready, and
 *  the node starts again. At the start, before anything else is opened, hf_install_pending swaps it
 *  in: the files and databases of the old state go, those of the stream come, the log begins behind
 *  (index, term) with its vote, term and incarnation as they were; then the stream is removed. It
 * can be cut short anywhere: the stream stays until all is on disk, and the next start does it
 * again. A log that has the point (index, term) already is further on: then the stream is thrown
 * away.
 */
#ifndef HF_INSTALL_H_INCLUDED
#define HF_INSTALL_H_INCLUDED

#include "nodes/store/hf_log_store.h"

/*  ---- receiving; the file actor's */
typedef struct hf_incoming hf_incoming_t;

/*  Begin a stream of TOTAL bytes; what was there of another one is removed. NULL with ERROR. */
hf_incoming_t *hf_incoming_new (const char *dir, uint64_t total, char *error);
/*  Removes the stream unless it is ready. */
void hf_incoming_destroy (hf_incoming_t **self_p);
const char *hf_incoming_error (const hf_incoming_t *self);
/*  Bytes at OFFSET, which must be hf_incoming_have. 0; -1: a disk error, or beyond the total. */
int hf_incoming_write (hf_incoming_t *self, uint64_t offset, hf_span_t bytes);
uint64_t hf_incoming_have (const hf_incoming_t *self);
/*  All is there: check it whole (head, rows, every file's checksum), sync it, name it ready.
 *  0; -1: a disk error or a stream that is damaged. */
int hf_incoming_finish (hf_incoming_t *self);

/*  ---- swapping in; main's, with the folder locked and nothing of it open
 *  1: a state was swapped in (*index: as of which entry). 0: there was none. -1 with ERROR. */
int hf_install_pending (const char *dir, uint64_t *index, char *error);

#endif
