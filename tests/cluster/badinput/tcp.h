/*  tcp.h - plain TCP to and from a port, for bytes that are not ZMTP. */
#ifndef TCP_H_INCLUDED
#define TCP_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*  Connect to 127.0.0.1:PORT, send, and hang up. What the other side does not take is dropped. */
void tcp_throw (uint16_t port, const void *bytes, size_t size);

/*  Accept one connection at the listening socket FD within LIMIT_MS, send BYTES and hang up.
 *  False: no connection came. */
bool tcp_answer (int fd, const void *bytes, size_t size, uint32_t limit_ms);

#endif
