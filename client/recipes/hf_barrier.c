//  The barrier. A party holds the lock NAME, SHARED: it has arrived; its token says when. An
//  opening is a line of the file NAME.open, the highest token that passes. Tokens rise, so of those
//  who hold NAME, who has a higher token than the last line waits for the next opening. When N of
//  them are there, the N-th takes the lock NAME.open, looks again, and appends its own token: so an
//  opening is decided once, and parties that died before are not counted. The others need to look
//  again when an opening was written, or when somebody died or left and they are the N-th now.

#include "base/hf_array.h"
#include "client/recipes/hf_barrier.h"
#include "client/recipes/hf_recipe.h"

struct hf_barrier {
    hf_client_t *client;
    hf_session_t *session;
    char *name, *open; //  the latter: a lock and a file
    uint32_t parties;
    hf_bell_t *bell;    //  NULL: not opened yet
    uint64_t from;      //  line at which the present arrival looks for its opening
    hf_grant_t grant;   //  of NAME
    uint64_t low, high; //  tokens of those who entered together: above LOW, up to HIGH; 0: none
};

//  Who holds NAME, by token.
typedef struct parties {
    HF_ARRAY (uint64_t) tokens;
    uint64_t above; //  others do not count
} parties_t;

hf_barrier_t *
hf_barrier_new (hf_client_t *client, hf_session_t *session, const char *name, uint32_t parties)
{
    if (!client || !session || !name || parties == 0 || parties > HF_BARRIER_PARTIES_MAX)
        return NULL;
    hf_barrier_t *self = hf_alloc (sizeof *self);
    self->client = client;
    self->session = session;
    self->name = hf_recipe_name (name, "");
    self->open = hf_recipe_name (name, ".open");
    self->parties = parties;
    return self;
}

void
hf_barrier_destroy (hf_barrier_t **self_p)
{
    hf_barrier_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    hf_bell_close (&self->bell);
    free (self->name);
    free (self->open);
    free (self);
    *self_p = NULL;
}

//  ---- questions ------------------------------------------------------------------

static void
s_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    parties_t *found = arg;
    (void)lock;
    if (place->token > found->above)
        *hf_array_add (&found->tokens) = place->token;
}

/*  Those with tokens above ABOVE, ascending; to be freed in any case. */
static hf_status_t
s_parties (const hf_barrier_t *self, uint64_t above, parties_t *found, uint64_t until_ms)
{
    *found = (parties_t){.above = above};
    hf_status_t status =
        hf_query_lock (self->client, self->name, s_place, found, hf_recipe_left_ms (until_ms));
    return status == HF_NOT_FOUND ? HF_OK : status;
}

/*  The number on line LINE, which is there, counted from 1; 0 for line 0. */
static hf_status_t
s_line (const hf_barrier_t *self, uint64_t line, uint64_t *number, uint64_t until_ms)
{
    char text[HF_LINE_SIZE + 1] = "";
    size_t size = HF_LINE_SIZE;
    *number = 0;
    if (line == 0)
        return HF_OK;
    hf_status_t status = hf_read (self->client, self->open, (line - 1) * HF_LINE_SIZE, text, &size,
                                  NULL, hf_recipe_left_ms (until_ms));
    *number = strtoull (text, NULL, 10);
    return status;
}

/*  The highest token that has passed. */
static hf_status_t
s_last (const hf_barrier_t *self, uint64_t *last, uint64_t until_ms)
{
    uint64_t lines;
    hf_status_t status =
        hf_recipe_lines (self->client, self->open, &lines, hf_recipe_left_ms (until_ms));
    return status == HF_OK ? s_line (self, lines, last, until_ms) : status;
}

/*  Whether an opening lets this party pass; else LAST is the highest token that has passed. */
static hf_status_t
s_look (hf_barrier_t *self, uint64_t *last, uint64_t until_ms)
{
    uint64_t lines, low;
    hf_status_t status =
        hf_recipe_lines (self->client, self->open, &lines, hf_recipe_left_ms (until_ms));
    if (status == HF_OK)
        status = s_line (self, self->from, last, until_ms);
    while (status == HF_OK && self->from < lines && self->high == 0) {
        low = *last;
        status = s_line (self, self->from + 1, last, until_ms);
        self->from++;
        if (status == HF_OK && *last >= self->grant.token) {
            self->low = low;
            self->high = *last;
        }
    }
    return status;
}

//  ---- opening ----------------------------------------------------------------------

/*  Open, unless fewer than N are there now. */
static hf_status_t
s_open (hf_barrier_t *self, bool *opened, uint64_t until_ms)
{
    hf_grant_t grant;
    parties_t found = {.above = 0};
    uint64_t last = 0;
    uint32_t left_ms = hf_recipe_left_ms (until_ms);
    hf_status_t status =
        left_ms > 0 ? hf_acquire (self->session, self->open, left_ms, &grant) : HF_TIMEOUT;
    if (status != HF_OK)
        return status;
    status = s_last (self, &last, until_ms);
    if (status == HF_OK)
        status = s_parties (self, last, &found, until_ms);
    *opened = status == HF_OK && found.tokens.count >= self->parties;
    if (*opened)
        status = hf_recipe_write (self->session, self->open, grant.token, self->open,
                                  found.tokens.list[self->parties - 1], until_ms);
    else
        hf_recipe_drop (self->session, self->open, grant.token);
    hf_array_free (&found.tokens);
    return status;
}

/*  Open if this party is the N-th of those who wait. HF_LOST: it is none of them. */
static hf_status_t
s_turn (hf_barrier_t *self, uint64_t last, bool *opened, uint64_t until_ms)
{
    parties_t found;
    size_t at = 0;
    hf_status_t status = s_parties (self, last, &found, until_ms);
    while (at < found.tokens.count && found.tokens.list[at] != self->grant.token)
        at++;
    if (status == HF_OK && at == found.tokens.count)
        status = HF_LOST;
    hf_array_free (&found.tokens);
    return status == HF_OK && at + 1 == self->parties ? s_open (self, opened, until_ms) : status;
}

/*  One look, and a wait for the next. */
static hf_status_t
s_step (hf_barrier_t *self, uint64_t until_ms)
{
    uint64_t last = 0;
    bool opened = false;
    hf_status_t status = s_look (self, &last, until_ms);
    if (status != HF_OK || self->high > 0)
        return status;
    status = s_turn (self, last, &opened, until_ms);
    return status == HF_OK && !opened ? hf_bell_wait (self->bell, until_ms) : status;
}

/*  A party that is cut off hears of nothing: it looks whether its lease is over when that may be.
 */
static hf_status_t
s_wait (hf_barrier_t *self, uint64_t until_ms)
{
    hf_status_t status = HF_OK;
    while (status == HF_OK && self->high == 0) {
        uint32_t lease_ms = hf_session_remaining_ms (self->session);
        if (lease_ms == 0)
            return HF_LOST;
        uint64_t step_ms = hf_recipe_until_ms (lease_ms);
        bool last = step_ms >= until_ms;
        status = s_step (self, last ? until_ms : step_ms);
        if (!last && (status == HF_TIMEOUT || status == HF_UNREACHABLE))
            status = HF_OK;
    }
    return status;
}

//  ---- calls ------------------------------------------------------------------------

/*  Before anything is looked at, so that nothing is missed. */
static hf_status_t
s_listen (hf_barrier_t *self, uint64_t until_ms)
{
    hf_bell_config_t config = {.client = self->client,
                               .what = HF_WATCH_LOCKS,
                               .name = self->name,
                               .also = self->open,
                               .events = HF_BELL (RELEASED) | HF_BELL (LOST)};
    if (self->bell)
        return HF_OK;
    return hf_bell_open (&config, hf_recipe_left_ms (until_ms), &self->bell);
}

static hf_status_t
s_enter (hf_barrier_t *self, uint64_t until_ms)
{
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.mode = HF_MODE_SHARED;
    self->high = 0;
    hf_status_t status = s_listen (self, until_ms);
    if (status == HF_OK)
        status =
            hf_recipe_lines (self->client, self->open, &self->from, hf_recipe_left_ms (until_ms));
    if (status == HF_OK)
        status = hf_acquire_as (self->session, self->name, &options, hf_recipe_left_ms (until_ms),
                                &self->grant);
    if (status != HF_OK)
        return status;
    status = s_wait (self, until_ms);
    if (status != HF_OK) {
        hf_recipe_drop (self->session, self->name, self->grant.token);
        self->grant = (hf_grant_t){0, 0};
    }
    return status;
}

hf_status_t
hf_barrier_enter (hf_barrier_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    if (self->grant.token != 0)
        return HF_OVERLAP;
    hf_status_t status = s_enter (self, hf_recipe_until_ms (limit_ms));
    if (status != HF_OK)
        hf_bell_close (&self->bell); //  it may be the reason
    return status;
}

hf_status_t
hf_barrier_wait (hf_barrier_t *self, uint32_t limit_ms)
{
    hf_status_t status = hf_barrier_enter (self, limit_ms);
    if (status != HF_OK)
        return status;
    hf_recipe_drop (self->session, self->name, self->grant.token);
    self->grant = (hf_grant_t){0, 0};
    self->high = 0;
    return HF_OK;
}

/*  Whether one of those who entered together is still inside. */
static hf_status_t
s_inside (const hf_barrier_t *self, bool *inside, uint64_t until_ms)
{
    parties_t found;
    hf_status_t status = s_parties (self, self->low, &found, until_ms);
    *inside = found.tokens.count > 0 && found.tokens.list[0] <= self->high;
    hf_array_free (&found.tokens);
    return status;
}

hf_status_t
hf_barrier_leave (hf_barrier_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    if (self->high == 0)
        return HF_NOT_HOLDER;
    uint64_t until_ms = hf_recipe_until_ms (limit_ms);
    hf_status_t status = s_listen (self, until_ms);
    if (status == HF_OK && self->grant.token != 0)
        status = hf_recipe_release (self->session, self->name, &self->grant,
                                    hf_recipe_left_ms (until_ms));
    bool inside = true;
    while (status == HF_OK) {
        status = s_inside (self, &inside, until_ms);
        if (status == HF_OK && !inside) {
            self->high = 0;
            return HF_OK;
        }
        if (status == HF_OK)
            status = hf_bell_wait (self->bell, until_ms);
    }
    hf_bell_close (&self->bell);
    return status;
}
