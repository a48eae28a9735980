/*  hf_host.h - the one rule of what can be the host of a node. */
#ifndef HF_HOST_H_INCLUDED
#define HF_HOST_H_INCLUDED

#include "base/hf_span.h"
#include "msgs/hf_limits.h"

/*  Read TEXT into HOST, in its one form: a name in lower case, an IPv4 address, or [IPv6] in its
 *  shortest form. NULL, or what is wrong, and HOST is spoiled. TEXT must not point into HOST. */
const char *hf_host_read (hf_span_t text, char host[HF_HOST_MAX + 1]);

#endif
