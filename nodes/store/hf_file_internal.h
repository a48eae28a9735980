/*  hf_file_internal.h - what the parts of the file store share.
 *
 *  hf_file_store.c  sections in, one transaction at a time
 *  hf_file_check.c  at the start: every file checked and cut back
 *  hf_file_read.c   bytes and rows out, names on disk
 */
#ifndef HF_FILE_INTERNAL_H_INCLUDED
#define HF_FILE_INTERNAL_H_INCLUDED

#include "msgs/hf_msg.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_file_sums.h"
#include "nodes/store/hf_tx.h"

#define HF_DISK_NAME_SIZE 256
#define HF_FILE_OPEN_MAX  64 //  files that are open at a time between two commits

/*  A file written since the last commit, open. */
typedef struct hf_touched {
    char disk_name[HF_DISK_NAME_SIZE];
    int fd;
} hf_touched_t;

struct hf_file_store {
    hf_tx_t tx;
    int folder; //  DIR/files
    char *folder_path;
    uint64_t applied; //  as of the last commit
    uint64_t written; //  as of the open transaction
    hf_touched_t touched[HF_FILE_OPEN_MAX];
    size_t touched_count;
    hf_file_sums_t sums; //  none when it was opened without a check
    bool made_file;      //  the folder has a new name that must be synced
};

enum { HF_FILE_FIND, HF_FILE_SAVE, HF_FILE_TAKEN, HF_FILE_AFTER, HF_FILE_LOAD, HF_FILE_APPLIED };

/*  A file's row. It has a checksum of its own: a damaged length would cut the file, a damaged
 * applied index would repeat a section or leave one out. */
typedef struct hf_file_row_found {
    char disk_name[HF_DISK_NAME_SIZE];
    uint64_t length;
    uint64_t sum;
} hf_file_found_t;

#define HF_FILE_COLUMNS "name, disk, length, sum, row_sum"
uint64_t hf_file_found_sum (hf_span_t name, const hf_file_found_t *file);
/*  The row that statement STMT is at, its columns HF_FILE_COLUMNS. -1: it is damaged. */
int hf_file_found_get (hf_file_store_t *self, unsigned stmt, hf_file_found_t *file);

/*  1: found; 0: no such file; -1 with the error set. */
int hf_file_find (hf_file_store_t *self, hf_span_t name, hf_file_found_t *found);
/*  Whether a file has this name on disk: 1, 0, or -1. */
int hf_file_taken (hf_file_store_t *self, const char *disk_name);

/*  Used when installing a snapshot, in the open transaction: append BYTES to NAME (an empty span
 *  makes an empty file); record the last section that the files contain. 0 or -1. */
int hf_file_put (hf_file_store_t *self, hf_span_t name, hf_span_t bytes);
int hf_file_set_written (hf_file_store_t *self, uint64_t index);

/*  Check every file, cut it back to its recorded length, and remove what is not recorded. */
int hf_file_check_all (hf_file_store_t *self);

#endif
