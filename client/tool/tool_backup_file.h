/*  tool_backup_file.h - a backup as a file: written under another name until it is whole, and read
 *  and checked.
 */
#ifndef TOOL_BACKUP_FILE_H_INCLUDED
#define TOOL_BACKUP_FILE_H_INCLUDED

#include "nodes/snapshot/hf_backup_format.h"
#include <stdbool.h>

//  ---- writing -------------------------------------------------------------------

typedef struct tool_backup_out {
    const char *path; //  "-": standard output
    char *part;       //  PATH.part; NULL: standard output
    int fd;
    hf_backup_writer_t writer;
    char error[HF_ERROR_SIZE];
} tool_backup_out_t;

/*  For a snapshot of TOTAL bytes. PATH.part is made, for this user alone; a signal that ends the
 *  process removes it. 0, or -1 with self->error. End it with tool_backup_out_done in any case. */
int tool_backup_out_begin (tool_backup_out_t *self, const char *path, uint64_t total);
int tool_backup_out_put (tool_backup_out_t *self, const uint8_t *bytes, size_t size);
/*  All bytes were put: make it durable, check it as inspect does, and give it its name. */
int tool_backup_out_finish (tool_backup_out_t *self);
/*  What was not finished is removed. */
void tool_backup_out_done (tool_backup_out_t *self);

//  ---- reading -------------------------------------------------------------------

typedef struct tool_backup_in {
    int fd;
    hf_backup_t backup;
    hf_snapshot_t snapshot;
    char error[HF_ERROR_SIZE];
} tool_backup_in_t;

/*  Open the file PATH, check its head and the snapshot's. 0; -1 with self->error: it cannot be
 *  read; 1 likewise: it is damaged, or no backup. End it with tool_backup_in_done in any case. */
int tool_backup_in_open (tool_backup_in_t *self, const char *path);
/*  Check the rest: every block, the rows, the files. As above. */
int tool_backup_in_check (tool_backup_in_t *self);
void tool_backup_in_done (tool_backup_in_t *self);

#endif
