/*  hf_snapshot_install.h - the received state of another node, swapped in at the start.
 *
 *  Before anything else is opened, the files and databases of the old state go, those of the
 *  snapshot in DIR/incoming/ready come, the log begins behind (index, term) with its vote, term and
 *  incarnation as they were; then the snapshot is removed. A crash may fall anywhere: the snapshot
 *  stays until all is on disk, and the next start does it again. A log that goes on from
 *  (index, term) already is further on: then the snapshot is thrown away.
 */
#ifndef HF_SNAPSHOT_INSTALL_H_INCLUDED
#define HF_SNAPSHOT_INSTALL_H_INCLUDED

#include "base/hf_error.h"
#include <stdint.h>

/*  With the folder locked and nothing of it open.
 *  1: a state was swapped in (*index: as of which entry). 0: there was none. -1 with ERROR. */
int hf_snapshot_install (const char *dir, uint64_t *index, char error[HF_ERROR_SIZE]);

#endif
