/*  fake.h - a node that does what a test tells it: a door, a thread, and canned manners.
 *
 *  Everything it receives is recorded for the test to take. What it answers by itself is set
 *  by FAKE_AUTO bits; the rest the test sends. Thread-safe.
 */
#ifndef FAKE_H_INCLUDED
#define FAKE_H_INCLUDED

#include "broker-less/hf_door.h"
#include "msgs/hf_msg.h"

typedef struct fake fake_t;

enum {
    FAKE_OPEN = 1,      //  OPENED: session ids 101, 102, ...
    FAKE_ALIVE = 2,     //  ALIVE, which lists nothing
    FAKE_LEADER = 4,    //  RESULT to the query LEADER: what makes a client believe in it
    FAKE_CLOSE = 8,     //  CLOSED
    FAKE_REQUESTS = 16, //  every request is granted and done; tokens rise
    FAKE_LEADS = 31
};

/*  A free port of 127.0.0.1. */
uint16_t fake_port (void);

/*  The list of COUNT nodes with these ports, ids from 1, into TEXT of 512 bytes. */
void fake_list (char *text, const uint16_t *ports, uint32_t count);

fake_t *fake_new (uint16_t port, unsigned autos);
void fake_destroy (fake_t **self_p);

void fake_set_autos (fake_t *self, unsigned autos);
/*  Refuse everything with NOT_LEADER (leader, term); ON false: stop refusing. */
void fake_follow (fake_t *self, bool on, uint32_t leader, uint64_t term);

/*  A frame that was received; free with fake_frame_free. */
typedef struct fake_frame {
    struct fake_frame *next;
    uint32_t kind;
    hf_scan_t scan; //  at the record
    size_t size;
    uint8_t bytes[];
} fake_frame_t;

/*  The next frame of KIND that was not taken yet; NULL when none comes within LIMIT_MS. */
fake_frame_t *fake_take (fake_t *self, uint32_t kind, uint32_t limit_ms);
/*  How many of KIND were received so far, taken or not. */
uint32_t fake_count (fake_t *self, uint32_t kind);

/*  To the client that was last heard. */
void fake_send (fake_t *self, const hf_pack_t *frame);
void fake_send_bytes (fake_t *self, const void *bytes, size_t size);

//  Shorthands; they pack and send one frame.
void fake_answer (fake_t *self, uint64_t session, uint64_t seq, hf_status_t status, uint64_t index,
                  uint64_t token, uint64_t position);
void fake_refuse (fake_t *self, hf_status_t status, uint32_t leader, uint64_t term);

#endif
