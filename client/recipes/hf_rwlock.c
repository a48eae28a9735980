//  The read/write lock: a lock held SHARED without limit, or EXCLUSIVE.

#include "client/recipes/hf_rwlock.h"
#include "client/recipes/hf_recipe.h"

struct hf_rwlock {
    hf_session_t *session;
    char *name;
    hf_mode_t mode; //  while it is held
    hf_grant_t grant;
};

hf_rwlock_t *
hf_rwlock_new (hf_session_t *session, const char *name)
{
    if (!session || !name)
        return NULL;
    hf_rwlock_t *self = hf_alloc (sizeof *self);
    self->session = session;
    self->name = hf_recipe_name (name, "");
    return self;
}

void
hf_rwlock_destroy (hf_rwlock_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free (*self_p);
    *self_p = NULL;
}

/*  What is held in another mode changes it. */
static hf_status_t
s_lock (hf_rwlock_t *self, hf_mode_t mode, uint32_t limit_ms, hf_grant_t *grant)
{
    if (!self)
        return HF_INVALID;
    if (self->grant.token != 0 && self->mode == mode)
        return HF_OVERLAP;
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    hf_grant_t got;
    options.mode = mode;
    hf_status_t status = hf_acquire_as (self->session, self->name, &options, limit_ms, &got);
    if (status != HF_OK)
        return status;
    self->mode = mode;
    self->grant = got;
    if (grant)
        *grant = got;
    return HF_OK;
}

hf_status_t
hf_rwlock_read (hf_rwlock_t *self, uint32_t limit_ms, hf_grant_t *grant)
{
    return s_lock (self, HF_MODE_SHARED, limit_ms, grant);
}

hf_status_t
hf_rwlock_write (hf_rwlock_t *self, uint32_t limit_ms, hf_grant_t *grant)
{
    return s_lock (self, HF_MODE_EXCLUSIVE, limit_ms, grant);
}

hf_status_t
hf_rwlock_unlock (hf_rwlock_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    return hf_recipe_release (self->session, self->name, &self->grant, limit_ms);
}
