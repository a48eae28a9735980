/*  hf_ephemeral.h - the ports that the kernel of this machine gives to connections that go out. */
#ifndef HF_EPHEMERAL_H_INCLUDED
#define HF_EPHEMERAL_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

/*  As the kernel writes them, without the end of the line; empty: not known. For
 * hf_port_is_ephemeral (hf_names.h). */
typedef struct hf_ephemeral {
    char range[64];
    char reserved[4096];
} hf_ephemeral_t;

void hf_ephemeral_read (hf_ephemeral_t *self);

/*  Whether PORT was one of them when this process asked first, or may be. Any thread. */
bool hf_ephemeral_has (uint16_t port);

#endif
