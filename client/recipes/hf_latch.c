//  The latch: a file with a line for each count.

#include "client/recipes/hf_latch.h"
#include "client/recipes/hf_recipe.h"

struct hf_latch {
    hf_client_t *client;
    hf_session_t *session; //  NULL: it only waits
    char *name;
    uint64_t count;
};

hf_latch_t *
hf_latch_new (hf_client_t *client, hf_session_t *session, const char *name, uint64_t count)
{
    if (!client || !name || count == 0)
        return NULL;
    hf_latch_t *self = hf_alloc (sizeof *self);
    self->client = client;
    self->session = session;
    self->name = hf_recipe_name (name, "");
    self->count = count;
    return self;
}

void
hf_latch_destroy (hf_latch_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_latch_count_down (hf_latch_t *self, uint32_t limit_ms)
{
    hf_grant_t grant;
    if (!self || !self->session)
        return HF_INVALID;
    uint64_t until_ms = hf_recipe_until_ms (limit_ms);
    hf_status_t status = hf_acquire (self->session, self->name, limit_ms, &grant);
    if (status != HF_OK)
        return status;
    return hf_recipe_write (self->session, self->name, grant.token, self->name, grant.token,
                            until_ms);
}

hf_status_t
hf_latch_left (hf_latch_t *self, uint64_t *left, uint32_t limit_ms)
{
    uint64_t lines;
    if (!self || !left)
        return HF_INVALID;
    hf_status_t status = hf_recipe_lines (self->client, self->name, &lines, limit_ms);
    if (status == HF_OK)
        *left = lines < self->count ? self->count - lines : 0;
    return status;
}

hf_status_t
hf_latch_wait (hf_latch_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    uint64_t until_ms = hf_recipe_until_ms (limit_ms), left = 0;
    hf_bell_t *bell;
    hf_bell_config_t config = {.client = self->client,
                               .what = HF_WATCH_FILES,
                               .name = self->name,
                               .events = HF_BELL (APPENDED)};
    hf_status_t status = hf_bell_open (&config, limit_ms, &bell);
    if (status != HF_OK)
        return status;
    do
        status = hf_latch_left (self, &left, hf_recipe_left_ms (until_ms));
    while (status == HF_OK && left > 0 && (status = hf_bell_wait (bell, until_ms)) == HF_OK);
    hf_bell_close (&bell);
    return status;
}
