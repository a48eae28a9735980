/*  hf_snapshot_stage.h - a snapshot that is being received, in a file of its own in the data
 * folder.
 *
 *  It is written to DIR/incoming/stream as it comes. When it is whole and checked, it is synced and
 *  renamed to DIR/incoming/ready, and the node starts again: hf_snapshot_install.h.
 */
#ifndef HF_SNAPSHOT_STAGE_H_INCLUDED
#define HF_SNAPSHOT_STAGE_H_INCLUDED

#include "base/hf_error.h"
#include "base/hf_span.h"

#define HF_STAGE_FOLDER  "incoming"
#define HF_STAGE_PARTIAL "incoming/stream" //  still coming in
#define HF_STAGE_READY   "incoming/ready"  //  whole and durable

typedef struct hf_snapshot_stage hf_snapshot_stage_t;

/*  Begin one of TOTAL bytes in DIR; what was there of another one is removed. NULL with ERROR. */
hf_snapshot_stage_t *hf_snapshot_stage_new (const char *dir, uint64_t total,
                                            char error[HF_ERROR_SIZE]);
/*  Removes it unless it is ready. */
void hf_snapshot_stage_destroy (hf_snapshot_stage_t **self_p);
const char *hf_snapshot_stage_error (const hf_snapshot_stage_t *self);

/*  OFFSET is where the last write ended, and the end is within the total. 0; -1: a disk error. */
int hf_snapshot_stage_write (hf_snapshot_stage_t *self, uint64_t offset, hf_span_t bytes);
int hf_snapshot_stage_read (hf_snapshot_stage_t *self, uint64_t offset, uint8_t *bytes,
                            size_t size);
/*  It is whole and checked: sync it and name it ready. 0; -1: a disk error. */
int hf_snapshot_stage_ready (hf_snapshot_stage_t *self);

/*  SIZE bytes of FD from OFFSET on; fewer are damage. 0, or -1 with ERROR, which names PATH. */
int hf_snapshot_stage_pread (int fd, const char *path, uint64_t offset, uint8_t *bytes, size_t size,
                             char error[HF_ERROR_SIZE]);

#endif
