/*  hf_socket.h - options, binding and the monitor of the mesh, the door and the link.
 *
 *  For this folder alone. Plain libzmq. All options are set before bind and connect.
 */
#ifndef HF_SOCKET_H_INCLUDED
#define HF_SOCKET_H_INCLUDED

#include "base/hf_error.h"
#include "broker-less/hf_keys.h"
#include "broker-less/hf_snub.h"
#include "broker-less/hf_target.h"
#include "msgs/hf_limits.h"
#include <stdbool.h>
#include <zmq.h>

/*  libzmq cuts the connection of a peer that sends more than this in one part. The slack lets
 *  a frame that is a little too large arrive, so that the sender gets an error. */
#define HF_SOCKET_BYTES_MAX (HF_FRAME_MAX + (1U << 20))

/*  ZMTP heartbeats, by which a dead connection is noticed. */
typedef struct hf_socket_pulse {
    int interval_ms;
    int timeout_ms;
} hf_socket_pulse_t;

/*  A socket with no linger, no receive limit, the size limit, and the
 * pulse. NULL: errno. */
void *hf_socket_new (void *context, int type, hf_socket_pulse_t pulse);

/*  Set an option that cannot fail. */
void hf_socket_set (void *socket, int option, int value);

/*  Wait this long before the first and at most before later attempts to connect again. */
void hf_socket_set_reconnect (void *socket, int first_ms, int most_ms);

//  ---- keys --------------------------------------------------------------------

/*  What is bound or connected from now on speaks CURVE with the own key of KEYS; NULL: without. One
 *  that is bound lets in who the ZAP handler (hf_zap.h) admits to KIND; if there is none, libzmq
 *  lets everybody in: a connection whose messages have no HF_ZAP_KEY is to be cut. One that
 * connects takes SERVER for the key of the other end. */
void hf_socket_admit (void *socket, const hf_keys_t *keys, hf_key_kind_t kind);
void hf_socket_present (void *socket, const hf_keys_t *keys, const char *server);

//  ---- addresses ----------------------------------------------------------------

/*  Bind to the addresses of LISTEN that are of this machine; HOST is what they were found by. 0, or
 *  -1 with one line in ERROR (HF_ERROR_SIZE bytes); USERS: "clients" or "nodes", for that line. */
int hf_socket_bind (void *socket, const char *host, const hf_addresses_t *listen, uint16_t port,
                    const char *users, char *error);

/*  Connect to, or disconnect from, ADDRESS: number:port, an IPv6 address in brackets. Connecting
 *  twice to the same address does nothing, nor does disconnecting. 0, or -1 with errno.
 *
 *  A SUB that was polled since its last message was received may hold the first part of the next
 *  one. If that came from ADDRESS, libzmq 4.3.4 aborts when the rest is read: receive first. */
int hf_socket_connect (void *socket, const char *address);
int hf_socket_disconnect (void *socket, const char *address);

/*  Cut the connection FD: libzmq finds it broken, drops what waits for it, and the monitor reports
 * it. The kernel drops what it holds, too, instead of waiting for the other end to read it. */
void hf_socket_cut (int fd);

/*  Whether the connection of this descriptor, which may be closed, leads back to its own end. If
 * so, closing it frees its port at once. */
bool hf_socket_to_itself (int fd);

//  ---- the monitor --------------------------------------------------------------

/*  An event of the monitor. */
typedef struct hf_socket_sight {
    int event;                         //  ZMQ_EVENT_*
    int value;                         //  the file descriptor, mostly
    char address[HF_ADDRESS_SIZE + 8]; //  as given to hf_socket_connect
} hf_socket_sight_t;

/*  The events of a connection that was made and came to nothing. */
#define HF_SOCKET_SNUBS                                                                            \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                  \
     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
/*  What such an event means to the end that connected, which is KEYED or not. */
hf_snub_t hf_socket_snub (const hf_socket_sight_t *sight, bool keyed);

/*  A socket that receives EVENTS of SOCKET. Call before connecting. NULL: errno. */
void *hf_socket_monitor (void *context, void *socket, int events);

/*  The next event, without waiting; false when there is none. */
bool hf_socket_seen (void *monitor, hf_socket_sight_t *sight);

/*  Close a socket and its monitor; either may be NULL. */
void hf_socket_close (void *socket, void *monitor);

#endif
