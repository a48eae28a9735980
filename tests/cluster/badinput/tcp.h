/*  tcp.h - bytes that are no ZMTP, straight to a port and from one. */
#ifndef TCP_H_INCLUDED
#define TCP_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Connect to 127.0.0.1:PORT, send, and hang up. What the other side does not take is dropped. */
void tcp_throw (uint16_t port, const void *bytes, size_t size);

/*  Listen on 127.0.0.1:PORT; gives the descriptor, for close (2). */
int tcp_listen (uint16_t port);
/*  Take one caller within LIMIT_MS and throw BYTES at it. False: nobody came. */
bool tcp_answer (int fd, const void *bytes, size_t size, uint32_t limit_ms);

#endif
