/*  hf_http_action.h - what an operator asks of the cluster over HTTP, from its JSON to its answer:
 *  pure.
 *
 *      POST /v1/release {"lock": NAME}      as holdfast release --force; with several holders also
 *                                           "token": N or "session": N
 *      POST /v1/close   {"session": N}      as holdfast close
 *      POST /v1/lead    {"node": N}         as holdfast lead
 *      POST /v1/drain   {"node": N}         as holdfast drain
 *      POST /v1/undrain {"node": N}         as holdfast drain --off
 *
 *  It asks this node's lock actor what the tool asks the leader: who leads; what there is to end;
 *  then CLOSE, CHANGE, or CANCEL in a session of its own. On a node that does not lead nothing is
 *  asked: the answer (409) names the leader. Who may ask is hf_http_admin.h's.
 *
 *  The questions go as those of hf_http_request.h, which carries it. It is over with an answer and
 *  one line for the audit.
 */
#ifndef HF_HTTP_ACTION_H_INCLUDED
#define HF_HTTP_ACTION_H_INCLUDED

#include "msgs/hf_msg.h"
#include "nodes/http/hf_http_answer.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_http_action hf_http_action_t;

/*  Whether PATH is that of an action. */
bool hf_http_action_is (const char *path);

/*  The paths of all: {"actions": [...]}; of none, when they are not TAKEN. The caller frees. */
char *hf_http_actions (bool taken);

/*  PATH: one of an action. BODY: any bytes. FROM: the address that asks. NONCE: of random bytes,
 *  others in each. */
hf_http_action_t *hf_http_action_new (const char *path, hf_span_t body, const char *from,
                                      const uint8_t nonce[HF_NONCE_SIZE]);
void hf_http_action_destroy (hf_http_action_t **self_p);

/*  Whether there is more to ask; then pack it: the question with ID. */
bool hf_http_action_asks (const hf_http_action_t *self);
void hf_http_action_next (hf_http_action_t *self, uint64_t id, hf_pack_t *frame);

/*  As hf_http_request_strays. */
void hf_http_action_strays (hf_http_action_t *self, bool stray);

/*  A frame that came, any bytes. True: it was the answer to the last question. */
bool hf_http_action_frame (hf_http_action_t *self, hf_span_t frame);
/*  There was none in time. It may have one more question: the end of its session. */
void hf_http_action_late (hf_http_action_t *self);

/*  When nothing is to be asked any more. */
hf_http_answer_t hf_http_action_answer (const hf_http_action_t *self);

/*  Its line for the audit; one that has no answer yet is given up. */
const char *hf_http_action_audit (hf_http_action_t *self);

#endif
