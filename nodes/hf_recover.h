/*  hf_recover.h - a new cluster of the one disk that is left: holdfastd --recover. */
#ifndef HF_RECOVER_H_INCLUDED
#define HF_RECOVER_H_INCLUDED

#include "nodes/hf_node.h"

/*  Say what the data folder options->data has, and with options->yes make the node whose it is a
 *  cluster of its own (nodes/services/hf_survivor.h). NODE is zero before, and closed behind it.
 *  The folder is locked meanwhile and checked as at a start; before the one transaction that does
 *  it, nothing is changed that a start would not change. 0: it is done, or it was alone already;
 *  -1: nothing was changed, and why was printed. */
int hf_recover (hf_node_t *node, const hf_options_t *options);

#endif
