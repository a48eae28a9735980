//  A cluster with keys: its folder of public keys, and who asks it in the name of the test.

#include "broker-less/hf_key_ring.h"
#include "tests/cluster/harness/hf_cluster_internal.h"
#include "tests/cluster/harness/hf_probe.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define TESTER "tester"

static void
s_write (const char *path, const hf_key_t *key, bool secret)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_write (key, secret, text);
    FILE *file = fopen (path, "we");
    assert (file);
    chmod (path, secret ? 0600 : 0644);
    fputs (text, file);
    int rc = fclose (file);
    assert (rc == 0);
}

void
hf_cluster_make_key (hf_cluster_t *self, const char *name, uint32_t node, bool admitted)
{
    hf_key_t key = {.node = node};
    char path[2 * HF_PATH_SIZE];
    int rc = zmq_curve_keypair (key.public_text, key.secret_text);
    assert (rc == 0 && strlen (name) < sizeof key.name);
    if (node == 0)
        strcpy (key.name, name);
    snprintf (path, sizeof path, "%s/%s_secret", self->dir, name);
    s_write (path, &key, true);
    if (admitted) {
        snprintf (path, sizeof path, "%s/keys/%s/%s", self->dir,
                  hf_key_folder (node != 0 ? HF_KEY_OF_NODE : HF_KEY_OF_CLIENT), name);
        s_write (path, &key, false);
    }
    if (node == 0 && strcmp (name, TESTER) == 0)
        hf_probe_show (&key);
    if (node != 0)
        hf_probe_take (hf_cluster_client_port (self, node), key.public_text);
}

const char *
hf_cluster_key (hf_cluster_t *self, const char *name)
{
    snprintf (self->key, sizeof self->key, "%s/%s_secret", self->dir, name);
    return self->key;
}

void
hf_cluster_use_keys (hf_cluster_t *self)
{
    char path[HF_PATH_SIZE + 16], name[32];
    snprintf (self->keys, sizeof self->keys, "%.480s/keys", self->dir);
    mkdir (self->keys, 0700);
    for (int kind = 0; kind < 2; kind++) {
        snprintf (path, sizeof path, "%s/%s", self->keys, hf_key_folder ((hf_key_kind_t)kind));
        mkdir (path, 0700);
    }
    for (uint32_t id = 1; id <= self->count; id++) {
        snprintf (name, sizeof name, "node-%u", id);
        hf_cluster_make_key (self, name, id, true);
    }
    hf_cluster_make_key (self, TESTER, 0, true);
    setenv ("HOLDFAST_KEYS", self->keys, 1);
    setenv ("HOLDFAST_KEY", hf_cluster_key (self, TESTER), 1);
}

const char *
hf_cluster_keys (const hf_cluster_t *self)
{
    return self->keys;
}

void
hf_cluster_forget_keys (void)
{
    unsetenv ("HOLDFAST_KEYS");
    unsetenv ("HOLDFAST_KEY");
    hf_probe_show (NULL);
}
