/*  hf_http_admin.h - who may act over HTTP: whoever has the token of --http-admin. Pure.
 *
 *  A request that acts is a POST with its JSON and "Authorization: Bearer TOKEN". No page of
 *  another site can make a browser send one: there are no cookies, the headers that are wanted need
 *  a leave (CORS) that this port never gives, and one that a browser marks as of elsewhere is
 *  refused before its token is looked at.
 *
 *  The right token is let in always: whoever shares its address (a proxy's, a tunnel's, another
 *  account of the machine) cannot keep it out. From one address HF_HTTP_GUESSES wrong tokens are
 *  answered 401 in HF_HTTP_GUESSES_US, and more 429 until that time is over. Of HF_HTTP_ASKERS
 *  addresses the guesses are counted at once, those of all others together. That bounds no
 * guessing: the token's length does.
 */
#ifndef HF_HTTP_ADMIN_H_INCLUDED
#define HF_HTTP_ADMIN_H_INCLUDED

#include "base/hf_span.h"
#include "nodes/http/hf_http_answer.h"
#include <stdbool.h>
#include <stdint.h>

#define HF_HTTP_TOKEN_MIN  16
#define HF_HTTP_TOKEN_MAX  255
#define HF_HTTP_BODY_MAX   4096 //  bytes of a request's JSON
#define HF_HTTP_FROM_MAX   64   //  bytes of an address, with its zero
#define HF_HTTP_GUESSES    10
#define HF_HTTP_GUESSES_US 60000000U
#define HF_HTTP_ASKERS     64

typedef struct hf_http_admin hf_http_admin_t;

/*  The token in the TEXT of its file: one line of visible ASCII. NULL, or what is wrong with it. */
const char *hf_http_token_read (hf_span_t text, hf_span_t *token);

/*  TOKEN as that gave it; it is copied. */
hf_http_admin_t *hf_http_admin_new (hf_span_t token);
void hf_http_admin_destroy (hf_http_admin_t **self_p);

/*  A request that wants to act, as it came. Headers: NULL is not given. */
typedef struct hf_http_asker {
    const char *path; //  one of hf_http_action_is
    const char *from; //  the address
    const char *host, *origin, *site, *type, *authorization;
    size_t size; //  of its body
} hf_http_asker_t;

/*  NULL: it may act. Or the answer that says why not; its text is static. */
const hf_http_answer_t *hf_http_admin_refuses (hf_http_admin_t *self, const hf_http_asker_t *asker,
                                               uint64_t now_us);

/*  The next line for the log, or NULL: each refusal, and of many in a short time their number.
 * Until the next call. */
const char *hf_http_admin_audit (hf_http_admin_t *self, uint64_t now_us);

#endif
