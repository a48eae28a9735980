/*  hf_process.h - a child process that never outlives the test.
 *
 *  Children are started from the test's main thread only: the kernel kills them
 *  (PR_SET_PDEATHSIG) when the thread that started them ends, however it ends.
 */
#ifndef HF_PROCESS_H_INCLUDED
#define HF_PROCESS_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct hf_process hf_process_t;

typedef struct hf_process_config {
    const char *const *argv; //  ends with NULL; argv[0] is the path
    const char *log_path;    //  stderr is appended to it; and stdout, unless it is piped
    const char *folder;      //  working folder; NULL: as the parent's
    bool pipes;              //  stdin and stdout are pipes to the parent
    int network;             //  a network namespace's file descriptor; 0: as the parent's
} hf_process_config_t;

/*  Does not wait. A program that cannot be started ends with exit code 127. */
hf_process_t *hf_process_new (const hf_process_config_t *config);

/*  SIGKILL it if it runs still, and free it. */
void hf_process_destroy (hf_process_t **self_p);

pid_t hf_process_pid (const hf_process_t *self);
/*  The pipes: what is written to IN it reads; OUT is non-blocking. -1 without pipes. */
int hf_process_in (const hf_process_t *self);
int hf_process_out (const hf_process_t *self);
/*  The child reads the end of its stdin. */
void hf_process_close_in (hf_process_t *self);

/*  Whether it has not ended yet (a stopped one has not). */
bool hf_process_running (hf_process_t *self);

void hf_process_signal (hf_process_t *self, int signal_number);
/*  SIGSTOP, and wait until it is stopped; SIGCONT. */
void hf_process_stop (hf_process_t *self);
void hf_process_go_on (hf_process_t *self);
bool hf_process_stopped (const hf_process_t *self);

/*  SIGKILL and reap. */
void hf_process_kill (hf_process_t *self);

/*  Wait for its end. Its exit code, 128 + the signal that killed it, or -1 when it still runs
 *  after LIMIT_MS. May be asked again. */
int hf_process_wait (hf_process_t *self, uint32_t limit_ms);

/*  The path of NAME in this program's folder; until the next call. */
const char *hf_beside (const char *name);

/*  Run a program to its end; TEXT (may be NULL) gets what it wrote to stdout and stderr, at most
 *  SIZE - 1 bytes. Its exit code as above; after LIMIT_MS it is killed: -1. */
int hf_process_run (const char *const *argv, uint32_t limit_ms, char *text, size_t size);

#endif
