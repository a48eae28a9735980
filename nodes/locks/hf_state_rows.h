/*  hf_state_rows.h - what the writer and the reader of rows share. Private to the state. */
#ifndef HF_STATE_ROWS_H_INCLUDED
#define HF_STATE_ROWS_H_INCLUDED

#include "nodes/locks/hf_state_private.h"

#define HF_STATE_ROWS_VERSION 1

/*  The marks of what changed; part of hf_state_check. */
void hf_state_rows_check (const hf_state_t *self);

#endif
