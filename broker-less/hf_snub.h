/*  hf_snub.h - why the other end of a connection did not shake hands, and what to do about it.
 * Pure.
 *
 *  What the end that connects can know: libzmq tells it that the mechanisms differ and that its key
 *  was refused. A node whose key is another than the one that was taken for it just ends the
 *  handshake.
 */
#ifndef HF_SNUB_H_INCLUDED
#define HF_SNUB_H_INCLUDED

#include "broker-less/hf_key_file.h"
#include <stddef.h>

typedef enum hf_snub {
    HF_SNUB_NONE = 0,
    HF_SNUB_KEYLESS,   //  the node asks for a key, and there is none
    HF_SNUB_PLAIN,     //  there is a key, and the node speaks without
    HF_SNUB_REFUSED,   //  the node does not admit the key
    HF_SNUB_OTHER_KEY, //  the node ended the handshake: it has another key, or it is about to end
    HF_SNUB_UNKNOWN    //  there is no key of the node in the folder
} hf_snub_t;

/*  One sentence about node ID (0: of unknown id) for people, in TEXT. OWN, the key that was shown,
 *  its FILE and the FOLDER of keys are NULL without keys. */
void hf_snub_text (hf_snub_t snub, uint32_t id, const hf_key_t *own, const char *file,
                   const char *folder, char *text, size_t size);

/*  Whether the next key of the node may help, if it has more. */
bool hf_snub_by_key (hf_snub_t snub);

#endif
