/*  hf_intake.h - holds back connections of clients that send more than the node can handle.
 *
 *  Like accept() in hf_gate.h, recv() and close() are defined here, and libzmq calls them: a
 *  connection that has to wait (hf_inflow.h) has nothing to read for the moment, so TCP holds its
 *  client back, and one that is cut off has ended. libzmq's thread asks again and again meanwhile;
 *  so that it does not spin it pauses, at most half of the time and for half a millisecond each:
 *  other nodes' connections are on the same thread. (A second I/O thread for clients made
 *  the common case slower.)
 */
#ifndef HF_INTAKE_H_INCLUDED
#define HF_INTAKE_H_INCLUDED

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HF_INTAKE_PORTS 8

/*  What is allowed at a port, by its NUMBER; 0: any number. */
typedef struct hf_intake_port {
    unsigned number;
    uint32_t most, halves; //  connections, and those whose handshake has not ended (hf_halves.h)
    bool held_back;        //  or else it is looked at until it is let in
} hf_intake_port_t;

typedef enum hf_intake_step {
    HF_INTAKE_TAKEN = 0,
    HF_INTAKE_FULL = 1,  //  refuse it: there are MOST
    HF_INTAKE_HALVES = 2 //  refuse it: too many shake hands just now
} hf_intake_step_t;

/*  The connection FD was accepted on this thread, which reads it from now on, if it is taken. An
 *  older one may be cut off for it. */
hf_intake_step_t hf_intake_open (int fd, const hf_intake_port_t *port);

/*  A message of COST, received from FD, was handled. On one thread, any, as the two below; no
 * effect when less of FD waits. */
void hf_intake_handled (int fd, size_t cost);

/*  Bytes that libzmq has passed on, or dropped, since the start. */
uint64_t hf_intake_passed (void);

/*  Nothing was there to be handled after hf_intake_passed gave PASSED. What libzmq dropped, because
 *  a connection did not go on, is counted no more. */
void hf_intake_emptied (uint64_t passed);

typedef struct hf_intake_facts {
    uint64_t waiting; //  bytes that have come and are not handled
    uint64_t cut;     //  connections cut off since the start
    uint64_t halves;  //  those cut off or refused as too many had not ended their handshake
} hf_intake_facts_t;
hf_intake_facts_t hf_intake_facts (void);

#endif
