/*  hf_poll.h - wait for several sockets with one system call.
 *
 *  zmq_poll asks every socket before and after it waits, and each question is a system call: for an
 *  actor that turns thousands of times a second these were a third of all it made. libzmq promises
 *  more than zmq_poll uses: a socket's descriptor (ZMQ_FD) becomes readable when the socket has
 *  news. Only what a call took in by the way, or left behind, does not show there; so a socket is
 *  asked when such calls are made on it, or when it had something the last time.
 *  Source: zmq_getsockopt(3), ZMQ_FD and ZMQ_EVENTS.
 */
#ifndef HF_POLL_H_INCLUDED
#define HF_POLL_H_INCLUDED

#include <stdbool.h>

#define HF_POLL_MOST 8

typedef enum hf_poll_use {
    HF_POLL_TALKS, //  we also send on it, connect it or set its options
    HF_POLL_HEARS, //  we receive from it, and do nothing else
} hf_poll_use_t;

typedef struct hf_poll_item {
    void *socket;
    int fd;
    hf_poll_use_t use;
    bool ready;
} hf_poll_item_t;

/*  For the thread that uses the sockets. All zero: none. */
typedef struct hf_poll {
    hf_poll_item_t item[HF_POLL_MOST];
    unsigned count;
} hf_poll_t;

/*  SOCKET is one of libzmq's, and not the set's. The answer is its number for hf_poll_ready. */
unsigned hf_poll_add (hf_poll_t *self, void *socket, hf_poll_use_t use);

/*  Until one of them may have something to receive, or MS milliseconds have passed, or a signal has
 *  come. What is left in a socket then is seen by the next wait. */
void hf_poll_wait (hf_poll_t *self, long ms);

/*  Whether there may be something to receive; true before the first wait. */
bool hf_poll_ready (const hf_poll_t *self, unsigned item);

#endif
