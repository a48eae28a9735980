/*  power_disk.h - a disk that forgets what was not synced.
 *
 *  A real folder is what the process sees. While a disk watches it, every call that changes
 *  something below it (power_calls.c) is written down, with every sync: one operation each,
 * numbered from 0. From that journal power_disk_image makes the folder as it may be found after the
 * power went at any operation: what was synced is there; of what was not, nothing, all, a beginning
 * with a torn end, or any part:
 *
 *  bytes   each 512-byte sector of an unsynced write is there or not, alone; a file that grew has
 *          any of its sizes on the way, and zeros where no sector came; behind a truncation that
 *          did not last, no later write lasts
 *  names   made, removed and renamed ones last when their folder is synced, and else each for
 *          itself, or not; a rename is one step
 *
 *  A sync that failed has dropped what it should have written: a later sync does not bring it back
 *  (the kernel takes such pages for clean).
 */
#ifndef POWER_DISK_H_INCLUDED
#define POWER_DISK_H_INCLUDED

#include "base/hf_array.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define POWER_NAME   128
#define POWER_NAMES  128 //  at a time
#define POWER_NODES  1024
#define POWER_FDS    1024
#define POWER_SECTOR 512
#define POWER_ROOT   0 //  the node of the folder itself

//  ---- the journal: power_calls.c writes it, power_image.c reads it

typedef enum power_fault {
    POWER_WELL,
    POWER_KILLED,  //  the process does nothing any more from operation N on; the system lives on
    POWER_DEAD,    //  from operation N on every one fails: EIO
    POWER_IO_ONCE, //  N alone fails: EIO
    POWER_FULL     //  N writes half of its sectors; later ones that need room fail: ENOSPC
} power_fault_t;

typedef enum power_kind {
    POWER_WRITE,
    POWER_TRUNCATE,
    POWER_SYNC,
    POWER_SYNC_FAILED,
    POWER_BIND,   //  name in folder is now node
    POWER_UNBIND, //  no more
    POWER_RENAME  //  node goes from (folder2, name2) to (folder, name)
} power_kind_t;

typedef struct power_op {
    power_kind_t kind;
    int node;
    int folder, folder2;
    char name[POWER_NAME], name2[POWER_NAME];
    size_t offset, size; //  of a write; SIZE: of a truncation
    uint8_t *bytes;
} power_op_t;

/*  A name in a folder. */
typedef struct power_name {
    int folder, node;
    char name[POWER_NAME];
} power_name_t;

typedef struct power_names {
    power_name_t all[POWER_NAMES];
    size_t count;
} power_names_t;

typedef struct power_bytes {
    uint8_t *at;
    size_t size;
} power_bytes_t;

/*  A file or folder of the journal's past: as far as the images have been made. */
typedef struct power_node {
    power_bytes_t durable, now;
    HF_ARRAY (size_t) pending; //  operations of a file that no sync has covered
} power_node_t;

typedef struct power_disk {
    char root[1024];
    HF_ARRAY (power_op_t) ops; //  their count is the number of the next one
    power_names_t names;       //  as the process sees them
    int node_count;
    int fds[POWER_FDS]; //  node + 1; 0: not of this disk
    //  ---- faults of the operations to come: power_disk_fault
    power_fault_t fault;
    size_t fault_at;
    bool struck; //  an operation has failed since the fault was set
    /*  Syncs that report success and do nothing: those of files and folders whose path below the
     *  root matches this as fnmatch(3) does; NULL: none. A path begins with '/'; a folder's ends
     *  in it. */
    const char *lie;
    size_t lies; //  how many syncs were lied about
    //  ---- replay
    size_t replayed;
    power_node_t nodes[POWER_NODES];
    power_names_t durable_names, now_names;
    power_names_t first_names; //  as it all began
    power_bytes_t first_bytes[POWER_NODES];
    bool is_folder[POWER_NODES];
    HF_ARRAY (size_t) pending_names;
} power_disk_t;

/*  The disk whose folder is watched; NULL: none. */
extern power_disk_t *power_watched;

/*  ROOT exists; what is in it now is on the disk. */
power_disk_t *power_disk_new (const char *root);
void power_disk_destroy (power_disk_t **self_p);

/*  The node; -1: there is none. */
int power_names_find (const power_names_t *self, int folder, const char *name);
void power_names_bind (power_names_t *self, int folder, const char *name, int node);
void power_names_unbind (power_names_t *self, int folder, const char *name);

/*  The next operation, zeroed but for its kind and node. */
power_op_t *power_disk_add (power_disk_t *self, power_kind_t kind, int node);
int power_disk_add_node (power_disk_t *self, bool is_folder);

/*  FAULT strikes operation N, or what comes from there on. */
void power_disk_fault (power_disk_t *self, power_fault_t fault, size_t n);

/*  From now on what is random for the stores follows from SEED: nothing in an image differs from
 *  run to run. */
void power_random (uint64_t seed);

//  ---- images

typedef enum power_left {
    POWER_NOTHING,    //  of what was not synced
    POWER_EVERYTHING, //  as after a kill of the process: the system lives on
    POWER_BEGINNING,
    POWER_ANY
} power_left_t;

/*  INTO is emptied and becomes what is there when the power goes before operation COUNT; NULL: no
 *  folder is made. Gives a hash of all names and bytes. */
uint64_t power_disk_image (power_disk_t *self, size_t count, power_left_t left, uint64_t seed,
                           const char *into);

/*  Whether two folders hold the same files with the same bytes. */
bool power_same (const char *a, const char *b);

/*  The first sync from operation FROM on of a file whose name matches PATTERN; the count: none. */
size_t power_disk_find_sync (const power_disk_t *self, size_t from, const char *pattern);
/*  Every operation so far, for people. */
void power_disk_print (const power_disk_t *self);

#endif
