/*  hf_takeover.h - both ends of a state transfer, as the file actor runs them. Not for others.
 *
 *  A node too far behind pulls the whole state of its leader, as of one (index, term), as a stream
 *  of bytes (hf_install.h): it asks for a window, gets it in parts, and asks for the next. Both
 * ends keep nothing that a lost message could break: the receiver asks again, the sender reads any
 *  part again. The sender keeps one snapshot for all who ask while it is fresh.
 */
#ifndef HF_TAKEOVER_H_INCLUDED
#define HF_TAKEOVER_H_INCLUDED

#include "nodes/actors/hf_actors.h"

#define HF_TAKEOVER_PART   HF_STATE_PART_MAX
#define HF_TAKEOVER_WINDOW (512U << 10) //  bytes sent for one ASK

typedef struct hf_takeover hf_takeover_t;

/*  MAIN: where A_RESTART is sent. */
hf_takeover_t *hf_takeover_new (hf_file_args_t *args, zsock_t *main);
void hf_takeover_destroy (hf_takeover_t **self_p);

/*  What the election actor sends: A_NEEDS_STATE, STATE_ASK of a peer, STATE_PART for us. */
void hf_takeover_from_election (hf_takeover_t *self, hf_scan_t *scan, uint32_t kind,
                                uint64_t now_us);
/*  The snapshot that was asked of the lock actor (A_WANT_STATE). */
void hf_takeover_snapshot (hf_takeover_t *self, const hf_a_snapshot_t *snapshot, uint64_t now_us);

/*  Do what is due; gives when to be called next. */
uint64_t hf_takeover_tick (hf_takeover_t *self, uint64_t now_us);

#endif
