//  Why the other end did not shake hands.

#include "broker-less/hf_snub.h"
#include <assert.h>
#include <stdio.h>

bool
hf_snub_by_key (hf_snub_t snub)
{
    return snub == HF_SNUB_OTHER_KEY;
}

static void
s_who (const hf_key_t *own, char who[HF_KEY_NAME_MAX + 32])
{
    if (own->node != 0)
        snprintf (who, HF_KEY_NAME_MAX + 32, "node %u", own->node);
    else
        snprintf (who, HF_KEY_NAME_MAX + 32, "user %s", own->name[0] ? own->name : "?");
}

void
hf_snub_text (hf_snub_t snub, uint32_t id, const hf_key_t *own, const char *file,
              const char *folder, char *text, size_t size)
{
    assert (text && size > 0);
    char node[32] = "the node", who[HF_KEY_NAME_MAX + 32];
    if (id != 0)
        snprintf (node, sizeof node, "node %u", id);
    text[0] = 0;
    switch (snub) {
    case HF_SNUB_NONE:
        break;
    case HF_SNUB_KEYLESS:
        snprintf (text, size,
                  "%s asks for a key: --key FILE and --keys DIR, or HOLDFAST_KEY and HOLDFAST_KEYS",
                  node);
        break;
    case HF_SNUB_PLAIN:
        snprintf (text, size, "%s speaks without keys: start it with --keys and --key", node);
        break;
    case HF_SNUB_REFUSED:
        s_who (own, who);
        snprintf (text, size, "%s does not admit the key of %s in %.150s", node, who, file);
        break;
    case HF_SNUB_OTHER_KEY:
        snprintf (text, size, "%s ends the handshake: is its key the one in %.150s/nodes?", node,
                  folder);
        break;
    case HF_SNUB_UNKNOWN:
        if (id != 0)
            snprintf (text, size, "there is no key of node %u in %.150s/nodes", id, folder);
        else
            snprintf (text, size, "there is no key of a node in %.150s/nodes", folder);
        break;
    }
}
