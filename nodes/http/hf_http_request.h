/*  hf_http_request.h - a request at the HTTP port, from its path to its answer: pure.
 *
 *  A path is answered at once, or by questions to this node's lock actor, which are those of
 * clients (QUERY, marked stale: any node answers; WATCH). Lists come in pages; each page is a
 * question.
 *
 *      request = hf_http_request_new (method, path, &params);
 *      while (hf_http_request_next (request, id, now_us, frame))    the frame to ask with
 *          hf_http_request_frame (request, answer);                 or hf_http_request_late
 *      answer = hf_http_request_answer (request);
 *
 *  The paths: / (the page) and its files, /healthz, /readyz, /metrics (Prometheus, text format
 *  0.0.4), and in JSON, with the field names of `holdfast ... --json`: /v1/status, /v1/members,
 *  /v1/locks, /v1/locks/NAME, /v1/sessions, /v1/files, /v1/busy, /v1/events, /v1/history. /v1/
 *  lists them.
 *
 *  What operators do is POSTed: hf_http_action.h.
 *
 *  Lists take the parameters of hf_http_pick.h; one lock takes LIMIT, the places that are shown.
 *  /v1/events gives what happened to locks after number AFTER, as `holdfast watch --json`, with the
 *  number to ask from next (UPTO): the last HF_HTTP_EVENTS_MAX at most, and what came meanwhile,
 * with how many were SKIPPED.
 */
#ifndef HF_HTTP_REQUEST_H_INCLUDED
#define HF_HTTP_REQUEST_H_INCLUDED

#include "msgs/hf_msg.h"
#include "nodes/http/hf_history.h"
#include "nodes/http/hf_http_action.h"
#include "nodes/http/hf_http_pick.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_HTTP_BYTES_MAX (64U << 20) //  of an answer; a list that is longer is refused (507)

#define HF_HTTP_EVENTS_MAX 200

/*  So long after its first question a request asks no further one. A list of which a part is picked
 *  is answered with what was found until then, metrics without the busiest locks; 507: the others.
 */
#define HF_HTTP_ASKS_US 3000000U

typedef struct hf_http_request hf_http_request_t;

/*  PATH: without the query string, %XX decoded. PARAMS and HISTORY are read at once. */
hf_http_request_t *hf_http_request_new (const char *method, const char *path,
                                        const hf_http_params_t *params,
                                        const hf_history_t *history);
/*  Nobody's request: asks for the facts, as of NOW_US, and adds them to HISTORY, which must live
 *  longer. Its answer is for nobody. */
hf_http_request_t *hf_http_request_sample (hf_history_t *history, uint64_t now_us);
/*  An operator's: ACTION is the request's from now on. */
hf_http_request_t *hf_http_request_act (hf_http_action_t *action);
/*  One that has its ANSWER already, whose text lives longer; or with a TEXT of its own, from
 * malloc, which it frees. */
hf_http_request_t *hf_http_request_said (const hf_http_answer_t *answer);
hf_http_request_t *hf_http_request_json (char *text);
void hf_http_request_destroy (hf_http_request_t **self_p);

/*  Pack the question with ID that is to be asked next: a QUERY or WATCH. False: there is nothing
 * more to ask, or it is too late for that. */
bool hf_http_request_next (hf_http_request_t *self, uint64_t id, uint64_t now_us, hf_pack_t *frame);

/*  Before that: whether refusals of questions that were asked before, by whomever, may come yet
 *  (STRAY). They do not say of which. */
void hf_http_request_strays (hf_http_request_t *self, bool stray);

/*  Whether it has questions to ask. */
bool hf_http_request_asks (const hf_http_request_t *self);
/*  Whether it has, and others may ask theirs before: not in the middle of a watch, which goes on
 *  meanwhile. */
bool hf_http_request_yields (const hf_http_request_t *self);

/*  A frame that came: any bytes. True: it was the answer to the last question: a RESULT, EVENTS or
 * REFUSED.
 */
bool hf_http_request_frame (hf_http_request_t *self, hf_span_t frame);

/*  It was not answered in time. An action may have one more question then: the end of its session.
 */
void hf_http_request_late (hf_http_request_t *self);

/*  When nothing is to be asked any more; valid until the request is destroyed. */
hf_http_answer_t hf_http_request_answer (const hf_http_request_t *self);

/*  The line of it for the audit, as hf_http_action_audit; NULL: it is no operator's. */
const char *hf_http_request_audit (hf_http_request_t *self);

#endif
