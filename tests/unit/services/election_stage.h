/*  election_stage.h - an election service in virtual time, on a log in memory, and what left it. */
#ifndef ELECTION_STAGE_H_INCLUDED
#define ELECTION_STAGE_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "nodes/services/hf_election_service.h"

#define LOG_MAX 400
#define OUT_MAX 400

/*  Something that left: a frame for peer TO, or a message for actor ACTOR. */
typedef struct left {
    bool early; //  before the commit of its turn
    hf_to_t actor;
    uint32_t to, kind;
    uint8_t *bytes;
    size_t size;
} left_t;

typedef struct stage {
    hf_election_config_t config;
    hf_election_service_t *service;
    uint64_t now_us;
    //  The log: entries base + 1 .. last.
    uint64_t base, last, term, base_term;
    hf_member_t voted_for;
    struct {
        uint64_t term;
        uint32_t type;
        char text[128];
    } entries[LOG_MAX];
    hf_pack_t frame; //  pack an input here
    bool in_turn;
    unsigned writes; //  since the last commit
    unsigned commits;
    uint64_t sync_us; //  what a commit takes
    bool early;       //  what leaves now does so before a commit
    uint64_t round;   //  of the last HEARTBEAT that left
    left_t left[OUT_MAX];
    size_t left_count;
    uint64_t delivered_bytes; //  of entries, in A_COMMITTED
    char lines[4000];
} stage_t;

/*  STAGE_TEST (name, stage, members) { ... } is a test on STAGE: node 2, or the node alone. Change
 *  stage->config or the log first, if need be: stage_start, stage_lead and stage_follow make the
 *  service. */
#define STAGE_TEST(name, stage, members)                                                           \
    static void name##_on (stage_t *stage);                                                        \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        stage_t on;                                                                                \
        stage_init (&on, members);                                                                 \
        name##_on (&on);                                                                           \
        stage_done (&on);                                                                          \
    }                                                                                              \
    static void name##_on (stage_t *stage)

void stage_init (stage_t *self, uint32_t members);
void stage_done (stage_t *self);

/*  Make the service and run its first turn, after A_START with APPLIED. */
void stage_start (stage_t *self, uint64_t applied);
/*  Become leader with the vote of another; or follow LEADER. */
void stage_lead (stage_t *self);
void stage_follow (stage_t *self, uint32_t leader, uint64_t term);

/*  A turn; the first input begins one as well, 1 ms later. Its end commits until nothing is dirty.
 */
void stage_begin (stage_t *self, uint64_t after_us);
void stage_end (stage_t *self);
/*  A turn without inputs. */
void stage_turn (stage_t *self, uint64_t after_us);

//  Inputs: what is in self->frame, and those that are packed here.
void stage_peer (stage_t *self);
void stage_actor (stage_t *self);
void stage_ack (stage_t *self, uint32_t from, uint64_t index);
void stage_flushed (stage_t *self, uint64_t index);
void stage_propose (stage_t *self, const char *text);
/*  ENTRIES of LEADER: one entry of TERM with TEXT after (PREV, PREV_TERM). */
void stage_entries (stage_t *self, uint32_t leader, uint64_t term, uint64_t commit, uint64_t prev,
                    uint64_t prev_term, const char *text);

/*  The number of things of KIND that left; and the last one of them, its scan at the record. */
size_t stage_count (const stage_t *self, uint32_t kind);
const left_t *stage_last (const stage_t *self, uint32_t kind, hf_scan_t *scan);
/*  Forget what left. */
void stage_forget (stage_t *self);

/*  Every entry that left in A_COMMITTED, checked to be in order and that of the log. Gives the last
 *  index; FIRST is what the first one must be. */
uint64_t stage_delivered (const stage_t *self, uint64_t first);

#endif
