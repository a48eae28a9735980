/*  fuzz_disk.h - a data folder in memory (/dev/shm) that is put back before every input. */
#ifndef FUZZ_DISK_H_INCLUDED
#define FUZZ_DISK_H_INCLUDED

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_DISK_LIST "1@127.0.0.1:8080:8081"

typedef struct fuzz_disk fuzz_disk_t;

/*  Made at the first call by the real stores, removed when the process ends. */
fuzz_disk_t *fuzz_disk (void);
const char *fuzz_disk_dir (const fuzz_disk_t *self);

/*  As it was: log.db and its WAL, or files.db, its WAL and the files. KILLED: as a kill leaves
 *  it, with what was written last still in the WAL. */
void fuzz_disk_restore (fuzz_disk_t *self, bool log, bool killed);

/*  What is restored under NAME, or NULL with *size 0; the caller frees. */
uint8_t *fuzz_disk_copy (fuzz_disk_t *self, const char *name, size_t *size);
void fuzz_disk_write (fuzz_disk_t *self, const char *name, const uint8_t *bytes, size_t size);

/*  Set every checksum in the rows to what fits them. */
void fuzz_disk_mend (sqlite3 *db, bool log);

#endif
