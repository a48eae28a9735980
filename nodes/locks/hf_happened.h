/*  hf_happened.h - who is told of what happens to locks (HAPPENED, msgs/hf_msg.h). */
#ifndef HF_HAPPENED_H_INCLUDED
#define HF_HAPPENED_H_INCLUDED

#include "msgs/hf_msg.h"

/*  The spans in HAPPENED are valid during the call. */
typedef void (hf_happened_fn) (void *arg, const hf_happened_t *happened);

#endif
