/*  hf_dir.h - a node's data folder: made when it is not there, and locked.
 *
 *  The lock (flock on DIR/lock, with the process id inside for people) keeps a
 *  second process off the same data; the kernel drops it when the process dies.
 */
#ifndef HF_DIR_H_INCLUDED
#define HF_DIR_H_INCLUDED

#include "base/hf_span.h"
#include <sys/types.h>

typedef struct hf_dir hf_dir_t;

/*  NULL on failure with one line in ERROR (HF_ERROR_SIZE bytes): not writable,
 *  not a folder, or in use by process N. */
hf_dir_t *hf_dir_open (const char *path, char *error);
void hf_dir_close (hf_dir_t **self_p);

/*  Whether there is something of that NAME in the folder PATH. */
bool hf_dir_has (const char *path, const char *name);

/*  fsync the folder PATH, so that names made in it stay. 0, or -1 with ERROR. */
int hf_dir_sync (const char *path, char *error);

/*  Read up to SIZE bytes of a file from OFFSET on, fewer only at its end. How many, or -1: errno.
 */
ssize_t hf_dir_pread (int fd, void *bytes, size_t size, uint64_t offset);
/*  Write all BYTES at OFFSET. 0, or -1: errno. */
int hf_dir_pwrite (int fd, hf_span_t bytes, uint64_t offset);

#endif
