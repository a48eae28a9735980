/*  hf_script.h - a client in a process of its own, driven line by line.
 *
 *  A real process, so that a stalled client is a real SIGSTOP and a dead one a real SIGKILL.
 *  One command at a time; each gives one result. Commands (words apart by one blank):
 *
 *      open TTL_MS [LABEL]       a session; the session before, if any, is left to expire. With a
 *                                label it detects rings of waits
 *      acquire LOCK              wait for the lock
 *      claim LOCK...             wait for all of them at once: NAME is EXCLUSIVE, NAME:UNITS and
 *                                NAME:UNITS:LIMIT are SHARED
 *      append LOCK FILE TEXT     with the token of the last grant
 *      submit LOCK FILE TEXT N   N appends of TEXT, without waiting for the answers
 *      drain                     wait for the answers of all that was submitted: OK if all were
 *      release LOCK              with the token of the last grant
 *      close                     the session
 *
 *  Not thread-safe.
 */
#ifndef HF_SCRIPT_H_INCLUDED
#define HF_SCRIPT_H_INCLUDED

#include "msgs/hf_status.h"
#include "tests/kit/hf_process.h"

typedef struct hf_script hf_script_t;

typedef struct hf_script_result {
    hf_status_t status;
    uint64_t token; //  of acquire and claim
    uint64_t value; //  drain: how many were OK; open: session id
} hf_script_result_t;

/*  NAME is for messages to people. The log goes to DIR/NAME.log. */
hf_script_t *hf_script_new (const char *name, const char *endpoints, const char *dir);
/*  Let it end by itself (the end of its stdin): whether it did, with exit code 0. */
bool hf_script_finish (hf_script_t *self);
/*  SIGKILL, if it runs still. */
void hf_script_destroy (hf_script_t **self_p);

/*  Say COMMAND; the result is for later. No other one may be out. */
void hf_script_say (hf_script_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/*  Wait for the result. HF_INVALID: none came within HF_CLUSTER_LIMIT_MS, or the process ended. */
hf_script_result_t hf_script_hear (hf_script_t *self);
/*  Whether a result has come; it stays for hf_script_hear. */
bool hf_script_has_result (hf_script_t *self);

/*  Say and hear. */
hf_script_result_t hf_script_do (hf_script_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  The same in a test of cmocka: it must succeed. */
#define MUST(client, ...)                                                                          \
    __extension__({                                                                                \
        hf_script_result_t must_result = hf_script_do (client, __VA_ARGS__);                       \
        assert_int_equal (must_result.status, HF_OK);                                              \
        must_result;                                                                               \
    })

/*  Events so far: locks reported lost, and sessions ended. */
unsigned hf_script_losses (hf_script_t *self);
unsigned hf_script_ends (hf_script_t *self);

hf_process_t *hf_script_process (const hf_script_t *self);

#endif
