/*  hf_gate.h - a limit on the connections that libzmq accepts.
 *
 *  libzmq 4.3.4 has none: at the limit on open files its listener spins, and the node's own files
 *  cannot be opened. The monitor of a socket tells of a connection only after it was accepted. So
 *  this file defines accept() and accept4(), which libzmq then calls instead of the C library's: a
 *  connection beyond the limit is told so and closed before libzmq sees it. Only the node's program
 *  links it, never the library for clients.
 *
 *  A connection that is refused gets a greeting of ZMTP 3.0 and the command ERROR with the reason
 *  "300" (temporary), which libzmq reports to the client as ZMQ_EVENT_HANDSHAKE_FAILED_AUTH.
 */
#ifndef HF_GATE_H_INCLUDED
#define HF_GATE_H_INCLUDED

#include <stdbool.h>
#include <stdint.h>

#define HF_GATE_REASON 300 //  as libzmq's monitor gives it

/*  Which connections are refused; 0: none. The last three are hf_intake.h's: all ports that have
 *  any must be of one I/O thread. */
typedef struct hf_gate_limits {
    uint32_t top;    //  those whose descriptor is TOP or above
    uint32_t most;   //  those beyond so many that are HELD_BACK
    uint32_t halves; //  so many may not have ended their handshake: see hf_halves.h
    bool held_back;  //  nothing is read of one whose bytes the node has not handled
} hf_gate_limits_t;

/*  From now on these are the limits of connections to this port of ours. Call it before the port is
 *  bound. */
void hf_gate_set (uint16_t port, const hf_gate_limits_t *limits);

/*  From now on a refusal speaks CURVE, as the ports do: one in another mechanism would not be
 *  understood. */
void hf_gate_secure (void);

/*  How many connections to PORT were refused so far, by TOP or MOST. */
uint64_t hf_gate_refused (uint16_t port);

#endif
