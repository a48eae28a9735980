/*  hf_ports.h - free TCP ports on 127.0.0.1 that stay free for this process.
 *
 *  A node that was killed must find its port free when it comes back. So ports are taken from
 *  below the range that the kernel gives to outgoing connections, and are reserved among all
 *  processes that use this harness (by an abstract UNIX socket, which ends with the process).
 */
#ifndef HF_PORTS_H_INCLUDED
#define HF_PORTS_H_INCLUDED

#include <stdint.h>

typedef struct hf_port {
    uint16_t number;
    int reservation; //  a file descriptor
} hf_port_t;

/*  A port that no process listens on; aborts when there is none in 1,000 tries. */
hf_port_t hf_port_take (void);
void hf_port_give_back (hf_port_t *self);

/*  A TCP socket that listens on 127.0.0.1:PORT, or one that is connected (with SOCK_NONBLOCK in
 *  FLAGS: may still be connecting) to it; -1 when that fails. */
int hf_port_listen (uint16_t port, int flags);
int hf_port_connect (uint16_t port, int flags);

#endif
