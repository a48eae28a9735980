/*  hf_history.h - the last hour of a node, for curves: a few facts each HF_HISTORY_STEP_S seconds.
 *
 *  A ring of HF_HISTORY_STEPS samples, of some 20 KiB, that never grows. A step without a sample
 * (the node was too busy to answer, or did not run) is a gap.
 */
#ifndef HF_HISTORY_H_INCLUDED
#define HF_HISTORY_H_INCLUDED

#include <jansson.h>
#include <stdint.h>

#define HF_HISTORY_STEP_S 10
#define HF_HISTORY_STEPS  360

typedef struct hf_history hf_history_t;

hf_history_t *hf_history_new (void);
void hf_history_destroy (hf_history_t **self_p);

/*  A sample: the facts in STATUS (an object, as hf_http_rows makes it), as of NOW_US. Of one step
 * the first counts; times do not go back. */
void hf_history_add (hf_history_t *self, uint64_t now_us, const json_t *status);

/*  {"step_s": 10, "grants": [...], ...}: for each step from the first sample of the last hour to
 * the last one a number, or null for a gap. GRANTS: in that step; LEADER and TERM: at its sample.
 */
json_t *hf_history_json (const hf_history_t *self);

#endif
