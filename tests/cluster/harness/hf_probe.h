/*  hf_probe.h - a bare DEALER socket to one node: sends any bytes, receives the answers.
 *
 *  For what the client library would never send, and for queries to a node without the library
 *  under test.
 */
#ifndef HF_PROBE_H_INCLUDED
#define HF_PROBE_H_INCLUDED

#include "broker-less/hf_key_file.h"
#include "msgs/hf_msg.h"

typedef struct hf_probe hf_probe_t;

/*  To ADDRESS:PORT. Does not wait for a connection; what is sent before it is kept. */
hf_probe_t *hf_probe_new (const char *address, uint16_t port);
void hf_probe_destroy (hf_probe_t **self_p);

/*  Probes made from now on speak CURVE with the pair OWN, which is copied; NULL: without. The node
 * at PORT has the key SERVER. */
void hf_probe_show (const hf_key_t *own);
void hf_probe_take (uint16_t port, const char *server);

void hf_probe_send (hf_probe_t *self, const void *bytes, size_t size);
/*  The same with what is in the pack, which is empty then. */
void hf_probe_send_pack (hf_probe_t *self, hf_pack_t *pack);
/*  The same, as several message parts: COUNT spans. */
void hf_probe_send_parts (hf_probe_t *self, const hf_span_t *parts, size_t count);

/*  The next message's last part within LIMIT_MS, valid until the next call; false: none came. */
bool hf_probe_next (hf_probe_t *self, hf_span_t *bytes, uint32_t limit_ms);

/*  The next frame of KIND, opened; others are thrown away. */
bool hf_probe_next_kind (hf_probe_t *self, uint32_t kind, hf_scan_t *scan, uint32_t limit_ms);

/*  One QUERY and its RESULT (a RESULT with another id and REFUSED are waited past, except
 *  NOT_LEADER, which gives false at once). RESULT points into memory valid until the next call. */
bool hf_probe_query (hf_probe_t *self, uint32_t what, const char *name, hf_query_result_t *result,
                     uint32_t limit_ms);

#endif
