/*  hf_bench.h - one core on the bench, fed by hand: node 2 of 1, 2, 3 unless a test says otherwise.
 */
#ifndef HF_BENCH_H_INCLUDED
#define HF_BENCH_H_INCLUDED

#include "tests/kit/hf_test.h"
#include "nodes/consensus/hf_core_internal.h"

#define HF_BENCH_TEXT 1024

typedef struct hf_bench {
    hf_core_t *core;
    hf_effects_t effects;
    uint64_t now_us;
    uint32_t self;
    uint64_t incarnation;
    uint32_t chunk;                //  entries in one chunk of a repair
    hf_pack_t list;                //  entries for the next ENTRIES
    char persisted[HF_BENCH_TEXT]; //  since the last hf_bench_said
    char said[HF_BENCH_TEXT];
    uint64_t commit_said;
} hf_bench_t;

/*  A test of one bench, which OPEN makes with these arguments. */
#define HF_BENCH_TEST(name, open, ...)                                                             \
    static void name##_on (hf_bench_t *bench);                                                     \
    HF_TEST (name)                                                                                 \
    {                                                                                              \
        hf_bench_t bench;                                                                          \
        open (&bench, __VA_ARGS__);                                                                \
        name##_on (&bench);                                                                        \
        hf_bench_close (&bench);                                                                   \
    }                                                                                              \
    static void name##_on (hf_bench_t *bench)

/*  The defaults, for member SELF of COUNT. */
hf_core_config_t hf_bench_config (uint32_t self, uint32_t count);
/*  Whether a core can be made of that. */
bool hf_bench_makes (const hf_core_config_t *config, const hf_restored_t *restored);

void hf_bench_open_core (hf_bench_t *bench, const hf_core_config_t *config,
                         const hf_restored_t *restored);
/*  Member SELF of COUNT in TERM. LOG is like "1x3 2x1": three entries of term 1, one of term 2;
 *  of those BASE are pruned. */
void hf_bench_open_log (hf_bench_t *bench, uint32_t self, uint32_t count, uint64_t term,
                        const char *log, uint64_t base);
/*  Node 2 of 3; LAST_INDEX entries of term 1. */
void hf_bench_open (hf_bench_t *bench, uint64_t term, uint64_t last_index);
/*  Node 2, which has voted in TERM; five entries of term 1. */
void hf_bench_open_voted (hf_bench_t *bench, uint64_t term, hf_member_t voted_for);
/*  A ROSTER entry that gives the members these incarnations. */
hf_roster_at_t hf_bench_roster (uint64_t index, uint64_t first, uint64_t second, uint64_t third);
hf_entry_t hf_bench_roster_entry (uint64_t term, const hf_roster_at_t *at);
/*  Node 2 with INCARNATION, and a log after BASE whose roster is 100, 200, 300. */
void hf_bench_open_roster (hf_bench_t *bench, uint64_t incarnation, uint64_t term, uint64_t base,
                           uint64_t last_index);
/*  Everything that may be is pruned. */
void hf_bench_prune (hf_bench_t *bench);
void hf_bench_close (hf_bench_t *bench);

/*  One step; what it wants persisted goes into the open transaction. */
void hf_bench_step (hf_bench_t *bench, hf_event_t *event);
void hf_bench_event (hf_bench_t *bench, hf_event_t event);
#define HF_BENCH_EVENT(bench, ev, ...)                                                             \
    hf_bench_event (bench, (hf_event_t){.type = HF_EV_##ev, __VA_ARGS__})
/*  A message of a peer: HF_BENCH_PEER (bench, NEED, need, .from = 3, .to = 2, ...). */
#define HF_BENCH_PEER(bench, KIND, name, ...)                                                      \
    hf_bench_event (bench, (hf_event_t){.type = HF_EV_PEER,                                        \
                                        .peer = {.kind = HF_KIND_##KIND, .name = {__VA_ARGS__}}})
/*  The driver commits, sends all, and reports what is durable now. */
void hf_bench_commit (hf_bench_t *bench);
void hf_bench_tick_after (hf_bench_t *bench, uint64_t us);
/*  A tick when the core wants to be woken; gives how long that is from now. */
uint64_t hf_bench_wake (hf_bench_t *bench);
void hf_bench_beat (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t round,
                    uint64_t commit, uint64_t last_index, uint64_t last_term);
/*  COUNT entries of these terms in the next ENTRIES. */
void hf_bench_put (hf_bench_t *bench, uint64_t term, uint32_t count);
void hf_bench_entries (hf_bench_t *bench, hf_entries_t m);
void hf_bench_append (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t commit,
                      uint64_t prev_index, uint64_t prev_term);
/*  Given to the node's own incarnation unless M names another candidate. */
void hf_bench_vote (hf_bench_t *bench, hf_vote_t m);
void hf_bench_granted (hf_bench_t *bench, uint32_t from, uint64_t term, bool pre,
                       uint64_t incarnation);
void hf_bench_acked (hf_bench_t *bench, uint32_t from, uint64_t term, uint64_t index,
                     uint64_t round);
void hf_bench_link (hf_bench_t *bench, uint32_t node, bool up);
/*  The last message of KIND in the effects; NULL when there is none. */
const hf_outgoing_t *hf_bench_sent (const hf_bench_t *bench, uint32_t kind);
const hf_persist_t *hf_bench_persisted (const hf_bench_t *bench, hf_persist_type_t type);
/*  Make it lead TERM + 1, with its term-opening entry durable. */
void hf_bench_make_leader (hf_bench_t *bench);

/*  All effects since the last call as one text: what was persisted, the messages, the notices, and
 *  the commit index if it rose. The driver has committed, but does not report it yet. */
const char *hf_bench_said (hf_bench_t *bench);
#define HF_BENCH_SAYS(bench, text) assert_string_equal (hf_bench_said (bench), text)

#endif
