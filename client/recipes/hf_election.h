/*  hf_election.h - one leader among those who stand, and everybody sees who it is.
 *
 *  Candidates wait in a queue; the first leads until it resigns or its session ends, and then the
 *  next one does. A leader that cannot reach the cluster finds hf_session_remaining_ms 0 and gets
 *  HF_SESSION_LOST before another one leads. Hand the grant's token, the number of the reign, to
 *  whatever the leader writes to. Each session has one handle for one name, used by one thread at a
 *  time. All calls block, so none may come from a callback.
 */
#ifndef HF_ELECTION_H_INCLUDED
#define HF_ELECTION_H_INCLUDED

#include "client/holdfast.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_election hf_election_t;

/*  NAME is copied and checked when it is used. SESSION must live longer. NULL: an argument is. */
hf_election_t *hf_election_new (hf_session_t *session, const char *name);
/*  Frees the handle. Who leads goes on leading until its session ends. */
void hf_election_destroy (hf_election_t **self_p);

/*  Stand until elected, up to LIMIT_MS; 0: HF_NOT_GRANTED when another one leads. NOTE (may be
 *  NULL): what the others need to know of a leader, as where to reach it; at most 1,024 bytes of
 *  UTF-8. GRANT may be NULL. HF_OVERLAP: it leads already. */
hf_status_t hf_election_campaign (hf_election_t *self, const char *note, uint32_t limit_ms,
                                  hf_grant_t *grant);

/*  The leader's note is another one from now on. HF_NOT_HOLDER: it does not lead; HF_LOST: no more.
 */
hf_status_t hf_election_proclaim (hf_election_t *self, const char *note, uint32_t limit_ms);

/*  Lead no more; the next in the queue does. HF_NOT_HOLDER: it does not lead. HF_LOST: another one
 *  may have led meanwhile. HF_TIMEOUT: it goes on in the background. HF_INVALID, HF_LIMIT: it leads
 *  as before. */
hf_status_t hf_election_resign (hf_election_t *self, uint32_t limit_ms);

//  ---- for those who only look -------------------------------------------------------

typedef struct hf_elected {
    uint64_t token; //  number of the reign; 0: nobody leads
    uint64_t session;
    char label[256], note[1025]; //  "": none
} hf_elected_t;

/*  Who leads now. */
hf_status_t hf_election_leader (hf_client_t *client, const char *name, hf_elected_t *leader,
                                uint32_t limit_ms);

/*  An observer hears of every change that lasts; of several in a short time, of the last. It is
 *  used by one thread at a time. Not for clients with the option `dispatch` (HF_INVALID): these
 *  watch the lock NAME and ask. */
typedef struct hf_observer hf_observer_t;

/*  NAME is copied. On HF_OK *observer_p is the caller's. */
hf_status_t hf_observer_open (hf_client_t *client, const char *name, uint32_t limit_ms,
                              hf_observer_t **observer_p);
void hf_observer_close (hf_observer_t **self_p);

/*  Wait until the leader, or its note, differs from what this gave before; the first time it does
 *  not wait. HF_TIMEOUT. */
hf_status_t hf_observer_next (hf_observer_t *self, hf_elected_t *leader, uint32_t limit_ms);

#ifdef __cplusplus
}
#endif

#endif
