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

#include <stddef.h>
#include <stdint.h>

/*  The connection FD of a client was accepted on this thread, which reads it from now on. */
void hf_intake_open (int fd);

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
} hf_intake_facts_t;
hf_intake_facts_t hf_intake_facts (void);

#endif
