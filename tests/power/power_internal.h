/*  power_internal.h - the journal: power_calls.c writes it, power_image.c reads it. */
#ifndef POWER_INTERNAL_H_INCLUDED
#define POWER_INTERNAL_H_INCLUDED

#include "power_disk.h"
#include <sys/types.h>

#define POWER_NAME   128
#define POWER_NAMES  128 //  at a time
#define POWER_NODES  1024
#define POWER_FDS    1024
#define POWER_SECTOR 512
#define POWER_ROOT   0 //  the node of the folder itself

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

/*  -1: there is none. */
int power_names_find (const power_names_t *self, int folder, const char *name);
void power_names_bind (power_names_t *self, int folder, const char *name, int node);
void power_names_unbind (power_names_t *self, int folder, const char *name);

typedef struct power_bytes {
    uint8_t *at;
    size_t size;
} power_bytes_t;

/*  A file or folder of the journal's past: as far as the images have been made. */
typedef struct power_node {
    bool is_folder;
    power_bytes_t durable, now;
    size_t *pending; //  operations of a file that no sync has covered
    size_t pending_count;
} power_node_t;

struct power_disk {
    char root[1024];
    power_op_t *ops;
    size_t count, room;
    power_names_t names; //  as the process sees them
    int node_count;
    int fds[POWER_FDS]; //  node + 1; 0: not of this disk
    power_fault_t fault;
    size_t fault_at;
    bool struck;
    const char *lie;
    size_t lies;
    //  ---- replay
    size_t replayed;
    power_node_t nodes[POWER_NODES];
    power_names_t durable_names, now_names;
    power_names_t first_names; //  as it all began
    power_bytes_t first_bytes[POWER_NODES];
    int first_count;
    bool is_folder[POWER_NODES];
    size_t *pending_names;
    size_t pending_name_count;
};

extern power_disk_t *power_watched;

/*  The next operation, zeroed but for its kind and node. */
power_op_t *power_disk_add (power_disk_t *self, power_kind_t kind, int node);
int power_disk_add_node (power_disk_t *self, bool is_folder);

#endif
