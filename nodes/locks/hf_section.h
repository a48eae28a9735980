/*  hf_section.h - what one critical section has staged: the bytes to append to each file.
 *
 *  Bytes are kept by file, in the order of the appends to it, and files in the order of their first
 *  append: a file's content depends on nothing else (P6), and its name is stored once, however
 *  small the appends.
 */
#ifndef HF_SECTION_H_INCLUDED
#define HF_SECTION_H_INCLUDED

#include "nodes/locks/hf_rows.h"

typedef struct hf_section hf_section_t;

/*  The section of the hold with TOKEN. ROWS must live longer. */
hf_section_t *hf_section_new (uint64_t token, hf_rows_t *rows);
void hf_section_destroy (hf_section_t **self_p);

/*  Stage DATA for FILE, a valid name. *STAGED counts the cost of all sections and
 *  grows with it. HF_OK; HF_TOO_LARGE beyond a cap: nothing changes. */
hf_status_t hf_section_append (hf_section_t *self, hf_span_t file, hf_span_t data,
                               uint64_t *staged);

uint64_t hf_section_bytes (const hf_section_t *self);

/*  Its bytes, and HF_STAGED_FILE_COST for each file. */
uint64_t hf_section_cost (const hf_section_t *self);

/*  The section ends: delete its rows, with one tombstone for all. */
void hf_section_delete_rows (hf_section_t *self);

/*  The hold has another token from now on: its rows move to other keys. */
void hf_section_rekey (hf_section_t *self, uint64_t token);

/*  Pack its rows, the pieces of its files. */
void hf_section_rows (const hf_section_t *self, hf_pack_t *rows);

/*  Pack the dirty pieces of all sections of ROWS and mark them clean. CHANGES NULL: mark only. */
void hf_section_changes (hf_rows_t *rows, hf_pack_t *changes);

/*  Restore a piece from its row. Call in ascending order of (NUMBER, OFFSET). False: it does not
 *  continue the last piece, or is beyond a cap. */
bool hf_section_load (hf_section_t *self, uint32_t number, uint32_t offset, hf_span_t file,
                      hf_span_t data, uint64_t *staged);

/*  Add its dirty rows and bytes; for checks. */
void hf_section_dirty (const hf_section_t *self, size_t *rows, uint64_t *bytes);

/*  No append yet. (An append of no bytes counts: it makes the file.) */
bool hf_section_empty (const hf_section_t *self);

/*  One A_PART for each file, packed. The caller frees the bytes with free (). */
uint8_t *hf_section_pack (const hf_section_t *self, hf_list_t *parts);

void hf_section_check (const hf_section_t *self);

#endif
