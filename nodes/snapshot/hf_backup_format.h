/*  hf_backup_format.h - a backup: a snapshot (hf_snapshot_format.h) in a file, in blocks that each
 *  have a checksum, so that damage is found and its place is named.
 *
 *      8 bytes   "HFBACKUP"
 *      4         format version, 1
 *      4         bytes in a block, 65536
 *      8         bytes of the snapshot
 *      8         checksum of the 24 bytes before
 *      blocks: HF_BACKUP_BLOCK bytes of the snapshot each, the last one what is left, and behind
 *      each 8 bytes, the checksum of its number (0 is the first) and its bytes
 *
 *  Numbers are big-endian; checksums are hf_hash. Nothing in a backup is trusted before it is
 *  checked.
 */
#ifndef HF_BACKUP_FORMAT_H_INCLUDED
#define HF_BACKUP_FORMAT_H_INCLUDED

#include "nodes/snapshot/hf_snapshot_format.h"

#define HF_BACKUP_VERSION 1
#define HF_BACKUP_HEAD    32U         //  bytes
#define HF_BACKUP_SUM     8U          //  likewise
#define HF_BACKUP_BLOCK   (64U << 10) //  bytes of the snapshot

//  ---- writing ---------------------------------------------------------------------------

/*  Where the bytes of the file go, in order. 0, or -1: no more. */
typedef int (hf_backup_write_fn) (void *arg, const uint8_t *bytes, size_t size);

typedef struct hf_backup_writer {
    hf_backup_write_fn *write;
    void *arg;
    uint64_t total, done; //  bytes of the snapshot
    size_t have;          //  in the block
    uint8_t block[HF_BACKUP_BLOCK + HF_BACKUP_SUM];
} hf_backup_writer_t;

/*  A backup of a snapshot of TOTAL bytes; writes its head. What WRITE gives, here and below. */
int hf_backup_begin (hf_backup_writer_t *self, uint64_t total, hf_backup_write_fn *write,
                     void *arg);
/*  The next bytes of the snapshot, within its total. With the last of them the file is whole. */
int hf_backup_put (hf_backup_writer_t *self, const uint8_t *bytes, size_t size);

//  ---- reading ---------------------------------------------------------------------------

typedef struct hf_backup {
    hf_snapshot_source_t file;
    uint64_t total; //  bytes of the snapshot
    uint32_t version;
    uint64_t number; //  of the block that is here, from 1; 0: none
    uint8_t block[HF_BACKUP_BLOCK + HF_BACKUP_SUM];
} hf_backup_t;

/*  Read and check the head of FILE, which is copied. 0, or -1 with ERROR. */
int hf_backup_open (hf_backup_t *self, const hf_snapshot_source_t *file, char error[HF_ERROR_SIZE]);

/*  The snapshot in it. SELF must outlive it. A read checks every block that it touches; the error
 *  says where in the file the damage is. */
hf_snapshot_source_t hf_backup_source (hf_backup_t *self);

#endif
