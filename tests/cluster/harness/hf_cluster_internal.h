/*  hf_cluster_internal.h - the struct, shared by the files that make up the class. */
#ifndef HF_CLUSTER_INTERNAL_H_INCLUDED
#define HF_CLUSTER_INTERNAL_H_INCLUDED

#include "msgs/hf_limits.h"
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/kit/hf_ports.h"

#define HF_PATH_SIZE 512
#define HF_LIST_SIZE 512
#define HF_LEFT_MAX  4096 //  ports

typedef struct hf_cluster_node {
    hf_process_t *process; //  NULL: not started, or it was made to end
    hf_port_t client_port;
    hf_port_t node_port;
    hf_port_t http_port; //  number 0: no HTTP
    char dir[HF_PATH_SIZE];
    char log[HF_PATH_SIZE];
    char list[HF_LIST_SIZE];
    char join[64];   //  HOST:PORT of a member; "": it is given a list
    char listen[64]; //  "": where the list says
    char place[64];  //  as last asked for
    bool apart;      //  of no concern to what is asked of all nodes
    char address[32];
    int network;                  //  a namespace; 0: as the test's
    const char *const *variables; //  NULL: none
    char sync_file[HF_PATH_SIZE];
    char slow_disk[HF_PATH_SIZE + 16]; //  the variable that names that file
    const char *slow_variables[4];
    char answer[64]; //  to who looks up its name
} hf_cluster_node_t;

struct hf_cluster {
    unsigned count;
    bool ended; //  a node ended by itself, and was started again
    bool passed;
    bool keep;
    char dir[HF_PATH_SIZE];
    char list[HF_LIST_SIZE];
    char numbers[HF_LIST_SIZE];  //  the list before hf_cluster_use_names
    const char *argument[8];     //  ends with NULL
    char keys[HF_PATH_SIZE];     //  the folder; "": without keys
    char key[2 * HF_PATH_SIZE];  //  as last asked for
    hf_port_t left[HF_LEFT_MAX]; //  that nodes had before they moved
    unsigned left_count;
    hf_cluster_node_t node[HF_MEMBERS_MAX]; //  node[id - 1]
};

/*  The node with that id; asserts that there is one. */
hf_cluster_node_t *hf_cluster_node (const hf_cluster_t *self, uint32_t id);

/*  A whole file of the disk, for the caller to free, with a zero behind it; NULL: there is none. */
char *hf_cluster_slurp (const char *path, size_t *size);

/*  Whether a log has nothing that it must never have; if not, it is reported. */
bool hf_cluster_log_is_clean (const hf_cluster_t *self, uint32_t id);

#endif
