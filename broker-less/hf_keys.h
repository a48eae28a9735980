/*  hf_keys.h - the keys of a process: its own, and the folder of public ones.
 *
 *  Given keys, every socket speaks CURVE (rfc.zeromq.org/spec/26). A process has one own key; a
 *  node admits others by the folder, and whoever connects takes the key of the node there.
 *  The folder is read again when it has changed: hf_keys_refresh, which one thread calls. All else
 *  may be called by any thread at the same time.
 */
#ifndef HF_KEYS_H_INCLUDED
#define HF_KEYS_H_INCLUDED

#include "broker-less/hf_key_ring.h"

typedef struct hf_keys hf_keys_t;

/*  OWN_FILE: the file with the secret key. FOLDER: it has nodes/, and of a node clients/, too;
 *  neither needs to be there yet. NULL with one line in ERROR, for people: a file that cannot be
 *  read or is of no use, that others may read; a libzmq without CURVE. */
hf_keys_t *hf_keys_new (const char *own_file, const char *folder, char *error);
void hf_keys_destroy (hf_keys_t **self_p);

const hf_key_t *hf_keys_own (const hf_keys_t *self);
const char *hf_keys_own_file (const hf_keys_t *self);
const char *hf_keys_dir (const hf_keys_t *self);

/*  Look whether the folder has changed, and take what it has now. SAY is told in one line what
 *  changed and what is of no use; BAD: that is a warning. */
typedef void (hf_keys_say_fn) (void *arg, bool bad, const char *line);
void hf_keys_refresh (hf_keys_t *self, hf_keys_say_fn *say, void *arg);

/*  Another number whenever a key has come or gone. */
uint64_t hf_keys_version (const hf_keys_t *self);

/*  Whether the key is admitted as one of that KIND; *whose is then its name and node (WHOSE may be
 *  NULL). */
bool hf_keys_admit (hf_keys_t *self, hf_key_kind_t kind, const char *public_text, hf_key_t *whose);

/*  The user of that NAME has as many connections as he may have, or not any more. Whether he has;
 *  then it is counted as a connection that was turned away. */
void hf_keys_crowd (hf_keys_t *self, const char *name, bool crowded);
bool hf_keys_turn_away (hf_keys_t *self, const char *name);
uint64_t hf_keys_turned_away (hf_keys_t *self);

/*  The number of the keys of node ID (0: of any), and the one of TURN, modulo that. False: there is
 *  none. */
unsigned hf_keys_count (hf_keys_t *self, uint32_t id);
bool hf_keys_of_node (hf_keys_t *self, uint32_t id, unsigned turn, char key[HF_KEY_TEXT + 1]);

/*  Read the key file at PATH: not more than hf_key_read. 0, or -1 with one line in ERROR. */
int hf_key_load (hf_key_t *key, const char *path, char *error);

#endif
