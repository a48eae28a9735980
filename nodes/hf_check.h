/*  hf_check.h - holdfastd --check: whether what a node is told, and its keys, are well. */
#ifndef HF_CHECK_H_INCLUDED
#define HF_CHECK_H_INCLUDED

#include "nodes/hf_node.h"

/*  Say all that is wrong on stderr, one line each, and else on stdout that nothing is. The errors
 *  that OPTIONS count were said already. NODE is filled in as far as that goes; nothing is bound
 *  or written. 0, or -1. */
int hf_check (hf_node_t *node, const hf_options_t *options);

#endif
