//  Who may reach this node: its keys, or, without any, this machine alone.

#include "broker-less/hf_gate.h"
#include "nodes/actors/hf_report.h"
#include "nodes/hf_node.h"
#include <stdio.h>
#include <string.h>

static int
s_refuse (const char *text)
{
    fprintf (stderr, "holdfastd: %s\n", text);
    return -1;
}

int
hf_node_keys (hf_node_t *self, const hf_options_t *options)
{
    char error[HF_ERROR_SIZE];
    if (!options->keys)
        return 0;
    self->keys = hf_keys_new (options->key, options->keys, error);
    if (!self->keys)
        return s_refuse (error);
    const hf_key_t *own = hf_keys_own (self->keys);
    if (self->id != 0 && own->node != self->id) {
        snprintf (error, sizeof error,
                  "%.200s is not the key of node %u: make one with 'holdfast keys new node-%u "
                  "--node %u'",
                  options->key, self->id, self->id, self->id);
        return s_refuse (error);
    }
    if (!hf_keys_admit (self->keys, HF_KEY_OF_NODE, own->public_text, NULL))
        hf_report (HF_WARN, "its own public key is not in %s/nodes: is it in those of the others?",
                   options->keys);
    hf_gate_secure ();
    return 0;
}

//  ---- the address --------------------------------------------------------------------------

/*  Where it listens, as far as that is known; NULL: not yet. */
static const char *
s_open_address (const hf_node_t *self, const hf_options_t *options)
{
    const hf_listen_t *listen = options->listen.chosen ? &options->listen : &self->listen;
    if (listen->at.count > 0)
        return hf_listen_is_loopback (listen) ? NULL : listen->at.text[0];
    bool number = self->own.id != 0 && !hf_host_is_name (self->own.host);
    return number && !hf_host_is_loopback (self->own.host) ? self->own.host : NULL;
}

int
hf_node_check_open (hf_node_t *self, const hf_options_t *options)
{
    const char *address = options->keys ? NULL : s_open_address (self, options);
    self->lock.insecure = address != NULL;
    if (!address || options->insecure)
        return 0;
    fprintf (stderr,
             "holdfastd: other machines reach %s, and there are no keys: give --keys DIR and --key "
             "FILE (see 'holdfast keys --help'), or --insecure to let everybody in who reaches "
             "it\n",
             address);
    return -1;
}

//  ---- who is let in ------------------------------------------------------------------------

static void
s_say (void *arg, bool bad, const char *line)
{
    (void)arg;
    hf_report (bad ? HF_WARN : HF_INFO, "%s", line);
}

int
hf_node_guard (hf_node_t *self, void *context)
{
    char error[HF_ERROR_SIZE];
    if (self->lock.insecure)
        hf_report (HF_WARN, "INSECURE: whoever reaches its ports may do anything (--insecure)");
    if (!self->keys)
        return 0;
    self->listen.keys = self->keys;
    self->lock.encrypted = true;
    self->zap = hf_zap_new (context, self->keys, s_say, NULL, error);
    return self->zap ? 0 : s_refuse (error);
}
