/*  hf_key_ring.h - the public keys of a cluster, as its folder has them. Pure.
 *
 *      KEYS/nodes/FILE     the key of a node, with its id
 *      KEYS/clients/FILE   the key of a client, with the name of its user
 *
 *  A node may have several keys, and so may a user: old and new are valid side by side. A ring is
 *  made anew from all files whenever the folder has changed. A file that cannot be used leaves its
 *  key as it was: one that is being written must cut nobody off. What revokes a key is that its
 *  file is gone.
 */
#ifndef HF_KEY_RING_H_INCLUDED
#define HF_KEY_RING_H_INCLUDED

#include "base/hf_array.h"
#include "broker-less/hf_key_file.h"

#define HF_KEY_FILES_MAX 5000 //  in a folder
#define HF_KEY_PATH_MAX  255

typedef enum hf_key_kind { HF_KEY_OF_NODE = 0, HF_KEY_OF_CLIENT = 1 } hf_key_kind_t;

/*  "nodes" or "clients": the name of their folder, and of what ZAP calls their domain. */
const char *hf_key_folder (hf_key_kind_t kind);

typedef struct hf_ring_key {
    hf_key_kind_t kind;
    char file[HF_KEY_PATH_MAX + 1];
    hf_key_t key; //  without the secret one
} hf_ring_key_t;

typedef struct hf_key_ring {
    HF_ARRAY (hf_ring_key_t) keys;
    HF_ARRAY (uint64_t) marks; //  the first characters of each, to find it quickly
} hf_key_ring_t;

void hf_key_ring_done (hf_key_ring_t *self);

/*  Whether a file of that name in the folder is a key file: no hidden one, no secret one. */
bool hf_key_ring_wants (const char *file);

/*  FILE of the folder has TEXT. 0, or -1 with one line in ERROR: it is of no use; then the key that
 *  it gave to OLD, the ring before this one, stays. Call it in the order of names. */
int hf_key_ring_take (hf_key_ring_t *self, const hf_key_ring_t *old, hf_key_kind_t kind,
                      const char *file, hf_span_t text, char *error);
/*  The same for a file that could not be read. */
void hf_key_ring_keep (hf_key_ring_t *self, const hf_key_ring_t *old, hf_key_kind_t kind,
                       const char *file);

/*  The key of that KIND; NULL: it has none such. */
const hf_ring_key_t *hf_key_ring_find (const hf_key_ring_t *self, hf_key_kind_t kind,
                                       const char *public_text);

/*  The keys of node ID, of all nodes if that is 0: their number; and the one of TURN, modulo that;
 *  NULL: there is none. */
unsigned hf_key_ring_count (const hf_key_ring_t *self, uint32_t id);
const hf_ring_key_t *hf_key_ring_of_node (const hf_key_ring_t *self, uint32_t id, unsigned turn);

/*  The next difference between two rings from *AT on, which is 0 at first: one line in TEXT (of
 *  HF_ERROR_SIZE bytes). False: there is no more. */
bool hf_key_ring_differs (const hf_key_ring_t *old, const hf_key_ring_t *self, size_t *at,
                          char *text);

#endif
