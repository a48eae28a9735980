//  The semaphore: a lock with a limit of units, held SHARED.

#include "client/recipes/hf_semaphore.h"
#include "client/recipes/hf_recipe.h"

struct hf_semaphore {
    hf_session_t *session;
    char *name;
    uint32_t limit;
    hf_grant_t grant;
};

hf_semaphore_t *
hf_semaphore_new (hf_session_t *session, const char *name, uint32_t limit)
{
    if (!session || !name || limit == 0)
        return NULL;
    hf_semaphore_t *self = hf_alloc (sizeof *self);
    self->session = session;
    self->name = hf_recipe_name (name, "");
    self->limit = limit;
    return self;
}

void
hf_semaphore_destroy (hf_semaphore_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_semaphore_take (hf_semaphore_t *self, uint32_t units, uint32_t limit_ms, hf_grant_t *grant)
{
    if (!self || units == 0 || units > self->limit)
        return HF_INVALID;
    if (self->grant.token != 0)
        return HF_OVERLAP;
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.mode = HF_MODE_SHARED;
    options.units = units;
    options.limit = self->limit;
    hf_status_t status =
        hf_acquire_as (self->session, self->name, &options, limit_ms, &self->grant);
    if (status == HF_OK && grant)
        *grant = self->grant;
    return status;
}

hf_status_t
hf_semaphore_give (hf_semaphore_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    return hf_recipe_release (self->session, self->name, &self->grant, limit_ms);
}
