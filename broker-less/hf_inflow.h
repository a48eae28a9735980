/*  hf_inflow.h - what a client has sent and the node has not handled yet, as pure functions.
 *
 *  libzmq reads from a connection as fast as bytes come. Its own limit counts messages, not bytes,
 *  not the parts of a message that has no end, and cannot be used: see hf_socket.c. So the bytes of
 *  each connection are looked at as they come: the frames of ZMTP 3 (rfc.zeromq.org/spec/23) are
 *  told apart, and each message has a cost until the node has handled it.
 *
 *  With CURVE only the sizes of frames can be seen: each part, and each heartbeat, counts as a
 *  message. Nobody handles heartbeats, so such a connection is cleared now and then: hf_intake.c.
 */
#ifndef HF_INFLOW_H_INCLUDED
#define HF_INFLOW_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_INFLOW_CLIENT_BYTES  (8U << 20)   //  messages of one client that wait to be handled
#define HF_INFLOW_ALL_BYTES     (64U << 20)  //  and of all
#define HF_INFLOW_SMALL_BYTES   (64U << 10)  //  a client of which less than this waits is read also
#define HF_INFLOW_SPARE_BYTES   (16U << 20)  //  into this room, when that of all is used up
#define HF_INFLOW_UNENDED_BYTES (128U << 20) //  of messages whose end has not come, of all clients
#define HF_INFLOW_MESSAGE_BYTES (8U << 20)   //  one message with all its parts
#define HF_INFLOW_COMMAND_BYTES 255          //  a command of ZMTP
#define HF_INFLOW_SECRET_BYTES  1024         //  one of CURVE's handshake
#define HF_INFLOW_LATE_US       10000000 //  the end of a message has to come when many are unended

/*  A connection. All zero at its begin. */
typedef struct hf_inflow {
    uint64_t left;     //  bytes of the greeting, or of the body of this frame, that are to come
    size_t unended;    //  cost of the message whose end has not come
    uint64_t since_us; //  it waits for its end, as the caller saw; 0: when a message ends
    uint8_t stage, flags, have;
    bool shook_hands; //  as far as it can: the node may not have looked at its key yet
    bool let_in;      //  it has: a frame came after that, for which libzmq closes all others
    bool curve;       //  what comes after the handshake is encrypted, frame by frame
    uint8_t commands; //  of that handshake
    uint8_t named;    //  bytes of the greeting that name CURVE
    uint8_t size;     //  of COMMAND
    uint8_t command[HF_INFLOW_COMMAND_BYTES];
} hf_inflow_t;

/*  What a part of SIZE bytes costs while it waits. */
size_t hf_inflow_cost (size_t size);

/*  The next SIZE bytes have come. Adds to *ended the cost of each message that has ended. False:
 *  that is no ZMTP 3, a message that is too large, or a connection that names a routing id: under
 *  the id of another one libzmq would keep what comes and never hand it out. Cut it. */
bool hf_inflow_take (hf_inflow_t *self, const uint8_t *bytes, size_t size, size_t *ended);

typedef enum hf_inflow_step {
    HF_INFLOW_READ = 0,
    HF_INFLOW_WAIT = 1, //  read nothing from it now
    HF_INFLOW_CUT = 2
} hf_inflow_step_t;

/*  Whether to read from the connection: ONE bytes of its messages wait to be handled, ALL of those
 *  of all clients; of UNENDED bytes in all the messages' ends have not come. */
hf_inflow_step_t hf_inflow_next (const hf_inflow_t *self, size_t one, size_t all, size_t unended,
                                 uint64_t now_us);

#endif
