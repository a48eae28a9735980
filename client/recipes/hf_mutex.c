//  The mutex: an exclusive lock and a count.

#include "client/recipes/hf_mutex.h"
#include "client/recipes/hf_recipe.h"

struct hf_mutex {
    hf_session_t *session;
    char *name;
    uint32_t depth;
    hf_grant_t grant;
};

hf_mutex_t *
hf_mutex_new (hf_session_t *session, const char *name)
{
    if (!session || !name)
        return NULL;
    hf_mutex_t *self = hf_alloc (sizeof *self);
    self->session = session;
    self->name = hf_recipe_name (name, "");
    return self;
}

void
hf_mutex_destroy (hf_mutex_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_mutex_lock (hf_mutex_t *self, uint32_t limit_ms, hf_grant_t *grant)
{
    if (!self)
        return HF_INVALID;
    if (self->depth == UINT32_MAX)
        return HF_LIMIT;
    hf_status_t status = HF_OK;
    if (self->depth == 0)
        status = hf_acquire (self->session, self->name, limit_ms, &self->grant);
    else if (hf_session_remaining_ms (self->session) == 0)
        status = HF_LOST;
    if (status != HF_OK)
        return status;
    self->depth++;
    if (grant)
        *grant = self->grant;
    return HF_OK;
}

hf_status_t
hf_mutex_unlock (hf_mutex_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    if (self->depth > 1) {
        self->depth--;
        return hf_session_remaining_ms (self->session) > 0 ? HF_OK : HF_LOST;
    }
    hf_status_t status = hf_recipe_release (self->session, self->name, &self->grant, limit_ms);
    self->depth = self->grant.token != 0;
    return status;
}

uint32_t
hf_mutex_depth (const hf_mutex_t *self)
{
    return self ? self->depth : 0;
}
