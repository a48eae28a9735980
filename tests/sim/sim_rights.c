//  Users: in some lives each client has the key of another one, and in some of these the first may
//  not take the first lock.

#include "tests/sim/sim_internal.h"
#include <string.h>

#define TEXT_MAX  4096
#define FORBIDDEN 0 //  the lock, to client 1

/*  By the seed alone: nothing is drawn for it. */
bool
sim_rights_users (const sim_t *sim)
{
    return sim->seed % 3 == 1;
}

static bool
s_guarded (const sim_t *sim)
{
    return sim->seed % 6 == 1;
}

/*  The first client's user, or that of all others: the model knows two. */
static const char *
s_name (uint32_t client)
{
    return model_users[client == 1 ? 1 : 2];
}

static void
s_put (char text[TEXT_MAX], const char *part)
{
    assert (strlen (text) + strlen (part) < TEXT_MAX);
    strcat (text, part);
}

/*  Each byte as two digits: so it is a name, whatever that is. */
static void
s_put_name (char text[TEXT_MAX], const char *name)
{
    char byte[8];
    for (; *name; name++) {
        snprintf (byte, sizeof byte, "%%%02x", (unsigned)(uint8_t)*name);
        s_put (text, byte);
    }
}

static void
s_rights (char text[TEXT_MAX])
{
    strcpy (text, "* * append,read,watch\n");
    s_put (text, s_name (2));
    s_put (text, " * acquire,shared\n");
    for (size_t lock = 0; lock < MODEL_LOCKS; lock++) {
        if (lock == FORBIDDEN)
            continue;
        s_put (text, s_name (1));
        s_put (text, " ");
        s_put_name (text, sim_lock_name (lock));
        s_put (text, " acquire,shared # but not the first\n");
    }
}

void
sim_rights_start (const sim_t *sim, const node_t *node)
{
    char text[TEXT_MAX];
    for (uint32_t id = 1; id <= sim->odds.clients && sim_rights_users (sim); id++)
        hf_lock_service_user (node->lock, id, s_name (id));
    if (!s_guarded (sim))
        return;
    s_rights (text);
    hf_lock_service_rights (node->lock, hf_span_text (text));
}

void
sim_rights_granted (sim_t *sim, const client_t *client, size_t lock)
{
    if (s_guarded (sim) && client->id == 1 && lock == FORBIDDEN)
        sim_fail (sim, SIM_BROKEN, "rights: client %u was granted what its user may not take",
                  client->id);
}
