/*  hf_section.h - what one critical section has staged: for each of its files, the bytes
 *  to append.
 *
 *  Bytes are kept by file, in the order of the appends to it, and files in the
 *  order of their first append: that is all that a file's content depends on
 *  (P6), and a file's name is paid for once, however small the appends.
 */
#ifndef HF_SECTION_H_INCLUDED
#define HF_SECTION_H_INCLUDED

#include "msgs/hf_msg.h"

typedef struct hf_section hf_section_t;

hf_section_t *hf_section_new (void);
void hf_section_destroy (hf_section_t **self_p);

/*  Stage DATA for FILE, a valid name. *STAGED counts the bytes of all sections and
 *  grows with it. HF_OK; HF_TOO_LARGE beyond a cap: nothing changes. */
hf_status_t hf_section_append (hf_section_t *self, hf_span_t file, hf_span_t data,
                               uint64_t *staged);

uint64_t hf_section_bytes (const hf_section_t *self);

/*  No append yet. (An append of no bytes counts: it makes the file.) */
bool hf_section_empty (const hf_section_t *self);

/*  One A_PART for each file, packed. The caller frees the bytes with free (). */
uint8_t *hf_section_pack (const hf_section_t *self, hf_list_t *parts);

void hf_section_check (const hf_section_t *self);

#endif
