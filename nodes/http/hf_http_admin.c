//  Who may act over HTTP.

#include "nodes/http/hf_http_admin.h"
#include "base/hf_alloc.h"
#include "base/hf_mutant.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BEARER      "Bearer "
#define JSON_TYPE   "application/json"
#define SAID_US     10000000U //  in which ...
#define SAID_MAX    10        //  ... so many refusals are told, then their number
#define LINE_SIZE   256
#define LINES       SAID_MAX
#define AUDIT_WORDS "audit: http: refused: "

/*  Wrong tokens of one address. */
typedef struct guesser {
    char from[HF_HTTP_FROM_MAX]; //  empty: nobody
    uint64_t since_us;           //  the first
    uint32_t wrong;
} guesser_t;

struct hf_http_admin {
    char token[HF_HTTP_TOKEN_MAX + 1];
    size_t size;
    guesser_t guessers[HF_HTTP_ASKERS], others;
    char lines[LINES][LINE_SIZE]; //  for the log, not yet fetched
    unsigned count, fetched;
    uint64_t said_us; //  since when SAID are counted
    unsigned said;
    uint64_t unsaid;
    char rest[LINE_SIZE];
};

//  ---- the token ---------------------------------------------------------------------------

const char *
hf_http_token_read (hf_span_t text, hf_span_t *token)
{
    uint32_t size = text.size;
    while (size > 0 && (text.at[size - 1] == '\n' || text.at[size - 1] == '\r'))
        size--;
    for (uint32_t i = 0; i < size; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return "a token is one line of letters, digits and signs, without blanks";
    if (size < HF_HTTP_TOKEN_MIN)
        return "a token is at least 16 signs: head -c 24 /dev/urandom | base64";
    if (size > HF_HTTP_TOKEN_MAX)
        return "a token is at most 255 signs";
    *token = hf_span (text.at, size);
    return NULL;
}

/*  In a time that does not depend on how much of it is right. */
static bool
s_right (const hf_http_admin_t *self, const char *token)
{
    size_t size = strlen (token);
    volatile unsigned differs = size != self->size;
    for (size_t i = 0; i < sizeof self->token; i++)
        differs |= (unsigned char)self->token[i] ^ (unsigned char)(i < size ? token[i] : 0);
    return differs == 0 || HF_MUTANT (any_token_taken);
}

hf_http_admin_t *
hf_http_admin_new (hf_span_t token)
{
    assert (token.size >= HF_HTTP_TOKEN_MIN && token.size <= HF_HTTP_TOKEN_MAX);
    hf_http_admin_t *self = hf_alloc (sizeof *self);
    memcpy (self->token, token.at, token.size);
    self->size = token.size;
    return self;
}

void
hf_http_admin_destroy (hf_http_admin_t **self_p)
{
    assert (self_p);
    free (*self_p);
    *self_p = NULL;
}

//  ---- guesses -----------------------------------------------------------------------------

static bool
s_over (const guesser_t *guesser, uint64_t now_us)
{
    return guesser->from[0] == 0 || now_us >= guesser->since_us + HF_HTTP_GUESSES_US;
}

/*  Where the guesses from there are counted. */
static guesser_t *
s_guesser (hf_http_admin_t *self, const char *from, uint64_t now_us)
{
    guesser_t *room = NULL;
    for (unsigned i = 0; i < HF_HTTP_ASKERS; i++) {
        guesser_t *guesser = &self->guessers[i];
        if (!s_over (guesser, now_us) && strcmp (guesser->from, from) == 0)
            return guesser;
        if (!room && s_over (guesser, now_us))
            room = guesser;
    }
    room = room ? room : &self->others;
    if (room == &self->others && !s_over (room, now_us))
        return room;
    *room = (guesser_t){.since_us = now_us};
    snprintf (room->from, sizeof room->from, "%s", from[0] != 0 ? from : "?");
    return room;
}

//  ---- the audit ---------------------------------------------------------------------------

static void
s_note (hf_http_admin_t *self, const hf_http_asker_t *asker, const char *why, uint64_t now_us)
{
    if (now_us >= self->said_us + SAID_US && self->unsaid == 0) {
        self->said_us = now_us;
        self->said = 0;
    }
    if (self->said >= SAID_MAX || self->count >= LINES) {
        self->unsaid++;
        return;
    }
    self->said++;
    snprintf (self->lines[self->count++], LINE_SIZE, AUDIT_WORDS "POST %s: %s (from %s)",
              asker->path, why, asker->from);
}

const char *
hf_http_admin_audit (hf_http_admin_t *self, uint64_t now_us)
{
    if (self->fetched < self->count)
        return self->lines[self->fetched++];
    self->fetched = self->count = 0;
    if (self->unsaid == 0 || now_us < self->said_us + SAID_US)
        return NULL;
    snprintf (self->rest, sizeof self->rest, AUDIT_WORDS "%" PRIu64 " times more", self->unsaid);
    self->unsaid = 0;
    return self->rest;
}

//  ---- who may -----------------------------------------------------------------------------

#define REFUSALS(R)                                                                                \
    R (ELSEWHERE, 403, "a page of another site may not act here")                                  \
    R (TYPE, 415, "an action is JSON: Content-Type: application/json")                             \
    R (SIZE, 413, "an action is at most 4096 bytes long")                                          \
    R (NO_TOKEN, 401, "the token of --http-admin is missing: Authorization: Bearer TOKEN")         \
    R (WRONG_TOKEN, 401, "the token is wrong")                                                     \
    R (GUESSES, 429, "the token is wrong, and too many wrong ones came from there")

enum {
#define REFUSAL(name, code, why) REFUSAL_##name,
    REFUSALS (REFUSAL)
#undef REFUSAL
};

static const struct {
    hf_http_answer_t answer;
    const char *why;
} s_refusals[] = {
#define REFUSAL(name, number, text_)                                                               \
    {.answer = {.code = (number),                                                                  \
                .type = JSON_TYPE,                                                                 \
                .text = "{\"error\": \"" text_ "\"}\n",                                            \
                .size = sizeof "{\"error\": \"" text_ "\"}\n" - 1},                                \
     .why = (text_)},
    REFUSALS (REFUSAL)
#undef REFUSAL
};

/*  What a browser says of where the page came from. Who is no browser says nothing. */
static bool
s_from_elsewhere (const hf_http_asker_t *asker)
{
    const char *site = asker->site, *origin = asker->origin;
    if (HF_MUTANT (any_site_acts))
        return false;
    if (site && strcmp (site, "same-origin") != 0 && strcmp (site, "none") != 0)
        return true;
    if (!origin)
        return false;
    const char *host = strstr (origin, "://");
    bool http = strncmp (origin, "http://", 7) == 0 || strncmp (origin, "https://", 8) == 0;
    return !http || !host || !asker->host || strcasecmp (host + 3, asker->host) != 0;
}

/*  With a charset behind it, too. */
static bool
s_is_json (const char *type)
{
    size_t size = sizeof JSON_TYPE - 1;
    return HF_MUTANT (any_type_acts) ||
           (type && strncasecmp (type, JSON_TYPE, size) == 0 &&
            (type[size] == 0 || type[size] == ';' || type[size] == ' '));
}

static int
s_check_token (hf_http_admin_t *self, const hf_http_asker_t *asker, uint64_t now_us)
{
    const char *given = asker->authorization;
    size_t size = sizeof BEARER - 1;
    if (!given || strncasecmp (given, BEARER, size) != 0)
        return REFUSAL_NO_TOKEN;
    for (given += size; *given == ' ';)
        given++;
    //  Others at the same address, which may be a proxy's or a tunnel's, cannot keep it out.
    bool right = s_right (self, given);
    if (right && !HF_MUTANT (guesses_shut_out))
        return -1;
    guesser_t *guesser = s_guesser (self, asker->from, now_us);
    if (guesser->wrong >= HF_HTTP_GUESSES && !HF_MUTANT (guesses_unbounded))
        return REFUSAL_GUESSES;
    if (right)
        return -1;
    guesser->wrong++;
    return REFUSAL_WRONG_TOKEN;
}

const hf_http_answer_t *
hf_http_admin_refuses (hf_http_admin_t *self, const hf_http_asker_t *asker, uint64_t now_us)
{
    assert (self && asker->path && asker->from);
    int refusal = s_from_elsewhere (asker)         ? REFUSAL_ELSEWHERE
                  : !s_is_json (asker->type)       ? REFUSAL_TYPE
                  : asker->size > HF_HTTP_BODY_MAX ? REFUSAL_SIZE
                                                   : s_check_token (self, asker, now_us);
    if (refusal < 0)
        return NULL;
    s_note (self, asker, s_refusals[refusal].why, now_us);
    return &s_refusals[refusal].answer;
}
