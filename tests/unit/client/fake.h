/*  fake.h - a node that does what a test says: a door, a thread, and canned answers.
 *
 *  Everything it receives is recorded for the test to take. What it answers by itself is set
 *  by NODE bits; the rest the test sends. Thread-safe.
 */
#ifndef FAKE_H_INCLUDED
#define FAKE_H_INCLUDED

#include "base/hf_chain.h"
#include "tests/unit/client/node.h"

typedef struct fake fake_t;

fake_t *fake_new (uint16_t port, unsigned autos);
void fake_destroy (fake_t **self_p);

void fake_set_autos (fake_t *self, unsigned autos);
void fake_set_pages (fake_t *self, const page_t *pages);
/*  Refuse everything with NOT_LEADER (leader, term); ON false: stop refusing. */
void fake_follow (fake_t *self, bool on, uint32_t leader, uint64_t term);

/*  A frame that was received; free with free. */
typedef struct fake_frame {
    hf_chain_t chain;
    uint32_t kind;
    hf_scan_t scan; //  at the record
    size_t size;
    uint8_t bytes[];
} fake_frame_t;

/*  The next frame of KIND that was not taken yet; NULL when none comes within LIMIT_MS. */
fake_frame_t *fake_take (fake_t *self, uint32_t kind, uint32_t limit_ms);
/*  How many of KIND were received so far, taken or not. */
uint32_t fake_count (fake_t *self, uint32_t kind);

//  To the client that was last heard.
void fake_send (fake_t *self, hf_pack_t *frame); //  and ends the pack
void fake_answer (fake_t *self, uint64_t session, uint64_t seq, hf_status_t status, uint64_t index,
                  uint64_t token, uint64_t position);

#endif
