/*  streams.h - one TCP connection through this process, with troubles in each direction.
 *
 *  For the thread of the proxies only.
 */
#ifndef HF_STREAMS_H_INCLUDED
#define HF_STREAMS_H_INCLUDED

#include "tests/cluster/torture/links_internal.h"
#include <poll.h>

typedef struct hf_stream hf_stream_t;

/*  A connection that end FROM made (the file descriptor is ours now), meant for end TO, which
 *  listens on 127.0.0.1:PORT. */
hf_stream_t *hf_stream_new (int accepted, unsigned from, unsigned to, uint16_t port);
void hf_stream_destroy (hf_stream_t **self_p);

/*  What to wait for: two places of WAIT are set; WAIT_MS becomes shorter if something is due. */
void hf_stream_prepare (hf_stream_t *self, const hf_links_t *links, struct pollfd wait[2],
                        int *wait_ms);
/*  Carry what can be; false: it is over. */
bool hf_stream_carry (hf_stream_t *self, hf_links_t *links, const struct pollfd wait[2]);

#endif
