//  The election: an exclusive lock, whose holder leads and whose note says where.

#include "client/recipes/hf_election.h"
#include "client/recipes/hf_recipe.h"

struct hf_election {
    hf_session_t *session;
    char *name;
    hf_grant_t grant;
};

hf_election_t *
hf_election_new (hf_session_t *session, const char *name)
{
    if (!session || !name)
        return NULL;
    hf_election_t *self = hf_alloc (sizeof *self);
    self->session = session;
    self->name = hf_recipe_name (name, "");
    return self;
}

void
hf_election_destroy (hf_election_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free (*self_p);
    *self_p = NULL;
}

hf_status_t
hf_election_campaign (hf_election_t *self, const char *note, uint32_t limit_ms, hf_grant_t *grant)
{
    if (!self)
        return HF_INVALID;
    if (self->grant.token != 0)
        return HF_OVERLAP;
    hf_acquire_options_t options = HF_ACQUIRE_OPTIONS_INIT;
    options.note = note;
    hf_status_t status =
        hf_acquire_as (self->session, self->name, &options, limit_ms, &self->grant);
    if (status == HF_OK && grant)
        *grant = self->grant;
    return status;
}

hf_status_t
hf_election_proclaim (hf_election_t *self, const char *note, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    if (self->grant.token == 0)
        return HF_NOT_HOLDER;
    return hf_note (self->session, self->name, self->grant.token, note, limit_ms);
}

hf_status_t
hf_election_resign (hf_election_t *self, uint32_t limit_ms)
{
    if (!self)
        return HF_INVALID;
    return hf_recipe_release (self->session, self->name, &self->grant, limit_ms);
}
