/*  hf_http_server.h - the HTTP port: libmicrohttpd around nodes/http, driven by its owner's loop.
 */
#ifndef HF_HTTP_SERVER_H_INCLUDED
#define HF_HTTP_SERVER_H_INCLUDED

#include "base/hf_span.h"
#include "broker-less/hf_listen.h"
#include "msgs/hf_wire.h"

#define HF_HTTP_CONNECTIONS 64 //  at once; more are not accepted until others end
#define HF_HTTP_FILES       72 //  descriptors of the server, those connections with it

typedef struct hf_http_server hf_http_server_t;

/*  Listen at the first address and the client port of LISTEN. TOKEN: of --http-admin, as
 *  hf_http_token_read gave it, copied; of no bytes: it takes no actions. NULL with one line in
 *  ERROR. */
hf_http_server_t *hf_http_server_new (const hf_listen_t *listen, hf_span_t token, char *error);
void hf_http_server_destroy (hf_http_server_t **self_p);

/*  Readable when there is something to do. */
int hf_http_server_fd (const hf_http_server_t *self);
/*  For how long nothing is to be done without that: in milliseconds, at most MOST. */
long hf_http_server_wait_ms (hf_http_server_t *self, long most);

/*  Take and answer what is there. */
void hf_http_server_turn (hf_http_server_t *self, uint64_t now_us);

/*  The next question for the lock actor: true, with the frame in FRAME. One is asked at a time. */
bool hf_http_server_asks (hf_http_server_t *self, hf_pack_t *frame, uint64_t now_us);
/*  A frame that the lock actor sent back. */
void hf_http_server_answer (hf_http_server_t *self, hf_span_t frame);

#endif
