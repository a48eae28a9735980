//  How an operator's action ends: its answer, and its line for the audit.

#include "base/hf_mutant.h"
#include "nodes/http/hf_http_action_private.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*  "close session 42 (ann@build-1)" */
static void
s_describe (const hf_http_action_t *self, char doing[HF_DOING_MAX])
{
    uint64_t number = self->op->end == HF_END_SESSION ? self->session : self->node;
    if (number == 0 && self->lock[0] == 0) { //  it could not be read
        snprintf (doing, HF_DOING_MAX, "POST " HF_HTTP_V1 "%s", self->op->name);
        return;
    }
    size_t used = (size_t)snprintf (doing, HF_DOING_MAX, "%s ", self->op->doing);
    if (self->op->end == HF_END_HOLD)
        used += (size_t)snprintf (doing + used, HF_DOING_MAX - used, "%s", self->lock);
    else
        used += (size_t)snprintf (doing + used, HF_DOING_MAX - used, "%" PRIu64, number);
    if (self->op->end == HF_END_HOLD && self->token > 0 && self->session > 0)
        used += (size_t)snprintf (doing + used, HF_DOING_MAX - used,
                                  " with token %" PRIu64 " of session %" PRIu64, self->token,
                                  self->session);
    if (self->label[0] != 0)
        snprintf (doing + used, HF_DOING_MAX - used, " (%s)", self->label);
}

void
hf_http_action_end (hf_http_action_t *self, unsigned code, json_t *root, const char *why)
{
    char doing[HF_DOING_MAX];
    s_describe (self, doing);
    snprintf (self->audit, sizeof self->audit, "audit: http: %s: %s (from %s)", doing, why,
              self->from);
    self->text = json_dumps (root, JSON_INDENT (2));
    json_decref (root);
    self->answer = (hf_http_answer_t){.code = self->text ? code : 500,
                                      .type = "application/json",
                                      .text = self->text ? self->text : "{}"};
    self->answer.size = strlen (self->answer.text);
    json_decref (self->rows);
    self->rows = NULL;
    self->step = self->own > 0 && !HF_MUTANT (asker_stays) ? HF_STEP_LEAVE : HF_STEP_DONE;
}

void
hf_http_action_refuse (hf_http_action_t *self, unsigned code, const char *format, ...)
{
    char why[HF_WHY_MAX];
    va_list args;
    va_start (args, format);
    vsnprintf (why, sizeof why, format, args);
    va_end (args);
    hf_http_action_end (self, code, json_pack ("{s:s}", "error", why), why);
}

void
hf_http_action_unknown (hf_http_action_t *self, const char *why)
{
    hf_http_action_refuse (
        self, 504, "it is not known whether it was done: %s; look before you repeat it", why);
}

void
hf_http_action_done (hf_http_action_t *self)
{
    char why[64];
    json_t *root;
    json_int_t index = (json_int_t)self->index;
    if (self->op->end == HF_END_HOLD)
        root =
            json_pack ("{s:s, s:I, s:I, s:s}", "lock", self->lock, "token", (json_int_t)self->token,
                       "session", (json_int_t)self->session, "label", self->label);
    else if (self->op->end == HF_END_SESSION)
        root = json_pack ("{s:I, s:s, s:I, s:I}", "session", (json_int_t)self->session, "label",
                          self->label, "held", (json_int_t)self->held, "queued",
                          (json_int_t)self->queued);
    else
        root = json_pack ("{s:I}", "node", (json_int_t)self->node);
    //  A lead that is handed over is in no command.
    if (index > 0)
        json_object_set_new (root, "index", json_integer (index));
    snprintf (why, sizeof why, index > 0 ? "%s, index %" PRIu64 : "%s", hf_status_text (HF_OK),
              self->index);
    hf_http_action_end (self, 200, root, why);
}

void
hf_http_action_refuse_status (hf_http_action_t *self, uint32_t status)
{
    bool missing = status == HF_NOT_FOUND || status == HF_NO_MEMBER || status == HF_SESSION_EXPIRED;
    unsigned code = missing                                             ? 404
                    : status == HF_BUSY                                 ? 503
                    : status == HF_BAD_REQUEST || status == HF_BAD_NAME ? 400
                    : status == HF_DENIED                               ? 403
                                                                        : 409;
    hf_http_action_refuse (self, code, "%s", hf_status_text ((hf_status_t)status));
}
