/*  hf_zap.h - who is let in: the ZAP handler (rfc.zeromq.org/spec/27) of a context.
 *
 *  czmq's zauth admits by one folder for all sockets and tells nobody whose a key is; here the
 *  domain decides: "nodes" admits the keys of nodes alone, "clients" those of clients, and those of
 *  nodes as guests, which a node is while it asks where it belongs (the door says what a guest
 * may). A connection that was let in has two properties (zmq_msg_gets): HF_ZAP_KEY, its public key,
 * and HF_ZAP_USER, the name of its user, "" of a node.
 *
 *  It runs in a thread of its own, which also looks after the folder of keys once a second. Libzmq
 *  asks it once a connection; a request costs a search and no file. What it is asked is bounded and
 *  never asserted on.
 */
#ifndef HF_ZAP_H_INCLUDED
#define HF_ZAP_H_INCLUDED

#include "broker-less/hf_keys.h"

#define HF_ZAP_KEY     "X-Key"
#define HF_ZAP_USER    "User-Id"
#define HF_ZAP_REASON  400 //  of a refusal, as the monitor of who was refused gives it
#define HF_ZAP_CROWDED 500 //  the same: the user has all the connections that he may have

typedef struct hf_zap hf_zap_t;

/*  KEYS must outlive it. SAY, on its thread, is told what changes in the folder and who is refused;
 *  of many refusals it is told some. It must be there before a socket is bound, and be destroyed
 *  when all are closed. NULL with one line in ERROR. */
hf_zap_t *hf_zap_new (void *context, hf_keys_t *keys, hf_keys_say_fn *say, void *arg, char *error);
void hf_zap_destroy (hf_zap_t **self_p);

/*  Look at the folder now. Any thread. */
void hf_zap_look (hf_zap_t *self);

#endif
