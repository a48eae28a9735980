/*  hf_dump_copy.h - the databases of a folder that cannot be written, in a folder of our own.
 */
#ifndef HF_DUMP_COPY_H_INCLUDED
#define HF_DUMP_COPY_H_INCLUDED

#include "base/hf_error.h"
#include <limits.h>
#include <stdbool.h>

/*  Whether a dump of DIR must not count on writing there: it is read-only, another user's, or on a
 *  disk that is full. */
bool hf_dump_needs_copy (const char *dir);

/*  Copy them, with what SQLite has not folded into them yet, to the new folder COPY under TMPDIR
 * (or /tmp, or where that has no room in memory). 0; or -1 with ERROR, also when a process uses
 * DIR. */
int hf_dump_copy (const char *dir, char copy[PATH_MAX], char error[HF_ERROR_SIZE]);
void hf_dump_copy_remove (const char *copy);

#endif
