/*  hf_file_sums.h - XXH64 of each file, as `xxhsum -H64` prints it, going on with every append.
 *
 *  In memory alone: a start reads all files anyway, and makes them anew. So what is on disk does
 * not depend on them. About 200 bytes for each file.
 */
#ifndef HF_FILE_SUMS_H_INCLUDED
#define HF_FILE_SUMS_H_INCLUDED

#include "base/hf_span.h"
#include "base/hf_table.h"
#include <stdbool.h>

typedef struct hf_file_sums {
    hf_table_t by_name;
} hf_file_sums_t;

void hf_file_sums_init (hf_file_sums_t *self);
void hf_file_sums_done (hf_file_sums_t *self);

/*  BYTES (none: the file is there) were added to the end of file NAME, which has nothing before. */
void hf_file_sums_add (hf_file_sums_t *self, hf_span_t name, hf_span_t bytes);

/*  The sum of the bytes of file NAME; 0: nothing was said of it. */
uint64_t hf_file_sums_get (const hf_file_sums_t *self, hf_span_t name);

#endif
