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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct power_disk power_disk_t;

/*  ROOT exists; what is in it now is on the disk. */
power_disk_t *power_disk_new (const char *root);
void power_disk_destroy (power_disk_t **self_p);

/*  From now on this disk's folder is watched; NULL: none. */
void power_disk_watch (power_disk_t *self);
/*  How many operations so far: the number of the next one. */
size_t power_disk_count (const power_disk_t *self);

//  ---- faults: of the operations to come

typedef enum power_fault {
    POWER_WELL,
    POWER_KILLED,  //  the process does nothing any more from operation N on; the system lives on
    POWER_DEAD,    //  from operation N on every one fails: EIO
    POWER_IO_ONCE, //  N alone fails: EIO
    POWER_FULL     //  N writes half of its sectors; later ones that need room fail: ENOSPC
} power_fault_t;

void power_disk_fault (power_disk_t *self, power_fault_t fault, size_t n);
/*  An operation has failed since the fault was set. */
bool power_disk_struck (const power_disk_t *self);

/*  Syncs that report success and do nothing: those of files and folders whose path below the root
 *  matches PATTERN as fnmatch(3) does; NULL: none. A path begins with '/'; a folder's ends in it.
 */
void power_disk_lie (power_disk_t *self, const char *pattern);
/*  How many syncs were lied about. */
size_t power_disk_lies (const power_disk_t *self);

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
