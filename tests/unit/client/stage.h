/*  stage.h - the client's core alone, in virtual time, before nodes that a test directs.
 *
 *  One stage at a time. Frames take no time. What the leader does not answer by itself is kept for
 *  the test to take and to answer.
 */
#ifndef CLIENT_STAGE_H_INCLUDED
#define CLIENT_STAGE_H_INCLUDED

#include "client/core/hf_client_core.h"
#include "tests/unit/client/node.h"

#define STAGE_NODES 5 //  ids that nodes may have; given are 1, 2, 3, at a:1, b:2, c:3

typedef struct stage {
    hf_client_core_t *core;
    uint64_t now_us;
    hf_client_session_t *session;
    uint64_t id; //  of the session
    //  What the nodes do.
    uint32_t leader;                 //  the node that takes what only a leader takes; 0: none
    uint32_t names[STAGE_NODES + 1]; //  the leader that each other names, in TERM; 0: none
    uint64_t term;
    node_t node;   //  what the leader answers by itself
    uint32_t deaf; //  bits: nodes that say nothing at all
    //  What came to them.
    uint32_t counts[STAGE_NODES + 1][256];
    hf_keepalive_t keepalive; //  the last one
    hf_open_t open;
    uint8_t nonce[HF_NONCE_SIZE];
    hf_close_t closing;
    hf_query_t query;
    hf_change_request_t change; //  without its host
} stage_t;

extern stage_t g_stage;

/*  A core, connected to NODES nodes of which node 1 leads; a session unless TTL_MS is 0. */
void stage_open (uint32_t nodes, uint32_t ttl_ms);
/*  FIXED: the addresses of the nodes. */
void stage_open_with (uint32_t nodes, uint32_t ttl_ms, bool fixed);
int stage_close (void **state);

/*  A test on such a stage. */
#define STAGE_TEST(name, nodes, ttl_ms) NODE_TEST (name, stage_open (nodes, ttl_ms), stage_close)

/*  Turns now, and whenever one is due within the next MS milliseconds. */
void stage_run_ms (uint64_t ms);
/*  Until something was reported or a REQUESTS frame came, at most MS; gives how long that took. */
uint64_t stage_until_ms (uint64_t ms);

//  The user. Each op's outcome comes to stage_expect.
void stage_acquire (const char *lock, bool wait, uint64_t limit_ms);
void stage_end (hf_op_kind_t kind, const char *lock, uint64_t token);
void stage_append (const char *lock, uint64_t token, const void *data, size_t size);
void stage_submit (hf_op_t *op);
/*  Acquire LOCK: it is granted, or queued as of INDEX. */
void stage_hold (const char *lock, uint64_t token);
uint64_t stage_queue (const char *lock, uint64_t limit_ms, uint64_t index);

/*  The next REQUESTS that came; the test fails when there is none. */
const got_t *stage_requests (void);
void stage_requests_none (void);

//  The nodes; all but the last two speak as node 1.
void stage_answer (uint64_t seq, hf_status_t status, uint64_t index, uint64_t token,
                   uint64_t position);
void stage_items (hf_pack_t *items); //  ANSWERS; and ends the pack
void stage_granted (const char *lock, uint64_t token, uint64_t index);
void stage_moved (const char *lock, uint64_t position);
void stage_frame (uint32_t node, const void *bytes, size_t size);
void stage_pack (uint32_t node, hf_pack_t *pack); //  and ends the pack
void stage_refuse (uint32_t node, hf_status_t status, uint32_t leader, uint64_t term);

//  What was reported next, in order; the test fails when it is something else.
void stage_expect (hf_status_t status, uint64_t token);
void stage_event (hf_session_event_type_t type, uint64_t token, uint64_t position);
void stage_quiet (void);
/*  The next result, with what it points to; to be freed. */
hf_op_t *stage_result (void);
/*  The status of the next result, whatever it is. */
hf_status_t stage_status (void);

#endif
