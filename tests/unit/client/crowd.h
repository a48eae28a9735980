/*  crowd.h - the core of a client with many sessions, before a leader that a test plays.
 *
 *  One crowd at a time. Frames take no time: they arrive when all of a turn are sent. OPEN,
 *  KEEPALIVE and QUERY are answered here; the id of a session is the number in its nonce.
 */
#ifndef CLIENT_CROWD_H_INCLUDED
#define CLIENT_CROWD_H_INCLUDED

#include "client/core/hf_client_core.h"

typedef struct crowd {
    hf_client_core_t *core;
    uint64_t now_us;
    uint32_t ttl_ms;
    unsigned alive; //  KEEPALIVE frames that came to the leader
    size_t takes;   //  frames that the links take in one moment
    bool says;      //  they say so when they take no more

    //  What the test does.
    /*  A frame of REQUESTS came; its answer goes into FRAME. NULL: none comes. */
    void (*requests) (hf_scan_t *scan, hf_pack_t *frame);
    /*  Whether NODE takes what only a leader takes. */
    bool (*leads) (uint32_t node);
    /*  An operation or event of the core; it is freed afterwards. */
    void (*result) (hf_op_t *op);
} crowd_t;

extern crowd_t g_crowd;

/*  A core that is connected to NODES nodes, one or two; time begins at 1 s. */
void crowd_begin (uint32_t nodes, uint32_t ttl_ms);
void crowd_end (void);

/*  Open the session of NUMBER. */
void crowd_open (uint32_t number);

void crowd_run_ms (uint64_t ms);

#endif
