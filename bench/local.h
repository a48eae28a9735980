/*  local.h - a cluster on this machine for the time of a run.
 *
 *  Nodes are child processes on free ports of 127.0.0.1; their data and logs are in a
 *  fresh folder that is removed at the end. They die with this process, whatever ends it.
 *  Not thread-safe: the main thread's.
 */
#ifndef HF_BENCH_LOCAL_H_INCLUDED
#define HF_BENCH_LOCAL_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct hf_local hf_local_t;

typedef struct hf_local_config {
    uint32_t count;
    const char *holdfastd; //  the program; NULL: the one beside this program
    const char *data_root; //  where the folder is made; NULL: TMPDIR or /tmp
    const char *log_keep;  //  the nodes' --log-keep; NULL: their default
} hf_local_config_t;

/*  Start the nodes. NULL: they cannot be started, which is reported. */
hf_local_t *hf_local_new (const hf_local_config_t *config);
/*  End the nodes and remove their data. */
void hf_local_destroy (hf_local_t **self_p);

const char *hf_local_endpoints (const hf_local_t *self);
/*  A node's process; 0: it does not run. */
pid_t hf_local_pid (const hf_local_t *self, uint32_t id);
/*  A node's data folder, into PATH of SIZE bytes (PATH_MAX and some). */
void hf_local_data (const hf_local_t *self, uint32_t id, char *path, size_t size);

/*  SIGKILL, and wait for the end of the process: it can send nothing after this returns. */
void hf_local_kill (hf_local_t *self, uint32_t id);
/*  Start a node that was killed, with its data as they are. */
void hf_local_restart (hf_local_t *self, uint32_t id);
/*  Remove the data of a node that was killed. 0, or -1 with errno. */
int hf_local_wipe (hf_local_t *self, uint32_t id);

/*  Whether all nodes run that should; else it reports what happened, with the end of the node's
 * log. */
bool hf_local_check (hf_local_t *self);

#endif
