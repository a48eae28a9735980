/*  hf_file_store.h - the replicated files of a node: DIR/files/ and DIR/files.db.
 *
 *  A file's name on disk is its name percent-encoded, so that no name leaves the
 *  folder: letters, digits, '-', '_' and '.' stay (a leading '.' does not), all
 *  other bytes become %XX; encoded names longer than the file system takes are
 *  kept apart by a hash (hf_file_store_disk_name).
 *
 *  Order (design 6): pwrite at the recorded length, fdatasync, and only then the
 *  transaction that records lengths, checksums and the applied index. On opening,
 *  every file's checksum is verified over its recorded length, and then it is cut back to
 *  that; a file without a record is removed. A file's checksum is FNV-1a (64 bits) over its
 *  bytes: equal content, equal checksum, on every node. Beside it, in memory, its XXH64.
 *  The file actor owns it. Errors as in hf_log_store.h.
 */
#ifndef HF_FILE_STORE_H_INCLUDED
#define HF_FILE_STORE_H_INCLUDED

#include "nodes/store/hf_log_store.h"

typedef struct hf_file_store hf_file_store_t;

hf_file_store_t *hf_file_store_open (const char *dir, char *error);
/*  The same without a look at the files themselves, for what is recorded of them. Nothing may be
 *  written to it. */
hf_file_store_t *hf_file_store_look (const char *dir, char *error);
void hf_file_store_close (hf_file_store_t **self_p);
const char *hf_file_store_error (const hf_file_store_t *self);

/*  The command index of the last section that is durable. */
uint64_t hf_file_store_applied (const hf_file_store_t *self);

/*  Write one released section: A_PART records, in order. A section whose INDEX is not
 *  above the last one written is skipped: the files have it already.
 *  Visible to readers at once; durable after the commit. 0 or -1. */
int hf_file_store_section (hf_file_store_t *self, uint64_t index, hf_list_t parts);

/*  fdatasync what was written, then record it. 0 or -1. */
int hf_file_store_commit (hf_file_store_t *self);

/*  LIMIT bytes (at most HF_DATA_MAX) of file NAME from OFFSET into a buffer that the
 *  caller frees. *size is less at the end of the file. HF_NOT_FOUND; or HF_OK. -1: a disk error. */
int hf_file_store_read (hf_file_store_t *self, hf_span_t name, uint64_t offset, uint32_t limit,
                        uint8_t **bytes, size_t *size, uint64_t *total);

/*  Pack FILE_ROWs in the order of the names' bytes, after NAME, at most LIMIT. *more. 0 or -1. */
int hf_file_store_rows (hf_file_store_t *self, hf_span_t after, uint32_t limit, hf_pack_t *rows,
                        bool *more);

/*  Every file, as FILE_ROWs in the order of names: as of the sections written so far. Files only
 *  grow, so that the bytes below these lengths stay as they are. 0 or -1. */
int hf_file_store_all_rows (hf_file_store_t *self, hf_pack_t *rows);

/*  The name on disk that file NAME has, as recorded; BUFFER of 256 bytes, "" when there is no such
 *  file. 0 or -1. */
int hf_file_store_recorded_name (hf_file_store_t *self, hf_span_t name, char *buffer);

/*  The name on disk of a new file; BUFFER of 256 bytes. (A long name whose hash is taken gets a
 *  suffix.) */
void hf_file_store_disk_name (hf_span_t name, char *buffer);

#endif
