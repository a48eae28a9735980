/*  hf_forward.h - a port mapping: what comes to one port of 127.0.0.1 is passed on to another.
 *
 *  A thread; bytes go through unread and in order. When one end closes, or nobody listens at the
 *  other port, the connection is closed. An end that does not read holds up all others.
 */
#ifndef HF_FORWARD_H_INCLUDED
#define HF_FORWARD_H_INCLUDED

#include <stdint.h>

typedef struct hf_forward hf_forward_t;

typedef struct hf_mapping {
    uint16_t from; //  where it listens
    uint16_t to;
} hf_mapping_t;

/*  Listens when this returns. At most HF_MAPPINGS_MAX. */
#define HF_MAPPINGS_MAX 14
hf_forward_t *hf_forward_new (const hf_mapping_t *mappings, unsigned count);

/*  Closes everything. */
void hf_forward_destroy (hf_forward_t **self_p);

#endif
