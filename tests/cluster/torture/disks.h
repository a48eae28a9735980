/*  disks.h - small disks (tmpfs) under nodes' data folders, which can be filled up.
 *
 *  Mounted in the mount namespace that links of kind "namespaces" have made: no other process sees
 * them, and they end with the last process in it. Where there is none, there are no such disks.
 */
#ifndef HF_DISKS_H_INCLUDED
#define HF_DISKS_H_INCLUDED

#include "tests/cluster/harness/hf_cluster.h"

/*  A small disk for node ID, before its first start; false, with the reason on stderr. */
bool hf_disk_mount (const hf_cluster_t *cluster, uint32_t id, unsigned mib);
/*  KEEP: copy what is on it to the folder below. */
void hf_disk_unmount (const hf_cluster_t *cluster, uint32_t id, bool keep);

/*  Take all the room that is left; give it back. */
bool hf_disk_fill (const hf_cluster_t *cluster, uint32_t id);
void hf_disk_free (const hf_cluster_t *cluster, uint32_t id);

#endif
