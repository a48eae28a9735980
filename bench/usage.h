/*  usage.h - what a node takes at one moment: memory, and disk by part of its data folder. */
#ifndef HF_BENCH_USAGE_H_INCLUDED
#define HF_BENCH_USAGE_H_INCLUDED

#include <stdint.h>
#include <sys/types.h>

//  KiB, rounded up. A database's size has its write-ahead log in it.
typedef struct hf_usage {
    uint64_t rss_kib;
    uint64_t log_kib;
    uint64_t state_kib;
    uint64_t filesdb_kib;
    uint64_t files_kib; //  the replicated files themselves
    uint64_t other_kib; //  the rest of the folder: a state that comes in, for one
} hf_usage_t;

/*  Of process PID with its data in FOLDER. 0, or -1 with errno. A file that goes away meanwhile is
 *  no error. */
int hf_usage_take (pid_t pid, const char *folder, hf_usage_t *usage);

/*  The three databases together. */
uint64_t hf_usage_databases_kib (const hf_usage_t *self);

#endif
