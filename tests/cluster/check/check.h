/*  check.h - holds histories of clients, and the files they wrote, against the promises.
 *
 *      hf_check_t *check = hf_check_new (stderr);
 *      hf_check_read (check, stream, "a.jsonl", error);      //  as often as there are files
 *      hf_check_folder (check, "node-1/files", error);       //  one for each node; or none
 *      unsigned violations = hf_check_run (check);
 *
 *  The format of a history is in hf_history.h. The checker shares no rule with the
 *  service: it replays the operations in the order of their indexes against rules of its own.
 *  Operations without an answer may have happened or not; what the files and the
 *  answers of others show decides, never a search. O(n log n).
 */
#ifndef HF_CLUSTER_CHECK_H_INCLUDED
#define HF_CLUSTER_CHECK_H_INCLUDED

#include "base/hf_error.h"
#include "tests/cluster/check/hf_history.h"

#define HF_PROMISE_LIST(X)                                                                         \
    X (P4, "P4")   /*  the nodes' files are equal */                                               \
    X (P5A, "P5a") /*  in the order of indexes: who fits beside whom, rising tokens */             \
    X (P5B, "P5b") /*  in real time: who fits beside whom, of those that rely on a lock */         \
    X (P6, "P6")   /*  sections are whole, contiguous, in order, in all files or none */           \
    X (P7, "P7")   /*  an acknowledged section is there */                                         \
    X (P8, "P8")   /*  grants follow the queue */                                                  \
    X (P9, "P9")   /*  no early expiry; what expired stays closed for its delay */                 \
    X (P10, "P10") /*  one order that agrees with real time, for reads too */                      \
    X (DEADLOCK, "DEADLOCK") /*  said only to who holds what another waits for */                  \
    X (ONCE, "exactly-once")

typedef enum hf_promise {
#define HF_PROMISE_ENUM(name, text) HF_PROMISE_##name,
    HF_PROMISE_LIST (HF_PROMISE_ENUM) HF_PROMISES
} hf_promise_t;

#define HF_CHECK_REPORT_MAX 20 //  so many violations are reported in full

typedef struct hf_check hf_check_t;

/*  Violations are reported on OUT; NULL: only counted. */
hf_check_t *hf_check_new (FILE *out);
void hf_check_destroy (hf_check_t **self_p);

/*  False, with one line in ERROR, when a line is not what hf_history.h says. */
bool hf_check_read (hf_check_t *self, FILE *stream, const char *name, char error[HF_ERROR_SIZE]);

/*  One record, whose data must be given by its hash; the fault, or NULL. */
const char *hf_check_add (hf_check_t *self, const hf_record_t *record);

/*  What FILE is in the end on one node (copied). Nodes are numbered from 0. */
void hf_check_content (hf_check_t *self, uint32_t node, const char *file, const void *bytes,
                       size_t size);
/*  A node's folder of files (names percent-encoded); false, with ERROR, when it cannot be read. */
bool hf_check_folder (hf_check_t *self, const char *path, char error[HF_ERROR_SIZE]);

/*  Once. Gives the number of violations. */
unsigned hf_check_run (hf_check_t *self);

unsigned hf_check_found (const hf_check_t *self, hf_promise_t promise);

/*  One line: operations, grants, sections, reads, violations; and notes on what was not
 *  checked. */
void hf_check_summary (const hf_check_t *self, FILE *out);

#endif
