/*  node.h - what the nodes of the client's tests say and read, frame by frame. */
#ifndef NODE_H_INCLUDED
#define NODE_H_INCLUDED

#include "msgs/hf_msg.h"
#include "tests/kit/hf_test.h"

//  What a leader answers by itself.
enum {
    NODE_OPEN = 1,      //  OPENED: session ids 101, 102, ...
    NODE_ALIVE = 2,     //  ALIVE
    NODE_PROBE = 4,     //  RESULT to the query LEADER: what makes a client believe in it
    NODE_LEADS = 7,     //  the three above
    NODE_CLOSE = 8,     //  CLOSED
    NODE_REQUESTS = 16, //  every request is done; tokens rise
    NODE_ALL = 31
};

/*  The answer to one query, which must be this one. */
typedef struct page {
    uint32_t what;
    const char *name;
    uint64_t offset;
    bool skip; //  leave it unanswered
    bool stale;
    hf_query_result_t result;
    struct row {
        uint32_t kind; //  0: no more
        const char *name, *text;
        uint64_t n[4];
    } row[6];
} page_t;

typedef struct node {
    unsigned autos;      //  NODE bits
    const page_t *pages; //  for the next queries; ends at one without a name
    uint64_t paged;      //  id of the last one
    uint64_t sessions;
    const hf_granted_t *held; //  what ALIVE lists
    const hf_moved_t *queued;
    //  What OPENED and ALIVE tell, and every node answers to QUERY(MEMBERS): rows up to one of node
    //  0; NULL: nothing.
    uint64_t roster;
    bool packs; //  it takes packed frames, as OPENED and ALIVE say
    const hf_member_row_t *members;
    unsigned members_asked;
} node_t;

/*  Pack the answer to a frame, if there is one. */
void node_lead (node_t *self, uint32_t kind, hf_scan_t scan, hf_pack_t *frame);
/*  The same for QUERY(MEMBERS), whether the node leads or not. Gives whether it is one. */
bool node_members (node_t *self, uint32_t kind, hf_scan_t scan, hf_pack_t *frame);
/*  Pack ANSWERS with ITEMS, which ends; or a refusal. */
void node_items (hf_pack_t *frame, uint64_t session, hf_pack_t *items);
void node_refuse (hf_pack_t *frame, hf_status_t status, uint32_t leader, uint64_t term);

/*  A frame REQUESTS that came to NODE; valid until the next one is read. */
typedef struct got {
    uint32_t node;
    uint32_t records; //  of the frame; the rest is of the first
    uint64_t session, floor;
    size_t size; //  of the frame
    uint64_t hash;
    uint32_t count;
    hf_request_t request[4200];
    char lock[4200][16];
} got_t;
const got_t *node_read (uint32_t node, const void *bytes, size_t size);

/*  A test between OPEN, a call, and CLOSE, a function for cmocka. */
#define NODE_TEST(name, open, close)                                                               \
    static int name##_open (void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        open;                                                                                      \
        return 0;                                                                                  \
    }                                                                                              \
    HF_TEST_WITH (name, name##_open, close)

#endif
