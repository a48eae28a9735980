/*  hf_http_action_private.h - the struct, shared by the files that make up the class: what is asked
 *  for (hf_http_action.c), what comes back (hf_http_action_take.c), and how it ends
 *  (hf_http_action_end.c).
 */
#ifndef HF_HTTP_ACTION_PRIVATE_H_INCLUDED
#define HF_HTTP_ACTION_PRIVATE_H_INCLUDED

#include "nodes/http/hf_http_action.h"
#include "nodes/http/hf_http_admin.h"
#include "nodes/http/hf_http_rows.h"

#define HF_HTTP_V1   "/v1/"
#define HF_DOING_MAX 640 //  what it is to people: with a name, and a label
#define HF_WHY_MAX   600

typedef enum hf_http_end { HF_END_HOLD, HF_END_SESSION, HF_END_CHANGE } hf_http_end_t;

typedef struct hf_http_op {
    const char *name, *form; //  of its JSON, for people
    hf_http_end_t end;
    uint32_t change; //  HF_END_CHANGE: which
    const char *doing;
} hf_http_op_t;

typedef enum hf_http_step {
    HF_STEP_STATUS,  //  does this node lead?
    HF_STEP_MEMBERS, //  it does not: where is the leader?
    HF_STEP_LOOK,    //  what is there to end?
    HF_STEP_OPEN,    //  a session, of which the end of a hold is asked
    HF_STEP_DO,
    HF_STEP_LEAVE, //  that session
    HF_STEP_DONE
} hf_http_step_t;

struct hf_http_action {
    const hf_http_op_t *op;
    char lock[256], from[HF_HTTP_FROM_MAX], label[HF_LABEL_MAX + 1];
    uint64_t session, token, node; //  0: not given, or not found yet
    uint64_t held, queued;         //  of the session
    uint8_t nonce[HF_NONCE_SIZE];
    hf_http_step_t step;
    bool asked;
    bool stray;  //  a refusal may be that of a question before
    uint64_t id; //  of the last question
    hf_http_page_t page;
    json_t *rows;
    uint64_t leader, holders;
    uint64_t own; //  the session that asks
    uint64_t index;
    hf_http_answer_t answer;
    char *text; //  the answer's
    char audit[HF_DOING_MAX + HF_WHY_MAX + 160];
};

/*  What the query of its step is about. */
uint32_t hf_http_action_what (const hf_http_action_t *self);
/*  The id of its CHANGE. */
uint64_t hf_http_action_change_id (const hf_http_action_t *self);
/*  0: it is not there, or none above 0. */
uint64_t hf_http_action_integer (const json_t *object, const char *key);

//  ---- the end: the answer, and the line for the audit -----------------------------------------

/*  ROOT, which it takes, is the answer; the audit tells WHY. */
void hf_http_action_end (hf_http_action_t *self, unsigned code, json_t *root, const char *why);
void hf_http_action_done (hf_http_action_t *self);
void hf_http_action_refuse (hf_http_action_t *self, unsigned code, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void hf_http_action_refuse_status (hf_http_action_t *self, uint32_t status);
/*  It may have been done, or be done yet. */
void hf_http_action_unknown (hf_http_action_t *self, const char *why);

#endif
