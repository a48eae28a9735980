/*  hf_listen.h - where a node listens, which need not be where others call it. Pure.
 *
 *  The cluster list says where nodes and clients call a node. It listens there, too, unless an
 *  option says where else: in a container or behind a port mapping both are different.
 */
#ifndef HF_LISTEN_H_INCLUDED
#define HF_LISTEN_H_INCLUDED

#include "broker-less/hf_keys.h"
#include "broker-less/hf_target.h"

typedef struct hf_listen {
    hf_addresses_t at;
    uint16_t client_port, node_port; //  that are bound; 0: not completed yet
    bool chosen;                     //  by an option, not by the list
    uint32_t user_connections;       //  of clients with the key of one user; 0: any number
    hf_keys_t *keys;                 //  of who is let in, and shown to other nodes; NULL: none
} hf_listen_t;

/*  What the option may be, for an error that ends with the wrong text. */
#define HF_LISTEN_FORM                                                                             \
    "ADDRESS[:CLIENT-PORT[:NODE-PORT]], with an IPv4 address, an IPv6 address in brackets or *, "  \
    "and two different ports from 1 to 65535"

/*  Read the option. False: TEXT is of another form, and SELF is as it was. */
bool hf_listen_parse (hf_listen_t *self, const char *text);

/*  Whether HOST, a number, and all the addresses reach this machine alone. */
bool hf_host_is_loopback (const char *host);
bool hf_listen_is_loopback (const hf_listen_t *self);

/*  Give SELF the ports of OWN, this node in the cluster list, where the option names none. 0, or -1
 *  with one line in ERROR: clients and nodes would share a port. */
int hf_listen_complete (hf_listen_t *self, const hf_endpoint_t *own, char *error);

/*  Whether something between passes on what comes to the ports of OWN: then nothing can be said of
 *  how the bound addresses are reached. */
bool hf_listen_is_mapped (const hf_listen_t *self, const hf_endpoint_t *own);

#endif
