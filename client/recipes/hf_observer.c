//  Who leads: asked once, or again whenever the lock of an election rings.

#include "client/recipes/hf_election.h"
#include "client/recipes/hf_recipe.h"
#include <stdio.h>

struct hf_observer {
    hf_client_t *client;
    char *name;
    hf_bell_t *bell;
    bool asked; //  since it last rang
    bool told;  //  LAST was given
    hf_elected_t last;
};

static void
s_place (void *arg, const hf_lock_info_t *lock, const hf_place_info_t *place)
{
    hf_elected_t *leader = arg;
    (void)lock;
    if (place->token == 0 || leader->token != 0)
        return;
    leader->token = place->token;
    leader->session = place->session;
    snprintf (leader->label, sizeof leader->label, "%s", place->label);
    snprintf (leader->note, sizeof leader->note, "%s", place->note);
}

hf_status_t
hf_election_leader (hf_client_t *client, const char *name, hf_elected_t *leader, uint32_t limit_ms)
{
    if (!client || !name || !leader)
        return HF_INVALID;
    *leader = (hf_elected_t){.token = 0};
    hf_status_t status = hf_query_lock (client, name, s_place, leader, limit_ms);
    return status == HF_NOT_FOUND ? HF_OK : status;
}

hf_status_t
hf_observer_open (hf_client_t *client, const char *name, uint32_t limit_ms,
                  hf_observer_t **observer_p)
{
    if (observer_p)
        *observer_p = NULL;
    if (!client || !name || !observer_p)
        return HF_INVALID;
    hf_observer_t *self = hf_alloc (sizeof *self);
    self->client = client;
    self->name = hf_recipe_name (name, "");
    hf_bell_config_t config = {.client = client,
                               .what = HF_WATCH_LOCKS,
                               .name = self->name,
                               .events = HF_BELL (GRANTED) | HF_BELL (RELEASED) | HF_BELL (LOST) |
                                         HF_BELL (NOTED)};
    hf_status_t status = hf_bell_open (&config, limit_ms, &self->bell);
    if (status == HF_OK)
        *observer_p = self;
    else
        hf_observer_close (&self);
    return status;
}

void
hf_observer_close (hf_observer_t **self_p)
{
    hf_observer_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    hf_bell_close (&self->bell);
    free (self->name);
    free (self);
    *self_p = NULL;
}

static bool
s_same (const hf_elected_t *a, const hf_elected_t *b)
{
    return a->token == b->token && strcmp (a->note, b->note) == 0;
}

hf_status_t
hf_observer_next (hf_observer_t *self, hf_elected_t *leader, uint32_t limit_ms)
{
    if (!self || !leader)
        return HF_INVALID;
    uint64_t until_ms = hf_recipe_until_ms (limit_ms);
    hf_status_t status = HF_OK;
    while (status == HF_OK) {
        if (self->asked)
            status = hf_bell_wait (self->bell, until_ms);
        self->asked = self->asked && status != HF_OK;
        if (status == HF_OK)
            status =
                hf_election_leader (self->client, self->name, leader, hf_recipe_left_ms (until_ms));
        self->asked = self->asked || status == HF_OK;
        if (status == HF_OK && (!self->told || !s_same (leader, &self->last))) {
            self->told = true;
            self->last = *leader;
            return HF_OK;
        }
    }
    return status;
}
