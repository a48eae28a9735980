/*  report.h - results, for people and as JSON. */
#ifndef HF_BENCH_REPORT_H_INCLUDED
#define HF_BENCH_REPORT_H_INCLUDED

#include "bench/load.h"
#include <jansson.h>

/*  The options that shape a run, as one JSON object (the caller's) and as one line on stdout. */
json_t *hf_report_options (const hf_bench_options_t *options);
void hf_report_headline (const hf_bench_options_t *options);

/*  Print one JSON object on stdout; takes it over. */
void hf_report_json (json_t *object);

/*  A run of cycle or handoff. UNANSWERED: workers that did not finish. */
void hf_report_load (const hf_bench_options_t *options, const hf_load_result_t *result,
                     uint32_t unanswered);

/*  Lines or members of a JSON object for what failed; gives how many did. */
uint64_t hf_report_errors (const hf_load_result_t *result, uint32_t unanswered);
json_t *hf_report_errors_json (const hf_load_result_t *result, uint32_t unanswered);

#endif
