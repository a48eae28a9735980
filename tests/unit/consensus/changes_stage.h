/*  changes_stage.h - a core whose members change, by hand: node 1 leads 1, 2 and 3, whose roster is
 *  of level 1 unless a test says otherwise.
 */
#ifndef CHANGES_STAGE_H_INCLUDED
#define CHANGES_STAGE_H_INCLUDED

#include "hf_bench.h"

hf_seat_t changes_seat (uint32_t node, uint32_t slot, uint32_t flags);
hf_roster_at_t changes_roster (uint64_t index, const hf_roster_t *roster);
hf_roster_t changes_three (uint32_t level);
hf_core_config_t changes_config (uint32_t self);
void changes_open (hf_bench_t *bench, uint32_t self, const hf_roster_t *roster);
uint64_t changes_last (const hf_bench_t *bench);
uint64_t changes_commit (const hf_bench_t *bench);
hf_role_t changes_role (const hf_bench_t *bench);
void changes_ack_as (hf_bench_t *bench, uint32_t from, uint64_t index, uint64_t incarnation);
void changes_ack (hf_bench_t *bench, const char *nodes);
void changes_beat (hf_bench_t *bench);
void changes_lead (hf_bench_t *bench);
void changes_open_leading (hf_bench_t *bench, const hf_roster_t *roster);
void changes_open_three (hf_bench_t *bench, uint32_t level);
hf_verdict_t changes_verdict (const hf_bench_t *bench, uint64_t id);
hf_verdict_t changes_ask (hf_bench_t *bench, hf_change_t change);
hf_verdict_t changes_change (hf_bench_t *bench, uint64_t id, hf_change_op_t op, uint32_t node);
void changes_says (const hf_bench_t *bench, const char *expected);

#endif
