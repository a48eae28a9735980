/*  hf_dump_internal.h - shared by the parts of the dump: hf_dump.c opens the folder and prints the
 *  log and the files, hf_dump_state.c the lock state.
 */
#ifndef HF_DUMP_INTERNAL_H_INCLUDED
#define HF_DUMP_INTERNAL_H_INCLUDED

#include "msgs/hf_wire.h"
#include "nodes/locks/hf_state.h"
#include "nodes/store/hf_state_store.h"
#include <jansson.h>

/*  A number as JSON: as text when it is too large for an integer of JSON's readers. */
json_t *hf_dump_number (uint64_t number);
/*  16 hexadecimal digits. */
json_t *hf_dump_hex (uint64_t number);
/*  JSON text; the percent-encoded disk name if TEXT is not valid UTF-8. */
json_t *hf_dump_text (hf_span_t text);

/*  The member "state", from the rows of STORE. NULL with ERROR. */
json_t *hf_dump_state (hf_state_store_t *store, char *error);

#endif
