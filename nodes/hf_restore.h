/*  hf_restore.h - the data folder of the first node of a new cluster, made from a backup. */
#ifndef HF_RESTORE_H_INCLUDED
#define HF_RESTORE_H_INCLUDED

#include "nodes/hf_node.h"

/*  NODE was found (hf_node_find). Make options->data from the backup options->restore; a folder
 * that holds anything is refused. The new log begins behind the backup's last entry and names no
 *  members: it is that of a cluster that was never formed. 0, or -1: what is wrong was printed, in
 *  one line; the folder must be removed then, if it is there. */
int hf_restore (const hf_node_t *node, const hf_options_t *options);

#endif
