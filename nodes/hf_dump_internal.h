/*  hf_dump_internal.h - what the parts of the dump share: hf_dump.c opens the folder and says what
 *  the log and the files hold, hf_dump_state.c what the lock state is.
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
/*  Bytes that should be UTF-8; when they are not, as they would be named on disk. */
json_t *hf_dump_text (hf_span_t text);

/*  What "state" is: as STORE has it. NULL with ERROR. */
json_t *hf_dump_state (hf_state_store_t *store, char *error);

#endif
