/*  hf_poll.h - wait for several sockets with one system call.
 *
 *  zmq_poll asks every socket before and after it waits, and each question is a system call: for an
 *  actor that turns thousands of times a second these were a third of all it made. libzmq promises
 *  more than zmq_poll uses: a socket's descriptor (ZMQ_FD) becomes readable when the socket has
 *  news. Only what a call took in by the way, or left behind, does not show there. So a socket is
 *  asked, once, after it was used or had something; not if a receive found it empty after that.
 *  Source: zmq_getsockopt(3), ZMQ_FD and ZMQ_EVENTS.
 */
#ifndef HF_POLL_H_INCLUDED
#define HF_POLL_H_INCLUDED

#include <stdbool.h>

#define HF_POLL_MOST 8

typedef struct hf_poll_item {
    void *socket;
    int fd;
    bool unsure; //  its descriptor may be quiet although there is something
    bool ready;
} hf_poll_item_t;

/*  For the thread that uses the sockets. All zero: none. */
typedef struct hf_poll {
    hf_poll_item_t item[HF_POLL_MOST];
    unsigned count;
} hf_poll_t;

/*  SOCKET is one of libzmq's, and not the set's. The answer is its number for the others. */
unsigned hf_poll_add (hf_poll_t *self, void *socket);

/*  Call it after a send, a connect, or a receive while the item was not ready: all but a receive
 * that finds nothing may take in by the way what has come. */
void hf_poll_used (hf_poll_t *self, unsigned item);

/*  The last call on the socket was a receive, which found nothing. */
void hf_poll_emptied (hf_poll_t *self, unsigned item);

/*  Until one of them may have something to receive, or MS milliseconds have passed, or a signal has
 *  come. What is left in a socket then is seen by the next wait. */
void hf_poll_wait (hf_poll_t *self, long ms);

/*  Whether there may be something to receive; true before the first wait. */
bool hf_poll_ready (const hf_poll_t *self, unsigned item);

#endif
